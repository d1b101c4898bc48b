"""How fast the platform is, as a multiple of a yardstick and as shares of the machine's own limits, all measured in one run.

Every round measures the limits, the tutorial pipeline (`ops.yardstick`) and the real services, the last two in changing order, on the
same embedded servers. What counts is an event carried: consumed by a service, decided on, durably committed, its outcome published.
Absolute numbers belong to the machine; the ratios travel.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import nats
from chassis import migrate
from chassis.bus.relay import publish_batch
from chassis.envelope import Cause, Emitted
from contracts import catalogue, streams
from contracts.household import Household, Person
from contracts.intake import Triaged
from contracts.vocabulary import HouseholdRole, Risk, Sex, ShelterGround, ViolenceType
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError
from rich.console import Console
from rich.table import Table

from ops import provision, stores, yardstick
from ops.nats_users import authorization
from ops.processes import free_port
from ops.servers import Nats, Postgres
from ops.supervise import Supervisor

SERVICES = ("placement", "assessment", "notifications")
AGENCY = "dppapp"
AREA = "31.75.01"
WORKERS = 40
CASES = 3000
WARMING = 10  # one case in so many is carried before the clock starts, on both sides alike
ROUNDS = 3
BATCH = 256
LIMIT_SECONDS = 1.0
PATIENCE = 120.0
POLL = 0.02
ATOMIC = 500


class BenchError(Exception):
    """What was measured is not what was meant to be measured."""


@dataclass(frozen=True, slots=True)
class Timed:
    """How many events were carried in how many seconds and CPU seconds (Linux), and how many facts the services stated meanwhile."""

    events: int
    seconds: float
    cpu: float = 0.0
    stated: int = 0

    @property
    def rate(self) -> float:
        """Events carried per second."""
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """What this machine's disk and servers give at best to one sequential writer, per second."""

    commits: float
    batched_commits: float
    publishes: float
    batched_publishes: float


@dataclass
class Report:
    """All rounds; the figures are medians over them."""

    cases: int
    limits: list[Limits] = field(default_factory=list)
    yardstick: list[Timed] = field(default_factory=list)
    platform: list[Timed] = field(default_factory=list)

    @property
    def yardstick_rate(self) -> float:
        """Events that the tutorial pipeline carried per second."""
        return statistics.median(timed.rate for timed in self.yardstick)

    @property
    def platform_rate(self) -> float:
        """Events that the platform carried per second."""
        return statistics.median(timed.rate for timed in self.platform)

    @property
    def ratio(self) -> float:
        """The platform as a multiple of the yardstick: the median of the rounds, each of which had one machine to itself."""
        return statistics.median(ours.rate / theirs.rate for ours, theirs in zip(self.platform, self.yardstick, strict=True))

    @property
    def cpu_ratio(self) -> float | None:
        """The yardstick's CPU time per event as a multiple of the platform's, servers included: what a busy machine disturbs least."""
        if not all(timed.cpu for timed in (*self.platform, *self.yardstick)):
            return None
        pairs = zip(self.platform, self.yardstick, strict=True)
        return statistics.median((theirs.cpu / theirs.events) / (ours.cpu / ours.events) for ours, theirs in pairs)

    def limit(self, name: str) -> float:
        """The median of one limit."""
        return float(statistics.median(getattr(limits, name) for limits in self.limits))

    def as_dict(self) -> dict[str, Any]:
        """Everything, for a file."""
        names = Limits.__slots__
        rounds = [
            {
                "yardstick": {"events": theirs.events, "seconds": theirs.seconds, "cpu": theirs.cpu},
                "platform": {"events": ours.events, "seconds": ours.seconds, "cpu": ours.cpu, "stated": ours.stated},
                "limits": {name: getattr(limits, name) for name in names},
            }
            for theirs, ours, limits in zip(self.yardstick, self.platform, self.limits, strict=True)
        ]
        return {
            "cases": self.cases,
            "cores": os.cpu_count(),
            "yardstick_events_per_second": self.yardstick_rate,
            "platform_events_per_second": self.platform_rate,
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "limits_per_second": {name: self.limit(name) for name in names},
            "share_of_limit": {name: self.platform_rate / self.limit(name) for name in names},
            "rounds": rounds,
        }

    def table(self) -> Table:
        """Everything, for a person."""
        table = Table("what", "per second", "platform / this", title=f"{self.cases} cases, medians of {len(self.platform)} rounds")
        table.add_row("platform: events carried", f"{self.platform_rate:,.0f}", "1.00")
        table.add_row("yardstick: events carried", f"{self.yardstick_rate:,.0f}", f"{self.ratio:.2f}")
        if self.cpu_ratio is not None:
            table.add_row("the same by CPU time per event", "", f"{self.cpu_ratio:.2f}")
        for name, what in (
            ("commits", "limit: durable commits, one row each"),
            ("batched_commits", f"limit: durable rows, {BATCH} per commit"),
            ("publishes", "limit: JetStream publishes, each awaited"),
            ("batched_publishes", f"limit: JetStream messages, atomic batches of {BATCH}"),
        ):
            table.add_row(what, f"{self.limit(name):,.0f}", f"{self.platform_rate / self.limit(name):.2f}")
        return table


