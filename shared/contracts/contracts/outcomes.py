"""What assessment says of the way to each person's outcome: steps before it, programmes of rehabilitation, outcomes given up, tries to reach her.

Codes, ids, dates and numbers alone. Much of it nobody else reads: it is told so that a store that lost an hour learns it again.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.assessment import ONLOOKERS, AssessmentEvent
from contracts.vocabulary import AgencyCode, AreaCode, Outcome, Relation, Risk


class Preparation(StrEnum):
    """A step on the way to an outcome."""

    HOME_VISIT = "home_visit"
    RISK_RECHECK = "risk_recheck"
    RECEIVER = "receiver"
    CONSENT = "consent"
    REGION_ACCEPTANCE = "region_acceptance"
    CARER_CHECK = "carer_check"
    INDEPENDENCE = "independence"
    BODY_ACCEPTANCE = "body_acceptance"
    APPROVAL = "approval"
    REVIEW = "review"


class Finding(StrEnum):
    """What a home visit or a check of a carer found."""

    SUITABLE = "suitable"
    SUITABLE_WITH_SUPPORT = "suitable_with_support"
    UNSUITABLE = "unsuitable"


class OwnView(StrEnum):
    """What a child itself says to what is planned for it."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    TOO_YOUNG = "too_young"
    UNABLE = "unable"


class Consenter(StrEnum):
    """Who consents for a child; an alternative to a parent must exist, because the parent is often the perpetrator."""

    PARENT = "parent"
    GUARDIAN = "guardian"
    OTHER_KIN = "other_kin"
    SOCIAL_WORKER = "social_worker"
    COURT = "court"


class ConsentAbsence(StrEnum):
    """Why nobody's consent is there."""

    COURT_ORDER = "court_order"
    UNABLE_TO_EXPRESS = "unable_to_express"
    NO_CONSENTER_FOUND = "no_consenter_found"
    IMMEDIATE_DANGER = "immediate_danger"


class BodyKind(StrEnum):
    """What kind of authority or body takes a person over."""

    SOCIAL_AGENCY = "social_agency"
    PROTECTION_UNIT = "protection_unit"
    VILLAGE = "village"
    MINISTRY = "ministry"
    CONSULATE = "consulate"
    HEALTH = "health"
    WITNESS_PROTECTION = "witness_protection"
    NGO = "ngo"


class Income(StrEnum):
    """What somebody who lives by herself lives on."""

    WAGE = "wage"
    OWN_BUSINESS = "own_business"
    SOCIAL_AID = "social_aid"
    FAMILY = "family"


class Dwelling(StrEnum):
    """Where somebody who lives by herself lives."""

    OWN = "own"
    RENTED = "rented"
    BOARDING = "boarding"
    SOCIAL_HOUSING = "social_housing"


class AreaReason(StrEnum):
    """Why somebody may go to an area in which a perpetrator lives or works."""

    PERPETRATOR_DETAINED = "perpetrator_detained"
    PERPETRATOR_MOVED = "perpetrator_moved"
    PROTECTION_ORDER = "protection_order"
    OWN_INFORMED_WISH = "own_informed_wish"


class AbandonReason(StrEnum):
    """Why what was planned for a person is given up."""

    REFUSED_BY_PERSON = "refused_by_person"
    UNSAFE = "unsafe"
    REGION_DECLINED = "region_declined"
    RECEIVER_DECLINED = "receiver_declined"
    UNSUITABLE = "unsuitable"
    PROVIDER_DECLINED = "provider_declined"
    LEFT_BY_CHOICE = "left_by_choice"
    MOVED_ELSEWHERE = "moved_elsewhere"
    BROKE_DOWN = "broke_down"
    DIED = "died"


class WhyNotFamily(StrEnum):
    """What a review found: why a child stays in residential care, or how it is with its carer."""

    NO_KIN_KNOWN = "no_kin_known"
    KIN_UNSUITABLE = "kin_unsuitable"
    KIN_DECLINED = "kin_declined"
    NO_FOSTER_CARER = "no_foster_carer"
    SEARCH_GOES_ON = "search_goes_on"
    CHILD_WISHES = "child_wishes"
    CARER_SUITABLE = "carer_suitable"
    CARER_NEEDS_SUPPORT = "carer_needs_support"


class CompletedBecause(StrEnum):
    """Why a supervisor lets a rehabilitation be complete that is not by rule."""

    PROVIDED_ELSEWHERE = "provided_elsewhere"
    GOALS_MET = "goals_met"
    NOTHING_MORE_OFFERED = "nothing_more_offered"
    HEALTH = "health"
    OWN_WISH = "own_wish"


