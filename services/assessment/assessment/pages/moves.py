"""Whose move it is: what is to be done about each case in assessment, by whom, the most urgent first."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from assessment.domain.case import State
from assessment.views import CaseView


class What(StrEnum):
    """What is to be done."""

    GIVE = "give"
    BEGIN = "begin"
    ASSESS = "assess"
    PLAN = "plan"
    DECIDE = "decide"
    CARRY_OUT = "carry_out"
    FOLLOW_UP = "follow_up"
    LOST = "lost"


BY_STATE: Mapping[State, What] = {
    State.WAITING_FOR_WORKER: What.GIVE,
    State.ASSESSED: What.PLAN,
    State.PLAN_PROPOSED: What.DECIDE,
    State.PLAN_APPROVED: What.CARRY_OUT,
    State.MONITORING: What.FOLLOW_UP,
}
SUPERVISORS = frozenset({What.GIVE, What.DECIDE, What.LOST})


@dataclass(frozen=True, slots=True)
class Move:
    """One case: what is to be done about it, and whether that is the reader's move."""

    what: What
    yours: bool
    case: CaseView

    def late(self, now: datetime) -> bool:
        """Whether its time is over, or was: a deadline that is missed is set again, so that people are told again."""
        return self.case.missed > 0 or (self.case.due_at is not None and self.case.due_at < now)


def what(case: CaseView) -> What | None:
    """What is to be done about a case next; None when nothing is."""
    if case.state is State.ASSIGNED:
        return What.ASSESS if case.claimed else What.BEGIN
    if case.state is State.MONITORING and case.clock == "lost":
        return What.LOST
    return BY_STATE.get(case.state)


def move(case: CaseView, reader: UUID, *, supervises: bool) -> Move | None:
    """What is to be done about a case; who works on it does not decide on it."""
    todo = what(case)
    if todo is None:
        return None
    own = case.worker_id == reader
    return Move(todo, (supervises and not own) if todo in SUPERVISORS else own, case)


def moves(cases: Iterable[CaseView], reader: UUID, now: datetime, *, supervises: bool) -> list[Move]:
    """What waits: first the reader's own, of these what is late, then what is due first."""
    found = [entry for case in cases if (entry := move(case, reader, supervises=supervises)) is not None]
    return sorted(
        found, key=lambda entry: (not entry.yours, not entry.late(now), entry.case.due_at is None, entry.case.due_at or now, entry.case.case_id)
    )
