"""Webhooks for agencies: subscriptions, signed deliveries to real receivers, retries, leases and the guard against private addresses."""

import asyncio
import socket
import time
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import agencies
from contracts.consents import FollowStopped
from notifications.webhooks.post import Answer
from notifications.webhooks.sending import alive, claim, record_failed
from standardwebhooks import Webhook

from tests.notifications.events import sheltered
from tests.notifications.receivers import certified
from tests.notifications.subscribers import HERE, S, log_of, nothing_leased, subscribe, until, until_logged
from tests.rig import Rig


async def test_an_event_arrives_signed_as_standard_webhooks_and_cloudevents_say(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook, follow = receiver(200), uuid4()
    subscription = await subscribe(rig, hook.url)
    identity = await rig.say(agencies.CaseTriaged(agency="dinsos", city="31.71", risk="high", responsible="dppapp"), subject=follow)
    entry = await until_logged(rig, subscription, state="delivered", last_status=200, attempts=1)
    headers, body = hook.got[0]
    content = Webhook(subscription["secret"]).verify(body, headers)
    assert set(content) == {"specversion", "id", "type", "source", "subject", "time", "datacontenttype", "data"}
    assert headers["webhook-id"] == str(identity) == entry["event_id"]
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert content["data"] == {"agency": "dinsos", "city": "31.71", "risk": "high", "responsible": "dppapp"}
    assert [content[name] for name in ("specversion", "id", "type", "subject")] == ["1.0", str(identity), "agency.triaged.v1", str(follow)]
    assert await rig.facts(S) == []


async def test_the_secret_is_answered_once_and_never_stored_in_the_clear(rig: Rig) -> None:
    await rig.start(S, **HERE)
    body = {"url": "https://hooks.example.id/naungan"}
    first = await rig.post(S, "/subscriptions", role="agency_system", key="one", json=body)
    again = await rig.post(S, "/subscriptions", role="agency_system", key="one", json=body)
    secret = first.json()["secret"]
    assert secret.startswith("whsec_")
    assert first.json() == again.json()
    (seen,) = (await rig.get(S, "/subscriptions", role="agency_system")).json()
    assert "secret" not in seen
    stored = await rig.sql(S, "SELECT answer FROM request")
    sealed = await rig.sql(S, "SELECT secret FROM subscription")
    assert secret.removeprefix("whsec_") not in str(stored) + str(sealed)


async def test_a_failure_is_tried_again_under_the_same_id(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver(500, 200)
    subscription = await subscribe(rig, hook.url)
    identity = await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, subscription, state="pending", last_status=500, last_reason="status_500")
    await rig.advance(seconds=7)
    await until_logged(rig, subscription, state="delivered", attempts=2)
    await rig.advance(hours=30)
    assert hook.ids == [str(identity)] * 2
    assert hook.got[0][1] == hook.got[1][1]


@pytest.mark.parametrize("late", [False, True], ids=["the stop comes last", "the stop comes first"])
async def test_what_waits_from_before_a_stop_is_never_sent_and_what_comes_after_it_is(rig: Rig, receiver: Any, late: bool) -> None:
    await rig.start(S, **HERE)
    hook, follow = receiver(500, 200), uuid4()
    subscription = await subscribe(rig, hook.url)
    stop = FollowStopped(agency="dinsos", city="31.71")
    other = await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, subscription, state="pending", last_status=500)
    if late:
        told = await rig.say(stop, subject=follow, factversion=2)
        await rig.settle()
        held = await rig.say(sheltered(), subject=follow, factversion=1)
    else:
        await rig.sql(S, "UPDATE subscription SET state = 'disabled'")
        held = await rig.say(sheltered(), subject=follow, factversion=1)
        await rig.settle()
        told = await rig.say(stop, subject=follow, factversion=2)
        await rig.settle()
        await rig.sql(S, "UPDATE subscription SET state = 'active'")
        (entry,) = [entry for entry in await log_of(rig, subscription) if entry["event_id"] == str(held)]
        assert (entry["state"], entry["last_reason"]) == ("failed", "stopped")
        again = await rig.post(S, f"/deliveries/{entry['id']}/redrive", role="agency_system")
        assert (again.status_code, again.json()["state"]) == (409, "stopped")
    again = await rig.say(sheltered(), subject=follow, factversion=3)
    await rig.advance(seconds=7)
    await until(rig, lambda: set(hook.ids) >= {str(other), str(told), str(again)})
    await rig.advance(hours=30)
    assert str(held) not in hook.ids


