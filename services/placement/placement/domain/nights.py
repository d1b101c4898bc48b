"""The nightly question who is still there: which night it is about, until when it is to be answered, and what is wrong with an answer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from placement.domain.placements import JAKARTA

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """From when a night may be confirmed, and by when it is to be, both by Jakarta's clock; a night has the date of its evening."""

    begins: time
    by: time

    def current(self, now: datetime) -> date:
        """The night that may be confirmed now: the one that began last."""
        local = now.astimezone(JAKARTA)
        return local.date() if local.time() >= self.begins else local.date() - DAY

    def deadline(self, night: date) -> datetime:
        """By when a night is to be confirmed."""
        return datetime.combine(night if self.by > self.begins else night + DAY, self.by, JAKARTA)

    def next_deadline(self, now: datetime) -> datetime:
        """The first deadline that is still ahead."""
        night = self.current(now) - DAY
        while self.deadline(night) <= now:
            night += DAY
        return self.deadline(night)

    def overdue(self, now: datetime) -> date:
        """The last night whose deadline is over."""
        night = self.current(now)
        while self.deadline(night) > now:
            night -= DAY
        return night


def wrong_in(residents: Collection[UUID], present: Collection[UUID], absent: Collection[UUID]) -> list[tuple[str, str]]:
    """What is wrong with a census, as (field, code): everyone who stays there is in one of the two lists, and nobody else is."""
    problems = [(f"persons.{person}", "missing") for person in sorted(set(residents) - {*present, *absent})]
    problems += [(f"persons.{person}", "not_here") for person in sorted({*present, *absent} - set(residents))]
    return problems + [(f"persons.{person}", "in_both") for person in sorted(set(present) & set(absent))]
