"""Three brokers: one is killed, lost for good, cut off; two are down. What was acknowledged is kept, and everything goes on by itself."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from tests.faults import checks
from tests.faults.cluster import NAMES, Cluster
from tests.faults.load import Journal, Load
from tests.faults.world import SERVICES, World
from tests.flows.people import a_referral

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]


class Clustered:
    """A platform on three brokers under a light load, and how long each fault kept it from working."""

    def __init__(self, world: World, cluster: Cluster, journal: Journal) -> None:
        self.world, self.cluster, self.journal = world, cluster, journal
        self.times: dict[str, tuple[float, float]] = {}
        self._sent = 0

    async def agency(self) -> Client:
        """An agency's system, as eager as can be."""
        return await nats.connect(
            self.cluster.urls.split(","),
            user="dppapp",
            password=self.world.platform.secrets.passwords["dppapp"],
            inbox_prefix="_INBOX_dppapp",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,
            connect_timeout=2,
            error_cb=_quiet,
        )

    async def acknowledged(self, client: Client, body: bytes) -> bool:
        """Whether a referral is acknowledged by the broker within a second."""
        try:
            answer = await client.request("referral.dppapp.submitted.v1", body, timeout=1)
        except (nats.errors.Error, TimeoutError):
            return False
        return b'"seq"' in answer.data and b'"error"' not in answer.data

    async def measure(self, name: str) -> None:
        """Seconds from now until a referral is acknowledged, and until it is with a social worker."""
        started, self._sent = time.monotonic(), self._sent + 1
        reference = f"CLUSTER-{self._sent}"
        body = json.dumps(a_referral(reference, shelter=False)).encode()
        client = await self.agency()
        try:
            async with asyncio.timeout(90):
                while not await self.acknowledged(client, body):
                    await asyncio.sleep(0.05)
            acknowledged = time.monotonic() - started
            async with asyncio.timeout(90):
                while not await self._assigned(reference):
                    await asyncio.sleep(0.1)
        finally:
            await client.close()
        self.times[name] = (acknowledged, time.monotonic() - started)
        print(f"{name}: first acknowledgement after {acknowledged:.1f} s, with a social worker after {self.times[name][1]:.1f} s")

    async def _assigned(self, reference: str) -> bool:
        rows = await self.world.sql("intake", "SELECT case_id FROM submission WHERE agency = 'dppapp' AND reference = $1", reference)
        return bool(rows and await self.world.sql("assessment", "SELECT 1 FROM assignment WHERE case_id = $1", rows[0]["case_id"]))

    async def everybody_is_back(self) -> None:
        """Until all brokers are well, and each stream has all its replicas up to date."""
        js = await self.world.js()
        async with asyncio.timeout(120):
            while True:
                with contextlib.suppress(nats.errors.Error, nats.js.errors.Error, TimeoutError):
                    infos = [await js.stream_info(stream) for stream in ("CASES", "REFERRALS", "RECEIPTS", "AGENCIES")]
                    replicas = [replica for info in infos if info.cluster for replica in info.cluster.replicas or []]
                    if len(replicas) == 2 * len(infos) and all(replica.current and not replica.offline for replica in replicas):
                        return
                await asyncio.sleep(0.5)


@pytest.fixture
async def clustered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Clustered]:
    monkeypatch.setenv("NATS_REPLICAS", "3")
    world, journal = World(tmp_path, replicas={"assessment": 2}), Journal()
    cluster = Cluster(tmp_path / "brokers", world.platform.accounts())
    world.platform.nats = cluster  # type: ignore[assignment]
    world.platform.settings |= {f"{service.upper()}_NATS_URL": cluster.urls for service in SERVICES}
    load = Load(world, journal, 31, cases=60, seconds=120)
    await cluster.open()
    try:
        await world.start()
        await load.open()
        load.start()
        running = Clustered(world, cluster, journal)
        await running.measure("nothing happened")
        await running.everybody_is_back()
        yield running
        await load.sent()
        for system in journal.systems.values():
            system._sent_at = dict.fromkeys(system._sent_at, 0.0)
        await load.receipts(120)
        await load.rest()
        started = time.monotonic()
        assert await world.drained(120) == []
        print(f"backlog drained {time.monotonic() - started:.1f} s after the load ended; {running.times}")
        assert await checks.broken(world, journal) == []
        assert {name: world.platform.supervisor.children[name].restarts for name in world.processes} == dict.fromkeys(world.processes, 0)
        rows = await world.sql("intake", "SELECT count(*) FROM submission WHERE reference LIKE 'CLUSTER-%'")
        assert rows[0][0] == len(running.times), "sent again and again, one case each"
    finally:
        await load.stop()
        await world.stop()
        await cluster.close()


async def test_one_of_three_brokers_is_killed_lost_cut_off_or_made_deaf(clustered: Clustered) -> None:
    cluster = clustered.cluster
    created = await _created(clustered)
    faults: dict[str, Callable[[str], Awaitable[None]]] = {
        "the leader is killed": lambda name: asyncio.to_thread(cluster.kill, name),
        "the leader is lost for good": lambda name: _lose(cluster, name),
        "the leader is cut off": lambda name: _now(cluster.cut, name),
        "the leader hears but is not heard": lambda name: _now(cluster.cut, name, hears=True),
        "the leader is heard but does not hear": lambda name: _now(cluster.cut, name, speaks=True),
    }
    for words, fault in faults.items():
        leader = await cluster.leader("CASES")
        await fault(leader)
        try:
            await clustered.measure(words)
        finally:
            cluster.heal()
        if cluster.nodes[leader].process is None:
            await asyncio.to_thread(cluster.start, leader)
        await clustered.everybody_is_back()
        await clustered.measure(f"{words}, and is back")
    assert await _created(clustered) == created, "no stream was made anew"


async def test_without_a_majority_nothing_is_acknowledged_and_nothing_is_lost(clustered: Clustered) -> None:
    cluster = clustered.cluster
    gone = [name for name in NAMES if name != "one"]
    await asyncio.to_thread(cluster.kill, *gone)
    client = await clustered.agency()
    for number in range(12):
        assert not await clustered.acknowledged(client, json.dumps(a_referral(f"NOBODY-{number}", shelter=False)).encode())
    await client.close()
    await asyncio.to_thread(cluster.start, *gone)
    await clustered.measure("two of three are back")
    await clustered.everybody_is_back()


async def _lose(cluster: Cluster, name: str) -> None:
    await asyncio.to_thread(cluster.kill, name)
    await asyncio.to_thread(cluster.nodes[name].wipe)


async def _now(do: Callable[..., None], *arguments: str, **options: bool) -> None:
    do(*arguments, **options)


async def _created(clustered: Clustered) -> list[object]:
    js = await clustered.world.js()
    return [(await js.stream_info(stream)).created for stream in ("CASES", "REFERRALS", "RECEIPTS", "AGENCIES")]


async def _quiet(_error: Exception) -> None:
    """The brokers are away on purpose."""
