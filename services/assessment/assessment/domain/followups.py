"""Follow-ups after every outcome is reached: due, then done or missed, until the last one finishes the case (DOMAIN.md 2.1, state 10)."""

from dataclasses import replace
from datetime import datetime

from assessment.domain.case import (
    Case,
    Followup,
    FollowupCame,
    FollowupEnded,
    FollowupState,
    Limits,
    State,
    StateError,
    UnknownError,
    require,
    without,
)

UNSAFE = "unsafe"
UNDONE = frozenset({FollowupState.PLANNED, FollowupState.DUE})


def come_due(case: Case, number: int, now: datetime, limits: Limits) -> tuple[Case, FollowupCame | None]:
    """A follow-up's day came: it has a grace time from now. One that is over already changes nothing."""
    clock = f"followup:{number}"
    if clock not in case.deadlines:
        return case, None
    changed = _changed(case, number, FollowupState.DUE)
    deadlines = {**without(case.deadlines, clock), f"grace:{number}": now + limits.grace}
    return replace(changed, deadlines=deadlines), FollowupCame(number, case.followups[number - 1].due)


def grace_ends(case: Case, number: int) -> tuple[Case, FollowupEnded | None]:
    """Nobody recorded the follow-up by the end of its grace time: it is missed, and if it was the last, the case is finished."""
    if f"grace:{number}" not in case.deadlines:
        return case, None
    return _ended(_changed(case, number, FollowupState.MISSED), number, None)


def done(case: Case, number: int, result: str, now: datetime, limits: Limits) -> tuple[Case, FollowupEnded]:
    """Record a follow-up, also before its day. An unsafe result is never the last word: another one comes soon after.

    Raises StateError outside monitoring and when the follow-up is over, UnknownError when there is none of this number.
    """
    require(case, State.MONITORING)
    if not 1 <= number <= len(case.followups):
        raise UnknownError
    if case.followups[number - 1].state not in UNDONE:
        raise StateError(case.followups[number - 1].state)
    case = _changed(case, number, FollowupState.DONE, result)
    if result == UNSAFE:
        case = _with_another(case, now, limits)
    return _ended(case, number, result)


def _with_another(case: Case, now: datetime, limits: Limits) -> Case:
    """Plan one more, unless one is due by then anyway."""
    soon = now + limits.after_unsafe
    if any(followup.state in UNDONE and followup.due <= soon for followup in case.followups):
        return case
    number = len(case.followups) + 1
    return replace(case, followups=(*case.followups, Followup(number, soon)), deadlines={**case.deadlines, f"followup:{number}": soon})


def _changed(case: Case, number: int, state: FollowupState, result: str | None = None) -> Case:
    followups = tuple(replace(f, state=state, result=result) if f.number == number else f for f in case.followups)
    return replace(case, followups=followups)


def _ended(case: Case, number: int, result: str | None) -> tuple[Case, FollowupEnded]:
    last = not any(followup.state in UNDONE for followup in case.followups)
    deadlines = without(case.deadlines, f"followup:{number}", f"grace:{number}")
    return replace(case, deadlines=deadlines, state=State.FINISHED if last else case.state), FollowupEnded(number, result, last)
