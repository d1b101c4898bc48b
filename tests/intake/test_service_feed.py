"""An agency's feed over HTTP: a snapshot and what follows it make what a replay from the beginning makes, whoever writes meanwhile."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from intake.domain.followed import Heard, followed
from intake.following import numbering
from sqlalchemy import text

from recipes.python.reducer import Dashboard
from tests.flows.people import ok
from tests.intake.builders import a_referral
from tests.intake.sharing import OFFICER, POLICE, RECIPIENT, SUPERVISOR, disclose, open_case, shared
from tests.notifications.test_service_live import listening, served
from tests.rig import Rig

SAY = text("""
    INSERT INTO outbox (id, type, stream, route, subject, time, factversion, correlation, causation, body)
    VALUES (:id, 'agency.opened.v1', 'AGENCIES', :route, :id, now(), 1, '', '', '{}') RETURNING position""")
AFTER = {"since": None, "types": [], "always": [], "most": 1000}


async def snapshot(rig: Rig, who: dict[str, Any] = POLICE, limit: int = 500) -> tuple[str, list[dict[str, Any]]]:
    """All pages of a snapshot."""
    cases: list[dict[str, Any]] = []
    page = ok(await rig.get("intake", f"/feed/snapshot?limit={limit}", **who))
    while page["next"]:
        cases += page["cases"]
        page = ok(await rig.get("intake", f"/feed/snapshot?limit={limit}&cursor={page['next']}", **who))
    return page["position"], [*cases, *page["cases"]]


async def follow(rig: Rig, dashboard: Dashboard, position: str | None, who: dict[str, Any] = POLICE, limit: int = 500) -> tuple[str, list[str]]:
    """Take all that comes after a position; the position then, and the ids of what came."""
    came: list[str] = []
    while True:
        page = ok(await rig.get("intake", f"/feed?limit={limit}" + (f"&after={position}" if position else ""), **who))
        came += [entry["event"]["id"] for entry in page["events"]]
        for entry in page["events"]:
            dashboard.hear(entry["event"])
        position = page["position"]
        if not page["more"]:
            return position, came


@pytest.mark.parametrize("seed", range(3))
async def test_a_follower_misses_nothing_and_gets_nothing_twice_in_whatever_order_writers_commit(rig: Rig, seed: int) -> None:
    await rig.start("intake")
    database, chance = rig.services["intake"].database, random.Random(seed)
    writers: list[tuple[Any, list[UUID]]] = []
    heard: list[UUID] = []
    after = 0

    async def look() -> None:
        nonlocal after
        await database.run(partial(numbering.number, most=chance.choice([2, numbering.MOST])))
        async with database.engine.begin() as connection:
            top = (await connection.execute(numbering.NEWEST, {"agency": "dinsos"})).scalar_one()
            rows = (await connection.execute(numbering.AFTER, {"agency": "dinsos", "top": top, "after": after, **AFTER})).all()
        assert [row.number for row in rows] == list(range(after + 1, top + 1)), "numbers of an agency have no gap"
        heard.extend(row.id for row in rows)
        after = top

    for _ in range(120):
        step = chance.random()
        if step < 0.4 and len(writers) < 6:
            connection = await database.engine.connect()
            ids = [uuid4() for _ in range(chance.randint(1, 3))]
            for identity in ids:
                agency = chance.choice(["dinsos", "dinsos", "polda-ppa"])
                await connection.execute(SAY, {"id": identity, "route": f"agency.{agency}.opened.v1"})
            writers.append((connection, ids))
        elif step < 0.75 and writers:
            connection, ids = writers.pop(chance.randrange(len(writers)))
            await (connection.commit() if chance.random() < 0.8 else connection.rollback())
            await connection.close()
        else:
            await look()
    for connection, _ in writers:
        await connection.commit()
        await connection.close()
    for _ in range(5):
        await look()
    said = {row.id for row in await rig.sql("intake", "SELECT id FROM outbox WHERE route LIKE 'agency.dinsos.%'")}
    assert sorted(heard) == sorted(said)

    async def behind_everybody() -> bool:
        """What is there is not looked through again; the service itself may write for a moment."""
        await look()
        (mark,) = await rig.sql("intake", "SELECT settled, (SELECT max(position) FROM outbox WHERE stream = 'AGENCIES') AS newest FROM feed_mark")
        return bool(mark.settled == mark.newest)

    await rig.until(behind_everybody)


async def some_life(rig: Rig, chance: random.Random) -> None:
    """A case of the police that dppapp leads: shared, taken back, ended, reopened."""
    case_id, persons = await open_case(rig)
    if chance.random() < 0.6:
        (consent,) = ok(
            await rig.post(
                "intake",
                f"/cases/{case_id}/consents",
                json={"persons": persons, "purpose": "health", "recipient": "dinsos", "medium": "written", "text_version": "v1"},
                **OFFICER,
            )
        )
        ok(await disclose(rig, case_id))
        if chance.random() < 0.5:
            ok(await rig.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER))
    if chance.random() < 0.4:
        ok(await rig.post("intake", f"/cases/{case_id}/withdraw", json={"reason": "refused_service"}, **OFFICER))
        if chance.random() < 0.5:
            ok(await rig.post("intake", f"/cases/{case_id}/reopen", json={"reason": "new_incident"}, **SUPERVISOR))


@pytest.mark.parametrize("seed", range(2))
async def test_a_snapshot_and_what_follows_it_is_what_a_replay_from_the_beginning_is(rig: Rig, seed: int) -> None:
    await rig.start("intake")
    chance = random.Random(seed)
    writing = asyncio.gather(*(some_life(rig, chance) for _ in range(14)))
    everybody = (POLICE, OFFICER, RECIPIENT)
    known: list[tuple[dict[str, Any], Dashboard, str]] = []
    while not writing.done():
        for who in everybody:
            position, cases = await snapshot(rig, who, limit=3)
            dashboard = Dashboard()
            dashboard.start_from(cases)
            known.append((who, dashboard, position))
        await asyncio.sleep(0.05)
    await writing
    for who in everybody:
        _, now = await snapshot(rig, who, limit=4)
        expected = {case["follow_id"]: case for case in now}
        whole = Dashboard()
        _, came = await follow(rig, whole, None, who, limit=7)
        assert len(came) == len(set(came)), "nothing comes twice"
        assert whole.cases == expected
        for _, dashboard, position in (entry for entry in known if entry[0] == who):
            await follow(rig, dashboard, position, who)
            assert dashboard.cases == expected
    assert len(known) >= len(everybody) * 2


async def test_what_stopped_is_not_given_any_more_and_begins_anew(rig: Rig) -> None:
    await rig.start("intake")
    _, _, consent, _ = await shared(rig)
    position, (case,) = await snapshot(rig, RECIPIENT)
    assert (case["state"], case["risk"], [entry["purpose"] for entry in case["disclosures"]]) == ("open", None, ["health"])
    ok(await rig.post("intake", f"/consents/{consent['consent_id']}/withdraw", **OFFICER))
    assert (await snapshot(rig, RECIPIENT))[1] == []
    page = ok(await rig.get("intake", "/feed", **RECIPIENT))
    assert [entry["event"]["type"] for entry in page["events"]] == ["agency.stopped.v1"]
    page = ok(await rig.get("intake", f"/feed?after={position}&types=agency.triaged.v1", **RECIPIENT))
    assert {entry["event"]["type"] for entry in page["events"]} <= {"agency.stopped.v1", "agency.disclosure_ended.v1"}, "comes whatever was chosen"
    assert page["events"]


async def test_a_feed_is_its_agencys_own_and_is_chosen_by_type_and_time(rig: Rig) -> None:
    await rig.start("intake")
    await open_case(rig)
    theirs = ok(await rig.get("intake", "/feed", **RECIPIENT))
    assert (theirs["events"], theirs["position"]) == ([], "1-0"), "not even how much others hear"
    page = ok(await rig.get("intake", "/feed?types=agency.triaged.v1", **POLICE))
    assert [entry["event"]["type"] for entry in page["events"]] == ["agency.triaged.v1"]
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert ok(await rig.get("intake", f"/feed?since={later}", **POLICE))["events"] == []
    wrong = await rig.get("intake", "/feed?types=agency.known_before.v1", **POLICE)
    assert (wrong.status_code, wrong.json()["errors"]) == (422, [{"field": "types.0", "code": "unknown_code"}])
    assert (await rig.get("intake", "/feed?after=yesterday", **POLICE)).status_code == 422
    assert (await rig.get("intake", "/feed", role="shelter_head")).status_code == 403


async def test_a_position_of_a_store_that_was_restored_since_is_refused(rig: Rig) -> None:
    await rig.start("intake")
    for path in ("/feed?after=7-1", "/feed/events?after=7-1"):
        gone = await rig.get("intake", path, **POLICE)
        assert (gone.status_code, gone.json()["errors"]) == (410, [{"field": "after", "code": "position_gone"}])
    gone = await rig.get("intake", f"/feed/snapshot?cursor=7-1.{uuid4()}", **POLICE)
    assert (gone.status_code, gone.json()["errors"]) == (410, [{"field": "cursor", "code": "position_gone"}])


async def test_events_come_live_whichever_replica_is_asked_and_from_where_one_left_off(rig: Rig) -> None:
    await rig.start("intake", feed_poll_seconds=0.05)
    other = await rig.replicate("intake")
    who = {"role": "agency_system", "agency": "polda-ppa"}
    async with served(rig, "intake") as url, served(rig, other) as second:
        async with listening(rig, url, "/feed/events", **who) as here, listening(rig, second, "/feed/events", **who) as there:
            ok(await rig.post("intake", "/reports", json=a_referral(reference="LIVE-1"), **who))
            heard = [await asyncio.wait_for(anext(one), 10) for one in (here, there)]
            assert [(one["event"], one["data"]["data"]["reference"]) for one in heard] == [("agency.opened.v1", "LIVE-1")] * 2
        ok(await rig.post("intake", "/reports", json=a_referral(reference="LIVE-2"), **who))
        async with listening(rig, second, "/feed/events", last=heard[0]["id"], **who) as again:
            while (event := await asyncio.wait_for(anext(again), 10))["event"] != "agency.opened.v1":
                continue
            assert event["data"]["data"]["reference"] == "LIVE-2"


def test_the_order_in_which_events_of_a_case_come_changes_nothing() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    story = [
        ("opened", {"reference": "R-1"}),
        ("triaged", {"risk": "high", "responsible": "dppapp"}),
        ("sheltered", {}),
        ("service_requested", {"service_id": "s", "service": "health", "due_at": "d"}),
        ("triaged", {"risk": "low", "responsible": "dppapp"}),
        ("service_ended", {"service_id": "s"}),
        ("ended", {"reason": "needs_met"}),
        ("reopened", {}),
    ]
    events = [Heard(name, number, at, {"city": "31.75", **data}) for number, (name, data) in enumerate(story, 1)]
    straight = followed(events)
    assert straight is not None
    assert (straight.state, straight.risk, straight.reference, straight.services, straight.reason) == ("open", "low", "R-1", [], None)
    for seed in range(20):
        mixed = [*events, *random.Random(seed).sample(events, 3)]
        random.Random(seed).shuffle(mixed)
        assert followed(mixed) == straight
    assert followed([*events, Heard("stopped", 9, at, {"city": "31.75"})]) is None
