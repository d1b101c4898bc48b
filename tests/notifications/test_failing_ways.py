"""A provider or an endpoint that keeps failing is told to people once, and once more when it works again; one try says nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from notifications.channels import failing
from notifications.channels.failing import look
from notifications.channels.ways import Answer, Outcome
from notifications.domain.failing import Rule, Tries, is_failing

from tests.notifications.doors import Gateway, Mailbox, a_survivor, ask, through, until_ended
from tests.notifications.events import reported, sheltered
from tests.notifications.subscribers import S, log_of, nothing_leased, subscribe, until_logged
from tests.rig import Rig

QUICK = {"message_poll_seconds": 0.05, "message_gap_minutes": 0, "message_retry_minutes": (2, 3, 5, 5, 5, 5)}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failed", "refused", "minutes", "fails"),
    [(2, 0, 60, False), (3, 0, 4, False), (3, 0, 5, True), (0, 9, 60, False), (0, 10, 5, True), (2, 8, 5, True), (2, 7, 60, False)],
)
def test_a_way_fails_after_so_many_in_a_row_over_so_long(failed: int, refused: int, minutes: int, fails: bool) -> None:
    rule = Rule(tries=3, refusals=10, span=timedelta(minutes=5))
    assert is_failing(Tries(failed, refused, NOW - timedelta(minutes=minutes)), rule, NOW) is fails


async def told(rig: Rig, role: str, agency: str = "dinsos") -> list[str]:
    notices = (await rig.get(S, "/inbox?lang=en", role=role, agency=agency)).json()["notices"]
    return [n["kind"] for n in notices if "failing" in n["kind"] or "works_again" in n["kind"]]


async def shown(rig: Rig) -> dict[str, float]:
    """What the metric says."""
    await rig.services[S].database.run(look)
    text = (await rig.clients[S].get("/metrics")).text
    return {
        line.split('"')[1]: float(line.split()[-1])
        for line in text.splitlines()
        if line.startswith("naungan_ways_failing{") and not line.endswith(" 0.0")
    }


async def test_a_gateway_that_keeps_failing_is_told_once_and_once_when_it_works_again(rig: Rig) -> None:
    gateway = Gateway(503)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    person, _ = await a_survivor(rig, ("sms", "+628110000001"))
    await ask(rig, person)
    await until_ended(rig)
    await rig.advance(minutes=3)
    await until_ended(rig)
    assert (len(gateway.got), await told(rig, "operator"), await shown(rig)) == (2, [], {})
    for _ in range(2):
        await rig.advance(minutes=6)
        await until_ended(rig)
    assert len(gateway.got) == 4
    for role, agency in (("operator", "dinsos"), ("supervisor", "dinsos"), ("supervisor", "dppapp")):
        assert await told(rig, role, agency) == ["sms_failing"]
    assert await told(rig, "intake_officer") == []
    (fails,) = (await rig.get(S, "/channels", role="operator")).json()["failing"]
    assert (fails["way"], fails["failed"], fails["reason"], await shown(rig)) == ("sms", 4, "http_503", {"sms": 1.0})
    assert not [row for row in await rig.sql(S, "SELECT f::text AS row FROM failing_way f") if "0000001" in row.row]
    gateway.plan = [202]
    await rig.advance(minutes=6)
    await until_ended(rig)
    assert await told(rig, "operator") == ["sms_failing", "sms_works_again"]
    assert (await shown(rig), await rig.sql(S, "SELECT 1 FROM failing_way")) == ({}, [])


async def test_one_number_that_is_refused_says_nothing_of_the_gateway(rig: Rig) -> None:
    gateway = Gateway(422)
    await rig.start(S, **QUICK, **through(gateway, "sms"), failing_minutes=0)
    for number in range(3):
        person, _ = await a_survivor(rig, ("sms", f"+62811000000{number}"))
        await ask(rig, person)
        await until_ended(rig)
    assert (len(gateway.got), await told(rig, "operator")) == (3, [])


async def test_a_mail_server_that_keeps_failing_is_told_in_the_inbox(rig: Rig) -> None:
    with Mailbox(answer="451 later") as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting, officer_email_minutes=0)
        who = {"role": "supervisor", "agency": "dinsos"}
        assert (await rig.put(S, "/me/email", json={"address": "rina@dinas.test"}, **who)).status_code == 200
        await rig.say(reported(urgency="high"), subject=uuid4())
        await rig.settle()

        async def tried(times: int) -> bool:
            rows = await rig.sql(S, "SELECT failed FROM failing_way WHERE way = 'email'")
            return bool(rows) and rows[0].failed >= times

        for times in (1, 2, 3):
            await rig.until(partial(tried, times))
            await rig.advance(minutes=6)
        assert await told(rig, "operator") == ["email_failing"]
        mailbox.answer = "250 taken"

        async def healed() -> bool:
            return await told(rig, "operator") == ["email_failing", "email_works_again"]

        await rig.advance(minutes=20)
        await rig.until(healed)


async def test_an_endpoint_that_keeps_failing_is_told_to_its_agency_long_before_it_is_disabled(rig: Rig, receiver: Any) -> None:
    here = {"webhook_allow": ("127.0.0.0/8",), "webhook_poll_seconds": 0.05, "webhook_retry_seconds": (60,) * 20}
    await rig.start(S, **here, webhook_failing_tries=3, webhook_failing_minutes=2)
    bad, good = receiver(500), receiver(204)
    fails, _ = await subscribe(rig, bad.url), await subscribe(rig, good.url)
    await rig.say(sheltered(), subject=uuid4())
    await rig.settle()
    for attempts in (1, 2, 3):
        await until_logged(rig, fails, state="pending", attempts=attempts, last_status=500)
        await rig.until(partial(nothing_leased, rig))  # a try is counted when it begins: what came of it is written after that
        await rig.advance(seconds=80)
    await until_logged(rig, fails, attempts=4)
    await rig.until(partial(nothing_leased, rig))
    assert [await told(rig, "operator"), await told(rig, "supervisor"), await told(rig, "supervisor", "dppapp")] == [
        ["webhook_failing"],
        ["webhook_failing"],
        [],
    ]
    assert await shown(rig) == {"webhook": 1.0}
    assert (await rig.get(S, "/subscriptions", role="agency_system")).json()[0]["state"] == "active"
    bad.plan = [204]
    await rig.advance(seconds=80)
    await until_logged(rig, fails, state="delivered")
    assert await told(rig, "supervisor") == ["webhook_failing", "webhook_works_again"]
    assert (await log_of(rig, fails))[0]["attempts"] == 5


async def test_an_endpoint_that_is_changed_or_given_up_begins_anew(rig: Rig, receiver: Any) -> None:
    here = {"webhook_allow": ("127.0.0.0/8",), "webhook_poll_seconds": 0.05, "webhook_retry_seconds": (1e6,)}
    await rig.start(S, **here, webhook_failing_tries=1, webhook_failing_minutes=0)
    fails, other = await subscribe(rig, receiver(500).url), receiver(204)
    await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, fails, last_status=500)
    assert await told(rig, "operator") == ["webhook_failing"]
    changed = await rig.put(S, f"/subscriptions/{fails['id']}", json={"url": other.url}, role="agency_system", if_match="1")
    assert changed.status_code == 200
    assert (await rig.sql(S, "SELECT 1 FROM failing_way"), await shown(rig)) == ([], {})


async def test_replicas_that_see_it_at_once_tell_it_once(rig: Rig) -> None:
    await rig.start(S, failing_minutes=0)
    database = rig.services[S].database
    failed = Answer(Outcome.NOT_TAKEN, "connect_error")
    await asyncio.gather(*(database.run(partial(failing.heard, channel="sms", answer=failed)) for _ in range(8)))
    assert await told(rig, "operator") == ["sms_failing"]
    assert [(row.failed, row.reason) for row in await rig.sql(S, "SELECT failed, reason FROM failing_way")] == [(8, "connect_error")]
    taken = Answer(Outcome.TAKEN)
    await asyncio.gather(*(database.run(partial(failing.heard, channel="sms", answer=taken)) for _ in range(4)))
    assert await told(rig, "operator") == ["sms_failing", "sms_works_again"]
