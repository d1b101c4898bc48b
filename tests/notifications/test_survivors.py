"""Messages to survivors, on real servers: taken rules, the sender that obeys them, and what officers hear."""

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_string
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from contracts import intake
from contracts.assessment import FollowupDue
from contracts.handover import ContactHandedOver
from contracts.rights import PersonErased
from notifications.survivors.reminders import Planned
from notifications.survivors.sending import add
from sqlalchemy import text

from tests.flows.test_secrecy import dumped
from tests.notifications.doors import ALWAYS, DESK, Gateway, Mailbox, S, a_contact, a_survivor, ask, hand_over, key_of, states, through, until_ended
from tests.notifications.events import reported
from tests.rig import Rig

QUICK = {"message_poll_seconds": 0.05}


async def inbox(rig: Rig, **who: Any) -> list[str]:
    answer = await rig.get(S, "/inbox", **{**DESK, **who})
    return [notice["kind"] for notice in answer.json()["notices"] if notice["kind"].startswith("survivor")]


async def test_a_message_goes_as_she_said_with_her_code_word_and_nothing_else(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    person, case = await a_survivor(rig, ("call", "+628110000009"), ("sms", "+628110000001"), code_word="melati")
    message = await ask(rig, person)
    assert await until_ended(rig) == [("sms", "sent", None)]
    (sent,) = gateway.messages
    assert sent == {
        "id": message["message_id"], "channel": "sms", "to": "+628110000001", "text": "melati. Ada info untuk Anda.",
        "preview": False, "encoding": "gsm7", "parts": 1,
    }  # fmt: skip
    assert [(subject, data["channel"]) for kind, subject, data in await rig.facts(S) if kind == "case.notifications.delivered.v1"] == [(case, "sms")]
    found = "\n".join(await dumped(rig, S))
    assert [mark for mark in ("28110000001", "melati", "Ada info") if mark in found or mark.encode().hex() in found] == []


async def test_an_e_mail_comes_from_nobody_and_says_nothing(rig: Rig) -> None:
    with Mailbox() as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting)
        person, _ = await a_survivor(rig, ("email", "kenari@contoh.test"), language="en")
        await ask(rig, person, template="call_back")
        assert await until_ended(rig) == [("email", "sent", None)]
    ((to, content),) = mailbox.got
    letter = message_from_string(content)
    assert (to, letter["From"], letter["Subject"]) == ("kenari@contoh.test", "info@surat.test", "Info")
    assert letter.get_payload().strip() == "There is some news for you. Call us when you can."
    assert mailbox.names == {"surat.test"}
    assert not [word for word in ("naungan", "http", "notifications") if word in content.lower()]


async def test_it_waits_for_her_hours_also_when_it_is_tried_again(rig: Rig) -> None:
    gateway = Gateway(503, 202)
    await rig.start(S, **QUICK, **through(gateway, "whatsapp"), message_retry_minutes=(30,))
    soon = datetime.now(UTC) + timedelta(hours=7, minutes=60)
    minute = soon.hour * 60 + soon.minute
    hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "begins": f"{soon:%H:%M}", "ends": f"{(minute + 20) % 1440 // 60:02}:{(minute + 20) % 60:02}"}]
    person, _ = await a_survivor(rig, ("whatsapp", "+628110000001"), hours=hours)
    await ask(rig, person)
    assert await until_ended(rig) == [(None, "planned", None)]
    assert gateway.got == []
    await rig.advance(minutes=61)
    assert await until_ended(rig) == [("whatsapp", "planned", "http_503")]
    await rig.advance(minutes=40)
    assert len(await until_ended(rig)) == 1
    assert len(gateway.got) == 1, "the second try would fall outside her hours"
    await rig.advance(hours=23, minutes=20)
    assert await until_ended(rig) == [("whatsapp", "sent", None)]
    assert len(gateway.got) == 2


async def test_what_fails_falls_to_the_next_safe_channel_and_then_to_an_officer(rig: Rig) -> None:
    gateway = Gateway(422)
    with Mailbox(refused="kenari") as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting, **through(gateway, "sms", "whatsapp"))
        person, _ = await a_survivor(rig, ("sms", "+628110000001"), ("email", "kenari@contoh.test"))
        await ask(rig, person)
        assert await until_ended(rig) == [("sms", "failed", "http_422"), ("email", "failed", "smtp_550"), (None, "officer", "failed")]
        assert [message["channel"] for message in gateway.messages] == ["sms"], "whatsapp she did not name"
        assert await inbox(rig) == ["survivor.message_to_do"]
        view = (await rig.get(S, "/channels", role="operator")).json()
    assert view["ways"] == ["email", "sms", "whatsapp"]
    assert [(entry["channel"], entry["reason"]) for entry in view["sendings"]] == [("email", "smtp_550"), ("sms", "http_422")]


