"""What assessment says: who assesses, what came of it, the plan per person, its outcome and the follow-ups."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Data, Event
from contracts.services import ServiceCode, ServiceReason
from contracts.vocabulary import (
    AgencyCode,
    AreaCode,
    AssessmentFlag,
    AssessmentKind,
    Band,
    ConferenceDecision,
    FollowupResult,
    Outcome,
    Relation,
    ReturnReason,
    ReviewFinding,
    Risk,
    RuleCode,
)

ONLOOKERS = ("intake", "notifications")
CONCERNED = ("intake", "placement", "notifications")


class AssessmentEvent(Event):
    """A fact that assessment says about a case."""

    producer: ClassVar[str] = "assessment"


class Assigned(AssessmentEvent):
    """A social worker has the case, and the first assessment is due."""

    type: ClassVar[str] = "case.assessment.assigned.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    worker_id: UUID
    due_at: datetime
    reopened_version: int | None = Field(
        default=None, ge=0, description="of a case that was reopened: the version of that word, whose round this begins"
    )
    reentry: int | None = Field(default=None, ge=1, description="which return to a shelter after an outcome this round follows")


class Reassigned(AssessmentEvent):
    """Another social worker has the case now."""

    type: ClassVar[str] = "case.assessment.reassigned.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    worker_id: UUID
    due_at: datetime


class Completed(AssessmentEvent):
    """An assessment was completed; its answers never leave the service."""

    type: ClassVar[str] = "case.assessment.completed.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    band: Band
    flags: tuple[AssessmentFlag, ...] = ()
    kind: AssessmentKind | None = Field(default=None, description="left out by a release that knew one assessment only")
    risk: Risk | None = Field(default=None, description="the risk as judged, and as the rule floor raised it; it never lowers what others judged")
    rules: tuple[RuleCode, ...] = Field(default=(), description="the rules of the floor that raised the risk above the worker's own judgement")


class AlertRaised(AssessmentEvent):
    """An answer needs someone at once, whatever the total will be."""

    type: ClassVar[str] = "case.assessment.alert_raised.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    flag: AssessmentFlag
    person_id: UUID

    @property
    def urgent(self) -> bool:
        """An alert is never kept waiting."""
        return True


class PersonOutcome(Data):
    """What the plan leads to for one person."""

    person_id: UUID
    outcome: Outcome


class PlanApproved(AssessmentEvent):
    """A supervisor approved the plan, per person."""

    type: ClassVar[str] = "case.assessment.plan_approved.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    version: int = Field(ge=1)
    outcomes: tuple[PersonOutcome, ...] = Field(min_length=1)


class PlanReturned(AssessmentEvent):
    """A supervisor sent the plan back."""

    type: ClassVar[str] = "case.assessment.plan_returned.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    version: int = Field(ge=1)
    reason: ReturnReason


class ConferenceHeld(AssessmentEvent):
    """Those who work on a case conferred on it."""

    type: ClassVar[str] = "case.assessment.conference_held.v1"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    decision: ConferenceDecision
    held_at: datetime


class PlanReviewed(AssessmentEvent):
    """The worker reviewed the approved plan."""

    type: ClassVar[str] = "case.assessment.plan_reviewed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    version: int = Field(ge=1)
    finding: ReviewFinding


class ServiceEvent(AssessmentEvent):
    """A service that an approved plan names for one person, and its provider."""

    service_id: UUID
    person_id: UUID
    provider: AgencyCode
    service: ServiceCode


class ServiceRequested(ServiceEvent):
    """A service is wanted of a provider; whether the provider may hear of it is for intake to say, which knows what was consented to."""

    type: ClassVar[str] = "case.assessment.service_requested.v1"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    due_at: datetime


class ServiceAnswered(ServiceEvent):
    """What became of a request; `answer_version` is that of intake's word which it follows, where the provider answered by a message."""

    reason: ServiceReason | None = None
    answer_version: int | None = Field(default=None, ge=0)


class ServiceAccepted(ServiceAnswered):
    """The provider gives the service."""

    type: ClassVar[str] = "case.assessment.service_accepted.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS


class ServiceDeclined(ServiceAnswered):
    """The provider does not give the service; or nobody asks for it any more, and then it is `final`."""

    type: ClassVar[str] = "case.assessment.service_declined.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    final: bool = False


class ServiceDelivered(ServiceAnswered):
    """The person got the service."""

    type: ClassVar[str] = "case.assessment.service_delivered.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS


class Reunified(AssessmentEvent):
    """A person went home to family, kin or another region."""

    type: ClassVar[str] = "case.assessment.reunified.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    person_id: UUID
    receiver: Relation
    receiving_area: AreaCode
    outcome: Outcome | None = Field(default=None, description="which of the ways home was planned")
    review_days: int | None = Field(default=None, ge=1, le=365, description="after how many days people look at kin or a foster carer again")


class RehabilitationStarted(AssessmentEvent):
    """A person began social rehabilitation."""

    type: ClassVar[str] = "case.assessment.rehabilitation_started.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    person_id: UUID


class RehabilitationCompleted(AssessmentEvent):
    """A person completed social rehabilitation."""

    type: ClassVar[str] = "case.assessment.rehabilitation_completed.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    person_id: UUID


class OutcomeReached(AssessmentEvent):
    """A person's plan came true in a way other than reunification or rehabilitation."""

    type: ClassVar[str] = "case.assessment.outcome_reached.v1"
    read_by: ClassVar[tuple[str, ...]] = CONCERNED

    person_id: UUID
    outcome: Outcome


class FollowupDue(AssessmentEvent):
    """A follow-up visit or call is due; `number` counts from 1."""

    type: ClassVar[str] = "case.assessment.followup_due.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    number: int = Field(ge=1)
    due_at: datetime


class FollowupDone(AssessmentEvent):
    """A follow-up was done; `last` says that no other is planned."""

    type: ClassVar[str] = "case.assessment.followup_done.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    number: int = Field(ge=1)
    result: FollowupResult
    last: bool


class FollowupMissed(AssessmentEvent):
    """Nobody recorded a follow-up by the end of its clock."""

    type: ClassVar[str] = "case.assessment.followup_missed.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    number: int = Field(ge=1)
    last: bool


class ClockMissed(AssessmentEvent):
    """A deadline that assessment keeps ran out."""

    type: ClassVar[str] = "case.assessment.clock_missed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    clock: RuleCode
    due_at: datetime
    step: int | None = Field(default=None, ge=1, description="how often it ran out: the worker is told first, a supervisor after that")
    service_id: UUID | None = None
