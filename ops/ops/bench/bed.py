"""The servers that everything is measured on, and the processes that run on them: made for one run, gone afterwards."""

import asyncio
import contextlib
import json
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import asyncpg
import httpx
import nats
from chassis import Settings, migrate
from chassis.store.database import Database, create_engine
from chassis.store.vault import Vault, read_key_file
from contracts import streams
from nats.aio.client import Client
from nats.js import JetStreamContext

from ops import provision, stores
from ops.bench import inventory
from ops.nats_users import authorization
from ops.processes import free_port
from ops.servers import Nats, Postgres
from ops.supervise import Supervisor, wait_ready

USER = "bench"
AGENCY = "dppapp"
READERS = ("placement", "assessment", "notifications")
MANY = 10_000_000  # what a worker may have: how many cases a measurement makes is not her limit
PATIENCE = 300.0
POLL = 0.02
QUIET = 2.0
Command = tuple[Sequence[str], Mapping[str, str]]


S = TypeVar("S", bound=Settings)


class BenchError(Exception):
    """What was measured is not what was meant to be measured."""


@dataclass
class Bed:
    """The running servers, how to reach them, and the most memory that each kind of process ever took (`peaks`, bytes; Linux)."""

    folder: Path
    postgres: Postgres
    nats: Nats
    client: Client
    passwords: dict[str, str]
    issuer_port: int
    peaks: dict[str, int] = field(default_factory=dict)

    def cpu(self) -> float:
        """CPU seconds so far of our child processes and of the database's; 0 where the system does not tell."""
        used = 0.0
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = entry.read_text().rsplit(")", 1)[1].split()
                if int(fields[1]) in (os.getpid(), self.postmaster):
                    used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return used

    @property
    def postmaster(self) -> int:
        """The pid of the database's first process."""
        return int((self.postgres.data / "postmaster.pid").read_text().split()[0])

    @property
    def js(self) -> JetStreamContext:
        """JetStream, as somebody who may do everything."""
        return self.client.jetstream(timeout=30)

    @property
    def issuer(self) -> str:
        """The issuer of tokens, while it runs."""
        return f"http://127.0.0.1:{self.issuer_port}"

    def store(self, service: str, database: str | None = None) -> str:
        """The URL of a service's store."""
        return stores.url(self.postgres.url(), service, self.passwords[service], database)

    def service(self, service: str, module: str | None = None, port: int | None = None) -> Command:
        """A service as a process, told what `ops.platform` tells it; `module` runs another module in its place."""
        return [sys.executable, "-m", module or service], self.environment(service, port)

    def environment(self, service: str, port: int | None = None) -> dict[str, str]:
        """The settings of a service."""
        key_file = self.folder / f"{service}.kek"
        if not key_file.exists():
            key_file.touch(mode=0o600)
            key_file.write_text(secrets.token_hex(32))
        told = {
            "DATABASE_URL": self.store(service),
            "KEYS_URL": self.store(service, f"{service}_keys"),
            "KEY_FILE": str(key_file),
            "NATS_URL": self.nats.url,
            "NATS_USER": service,
            "NATS_PASSWORD": self.passwords[service],
            "ISSUER": self.issuer,
            "JWKS_URL": f"{self.issuer}/jwks",
            "PORT": str(port or free_port()),
            "LOG_LEVEL": "warning",
        }
        return {f"{service.upper()}_{name}": value for name, value in told.items()} | {
            "TIME_SCALE": "1",
            "ASSESSMENT_CASELOAD": str(MANY),
            "INTAKE_OFFICER_PER_MINUTE": str(MANY),  # the doors are measured by one officer
        }

    def issuer_command(self) -> Command:
        """The demo's issuer as a process."""
        options = ["--port", str(self.issuer_port), "--data", str(self.folder / "issuer"), "--issuer", self.issuer]
        return [sys.executable, "-m", "ops.issuer", *options], {}

    async def token(self, identity: str) -> str:
        """A token of a demo identity, from the running issuer."""
        await wait_ready(f"{self.issuer}/jwks", PATIENCE)
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = (await client.post(f"{self.issuer}/token", json={"identity": identity})).raise_for_status()
        return str(answer.json()["access_token"])

    def note_memory(self, name: str, pid: int) -> None:
        """Keep the most memory that a process took so far."""
        with contextlib.suppress(OSError, AttributeError):
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            if found is not None:
                self.peaks[name] = max(self.peaks.get(name, 0), int(found[1]) * 1024)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder that Postgres can reach when it runs as somebody else."""
    with tempfile.TemporaryDirectory(prefix="naungan-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            shutil.rmtree(Postgres(folder / "postgres").data.parent, ignore_errors=True)  # it may lie apart from the folder


@contextlib.asynccontextmanager
async def open_bed() -> AsyncIterator[Bed]:
    """Servers with streams, durables, migrated stores, shelters and social workers."""
    passwords = {name: secrets.token_urlsafe(24) for name in (*streams.SERVICES, "provisioner", AGENCY, USER)}
    everything = f'users = [\n    {{ user: "{USER}", password: "{passwords[USER]}" }},'
    users = authorization(passwords, [AGENCY]).replace("users = [", everything, 1)
    with _folder() as folder, Postgres(folder / "postgres") as postgres, Nats(folder / "nats", users) as server:
        client = await nats.connect(server.url, user=USER, password=passwords[USER])
        bed = Bed(folder, postgres, server, client, passwords, free_port())
        try:
            await provision.provision(bed.js, [AGENCY])
            for service in streams.SERVICES:
                await stores.prepare(postgres.url(), service, passwords[service])
                await migrate.upgrade(bed.store(service), stores.migrations(service))
            async with connected(bed.store("placement")) as store:
                await inventory.add_shelters(store)
            async with connected(bed.store("assessment")) as store:
                await inventory.add_workers(store)
            yield bed
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    """A connection of our own to a database; JSON columns are values."""
    connection = await asyncpg.connect(url)
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        yield connection
    finally:
        await connection.close()


def settings_of(bed: Bed, service: str, settings: type[S]) -> S:
    """The settings of a service as its process would read them."""
    prefix = f"{service.upper()}_"
    told: dict[str, Any] = {name.removeprefix(prefix).lower(): value for name, value in bed.environment(service).items() if name.startswith(prefix)}
    return settings(**told)


@contextlib.asynccontextmanager
async def database_of(bed: Bed, service: str, settings: type[S]) -> AsyncIterator[Database]:
    """The store of a service as the service itself uses it."""
    database = Database(settings_of(bed, service, settings), service)
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def vault_of(bed: Bed, service: str, settings: type[S]) -> AsyncIterator[Vault]:
    """The keys of a service as the service itself uses them."""
    told = settings_of(bed, service, settings)
    assert told.keys_url is not None and told.key_file is not None  # noqa: S101, PT018 - a bed has them
    vault = Vault(create_engine(told.keys_url.get_secret_value(), 2), read_key_file(told.key_file))
    try:
        yield vault
    finally:
        await vault.engine.dispose()


@contextlib.asynccontextmanager
async def processes(bed: Bed, what: str, commands: Mapping[str, Command]) -> AsyncIterator[Supervisor]:
    """Processes that run while the block does; one that ends within it spoils the measurement."""
    supervisor = Supervisor(bed.folder / "logs")
    try:
        for name, (command, environment) in commands.items():
            supervisor.run(f"{what}-{name}", command, environment)
        yield supervisor
        ended = [name for name, child in supervisor.children.items() if child.restarts]
        if ended:
            words = (bed.folder / "logs" / f"{ended[0]}.log").read_text(errors="replace")[-2000:]
            message = f"{', '.join(ended)} ended: {words}"
            raise BenchError(message)
    finally:
        for name, child in supervisor.children.items():
            if child.process is not None:
                bed.note_memory(name, child.process.pid)
        await supervisor.stop()


async def until(condition: Callable[[], Awaitable[bool]], what: str, patience: float = PATIENCE) -> None:
    """Wait until a condition holds. Raises TimeoutError, which says what was waited for."""
    deadline = perf_counter() + patience
    while not await condition():
        if perf_counter() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(POLL)


def durables_of(services: Sequence[str]) -> list[tuple[str, str]]:
    """The (stream, durable) pairs of services."""
    return [(durable.stream, durable.name) for service in services for durable in streams.durables_of(service)]


async def pulled(js: JetStreamContext, durables: Sequence[tuple[str, str]]) -> bool:
    """Whether somebody pulls from each of these durables."""
    infos = await asyncio.gather(*(js.consumer_info(stream, name) for stream, name in durables))
    return all(info.num_waiting for info in infos)


async def serving(bed: Bed, services: Sequence[str]) -> None:
    """Wait until these services pull from their durables and have compared their streams once: whoever compares holds a lock."""
    await until(lambda: pulled(bed.js, durables_of(services)), "the services did not start")
    async with connected(bed.postgres.url()) as admin:
        quiet = 0

        async def compared() -> bool:
            nonlocal quiet
            held = await admin.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
            quiet = 0 if held else quiet + 1
            return quiet * POLL > QUIET

        await until(compared, "the services did not finish comparing their streams", patience=1800)