@pytest.mark.parametrize("status", [500, 302])
async def test_an_unknown_result_is_an_officers_and_never_sent_again(rig: Rig, status: int) -> None:
    gateway = Gateway(status)
    await rig.start(S, **QUICK, **through(gateway, "sms", "whatsapp"))
    person, _ = await a_survivor(rig, ("sms", "+628110000001"), ("whatsapp", "+628110000001"))
    await ask(rig, person)
    assert await until_ended(rig) == [("sms", "maybe_sent", f"http_{status}")]
    await rig.advance(hours=30)
    assert (len(gateway.got), await inbox(rig)) == (1, ["survivor.message_unsure"])
    assert "unacknowledged" in [n["kind"] for n in (await rig.get(S, "/inbox", role="supervisor", agency="dinsos")).json()["notices"]]


async def test_a_receiver_that_never_answers_is_maybe_sent_and_one_that_is_not_there_is_not(rig: Rig) -> None:
    hanging, gone = Gateway(202, slow=0.3), Gateway()
    gone.server.shutdown()
    gone.server.server_close()
    settings = {"gateways": through(hanging, "sms")["gateways"] | through(gone, "whatsapp")["gateways"]}
    await rig.start(S, **QUICK, **settings, message_limit_seconds=1.5)
    one, _ = await a_survivor(rig, ("sms", "+628110000001"))
    other, _ = await a_survivor(rig, ("whatsapp", "+628110000002"))
    await ask(rig, one)
    await ask(rig, other)
    assert sorted(await until_ended(rig), key=str) == [("sms", "maybe_sent", "timeout"), ("whatsapp", "planned", "connect_error")]


async def test_without_a_way_it_is_an_officers_at_once(rig: Rig) -> None:
    await rig.start(S, **QUICK)
    person, _ = await a_survivor(rig)
    await ask(rig, person)
    assert await until_ended(rig) == [(None, "officer", "no_channel")]
    assert await inbox(rig) == ["survivor.message_to_do"]
    assert await inbox(rig, agency="dppapp") == []


@pytest.mark.parametrize("how", ["stop", "erase", "withdraw"])
async def test_what_waits_is_not_sent_after_a_stop_an_erasure_or_a_withdrawal(rig: Rig, how: str) -> None:
    gateway = Gateway()
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    hours = [
        {
            "days": [1, 2, 3, 4, 5, 6, 7],
            "begins": f"{datetime.now(UTC) + timedelta(hours=9):%H:%M}",
            "ends": f"{datetime.now(UTC) + timedelta(hours=10):%H:%M}",
        }
    ]
    person, case = await a_survivor(rig, hours=hours)
    await ask(rig, person)
    match how:
        case "stop":
            await rig.say(ContactHandedOver(person_id=person, case_id=case, revision=2, stopped=True), subject=case)
        case "erase":
            await rig.say(PersonErased(person_id=person, receipt="0" * 64, ground="person_asked"), subject=case, factversion=9)
        case "withdraw":
            await rig.say(intake.Withdrawn(reason="refused_service"), subject=case, factversion=9)
    await rig.settle()
    ((_, state, _),) = await states(rig)
    assert state == "cancelled"
    await rig.advance(hours=3)
    assert gateway.got == []
    again = await rig.post(S, f"/persons/{person}/messages", json={"purpose": "contact"}, **DESK)
    assert again.status_code == 409


async def test_a_newer_revision_replaces_an_older_one_and_never_the_other_way_round(rig: Rig) -> None:
    gateway = Gateway()
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    person, case = await a_survivor(rig, ("sms", "+628110000002"), revision=2)
    await hand_over(rig, a_contact(person, case, ("sms", "+628110000001"), revision=1))
    await rig.settle()
    await ask(rig, person)
    await until_ended(rig)
    assert [message["to"] for message in gateway.messages] == ["+628110000002"]
    taken = [data["revision"] for kind, _, data in await rig.facts(S) if kind == "case.notifications.handover_taken.v1"]
    assert taken == [2, 1]
    assert (await rig.nats.jetstream().stream_info("HANDOVER")).state.messages == 0


async def test_while_a_newer_revision_is_known_and_not_readable_nothing_is_sent(rig: Rig) -> None:
    gateway = Gateway()
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    person, case = await a_survivor(rig)
    lost = {"kid": "0123456789abcdef", "public_key": (await key_of(rig))["public_key"]}
    await hand_over(rig, a_contact(person, case, ("sms", "+628110000002"), revision=2), key=lost)
    await rig.settle()
    await ask(rig, person)
    assert await until_ended(rig) == [(None, "planned", None)]
    assert gateway.got == []
    await hand_over(rig, a_contact(person, case, ("sms", "+628110000002"), revision=2))
    await rig.settle()
    assert await until_ended(rig) == [("sms", "sent", None)]
    assert [message["to"] for message in gateway.messages] == ["+628110000002"]


