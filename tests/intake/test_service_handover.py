"""A survivor's own rules at intake: kept in the vault, handed over sealed until they are taken, and nowhere in the clear."""

import json
from uuid import UUID, uuid4

import pytest
from contracts.handover import SEALING_SUBJECT, HandoverAsked, HandoverTaken, SafeContact, SealingKeyOffered
from joserfc import jwe
from joserfc.jwk import OKPKey

from tests.flows.people import ok
from tests.flows.test_secrecy import dumped
from tests.intake.sharing import OFFICER, open_case
from tests.notifications.events import ago
from tests.rig import Rig

EVENINGS = {"days": [1, 2, 3, 4, 5], "begins": "19:00", "ends": "21:30"}
RULES = {
    "channels": [
        {"channel": "whatsapp", "address": "0813-1111-2222", "hours": [EVENINGS]},
        {"channel": "email", "address": "kenari@contoh.test", "hours": [EVENINGS]},
    ],
    "code_word": "melati putih",
    "reminders": ["followup"],
}


def a_key() -> OKPKey:
    return OKPKey.generate_key("X25519", {"kid": uuid4().hex[:16]}, private=True)


async def offer(rig: Rig, key: OKPKey, **since: float) -> None:
    fact = SealingKeyOffered(kid=key.kid, public_key=key.as_dict(private=False)["x"], made_at=ago(**since))
    await rig.say(fact, subject=SEALING_SUBJECT)
    await rig.settle()


async def put(rig: Rig, person: str, revision: int = 0, **changes):
    return await rig.put("intake", f"/persons/{person}/safe-contact", json={**RULES, **changes}, if_match=str(revision), **OFFICER)


async def on_the_way(rig: Rig):
    """What lies in HANDOVER, oldest first."""
    js = rig.nats.jetstream()
    state = (await js.stream_info("HANDOVER")).state
    found = [await js.get_msg("HANDOVER", n) for n in range(max(1, state.first_seq), state.last_seq + 1)]
    return [json.loads(message.data) for message in found]


def opened(message, key: OKPKey) -> SafeContact:
    found = jwe.decrypt_compact(message["sealed"], key, algorithms=["ECDH-ES", "A256GCM"])
    assert found.protected["kid"] == key.kid
    return SafeContact.model_validate_json(found.plaintext)


@pytest.fixture
async def case(rig: Rig):
    await rig.start("intake", handover_retry_seconds=600)
    case_id, (person, *_) = await open_case(rig, who=OFFICER)
    return rig, case_id, person


async def test_rules_are_sealed_to_the_newest_key_and_wait_until_they_are_taken(case) -> None:
    rig, case_id, person = case
    old, new = a_key(), a_key()
    assert ok(await put(rig, person))["revision"] == 1
    await rig.settle()
    assert await on_the_way(rig) == [], "without a key nothing is sent"
    await offer(rig, new, minutes=1)
    await offer(rig, old, minutes=5)
    messages = await on_the_way(rig)
    assert len(messages) == 2, "each key lets what waits be sent anew"
    for message in messages:
        contact = opened(message, new)
        assert [channel.address for channel in contact.channels] == ["+6281311112222", "kenari@contoh.test"]
        assert (message["person_id"], message["case_id"], message["revision"], contact.revision) == (person, str(case_id), 1, 1)
    view = ok(await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER))
    assert (view["taken"], view["rules"]["code_word"]) == (False, "melati putih")
    (given,) = ok(await rig.get("intake", f"/persons/{person}/export", role="supervisor", agency=OFFICER["agency"]))["safe_contact"]
    assert (given["stopped"], given["rules"]["code_word"]) == (False, "melati putih")
    await rig.say(HandoverTaken(person_id=person, revision=1), subject=case_id)
    await rig.settle()
    assert ok(await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER))["taken"] is True
    await rig.advance(hours=30)
    assert len(await on_the_way(rig)) == 2, "what was taken is not sent again"
    await rig.say(HandoverAsked(person_id=person), subject=case_id)
    await rig.settle()
    assert len(await on_the_way(rig)) == 3, "until it is asked for again"


