"""The whole platform as processes, under load: one service's store is put back from before, and everything still ends right."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import nats
import pytest
from ops.backup import Urls, back_up, restore
from ops.identities import identities
from ops.platform import Platform

from ops import stores
from tests.flows.people import a_referral, a_shelter, ok
from tests.flows.test_faults import FAST, SERVICES, Running, a_worker, the_stream_holds_what_was_said
from tests.placement.invariants import MUST_BE_EMPTY

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]
PATIENCE = 150.0
HOUSES = tuple(identities()[name].units[0] for name in ("head-1", "head-2"))


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    platform = Platform(tmp_path / "data", settings=FAST)
    try:
        await platform.start()
        async with httpx.AsyncClient(base_url=platform.gateway, timeout=10, trust_env=False) as client:
            yield Running(platform, client)
    finally:
        await platform.stop()


def urls_of(running: Running, service: str) -> Urls:
    admin, password = running.platform.postgres.url(), running.platform.secrets.passwords[service]
    return Urls(stores.url(admin, service, password), stores.url(admin, service, password, f"{service}_keys"))


class Load:
    """An agency's system that refers without end, heads of shelters who say yes and let people in, and an officer who moves them, until `stop`."""

    def __init__(self, running: Running) -> None:
        self.running, self.referred, self.tasks = running, 0, list[asyncio.Task[None]]()
        self.stopping, self.done = asyncio.Event(), Counter[str]()

    def start(self) -> None:
        self.tasks = [asyncio.create_task(work) for work in (self._refer(), self._head("head-1"), self._head("head-2"), self._officer())]

    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.gather(*self.tasks)

    async def until(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.referred < number:
                await asyncio.sleep(0.1)

    async def until_everything_was_done(self) -> None:
        """On a slow machine officers have had few turns so far, and not each of them finds somebody who can be moved."""
        async with asyncio.timeout(PATIENCE):
            while not all(self.done[what] for what in ("admit", "transfer", "leave", "cleaned")):
                await asyncio.sleep(0.1)

    async def _refer(self) -> None:
        platform = self.running.platform
        password = platform.secrets.passwords["dppapp"]
        client = await nats.connect(platform.nats.url, user="dppapp", password=password, inbox_prefix="_INBOX_dppapp")
        while not self.stopping.is_set():
            await send(client, self.referred)
            self.referred += 1
            await asyncio.sleep(0.15)
        await client.close()

    async def _head(self, name: str) -> None:
        while not self.stopping.is_set():
            for placement in ok(await self.running.send("GET", "/placement/placements?state=offered", name)):
                await self._let_in(name, placement)
            page = ok(await self.running.send("GET", "/notifications/inbox?unread=true", name))["notices"]
            for notice in page[:3]:
                await self.running.send("POST", f"/notifications/inbox/{notice['id']}/acknowledge", name, {})
                await self.running.send("POST", f"/notifications/inbox/{notice['id']}/read", name, {})
            await asyncio.sleep(0.3)

    async def _let_in(self, name: str, placement: dict[str, Any]) -> None:
        path = f"/placement/placements/{placement['placement_id']}"
        # A head may be late: somebody or something else answered meanwhile.
        if (await self.running.send("POST", f"{path}/accept", name, {})).is_success:
            agreed = {True: "own", False: "own_view_and_consenter"}
            agreements = [{"person_id": m["person_id"], "agreement": agreed[(m["age"] or 30) >= 18]} for m in placement["members"]]
            word = "admit" if placement["transfer_of"] is None else "move"
            await self._act(word, f"{path}/{word}", name, {"agreements": agreements})

    async def _act(self, what: str, path: str, who: str, body: Any) -> None:
        """Something people do; whether it is done, or somebody was quicker, depends on the others."""
        self.done[what] += (await self.running.send("POST", path, who, body)).is_success

    async def _officer(self) -> None:
        """Some are asked to move and some go, beds are cleaned, a house is full for a moment, nights are confirmed, and somebody is offered a bed by hand."""
        officer, turn = "placement-dinsos", 0
        while not self.stopping.is_set():
            turn += 1
            await self._houses(officer, turn)
            inside = ok(await self.running.send("GET", "/placement/placements?state=admitted", officer))
            for number, placement in enumerate(inside[:2]):
                path = f"/placement/placements/{placement['placement_id']}"
                people = [member["person_id"] for member in placement["members"]]
                if (turn + number) % 2:
                    await self._act("transfer", f"{path}/transfer", officer, {})
                elif turn % 3 == 0:
                    await self._act("leave", f"{path}/leave", officer, {"persons": people})
            for need in ok(await self.running.send("GET", "/placement/waiting", officer))[-1:]:
                by_hand = {"shelter_id": HOUSES[turn % 2], "reason": "survivor_wish"}
                await self._act("by hand", f"/placement/needs/{need['case_id']}/offer", officer, by_hand)
            await asyncio.sleep(0.2)

    async def _houses(self, officer: str, turn: int) -> None:
        """Beds are clean before their time, a house that was full has room again and now and then has none, and a night is confirmed."""
        for shelter in HOUSES:
            path = f"/placement/shelters/{shelter}"
            board = ok(await self.running.send("GET", f"{path}/beds", officer))
            for bed in board["beds"]:
                if bed["state"] == "cleaning":
                    await self._act("cleaned", f"/placement/beds/{bed['bed_id']}/cleaned", officer, {})
            for closure in board["closures"]:
                await self._act("opened", f"{path}/closures/{closure['closure_id']}/end", officer, {})
        if turn % 4 == 0:
            await self._act("closed", f"/placement/shelters/{HOUSES[0]}/closures", officer, {"kind": "full"})
        await self._act("conflict", f"/placement/shelters/{HOUSES[0]}/conflicts", officer, {"about": str(UUID(int=turn))})
        shown = ok(await self.running.send("GET", f"/placement/shelters/{HOUSES[1]}/residents", officer))
        night = {"night": shown["night"], "present": [row["person_id"] for row in shown["residents"]]}
        await self._act("census", f"/placement/shelters/{HOUSES[1]}/census", officer, night)


async def send(client: Any, number: int) -> None:
    body = json.dumps(a_referral(f"L-{number}", shelter=number % 2 == 0)).encode()
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(nats.errors.Error, TimeoutError):
                await client.request("referral.dppapp.submitted.v1", body, timeout=1)
                return


async def ids(running: Running, service: str) -> set[str]:
    return {str(row[0]) for row in await running.sql(service, "SELECT id FROM outbox")}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_store_put_back_under_load_loses_and_doubles_nothing(running: Running, tmp_path: Path, service: str) -> None:
    await a_worker(running)
    for shelter in HOUSES:
        ok(await running.send("POST", "/placement/shelters", "operator", a_shelter(shelter_id=shelter, beds=12)))
    load = Load(running)
    load.start()
    await load.until(20)
    folder = tmp_path / "backup"
    await back_up(folder, {name: urls_of(running, name) for name in SERVICES})
    backed_up = await ids(running, service)
    await load.until(45)
    async with asyncio.timeout(PATIENCE):  # a head who is slow to acknowledge leaves notifications nothing to say for a while
        while await ids(running, service) <= backed_up:
            await asyncio.sleep(0.1)

    await running.platform.supervisor.stop(service)
    said = await ids(running, service)
    assert await running.sql(service, "SELECT id FROM outbox_pending") == [], "who stops in good order leaves nothing unsaid"
    await restore(folder, {service: urls_of(running, service)})
    kept = await ids(running, service)
    assert kept < said, "something was lost"
    running.platform.start_service(service)
    await load.until(load.referred + 15)
    await load.until_everything_was_done()
    await load.stop()

    await running.until(service, "SELECT state FROM store_epoch", "open", PATIENCE)
    assert await ids(running, service) >= said, "what was said is said"
    client = await nats.connect(
        running.platform.nats.url, user="dppapp", password=running.platform.secrets.passwords["dppapp"], inbox_prefix="_INBOX_dppapp"
    )
    for number in range(load.referred):
        await send(client, number)
    await client.close()
    await running.until("intake", "SELECT count(*) FROM case_file WHERE state = 'reported'", 0, PATIENCE)
    for name in SERVICES:
        await running.until(name, "SELECT count(*) FROM outbox_pending", 0, PATIENCE)
    await running.until("intake", "SELECT count(*) FROM submission", load.referred, PATIENCE)
    await running.until("intake", "SELECT count(*) FROM case_file", load.referred, PATIENCE)
    await agreed(running)


async def agreed(running: Running) -> None:
    """Whatever happened: one case per reference, one way to a bed per case, no bed and no person twice, and streams hold what was said."""
    doubled = {
        "intake": "SELECT count(*) FROM (SELECT body FROM outbox WHERE type = 'case.intake.reported.v1' GROUP BY subject, body HAVING count(*) > 1) d",
        "assessment": "SELECT count(*) FROM (SELECT subject FROM outbox WHERE type LIKE '%.assigned.v1' GROUP BY 1 HAVING count(*) > 1) d",
        "placement": """SELECT count(*) FROM (SELECT subject FROM outbox WHERE type = 'case.placement.admitted.v1' GROUP BY 1 HAVING count(*) > 1) d""",
        "notifications": "SELECT count(*) FROM (SELECT source, recipient FROM notice GROUP BY 1, 2 HAVING count(*) > 1) d",
    }
    for service, statement in doubled.items():
        assert (await running.sql(service, statement))[0][0] == 0, service
    lost = await running.sql(
        "placement",
        """SELECT count(*) FROM placement p WHERE state IN ('offered', 'accepted', 'on_the_way', 'admitted') AND NOT EXISTS (
            SELECT FROM stay WHERE placement_id = p.id AND NOT isempty(during))""",
    )
    assert lost[0][0] == 0, "everybody who lives somewhere has a bed"
    for what, question in MUST_BE_EMPTY.items():
        assert await running.sql("placement", question) == [], what
    assert await running.sql("placement", "SELECT missing FROM recovery_task WHERE missing LIKE 'not_applied%'") == []
    once_in = "SELECT DISTINCT case_id FROM placement WHERE admitted_at IS NOT NULL AND transfer_of IS NULL"
    admitted = {str(row[0]) for row in await running.sql("placement", once_in)}
    assert admitted
    await running.until(
        "intake",
        "SELECT count(DISTINCT case_id) FROM case_fact WHERE type = 'case.placement.admitted.v1'",
        len(admitted),
        PATIENCE,
    )
    dead = "SELECT count(*) FROM dead_letter WHERE set_aside_at IS NOT NULL"
    for service in SERVICES:
        assert (await running.sql(service, dead))[0][0] == 0, service
        twice = "SELECT count(*) FROM (SELECT subject, factversion FROM outbox GROUP BY 1, 2 HAVING count(*) > 1) d"
        assert (await running.sql(service, twice))[0][0] == 0, service
    await the_stream_holds_what_was_said(running)
