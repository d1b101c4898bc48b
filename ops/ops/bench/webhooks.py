"""Do receivers that hang, fail or send on inward slow those that answer; and is anything lost or sent under another id, also under kills?

Agencies' events come at a steady rate. Four rounds in one run: with the bad receivers and without, each with a service that lives and with one
that is killed again and again. What counts is the time from an event's own time until a receiver that answers has it.
"""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

from chassis.bus.relay import publish_batch
from chassis.envelope import Cause, Emitted
from chassis.store.database import create_engine
from chassis.store.vault import Vault, read_key_file
from contracts.agencies import Sheltered
from notifications.domain import endpoint_of
from notifications.webhooks.store import SECRET

from ops.bench.bed import Bed, BenchError, connected, durables_of, pulled, until
from ops.bench.figures import Figure, Sizes, percentile
from ops.bench.receivers import HEALTHY, INWARD, address_of, kinds
from ops.processes import free_port
from ops.supervise import wait_ready

SERVICE, SEED, TICK = "notifications", 7, 0.1
SECRET_OF_ALL = "whsec_bmF1bmdhbi1iZW5jaC1zZWNyZXQtMDEyMzQ1Njc4OQ=="  # noqa: S105 - of invented receivers


@dataclass
class Town:
    """The receivers: what each does, where they listen, whose subscription is whose, and what they heard."""

    port: int
    what: list[str]
    log: Path
    subscriptions: list[UUID] = field(default_factory=list)

    def heard(self) -> list[dict[str, Any]]:
        """Everything that was received, in order."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []


@dataclass(frozen=True, slots=True)
class Round:
    """What one round saw: seconds from event to receiver, and what should not be."""

    seconds: list[float]
    events: int
    repeated: int
    killed: int


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """The rounds, and their ratios. Raises BenchError when an event is lost, or came under another id or inward."""
    share = sizes.endpoints
    bad = (max(1, share // 20), max(1, share // 20), max(1, share // 100))
    what = kinds(share - sum(bad), *bad)
    town = Town(free_port(), what, bed.folder / "received.jsonl")
    rounds: dict[tuple[bool, bool], Round] = {}
    async with _receivers(town, bad):
        await _subscribe(bed, town)
        for kills in (0, sizes.kills):
            for with_bad in (False, True):
                rounds[with_bad, bool(kills)] = done = await _round(bed, town, sizes, with_bad=with_bad, kills=kills)
                p50, p99 = (percentile(done.seconds, part) * 1e3 for part in (0.5, 0.99))
                name = f"{'with' if with_bad else 'without'} bad ones, {done.killed} kills"
                say(f"{name}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, {done.events} events, {done.repeated} more than once")
    found = Figure("webhooks", f"{share} endpoints of which {bad[0]} hang, {bad[1]} fail and {bad[2]} redirect inward; {sizes.hook_rate} events / s")
    for (with_bad, killed), done in rounds.items():
        name = f"{'with' if with_bad else 'without'} bad ones{', killed again and again' if killed else ''}"
        found.rows.append((name, f"p50 {percentile(done.seconds, 0.5) * 1e3:.0f} ms, p99 {percentile(done.seconds, 0.99) * 1e3:.0f} ms"))
    for killed in (False, True):
        ratio = percentile(rounds[True, killed].seconds, 0.99) / percentile(rounds[False, killed].seconds, 0.99)
        found.goal(f"p99 of the healthy with the bad ones / without{', under kills' if killed else ''}", ratio, most=1.5)
    found.goal("events lost, or under a second id, or sent inward", 0, most=0)
    found.data = {
        f"{'bad' if with_bad else 'healthy'}{'_killed' if killed else ''}": {
            "events": done.events, "repeated_under_one_id": done.repeated, "kills": done.killed,
            "p50": percentile(done.seconds, 0.5), "p99": percentile(done.seconds, 0.99), "most": max(done.seconds),
        }
        for (with_bad, killed), done in rounds.items()
    }  # fmt: skip
    return found


@asynccontextmanager
async def _receivers(town: Town, bad: Sequence[int]) -> AsyncIterator[None]:
    counts = [str(n) for n in (town.port, len(town.what) - sum(bad), *bad)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "ops.bench.receivers", *counts, str(town.log))

    async def ready() -> bool:
        return town.log.with_suffix(".ready").exists()

    try:
        await until(ready, "the receivers did not start")
        yield
    finally:
        process.kill()
        await process.wait()


async def _subscribe(bed: Bed, town: Town) -> None:
    """One subscription for each receiver, of an agency of its own."""
    _, environment = bed.service(SERVICE)
    vault = Vault(create_engine(bed.store(SERVICE, f"{SERVICE}_keys"), 1), read_key_file(Path(environment["NOTIFICATIONS_KEY_FILE"])))
    await vault.prepare()
    town.subscriptions = [uuid4() for _ in town.what]
    keys = await vault.new(town.subscriptions)
    urls = [f"http://{address_of(number)}:{town.port}/hook" for number in range(len(town.what))]
    rows: list[tuple[Any, ...]] = [
        (one, agency_of(number), urls[number], endpoint_of(urls[number]), [], [], keys.seal(one, SECRET, SECRET_OF_ALL), "active", 0, datetime.now(UTC), uuid4())
        for number, one in enumerate(town.subscriptions)
    ]  # fmt: skip
    names = ("id", "agency", "url", "endpoint", "types", "cities", "secret", "state", "failed_in_a_row", "created_at", "created_by")
    async with connected(bed.store(SERVICE)) as store:
        await store.copy_records_to_table("subscription", records=rows, columns=names)
        await store.execute("ANALYZE subscription")
    await vault.engine.dispose()


def agency_of(number: int) -> str:
    """The agency that a receiver belongs to."""
    return f"agency-{number}"


async def _round(bed: Bed, town: Town, sizes: Sizes, *, with_bad: bool, kills: int) -> Round:
    chosen = [number for number, kind in enumerate(town.what) if with_bad or kind == HEALTHY]
    rate = sizes.hook_rate * len(chosen) / len(town.what)
    before = len(town.heard())
    async with connected(bed.store(SERVICE)) as store:
        dead = [one for one, kind in zip(town.subscriptions, town.what, strict=True) if kind != HEALTHY]
        await store.execute("UPDATE subscription SET state = $2, failed_in_a_row = 0 WHERE id = ANY($1)", dead, "active" if with_bad else "deleted")
        await store.execute("UPDATE delivery SET state = 'failed', lease_token = NULL, lease_until = NULL WHERE state = 'pending'")
        command, environment = bed.service(SERVICE)
        environment = {**environment, "NOTIFICATIONS_WEBHOOK_ALLOW": '["127.0.0.0/8"]'}
        killer = Killer(command, environment, bed.folder / "webhooks.log")
        await killer.start()
        try:
            await wait_ready(f"http://127.0.0.1:{environment['NOTIFICATIONS_PORT']}/readyz", 90)
            await until(lambda: pulled(bed.js, durables_of([SERVICE])), "notifications did not start")
            await _feed(bed, chosen[:50], rate, 1.0)  # warm: what comes first finds cold code and plans
            # Far enough apart that a killed service works between two kills: otherwise its starting is what is measured.
            feeding = asyncio.create_task(_feed(bed, chosen, rate, max(sizes.hook_seconds, sizes.kill_every * kills)))
            killed = 0
            while killed < kills:
                await asyncio.sleep(sizes.kill_every)
                await killer.kill()
                killed += 1
            said = await feeding
            healthy = {identity: number for identity, number in said.items() if town.what[number] == HEALTHY}
            await until(lambda: _arrived(town, before, healthy), "not everything arrived", patience=180)
        finally:
            await killer.stop()
        planned = await store.fetchval("SELECT count(*) FROM delivery WHERE event_id = ANY($1)", list(said))
    return _judge(town, before, said, planned, killed)


async def _arrived(town: Town, before: int, healthy: Mapping[UUID, int]) -> bool:
    await asyncio.sleep(0.5)
    return set(map(str, healthy)) <= {line["id"] for line in town.heard()[before:]}


def _judge(town: Town, before: int, said: Mapping[UUID, int], planned: int, killed: int) -> Round:
    healthy = {identity: number for identity, number in said.items() if town.what[number] == HEALTHY}
    lines = town.heard()[before:]
    if planned != len(said):
        message = f"of {len(said)} events {planned} were planned"
        raise BenchError(message)
    if wrong := [line for line in lines if line["kind"] == INWARD or line["id"] != line["event"]]:
        message = f"{len(wrong)} came inward or under a second id"
        raise BenchError(message)
    counted = Counter((line["id"], line["number"]) for line in lines if UUID(line["id"]) in said)
    if set(counted) != {(str(identity), number) for identity, number in healthy.items()}:
        message = f"{len(healthy)} events were for receivers that answer, {len(counted)} arrived"
        raise BenchError(message)
    first: dict[str, float] = {}
    for line in lines:
        if UUID(line["id"]) in healthy:
            first.setdefault(line["id"], line["at"] - datetime.fromisoformat(line["said"]).timestamp())
    return Round(list(first.values()), len(said), sum(times - 1 for times in counted.values()), killed)


async def _feed(bed: Bed, chosen: Sequence[int], rate: float, seconds: float) -> dict[UUID, int]:
    """Events of these agencies at a steady rate; whose each is."""
    chance, said, began, sent = random.Random(SEED), dict[UUID, int](), perf_counter(), 0  # noqa: S311 - the same load each time
    while (passed := perf_counter() - began) < seconds:
        facts = []
        while sent < rate * passed:
            number = chance.choice(chosen)
            facts.append(sheltered(number))
            said[facts[-1].id] = number
            sent += 1
        if facts:
            await publish_batch(bed.client, Sheltered.stream, [(fact, str(fact.id)) for fact in facts])
        await asyncio.sleep(TICK)
    return said


def sheltered(number: int) -> Emitted:
    """One event of an agency's feed, said now."""
    now, follow = datetime.now(UTC), uuid4()
    fact = Sheltered(agency=agency_of(number), city="31.71")
    cause = Cause(f"bench|{follow}", now, str(follow))
    identity = cause.derive(1, follow, fact.type)
    return Emitted(
        identity, fact.type, "intake", fact.stream, fact.route, follow, now, 1, str(follow), cause.name, None, fact.model_dump_json().encode()
    )


@dataclass
class Killer:
    """A service as a process that is killed and started again."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(*self.command, env={**os.environ, **self.environment}, stdout=log, stderr=log)

    async def kill(self) -> None:
        """End it as a crash would, and start it again at once."""
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
