"""The whole platform as processes: services and servers are killed in the middle of a flow, and it still ends right."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import nats
import pytest
from ops.identities import identities
from ops.platform import Platform

from ops import stores
from tests.flows.people import a_referral, a_shelter, ok

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
SERVICES = ("intake", "placement", "assessment", "notifications")
FAST = {f"{name.upper()}_{key}": value for name in SERVICES for key, value in {"RECOVER_SECONDS": "0.5", "RECONCILE_SECONDS": "0.5"}.items()}


class Running:
    """A platform of processes, and one HTTP client to it."""

    def __init__(self, platform: Platform, client: httpx.AsyncClient) -> None:
        self.platform, self.client = platform, client
        self.tokens: dict[str, str] = {}

    async def send(self, method: str, path: str, identity: str, body: Any = None) -> httpx.Response:
        """As a client that does not give up: the same key again until there is an answer that is not the platform's fault."""
        if identity not in self.tokens:
            self.tokens[identity] = await self.platform.token(identity)
        headers = {"Authorization": f"Bearer {self.tokens[identity]}", "Idempotency-Key": uuid4().hex}
        async with asyncio.timeout(120):  # a store that is brought up to date on a busy machine is closed for a while
            while True:
                try:
                    answer = await self.client.request(method, path, json=body, headers=headers)
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.status_code < 500:
                    return answer
                await asyncio.sleep(0.2)

    async def sql(self, service: str, statement: str) -> list[Any]:
        """Rows of a service's store."""
        url = stores.url(self.platform.postgres.url(), service, self.platform.secrets.passwords[service])
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def until(self, service: str, statement: str, wanted: Any, patience: float = 90) -> None:
        """Wait until a statement gives this value."""
        seen = None
        try:
            async with asyncio.timeout(patience):
                while seen != wanted:
                    try:
                        (row,) = await self.sql(service, statement)
                        seen = row[0]
                    except (OSError, asyncpg.PostgresError):
                        seen = "no answer"
                    await asyncio.sleep(0.2)
        except TimeoutError:
            pytest.fail(f"{service}: {statement} is {seen}, not {wanted}")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    platform = Platform(tmp_path / "data", settings=FAST)
    try:
        await platform.start()
        async with httpx.AsyncClient(base_url=platform.gateway, timeout=10, trust_env=False) as client:
            yield Running(platform, client)
    finally:
        await platform.stop()


async def refer(running: Running, numbers: range, *, shelter: bool = False) -> None:
    """An agency's system refers, whatever happens to the broker meanwhile: it repeats what was not acknowledged."""
    platform = running.platform
    client = await nats.connect(
        platform.nats.url,
        user="dppapp",
        password=platform.secrets.passwords["dppapp"],
        inbox_prefix="_INBOX_dppapp",
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.1,
    )
    for number in numbers:
        body = json.dumps(a_referral(f"F-{number}", shelter=shelter)).encode()
        async with asyncio.timeout(60):
            while True:
                try:
                    await client.request("referral.dppapp.submitted.v1", body, timeout=1)
                    break
                except (nats.errors.Error, TimeoutError):
                    await asyncio.sleep(0.1)
    await client.close()


async def everything_agrees(running: Running, cases: int) -> None:
    """Each reference one case, each case one worker; what was said is what the stream holds."""
    await running.until("intake", "SELECT count(*) FROM case_file", cases)
    await running.until("assessment", "SELECT count(DISTINCT subject) FROM outbox WHERE type = 'case.assessment.assigned.v1'", cases)
    await running.until("intake", "SELECT count(*) FROM case_file WHERE state = 'assessment'", cases)
    for service in SERVICES:
        await running.until(service, "SELECT count(*) FROM outbox_pending", 0)
    (doubled,) = await running.sql(
        "assessment", "SELECT count(*) FROM (SELECT subject FROM outbox WHERE type LIKE '%.assigned.v1' GROUP BY 1 HAVING count(*) > 1) d"
    )
    assert doubled[0] == 0
    await the_stream_holds_what_was_said(running)


