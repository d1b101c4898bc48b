"""When what somebody chose is shown."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications.domain import TABLE
from notifications.domain.preferences import Pace, Rhythm, compulsory, not_choosable, shown_from
from notifications.settings import PreferencePolicy

JAKARTA = ZoneInfo("Asia/Jakarta")
MOMENTS = st.integers(0, 366 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes))
TIMES = st.integers(0, 24 * 60 - 1).map(lambda minute: time(minute // 60, minute % 60))


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=JAKARTA).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "rhythm", "shown"),
    [
        (at(12), Rhythm(Pace.AT_ONCE, time(7, 30)), None),
        (at(12), Rhythm(Pace.DIGEST, time(7, 30)), at(7, 30) + timedelta(days=1)),
        (at(6), Rhythm(Pace.DIGEST, time(7, 30)), at(7, 30)),
        (at(23), Rhythm(Pace.AT_ONCE, time(7, 30), time(22), time(6)), at(6) + timedelta(days=1)),
        (at(5, 59), Rhythm(Pace.AT_ONCE, time(7, 30), time(22), time(6)), at(6)),
        (at(6), Rhythm(Pace.AT_ONCE, time(7, 30), time(22), time(6)), None),
        (at(21, 59), Rhythm(Pace.AT_ONCE, time(7, 30), time(22), time(6)), None),
        (at(12), Rhythm(Pace.DIGEST, time(7, 30), time(22), time(8)), at(8) + timedelta(days=1)),
    ],
)
def test_what_is_not_urgent_waits_for_digest_and_quiet_hours(now: datetime, rhythm: Rhythm, shown: datetime | None) -> None:
    assert shown_from(now, rhythm, JAKARTA) == shown


@given(MOMENTS, st.sampled_from(Pace), TIMES, TIMES, TIMES)
def test_nothing_is_shown_within_the_quiet_hours_and_nothing_waits_longer_than_two_days(
    now: datetime, pace: Pace, digest: time, start: time, end: time
) -> None:
    shown = shown_from(now, Rhythm(pace, digest, start, end), JAKARTA) or now
    assert now <= shown <= now + timedelta(days=2)
    clock = shown.astimezone(JAKARTA).time()
    quiet = (start <= clock < end) if start <= end else (clock >= start or clock < end)
    assert not quiet


def test_what_the_policy_does_not_offer_is_refused_by_its_place() -> None:
    offered = {"peksos": ["a"], "supervisor": ["b"]}
    assert not_choosable(["a", "b", "c"], ["peksos"], offered) == [1, 2]
    assert compulsory(["b"], ["peksos", "supervisor"], offered) == []


def test_the_policy_names_what_there_is_and_never_offers_to_turn_off_what_waits_for_an_answer() -> None:
    from importlib.resources import files

    policy = PreferencePolicy.model_validate_json((files("notifications") / "preferences.json").read_bytes())
    kinds = {kind for chosen in (policy.choosable, policy.optional) for named in chosen.values() for kind in named}
    assert kinds <= TABLE.keys()
    turned_off = {kind for named in policy.optional.values() for kind in named}
    assert not turned_off & {"placement.offered", "placement.transfer_offered", "assessment.alert_raised", "intake.reported", "assessment.assigned"}
    for role, named in policy.optional.items():
        for kind in named:
            assert role in {cell.role.value for cell in TABLE[kind]}, f"{role} is not told of {kind} at all"
    for role, named in policy.choosable.items():
        for kind in named:
            told = [cell for cell in TABLE[kind] if cell.role.value == role and not cell.only_pressing]
            assert not told, f"{role} hears of {kind} anyhow"
