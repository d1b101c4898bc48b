"""A survivor's own rules: whether a message may go now, by an oracle that asks minute by minute."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from notifications.survivors.rules import Asked, By, Channel, Hours, Later, Never, Officer, Rules, Send, Wait, may_send, next_step

FAR = datetime(2030, 1, 1, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)  # 07:00 in Jakarta
OFFSETS = {"wib": 7, "wita": 8, "wit": 9}
MINUTE = timedelta(minutes=1)
# 300 in the suite; the long proof is NAUNGAN_RULES_ROUNDS=100000.
ROUNDS = int(os.environ.get("NAUNGAN_RULES_ROUNDS", "300"))


def hours(days: str, begins: str, ends: str) -> Hours:
    def minute(clock: str) -> int:
        return int(clock[:2]) * 60 + int(clock[3:])

    return Hours(frozenset(map(int, days)), minute(begins), minute(ends))


def rules(*windows: Hours, channel: str = "sms", **known: Any) -> Rules:
    return Rules(**{"channels": (Channel(channel, windows),), "zone": "wib", "good_until": FAR, **known})


def inside(known: Rules, channel: str, moment: datetime) -> bool:
    """Whether a moment is in her hours, told from the clock on her wall alone."""
    wall = moment + timedelta(hours=OFFSETS[known.zone])
    minute, today, yesterday = wall.hour * 60 + wall.minute, wall.isoweekday(), (wall - timedelta(days=1)).isoweekday()
    for window in next((entry.hours for entry in known.channels if entry.name == channel), ()):
        overnight = window.ends <= window.begins
        late = today in window.days and minute >= window.begins and (overnight or minute < window.ends)
        early = overnight and yesterday in window.days and minute < window.ends
        if late or early:
            return True
    return False


def test_it_may_go_in_her_hours_and_waits_for_them() -> None:
    evening = rules(hours("12345", "19:00", "21:00"))
    assert may_send(evening, "sms", MONDAY) == Wait(MONDAY + timedelta(hours=12))
    assert may_send(evening, "sms", MONDAY + timedelta(hours=12)) == Send()
    assert may_send(evening, "sms", MONDAY + timedelta(hours=14)) == Wait(MONDAY + timedelta(days=1, hours=12))
    assert may_send(evening, "sms", MONDAY + timedelta(days=4, hours=14)) == Wait(MONDAY + timedelta(days=7, hours=12)), "not at the weekend"


def test_the_same_moment_is_another_hour_in_another_zone() -> None:
    morning = hours("1", "08:00", "09:00")
    assert [may_send(rules(morning, zone=zone), "sms", MONDAY) for zone in ("wib", "wita", "wit")] == [
        Wait(MONDAY + timedelta(hours=1)),
        Send(),
        Wait(MONDAY + timedelta(days=7, hours=-1)),
    ]


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    night = rules(hours("7", "22:00", "02:00"))
    assert may_send(night, "sms", MONDAY - timedelta(hours=5, minutes=1)) == Send()
    assert may_send(night, "sms", MONDAY - timedelta(hours=5)) == Wait(MONDAY + timedelta(days=6, hours=15))


def test_a_sending_that_would_last_beyond_her_hours_does_not_begin() -> None:
    evening = rules(hours("1", "19:00", "21:00"))
    late = MONDAY + timedelta(hours=14) - timedelta(seconds=10)
    assert may_send(evening, "sms", late, timedelta(seconds=10)) == Send()
    assert may_send(evening, "sms", late, timedelta(seconds=11)) == Wait(MONDAY + timedelta(days=7, hours=12))
    two = rules(hours("1", "19:00", "21:00"), hours("1", "21:00", "22:00"))
    assert may_send(two, "sms", late, timedelta(minutes=10)) == Send(), "hours that touch are one"


@pytest.mark.parametrize(
    ("known", "channel", "reason"),
    [
        ({"stopped": True}, "sms", "stopped"),
        ({}, "email", "not_safe"),
        ({"channel": "call"}, "call", "not_safe"),
        ({"good_until": MONDAY}, "sms", "outdated"),
        ({"good_until": MONDAY + timedelta(hours=11)}, "sms", "outdated"),
    ],
)
def test_what_is_not_plainly_allowed_is_never_done(known: dict[str, Any], channel: str, reason: str) -> None:
    assert may_send(rules(hours("1234567", "19:00", "21:00"), **known), channel, MONDAY + MINUTE) == Never(reason)
    assert may_send(rules(**{**known, "stopped": False, "good_until": FAR}), "sms" if not known.get("channel") else "call", MONDAY) != Send()


def test_a_second_channel_is_for_when_the_first_failed() -> None:
    both = Rules((Channel("whatsapp", (hours("1", "19:00", "21:00"),)), Channel("sms", (hours("1", "06:00", "21:00"),))), "wib", FAR)
    ways, a_day = {"sms", "whatsapp"}, MONDAY + timedelta(days=1)
    assert next_step(Asked(frozenset(), a_day), both, ways, MONDAY, MINUTE) == Later(MONDAY + timedelta(hours=12))
    assert next_step(Asked(frozenset({"whatsapp"}), a_day), both, ways, MONDAY, MINUTE) == By("sms")
    assert next_step(Asked(frozenset({"whatsapp", "sms"}), a_day), both, ways, MONDAY, MINUTE) == Officer("failed")
    assert next_step(Asked(frozenset(), a_day), both, {"sms"}, MONDAY, MINUTE) == By("sms"), (
        "a channel that there is no way for is as if it were not there"
    )
    assert next_step(Asked(frozenset(), a_day), both, {"email"}, MONDAY, MINUTE) == Officer("no_channel")
    assert next_step(Asked(frozenset(), MONDAY + MINUTE), both, ways, MONDAY, MINUTE) == Officer("too_late")


some_hours = st.builds(
    Hours, st.frozensets(st.integers(1, 7), min_size=1), st.integers(0, 24 * 60 - 1), st.integers(0, 24 * 60 - 1)
)  # fmt: skip
some_rules = st.builds(
    Rules,
    st.lists(st.builds(Channel, st.sampled_from(["sms", "whatsapp", "email", "call"]), st.lists(some_hours, max_size=4).map(tuple)), max_size=4, unique_by=lambda c: c.name).map(tuple),
    st.sampled_from(["wib", "wita", "wit"]),
    st.just(FAR),
    st.booleans() | st.just(False),
)  # fmt: skip
moments = st.timedeltas(timedelta(0), timedelta(days=365)).map(lambda since: MONDAY + since)


@settings(max_examples=ROUNDS, deadline=None)
@given(some_rules, st.sampled_from(["sms", "whatsapp", "email", "call"]), moments, st.integers(0, 3600))
@example(rules(Hours(frozenset({7}), 1439, 0)), "sms", MONDAY, 30)
def test_whatever_the_profile_and_the_clock_nothing_goes_outside_her_rules_and_waiting_ends_at_the_next_chance(
    known: Rules, channel: str, now: datetime, takes: int
) -> None:
    verdict, span = may_send(known, channel, now, timedelta(seconds=takes)), timedelta(seconds=takes)

    def fits(start: datetime) -> bool:
        # A whole sending lies in her hours when every minute that it touches does.
        last = start + span - timedelta(microseconds=1) if takes else start
        first = start.replace(second=0, microsecond=0)
        steps = int((last - first) / MINUTE) + 1
        return not known.stopped and channel != "call" and all(inside(known, channel, first + n * MINUTE) for n in range(steps))

    match verdict:
        case Send():
            assert fits(now)
        case Wait(until):
            assert until > now
            assert fits(until)
            assert not fits(now)
            gap = min((until - now) / MINUTE, 600)
            assert not any(fits(now + n * MINUTE) for n in range(int(gap))), "it does not wait longer than it must"
        case Never(reason):
            assert not fits(now)
            assert reason in {"stopped", "not_safe", "no_hours"}