async def test_a_redirect_is_a_failure_and_not_followed(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver(307)
    subscription = await subscribe(rig, hook.url)
    await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, subscription, last_reason="redirect", last_status=307)
    assert hook.paths == ["/hook"]


async def test_a_name_that_leads_to_a_private_address_is_never_connected_to(rig: Rig) -> None:
    await rig.start(S, webhook_poll_seconds=0.05)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    port = listener.getsockname()[1]
    subscriptions = [await subscribe(rig, f"https://{host}:{port}/") for host in ("localhost", "2130706433", "127.1")]
    await rig.say(sheltered(), subject=uuid4())
    for subscription in subscriptions:
        await until_logged(rig, subscription, last_reason="address_refused", last_status=None)
    with pytest.raises(TimeoutError):
        listener.accept()
    listener.close()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"url": "https://127.0.0.1/x"}, {"field": "url", "code": "address_not_allowed"}),
        ({"url": "http://hooks.example.id/x"}, {"field": "url", "code": "https_required"}),
        ({"url": "gopher://hooks.example.id/x"}, {"field": "url", "code": "invalid"}),
        ({"url": "https://hooks.example.id/", "types": ["agency.opened.v1", "case.x.v1"]}, {"field": "types.1", "code": "unknown_code"}),
        ({"url": "https://hooks.example.id/", "cities": ["Jakarta"]}, {"field": "cities.0", "code": "string_pattern_mismatch"}),
        ({"url": "https://hooks.example.id/", "more": 1}, {"field": "more", "code": "extra_forbidden"}),
    ],
)
async def test_a_wrong_subscription_is_refused_by_field(rig: Rig, body: dict[str, Any], problem: dict[str, str]) -> None:
    await rig.start(S)
    response = await rig.post(S, "/subscriptions", role="agency_system", json=body)
    assert (response.status_code, response.json()["errors"]) == (422, [problem])
    assert (await rig.get(S, "/subscriptions", role="agency_system")).json() == []


@pytest.mark.parametrize(("name", "arrives"), [("localhost", True), ("other.example", False)])
async def test_a_certificate_must_be_for_the_name_although_the_connection_is_to_an_address(
    rig: Rig, receiver: Any, tmp_path: Path, name: str, arrives: bool
) -> None:
    file, tls = certified(tmp_path, name)
    await rig.start(S, webhook_allow=("127.0.0.0/8", "::1/128"), webhook_poll_seconds=0.05, webhook_ca_file=file)
    hook = receiver(tls=tls)
    subscription = await subscribe(rig, f"https://localhost:{hook.port}/hook")
    await rig.say(sheltered(), subject=uuid4())
    if arrives:
        await until_logged(rig, subscription, state="delivered")
        assert hook.got[0][0]["host"] == f"localhost:{hook.port}"
    else:
        await until_logged(rig, subscription, state="pending", last_reason="unreachable")
        assert hook.got == []


