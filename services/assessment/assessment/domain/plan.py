"""The plan: proposed by the social worker, approved by a supervisor, and reached person by person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from assessment.domain.case import OPEN, Case, FieldError, Goal, Limits, OwnPlanError, Progress, State, StateError, advance, require, without

REHABILITATION = "rehabilitation"
HOMEWARD = frozenset({"reunification", "return_to_other_region", "kin_or_foster_care"})


class ServiceCode(StrEnum):
    """Services a plan may name: SIMFONI's list and its additions (DOMAIN.md 4.4).

    Mediation is not among them: sexual violence is never settled out of court (UU TPKS art. 23).
    """

    COMPLAINT = "pengaduan"
    HEALTH = "kesehatan"
    LEGAL_AID = "bantuan_hukum"
    LAW_ENFORCEMENT = "penegakan_hukum"
    SOCIAL_REHABILITATION = "rehabilitasi_sosial"
    SOCIAL_REINTEGRATION = "reintegrasi_sosial"
    RETURN_HOME = "pemulangan"
    RELIGIOUS_COMPANION = "pendampingan_tokoh_agama"
    PSYCHOLOGICAL = "psikologis"
    FORENSIC_EXAMINATION = "visum"
    TEMPORARY_SHELTER = "penampungan_sementara"
    EDUCATION = "pendidikan"
    CIVIL_DOCUMENTS = "dokumen_kependudukan"
    ECONOMIC_EMPOWERMENT = "pemberdayaan_ekonomi"
    INTERPRETER = "penerjemah_jbi"
    RESTITUTION = "restitusi_lpsk"
    CONTENT_REMOVAL = "penghapusan_konten"


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


def reunify(case: Case, person: UUID, *, home_visit_done: bool, risk_rechecked: bool, now: datetime, limits: Limits) -> Case:
    """A person goes home, to kin or to another region, after a home visit and a risk re-check (DOMAIN.md 2.1, state 9a).

    Raises StateError, or FieldError when the plan says otherwise or either check is missing.
    """
    _planned(case, person, HOMEWARD, Progress.PLANNED)
    checks = {"home_visit_done": home_visit_done, "risk_rechecked": risk_rechecked}
    if problems := [(name, "required_before_reunification") for name, done in checks.items() if not done]:
        raise FieldError(problems)
    return _moved(case, person, Progress.REACHED, now, limits)


def start_rehabilitation(case: Case, person: UUID, now: datetime, limits: Limits) -> Case:
    """A person begins the planned social rehabilitation. Raises StateError or FieldError."""
    _planned(case, person, {REHABILITATION}, Progress.PLANNED)
    return _moved(case, person, Progress.REHABILITATING, now, limits)


def complete_rehabilitation(case: Case, person: UUID, now: datetime, limits: Limits) -> Case:
    """A person completes social rehabilitation that was started. Raises StateError or FieldError."""
    _planned(case, person, {REHABILITATION}, Progress.REHABILITATING)
    return _moved(case, person, Progress.REACHED, now, limits)


def reach(case: Case, person: UUID, now: datetime, limits: Limits) -> tuple[Case, str]:
    """A person's outcome came true in a way that is neither going home nor rehabilitation; which one. Raises StateError or FieldError."""
    require(case, State.PLAN_APPROVED)
    goal = case.goals.get(person)
    if goal is not None and (goal.outcome in HOMEWARD or goal.outcome == REHABILITATION):
        raise FieldError([("person_id", "outcome_has_its_own_steps")])
    _planned(case, person, {goal.outcome} if goal else (), Progress.PLANNED)
    return _moved(case, person, Progress.REACHED, now, limits), case.goals[person].outcome


def _missing(case: Case, outcomes: Mapping[UUID, str]) -> list[tuple[str, str]]:
    return [(f"outcomes.{member.person_id}", "missing") for member in case.members if member.person_id not in outcomes]


def _decidable(case: Case, plan: Plan, by: UUID) -> None:
    require(case, State.PLAN_PROPOSED)
    if by in {plan.proposed_by, case.worker}:
        raise OwnPlanError


def _reached(case: Case, person: UUID) -> bool:
    return person in case.goals and case.goals[person].progress is Progress.REACHED


def _goal(case: Case, person: UUID, outcome: str) -> Goal:
    earlier = case.goals.get(person)
    return earlier if earlier is not None and earlier.outcome == outcome else Goal(outcome)


def _planned(case: Case, person: UUID, outcomes: frozenset[str] | set[str] | tuple[()], progress: Progress) -> None:
    """Raise unless the plan is approved, names one of these outcomes for the person, and she is just this far."""
    require(case, State.PLAN_APPROVED)
    goal = case.goals.get(person)
    if goal is None:
        raise FieldError([("person_id", "not_in_plan")])
    if goal.outcome not in outcomes:
        raise FieldError([("person_id", "planned_otherwise")])
    if goal.progress is not progress:
        raise StateError(goal.progress)


def _moved(case: Case, person: UUID, progress: Progress, now: datetime, limits: Limits) -> Case:
    goals = {**case.goals, person: replace(case.goals[person], progress=progress)}
    return advance(replace(case, goals=goals), now, limits)