async def test_a_second_message_waits_a_while_and_one_that_waits_is_not_doubled(rig: Rig) -> None:
    gateway = Gateway()
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    person, _ = await a_survivor(rig)
    first = await ask(rig, person)
    await until_ended(rig)
    second = await ask(rig, person)
    assert second["message_id"] != first["message_id"]
    assert (await ask(rig, person))["message_id"] == second["message_id"]
    assert [state for _, state, _ in await until_ended(rig)] == ["sent", "planned"]
    await rig.advance(minutes=61)
    await until_ended(rig)
    assert len(gateway.got) == 2


async def test_of_a_follow_up_only_who_agreed_is_reminded_once(rig: Rig) -> None:
    gateway = Gateway()
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    _person, case = await a_survivor(rig, reminders=["followup"])
    await hand_over(rig, a_contact(uuid4(), case, ("sms", "+628110000002")))
    await rig.settle()
    due, identity = FollowupDue(number=1, due_at=datetime.now(UTC)), uuid4()
    for _ in range(2):
        await rig.say(due, subject=case, id=identity)
        await rig.settle()
        await rig.sql(S, "DELETE FROM inbox")  # even a store that forgot what it took
    found = await until_ended(rig)
    assert sorted(found, key=str) == [("sms", "sent", None), (None, "cancelled", "not_agreed")]
    assert [message["to"] for message in gateway.messages] == ["+628110000001"]


async def test_what_became_of_a_message_is_recorded_beside_others_who_work_on_the_case(rig: Rig) -> None:
    gateway = Gateway()
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    person, case = await a_survivor(rig, reminders=["followup"])
    database = rig.services[S].database
    planned = Planned(datetime.now(UTC), datetime.now(UTC) + timedelta(hours=1))

    async def on_its_way() -> bool:
        return len(gateway.got) == 1

    async with database.transaction() as tx:
        await tx.start()
        await tx.lock([case])
        await database.run(partial(add, source="a follow-up", person_id=person, case_id=case, step=0, like=planned))
        await rig.until(on_its_way)
        await asyncio.sleep(0.5)  # it is answered now, and what came of it waits to be recorded
        rows = await tx.rows(text("UPDATE survivor_message SET not_after = not_after RETURNING id"))
        assert len(rows) == 1, "whoever has the case has its messages too"
    assert await until_ended(rig) == [("sms", "sent", None)]


async def test_who_may_ask_and_what_is_refused(rig: Rig) -> None:
    await rig.start(S, **QUICK)
    person, _ = await a_survivor(rig, hours=ALWAYS)
    path, body = f"/persons/{person}/messages", {"purpose": "contact"}
    assert (await rig.post(S, path, json=body, role="intake_officer", agency="dppapp")).status_code == 409
    assert (await rig.post(S, path, json=body, role="peksos", agency="dinsos")).status_code == 409
    assert (await rig.post(S, path, json=body, role="shelter_head", agency="dinsos")).status_code == 403
    for wrong, field in (({"purpose": "gossip"}, "purpose"), ({**body, "template": "inbox"}, "template"), ({**body, "text": "x"}, "text")):
        answer = await rig.post(S, path, json=wrong, **DESK)
        assert (answer.status_code, [p["field"] for p in answer.json()["errors"]]) == (422, [field]), answer.text
    message = await ask(rig, person)
    await until_ended(rig)
    assert (await rig.post(S, f"/messages/{message['message_id']}/cancel", **DESK)).status_code == 409
    assert (await rig.get(S, path, role="supervisor", agency="dppapp")).status_code == 404
    (seen,) = (await rig.get(S, path, **DESK)).json()
    assert seen["state"] == "officer"
    actions = [row.action for row in await rig.sql(S, "SELECT action FROM audit ORDER BY position")]
    assert actions == ["message_asked", "messages_read"]


async def test_outdated_rules_are_asked_anew(rig: Rig) -> None:
    await rig.start(S, **QUICK, **through(Gateway(), "sms"))
    person, case = uuid4(), uuid4()
    await rig.say(reported(), subject=case)
    await hand_over(rig, a_contact(person, case, asked_at=datetime.now(UTC) - timedelta(days=91)))
    await rig.settle()
    await ask(rig, person)
    assert await until_ended(rig) == [(None, "officer", "outdated")]
