"""An agency replays its feed over NATS: what it may still be told, in the order in which HTTP gives it, whoever else asks meanwhile."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import nats
import pytest
from contracts.replay import ReplayAnswered, Replayed
from intake.api import replays

from recipes.python.reducer import Dashboard
from tests.flows.people import ok
from tests.intake.sharing import OFFICER, POLICE, RECIPIENT, open_case, shared
from tests.intake.test_service_feed import snapshot
from tests.rig import Rig


async def ask(rig: Rig, who: dict[str, Any], **question: Any) -> dict[str, Any]:
    """What the agency of somebody is answered; asked again until somebody listens."""
    subject, body = f"feed.{who['agency']}.replay", json.dumps(question).encode()
    async with asyncio.timeout(10):
        while True:
            try:
                answer: dict[str, Any] = json.loads((await rig.nats.request(subject, body, timeout=2)).data)
            except (nats.errors.NoRespondersError, nats.errors.TimeoutError):  # nobody is there yet, or it was lost with the connection
                await asyncio.sleep(0.05)
            else:
                return answer


async def replay(rig: Rig, who: dict[str, Any], **question: Any) -> tuple[list[dict[str, Any]], str]:
    """All pages from a place on, and the position behind them."""
    events: list[dict[str, Any]] = []
    while True:
        page = ok_page(await ask(rig, who, **question))
        events += [entry["event"] for entry in page["events"]]
        question = {**question, "after": page["position"]}
        if not page["more"]:
            return events, page["position"]


def ok_page(answer: dict[str, Any]) -> dict[str, Any]:
    """A page, and no refusal."""
    assert "events" in answer, answer
    return answer


async def test_a_replay_gives_what_http_gives_and_makes_what_the_snapshot_says(rig: Rig) -> None:
    await rig.start("intake")
    for _ in range(3):
        await open_case(rig)
    page = ok(await rig.get("intake", "/feed", **POLICE))
    events, position = await replay(rig, POLICE, limit=2)
    assert (events, position) == ([entry["event"] for entry in page["events"]], page["position"])
    assert len(events) > 2, "more than one page"
    dashboard = Dashboard()
    for event in events:
        assert dashboard.hear(event)
    assert dashboard.cases == {case["follow_id"]: case for case in (await snapshot(rig))[1]}
    await open_case(rig)
    rest, _ = await replay(rig, POLICE, after=position)
    assert rest, "goes on behind a position"
    assert not {event["id"] for event in rest} & {event["id"] for event in events}


async def test_a_replay_never_gives_again_what_was_said_before_a_stop_though_the_stream_has_it(rig: Rig) -> None:
    await rig.start("intake")
    began = datetime.now(UTC) - timedelta(minutes=1)
    _, _, consent, _ = await shared(rig)
    before, position = await replay(rig, RECIPIENT)
    assert [event["type"] for event in before][-1] == "agency.disclosed.v1"
    ok(await rig.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER))
    await rig.settle()
    held = await rig.nats.jetstream().stream_info("AGENCIES", subjects_filter=f"agency.{RECIPIENT['agency']}.>")
    assert sum((held.state.subjects or {}).values()) > len(before), "the broker has all that was said"
    for place in ({}, {"since": began.isoformat()}, {"after": "1-0"}, {"types": ["agency.opened.v1"]}):
        events, _ = await replay(rig, RECIPIENT, **place)
        assert [event["type"] for event in events] == ["agency.stopped.v1"], place
    assert "agency.stopped.v1" in {event["type"] for event in (await replay(rig, RECIPIENT, after=position))[0]}


async def test_a_replay_is_chosen_by_type_and_time_and_refused_by_field(rig: Rig) -> None:
    await rig.start("intake")
    await open_case(rig)
    assert (await replay(rig, RECIPIENT))[0] == [], "nothing of another agency's"
    triaged, _ = await replay(rig, POLICE, types=["agency.triaged.v1"])
    assert [event["type"] for event in triaged] == ["agency.triaged.v1"]
    assert (await replay(rig, POLICE, since=(datetime.now(UTC) + timedelta(minutes=1)).isoformat()))[0] == []

    async def refused(**question: Any) -> tuple[int, list[dict[str, str]]]:
        answer = await ask(rig, POLICE, **question)
        return answer["status"], answer["errors"]

    assert await refused(types=["agency.known_before.v1"]) == (422, [{"field": "types.0", "code": "unknown_code"}])
    assert await refused(after="7-1") == (410, [{"field": "after", "code": "position_gone"}])
    assert await refused(after="yesterday") == (422, [{"field": "after", "code": "string_pattern_mismatch"}])
    assert await refused(since="2026-11-01T00:00:00") == (422, [{"field": "since", "code": "timezone_aware"}])
    assert await refused(limit=0) == (422, [{"field": "limit", "code": "greater_than_equal"}])
    assert await refused(agency="dinsos") == (422, [{"field": "agency", "code": "extra_forbidden"}]), "whose feed it is, the subject says"
    answer = json.loads((await rig.nats.request("feed.polda-ppa.replay", b"{not json", timeout=5)).data)
    assert (answer["status"], answer["errors"]) == (422, [{"field": "body", "code": "json_invalid"}])


async def test_who_asks_much_at_once_is_told_to_wait_and_others_are_answered(rig: Rig) -> None:
    await rig.start("intake")
    await open_case(rig)
    ok_page(await ask(rig, POLICE))
    async with rig.services["intake"].database.engine.begin() as connection:
        await connection.execute(replays.numbering.LOCK)  # nobody's page can be made while somebody has this
        flood = [asyncio.create_task(ask(rig, POLICE)) for _ in range(20)]
        other = asyncio.create_task(ask(rig, RECIPIENT))
        done, _ = await asyncio.wait(flood, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 19:
            done, _ = await asyncio.wait(flood, timeout=0.05)
        assert {task.result()["status"] for task in done} == {429}
    assert [ok_page(task.result())["more"] for task in await finished([*set(flood) - done, other])] == [False, False]


async def finished(tasks: list[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """These, when they are done."""
    await asyncio.wait(tasks, timeout=10)
    return tasks


def test_a_page_that_would_be_too_large_for_one_message_is_cut_and_goes_on_where_it_was_cut() -> None:
    events = [Replayed(position=f"1-{number}", event={"data": "x" * 100}) for number in range(1, 41)]
    found: list[str] = []
    while len(found) < len(events):
        told = replays.page(events[len(found) :], 30, "1-40", most_bytes=1000)
        assert len(told) <= 1000
        answer = ReplayAnswered.model_validate_json(told)
        found += [entry.position for entry in answer.events]
        assert answer.position == found[-1]
        assert answer.more == (len(found) < len(events))
    assert found == [f"1-{number}" for number in range(1, 41)]
    assert ReplayAnswered.model_validate_json(replays.page([], 30, "1-40")).position == "1-40"


@pytest.mark.parametrize("ended", ["connection", "worker"])
async def test_a_replay_is_answered_again_after(rig: Rig, ended: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost connection, and a subscription that the broker had refused: made anew by itself."""
    monkeypatch.setattr(replays, "ANEW", 0.2)
    await rig.start("intake")
    ok_page(await ask(rig, POLICE))
    client = rig.services["intake"].client
    assert client is not None
    if ended == "connection":
        client._transport.close()
    else:
        for sid in [sid for sid, held in client._subs.items() if held.subject == "feed.*.replay"]:
            await client._send_unsubscribe(sid)
    ok_page(await ask(rig, POLICE))
