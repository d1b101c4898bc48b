"""What intake says about a case, from the first report to its end."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from contracts.event import Data, Event
from contracts.household import Household
from contracts.vocabulary import (
    AgencyCode,
    AreaCode,
    AreaKind,
    Channel,
    EndReason,
    OutreachResult,
    PostCode,
    PpksCategory,
    RedFlag,
    ReporterRole,
    Risk,
    RuleCode,
    ShelterGround,
    StreetAgreement,
    ViolenceType,
)

EVERYONE = ("placement", "assessment", "notifications")


class IntakeEvent(Event):
    """A fact that intake says about a case."""

    producer: ClassVar[str] = "intake"


class Reported(IntakeEvent):
    """A report was taken and a case exists."""

    type: ClassVar[str] = "case.intake.reported.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    household: Household
    channel: Channel
    reporter: ReporterRole
    agency: AgencyCode
    area: AreaCode
    area_kind: AreaKind
    violence_types: tuple[ViolenceType, ...] = ()
    ppks: PpksCategory | None = None
    urgency: Risk
    occurred_at: datetime | None = None
    recorded_at: datetime
    post: PostCode | None = None
    heard_at: datetime | None = None

    @property
    def urgent(self) -> bool:
        """A report whose sender marked it high goes first."""
        return self.urgency is Risk.HIGH


class Triage(IntakeEvent):
    """What a triage settles; shared by the first triage and by each change of risk, so that either alone is enough to act on."""

    household: Household
    area: AreaCode
    risk: Risk
    red_flags: tuple[RedFlag, ...] = ()
    responsible_agency: AgencyCode
    shelter_needed: bool
    shelter_grounds: tuple[ShelterGround, ...] = ()
    violence_types: tuple[ViolenceType, ...] = ()
    ppks: PpksCategory | None = None
    keep_apart: tuple[UUID, ...] = ()
    perpetrator_areas: tuple[AreaCode, ...] = ()
    medical_gate: bool = False
    channel: Channel | None = None
    due_at: datetime

    @property
    def urgent(self) -> bool:
        """High risk goes first."""
        return self.risk is Risk.HIGH


class Triaged(Triage):
    """The case has a risk level and a responsible agency, and needs a shelter or goes straight to assessment."""

    type: ClassVar[str] = "case.intake.triaged.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE


class RiskChanged(Triage):
    """The triage was made again, with everything that holds now."""

    type: ClassVar[str] = "case.intake.risk_changed.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE


class HouseholdChanged(IntakeEvent):
    """Someone joined or left the household, or a member's facts were corrected."""

    type: ClassVar[str] = "case.intake.household_changed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("placement", "assessment")

    household: Household


class OutreachDispatched(IntakeEvent):
    """An outreach team is on its way to the person."""

    type: ClassVar[str] = "case.intake.outreach_dispatched.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    team: AgencyCode
    due_at: datetime


class OutreachArrived(IntakeEvent):
    """The outreach team is where the person was said to be; its result is due then."""

    type: ClassVar[str] = "case.intake.outreach_arrived.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    arrived_at: datetime
    due_at: datetime


class PersonOnTheStreet(Data):
    """What one person said to coming along, or why nobody knows."""

    person_id: UUID
    agreement: StreetAgreement


class OutreachEnded(IntakeEvent):
    """The outreach team reported its result."""

    type: ClassVar[str] = "case.intake.outreach_ended.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    result: OutreachResult
    ended_at: datetime | None = None
    persons: tuple[PersonOnTheStreet, ...] = ()


class Ending(IntakeEvent):
    """The case ended for a coded reason."""

    reason: EndReason


class Withdrawn(Ending):
    """The survivor withdrew; everyone stops what they do for this case."""

    type: ClassVar[str] = "case.intake.withdrawn.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE

    @property
    def urgent(self) -> bool:
        """A withdrawal is never kept waiting."""
        return True


class ReferredOut(Ending):
    """The case is now the responsibility of an agency outside the platform."""

    type: ClassVar[str] = "case.intake.referred_out.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE


class Closed(Ending):
    """A supervisor closed the case."""

    type: ClassVar[str] = "case.intake.closed.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE


class Identity(IntakeEvent):
    """People decided something about who a person of this case is. Nobody reads it yet; it is never copied to an agency."""

    person_id: UUID
    same_as: UUID


class Merged(Identity):
    """This person is the same as an older one: an alias, so that no row of either changes."""

    type: ClassVar[str] = "case.intake.merged.v1"


class Unmerged(Identity):
    """The merge was undone: the two are two again."""

    type: ClassVar[str] = "case.intake.unmerged.v1"


class ClockMissed(IntakeEvent):
    """A deadline that intake keeps ran out."""

    type: ClassVar[str] = "case.intake.clock_missed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    clock: RuleCode
    due_at: datetime
