"""What placement says about a household's way to a bed and out of it again."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Data, Event
from contracts.household import Household
from contracts.vocabulary import (
    AgencyCode,
    Agreement,
    AreaCode,
    Availability,
    CancelReason,
    DeclineReason,
    Destination,
    Handover,
    PpksCategory,
    RuleCode,
    SplitReason,
    TransferAnswer,
)

ONLOOKERS = ("intake", "notifications")
CONCERNED = ("intake", "assessment", "notifications")


class PlacementEvent(Event):
    """A fact that placement says about a case."""

    producer: ClassVar[str] = "placement"


class GroupEvent(PlacementEvent):
    """A fact about a household; `group_id` names the group of a split one that it is about, as `SplitApproved` did."""

    group_id: UUID | None = None


class OfferEvent(GroupEvent):
    """One step of one offer."""

    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    placement_id: UUID
    shelter_id: UUID


class Offered(OfferEvent):
    """Beds for the whole household are held until `hold_until`; the shelter's head decides.

    `by_hand` is why a person offered them out of order, `set_aside` are the rules that a supervisor set aside for it.
    """

    type: ClassVar[str] = "case.placement.offered.v1"

    persons: tuple[UUID, ...] = Field(min_length=1)
    hold_until: datetime
    by_hand: RuleCode | None = None
    set_aside: tuple[RuleCode, ...] = ()


class Extended(OfferEvent):
    """The hold goes on because nobody answered yet and the ladder still runs."""

    type: ClassVar[str] = "case.placement.extended.v1"

    hold_until: datetime


class Expired(OfferEvent):
    """The hold ran out without an answer; its beds are free."""

    type: ClassVar[str] = "case.placement.expired.v1"


class Cancelled(OfferEvent):
    """The offer was taken back, or the survivor said no to it; `triage_version` is the factversion of the triage that placement knew then."""

    type: ClassVar[str] = "case.placement.cancelled.v1"

    reason: CancelReason
    triage_version: int | None = Field(default=None, ge=0)


class Claimed(OfferEvent):
    """Somebody is working on the answer until `claimed_until`; nobody else need be called meanwhile."""

    type: ClassVar[str] = "case.placement.claimed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    claimed_until: datetime


class Accepted(OfferEvent):
    """The shelter's head said yes; the household is expected until `arrive_by`."""

    type: ClassVar[str] = "case.placement.accepted.v1"

    arrive_by: datetime


class Declined(OfferEvent):
    """The shelter's head said no."""

    type: ClassVar[str] = "case.placement.declined.v1"

    reason: DeclineReason


class OnTheWay(OfferEvent):
    """The household left for the shelter."""

    type: ClassVar[str] = "case.placement.on_the_way.v1"

    handover: Handover | None = None


class NoShow(OfferEvent):
    """The household did not arrive in time."""

    type: ClassVar[str] = "case.placement.no_show.v1"


class PersonAgreement(Data):
    """How one person agreed to be admitted."""

    person_id: UUID
    agreement: Agreement


class Admitted(OfferEvent):
    """The household is in."""

    type: ClassVar[str] = "case.placement.admitted.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    persons: tuple[PersonAgreement, ...] = Field(min_length=1)
    admitted_at: datetime
    review_on: date
    re_entry: bool = False


class AdmittedDirectly(PlacementEvent):
    """Someone already at the door was let in before any report; intake opens the case from this."""

    type: ClassVar[str] = "case.placement.admitted_directly.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    placement_id: UUID
    shelter_id: UUID
    household: Household
    persons: tuple[PersonAgreement, ...] = Field(min_length=1)
    brought_by: AgencyCode
    area: AreaCode
    ppks: PpksCategory | None = None
    admitted_at: datetime
    review_on: date
    warnings: tuple[RuleCode, ...] = ()


class Refusal(Data):
    """How many shelters one rule ruled out."""

    rule: RuleCode
    shelters: int = Field(ge=1)


class Waitlisted(GroupEvent):
    """No suitable bed is free; the household waits."""

    type: ClassVar[str] = "case.placement.waitlisted.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    refusals: tuple[Refusal, ...] = ()
    review_at: datetime


class Unmet(GroupEvent):
    """A need for shelter ended without a bed; `triage_version` is the factversion of the triage that placement knew then."""

    type: ClassVar[str] = "case.placement.unmet.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    refusals: tuple[Refusal, ...] = ()
    triage_version: int | None = Field(default=None, ge=0)


class SplitApproved(PlacementEvent):
    """A supervisor let a household be housed in groups, each placed whole, with the survivor's agreement.

    Of a household that looks for a bed, `group_ids` name the groups in the order of `groups`: each looks for its own bed from then on, and what
    is said of it carries its id. Persons who are named again are in their newest group. Without ids, some of them only move elsewhere.
    """

    type: ClassVar[str] = "case.placement.split_approved.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    groups: tuple[tuple[UUID, ...], ...] = Field(min_length=1)
    reason: SplitReason
    group_ids: tuple[UUID, ...] = ()


class TransferOffered(OfferEvent):
    """Another shelter is asked to take over persons who stay where they are until it says yes and they have moved."""

    type: ClassVar[str] = "case.placement.transfer_offered.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    from_placement_id: UUID
    persons: tuple[UUID, ...] = Field(min_length=1)
    hold_until: datetime


class TransferAnswered(OfferEvent):
    """A transfer that was asked for got its answer, or none in time."""

    type: ClassVar[str] = "case.placement.transfer_answered.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    answer: TransferAnswer


class Transferred(OfferEvent):
    """Persons moved from one shelter to another; their stay goes on under the new placement."""

    type: ClassVar[str] = "case.placement.transferred.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    from_placement_id: UUID
    persons: tuple[UUID, ...] = Field(min_length=1)
    moved_at: datetime
    review_on: date


class Left(GroupEvent):
    """Persons left by their own choice, which is never an escape."""

    type: ClassVar[str] = "case.placement.left.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    placement_id: UUID
    persons: tuple[UUID, ...] = Field(min_length=1)


class Discharged(GroupEvent):
    """Persons' stays ended with a destination."""

    type: ClassVar[str] = "case.placement.discharged.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    placement_id: UUID
    persons: tuple[UUID, ...] = Field(min_length=1)
    destination: Destination


class ClockMissed(GroupEvent):
    """A deadline that placement keeps ran out."""

    type: ClassVar[str] = "case.placement.clock_missed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    clock: RuleCode
    due_at: datetime


class AvailabilityChanged(PlacementEvent):
    """A kind of shelter filled up or has room again; all secret shelters are one kind."""

    type: ClassVar[str] = "shelter.availability_changed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    kind: RuleCode
    availability: Availability


class ProbingSuspected(GroupEvent):
    """One case asked for a shelter with ever other areas: somebody may be looking for a secret house. People look at it."""

    type: ClassVar[str] = "case.placement.probing_suspected.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    changes: int = Field(ge=1)


class CensusMissed(PlacementEvent):
    """Nobody confirmed in time who slept in a shelter; what is said of its room is getting old. The subject is the shelter."""

    type: ClassVar[str] = "shelter.census_missed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    shelter_id: UUID
    night: date
