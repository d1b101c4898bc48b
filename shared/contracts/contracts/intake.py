"""What intake says about a case, from the first report to its end."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Data, Event
from contracts.grounds import ClosureReturn, EndReason, HandoverReason, LegalBasis, OverrideReason, ReopenReason
from contracts.household import Household
from contracts.incidents import CoreType, IncidentPlace, LegalStep, PerpetratorRelation
from contracts.services import ServiceAnswer, ServiceCode, ServiceReason
from contracts.vocabulary import (
    AgencyCode,
    AgeYears,
    AreaCode,
    AreaKind,
    Channel,
    JoinerPlace,
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
    responsible_unit: AgencyCode | None = None
    shelter_needed: bool
    shelter_grounds: tuple[ShelterGround, ...] = ()
    violence_types: tuple[ViolenceType, ...] = ()
    ppks: PpksCategory | None = None
    keep_apart: tuple[UUID, ...] = ()
    perpetrator_areas: tuple[AreaCode, ...] = ()
    named_keep_apart: tuple[UUID, ...] | None = Field(
        default=None, description="those of keep_apart that a person named; the others follow from the suspects"
    )
    named_areas: tuple[AreaCode, ...] | None = Field(default=None, description="those of perpetrator_areas that a person named")
    medical_gate: bool = False
    judged: bool = Field(default=True, description="whether the risk was judged anew; not when only a wish or the suspects changed")
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


class IncidentRecorded(IntakeEvent):
    """What is known of one incident of the case; of several words on one incident the newest holds."""

    type: ClassVar[str] = "case.intake.incident_recorded.v1"
    read_by: ClassVar[tuple[str, ...]] = ("assessment",)

    incident_id: UUID
    occurred_on: date | None = None
    area: AreaCode | None = None
    place: IncidentPlace | None = None
    relation: PerpetratorRelation | None = None
    violence_types: tuple[ViolenceType, ...] = ()
    core_type: CoreType | None = None
    correction: bool = False


class SuspectRecorded(IntakeEvent):
    """What is known of a suspect, as far as others may need it: an id and codes."""

    type: ClassVar[str] = "case.intake.suspect_recorded.v1"
    read_by: ClassVar[tuple[str, ...]] = ("assessment",)

    suspect_id: UUID
    relation: PerpetratorRelation
    age: AgeYears | None = None
    areas: tuple[AreaCode, ...] = ()
    same_as: tuple[UUID, ...] = ()
    removed: bool = False


class JoinerSettled(IntakeEvent):
    """People decided where somebody sleeps who joined a household that is in a shelter."""

    type: ClassVar[str] = "case.intake.joiner_settled.v1"

    person_id: UUID
    place: JoinerPlace


class LegalStepRecorded(IntakeEvent):
    """Something was done for the victim before police, a court or LPSK; some of it holds until a day."""

    type: ClassVar[str] = "case.intake.legal_step_recorded.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    code: LegalStep
    on: date
    expires_on: date | None = None


class LegalStepExpiring(IntakeEvent):
    """What protects the victim by law ends soon."""

    type: ClassVar[str] = "case.intake.legal_step_expiring.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    code: LegalStep
    expires_on: date
    number: int = Field(ge=0, description="days that are left")


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


class ServiceRouted(IntakeEvent):
    """Whether the provider of a service hears of the request: it does as long as it has a grant for that purpose, and waits for one otherwise."""

    type: ClassVar[str] = "case.intake.service_routed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("assessment",)

    service_id: UUID
    provider: AgencyCode
    service: ServiceCode
    passed_on: bool
    due_at: datetime


class ServiceAnswered(IntakeEvent):
    """A provider answered a request for a service by a message of its own."""

    type: ClassVar[str] = "case.intake.service_answered.v1"
    read_by: ClassVar[tuple[str, ...]] = ("assessment",)

    service_id: UUID
    provider: AgencyCode
    answer: ServiceAnswer
    reason: ServiceReason | None = None


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

    basis: LegalBasis | None = Field(default=None, description="on which it rests; a release before said none")
    override: OverrideReason | None = Field(default=None, description="why, without the consent of those concerned")


class Closed(Ending):
    """A supervisor closed the case."""

    type: ClassVar[str] = "case.intake.closed.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE


class ContactLost(Ending):
    """Nobody can reach the survivor any more; intake tries again later, everyone else stops."""

    type: ClassVar[str] = "case.intake.contact_lost.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE


class SimfoniNumbered(IntakeEvent):
    """The national system has given the case a number, which only intake knows."""

    type: ClassVar[str] = "case.intake.simfoni_numbered.v1"


class Reopened(IntakeEvent):
    """A case that had ended goes on; it is triaged anew, and what the triages before asked for is not looked for any more."""

    type: ClassVar[str] = "case.intake.reopened.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE

    reason: ReopenReason
    due_at: datetime


class ClosureProposed(IntakeEvent):
    """An officer proposes to close the case; a supervisor decides."""

    type: ClassVar[str] = "case.intake.closure_proposed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    reason: EndReason
    proposed_by: UUID
    due_at: datetime


class ClosureReturned(IntakeEvent):
    """A supervisor does not close the case."""

    type: ClassVar[str] = "case.intake.closure_returned.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    reason: ClosureReturn


class Handover(IntakeEvent):
    """One step by which another agency comes to lead a case; `agency` is the one that is asked."""

    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    agency: AgencyCode


class ResponsibilityProposed(Handover):
    """The agency that leads asks another one to lead."""

    type: ClassVar[str] = "case.intake.responsibility_proposed.v1"

    from_agency: AgencyCode
    reason: HandoverReason
    due_at: datetime


class ResponsibilityDeclined(Handover):
    """The agency that was asked does not take the case; who led it still does."""

    type: ClassVar[str] = "case.intake.responsibility_declined.v1"

    reason: HandoverReason


class ResponsibilityTransferred(Handover):
    """The agency that was asked leads the case from now on."""

    type: ClassVar[str] = "case.intake.responsibility_transferred.v1"

    unit: AgencyCode | None = None


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
