"""How a person's planned outcome comes true or is given up; what differs between outcomes is in `preparation` and `rehabilitation`."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from assessment.domain.case import (
    KIN,
    OPEN,
    REHABILITATION,
    Case,
    FieldError,
    Limits,
    Progress,
    State,
    StateError,
    advance,
    require,
    review_clock,
    without,
)
from assessment.domain.preparation import HOMEWARD, Step, Taken, newest, obstacles

DIED = "died"


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A person's outcome was given up: which one (None when she had none), and when a new plan is due for her."""

    outcome: str | None
    due: datetime | None


def hand_over(case: Case, person: UUID, taken: Iterable[Taken], now: datetime, limits: Limits) -> Case:
    """A person goes home, to kin or foster care, or to another region, after everything that this outcome asks for.

    A carer's review date that was set with the check becomes a clock. Raises StateError, or FieldError naming all that stands in the way.
    """
    planned(case, person, HOMEWARD, Progress.PLANNED)
    steps = list(taken)
    if problems := obstacles(case, person, steps):
        raise FieldError(problems)
    if case.goals[person].outcome == KIN:
        due = now + timedelta(days=newest(steps)[Step.CARER_CHECK].codes["review_days"])
        case = replace(case, deadlines={**case.deadlines, review_clock(person): due})
    return moved(case, person, Progress.REACHED, now, limits)


def reach(case: Case, person: UUID, taken: Iterable[Taken], now: datetime, limits: Limits) -> tuple[Case, str]:
    """A person's outcome came true in a way that is neither going home nor rehabilitation; which one. Raises StateError or FieldError."""
    require(case, State.PLAN_APPROVED)
    goal = case.goals.get(person)
    if goal is not None and (goal.outcome in HOMEWARD or goal.outcome == REHABILITATION):
        raise FieldError([("person_id", "outcome_has_its_own_steps")])
    planned(case, person, {goal.outcome} if goal else (), Progress.PLANNED)
    if problems := obstacles(case, person, taken):
        raise FieldError(problems)
    return moved(case, person, Progress.REACHED, now, limits), case.goals[person].outcome


def abandon(case: Case, person: UUID, reason: str, now: datetime, limits: Limits) -> tuple[Case, GivenUp]:
    """Give up what was planned for a person, also after it came true: she is planned for again, with a deadline. The dead are waited for no more.

    Raises StateError unless the case is open and has its worker, FieldError when the person is not of the household or has nothing to give up.
    """
    require(case, *(OPEN - {State.WAITING_FOR_WORKER}))
    goal = case.goals.get(person)
    if person not in {member.person_id for member in case.members}:
        raise FieldError([("person_id", "not_in_household")])
    if case.died(person) or (goal is None and reason != DIED):
        raise FieldError([("person_id", "nothing_to_give_up")])
    outcome = goal.outcome if goal else None
    case = replace(case, goals={p: g for p, g in case.goals.items() if p != person}, deadlines=without(case.deadlines, review_clock(person)))
    if reason == DIED:
        return advance(replace(case, deceased=case.deceased | {person}), now, limits), GivenUp(outcome, None)
    due = now + limits.plan
    deadlines = {"outcome": now + limits.outcome, **case.deadlines, "plan": min(case.deadlines.get("plan", due), due)}
    if case.state is State.MONITORING:
        # What came true did not last: the household's follow-ups begin anew when everybody's outcome is reached again.
        deadlines = {clock: at for clock, at in deadlines.items() if clock in {"plan", "outcome"}}
        case = replace(case, state=State.PLAN_APPROVED, followups=())
    return replace(case, deadlines=deadlines), GivenUp(outcome, due)


def reviewed(case: Case, person: UUID, now: datetime, limits: Limits) -> Case:
    """People looked at a child's residential care or at a carer: a child in residential care is looked at again, a carer by follow-ups.

    Raises StateError, or FieldError when no review of this person is due.
    """
    require(case, State.PLAN_APPROVED, State.PLAN_PROPOSED)
    clock = review_clock(person)
    if clock not in case.deadlines:
        raise FieldError([("person_id", "no_review_is_due")])
    again = {} if case.goals[person].outcome == KIN else {clock: now + limits.review}
    return replace(case, deadlines=without(case.deadlines, clock) | again)


def planned(case: Case, person: UUID, outcomes: Collection[str], progress: Progress) -> None:
    """Raise unless the plan is approved, names one of these outcomes for the person, and she is just this far."""
    require(case, State.PLAN_APPROVED)
    goal = case.goals.get(person)
    if goal is None:
        raise FieldError([("person_id", "not_in_plan")])
    if goal.outcome not in outcomes:
        raise FieldError([("person_id", "planned_otherwise")])
    if goal.progress is not progress:
        raise StateError(goal.progress)


def moved(case: Case, person: UUID, progress: Progress, now: datetime, limits: Limits) -> Case:
    """The case with a person this far; it is kept since when, and which word on her stay was known then."""
    known = case.stays[person].version if person in case.stays else 0
    goal = replace(case.goals[person], progress=progress, since=now, stay_version=known)
    return advance(replace(case, goals={**case.goals, person: goal}), now, limits)
