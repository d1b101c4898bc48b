"""From what she said at a desk to the message on her phone: through both services, sealed on the way, and found nowhere in the clear."""

from typing import Any
from uuid import UUID

import pytest

from tests.flows.people import ok
from tests.flows.test_secrecy import dumped, stored
from tests.intake.sharing import OFFICER, open_case
from tests.notifications.doors import ALWAYS, Gateway, states, through, until_ended
from tests.rig import Rig

S = "notifications"
NUMBER, WORD = "+6281177788899", "Kenarisandi Biru"
MARKS = (NUMBER.removeprefix("+62"), WORD, WORD.split(maxsplit=1)[0])


def rules(**changes: Any) -> dict[str, Any]:
    return {"channels": [{"channel": "sms", "address": NUMBER, "hours": list(ALWAYS)}], "code_word": WORD, **changes}


async def taken(rig: Rig, person: str, revision: int) -> None:
    """Wait until notifications holds a revision, and intake heard of it."""

    async def done() -> bool:
        held = await rig.sql(S, "SELECT 1 FROM survivor WHERE person_id = :p AND held = :r", p=UUID(person), r=revision)
        return bool(held) and not await rig.sql("intake", "SELECT 1 FROM handover")

    await rig.until(done)


async def test_what_she_said_is_obeyed_and_found_nowhere(rig: Rig, capfd: pytest.CaptureFixture[str]) -> None:
    gateway = Gateway(202)
    await rig.start("intake")
    await rig.start(S, message_poll_seconds=0.05, message_gap_minutes=0, **through(gateway, "sms"))
    case_id, (person, *_) = await open_case(rig, who=OFFICER)
    ok(await rig.put("intake", f"/persons/{person}/safe-contact", json=rules(), if_match="0", **OFFICER))
    await taken(rig, person, 1)
    assert (await rig.nats.jetstream().stream_info("HANDOVER")).state.messages == 0
    ok(await rig.post(S, f"/persons/{person}/messages", json={"purpose": "appointment"}, **OFFICER))
    await until_ended(rig)
    assert [(message["to"], message["text"]) for message in gateway.messages] == [(NUMBER, f"{WORD}. Ada info untuk Anda.")]
    timeline = ok(await rig.get("intake", f"/cases/{case_id}/timeline", role="supervisor", agency="dppapp"))
    assert {"case.intake.safe_contact_changed.v1", "case.notifications.delivered.v1"} <= {fact["type"] for fact in timeline}
    seen = "\n".join([message async for message in stored(rig)])
    for service, client in rig.clients.items():
        seen += "\n".join([*await dumped(rig, service), (await client.get("/metrics")).text])
    seen += "".join(capfd.readouterr()) + (await rig.get(S, f"/persons/{person}/messages", **OFFICER)).text
    assert [mark for mark in MARKS if mark in seen or mark.encode().hex() in seen] == []
    shown = ok(await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER))
    assert (shown["taken"], shown["rules"]["channels"][0]["address"], shown["rules"]["code_word"]) == (True, NUMBER, WORD)


async def test_a_stop_reaches_what_waits_and_a_store_of_intake_that_lost_a_change_lets_nobody_go_by_older_rules(rig: Rig) -> None:
    from tests.restore.loss import backed_up, lose_since, tasks

    gateway = Gateway(202)
    await rig.start("intake")
    await rig.start(S, message_poll_seconds=0.05, message_gap_minutes=0, **through(gateway, "sms"))
    _, (person, *_) = await open_case(rig, who=OFFICER)
    ok(await rig.put("intake", f"/persons/{person}/safe-contact", json=rules(), if_match="0", **OFFICER))
    await taken(rig, person, 1)
    folder = await backed_up(rig, "intake")
    # Notifications is away while she changes her mind, and what she said is lost before it could be taken.
    await rig.services[S].stop()
    ok(await rig.put("intake", f"/persons/{person}/safe-contact", json=rules(code_word="mawar"), if_match="1", **OFFICER))
    await rig.until(lambda: _said(rig))
    await rig.nats.jetstream().purge_stream("HANDOVER")
    old = rig.services.pop(S)
    await lose_since(rig, "intake", folder)
    assert ("case.intake.safe_contact_changed.v1", "safe_contact") in await tasks(rig, "intake")
    shown = ok(await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER))
    assert (shown["revision"], shown["rules"]) == (2, None)
    await rig.add(S, old.settings).start()
    await rig.until(rig._bound)

    async def heard() -> bool:
        return bool(await rig.sql(S, "SELECT 1 FROM survivor WHERE announced = 2 AND held = 1"))

    await rig.until(heard)
    ok(await rig.post(S, f"/persons/{person}/messages", json={"purpose": "contact"}, **OFFICER))
    await until_ended(rig)
    assert gateway.got == [], "her newest rules are not known"
    ok(await rig.put("intake", f"/persons/{person}/safe-contact", json=rules(code_word="mawar"), if_match="2", **OFFICER))
    await taken(rig, person, 3)
    assert await until_ended(rig) == [("sms", "sent", None)]
    assert [message["text"].split(".")[0] for message in gateway.messages] == ["mawar"]
    ok(await rig.post("intake", f"/persons/{person}/safe-contact/stop", **OFFICER))
    await taken(rig, person, 4)
    refused = await rig.post(S, f"/persons/{person}/messages", json={"purpose": "contact"}, **OFFICER)
    assert (refused.status_code, len(await states(rig))) == (409, 1)


async def _said(rig: Rig) -> bool:
    return not await rig.sql("intake", "SELECT 1 FROM outbox_pending")