async def the_stream_holds_what_was_said(running: Running) -> None:
    platform = running.platform
    said = {str(row[0]) for service in SERVICES for row in await running.sql(service, "SELECT id FROM outbox WHERE stream = 'CASES'")}
    client = await nats.connect(
        platform.nats.url, user="provisioner", password=platform.secrets.passwords["provisioner"], inbox_prefix="_INBOX_provisioner"
    )
    js = client.jetstream()
    held: set[str] = set()
    async with asyncio.timeout(60):
        while held != said:
            held = set()
            try:
                state = (await js.stream_info("CASES")).state
            except nats.js.errors.NotFoundError:  # wiped, and not made again yet
                await asyncio.sleep(0.3)
                continue
            for sequence in range(max(1, state.first_seq), state.last_seq + 1):
                try:
                    held.add((await js.get_msg("CASES", sequence)).headers["ce-id"])
                except nats.js.errors.NotFoundError:
                    continue
            await asyncio.sleep(0.3)
    await client.close()


async def a_worker(running: Running) -> None:
    subject = identities()["peksos-1"].subject
    ok(await running.send("PUT", f"/assessment/workers/{subject}", "operator", {"agency": "dinsos", "most_cases": 500}))


async def test_every_service_is_killed_in_the_middle_and_nothing_is_lost_or_doubled(running: Running) -> None:
    await a_worker(running)
    referring = asyncio.create_task(refer(running, range(60)))
    for service in SERVICES:
        await asyncio.sleep(0.4)
        running.platform.supervisor.kill(service)
    await referring
    await everything_agrees(running, 60)
    assert all(running.platform.supervisor.children[service].restarts >= 1 for service in SERVICES)


async def test_postgres_and_nats_are_killed_and_restarted_in_the_middle(running: Running) -> None:
    await a_worker(running)
    referring = asyncio.create_task(refer(running, range(60)))
    for server in (running.platform.nats, running.platform.postgres):
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(server.start)
    await referring
    await everything_agrees(running, 60)
    assert all(running.platform.supervisor.children[service].restarts == 0 for service in SERVICES), "they ride it out"


async def test_the_brokers_data_is_wiped_and_comes_back_from_the_stores(running: Running) -> None:
    await a_worker(running)
    await refer(running, range(20))
    await everything_agrees(running, 20)
    await asyncio.to_thread(running.platform.nats.stop)
    running.platform.nats.wipe()
    await asyncio.to_thread(running.platform.nats.start)
    await everything_agrees(running, 20)
    await refer(running, range(20, 25))
    await everything_agrees(running, 25)


async def test_events_deleted_before_their_reader_read_them_come_back_and_are_read(running: Running) -> None:
    await a_worker(running)
    await running.platform.supervisor.stop("assessment")
    await refer(running, range(10))
    await running.until("intake", "SELECT count(*) FROM case_file WHERE state = 'triaged'", 10)
    await running.until("intake", "SELECT count(*) FROM outbox_pending", 0)
    password = running.platform.secrets.passwords["provisioner"]
    client = await nats.connect(running.platform.nats.url, user="provisioner", password=password, inbox_prefix="_INBOX_provisioner")
    js = client.jetstream()
    last = (await js.stream_info("CASES")).state.last_seq
    deleted = 0
    for sequence in range(1, last + 1):
        with contextlib.suppress(nats.js.errors.APIError):
            deleted += await js.delete_msg("CASES", sequence)
    assert deleted >= 20, "reported and triaged of each case"
    await client.close()
    running.platform.start_service("assessment")
    await everything_agrees(running, 10)


async def test_a_whole_stay_with_the_shelters_service_killed_between_offer_and_answer(running: Running) -> None:
    await a_worker(running)
    head = identities()["head-1"]
    ok(await running.send("POST", "/placement/shelters", "operator", a_shelter(shelter_id=head.units[0])))
    await refer(running, range(1), shelter=True)
    await running.until("intake", "SELECT count(*) FROM case_file WHERE state = 'offered'", 1)
    running.platform.supervisor.kill("placement")
    (placement,) = ok(await running.send("GET", "/placement/placements", "placement-dinsos"))
    ok(await running.send("POST", f"/placement/placements/{placement['placement_id']}/accept", "head-1", {}))
    running.platform.supervisor.kill("placement")
    await running.until("intake", "SELECT count(*) FROM case_file WHERE state = 'accepted'", 1)


async def test_two_platforms_side_by_side_and_none_on_a_folder_in_use(running: Running, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="another platform runs"):
        Platform(running.platform.data)
    other = Platform(tmp_path / "other")
    assert set(other.secrets.ports.values()).isdisjoint(running.platform.secrets.ports.values())
