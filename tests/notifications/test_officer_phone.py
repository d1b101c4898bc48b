"""An officer's phone: that a request waits, with a one-time link to answer it after a login; through the operator's own gateway, and nothing else."""

from functools import partial
from typing import Any
from uuid import uuid4

from contracts import placement

from tests.flows.test_secrecy import dumped
from tests.notifications.doors import Gateway, S, through
from tests.notifications.events import answer, offered, reported
from tests.rig import Rig

QUICK = {"message_poll_seconds": 0.05, "inbox_url": "https://n.test/inbox", "links_url": "https://n.test/", "officer_email_minutes": 0}
NUMBER = "+628110000042"


async def arrived(gateway: Gateway, count: int) -> bool:
    return len(gateway.got) >= count


async def recorded(rig: Rig, *states: str) -> bool:
    return [row.state for row in await rig.sql(S, "SELECT state FROM officer_text ORDER BY claimed_at")] == list(states)


async def test_the_head_of_a_shelter_hears_of_a_request_and_answers_it_from_the_link(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "whatsapp"))
    shelter, place, case = uuid4(), uuid4(), uuid4()
    head: dict[str, Any] = {"role": "shelter_head", "subject": uuid4(), "units": (str(shelter),)}
    body = {"channel": "whatsapp", "number": "0811-0000-042"}
    assert (await rig.put(S, "/me/phone", json=body, **head)).json() == {"by_phone": True}
    await rig.say(reported(), subject=case)
    await rig.say(offered(place, shelter), subject=case)
    await rig.say(offered(uuid4(), uuid4()), subject=uuid4())
    await rig.settle()
    await rig.until(partial(recorded, rig, "sent"))
    (sent,) = gateway.messages
    said, _, link = sent["text"].partition("\n\nhttps://n.test/notifications")
    assert (sent["to"], said, sent["preview"]) == (NUMBER, "Ada pemberitahuan menunggu (1).", False)
    stranger = {**head, "subject": uuid4()}
    assert (await rig.get(S, link, **stranger)).status_code == 404, "worth nothing to anybody else"
    assert (await rig.get(S, link, **head)).json()["placement_id"] == str(place)
    chosen = await rig.post(S, link, json={"answer": "accept"}, **head)
    assert chosen.json()["href"] == f"/placement/placements/{place}/accept"
    await rig.say(answer(placement.Accepted, place, shelter), subject=case, factversion=2)
    await rig.settle()
    await rig.advance(hours=3)
    assert len(gateway.got) == 1, "what was answered is told no more"
    stored = "\n".join(await dumped(rig, S))
    assert not [mark for mark in (NUMBER, "8110000042", "0811-0000-042") if mark in stored or mark.encode().hex() in stored]
    assert (await rig.get(S, "/me/phone", **head)).json() == {"channel": "whatsapp", "number": NUMBER, "language": "id"}
    assert (await rig.send("DELETE", S, "/me/phone", **head)).json() == {"by_phone": False}
    assert (await rig.get(S, "/me/phone", **head)).status_code == 404


async def test_several_lead_to_the_inbox_and_what_surely_did_not_leave_is_tried_again(rig: Rig) -> None:
    gateway = Gateway(503, 202, 500)
    await rig.start(S, **QUICK, **through(gateway, "sms"), message_retry_minutes=(1,))
    shelter = uuid4()
    head: dict[str, Any] = {"role": "shelter_head", "units": (str(shelter),)}
    assert (await rig.put(S, "/me/phone", json={"channel": "sms", "number": NUMBER, "language": "en"}, **head)).status_code == 200
    await rig.sql(S, "UPDATE officer_phone SET due = now() + interval '5 minutes'")
    for _ in range(2):
        await rig.say(offered(uuid4(), shelter), subject=uuid4())
    await rig.settle()
    await rig.advance(minutes=6)
    await rig.until(partial(recorded, rig, "failed"))
    await rig.advance(minutes=2)
    await rig.until(partial(recorded, rig, "sent"))
    assert {message["text"] for message in gateway.messages} == {"Notices await you (2). https://n.test/inbox"}
    assert len({message["id"] for message in gateway.messages}) == 1
    await rig.say(offered(uuid4(), shelter), subject=uuid4())
    await rig.settle()
    await rig.until(partial(recorded, rig, "sent", "maybe_sent"))
    await rig.advance(minutes=30)
    assert len(gateway.got) == 3, "what may have left waits in the inbox"


async def test_a_number_that_cannot_be_is_refused_by_field(rig: Rig) -> None:
    await rig.start(S, **QUICK, **through(Gateway(202), "sms"))
    for body, problem in (
        ({"channel": "whatsapp", "number": NUMBER}, {"field": "channel", "code": "not_available"}),
        ({"channel": "sms", "number": "112"}, {"field": "number", "code": "invalid"}),
    ):
        assert (await rig.put(S, "/me/phone", json=body, role="shelter_head")).json()["errors"] == [problem]
