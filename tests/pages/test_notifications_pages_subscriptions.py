"""An operator makes, changes and ends subscriptions by the pages; the secret is shown once, and stands nowhere else."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.web.pages.words import FRAME
from notifications.pages.words import WORDS

from tests.flows.test_secrecy import dumped
from tests.pages.visitor import Visitor
from tests.rig import Rig

S = "notifications"
MADE = {"agency": "dppapp", "url": "https://agency.example/hook", "types": ["agency.opened.v1"], "cities": ["31.71"], "risks": ["high"]}


@pytest.fixture
async def operator(rig: Rig) -> Visitor:
    await rig.start(S)
    return Visitor(rig, S, role="operator")


async def stored(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await rig.get(S, "/subscriptions", role="operator")).json()
    return found


def secret_in(page: str) -> str:
    found = re.search(r'id="secret">(whsec_[^<]+)<', page)
    assert found is not None, page
    return found[1].replace("&#43;", "+").replace("&#x2F;", "/")


async def a_subscription(operator: Visitor) -> tuple[str, str]:
    page = await operator.send("subscriptions/new", "/new", **MADE)
    (made,) = await stored(operator.rig)
    return made["id"], secret_in(page.text)


async def test_it_is_made_with_a_secret_that_is_shown_once(rig: Rig, operator: Visitor) -> None:
    form = await operator.form("subscriptions/new", "/new")
    first, again = await operator.post(form.action, {**form.fields, **MADE}), await operator.post(form.action, {**form.fields, **MADE})
    assert secret_in(first.text) == secret_in(again.text), "a double tap makes one"
    (made,) = await stored(rig)
    assert (made["agency"], made["types"], made["cities"], made["risks"]) == ("dppapp", ["agency.opened.v1"], ["31.71"], ["high"])
    for path in ("subscriptions", f"subscriptions/{made['id']}/deliveries", f"subscriptions/{made['id']}/change"):
        assert "whsec_" not in (await operator.see(path)).text, path
    assert secret_in(first.text) not in "\n".join(await dumped(rig, S))


@pytest.mark.parametrize(
    ("fields", "named"),
    [({"agency": ""}, "#agency"), ({"url": "http://agency.example"}, "#url"), ({"url": ""}, "#url"), ({"types": ["agency.nothing.v1"]}, "#types")],
)
async def test_what_is_wrong_is_named_and_nothing_is_made(rig: Rig, operator: Visitor, fields: dict[str, Any], named: str) -> None:
    page = await operator.send("subscriptions/new", "/new", **{**MADE, **fields})
    assert page.status_code == 422
    assert f'href="{named}"' in page.text
    assert await stored(rig) == []


async def test_it_is_changed_in_the_version_that_was_seen(rig: Rig, operator: Visitor) -> None:
    made, _ = await a_subscription(operator)
    form = await operator.form(f"subscriptions/{made}/change", "/change")
    done = await operator.send(f"subscriptions/{made}/change", "/change", url="https://agency.example/new", cities=["31.72"])
    assert done.headers["location"].endswith("said=changed")
    late = await operator.post(form.action, {**form.fields, "url": "https://agency.example/late", "types": ["agency.ended.v1"]})
    assert late.status_code == 409
    for text in (FRAME["frame.conflict"][0], "https://agency.example/new", "https://agency.example/late", "Jakarta Utara"):
        assert text in late.text, text
    (now,) = await stored(rig)
    assert (now["url"], now["types"], now["cities"]) == ("https://agency.example/new", [], ["31.72"])


async def test_its_secret_is_changed_and_the_one_before_goes_on_or_not(operator: Visitor) -> None:
    made, first = await a_subscription(operator)
    rotated = await operator.send(f"subscriptions/{made}/secret", "/secret", overlap_hours="24")
    second = secret_in(rotated.text)
    assert second != first
    refused = await operator.send(f"subscriptions/{made}/secret", "/secret", overlap_hours="24")
    assert refused.status_code == 409
    assert "masih berlaku" in refused.text
    assert secret_in((await operator.send(f"subscriptions/{made}/secret", "/secret", overlap_hours="0")).text) not in (first, second)


async def test_a_feed_is_sent_again_from_a_time_and_ends_for_good(rig: Rig, operator: Visitor) -> None:
    made, _ = await a_subscription(operator)
    assert 'href="#since"' in (await operator.send(f"subscriptions/{made}/replay", "/replay", since="yesterday")).text
    assert (await operator.send(f"subscriptions/{made}/replay", "/replay", since="2026-01-01T08:00")).headers["location"].endswith("said=replayed")
    assert (await operator.send(f"subscriptions/{made}/remove", "/remove")).headers["location"].endswith("said=removed")
    (now,) = await stored(rig)
    assert now["state"] == "deleted"
    assert WORDS["subscription.rotate"][0] not in (await operator.see(f"subscriptions/{made}/deliveries")).text
    assert (await operator.see(f"subscriptions/{uuid4()}/change")).status_code == 404
    head = Visitor(rig, S, role="shelter_head", units=[uuid4()])
    assert (await head.see("subscriptions/new")).status_code == 403


async def test_one_delivery_that_failed_is_tried_again(rig: Rig, operator: Visitor) -> None:
    made, _ = await a_subscription(operator)
    delivery = uuid4()
    await rig.sql(
        S,
        """INSERT INTO delivery (id, subscription_id, event_id, type, body, state, attempts, due, created_at)
        SELECT :id, :subscription, :id, 'agency.opened.v1', '', 'failed', 3, clock_timestamp() + interval '1 day', clock_timestamp()""",
        id=delivery,
        subscription=UUID(made),
    )
    page = await operator.see(f"subscriptions/{made}/deliveries?state=failed")
    assert "Kasus dibuka" in page.text
    assert str(delivery) not in (await operator.see(f"subscriptions/{made}/deliveries?state=delivered")).text
    done = await operator.send(f"subscriptions/{made}/deliveries", f"/deliveries/{delivery}")
    assert done.status_code == 303, done.text
    await rig.sql(S, "UPDATE delivery SET state = 'failed', ended_at = clock_timestamp(), lease_token = NULL, lease_until = NULL")
    everything = await operator.send(f"subscriptions/{made}/deliveries", "/redrive")
    assert everything.headers["location"].endswith("said=redriven")
    await rig.sql(S, "UPDATE subscription SET state = 'disabled'")
    waits = await operator.see(f"subscriptions/{made}/deliveries")
    assert WORDS["deliveries.redrive"][0] not in waits.text
    assert WORDS["deliveries.enable"][0] in waits.text