async def test_an_older_revision_that_was_taken_does_not_end_the_newer_one(case) -> None:
    rig, case_id, person = case
    key = a_key()
    await offer(rig, key)
    ok(await put(rig, person))
    ok(await put(rig, person, 1, code_word="mawar"))
    await rig.say(HandoverTaken(person_id=person, revision=1), subject=case_id)
    await rig.settle()
    assert opened((await on_the_way(rig))[-1], key).code_word == "mawar"
    assert ok(await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER))["taken"] is False


async def test_a_stop_needs_no_key_and_holds_for_all_ids_of_a_person(case) -> None:
    rig, case_id, person = case
    ok(await put(rig, person))
    stopped = ok(await rig.post("intake", f"/persons/{person}/safe-contact/stop", **OFFICER))
    await rig.settle()
    assert (stopped["revision"], stopped["stopped"]) == (2, True)
    (message,) = await on_the_way(rig)
    assert message == {"person_id": person, "case_id": str(case_id), "revision": 2, "stopped": True, "sealed": None}
    said = [(subject, data["revision"], data["stopped"]) for kind, subject, data in await rig.facts("intake") if "safe_contact" in kind]
    assert said == [(case_id, 1, False), (case_id, 2, True)]
    assert ok(await rig.get("intake", f"/persons/{person}/safe-contact", **OFFICER))["rules"] is None


async def test_nothing_of_it_lies_in_the_clear_and_an_erased_person_has_none(case) -> None:
    rig, _, person = case
    await offer(rig, a_key())
    ok(await put(rig, person))
    await rig.settle()
    found = "\n".join([*await dumped(rig, "intake"), *map(str, await on_the_way(rig))])
    assert [mark for mark in ("81311112222", "kenari@", "melati") if mark in found or mark.encode().hex() in found] == []
    body = {"ground": "person_asked", "keep_texts": False}
    ok(await rig.post("intake", f"/persons/{person}/erasure", json=body, role="supervisor", agency="dppapp"))
    await rig.settle()
    rows = await rig.sql("intake", "SELECT content, (SELECT count(*) FROM handover) AS waiting FROM safe_contact")
    assert [(row.content, row.waiting) for row in rows] == [(None, 0)]
    assert (await put(rig, person, 1)).status_code == 409


async def test_rules_that_cannot_be_kept_are_refused_by_field(case) -> None:
    rig, _, person = case
    sms = {"channel": "sms", "hours": [EVENINGS]}
    wrong = [{**sms, "address": "12"}, {**sms, "address": "0813-1111-2222"}, {"channel": "email", "address": "a@b", "hours": [EVENINGS]}]
    answer = await put(rig, person, channels=wrong, code_word="Rumah Aman 3")
    assert answer.status_code == 422
    assert {problem["field"] for problem in answer.json()["errors"]} == {
        "channels.1.channel", "channels.0.address", "channels.2.address", "code_word",
    }  # fmt: skip
    assert "12" not in answer.text.replace("422", "")
    ok(await put(rig, person))
    conflicting = await put(rig, person, 0)
    assert (conflicting.status_code, conflicting.json()["revision"]) == (409, 1)
    path = f"/persons/{person}/safe-contact"
    assert (await rig.get("intake", path, role="intake_officer", agency="polda-ppa")).status_code == 404
    assert (await rig.get("intake", path, role="peksos", agency="dppapp")).status_code == 403
    audited = await rig.sql("intake", "SELECT action, fields FROM audit WHERE subject = :person ORDER BY position", person=UUID(person))
    assert [row.action for row in audited if row.action.startswith("safe_contact")] == ["safe_contact_written"]


async def test_people_hear_when_rules_are_not_taken_for_a_day(case) -> None:
    rig, case_id, person = case
    ok(await put(rig, person))
    await rig.advance(hours=25)
    missed = [(subject, data["clock"]) for kind, subject, data in await rig.facts("intake") if kind == "case.intake.clock_missed.v1"]
    assert (case_id, "handover") in missed
