"""What the routes take and show: strict bodies with closed code lists, and views without personal data but answers."""

from collections.abc import Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from contracts.vocabulary import AgencyCode, AreaCode, AssessmentFlag, Band, Risk
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator
from sqlalchemy import Row

from assessment.definitions import Label, Language, Respondent
from assessment.domain import instruments
from assessment.domain.assignment import Skill
from assessment.domain.case import Case, Followup, FollowupState, Progress, State
from assessment.domain.reassessment import Kind
from assessment.domain.risk import Danger
from assessment.register import Known, Stage

LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{3}$")]
ItemCode = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="an instrument, or an item of one")]


class Body(BaseModel):
    """What a request says; fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ShiftBody(Body):
    """Working hours on a day of the week, 0 for Monday."""

    weekday: int = Field(ge=0, le=6)
    begins: time
    ends: time

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        """A shift over midnight is two."""
        if self.ends <= self.begins:
            message = "a shift ends after it begins; one over midnight is two"
            raise ValueError(message)
        return self


class LeaveBody(Body):
    """Days on which she is away, the last one included."""

    first: date
    last: date

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> Self:
        """The last day is not before the first one."""
        if self.last < self.first:
            message = "the last day is before the first one"
            raise ValueError(message)
        return self


class ConflictBody(Body):
    """A case or a person with whom she has a conflict."""

    about: UUID


class BackReason(StrEnum):
    """Why a worker gives a case back."""

    CONFLICT = "conflict"
    TOO_MANY = "too_many"
    ABSENT = "absent"
    NOT_MY_FIELD = "not_my_field"
    LANGUAGE = "language"


class BackBody(Body):
    """Why the case goes to somebody else; a conflict is kept."""

    reason: BackReason


class WorkerBody(Body):
    """A social worker; no area named means all areas."""

    agency: AgencyCode
    areas: tuple[AreaCode, ...] = ()
    active: StrictBool = True
    skills: tuple[Skill, ...] = ()
    languages: tuple[LanguageCode, ...] = Field(
        default=(), description="ISO 639-3, such as ind, jav, sun, or inl for Indonesian sign language; for people to choose by"
    )
    most_cases: int | None = Field(default=None, ge=1, le=100_000, description="open cases at most; left out: as the operator set for all")
    shifts: tuple[ShiftBody, ...] = Field(default=(), max_length=21, description="working hours in Jakarta; none: always")
    leaves: tuple[LeaveBody, ...] = Field(default=(), max_length=50)


class ReassignBody(Body):
    """Who is to have the case."""

    worker_id: UUID


class AnswersBody(Body):
    """Some answers of one person, by item code; those given before stay unless they are given again."""

    person_id: UUID
    instrument: ItemCode
    answers: dict[ItemCode, StrictInt] = Field(min_length=1)
    seen: dict[ItemCode, StrictInt | None] = Field(
        default={}, description="what you saw of them before, null for none: one that somebody else changed meanwhile is a 409"
    )


class NoInstrument(StrEnum):
    """Why somebody was assessed without an instrument, or only in part."""

    TOO_YOUNG = "too_young"
    DECLINED = "declined"
    NOT_ABLE_NOW = "not_able_now"
    NO_COMMON_LANGUAGE = "no_common_language"
    ASSESSED_ELSEWHERE = "assessed_elsewhere"


class RiskView(Body):
    """The worker's structured judgement."""

    band: Band
    flags: tuple[AssessmentFlag, ...] = ()


class CompleteBody(Body):
    """The judgement, and why an instrument is missing if one is."""

    risk_view: RiskView
    no_instrument_reason: NoInstrument | None = None
    kind: Kind = Kind.COMPREHENSIVE
    risk: Risk | None = Field(
        default=None, description="your own judgement; the rule floor may raise it and never lowers it. Left out: as triage has it"
    )
    dangers: tuple[Danger, ...] = Field(default=(), description="facts of the safety screen that hold now; each alone means a high risk")


