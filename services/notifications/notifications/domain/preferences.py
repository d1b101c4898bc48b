"""What an officer may choose to be told, and when what she chose is shown: at once, in a daily digest, or after her quiet hours."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum


class Pace(StrEnum):
    """When what was chosen is shown."""

    AT_ONCE = "at_once"
    DIGEST = "digest"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When somebody wants to hear; times of day where she works. `quiet_from` may be later than `quiet_until`: over midnight."""

    pace: Pace
    digest_at: time
    quiet_from: time | None = None
    quiet_until: time | None = None


def shown_from(now: datetime, rhythm: Rhythm, zone: tzinfo) -> datetime | None:
    """When what happens now is shown to somebody with this rhythm; None is at once. A digest that falls into the quiet hours waits for their end."""
    moment = now if rhythm.pace is Pace.AT_ONCE else _next(now, rhythm.digest_at, zone)
    if rhythm.quiet_from is not None and rhythm.quiet_until is not None:
        clock = moment.astimezone(zone).time()
        start, end = rhythm.quiet_from, rhythm.quiet_until
        if (start <= clock < end) if start <= end else (clock >= start or clock < end):
            moment = _next(moment, end, zone)
    return None if moment == now else moment


def _next(moment: datetime, at: time, zone: tzinfo) -> datetime:
    """The next moment after this one at which it is this time of day."""
    local = moment.astimezone(zone)
    found = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return (found if found > local else found + timedelta(days=1)).astimezone(moment.tzinfo)


def not_choosable(kinds: Collection[str], roles: Collection[str], choosable: Mapping[str, Collection[str]]) -> list[int]:
    """The places of those kinds that the policy lets none of these roles choose."""
    allowed = {kind for role in roles for kind in choosable.get(role, ())}
    return [place for place, kind in enumerate(kinds) if kind not in allowed]


def compulsory(kinds: Collection[str], roles: Collection[str], optional: Mapping[str, Collection[str]]) -> list[int]:
    """The places of those kinds that the policy lets none of these roles turn off."""
    return not_choosable(kinds, roles, optional)