def run(cases: int = CASES, rounds: int = ROUNDS, out: Path | None = None, console: Console | None = None) -> Report:
    """Measure everything, show it and write it to `out` as JSON."""
    report = asyncio.run(measure(cases, rounds))
    (console or Console()).print(report.table())
    if out is not None:
        out.write_text(json.dumps(report.as_dict(), indent=1) + "\n")
    return report


async def measure(cases: int, rounds: int, limit_seconds: float = LIMIT_SECONDS) -> Report:
    """Measure limits, yardstick and platform in each round, on servers and in a folder that are gone afterwards.

    Raises BenchError when an event was lost or carried twice, TimeoutError when one side does not finish.
    """
    report = Report(cases)
    with _folder() as folder:
        async with _bed(folder) as bed:
            for number in range(rounds):
                report.limits.append(await _limits(bed, limit_seconds))
                order = (_yardstick_round, _platform_round) if number % 2 == 0 else (_platform_round, _yardstick_round)
                for side in order:
                    (report.yardstick if side is _yardstick_round else report.platform).append(await side(bed, cases))
    return report


# -- the servers ------------------------------------------------------------------------------------------------------------------


@dataclass
class Bed:
    """The running servers, and how to reach them."""

    folder: Path
    postgres: Postgres
    nats: Nats
    client: Client
    passwords: dict[str, str]

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
        return self.client.jetstream(timeout=10)

    def store(self, service: str, database: str | None = None) -> str:
        """The URL of a service's store."""
        return stores.url(self.postgres.url(), service, self.passwords[service], database)

    def environment(self, service: str) -> dict[str, str]:
        """What a service is told, as `ops.platform` tells it; there is no issuer, because nobody asks for anything here."""
        key_file = self.folder / f"{service}.kek"
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_hex(32))
        told = {
            "DATABASE_URL": self.store(service),
            "KEYS_URL": self.store(service, f"{service}_keys"),
            "KEY_FILE": str(key_file),
            "NATS_URL": self.nats.url,
            "NATS_USER": service,
            "NATS_PASSWORD": self.passwords[service],
            "ISSUER": "http://127.0.0.1:9",
            "JWKS_URL": "http://127.0.0.1:9/jwks",
            "PORT": str(free_port()),
            "LOG_LEVEL": "warning",
        }
        return {f"{service.upper()}_{name}": value for name, value in told.items()} | {"TIME_SCALE": "1"}


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
async def _bed(folder: Path) -> AsyncIterator[Bed]:
    """Servers with streams, durables, migrated stores and social workers."""
    passwords = {name: secrets.token_urlsafe(24) for name in (*streams.SERVICES, "provisioner", AGENCY, yardstick.USER)}
    everything = f'users = [\n    {{ user: "{yardstick.USER}", password: "{passwords[yardstick.USER]}" }},'
    users = authorization(passwords, [AGENCY]).replace("users = [", everything, 1)
    with Postgres(folder / "postgres") as postgres, Nats(folder / "nats", users) as server:
        client = await nats.connect(server.url, user=yardstick.USER, password=passwords[yardstick.USER])
        bed = Bed(folder, postgres, server, client, passwords)
        try:
            await provision.provision(bed.js, [AGENCY])
            for service in SERVICES:
                await stores.prepare(postgres.url(), service, passwords[service])
                await migrate.upgrade(bed.store(service), stores.migrations(service))
            await _seed_workers(bed)
            async with _connected(postgres.url()) as admin:
                for hop in yardstick.HOPS:
                    await admin.execute(f"CREATE DATABASE yardstick_{hop.name}")
            yield bed
        finally:
            await client.close()


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _seed_workers(bed: Bed) -> None:
    async with _connected(bed.store("assessment")) as store:
        rows = [(uuid4(), AGENCY, [AREA], True) for _ in range(WORKERS)]
        await store.executemany("INSERT INTO worker (worker_id, agency, areas, active) VALUES ($1, $2, $3, $4)", rows)


