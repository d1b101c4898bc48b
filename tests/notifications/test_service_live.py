"""The live inbox over server-sent events, and answers from a one-time link."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn

from tests.notifications.events import offered, reported
from tests.rig import Rig

S = "notifications"
DESK = UUID(int=601)


@asynccontextmanager
async def served(rig: Rig, name: str = S) -> AsyncIterator[str]:
    """A service of the rig behind a real server; its URL."""
    server = uvicorn.Server(uvicorn.Config(rig.services[name].app(), port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def listening(
    rig: Rig, url: str, path: str = "/inbox/live", last: str | None = None, **who: Any
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = rig._headers({"role": "intake_officer", "subject": DESK, **who}) | ({"Last-Event-ID": last} if last else {})
    async with httpx.AsyncClient(timeout=20) as client, client.stream("GET", url + path, headers=headers) as answer:
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    found: dict[str, Any] = {}
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name in {"id", "event"}:
            found[name] = value
        elif name == "data":
            found["data"] = json.loads(value)
        elif not line and "data" in found:
            yield found
            found = {}


async def test_a_notice_is_heard_live_whichever_replica_wrote_it_and_from_where_one_left_off(rig: Rig) -> None:
    await rig.start(S, live_poll_seconds=0.05)
    other = await rig.replicate(S)
    async with served(rig) as url, served(rig, other) as second:
        async with listening(rig, url) as here, listening(rig, second) as there:
            first = uuid4()
            await rig.say(reported(), subject=first)
            heard = [await asyncio.wait_for(anext(one), 10) for one in (here, there)]
            assert [one["data"]["case_id"] for one in heard] == [str(first)] * 2
            assert heard[0]["event"] == "notice"
            assert heard[0]["id"] == str(heard[0]["data"]["position"])
        missed = uuid4()
        await rig.say(reported(), subject=missed)
        await rig.say(reported(agency="polda-ppa"), subject=uuid4())
        await rig.settle()
        async with listening(rig, second, last=heard[0]["id"]) as again:
            assert (await asyncio.wait_for(anext(again), 10))["data"]["case_id"] == str(missed)
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/inbox/live")).status_code == 401
            headers = rig._headers({"role": "agency_system"})
            assert (await client.get(f"{url}/inbox/live", headers=headers)).status_code == 403


async def test_a_live_inbox_ends_when_its_time_is_over(rig: Rig) -> None:
    await rig.start(S, live_poll_seconds=0.05, live_minutes=0.01)
    async with served(rig) as url, listening(rig, url) as heard:
        assert [one async for one in heard] == []


async def test_a_notice_says_where_its_matter_is_opened(rig: Rig) -> None:
    await rig.start(S)
    case, placement, unit = (uuid4() for _ in range(3))
    await rig.say(reported(), subject=case)
    await rig.say(offered(placement, unit), subject=case)
    await rig.settle()
    (desk,) = (await rig.get(S, "/inbox", role="intake_officer")).json()["notices"]
    (head,) = (await rig.get(S, "/inbox", role="shelter_head", units=[unit])).json()["notices"]
    assert (desk["link"], head["link"]) == (f"/intake/cases/{case}", f"/placement/placements/{placement}")


async def an_offer(rig: Rig) -> tuple[dict[str, Any], dict[str, Any], UUID]:
    """An offer's notice, who may see it, and the placement."""
    placement, unit = uuid4(), uuid4()
    who = {"role": "shelter_head", "units": [unit], "subject": uuid4()}
    await rig.say(offered(placement, unit), subject=uuid4())
    await rig.settle()
    (notice,) = (await rig.get(S, "/inbox", **who)).json()["notices"]
    return notice, who, placement


async def test_a_link_is_opened_after_login_by_its_officer_alone_and_used_once(rig: Rig) -> None:
    await rig.start(S)
    notice, who, placement = await an_offer(rig)
    made = await rig.post(S, f"/inbox/{notice['id']}/link", **who)
    assert made.status_code == 201
    path = made.json()["path"].removeprefix("/notifications")
    assert (await rig.clients[S].get(path)).status_code == 401
    assert (await rig.get(S, path, role="shelter_head", units=who["units"], subject=uuid4())).status_code == 404, "bound to one officer"
    for _ in range(2):
        seen = (await rig.get(S, path, **who)).json()
    assert [choice["href"] for choice in seen["choices"]] == [
        f"/placement/placements/{placement}/accept", f"/placement/placements/{placement}/decline", None
    ]  # fmt: skip
    answered = await rig.post(S, path, json={"answer": "accept"}, key="yes", **who)
    assert answered.json() == {"answer": "accept", "method": "POST", "href": f"/placement/placements/{placement}/accept"}
    assert (await rig.post(S, path, json={"answer": "accept"}, key="yes", **who)).json() == answered.json()
    again = await rig.post(S, path, json={"answer": "decline"}, **who)
    assert (again.status_code, again.json()["errors"]) == (410, [{"field": "token", "code": "used"}])
    (taken,) = (await rig.get(S, "/inbox", **who)).json()["notices"]
    assert taken["acknowledged_by"] == str(who["subject"])
    assert [fact[0] for fact in await rig.facts(S)] == ["case.notifications.acknowledged.v1"]


async def test_call_me_reaches_those_who_place(rig: Rig) -> None:
    await rig.start(S)
    notice, who, placement = await an_offer(rig)
    path = (await rig.post(S, f"/inbox/{notice['id']}/link", **who)).json()["path"].removeprefix("/notifications")
    for _ in range(2):
        await rig.post(S, path, json={"answer": "call_me"}, key="call", **who)
    (told,) = (await rig.get(S, "/inbox", role="placement_officer")).json()["notices"]
    assert (told["kind"], told["urgency"], told["placement_id"]) == ("call_wanted", "urgent", str(placement))


async def test_an_old_link_and_a_link_to_what_asks_nothing_are_refused(rig: Rig) -> None:
    await rig.start(S)
    notice, who, _ = await an_offer(rig)
    path = (await rig.post(S, f"/inbox/{notice['id']}/link", **who)).json()["path"].removeprefix("/notifications")
    await rig.advance(hours=25)
    assert (await rig.get(S, path, **who)).json()["errors"] == [{"field": "token", "code": "expired"}]
    await rig.say(reported(), subject=uuid4())
    await rig.settle()
    (report,) = (await rig.get(S, "/inbox", role="intake_officer")).json()["notices"]
    assert (await rig.post(S, f"/inbox/{report['id']}/link", role="intake_officer")).status_code == 409
    assert (await rig.get(S, "/answers/never-made", **who)).status_code == 404
