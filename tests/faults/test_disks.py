"""A full disk under load: nobody dies of it, nothing accepted is lost, and once there is space everything goes on by itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import nats
import pytest
from nats.js import JetStreamContext
from ops.provision import ailment, provision
from ops.servers import Nats, Postgres
from ops.supervise import keep_running

from tests.faults import checks
from tests.faults.disks import Disk, NotHereError, small_disk
from tests.faults.load import Journal, Load
from tests.faults.world import World
from tests.flows.people import a_referral

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]
STORE_MIB, BROKER_MIB = 384, 64


@contextlib.contextmanager
def a_small_disk(folder: Path, mib: int):
    """A small disk, or a skip that names its reason."""
    with contextlib.ExitStack() as stack:
        try:
            disk = stack.enter_context(small_disk(folder, mib))
        except NotHereError as reason:
            pytest.skip(str(reason))
        yield disk


@contextlib.asynccontextmanager
async def kept(server: Nats | Postgres) -> AsyncIterator[None]:
    """A server that is watched as `naungan up` does it."""
    await asyncio.to_thread(server.start)
    watch = asyncio.create_task(keep_running(server))
    try:
        yield
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await asyncio.to_thread(server.stop)


def test_what_the_filler_takes_is_all_there_is_and_comes_back(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "d", 16) as disk:
        before = disk.left
        disk.fill(leave=2**20)
        assert disk.left <= 2**20
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "d" / "more").write_bytes(b"x" * 8192)
        disk.free()
        assert disk.left >= before - 8192
    assert not (tmp_path / "d.image").exists(), "nothing of it stays"


async def stored(js: JetStreamContext, body: bytes) -> bool:
    """Whether a fact is acknowledged."""
    try:
        await js.publish("case.intake.closed.v1", body, timeout=2)
    except (nats.errors.Error, nats.js.errors.Error, TimeoutError):
        return False
    return True


async def until_stored(js: JetStreamContext) -> None:
    async with asyncio.timeout(60):
        while not await stored(js, b"after"):
            await asyncio.sleep(0.2)


async def filled_until_refused(js: JetStreamContext, disk: Disk) -> int:
    """Publish while the disk fills up; how many were acknowledged."""
    acknowledged = 0
    async with asyncio.timeout(60):
        disk.fill()
        while await stored(js, b"x" * 500):
            acknowledged += 1
            disk.fill()
    return acknowledged


async def test_a_broker_whose_disk_was_full_stores_again_because_it_is_started_again(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "n" / "jetstream", BROKER_MIB) as disk:
        server = Nats(tmp_path / "n")
        async with kept(server):
            client = await nats.connect(server.url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
            js = client.jetstream(timeout=2)
            await provision(js, [])
            process = server.process
            acknowledged = await filled_until_refused(js, disk)
            assert await ailment(server.monitor_url) == "write error: free space, then restart the broker"
            await asyncio.sleep(3)
            assert server.process is process, "nothing is gained by a restart while the disk is full"
            disk.free()
            await until_stored(js)
            assert server.process is not process
            assert (await js.stream_info("CASES")).state.messages >= acknowledged + 1, "what was acknowledged is there"
            assert await ailment(server.monitor_url) == ""
            await client.close()


async def log_until_refused(connection: asyncpg.Connection, disk: Disk) -> None:
    """Nine megabytes of log each time, and no space for more."""
    while True:
        disk.fill()
        await connection.execute("SELECT pg_logical_emit_message(true, 'full', repeat('x', 9000000))")


async def test_a_store_that_ended_because_its_log_found_no_space_is_started_again(tmp_path: Path) -> None:
    server = Postgres(tmp_path / "p")
    with a_small_disk(server.data.parent, 256) as disk:
        async with kept(server):
            connection = await asyncpg.connect(server.url())
            await connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await log_until_refused(connection, disk)
            async with asyncio.timeout(30):
                while server.ailing() is None and server.process is not None:
                    await asyncio.sleep(0.05)
            disk.free()
            async with asyncio.timeout(60):
                while True:
                    with contextlib.suppress(OSError, asyncpg.PostgresError):
                        again = await asyncpg.connect(server.url(), timeout=2)
                        break
                    await asyncio.sleep(0.2)
            assert await again.fetchval("SELECT n FROM kept") == 7
            await again.close()
            connection.terminate()


@contextlib.asynccontextmanager
async def loaded(world: World, journal: Journal, seed: int) -> AsyncIterator[Load]:
    """A platform under a light load."""
    load = Load(world, journal, seed, cases=25, seconds=15)
    try:
        await world.start()
        await load.open()
        load.start()
        yield load
    finally:
        await load.stop()
        await world.stop()


async def everything_is_well(world: World, journal: Journal, load: Load) -> None:
    """All is drained, nobody died of it, and the invariants hold."""
    await load.sent()
    for system in journal.systems.values():
        system._sent_at = dict.fromkeys(system._sent_at, 0.0)
    await load.receipts(120)
    await load.rest()
    assert await world.drained(120) == []
    assert await checks.broken(world, journal) == []
    assert {name: world.platform.supervisor.children[name].restarts for name in world.processes} == dict.fromkeys(world.processes, 0)


async def test_the_broker_s_disk_is_full_for_a_while_under_load(tmp_path: Path) -> None:
    world, journal = World(tmp_path, replicas={}), Journal()
    with a_small_disk(world.platform.nats.folder / "jetstream", BROKER_MIB) as disk:
        async with loaded(world, journal, 21) as load:
            await asyncio.sleep(5)
            disk.fill()
            async with asyncio.timeout(60):
                while "write error" not in await ailment(world.platform.nats.monitor_url):
                    await asyncio.sleep(0.5)
                    disk.fill()
            await asyncio.sleep(5)
            disk.free()
            await everything_is_well(world, journal, load)


async def test_the_stores_disk_is_full_for_a_while_under_load_and_who_asks_is_told_to_come_again(tmp_path: Path) -> None:
    world, journal = World(tmp_path, replicas={}), Journal()
    with a_small_disk(world.platform.postgres.data.parent, STORE_MIB) as disk:
        async with loaded(world, journal, 22) as load:
            await asyncio.sleep(5)
            answers = await answered_until_refused(world, disk)
            assert answers[-1].status_code == 503, [answer.status_code for answer in answers]
            assert answers[-1].headers["retry-after"]
            assert {answer.status_code for answer in answers} <= {201, 200, 503}
            await asyncio.sleep(3)
            disk.free()
            await everything_is_well(world, journal, load)


async def answered_until_refused(world: World, disk: Disk) -> list[httpx.Response]:
    """Reports of a desk while the disk fills up, until one is not taken."""
    answers: list[httpx.Response] = []
    token = await world.platform.token("desk-dppapp")
    report = {key: value for key, value in a_referral("F", shelter=False).items() if key != "reference"} | {"narrative": "Contoh. " * 200}
    async with httpx.AsyncClient(base_url=world.platform.gateway, timeout=60, trust_env=False) as client, asyncio.timeout(120):
        while not answers or answers[-1].is_success:
            disk.fill()
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
            answers.append(await client.post("/intake/reports", json=report, headers=headers))
    return answers
