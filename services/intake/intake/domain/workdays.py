"""When a span of working days ends: Monday to Friday in Jakarta, without the holidays that the operator listed; pure."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta, timezone

# WIB has no summer time.
JAKARTA = timezone(timedelta(hours=7))
SATURDAY = 5
# A longer row of free days than this in the operator's list is a mistake of the list, and ends the count.
LONGEST = 400


def working(day: date, holidays: Collection[date]) -> bool:
    """Whether offices are open on a day."""
    return day.weekday() < SATURDAY and day not in holidays


def after_working_days(start: datetime, days: int, holidays: Collection[date] = ()) -> datetime:
    """The same time of day after so many working days; what begins on a free day begins with the next working day's first minute."""
    local = start.astimezone(JAKARTA)
    day, clock = local.date(), local.time()
    if not working(day, holidays):
        day, clock = _next(day, holidays), time(0, 0)
    for _ in range(days):
        day = _next(day, holidays)
    return datetime.combine(day, clock, JAKARTA).astimezone(UTC)


def _next(day: date, holidays: Collection[date]) -> date:
    for _ in range(LONGEST):
        day += timedelta(days=1)
        if working(day, holidays):
            break
    return day
