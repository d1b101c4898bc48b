"""When a span of working time ends: on the days and between the hours of an office, without its holidays."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working time of an office; `days` are those of the week, 0 is Monday."""

    days: Collection[int]
    opens: time
    closes: time
    holidays: Collection[date]
    zone: tzinfo

    def after(self, start: datetime, span: timedelta) -> datetime:
        """When so much working time has passed since `start`. Raises ValueError where there is none within a year."""
        left, day = span, start.astimezone(self.zone).date()
        for _ in range(MOST_DAYS):
            if day.weekday() in self.days and day not in self.holidays:
                opens = max(start, datetime.combine(day, self.opens, self.zone))
                closes = datetime.combine(day, self.closes, self.zone)
                if opens + left <= closes:
                    return (opens + left).astimezone(start.tzinfo)
                left -= max(timedelta(0), closes - opens)
            day += timedelta(days=1)
        message = "this calendar has no working time"
        raise ValueError(message)
