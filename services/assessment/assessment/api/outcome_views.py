"""What the routes of outcomes and follow-ups take and show: codes, dates and ids; a reference number is all that is not one."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from contracts.outcomes import (
    AbandonReason,
    AreaReason,
    BodyKind,
    CompletedBecause,
    ConsentAbsence,
    Consenter,
    Dwelling,
    Finding,
    Income,
    LostDecision,
    OwnView,
    WhyNotFamily,
)
from contracts.vocabulary import AreaCode, FollowupResult, Relation, Risk
from pydantic import BaseModel, Field, StrictBool, model_validator

from assessment.domain import preparation
from assessment.domain.case import Case, Progress
from assessment.domain.preparation import Taken
from assessment.views import Body

Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9./ -]{0,59}$", description="the number of the letter, as it stands on it")]


class HomeVisit(Body):
    """Somebody looked where the person would live."""

    kind: Literal["home_visit"]
    on: date
    finding: Finding


class RiskRecheck(Body):
    """The worker judged the risk again, after the home visit where there is one."""

    kind: Literal["risk_recheck"]
    on: date
    risk: Risk


class Receiver(Body):
    """Who receives the person, and in which district; `receiver_id` where the platform knows her or him."""

    kind: Literal["receiver"]
    receiver: Relation
    receiving_area: AreaCode
    receiver_id: UUID | None = None


class Consent(Body):
    """What the person herself said to it; for a child its own view and who consents, or why nobody does."""

    kind: Literal["consent"]
    agreed: StrictBool = False
    own_view: OwnView | None = None
    consenter: Consenter | None = None
    consenter_id: UUID | None = None
    absence: ConsentAbsence | None = None


class RegionAcceptance(Body):
    """The region to which the person returns accepts her."""

    kind: Literal["region_acceptance"]
    body: BodyKind
    on: date
    reference: Reference


class CarerCheck(Body):
    """Whether kin or a foster carer suits, and after how many days somebody looks again."""

    kind: Literal["carer_check"]
    on: date
    finding: Finding
    review_days: int = Field(default=90, ge=1, le=365)


class IndependenceCheck(Body):
    """What somebody who lives by herself lives on and where, and whether she has a safety plan."""

    kind: Literal["independence"]
    income: Income
    dwelling: Dwelling
    safety_plan: StrictBool


class BodyAcceptance(Body):
    """The body to which the person is referred accepts her."""

    kind: Literal["body_acceptance"]
    body: BodyKind
    on: date
    reference: Reference


AnyStep = Annotated[
    HomeVisit | RiskRecheck | Receiver | Consent | RegionAcceptance | CarerCheck | IndependenceCheck | BodyAcceptance, Field(discriminator="kind")
]


class PreparationBody(Body):
    """A step on the way to the outcome of one person, or of several of whom the same is true."""

    persons: tuple[UUID, ...] = Field(min_length=1, max_length=30)
    step: AnyStep

    @model_validator(mode="after")
    def each_consents_for_herself(self) -> Self:
        """Nobody consents by the way."""
        if isinstance(self.step, Consent) and len(self.persons) > 1:
            message = "consent is recorded person by person"
            raise ValueError(message)
        return self


class ApprovalBody(Body):
    """A supervisor approves that a person's outcome comes true as it is prepared."""

    person_id: UUID
    area_reason: AreaReason | None = Field(default=None, description="why she may go to an area of a perpetrator")
    another_person: StrictBool = Field(default=False, description="that who receives her is not the perpetrator, whose relation is the same")


class AbandonBody(Body):
    """Why what was planned for a person is given up."""

    person_id: UUID
    reason: AbandonReason


class ReviewBody(Body):
    """What people found when they looked again."""

    person_id: UUID
    why: WhyNotFamily


class PersonBody(Body):
    """Whom it concerns."""

    person_id: UUID


class CompleteRehabilitationBody(Body):
    """Whom it concerns; `because` is for a supervisor, where it is not complete by rule."""

    person_id: UUID
    because: CompletedBecause | None = None


class FollowupBody(Body):
    """What the visit or call found; `not_reached` is a try."""

    result: FollowupResult


class LostBody(Body):
    """How it goes on with somebody whom nobody reached."""

    decision: LostDecision


class StepView(BaseModel):
    """The newest word on one step."""

    step: str
    at: datetime
    codes: dict[str, Any]


class ObstacleView(BaseModel):
    """Something that stands in the way."""

    field: str
    code: str


class WayView(BaseModel):
    """One person's way to her outcome: what is recorded, what stands in the way, and what a supervisor has to approve."""

    person_id: UUID
    outcome: str
    progress: Progress
    since: datetime | None
    steps: tuple[StepView, ...]
    obstacles: tuple[ObstacleView, ...]
    needs_approval: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, person: UUID, taken: Sequence[Taken]) -> Self:
        """The view of one person's way; nothing stands in that of one who arrived."""
        goal, found = case.goals[person], preparation.newest(taken)
        on = goal.progress is Progress.PLANNED
        steps = tuple(
            StepView(step=step, at=entry.codes["at"], codes={name: value for name, value in entry.codes.items() if name != "at"})
            for step, entry in found.items()
        )
        left = preparation.obstacles(case, person, taken) if on else []
        return cls(
            person_id=person,
            outcome=goal.outcome,
            progress=goal.progress,
            since=goal.since,
            steps=steps,
            obstacles=tuple(ObstacleView(field=name, code=code) for name, code in left),
            needs_approval=tuple(sorted(preparation.grounds(case, person, taken))) if on else (),
        )
