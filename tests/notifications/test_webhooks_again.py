"""Webhooks that are changed, and what is sent again: secrets, choices, failed deliveries, the feed from a place; and the libraries of two languages."""

import asyncio
import json
import subprocess
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from contracts import agencies
from contracts.consents import FollowStopped
from standardwebhooks import Webhook, WebhookVerificationError

from tests.notifications.events import sheltered
from tests.notifications.subscribers import HERE, S, log_of, nothing_leased, subscribe, until, until_logged
from tests.npm import installed
from tests.rig import Rig


async def test_after_a_rotation_both_secrets_verify_until_the_overlap_ends(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver()
    old = await subscribe(rig, hook.url)
    path = f"/subscriptions/{old['id']}/secret"
    answer = await rig.post(S, path, role="agency_system", key="rotation", json={"overlap_hours": 2})
    new = answer.json()
    assert (await rig.post(S, path, role="agency_system", key="rotation", json={"overlap_hours": 2})).json() == new
    assert new["secret"] != old["secret"]
    assert new["secret"].removeprefix("whsec_") not in str(await rig.sql(S, "SELECT answer FROM request"))
    again = await rig.post(S, path, role="agency_system", json={"overlap_hours": 2})
    assert (again.status_code, again.json()["errors"]) == (409, [{"field": "overlap_hours", "code": "still_in_use"}])
    await rig.say(sheltered(), subject=uuid4())
    await until(rig, lambda: len(hook.got) == 1)
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(hook.got[0][1], hook.got[0][0])
    await rig.until(partial(nothing_leased, rig))
    await rig.advance(hours=3)
    await rig.say(sheltered(), subject=uuid4())
    await until(rig, lambda: len(hook.got) == 2)
    Webhook(new["secret"]).verify(hook.got[1][1], hook.got[1][0])
    with pytest.raises(WebhookVerificationError):
        Webhook(old["secret"]).verify(hook.got[1][1], hook.got[1][0])


async def test_a_leaked_secret_ends_at_once(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver()
    old = await subscribe(rig, hook.url)
    new = (await rig.post(S, f"/subscriptions/{old['id']}/secret", role="agency_system", json={"overlap_hours": 0})).json()
    await rig.say(sheltered(), subject=uuid4())
    await until(rig, lambda: len(hook.got) == 1)
    headers, body = hook.got[0]
    Webhook(new["secret"]).verify(body, headers)
    assert len(headers["webhook-signature"].split()) == 1
    assert (await rig.sql(S, "SELECT previous_secret FROM subscription"))[0].previous_secret is None


async def test_all_failed_deliveries_are_driven_again_but_those_of_a_stopped_feed(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE, webhook_retry_seconds=(), webhook_disable_after=100)
    hook, stopped = receiver(500), uuid4()
    subscription = await subscribe(rig, hook.url)
    again = {str(await rig.say(sheltered(), subject=uuid4())) for _ in range(3)}
    held = await rig.say(sheltered(), subject=stopped)
    await until(rig, lambda: len(hook.got) == 4)
    await rig.until(partial(nothing_leased, rig))
    hook.plan = [204]
    last = await rig.say(FollowStopped(agency="dinsos", city="31.71"), subject=stopped, factversion=2)
    await until(rig, lambda: str(last) in hook.ids)
    failed = await rig.get(S, f"/subscriptions/{subscription['id']}/deliveries?state=failed", role="agency_system")
    assert {entry["event_id"] for entry in failed.json()} == {*again, str(held)}
    answer = await rig.post(S, f"/subscriptions/{subscription['id']}/redrive", role="agency_system")
    assert answer.json() == {"events": 3}
    await until(rig, lambda: sorted(hook.ids[5:]) == sorted(again))
    await rig.until(partial(nothing_leased, rig))
    left = await rig.get(S, f"/subscriptions/{subscription['id']}/deliveries?state=failed", role="agency_system")
    assert [entry["event_id"] for entry in left.json()] == [str(held)]


async def test_the_feed_is_sent_again_from_a_place_also_to_who_subscribed_later(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    first, late, stopped = receiver(), receiver(), uuid4()
    early = await subscribe(rig, first.url)
    said = []
    for number in range(4):
        said.append(str(await rig.say(sheltered(), subject=stopped if number == 2 else uuid4())))
        await rig.settle()
    await rig.say(FollowStopped(agency="dinsos", city="31.71"), subject=stopped, factversion=2)
    await rig.say(sheltered(agency="polda-ppa"), subject=uuid4())
    await until(rig, lambda: len(first.got) == 5)
    positions = {entry["event_id"]: entry["feed_position"] for entry in await log_of(rig, early)}
    later = await subscribe(rig, late.url, types=["agency.sheltered.v1"])
    unsaid = await rig.post(S, f"/subscriptions/{later['id']}/replay", role="agency_system", json={})
    assert [problem["field"] for problem in unsaid.json()["errors"]] == ["from_position", "since"]
    answer = await rig.post(S, f"/subscriptions/{later['id']}/replay", role="agency_system", json={"from_position": positions[said[1]]})
    assert answer.json() == {"events": 3}, "two of the type and the word that one has stopped, which everybody hears"
    await until(rig, lambda: len(late.got) == 3)
    assert {said[1], said[3]} < set(late.ids)
    assert said[2] not in late.ids
    again = await rig.post(S, f"/subscriptions/{early['id']}/replay", role="agency_system", json={"since": "2020-01-01T00:00:00Z"})
    assert again.json() == {"events": 4}
    await until(rig, lambda: len(first.got) == 9)
    assert set(first.ids[5:]) == set(first.ids[:5]) - {said[2]}, "under their old ids"


async def test_a_receiver_that_says_gone_is_disabled_and_its_agency_told(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook = receiver(410)
    subscription = await subscribe(rig, hook.url)
    await rig.say(sheltered(), subject=uuid4())
    await until_logged(rig, subscription, state="failed", last_reason="gone", attempts=1)
    assert (await rig.get(S, "/subscriptions", role="agency_system")).json()[0]["state"] == "disabled"
    for role in ("operator", "supervisor"):
        (notice,) = (await rig.get(S, "/inbox", role=role)).json()["notices"]
        assert notice["kind"] == "subscription_disabled"
    assert (await rig.get(S, "/inbox", role="supervisor", agency="polda-ppa")).json()["notices"] == []


async def test_a_changed_subscription_chooses_anew_and_two_changes_do_not_cross(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    hook, follow = receiver(), uuid4()
    subscription = await subscribe(rig, hook.url)
    path, who = f"/subscriptions/{subscription['id']}", {"role": "agency_system"}
    body = {"url": hook.url, "risks": ["high"]}
    assert (await rig.put(S, path, json=body, **who)).status_code == 428
    changed = await rig.put(S, path, json=body, if_match='"1"', **who)
    assert (changed.json()["version"], changed.json()["risks"]) == (2, ["high"])
    crossed = await rig.put(S, path, json=body, if_match="1", **who)
    assert (crossed.status_code, crossed.json()["version"], crossed.json()["yours"]) == (409, 2, "1")
    for number, risk in enumerate(("low", "high")):
        await rig.say(
            agencies.CaseTriaged(agency="dinsos", city="31.71", risk=risk, responsible="dppapp"), subject=follow, factversion=2 * number + 1
        )
        await rig.settle()
        await rig.say(sheltered(), subject=follow, factversion=2 * number + 2)
        await rig.settle()
    await until(rig, lambda: len(hook.got) == 2)
    assert [entry["type"] for entry in await log_of(rig, subscription)] == ["agency.sheltered.v1", "agency.triaged.v1"]


async def test_libraries_of_two_languages_accept_each_delivery_and_refuse_forged_and_old_ones(rig: Rig, receiver: Any, tmp_path: Path) -> None:
    programs = installed(Path(__file__).parent / "node", tmp_path)
    await rig.start(S, **HERE)
    hook = receiver()
    subscription = await subscribe(rig, hook.url)
    said = [str(await rig.say(sheltered(), subject=uuid4())) for _ in range(3)]
    await until(rig, lambda: len(hook.got) == 3)
    await rig.post(S, f"/subscriptions/{subscription['id']}/secret", role="agency_system", json={})
    said.append(str(await rig.say(sheltered(), subject=uuid4())))
    await until(rig, lambda: len(hook.got) == 4)
    good = [(headers, body.decode()) for headers, body in hook.got]
    headers, body = good[0]
    old = str(int(time.time()) - 3600)
    signed_long_ago = Webhook(subscription["secret"]).sign(headers["webhook-id"], datetime.fromtimestamp(int(old), UTC), body)
    bad = [
        (headers, body.replace("31.71", "31.72")),
        ({**headers, "webhook-id": str(uuid4())}, body),
        ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body),
        ({**headers, "webhook-timestamp": old, "webhook-signature": signed_long_ago}, body),
        ({**headers, "webhook-signature": "v1,bm90IGEgc2lnbmF0dXJl"}, body),
    ]
    lines = "".join(json.dumps({"secret": subscription["secret"], "headers": h, "body": b}) + "\n" for h, b in (*good, *bad))
    node = partial(subprocess.run, check=True, cwd=programs, input=lines, capture_output=True, text=True, timeout=60)
    done = await asyncio.to_thread(node, ["node", "verify.mjs", str(programs)])
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(answer["id"] for answer in answers[: len(good)]) == sorted(said)
    assert all("refused" in answer for answer in answers[len(good) :])
    for number, (h, b) in enumerate((*good, *bad)):
        if number < len(good):
            assert Webhook(subscription["secret"]).verify(b, h)["id"] in said
        else:
            with pytest.raises(WebhookVerificationError):
                Webhook(subscription["secret"]).verify(b, h)
