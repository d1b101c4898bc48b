"""What the routes of plans, services and completed assessments take and show."""

from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from contracts.services import ServiceCode
from contracts.vocabulary import AgencyCode, OfficerRole, Outcome, ReturnReason
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Row

from assessment.domain import services
from assessment.domain.agreement import Agreed, Agreement, Consenter, Decision, Finding, GoalCode, GoalProgress, Measure, NotAgreed, OwnView
from assessment.domain.reassessment import Kind
from assessment.domain.services import Answer, Reason, Status
from assessment.views import Body

MOST = 20
Text = Annotated[str, Field(min_length=1, max_length=4000, description="sealed under the key of this person; in no event")]


class AgreementBody(Body):
    """What the person says to her plan. A child: her own view and a consenter's yes; without agreement, why."""

    agreed: Agreed
    own_view: OwnView | None = None
    consenter: Consenter | None = None
    reason: NotAgreed | None = None

    def said(self) -> Agreement:
        """In the domain's words."""
        return Agreement(self.agreed, self.own_view, self.consenter, self.reason)


class GoalBody(Body):
    """What is to be reached, until when, and how it is told that it is."""

    code: GoalCode
    target: date
    measure: Measure


class ServiceBody(Body):
    """A service, and which agency gives it; left out: your own."""

    code: ServiceCode
    provider: AgencyCode | None = None


class OutcomeBody(Body):
    """The plan for one person: what it leads to, what she says to it, her goals and the services she is to get."""

    person_id: UUID
    outcome: Outcome
    agreement: AgreementBody | None = Field(default=None, description="needed of every person")
    goals: tuple[GoalBody, ...] = Field(default=(), max_length=MOST)
    services: tuple[ServiceBody, ...] = Field(default=(), max_length=MOST)


class PlanBody(Body):
    """A plan: one outcome for every person of the household; services that are nobody's own may be named for the whole case."""

    outcomes: tuple[OutcomeBody, ...] = Field(min_length=1, max_length=60)
    services: tuple[ServiceCode, ...] = ()


class CommentBody(Body):
    """Words about one person's part of the plan."""

    person_id: UUID
    text: Text


class ApproveBody(Body):
    """What the supervisor has to say with the approval, if anything."""

    comments: tuple[CommentBody, ...] = Field(default=(), max_length=60)


class ReturnBody(Body):
    """Why the plan goes back to the worker, as a code, and in words for each person whom it concerns."""

    reason: ReturnReason
    comments: tuple[CommentBody, ...] = Field(default=(), max_length=60)


class PresentBody(Body):
    """Who took part, by role and agency."""

    role: OfficerRole
    agency: AgencyCode


class ConferenceBody(Body):
    """A case conference."""

    held_at: AwareDatetime
    decision: Decision
    present: tuple[PresentBody, ...] = Field(min_length=2, max_length=40)
    comments: tuple[CommentBody, ...] = Field(default=(), max_length=60)


class ProgressBody(Body):
    """How far a goal is."""

    person_id: UUID
    goal: GoalCode
    progress: GoalProgress


class ReviewBody(Body):
    """A review of the approved plan: what it found, and how far the goals are."""

    finding: Finding
    progress: tuple[ProgressBody, ...] = Field(default=(), max_length=400)


class CommentView(BaseModel):
    """A comment; `text` is null when the person it is about was erased. `about`: approved, returned or conference."""

    person_id: UUID
    about: str
    about_id: UUID | None
    version: int
    by: UUID
    at: datetime
    text: str | None


class ConferenceView(BaseModel):
    """A case conference as it was recorded."""

    conference_id: UUID
    version: int
    held_at: datetime
    decision: Decision
    present: list[PresentBody]
    recorded_by: UUID
    recorded_at: datetime


class ReviewView(BaseModel):
    """A review."""

    at: datetime
    version: int
    finding: Finding
    by: UUID


class ProgressView(BaseModel):
    """How far a goal was at a time."""

    person_id: UUID
    goal: str
    progress: GoalProgress
    at: datetime
    version: int
    by: UUID


class PlanRecord(BaseModel):
    """What belongs to the plans of a case: conferences, reviews, how far each goal is (the newest last), and comments."""

    conferences: list[ConferenceView]
    reviews: list[ReviewView]
    progress: list[ProgressView]
    comments: list[CommentView]


class AnswerBody(Body):
    """What the provider says; a decline says why."""

    answer: Answer
    reason: Reason | None = None


class EndBody(Body):
    """Why nobody is asked for the service any more."""

    reason: Reason


class ProviderBody(Body):
    """Which other agency is asked."""

    provider: AgencyCode


class ServiceView(BaseModel):
    """A service; while it waits for somebody `waits_for` is the clock of that, and `due_at` its end."""

    service_id: UUID
    person_id: UUID
    code: str
    provider: str
    own: bool
    status: Status
    reason: str | None
    plan_version: int
    requested_at: datetime
    changed_at: datetime
    waits_for: str | None
    due_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any], deadlines: dict[str, Any]) -> Self:
        """The view of a row of `services.rows_of`, with the clocks of its case."""
        clock = services.CLOCKS.get(Status(row.status))
        due = deadlines.get(f"{clock}:{row.service_id}")
        fields = {name: getattr(row, name) for name in cls.model_fields if name not in {"waits_for", "due_at"}}
        return cls.model_validate({**fields, "waits_for": clock if due else None, "due_at": due})


class AskedView(BaseModel):
    """A request as its provider sees it; of whom it is, and of which case, its feed and what is disclosed to it say."""

    service_id: UUID
    service: str
    status: Status
    due_at: datetime | None

    @classmethod
    def of(cls, row: Row[Any], deadlines: dict[str, Any]) -> Self:
        """The view of a row for its provider."""
        clock = services.CLOCKS.get(Status(row.status))
        return cls(service_id=row.service_id, service=row.code, status=Status(row.status), due_at=deadlines.get(f"{clock}:{row.service_id}"))


class BandView(BaseModel):
    """One person's band by a version of an instrument; None when too few answers were given."""

    person_id: UUID
    instrument: str
    version: int
    band: str | None


class AssessedView(BaseModel):
    """One assessment of a case; `judged` is the worker's own word on the risk, `rules` are those that raised it to `risk`."""

    number: int
    kind: Kind
    band: str
    flags: tuple[str, ...]
    risk: str | None
    judged: str | None
    rules: tuple[str, ...]
    dangers: tuple[str, ...]
    no_instrument_reason: str | None
    by: UUID
    at: datetime
    persons: tuple[BandView, ...]
