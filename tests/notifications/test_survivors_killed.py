"""A process that dies in the middle of a message to a survivor: she gets it once or not at all, never twice, and an officer hears of what nobody knows."""

import asyncio
import json
import os
import signal
import sys

import pytest
from ops.processes import free_port

from tests.notifications.doors import DESK, Gateway, Mailbox, S, a_survivor, ask, states, through, until_ended
from tests.restore.loss import backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

QUICK = {"message_poll_seconds": 0.05, "message_lease_seconds": 2, "message_limit_seconds": 1}


def environment(rig: Rig, point: str) -> dict[str, str]:
    """What a process of notifications is told in this test."""
    settings = rig.services[S].settings
    told = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "KEYS_URL": settings.keys_url.get_secret_value(),
        "KEY_FILE": str(settings.key_file),
        "NATS_URL": settings.nats_url,
        "NATS_USER": settings.nats_user,
        "NATS_PASSWORD": "test",
        "ISSUER": settings.issuer,
        "JWKS_URL": settings.jwks_url,
        "PORT": str(free_port()),
        **{name.upper(): str(value) for name, value in QUICK.items()},
        "GATEWAYS": json.dumps(
            {name: {"url": str(gateway.url), "secret": gateway.secret.get_secret_value()} for name, gateway in settings.gateways.items()}
        ),
    }
    if settings.smtp is not None:
        told["SMTP"] = settings.smtp.model_dump_json(exclude={"password"})
    return {**os.environ, **{f"NOTIFICATIONS_{name}": value for name, value in told.items()}, "SENDING_DIES_AT": point}


async def a_message_in_a_process_that_dies(rig: Rig, point: str, channel: str, address: str) -> None:
    """Asked while nobody sends, taken up by a process that dies at this point, and looked after by one that lives."""
    person, _ = await a_survivor(rig, (channel, address), ("whatsapp", "+628110000001"))
    await rig.services[S].stop()
    settings = rig.services[S].settings
    rig.add(S, settings.model_copy(update={"message_poll_seconds": 3600}))
    await rig.services[S].start()
    await rig.until(rig._bound)
    await ask(rig, person)
    await rig.services[S].stop()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.notifications.survivor_process", env=environment(rig, point))
    try:
        assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL, "the point was not reached"
    finally:
        if process.returncode is None:
            process.kill()
    await rig.add(S, settings).start()
    await rig.until(rig._bound)
    await rig.until(lambda: _nothing_in_hand(rig))
    await until_ended(rig)


async def _nothing_in_hand(rig: Rig) -> bool:
    return all(state != "claimed" for _, state, _ in await states(rig))


@pytest.mark.parametrize("point", ["claimed", "given"])
async def test_a_process_dies_while_it_sends_by_a_gateway(rig: Rig, point: str) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms", "whatsapp"))
    await a_message_in_a_process_that_dies(rig, point, "sms", "+628110000001")
    assert await states(rig) == [("sms", "maybe_sent", "never_ended")]
    assert len(gateway.got) == (0 if point == "claimed" else 1)
    await rig.advance(hours=100)
    assert len(gateway.got) == (0 if point == "claimed" else 1), "never again by itself, by no channel"
    kinds = [notice["kind"] for notice in (await rig.get(S, "/inbox", **DESK)).json()["notices"]]
    assert kinds.count("survivor.message_unsure") == 1


async def test_a_process_dies_while_it_writes_down_that_the_mail_server_took_it(rig: Rig) -> None:
    with Mailbox() as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting)
        await a_message_in_a_process_that_dies(rig, "recording", "email", "kenari@contoh.test")
        await rig.advance(hours=100)
    assert (await states(rig), len(mailbox.got)) == ([("email", "maybe_sent", "never_ended")], 1)


async def test_after_a_restore_nothing_goes_again_by_itself_and_no_older_rules_are_gone_by(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **{**QUICK, "message_poll_seconds": 3600}, **through(gateway, "sms"))
    person, case = await a_survivor(rig)
    message = await ask(rig, person)
    other, _ = await a_survivor(rig, ("sms", "+628110000002"))
    await ask(rig, other)
    folder = await backed_up(rig, S)
    rig.services[S].settings.message_poll_seconds = 0.05
    third, third_case = await a_survivor(rig, ("sms", "+628110000003"))
    await rig.services[S].stop()
    await rig.add(S, rig.services[S].settings).start()
    await rig.until(rig._bound)
    assert [state for _, state, _ in await until_ended(rig)] == ["sent", "sent"]
    await lose_since(rig, S, folder)
    # That both were delivered is in the stream; what is not would be an officer's.
    assert [state for _, state, _ in await until_ended(rig)] == ["sent", "sent"]
    assert len(gateway.got) == 2
    asked = [(subject, data["person_id"]) for kind, subject, data in await rig.facts(S) if kind == "case.notifications.handover_asked.v1"]
    assert asked == [(third_case, str(third))]
    answer = await rig.post(S, f"/persons/{third}/messages", json={"purpose": "contact"}, **DESK)
    assert answer.status_code == 201, answer.text
    await until_ended(rig)
    assert len(gateway.got) == 2, "of who was lost nothing is known until she is handed over again"
    assert case != third_case
    assert message["state"] == "planned"


async def test_what_may_have_been_sent_before_a_restore_is_listed_for_people(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **{**QUICK, "message_poll_seconds": 3600}, **through(gateway, "sms"))
    person, _ = await a_survivor(rig)
    await ask(rig, person)
    folder = await backed_up(rig, S)
    rig.services[S].settings.message_poll_seconds = 0.05
    await lose_since(rig, S, folder)
    assert await states(rig) == [(None, "maybe_sent", "store_restored")]
    assert await tasks(rig, S) == [("store_restored", "message_maybe_sent")]
    await rig.advance(hours=1)
    assert gateway.got == []