@contextlib.asynccontextmanager
async def _processes(bed: Bed, what: str, commands: Mapping[str, tuple[Sequence[str], Mapping[str, str]]]) -> AsyncIterator[None]:
    """Processes that run while the block does; one that ends within it spoils the measurement."""
    supervisor = Supervisor(bed.folder / "logs")
    try:
        for name, (command, environment) in commands.items():
            supervisor.run(f"{what}-{name}", command, environment)
        yield
        ended = [name for name, child in supervisor.children.items() if child.restarts]
        if ended:
            message = f"{', '.join(ended)} ended: {_last_words(bed.folder / 'logs' / f'{ended[0]}.log')}"
            raise BenchError(message)
    finally:
        await supervisor.stop()


def _last_words(path: Path) -> str:
    return path.read_text(errors="replace")[-2000:]


async def _until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until a condition holds. Raises TimeoutError, which says what was waited for."""
    deadline = perf_counter() + PATIENCE
    while not await condition():
        if perf_counter() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(POLL)


async def _pulled(js: JetStreamContext, durables: Sequence[tuple[str, str]]) -> bool:
    """Whether somebody pulls from each of these durables."""
    infos = await asyncio.gather(*(js.consumer_info(stream, name) for stream, name in durables))
    return all(info.num_waiting for info in infos)


# -- the limits -------------------------------------------------------------------------------------------------------------------


async def _limits(bed: Bed, seconds: float) -> Limits:
    """What one sequential writer gets from Postgres and from JetStream, row by row and in batches."""
    body = _yardstick_body(uuid4())
    insert = "INSERT INTO bench_limit (id, body) SELECT * FROM unnest($1::uuid[], $2::bytea[])"
    async with _connected(bed.postgres.url()) as store:
        await store.execute("DROP TABLE IF EXISTS bench_limit; CREATE TABLE bench_limit (id uuid PRIMARY KEY, body bytea NOT NULL)")

        async def commit(count: int) -> None:
            await store.execute(insert, [uuid4() for _ in range(count)], [body] * count)

        commits = await _rate(commit, 1, seconds)
        batched_commits = await _rate(commit, BATCH, seconds)
    await _fresh_stream(bed.js, "YARDLIMIT")
    js = bed.js

    async def publish(_count: int) -> None:
        await js.publish(yardstick.subject_of("YARDLIMIT"), body, stream="YARDLIMIT", headers={"Nats-Msg-Id": uuid4().hex})

    async def publish_many(count: int) -> None:
        await _publish_bodies(bed.client, "YARDLIMIT", [body] * count)

    publishes = await _rate(publish, 1, seconds)
    batched_publishes = await _rate(publish_many, BATCH, seconds)
    await js.delete_stream("YARDLIMIT")
    return Limits(commits, batched_commits, publishes, batched_publishes)


async def _rate(work: Callable[[int], Awaitable[None]], count: int, seconds: float) -> float:
    """How many things per second `work`, which does `count` of them, gets done."""
    await work(count)
    done, started = 0, perf_counter()
    while (elapsed := perf_counter() - started) < seconds or not done:
        await work(count)
        done += count
    return done / elapsed if elapsed else 0.0


# -- the yardstick ----------------------------------------------------------------------------------------------------------------


async def _yardstick_round(bed: Bed, cases: int) -> Timed:
    """The tutorial pipeline, from the first publish until the last row of the last hop is committed."""
    password = bed.passwords[yardstick.USER]
    js, commands = bed.js, {}
    for hop in yardstick.HOPS:
        await _fresh_stream(js, hop.reads)
        await js.add_consumer(hop.reads, ConsumerConfig(durable_name=hop.name))
        url = bed.postgres.url(f"yardstick_{hop.name}")
        await yardstick.fresh_table(url)
        told = {"YARDSTICK_NATS_URL": bed.nats.url, "YARDSTICK_NATS_PASSWORD": password, "YARDSTICK_DATABASE_URL": url}
        commands[hop.name] = ([sys.executable, "-m", "ops.yardstick", hop.name], told)
    warming = max(1, cases // WARMING)
    bodies = [_yardstick_body(uuid4()) for _ in range(warming + cases)]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_processes(bed, "yardstick", commands))
        connections = [await stack.enter_async_context(_connected(bed.postgres.url(f"yardstick_{hop.name}"))) for hop in yardstick.HOPS]
        await _until(lambda: _pulled(js, [(hop.reads, hop.name) for hop in yardstick.HOPS]), "the yardstick did not start")

        async def feed(some: Sequence[bytes], total: int) -> None:
            for start in range(0, len(some), ATOMIC):
                await _publish_bodies(bed.client, yardstick.HOPS[0].reads, some[start : start + ATOMIC])
            await _until(lambda: _holds(connections[-1], total), "the yardstick did not finish")

        await feed(bodies[:warming], warming)
        started, cpu = perf_counter(), bed.cpu()
        await feed(bodies[warming:], len(bodies))
        seconds, cpu = perf_counter() - started, bed.cpu() - cpu
        kept = [await connection.fetchval("SELECT count(*) FROM yardstick_case") for connection in connections]
    if kept != [len(bodies)] * len(kept):
        message = f"the yardstick's hops kept {kept} of {len(bodies)} cases"
        raise BenchError(message)
    return Timed(cases * len(kept), seconds, cpu)


async def _holds(store: Any, rows: int) -> bool:
    return bool(await store.fetchval("SELECT count(*) FROM yardstick_case") >= rows)


def _yardstick_body(case: UUID) -> bytes:
    event = yardstick.CaseEvent(
        case_id=case,
        household_id=uuid4(),
        person_id=uuid4(),
        area=AREA,
        risk=Risk.MEDIUM.value,
        responsible_agency=AGENCY,
        shelter_needed=False,
        due_at=datetime.now(UTC).isoformat(),
        hop="intake",
    )
    return event.model_dump_json().encode()


async def _fresh_stream(js: JetStreamContext, name: str) -> None:
    with contextlib.suppress(NotFoundError):
        await js.delete_stream(name)
    await js.add_stream(StreamConfig(name=name, subjects=[yardstick.subject_of(name)], allow_atomic=True, max_bytes=streams.GIB))


async def _publish_bodies(client: Client, stream: str, bodies: Sequence[bytes]) -> None:
    """Publish bodies as one atomic batch."""
    batch, subject = uuid4().hex, yardstick.subject_of(stream)
    for number, body in enumerate(bodies, 1):
        headers = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number), "content-type": "application/json"}
        if number < len(bodies):
            await client.publish(subject, body, headers=headers)
        else:
            answer = await client.request(subject, body, headers=headers | {"Nats-Batch-Commit": "1"}, timeout=30)
            if b"error" in answer.data:
                raise BenchError(answer.data.decode())


# -- the platform -----------------------------------------------------------------------------------------------------------------


async def _platform_round(bed: Bed, cases: int) -> Timed:
    """The real services, from the first publish until every fact is in the inbox of each of its readers, and published itself."""
    durables = [(durable.stream, durable.name) for service in SERVICES for durable in streams.durables_of(service)]
    commands = {service: ([sys.executable, "-m", service], bed.environment(service)) for service in SERVICES}
    js = bed.js
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(_processes(bed, "platform", commands))
        connections = {service: await stack.enter_async_context(_connected(bed.store(service))) for service in SERVICES}
        await _until(lambda: _pulled(js, durables), "the services did not start")

        async def carry(facts: Sequence[Emitted], before: Census) -> None:
            for start in range(0, len(facts), ATOMIC):
                await publish_batch(bed.client, Triaged.stream, [(fact, str(fact.id)) for fact in facts[start : start + ATOMIC]])
            await _until(lambda: _complete(js, connections, before, len(facts)), "the services did not finish")

        await carry([_triaged(number) for number in range(max(1, cases // WARMING))], await _census(connections))
        facts, before = [_triaged(number) for number in range(cases)], await _census(connections)
        started, cpu = perf_counter(), bed.cpu()
        await carry(facts, before)
        seconds, cpu = perf_counter() - started, bed.cpu() - cpu
        after = await _census(connections)
    if after.dead_letters:
        message = f"{after.dead_letters} messages were set aside"
        raise BenchError(message)
    return Timed(after.consumed - before.consumed, seconds, cpu, after.stated - before.stated)


@dataclass(frozen=True, slots=True)
class Census:
    """What lies in the stores: inbox rows by service, what the services stated by type, and what is not published or was set aside."""

    inboxes: Mapping[str, int]
    outboxes: Mapping[str, int]
    pending: int
    dead_letters: int

    @property
    def consumed(self) -> int:
        """Rows of all inboxes."""
        return sum(self.inboxes.values())

    @property
    def stated(self) -> int:
        """Rows of all outboxes."""
        return sum(self.outboxes.values())

    def complete_since(self, before: "Census", cases: int) -> bool:
        """Whether every new fact, the fed ones included, is in the inbox of each of its readers, and nothing is left to publish.

        Raises BenchError when an inbox holds more than was said to it.
        """
        if self.pending:
            return False
        said = {kind: count - before.outboxes.get(kind, 0) for kind, count in self.outboxes.items()}
        said[Triaged.type] = said.get(Triaged.type, 0) + cases
        missing = 0
        for service in SERVICES:
            expected = sum(count for kind, count in said.items() if service in catalogue.BY_TYPE[kind].read_by)
            difference = expected - (self.inboxes[service] - before.inboxes[service])
            if difference < 0:
                message = f"{service} has {-difference} facts that nobody said"
                raise BenchError(message)
            missing += difference
        return not missing


async def _complete(js: JetStreamContext, connections: Mapping[str, Any], before: Census, cases: int) -> bool:
    # Counting rows costs the database; the last reader in the chain tells when it is worth while.
    last = await js.consumer_info(Triaged.stream, f"{SERVICES[-1]}-main")
    if last.num_pending or last.num_ack_pending:
        return False
    return (await _census(connections)).complete_since(before, cases)


async def _census(connections: Mapping[str, Any]) -> Census:
    # Inboxes are counted before outboxes: what comes in between is then missing, never too much.
    inboxes = {service: await store.fetchval("SELECT count(*) FROM inbox") for service, store in connections.items()}
    outboxes: dict[str, int] = {}
    for store in connections.values():
        for kind, count in await store.fetch("SELECT type, count(*) FROM outbox GROUP BY type"):
            outboxes[kind] = outboxes.get(kind, 0) + count
    pending = [await store.fetchval("SELECT count(*) FROM outbox_pending") for store in connections.values()]
    letters = [await store.fetchval("SELECT count(*) FROM dead_letter") for store in connections.values()]
    return Census(inboxes, outboxes, sum(pending), sum(letters))


def _triaged(number: int) -> Emitted:
    """A triage as intake would say it: every twentieth case needs a shelter, every tenth is urgent."""
    now, case = datetime.now(UTC), uuid4()
    needed = number % 20 == 0
    persons = [Person(person_id=uuid4(), sex=Sex.FEMALE, age=34, role=HouseholdRole.VICTIM)]
    if needed:
        persons.append(Person(person_id=uuid4(), sex=Sex.MALE, age=6, role=HouseholdRole.CHILD))
    fact = Triaged(
        household=Household(household_id=uuid4(), revision=1, persons=tuple(persons)),
        area=AREA,
        risk=Risk.HIGH if number % 10 == 0 else Risk.MEDIUM,
        responsible_agency=AGENCY,
        shelter_needed=needed,
        shelter_grounds=(ShelterGround.THREAT_TO_LIFE,) if needed else (),
        violence_types=(ViolenceType.PHYSICAL,),
        due_at=now + timedelta(hours=24),
    )
    cause = Cause(f"bench|{case}", now, str(case))
    return Emitted(
        id=cause.derive(1, case, fact.type),
        type=fact.type,
        source=fact.producer,
        stream=fact.stream,
        route=fact.route,
        subject=case,
        time=now,
        factversion=1,
        correlation=str(case),
        causation=cause.name,
        trace=None,
        body=fact.model_dump_json().encode(),
    )
