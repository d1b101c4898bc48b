"""Follow-ups after every outcome is reached: due, then done, missed or lost, until the last one finishes the case (DOMAIN.md 2.1, state 10)."""

from dataclasses import replace
from datetime import datetime, timedelta

from assessment.domain.case import (
    Case,
    Followup,
    FollowupCame,
    FollowupEnded,
    FollowupState,
    FollowupTried,
    Limits,
    State,
    StateError,
    UnknownError,
    require,
    without,
)

UNSAFE, NOT_REACHED = "unsafe", "not_reached"
LOST = "lost"
UNDONE = frozenset({FollowupState.PLANNED, FollowupState.DUE})


def come_due(case: Case, number: int, now: datetime, limits: Limits) -> tuple[Case, FollowupCame | None]:
    """A follow-up's day came: it has a grace time from now. One that is over already changes nothing."""
    clock = f"followup:{number}"
    if clock not in case.deadlines:
        return case, None
    changed = _changed(case, number, state=FollowupState.DUE)
    deadlines = {**without(case.deadlines, clock), f"grace:{number}": now + limits.grace}
    return replace(changed, deadlines=deadlines), FollowupCame(number, case.followups[number - 1].due)


def grace_ends(case: Case, number: int) -> tuple[Case, FollowupEnded | None]:
    """Nobody recorded the follow-up by the end of its grace time: it is missed, and if it was the last, the case is finished."""
    if f"grace:{number}" not in case.deadlines:
        return case, None
    return _ended(_changed(case, number, state=FollowupState.MISSED), number, None)


def done(case: Case, number: int, result: str, now: datetime, limits: Limits) -> tuple[Case, FollowupEnded | FollowupTried]:
    """Record a follow-up, also before its day. An unsafe result is never the last word: another one comes soon after.

    Who reached nobody tried: the follow-up stays as it is, and after several tries contact is lost, which a supervisor is to decide on.
    Raises StateError outside monitoring and when the follow-up is over, UnknownError when there is none of this number.
    """
    _require_undone(case, number)
    if result == NOT_REACHED:
        return tried(case, number, now, limits)
    return recorded(case, number, result, now, limits)


def recorded(case: Case, number: int, result: str, now: datetime, limits: Limits) -> tuple[Case, FollowupEnded]:
    """A follow-up ended with this result. Raises as `done`."""
    _require_undone(case, number)
    case = _changed(case, number, state=FollowupState.DONE, result=result)
    if result == UNSAFE:
        case = _with_another(case, now + limits.after_unsafe)
    return _ended(case, number, result)


def tried(case: Case, number: int, now: datetime, limits: Limits) -> tuple[Case, FollowupTried]:
    """Nobody was reached. Tried often enough, the follow-up is lost: never silently the end, but a deadline for a supervisor. Raises as `done`."""
    _require_undone(case, number)
    tries = case.followups[number - 1].tries + 1
    if tries < limits.tries:
        return _changed(case, number, tries=tries), FollowupTried(number, tries)
    decide_by = now + limits.lost
    case = _changed(case, number, tries=tries, state=FollowupState.LOST, result=NOT_REACHED)
    deadlines = {LOST: decide_by, **without(case.deadlines, f"followup:{number}", f"grace:{number}")}
    return replace(case, deadlines=deadlines), FollowupTried(number, tries, deadlines[LOST])


def try_again(case: Case, after: timedelta, now: datetime) -> Case:
    """A supervisor decides that somebody who was lost is looked for once more: another follow-up comes. Raises StateError when nobody is lost."""
    require(case, State.MONITORING)
    if LOST not in case.deadlines:
        raise StateError(case.state)
    return _with_another(replace(case, deadlines=without(case.deadlines, LOST)), now + after)


def _require_undone(case: Case, number: int) -> None:
    require(case, State.MONITORING)
    if not 1 <= number <= len(case.followups):
        raise UnknownError
    if case.followups[number - 1].state not in UNDONE:
        raise StateError(case.followups[number - 1].state)


def _with_another(case: Case, soon: datetime) -> Case:
    """Plan one more, unless one is due by then anyway."""
    if any(followup.state in UNDONE and followup.due <= soon for followup in case.followups):
        return case
    number = len(case.followups) + 1
    return replace(case, followups=(*case.followups, Followup(number, soon)), deadlines={**case.deadlines, f"followup:{number}": soon})


def _changed(case: Case, number: int, *, state: FollowupState | None = None, result: str | None = None, tries: int | None = None) -> Case:
    before = case.followups[number - 1]
    after = replace(before, state=state or before.state, result=result, tries=before.tries if tries is None else tries)
    return replace(case, followups=tuple(after if entry.number == number else entry for entry in case.followups))


def _ended(case: Case, number: int, result: str | None) -> tuple[Case, FollowupEnded]:
    deadlines = without(case.deadlines, f"followup:{number}", f"grace:{number}")
    last = LOST not in deadlines and not any(followup.state in UNDONE for followup in case.followups)
    return replace(case, deadlines={} if last else deadlines, state=State.FINISHED if last else case.state), FollowupEnded(number, result, last)