async def test_an_agency_sees_and_gets_only_its_own(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    ours, theirs = receiver(), receiver()
    mine = await subscribe(rig, ours.url)
    other = await subscribe(rig, theirs.url, agency="polda-ppa")
    await rig.say(sheltered(agency="dinsos"), subject=uuid4())
    entry = await until_logged(rig, mine, state="delivered")
    assert theirs.got == []
    who = {"role": "agency_system", "agency": "polda-ppa"}
    assert [row["id"] for row in (await rig.get(S, "/subscriptions", **who)).json()] == [other["id"]]
    path = f"/subscriptions/{mine['id']}"
    assert (await rig.get(S, f"{path}/deliveries", **who)).status_code == 404
    assert (await rig.send("DELETE", S, path, **who)).status_code == 404
    assert (await rig.post(S, f"{path}/enable", **who)).status_code == 404
    assert (await rig.post(S, f"/deliveries/{entry['id']}/redrive", **who)).status_code == 404
    foreign = await rig.post(S, "/subscriptions", json={"url": ours.url, "agency": "dinsos"}, **who)
    assert foreign.status_code == 403
    assert (await rig.get(S, "/subscriptions", role="supervisor")).status_code == 403
    assert len((await rig.get(S, "/subscriptions", role="operator")).json()) == 2
    unnamed = await rig.post(S, "/subscriptions", role="operator", json={"url": ours.url})
    assert unnamed.json()["errors"] == [{"field": "agency", "code": "missing"}]
    named = await rig.post(S, "/subscriptions", role="operator", json={"url": ours.url, "agency": "polda-ppa"})
    assert named.json()["agency"] == "polda-ppa"


async def test_types_and_cities_choose_and_a_repeated_event_is_one_delivery(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver()
    chosen = await subscribe(rig, hook.url, types=["agency.sheltered.v1"], cities=["31.71"])
    identity = uuid4()
    await rig.say(agencies.ShelterSought(agency="dinsos", city="31.71"), subject=uuid4())
    await rig.say(sheltered(city="31.72"), subject=uuid4())
    for _ in range(2):
        await rig.say(sheltered(city="31.71"), subject=uuid4(), id=identity)
    await rig.settle()
    await until_logged(rig, chosen, state="delivered")
    assert hook.ids == [str(identity)]
    assert len(await log_of(rig, chosen)) == 1


async def test_a_dead_endpoint_slows_no_other(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE, webhook_at_once=6)
    hook = receiver()
    silent = socket.create_server(("127.0.0.1", 0), backlog=100)
    for _ in range(2):  # two subscriptions of one dead endpoint share its places
        await subscribe(rig, f"http://127.0.0.1:{silent.getsockname()[1]}/")
    dripping = receiver(slow=0.3)
    await subscribe(rig, dripping.url)
    for _ in range(30):
        await rig.say(sheltered(), subject=uuid4())
    await rig.settle()
    healthy = await subscribe(rig, hook.url)
    began = time.monotonic()
    for _ in range(10):
        await rig.say(sheltered(), subject=uuid4())
    await until(rig, lambda: len(hook.got) == 10, patience=5)
    assert time.monotonic() - began < 5
    assert len(set(hook.ids)) == 10
    (leased,) = await rig.sql(
        S, "SELECT count(*) AS n FROM delivery WHERE lease_until IS NOT NULL AND subscription_id <> :id", id=UUID(healthy["id"])
    )
    assert leased.n <= 4
    silent.close()


async def test_a_receiver_that_drips_its_answer_is_given_up_in_time(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE, webhook_timeout_seconds=0.5)
    subscription = await subscribe(rig, receiver(slow=0.2).url)
    await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, subscription, last_reason="timeout", state="pending")


async def test_a_delivery_whose_sender_died_is_taken_again_and_the_dead_one_has_no_say(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook, owner = receiver(), uuid4()
    subscription = await subscribe(rig, hook.url)
    database = rig.services[S].database
    await rig.sql(S, "UPDATE subscription SET state = 'disabled'")  # the worker's hands are off
    identity = await rig.say(sheltered(), subject=uuid4())
    await rig.settle()
    await rig.sql(S, "UPDATE delivery SET due = now() + interval '30 seconds'")
    await rig.sql(S, "UPDATE subscription SET state = 'active'")
    async with database.transaction() as tx:
        await tx.start(now=(await rig.sql(S, "SELECT now() + interval '31 seconds' AS moment"))[0].moment)
        await alive(tx, owner)
        (dead,) = await claim(tx, 10, owner)
        assert await claim(tx, 10, uuid4()) == []
    await rig.sql(S, "UPDATE sender SET alive_until = alive_until + interval '1 hour' WHERE id = :id", id=owner)
    await rig.advance(seconds=45)
    await asyncio.sleep(0.3)  # several looks of the worker
    assert hook.got == [], "as long as its sender lives it is that one's"
    await rig.sql(S, "UPDATE sender SET alive_until = now() WHERE id = :id", id=owner)
    await until_logged(rig, subscription, state="delivered", attempts=2)
    assert hook.ids == [str(identity)]
    await database.run(partial(record_failed, claimed=dead, answer=Answer(500, "status_500"), chance=0.5))
    entry = (await log_of(rig, subscription))[0]
    assert (entry["state"], entry["last_status"]) == ("delivered", 204)


async def test_a_delivery_that_always_fails_is_visible_and_can_be_driven_again(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE, webhook_retry_seconds=(5, 60))
    hook = receiver(503)
    subscription = await subscribe(rig, hook.url)
    await rig.say(sheltered(), subject=uuid4())
    for attempt in (1, 2, 3):
        await until(rig, lambda tries=attempt: len(hook.got) == tries)
        await rig.until(partial(nothing_leased, rig))
        entry = await until_logged(rig, subscription, attempts=attempt, last_status=503, state="failed" if attempt == 3 else "pending")
        await rig.advance(seconds=80)
    path = f"/deliveries/{entry['id']}/redrive"
    hook.plan = [200]
    assert (await rig.post(S, path, role="agency_system")).json()["attempts"] == 0
    await until_logged(rig, subscription, state="delivered")
    refused = await rig.post(S, path, role="agency_system")
    assert (refused.status_code, refused.json()["state"]) == (409, "delivered")
    assert len(set(hook.ids)) == 1


async def test_a_subscription_that_keeps_failing_is_disabled_the_operator_told_and_what_gathered_is_sent_after(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE, webhook_retry_seconds=(), webhook_disable_after=2)
    hook = receiver(500)
    subscription = await subscribe(rig, hook.url)
    enable = f"/subscriptions/{subscription['id']}/enable"
    assert (await rig.post(S, enable, role="agency_system")).status_code == 409
    for _ in range(2):
        await rig.say(sheltered(), subject=uuid4())
        await rig.settle()
        await until_logged(rig, subscription, state="failed")

    async def disabled() -> bool:
        return (await rig.get(S, "/subscriptions", role="agency_system")).json()[0]["state"] == "disabled"

    await rig.until(disabled)
    (notice,) = (await rig.get(S, "/inbox", role="operator")).json()["notices"]
    assert (notice["kind"], notice["subscription_id"], notice["case_id"]) == ("subscription_disabled", subscription["id"], None)
    assert (await rig.post(S, f"/inbox/{notice['id']}/acknowledge", role="operator")).json()["acknowledged_at"]
    identity = await rig.say(sheltered(), subject=uuid4())
    await rig.settle()
    await until_logged(rig, subscription, state="pending", attempts=0)
    failed = (await log_of(rig, subscription))[-1]
    assert (await rig.post(S, f"/deliveries/{failed['id']}/redrive", role="agency_system")).status_code == 409
    assert len(hook.got) == 2
    hook.plan = [200]
    assert (await rig.post(S, enable, role="agency_system")).json()["failed_in_a_row"] == 0
    await until_logged(rig, subscription, state="delivered", event_id=str(identity))
    assert await rig.facts(S) == []


async def test_a_deleted_subscription_gets_nothing_and_keeps_its_log(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver(500)
    subscription = await subscribe(rig, hook.url)
    await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, subscription, last_status=500)
    for _ in range(2):
        deleted = await rig.send("DELETE", S, f"/subscriptions/{subscription['id']}", role="agency_system")
        assert (deleted.status_code, deleted.json()["state"]) == (200, "deleted")
    await rig.say(sheltered(), subject=uuid4())
    await rig.settle()
    await rig.advance(hours=2)
    (entry,) = await log_of(rig, subscription)
    assert (entry["state"], entry["last_reason"]) == ("failed", "subscription_deleted")
    assert len(hook.got) == 1
