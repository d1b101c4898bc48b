"""What assessment's own facts say again of a case after its store lost them: each is decided as it was then, at its own time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

from assessment.domain import assignment, case, followups, outcomes, plan, reassessment
from assessment.domain.case import Case, FieldError, Goal, Limits, Progress, State, StateError, UnknownError, advance
from assessment.domain.plan import Plan
from assessment.domain.reassessment import Kind

# Who proposed and who approved, where no fact says it.
SOMEBODY, SOMEBODY_ELSE = UUID(int=0), UUID(int=1)
STATE, NOT_A_MEMBER = "state", "plan_of_another_household"
CLOCKS = {called: clock for clock, called in case.CALLED.items()}


@dataclass(frozen=True, slots=True)
class Gave:
    """A worker was given the case."""

    worker: UUID


@dataclass(frozen=True, slots=True)
class Concluded:
    """An assessment was completed; a release that knew but one did not say which."""

    kind: Kind = Kind.COMPREHENSIVE
    risk: str | None = None


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan was approved: the outcome of each person."""

    version: int
    outcomes: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Returned:
    """A proposed plan was sent back."""

    version: int


@dataclass(frozen=True, slots=True)
class Went:
    """A person got this far on the way to an outcome; None is whatever was planned."""

    person: UUID
    progress: Progress
    outcome: str | None = None
    review_days: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A follow-up came due."""

    number: int


@dataclass(frozen=True, slots=True)
class Followed:
    """A follow-up ended, with a result or missed."""

    number: int
    result: str | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """What was planned for a person was given up."""

    person: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """People looked again at a child's residential care or a carer."""

    person: UUID


@dataclass(frozen=True, slots=True)
class Tried:
    """A follow-up reached nobody."""

    number: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """A supervisor let somebody who was lost be looked for again."""


@dataclass(frozen=True, slots=True)
class Overran:
    """A deadline was missed."""

    clock: str
    due: datetime
    service: UUID | None = None


Word: TypeAlias = Gave | Concluded | Approved | Returned | Went | GaveUp | Reviewed | Due | Followed | Tried | Resumed | Overran


def retell(known: Case, word: Word, at: datetime, limits: Limits) -> tuple[Case, str | None]:
    """The case after one more lost fact, told in their order; and a code, with the case as it was, where the fact does not fit it."""
    try:
        return _STEPS[type(word)](known, word, at, limits), None
    except (StateError, UnknownError):
        return known, STATE
    except FieldError:
        return known, NOT_A_MEMBER


def _gave(known: Case, word: Gave, at: datetime, limits: Limits) -> Case:
    if known.state is State.NOT_STARTED:
        # What let it begin is not known (any more), but it did.
        known = advance(replace(known, at_home=True), at, limits)
    if known.state is State.WAITING_FOR_WORKER:
        return assignment.give(known, word.worker, at, limits)[0]
    return known if known.worker == word.worker else assignment.reassign(known, word.worker, at, limits)[0]


def _concluded(known: Case, word: Concluded, at: datetime, limits: Limits) -> Case:
    return reassessment.concluded(known, word.kind, word.risk, at, limits)


def _approved(known: Case, word: Approved, at: datetime, limits: Limits) -> Case:
    case.require(known, State.ASSESSED, State.PLAN_PROPOSED, State.PLAN_APPROVED)
    proposed = replace(known, state=State.PLAN_PROPOSED, plan_version=max(known.plan_version, word.version))
    return plan.approve(proposed, Plan(word.version, word.outcomes, SOMEBODY), SOMEBODY_ELSE, at, limits)


def _returned(known: Case, word: Returned, at: datetime, limits: Limits) -> Case:
    case.require(known, State.ASSESSED, State.PLAN_PROPOSED, State.PLAN_APPROVED)
    proposed = replace(known, state=State.PLAN_PROPOSED, plan_version=max(known.plan_version, word.version))
    return plan.send_back(proposed, Plan(word.version, {}, SOMEBODY), SOMEBODY_ELSE, at, limits)


def _went(known: Case, word: Went, at: datetime, limits: Limits) -> Case:
    case.require(known, State.PLAN_APPROVED)
    goal = known.goals.get(word.person)
    if goal is None and word.outcome is None:
        raise FieldError([("person_id", "not_in_plan")])
    stay = known.stays[word.person].version if word.person in known.stays else 0
    reached = Goal(word.outcome or (goal.outcome if goal else ""), word.progress, at, stay)
    if word.review_days is not None:
        due = at + timedelta(days=word.review_days)
        known = replace(known, deadlines={**known.deadlines, case.review_clock(word.person): due})
    return advance(replace(known, goals={**known.goals, word.person: reached}), at, limits)


def _gave_up(known: Case, word: GaveUp, at: datetime, limits: Limits) -> Case:
    return outcomes.abandon(known, word.person, word.reason, at, limits)[0]


def _reviewed(known: Case, word: Reviewed, at: datetime, limits: Limits) -> Case:
    return outcomes.reviewed(known, word.person, at, limits)


def _due(known: Case, word: Due, at: datetime, limits: Limits) -> Case:
    return followups.come_due(known, word.number, at, limits)[0]


def _followed(known: Case, word: Followed, at: datetime, limits: Limits) -> Case:
    if word.result is not None:
        return followups.recorded(known, word.number, word.result, at, limits)[0]
    return followups.grace_ends(followups.come_due(known, word.number, at, limits)[0], word.number)[0]


def _tried(known: Case, word: Tried, at: datetime, limits: Limits) -> Case:
    return followups.tried(known, word.number, at, limits)[0]


def _resumed(known: Case, _word: Resumed, at: datetime, limits: Limits) -> Case:
    return followups.try_again(known, limits.after_unsafe, at)


def _overran(known: Case, word: Overran, at: datetime, limits: Limits) -> Case:
    clock = CLOCKS.get(word.clock, word.clock)
    # The fact names a kind of clock, and a service; whose it was otherwise, its due time tells.
    same = [name for name, due in known.deadlines.items() if name.partition(":")[0] == clock and (name == clock or due == word.due)]
    for name in [f"{clock}:{word.service}"] if word.service else same:
        known = case.ran_out(known, name, word.due, at, limits)[0]
    return known


_STEPS: Mapping[type, Callable[..., Case]] = {
    Gave: _gave,
    Concluded: _concluded,
    Approved: _approved,
    Returned: _returned,
    Went: _went,
    GaveUp: _gave_up,
    Reviewed: _reviewed,
    Due: _due,
    Followed: _followed,
    Tried: _tried,
    Resumed: _resumed,
    Overran: _overran,
}
