"""Whose move a case in assessment is, and which comes first."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from assessment.domain.case import State
from assessment.pages.moves import SUPERVISORS, What, moves, what
from assessment.views import CaseView

from tests.assessment.builders import NOW, OTHER_WORKER, SUPERVISOR, WORKER


def a_case(number: int = 1, state: State = State.ASSIGNED, *, hours: float | None = 5, **changes: Any) -> CaseView:
    due = None if hours is None else NOW + timedelta(hours=hours)
    fields = {"worker_id": WORKER, "claimed": True, "due_at": due, "clock": "plan", "missed": 0, "area": None, "risk": "high", "sheltered": False}
    return CaseView.model_validate({"case_id": UUID(int=number), "state": state, "plan_version": 0, "reentry": 0, **fields, **changes})


def test_the_readers_own_come_first_then_what_is_late_then_what_is_due_first() -> None:
    cases = [
        a_case(1, worker_id=OTHER_WORKER, hours=-9),
        a_case(2, hours=None),
        a_case(3, hours=7),
        a_case(4, hours=2),
        a_case(5, hours=20, missed=1),
        a_case(6, hours=-1),
    ]
    found = moves(cases, WORKER, NOW, supervises=False)
    assert [move.case.case_id.int for move in found] == [6, 5, 4, 3, 2, 1]
    assert [move.late(NOW) for move in found] == [True, True, False, False, False, True]


@pytest.mark.parametrize("state", [State.PLAN_PROPOSED, State.WAITING_FOR_WORKER])
def test_a_supervisor_decides_and_gives_but_not_where_she_works_herself(state: State) -> None:
    (other,) = moves([a_case(state=state)], SUPERVISOR, NOW, supervises=True)
    (own,) = moves([a_case(state=state)], WORKER, NOW, supervises=True)
    (worker,) = moves([a_case(state=state)], WORKER, NOW, supervises=False)
    assert (other.yours, own.yours, worker.yours) == (True, False, False)


def test_lost_contact_is_a_supervisors_and_a_follow_up_the_workers() -> None:
    assert what(a_case(state=State.MONITORING, clock="lost")) is What.LOST
    assert what(a_case(state=State.MONITORING, clock="grace")) is What.FOLLOW_UP
    assert What.LOST in SUPERVISORS


def test_what_is_over_is_nobodys_move() -> None:
    assert moves([a_case(state=State.FINISHED), a_case(state=State.STOPPED), a_case(state=State.NOT_STARTED)], WORKER, NOW, supervises=True) == []
    assert what(a_case(claimed=False)) is What.BEGIN
