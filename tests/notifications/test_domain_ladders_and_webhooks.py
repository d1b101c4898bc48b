"""When a ladder climbs, when a delivery is tried again, and where webhooks may go."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notifications.domain import (
    CaseFile,
    Ladder,
    Role,
    Step,
    address_allowed,
    endpoint_of,
    next_step_due,
    next_try,
    notices_of_step,
    reminder,
    url_problem,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CASE = CaseFile(UUID(int=1), responsible="dinsos")
STEPS = [Step(timedelta(minutes=10), (Role.SHELTER_HEAD,)), Step(timedelta(minutes=20), (Role.PLACEMENT_OFFICER, Role.INTAKE_OFFICER))]
DELAYS = [timedelta(seconds=5), timedelta(minutes=1)]


def a_ladder(**known: object) -> Ladder:
    return Ladder(UUID(int=2), CASE.case_id, UUID(int=3), **{"offered_at": NOON, **known})  # type: ignore[arg-type]


def test_each_step_is_due_its_minutes_after_the_offer() -> None:
    assert next_step_due(a_ladder(), STEPS, CASE) == NOON + timedelta(minutes=10)
    assert next_step_due(a_ladder().climbed(), STEPS, CASE) == NOON + timedelta(minutes=20)


def test_no_step_is_due_while_somebody_is_on_the_answer_and_the_ladder_goes_on_after_that() -> None:
    claimed = a_ladder().claimed(NOON + timedelta(minutes=15)).claimed(NOON + timedelta(minutes=12))
    assert next_step_due(claimed, STEPS, CASE) == NOON + timedelta(minutes=15), "the longest claim counts, whatever came first"
    assert next_step_due(claimed.climbed(), STEPS, CASE) == NOON + timedelta(minutes=20)
    assert next_step_due(claimed.answer(), STEPS, CASE) is None


@pytest.mark.parametrize(
    "ladder", [a_ladder(offered_at=None), a_ladder().answer(), a_ladder(offered_at=None).answer().offered(NOON), a_ladder(done=2)]
)
def test_a_ladder_without_offer_or_with_answer_or_at_its_end_has_no_next_step(ladder: Ladder) -> None:
    assert next_step_due(ladder, STEPS, CASE) is None


def test_an_ended_case_climbs_no_further() -> None:
    assert next_step_due(a_ladder(), STEPS, CASE.end(2)) is None
    assert next_step_due(a_ladder(), STEPS, CASE.end(2).reopen(3)) is not None


def test_a_step_tells_each_of_its_roles_in_the_right_place() -> None:
    head = notices_of_step(a_ladder(), STEPS[0], CASE)[0]
    placement, supervisor = notices_of_step(a_ladder(), STEPS[1], CASE)
    assert (head.unit, head.kind) == (UUID(int=3), "ladder.answer_awaited")
    assert (placement.agency, placement.kind) == (None, "ladder.unanswered")
    assert (supervisor.role, supervisor.agency, supervisor.kind) == (Role.SUPERVISOR, "dinsos", "ladder.try_another")


def test_a_reminder_goes_to_the_supervisor_of_the_agency_that_leads() -> None:
    assert (reminder(CASE).role, reminder(CASE).agency) == (Role.SUPERVISOR, "dinsos")


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 5))
def test_a_failed_delivery_waits_about_its_delay_and_is_given_up_after_the_last(chance: float, failed: int) -> None:
    wait = next_try(failed, DELAYS, chance)
    if failed > len(DELAYS):
        assert wait is None
    else:
        assert wait is not None
        assert 0.8 * DELAYS[failed - 1] <= wait <= 1.2 * DELAYS[failed - 1]


def test_a_receiver_that_asks_for_more_time_gets_it_and_one_that_asks_for_less_does_not() -> None:
    assert next_try(1, DELAYS, 0.5, timedelta(minutes=10)) == timedelta(minutes=10)
    assert next_try(1, DELAYS, 0.5, timedelta(seconds=1)) == DELAYS[0]
    assert next_try(3, DELAYS, 0.5, timedelta(minutes=10)) is None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
        "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not address_allowed(address, "https", ())


@pytest.mark.parametrize("address", ["8.8.8.8", "103.28.12.5", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_reached_with_tls_only(address: str) -> None:
    assert address_allowed(address, "https", ())
    assert not address_allowed(address, "http", ())


def test_listed_networks_are_reached_also_without_tls() -> None:
    allowed = [ip_network("127.0.0.0/8")]
    assert address_allowed("127.0.0.1", "http", allowed)
    assert not address_allowed("10.0.0.1", "http", allowed)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://hooks.example.id/naungan", None),
        ("https://8.8.8.8/x", None),
        ("http://hooks.example.id/naungan", "https_required"),
        ("http://8.8.8.8/x", "https_required"),
        ("https://127.0.0.1/x", "address_not_allowed"),
        ("https://[::1]/x", "address_not_allowed"),
        ("https://user@hooks.example.id/", "invalid"),
        ("https://hooks.example.id/#here", "invalid"),
        ("https://hooks.example.id:port/", "invalid"),
        ("https:///path", "invalid"),
        ("ftp://hooks.example.id/", "invalid"),
        ("not a url", "invalid"),
    ],
)
def test_a_url_is_judged_as_far_as_it_alone_tells(url: str, code: str | None) -> None:
    assert url_problem(url, ()) == code


def test_one_endpoint_is_scheme_host_and_port() -> None:
    assert endpoint_of("https://Hooks.example.id/a?b") == endpoint_of("https://hooks.example.id:443/c") == "https://hooks.example.id:443"
