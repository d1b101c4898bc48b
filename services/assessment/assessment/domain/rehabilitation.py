"""Social rehabilitation: it begins with the person's consent, and is complete by what came of its programmes, or by a supervisor's reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from assessment.domain.case import REHABILITATION, Case, FieldError, Limits, OwnPlanError, Progress, State, StateError, require
from assessment.domain.outcomes import moved, planned
from assessment.domain.preparation import Taken, obstacles

# Who is still this dependent on help has not completed her rehabilitation by rule.
NOT_YET = frozenset({"dependent", "needs_support"})


class Stage(StrEnum):
    """How far one person is in one programme."""

    ENROLLED = "enrolled"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One person in one programme: sessions that she attended, of those at which somebody looked who was there."""

    stage: Stage
    attended: int = 0
    counted: int = 0
    independence: str | None = None


def start(case: Case, person: UUID, taken: Iterable[Taken], now: datetime, limits: Limits) -> Case:
    """A person begins the planned social rehabilitation, which ends her stay in the shelter. Raises StateError or FieldError."""
    planned(case, person, {REHABILITATION}, Progress.PLANNED)
    if problems := obstacles(case, person, taken):
        raise FieldError(problems)
    return moved(case, person, Progress.REHABILITATING, now, limits)


def enrollable(case: Case, person: UUID) -> None:
    """Whether a person may take part in a programme: an approved plan has an outcome for her. Raises StateError or FieldError."""
    require(case, State.PLAN_APPROVED, State.PLAN_PROPOSED, State.MONITORING)
    if person not in case.goals:
        raise FieldError([("person_id", "not_in_plan")])
    if case.died(person):
        raise FieldError([("person_id", "died")])


def not_yet(enrolments: Iterable[Enrolment]) -> list[tuple[str, str]]:
    """What is missing for a rehabilitation to be complete by rule: a programme completed, none going on, and independence at the last rating."""
    known = list(enrolments)
    completed = [entry for entry in known if entry.stage is Stage.COMPLETED]
    found = [] if completed else [("programmes", "none_completed")]
    found += [("programmes", "still_enrolled")] if any(entry.stage is Stage.ENROLLED for entry in known) else []
    rating = completed[-1].independence if completed else None
    return found + ([("independence", "not_independent")] if rating is None or rating in NOT_YET else [])


def complete(
    case: Case, person: UUID, enrolments: Iterable[Enrolment], now: datetime, limits: Limits, *, because: str | None = None, by: UUID | None = None
) -> Case:
    """A person completes social rehabilitation that was started, by rule, or because a supervisor who does not work on the case says so.

    `enrolments` in the order in which they ended. Raises StateError, FieldError, or OwnPlanError.
    """
    planned(case, person, {REHABILITATION}, Progress.REHABILITATING)
    if because is not None and by == case.worker:
        raise OwnPlanError
    if because is None and (problems := not_yet(enrolments)):
        raise FieldError(problems)
    return moved(case, person, Progress.REACHED, now, limits)


def finish(enrolment: Enrolment, share: float) -> None:
    """Whether a programme counts as completed: she attended enough. Raises StateError when it ended already, FieldError."""
    if enrolment.stage is not Stage.ENROLLED:
        raise StateError(enrolment.stage)
    if not enrolment.counted or enrolment.attended < share * enrolment.counted:
        raise FieldError([("attendance", "too_little")])
