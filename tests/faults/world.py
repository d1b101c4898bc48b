"""The platform under fault: all its processes, a wire between each service and each server, and replicas that share durables."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import nats
from chassis.rebuild import ShadowError, compare
from contracts import streams
from nats.aio.client import Client
from nats.js import JetStreamContext
from ops.platform import Platform
from ops.processes import free_port
from ops.rebuild import described, replayable

from ops import stores
from tests.faults.disks import Disk, NotHereError, small_disk
from tests.faults.proxy import Wires

SERVICES = ("intake", "placement", "assessment", "notifications")
# A second is a minute, and follow-ups come within the run.
TIME_SCALE = 60.0
BUS_MIB, STORE_MIB = 2048, 4096
QUICK = {
    "RECOVER_SECONDS": "1",
    "RECONCILE_SECONDS": "1",
    "RETRY_BASE": "0.2",
}
FOLLOWUPS = {
    "ASSESSMENT_FOLLOWUP_DAYS": "[0.01, 0.03]",
    "ASSESSMENT_FOLLOWUP_DAYS_HIGH_RISK": "[0.01, 0.02, 0.03]",
    "ASSESSMENT_AFTER_UNSAFE_DAYS": "0.01",
    "ASSESSMENT_GRACE_DAYS": "0.03",
    "ASSESSMENT_CASELOAD": "1000000",
}
ROOT = Path(__file__).resolve().parents[2]
# The commit of the last release, to be moved at each: what is promised is one release beside the next.
PREVIOUS = (Path(__file__).parent / "previous_release").read_text().strip()


@dataclass
class World:
    """The running platform, and what the harness did to it that its checks must know."""

    folder: Path
    replicas: dict[str, int] = field(default_factory=lambda: {"placement": 2, "assessment": 2})
    settings: dict[str, str] = field(default_factory=dict)
    poison: set[str] = field(default_factory=set)
    kills: int = 0
    small_disks: bool = False
    disks: dict[str, Disk] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the platform's folder and its wires, starting nothing."""
        quick = {f"{service.upper()}_{name}": value for service in SERVICES for name, value in QUICK.items()}
        self.platform = Platform(self.folder / "platform", TIME_SCALE, settings=quick | FOLLOWUPS | self.settings)
        store, broker = self.platform.postgres, self.platform.nats
        targets = {}
        for service in SERVICES:
            for name, port in (("store", store.port), ("bus", broker.port)):
                targets[f"{service}-{name}"] = (free_port(), port)
        self.wires = Wires(targets)
        for service in SERVICES:
            self.platform.settings |= self._through_wires(service)
        self._bus: dict[str, Client] = {}
        self._mounted = contextlib.ExitStack()
        self.without_disks = ""

    def _through_wires(self, service: str) -> dict[str, str]:
        """The addresses that a service is told instead of the servers' own."""
        at, bus = (self.wires.targets[f"{service}-{name}"][0] for name in ("store", "bus"))
        password = self.platform.secrets.passwords[service]
        told = {
            "DATABASE_URL": f"postgresql://{service}:{password}@127.0.0.1:{at}/{service}",
            "KEYS_URL": f"postgresql://{service}:{password}@127.0.0.1:{at}/{service}_keys",
            "NATS_URL": f"nats://127.0.0.1:{bus}",
        }
        return {f"{service.upper()}_{name}": value for name, value in told.items()}

    async def start(self) -> None:
        """Everything up, replicas included; if wished for, the servers' data on small disks of their own, where such can be had."""
        wanted = (("bus", self.platform.nats.folder / "jetstream", BUS_MIB), ("store", self.platform.postgres.data.parent, STORE_MIB))
        for name, folder, mib in wanted if self.small_disks else ():
            try:
                self.disks[name] = self._mounted.enter_context(small_disk(folder, mib, in_memory=True))
            except NotHereError as reason:
                self.without_disks = str(reason)
        self.wires.start()
        await self.platform.start()
        for service, count in self.replicas.items():
            for number in range(2, count + 1):
                self.add_replica(service, f"{service}-{number}")

    def add_replica(self, service: str, name: str, *, command: list[str] | None = None, environment: dict[str, str] | None = None) -> None:
        """One more process of a service, on a port of its own, behind the same wires."""
        told = self.platform.service_environment(service) | {f"{service.upper()}_PORT": str(free_port())} | (environment or {})
        self.platform.supervisor.run(name, command or [sys.executable, "-m", service], told)

    async def stop(self) -> None:
        """Everything down."""
        for client in self._bus.values():
            with contextlib.suppress(Exception):
                await client.close()
        await self.platform.stop()
        self.wires.stop()

    def forget(self) -> None:
        """Destroy what the servers stored, and unmount their disks."""
        self._mounted.close()
        shutil.rmtree(self.platform.postgres.data.parent, ignore_errors=True)  # it may lie apart from the folder

    # -- its processes ------------------------------------------------------------------------------------------------------------

    @property
    def processes(self) -> list[str]:
        """The services' processes by name, replicas included."""
        return [name for name in self.platform.supervisor.children if name.split("-")[0] in SERVICES]

    def pid(self, name: str) -> int | None:
        """The process of this name, if it runs now."""
        process = self.platform.supervisor.children[name].process
        return process.pid if process is not None and process.returncode is None else None

    def kill(self, name: str) -> bool:
        """SIGKILL; whether there was somebody to kill."""
        pid = self.pid(name)
        if pid is None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills += 1
            return True
        return False

    async def pause(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT after a while: a process that wakes up and believes that no time has passed."""
        pid = self.pid(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def restart_with(self, name: str, environment: dict[str, str]) -> None:
        """Kill a process and let the next one, and only that, have more in its environment."""
        child = self.platform.supervisor.children[name]
        plain, child.environment = child.environment, {**child.environment, **environment}
        before = self.pid(name)
        self.kill(name)
        try:
            async with asyncio.timeout(20):
                while (now := self.pid(name)) is None or now == before:
                    await asyncio.sleep(0.02)
        finally:
            child.environment = plain

    def wiring(self, services: Iterable[str], server: str) -> list[str]:
        """The wires of these services to a server (`store` or `bus`)."""
        return [f"{service}-{server}" for service in services]

    # -- its stores and streams -----------------------------------------------------------------------------------------------------

    async def sql(self, service: str, statement: str, *arguments: Any) -> list[Any]:
        """Rows of a service's store, past the wires."""
        url = stores.url(self.platform.postgres.url(), service, self.platform.secrets.passwords[service])
        connection = await asyncpg.connect(url, timeout=5)
        try:
            return list(await connection.fetch(statement, *arguments, timeout=60))
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    async def bus(self, user: str) -> Client:
        """A connection as one of the platform's users, past the wires."""
        if user not in self._bus:
            self._bus[user] = await nats.connect(
                self.platform.nats.url,
                user=user,
                password=self.platform.secrets.passwords[user],
                inbox_prefix=f"_INBOX_{user}",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.2,
                error_cb=_quiet,
            )
        return self._bus[user]

    async def js(self) -> JetStreamContext:
        """JetStream as the provisioner."""
        return (await self.bus("provisioner")).jetstream(timeout=5)

    async def held(self, stream: str) -> list[tuple[str, str, str]]:
        """All messages of a stream as (ce-id, ce-source, subject), in their order; one without an id has an empty one."""
        js = await self.js()
        total = (await js.stream_info(stream)).state.messages
        pull = await js.pull_subscribe("", stream=stream, config=_LOOK, pending_bytes_limit=2**28, pending_msgs_limit=2**20)
        found: list[tuple[str, str, str]] = []
        try:
            while len(found) < total:
                for message in await pull.fetch(min(1000, total - len(found)), timeout=5):
                    headers = message.headers or {}
                    found.append((headers.get("ce-id", ""), headers.get("ce-source", ""), message.subject))
        finally:
            with contextlib.suppress(Exception):
                await pull.unsubscribe()
        return found

    async def drained(self, patience: float) -> list[str]:
        """Wait until nothing is unpublished, undelivered or due; what still is after `patience` seconds."""
        calm = 0
        deadline = asyncio.get_running_loop().time() + patience
        left: list[str] = ["not looked yet"]
        while calm < 3:
            try:
                left = await self._left()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, nats.errors.Error, TimeoutError) as error:
                left = [f"no answer: {type(error).__name__}"]
            calm = 0 if left else calm + 1
            if left and asyncio.get_running_loop().time() > deadline:
                return left
            await asyncio.sleep(0.5)
        return []

    async def _left(self) -> list[str]:
        found: list[str] = []
        for service in SERVICES:
            (row,) = await self.sql(service, UNDONE)
            found += [f"{service}: {count} {what}" for what, count in row.items() if count]
        js = await self.js()
        for durable in (durable for service in SERVICES for durable in streams.durables_of(service)):
            info = await js.consumer_info(durable.stream, durable.name)
            if info.num_pending or info.num_ack_pending:
                found.append(f"{durable.stream}/{durable.name}: {info.num_pending} pending, {info.num_ack_pending} unacknowledged")
        return found

    async def replay_differences(self, service: str) -> list[str]:
        """How the projections of a service differ from a replay of the stream into empty tables; it runs on meanwhile."""
        url = stores.url(self.platform.postgres.url(), service, self.platform.secrets.passwords[service])
        try:
            found = await compare(replayable(service, url), await self.bus(service))
        except ShadowError as error:
            return [str(error)]
        lacking = [f"{found.lacking} taken facts are not in the stream"] if found.lacking else []
        return [*map(described, found.differences), *lacking]

    # -- releases -----------------------------------------------------------------------------------------------------------------

    def previous_release(self) -> dict[str, str] | None:
        """The environment in which a service is that of the previous release; None without the history that holds it."""
        place = self.folder / "previous"
        if not place.exists():
            made = subprocess.run(
                ["git", "-C", str(ROOT), "worktree", "add", "--detach", str(place), PREVIOUS], capture_output=True, text=True, check=False
            )
            if made.returncode:
                return None
        packages = [place / "shared" / "contracts", place / "shared" / "chassis", *(place / "services" / service for service in SERVICES)]
        return {"PYTHONPATH": os.pathsep.join(map(str, packages))}

    def forget_previous_release(self) -> None:
        """Take the work tree of the previous release away again."""
        place = self.folder / "previous"
        if place.exists():
            subprocess.run(["git", "-C", str(ROOT), "worktree", "remove", "--force", str(place)], capture_output=True, check=False)


def shuffled(rng: random.Random, things: Iterable[Any]) -> list[Any]:
    """The same things in another order."""
    found = list(things)
    rng.shuffle(found)
    return found


def copied(source: Path, target: Path) -> None:
    """Let `target` hold what `source` holds; both stay the folders they are, because one may be a mount point."""
    target.mkdir(exist_ok=True, parents=True)
    for entry in target.iterdir():
        if entry.name == "lost+found":
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for entry in source.iterdir():
        if entry.name != "lost+found":
            shutil.copytree(entry, target / entry.name) if entry.is_dir() else shutil.copy2(entry, target / entry.name)


async def _quiet(_error: Exception) -> None:
    """The servers are away on purpose."""


UNDONE = """
    SELECT (SELECT count(*) FROM outbox_pending) AS "facts not published",
        (SELECT count(*) FROM clock WHERE due < clock_timestamp() - interval '3 seconds') AS "clocks overdue",
        (SELECT count(*) FROM dead_letter WHERE set_aside_at IS NULL) AS "messages that failed and come again" """
_LOOK = nats.js.api.ConsumerConfig(ack_policy=nats.js.api.AckPolicy.NONE, headers_only=True, inactive_threshold=60, mem_storage=True)