class WorkerView(BaseModel):
    """A social worker and her load."""

    worker_id: UUID
    agency: AgencyCode
    areas: tuple[AreaCode, ...]
    active: bool
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    most_cases: int | None
    shifts: tuple[ShiftBody, ...]
    leaves: tuple[LeaveBody, ...]
    open_cases: int

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The view of a row of `store.workers`."""
        return cls.model_validate(row, from_attributes=True)


class AssignmentView(BaseModel):
    """Who had a case from when on; `why` says of a choice of the platform's how full she was, what she lacked, and how many others could not."""

    worker_id: UUID
    at: datetime
    why: dict[str, Any] | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The view of a row of `store.assignments`."""
        return cls.model_validate(row, from_attributes=True)


class CaseView(BaseModel):
    """Where a case stands; `due_at` is the next deadline that people are to keep."""

    case_id: UUID
    state: State
    worker_id: UUID | None
    claimed: bool
    due_at: datetime | None
    clock: str | None = Field(description="what that deadline is of")
    missed: int = Field(description="how often one of its deadlines was missed since it was set")
    area: AreaCode | None
    risk: str | None
    sheltered: bool
    plan_version: int
    reentry: int = Field(description="how often somebody of it came back to a shelter after her outcome")

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """The view of a row of `store.listed`."""
        deadlines = {clock: datetime.fromisoformat(due) for clock, due in row.deadlines.items()}
        same = {name: getattr(row, name) for name in cls.model_fields if name not in {"clock", "missed"}}
        return cls.model_validate({**same, "clock": _next(deadlines), "missed": max(row.missed.values(), default=0)})

    @classmethod
    def now(cls, case: Case) -> Self:
        """The view of a case as it is after a decision."""
        names = ("case_id", "state", "claimed", "area", "risk", "sheltered", "plan_version", "reentry")
        due = {"due_at": case.due, "clock": _next(case.deadlines), "missed": max(case.missed.values(), default=0)}
        return cls.model_validate({name: getattr(case, name) for name in names} | {"worker_id": case.worker} | due)


def _next(deadlines: Mapping[str, datetime]) -> str | None:
    """The kind of the deadline that people are to keep next."""
    kept = [(due, clock) for clock, due in deadlines.items() if clock != "assignment"]
    return min(kept)[1].partition(":")[0] if kept else None


class MemberView(BaseModel):
    """One person of the household, and her way to the planned outcome."""

    person_id: UUID
    age: int | None
    outcome: str | None
    progress: Progress | None


class FollowupView(BaseModel):
    """One follow-up; `tries` are those that reached nobody."""

    number: int
    due_at: datetime
    state: FollowupState
    result: str | None
    tries: int

    @classmethod
    def of(cls, followup: Followup) -> Self:
        """The view of a follow-up."""
        return cls(number=followup.number, due_at=followup.due, state=followup.state, result=followup.result, tries=followup.tries)


class PlanView(BaseModel):
    """One version of the plan; `state` is proposed, approved or returned. `persons` has for each what was agreed, her goals and services."""

    version: int
    state: str
    outcomes: dict[UUID, str]
    services: tuple[str, ...]
    persons: dict[UUID, dict[str, Any]] | None
    proposed_by: UUID
    proposed_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    return_reason: str | None


class CaseDetail(CaseView):
    """All of a case but the answers."""

    members: tuple[MemberView, ...]
    deadlines: dict[str, datetime]
    band: str | None
    flags: tuple[str, ...]
    plans: tuple[PlanView, ...]
    followups: tuple[FollowupView, ...]

    @classmethod
    def all_of(cls, case: Case, completion: Row[Any] | None, plans: tuple[PlanView, ...]) -> Self:
        """Put together what is known."""
        members = []
        for member in case.members:
            goal = case.goals.get(member.person_id)
            members.append(
                MemberView(
                    person_id=member.person_id, age=member.age, outcome=goal.outcome if goal else None, progress=goal.progress if goal else None
                )
            )
        return cls(
            **CaseView.now(case).model_dump(),
            members=tuple(members),
            deadlines=dict(case.deadlines),
            band=completion.band if completion else None,
            flags=tuple(completion.flags) if completion else (),
            plans=plans,
            followups=tuple(map(FollowupView.of, case.followups)),
        )


class ItemView(BaseModel):
    """One question as the worker sees it; `text` is the validated wording, by language, where it was loaded."""

    code: str
    label_id: str
    label_en: str
    text: dict[Language, str]
    values: tuple[int, ...]
    choices: tuple[Label, ...]
    asked: bool
    answer: int | None


class ScaleView(BaseModel):
    """One scale's value."""

    code: str
    value: int


class AnswersView(BaseModel):
    """One person's answers; `total`, `band` and `scales` once enough is answered, `flags` at once."""

    person_id: UUID
    instrument: str
    version: int
    training_only: bool
    items: tuple[ItemView, ...]
    total: int | None
    band: str | None
    scales: tuple[ScaleView, ...]
    flags: tuple[str, ...]

    @classmethod
    def of(cls, by: Known, person_id: UUID, answers: Mapping[str, int], age: int | None) -> Self:
        """The view of what one person answered so far."""
        definition, instrument = by.definition, by.definition.instrument()
        now = {item.code for item in instruments.asked(instrument, answers)}
        try:
            score = instruments.score(instrument, answers, age)
        except instruments.IncompleteError:
            score = None
        return cls(
            person_id=person_id,
            instrument=definition.code,
            version=definition.version,
            training_only=by.for_training_only,
            items=tuple(
                ItemView(
                    code=item.code,
                    label_id=item.label.id,
                    label_en=item.label.en,
                    text={language: texts[item.code] for language, texts in by.wordings.items()},
                    values=item.values,
                    choices=item.choices or definition.scale_of_answers,
                    asked=item.code in now,
                    answer=answers.get(item.code),
                )
                for item in definition.items
            ),
            total=score.total if score else None,
            band=score.band if score else None,
            scales=tuple(ScaleView(code=code, value=value) for code, value in score.values.items()) if score else (),
            flags=score.flags if score else instruments.alerts(instrument, answers),
        )


class WordingBody(Body):
    """The validated wording of one language: a text for each item, and where it is from."""

    texts: dict[ItemCode, Annotated[str, Field(min_length=1, max_length=1000)]]
    source: str = Field(min_length=3, max_length=300, description="which published translation this is, and by whom")


class InstrumentView(BaseModel):
    """A version of an instrument; without a wording of its own or a loaded one it is for training only."""

    code: str
    version: int
    title: str
    measures: Label
    respondent: Respondent
    minimum_age: int
    maximum_age: int
    stage: Stage
    languages: tuple[Language, ...]
    training_only: bool

    @classmethod
    def of(cls, known: Known) -> Self:
        """The view of a version."""
        named = known.definition.model_dump(include={"code", "version", "title", "measures", "respondent", "minimum_age", "maximum_age"})
        languages = tuple(Language) if known.definition.own_wording else tuple(known.wordings)
        return cls(**named, stage=known.stage, languages=languages, training_only=known.for_training_only)
