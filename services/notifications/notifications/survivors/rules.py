"""Whether a message may go to a survivor now, by her own rules (DOMAIN section 8): the only place that says so, asked by whoever sends, at every try.

What is not plainly allowed is not done: no rules, old rules, rules of which a newer revision was heard, a channel she did not name, an hour she did not name.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)
# None of Indonesia's three zones has had summer time since 1964.
ZONES = {"wib": timedelta(hours=7), "wita": timedelta(hours=8), "wit": timedelta(hours=9)}
LOOK_AHEAD = 8  # days: every rule about days of the week comes round within
CALL = "call"  # made by people


@dataclass(frozen=True, slots=True)
class Hours:
    """From minute `begins` of these days (ISO 8601: 1 is Monday) to minute `ends`, which is the next day's where it is not later."""

    days: frozenset[int]
    begins: int
    ends: int

    def on(self, midnight: datetime) -> tuple[datetime, datetime]:
        """Begin and end of the window that begins on the day of this midnight."""
        end = self.ends + (24 * 60 if self.ends <= self.begins else 0)
        return midnight + timedelta(minutes=self.begins), midnight + timedelta(minutes=end)


@dataclass(frozen=True, slots=True)
class Channel:
    """A way that she marked as safe, and when."""

    name: str
    hours: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """A person's rules: the channels in her order, her time zone, and until when what she said counts."""

    channels: tuple[Channel, ...]
    zone: str
    good_until: datetime
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before this; and it is asked again then."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Never:
    """Not by this channel, whatever the time; why, as a code."""

    reason: str


Verdict = Send | Wait | Never


def may_send(rules: Rules, channel: str, now: datetime, takes: timedelta = timedelta(0)) -> Verdict:
    """Whether a message may leave by this channel now; `takes` is how long a sending may last, and all of it must lie within her hours."""
    if rules.stopped:
        return Never("stopped")
    named = [entry for entry in rules.channels if entry.name == channel]
    if not named or channel == CALL:
        return Never("not_safe")
    if now + takes > rules.good_until:
        return Never("outdated")
    for begin, end in _windows(named[0].hours, rules.zone, now):
        start = max(begin, now)
        if end - start < takes or end <= now:
            continue
        if start + takes > rules.good_until:
            return Never("outdated")
        return Send() if start == now else Wait(start)
    return Never("no_hours")


def _windows(hours: Sequence[Hours], zone: str, now: datetime) -> list[tuple[datetime, datetime]]:
    """Her windows from yesterday's on, in UTC and in order; those that touch are one."""
    local = (now + ZONES[zone]).astimezone(UTC)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today + n * DAY for n in range(-1, LOOK_AHEAD + 1)]
    found = sorted(entry.on(day - ZONES[zone]) for day in days for entry in hours if day.isoweekday() in entry.days)
    joined: list[tuple[datetime, datetime]] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


# -- what becomes of a message ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that is due: the channels that were tried for it before, and after when it is of no use any more."""

    tried: frozenset[str]
    not_after: datetime


@dataclass(frozen=True, slots=True)
class By:
    """Claim it, and send it by this channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Later:
    """Look at it again then."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer has to do something, for this reason."""

    reason: str


def next_step(message: Asked, rules: Rules, ways: Collection[str], now: datetime, takes: timedelta) -> By | Later | Officer:
    """What happens to a due message: the first of her channels that there is a way for and that was not tried; in its hours, or not at all.

    A second channel is for when the first failed, never because its hours come sooner.
    """
    if now > message.not_after:
        return Officer("too_late")
    for channel in rules.channels:
        if channel.name in message.tried or channel.name not in ways:
            continue
        match may_send(rules, channel.name, now, takes):
            case Send():
                return By(channel.name)
            case Wait(until):
                return Later(until) if until <= message.not_after else Officer("too_late")
            case Never(reason) if reason != "no_hours":
                return Officer(reason)
    return Officer("failed" if message.tried else "no_channel")
