"""A process killed with SIGKILL at each named point loses nothing and doubles nothing."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from chassis import Settings, crash

from tests.chassis import toy
from tests.chassis.conftest import a_triage
from tests.chassis.test_delivery import stream_ids
from tests.rig import Rig

pytestmark = pytest.mark.servers


class Toy:
    """The toy's stores and its process."""

    def __init__(self, rig: Rig, database: str, keys: str) -> None:
        self.rig = rig
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        key_file = rig.folder / "kek"
        key_file.write_text("11" * 32)
        self.environment = {
            **os.environ,
            "DATABASE_URL": database,
            "KEYS_URL": keys,
            "KEY_FILE": str(key_file),
            "NATS_URL": rig.servers.nats,
            "NATS_USER": f"T{rig.account}",
            "NATS_PASSWORD": "test",
            "ISSUER": rig.issuer.url,
            "JWKS_URL": f"{rig.issuer.url}/jwks",
            "PORT": str(self.port),
            "RECOVER_SECONDS": "0.3",
            "RECONCILE_SECONDS": "0.3",
        }
        service = toy.build(Settings(database_url=database, issuer="x", jwks_url="x", nats_url=rig.servers.nats))
        self.rig.services["placement"] = service  # never started: only its store is read

    @contextlib.contextmanager
    def process(self, crash_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
        started = subprocess.Popen([sys.executable, "-m", "tests.chassis.toy_process"], env={**self.environment, "NAUNGAN_CRASH_AT": crash_at})
        try:
            yield started
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(20)


@pytest.fixture
async def a_toy(rig: Rig):
    await rig.connect()
    database, keys = await rig.templates.empty(), await rig.templates.empty()
    await toy.prepare(database)
    return Toy(rig, database, keys)


async def everything_is_done(a_toy: Toy, cases: int) -> None:
    rig = a_toy.rig

    async def done() -> bool:
        (row,) = await rig.sql("placement", "SELECT (SELECT count(*) FROM seen) AS seen, (SELECT count(*) FROM outbox_pending) AS pending")
        return row.seen == cases and row.pending == 0 and len(set(await stream_ids(rig))) == cases

    await rig.until(done)
    assert {row.n for row in await rig.sql("placement", "SELECT n FROM seen")} == {1}
    said = {str(row.id) for row in await rig.sql("placement", "SELECT id FROM outbox")}
    assert said == set(await stream_ids(rig))
    assert len(said) == cases


@pytest.mark.parametrize("point", sorted(crash.POINTS))
async def test_killed_at_a_point_in_consumption_nothing_is_lost_or_doubled(a_toy: Toy, point: str) -> None:
    for _ in range(20):
        await a_toy.rig.say(a_triage(), subject=uuid4())
    with a_toy.process(crash_at=point) as process:
        assert await asyncio.to_thread(process.wait, 30) == -signal.SIGKILL, "the point was not reached"
    with a_toy.process():
        await everything_is_done(a_toy, 20)


@pytest.mark.parametrize("point", ["before_commit", "after_commit_before_publish", "after_publish_before_confirm"])
async def test_killed_during_a_request_a_retry_with_its_key_does_it_once(a_toy: Toy, point: str) -> None:
    case = uuid4()
    token = a_toy.rig.issuer.token("operator", "dinsos")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "one"}

    async def ask() -> httpx.Response | None:
        async with httpx.AsyncClient(timeout=5) as client:
            with contextlib.suppress(httpx.TransportError):
                return await client.post(f"http://127.0.0.1:{a_toy.port}/cases/{case}", headers=headers)
        return None

    async def answered() -> bool:
        response = await ask()
        return response is not None and response.status_code == 201

    with a_toy.process(crash_at=point) as process:
        while process.poll() is None:
            await ask()
            await asyncio.sleep(0.1)
        assert process.returncode == -signal.SIGKILL
    with a_toy.process():
        await a_toy.rig.until(answered)
        await everything_is_done(a_toy, 1)


async def test_terminated_in_the_middle_it_finishes_what_is_in_hand(a_toy: Toy) -> None:
    for _ in range(300):
        await a_toy.rig.say(a_triage(), subject=uuid4())
    with a_toy.process() as process:

        async def begun() -> bool:
            return bool(await a_toy.rig.sql("placement", "SELECT 1 FROM seen LIMIT 1"))

        await a_toy.rig.until(begun)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) in {0, -signal.SIGTERM}, "uvicorn passes the signal on once it has stopped"
        (row,) = await a_toy.rig.sql("placement", "SELECT count(*) AS n FROM outbox_pending")
        assert row.n == 0, "what was committed is published and confirmed before it ends"
    with a_toy.process():
        await everything_is_done(a_toy, 300)
