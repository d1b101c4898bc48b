"""When working time has passed, and who is told by name because she is on call."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications.domain import Duty, Notice, Role, Urgency, notices_on_call
from notifications.domain.calendars import Calendar

JAKARTA = ZoneInfo("Asia/Jakarta")
OFFICE = Calendar((0, 1, 2, 3, 4), time(8), time(16), {date(2026, 3, 4)}, JAKARTA)
UNIT, OTHER = UUID(int=1), UUID(int=2)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=JAKARTA).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        (at(2, 9), 2, at(2, 11)),  # a Monday
        (at(2, 15), 2, at(3, 9)),
        (at(2, 20), 1, at(3, 9)),
        (at(3, 15), 2, at(5, 9)),  # the fourth is a holiday
        (at(6, 15), 2, at(9, 9)),  # over the weekend
        (at(7, 12), 1, at(9, 9)),
        (at(2, 8), 8, at(2, 16)),
    ],
)
def test_working_time_passes_only_while_the_office_is_open(start: datetime, hours: float, end: datetime) -> None:
    assert OFFICE.after(start, timedelta(hours=hours)) == end


@given(st.integers(0, 200_000), st.integers(0, 5000), st.integers(0, 5000))
def test_more_working_time_never_ends_earlier_and_ends_while_the_office_is_open(minutes: int, less: int, more: int) -> None:
    start = at(1, 0) + timedelta(minutes=minutes)
    first, second = (OFFICE.after(start, timedelta(minutes=span)) for span in sorted((less, more)))
    assert start <= first <= second
    local = second.astimezone(JAKARTA)
    assert time(8) <= local.time() <= time(16)
    assert local.weekday() < 5


def test_an_office_that_is_never_open_is_an_error_and_no_endless_search() -> None:
    with pytest.raises(ValueError, match="no working time"):
        Calendar((), time(8), time(16), (), JAKARTA).after(at(2, 9), timedelta(minutes=1))


def test_who_is_on_call_is_told_once_and_only_for_her_role_agency_and_unit() -> None:
    told = [
        Notice("shelter_head#1", Role.SHELTER_HEAD, "ladder.answer_awaited", Urgency.NORMAL, unit=UNIT),
        Notice("supervisor@case", Role.SUPERVISOR, "ladder.try_another", Urgency.NORMAL, agency="dinsos"),
    ]
    officers = [UUID(int=100 + number) for number in range(5)]
    duties = [
        Duty("shelter_head", "dinsos", UNIT, officers[0]),
        Duty("shelter_head", "dinsos", None, officers[0]),
        Duty("shelter_head", "dinsos", OTHER, officers[1]),
        Duty("supervisor", "polda-ppa", None, officers[2]),
        Duty("supervisor", "dinsos", None, officers[3]),
        Duty("placement_officer", "dinsos", None, officers[4]),
    ]
    assert {notice.officer for notice in notices_on_call(told, duties)} == {officers[0], officers[3]}
    assert {notice.urgency for notice in notices_on_call(told, duties)} == {Urgency.URGENT}
