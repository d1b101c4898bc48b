from datetime import timedelta

import pytest
from assessment.domain import followups
from assessment.domain.case import Case, FollowupEnded, FollowupState, State, StateError, UnknownError

from tests.assessment.builders import LIMITS, NOW, a_monitored_case, an_assigned_case


def days(known: Case) -> list[int]:
    return [(followup.due - NOW).days for followup in known.followups]


def done(known: Case, number: int, result: str = "safe") -> tuple[Case, FollowupEnded]:
    return followups.done(known, number, result, NOW, LIMITS)


def test_follow_ups_come_after_two_weeks_one_three_and_six_months():
    assert days(a_monitored_case()) == [14, 30, 90, 180]


def test_high_risk_is_followed_up_every_week_of_the_first_month():
    assert days(a_monitored_case(risk="high")) == [7, 14, 21, 28, 90, 180]


def test_a_due_follow_up_is_called_due_and_has_a_grace_time():
    after, came = followups.come_due(a_monitored_case(), 1, NOW + timedelta(days=14), LIMITS)
    assert came is not None
    assert (came.number, came.due) == (1, NOW + timedelta(days=14))
    assert after.deadlines["grace:1"] == NOW + timedelta(days=21)
    assert "followup:1" not in after.deadlines


def test_a_follow_up_that_nobody_recorded_is_missed_and_the_next_one_comes():
    due, _ = followups.come_due(a_monitored_case(), 1, NOW, LIMITS)
    after, ended = followups.grace_ends(due, 1)
    assert ended == FollowupEnded(1, None, last=False)
    assert (after.state, after.followups[0].state) == (State.MONITORING, FollowupState.MISSED)
    with pytest.raises(StateError, match="missed"):
        done(after, 1)


def test_a_follow_up_done_early_does_not_come_due_any_more():
    after, ended = done(a_monitored_case(), 1)
    assert ended == FollowupEnded(1, "safe", last=False)
    assert followups.come_due(after, 1, NOW, LIMITS) == (after, None)
    assert followups.grace_ends(after, 1) == (after, None)


def test_the_last_one_finishes_the_case_whichever_it_is():
    known = a_monitored_case()
    for number in (4, 2, 1):
        known, ended = done(known, number)
        assert not ended.last
    known, ended = done(known, 3, "needs_support")
    assert ended.last
    assert (known.state, known.deadlines) == (State.FINISHED, {})


def test_a_missed_last_one_finishes_the_case_too():
    known = a_monitored_case()
    for number in (1, 2, 3):
        known, _ = done(known, number)
    known, _ = followups.come_due(known, 4, NOW, LIMITS)
    known, ended = followups.grace_ends(known, 4)
    assert ended == FollowupEnded(4, None, last=True)
    assert known.state is State.FINISHED


def test_an_unsafe_result_is_never_the_last_word():
    known = a_monitored_case()
    for number in (1, 2, 3):
        known, _ = done(known, number)
    known, ended = done(known, 4, "unsafe")
    assert not ended.last
    assert (known.state, days(known)[4]) == (State.MONITORING, 7)
    assert done(known, 5)[1].last


def test_after_an_unsafe_result_another_comes_soon_unless_one_is_planned_soon_anyway():
    assert days(done(a_monitored_case(), 1, "unsafe")[0]) == [14, 30, 90, 180, 7]
    assert days(done(a_monitored_case(risk="high"), 2, "unsafe")[0]) == [7, 14, 21, 28, 90, 180]


def test_a_follow_up_is_recorded_once_and_only_while_there_are_some():
    after, _ = done(a_monitored_case(), 1)
    with pytest.raises(StateError, match="done"):
        done(after, 1)
    for number in (0, 5):
        with pytest.raises(UnknownError):
            done(after, number)
    with pytest.raises(StateError, match="assigned"):
        done(an_assigned_case(), 1)
