"""The plan: proposed by the social worker, approved by a supervisor; how it comes true is in `outcomes`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from assessment.domain.case import OPEN, Case, FieldError, Goal, Limits, OwnPlanError, Progress, State, StateError, advance, require, without


@dataclass(frozen=True, slots=True)
class Plan:
    """One version of a case's plan: the outcome of each person, and who proposed it."""

    version: int
    outcomes: Mapping[UUID, str]
    proposed_by: UUID


def propose(case: Case, outcomes: Sequence[tuple[UUID, str]], by: UUID, now: datetime, limits: Limits) -> tuple[Case, Plan]:
    """Propose the first plan, or a revision of the approved one: one outcome for every person of the household.

    Raises StateError, or FieldError naming each person without an outcome, named twice, not of the household, or whose reached outcome
    would change.
    """
    require(case, State.ASSESSED, State.PLAN_APPROVED)
    wanted = dict(outcomes)
    members = {member.person_id for member in case.members}
    named = [person for person, _ in outcomes]
    problems = _missing(case, wanted)
    for person, outcome in wanted.items():
        if named.count(person) > 1:
            problems.append((f"outcomes.{person}", "duplicate"))
        if person not in members:
            problems.append((f"outcomes.{person}", "not_in_household"))
        elif _reached(case, person) and case.goals[person].outcome != outcome:
            problems.append((f"outcomes.{person}", "already_reached"))
    if problems:
        raise FieldError(problems)
    plan = Plan(case.plan_version + 1, wanted, by)
    deadlines = {"plan": now + limits.plan, **case.deadlines}
    return replace(case, state=State.PLAN_PROPOSED, plan_version=plan.version, deadlines=deadlines), plan


def approve(case: Case, plan: Plan, by: UUID, now: datetime, limits: Limits) -> Case:
    """Approve the proposed plan; what persons reached already stays reached.

    Raises StateError, OwnPlanError when the one who proposed it approves it, FieldError when the household gained a person meanwhile.
    """
    _decidable(case, plan, by)
    if problems := _missing(case, plan.outcomes):
        raise FieldError(problems)
    goals = {person: _goal(case, person, outcome) for person, outcome in plan.outcomes.items()}
    deadlines = {"outcome": now + limits.outcome, **without(case.deadlines, "plan")}
    return advance(replace(case, state=State.PLAN_APPROVED, goals=goals, deadlines=deadlines), now, limits)


def send_back(case: Case, plan: Plan, by: UUID, now: datetime, limits: Limits) -> Case:
    """Return the proposed plan to the worker; an earlier approved plan holds again. Raises StateError or OwnPlanError as `approve`."""
    _decidable(case, plan, by)
    if not case.goals:
        return replace(case, state=State.ASSESSED)
    return advance(replace(case, state=State.PLAN_APPROVED, deadlines=without(case.deadlines, "plan")), now, limits)


def require_open(case: Case) -> None:
    """Raise StateError unless the assessment has begun and is not over."""
    require(case, *OPEN)


def reviewed(case: Case, now: datetime, limits: Limits) -> Case:
    """The approved plan was looked at: the next review is due after its span. Raises StateError unless an approved plan is being carried out."""
    require(case, State.PLAN_APPROVED, State.PLAN_PROPOSED)
    if not case.goals:
        raise StateError(case.state)
    missed = {clock: count for clock, count in case.missed.items() if clock != "outcome"}
    return replace(case, deadlines={**case.deadlines, "outcome": now + limits.outcome}, missed=missed)


def _missing(case: Case, outcomes: Mapping[UUID, str]) -> list[tuple[str, str]]:
    return [(f"outcomes.{m.person_id}", "missing") for m in case.members if m.person_id not in outcomes and not case.died(m.person_id)]


def _decidable(case: Case, plan: Plan, by: UUID) -> None:
    require(case, State.PLAN_PROPOSED)
    if by in {plan.proposed_by, case.worker}:
        raise OwnPlanError


def _reached(case: Case, person: UUID) -> bool:
    return person in case.goals and case.goals[person].progress is Progress.REACHED


def _goal(case: Case, person: UUID, outcome: str) -> Goal:
    earlier = case.goals.get(person)
    return earlier if earlier is not None and earlier.outcome == outcome else Goal(outcome)