class ProgrammeKind(StrEnum):
    """What a programme of social rehabilitation offers (ATENSI, Permensos 7/2021)."""

    SKILLS_TRAINING = "skills_training"
    COUNSELLING = "counselling"
    SOCIAL_ACCOMPANIMENT = "social_accompaniment"
    HEALTH = "health"
    EDUCATION = "education"
    LEGAL_AID = "legal_aid"


class ProgrammeStep(StrEnum):
    """What happened with one person in a programme."""

    ENROLLED = "enrolled"
    ATTENDED = "attended"
    ABSENT = "absent"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


class WithdrawalReason(StrEnum):
    """Why somebody leaves a programme."""

    OWN_WISH = "own_wish"
    HEALTH = "health"
    SAFETY = "safety"
    MOVED = "moved"
    OTHER_PROGRAMME = "other_programme"
    PROVIDER_ENDED = "provider_ended"
    OUTCOME_ENDED = "outcome_ended"


class Independence(StrEnum):
    """How independent a person is, as the worker rates it; the order is that of growing independence."""

    DEPENDENT = "dependent"
    NEEDS_SUPPORT = "needs_support"
    MOSTLY_INDEPENDENT = "mostly_independent"
    INDEPENDENT = "independent"


class LostDecision(StrEnum):
    """What a supervisor decides when nobody can be reached; that contact is lost for good is intake's word."""

    TRY_AGAIN = "try_again"
    REACHED_OTHERWISE = "reached_otherwise"


class OutcomePrepared(AssessmentEvent):
    """One step on the way to a person's outcome was recorded. Reference numbers stay in the store. Nobody else reads it."""

    type: ClassVar[str] = "case.assessment.outcome_prepared.v1"

    person_id: UUID
    step: Preparation
    recorded_by: UUID
    on: date | None = None
    finding: Finding | None = None
    risk: Risk | None = None
    receiver: Relation | None = None
    receiver_id: UUID | None = None
    receiving_area: AreaCode | None = None
    agreed: bool | None = None
    own_view: OwnView | None = None
    consenter: Consenter | None = None
    consenter_id: UUID | None = None
    absence: ConsentAbsence | None = None
    body: BodyKind | None = None
    income: Income | None = None
    dwelling: Dwelling | None = None
    safety_plan: bool | None = None
    review_days: int | None = Field(default=None, ge=1, le=365)
    area_reason: AreaReason | None = None
    another_person: bool | None = None
    why: WhyNotFamily | None = None


class OutcomeAbandoned(AssessmentEvent):
    """What was planned for a person, or had come true, is given up; a new plan for her is due, unless she died."""

    type: ClassVar[str] = "case.assessment.outcome_abandoned.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    person_id: UUID
    reason: AbandonReason
    outcome: Outcome | None = None
    due_at: datetime | None = None


class ProgrammeOffered(AssessmentEvent):
    """A programme of social rehabilitation is offered, or its places changed; the subject is the programme. Nobody else reads it."""

    type: ClassVar[str] = "case.assessment.programme_offered.v1"

    kind: ProgrammeKind
    provider: AgencyCode
    area: AreaCode
    places: int = Field(ge=1, le=500)
    begins_on: date
    ends_on: date
    sessions: tuple[datetime, ...] = ()


class ProgrammeFollowed(AssessmentEvent):
    """Something happened with one person in a programme. Nobody else reads it."""

    type: ClassVar[str] = "case.assessment.programme_followed.v1"

    person_id: UUID
    programme_id: UUID
    enrolment_id: UUID
    step: ProgrammeStep
    session: int | None = Field(default=None, ge=1)
    reason: WithdrawalReason | None = None
    certificate: bool | None = None
    independence: Independence | None = None


class FollowupTried(AssessmentEvent):
    """Somebody tried to follow up and reached nobody. Nobody else reads it."""

    type: ClassVar[str] = "case.assessment.followup_tried.v1"

    number: int = Field(ge=1)
    tries: int = Field(ge=1)


class FollowupLost(AssessmentEvent):
    """Nobody could be reached however often it was tried: a supervisor decides whether to look on, or whether contact is lost."""

    type: ClassVar[str] = "case.assessment.followup_lost.v1"
    read_by: ClassVar[tuple[str, ...]] = ONLOOKERS

    number: int = Field(ge=1)
    tries: int = Field(ge=1)
    due_at: datetime

    @property
    def urgent(self) -> bool:
        """Somebody who cannot be reached any more is never kept waiting."""
        return True


class FollowupResumed(AssessmentEvent):
    """A supervisor decided that somebody who was lost is looked for again, or was reached otherwise: another follow-up comes. Nobody else reads it."""

    type: ClassVar[str] = "case.assessment.followup_resumed.v1"

    decision: LostDecision
    decided_by: UUID


PREPARED = (OutcomePrepared, ProgrammeOffered, ProgrammeFollowed)
FOLLOWED = (FollowupTried, FollowupLost, FollowupResumed)
