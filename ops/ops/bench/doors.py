"""How many reports per second intake takes over HTTP from 64 clients at once, and from one."""

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import uuid4

from chassis import migrate
from nats.js.api import StreamConfig
from nats.js.errors import NotFoundError

from ops import stores
from ops.bench.bed import USER, Bed, BenchError, connected, processes
from ops.bench.figures import Figure, Sizes, Timed, cpu_ratio, median, percentile, ratio
from ops.bench.inventory import AREA
from ops.bench.knock import Knocked, knock, request
from ops.bench.yardstick import subject_of
from ops.bench.yardstick_door import STREAM
from ops.processes import free_port
from ops.supervise import wait_ready

CLIENTS = 64
IDENTITY = "desk-dppapp"
WARMING = 10
ALONE = 10  # a lone client sends one in so many
PATIENCE = 120.0
CREATED = 201


def a_report(number: int) -> dict[str, Any]:
    """A report of an invented household; every tenth has a child."""
    persons: list[dict[str, Any]] = [{"role": "victim", "name": "Sekar Contoh", "sex": "female", "age": 34, "phone": "0800-0000-0000"}]
    if number % 10 == 0:
        persons.append({"role": "child", "name": "Bintang Contoh", "sex": "male", "age": 6})
    return {
        "reference": f"B-{uuid4().hex}",
        "urgency": "medium",
        "callback": "Bripka Contoh, 0800-1111-2222",
        "channel": "police",
        "area": AREA,
        "persons": persons,
        "violence_types": ["fisik"],
        "narrative": "Dipukul di rumah kontrakan oleh pasangannya; anak ikut menyaksikan. Warga melapor ke pos polisi terdekat.",
    }


@dataclass(frozen=True, slots=True)
class Round:
    """What one side did."""

    together: Timed
    p99: float
    alone: float


async def figure(bed: Bed, sizes: Sizes) -> Figure:
    """Both sides in each round, in changing order."""
    async with processes(bed, "issuer", {"issuer": bed.issuer_command()}):
        token = await bed.token(IDENTITY)
        theirs: list[Round] = []
        ours: list[Round] = []
        for number in range(sizes.rounds):
            order = (running_yardstick, running_intake) if number % 2 == 0 else (running_intake, running_yardstick)
            for side in order:
                async with side(bed) as port:
                    (theirs if side is running_yardstick else ours).append(await _round(bed, port, token, sizes.reports))
    return _summary(theirs, ours, sizes)


def _summary(theirs: list[Round], ours: list[Round], sizes: Sizes) -> Figure:
    found = Figure("doors", f"POST /reports, {sizes.reports} reports of {CLIENTS} clients at once, medians of {sizes.rounds} rounds")
    a, b = ([entry.together for entry in side] for side in (theirs, ours))
    times, by_cpu = ratio(a, b), cpu_ratio(a, b)
    for name, side in (("intake", ours), ("FastAPI with an ORM session", theirs)):
        found.rows.append((name, f"{median([entry.together.rate for entry in side]):,.0f} / s, p99 {median([e.p99 for e in side]) * 1e3:,.0f} ms"))
        found.rows.append((f"{name}: one client alone, p50", f"{median([entry.alone for entry in side]) * 1e3:,.1f} ms"))
    if by_cpu is not None:
        found.rows.append(("the other / intake, CPU time per report, servers included", f"{by_cpu:.1f}"))
    found.goal("intake / FastAPI with an ORM session per request", times, least=5)
    rounds = [{"yardstick": _plain(x), "platform": _plain(y)} for x, y in zip(theirs, ours, strict=True)]
    found.data = {"ratio": times, "cpu_ratio": by_cpu, "rounds": rounds}
    return found


def _plain(entry: Round) -> dict[str, float]:
    return {
        "reports": entry.together.events, "seconds": entry.together.seconds, "cpu": entry.together.cpu, "p99": entry.p99, "alone_p50": entry.alone,
    }  # fmt: skip


async def _round(bed: Bed, port: int, token: str, reports: int) -> Round:
    def prepared(count: int) -> list[bytes]:
        return [request("POST", "/reports", token, a_report(number)) for number in range(count)]

    _require_created(await knock(port, prepared(max(CLIENTS, reports // WARMING)), CLIENTS))
    requests = prepared(reports)
    started, cpu = perf_counter(), bed.cpu()
    many = await knock(port, requests, CLIENTS)
    seconds, cpu = perf_counter() - started, bed.cpu() - cpu
    alone = await knock(port, prepared(max(5, reports // WARMING // ALONE)), 1)
    for knocked in (many, alone):
        _require_created(knocked)
    return Round(Timed(reports, seconds, cpu), percentile(many.seconds, 0.99), percentile(alone.seconds, 0.5))


def _require_created(knocked: Knocked) -> None:
    if set(knocked.statuses) != {CREATED}:
        message = f"answers: {knocked.statuses}, the last one {knocked.last[:300]!r}"
        raise BenchError(message)


@contextlib.asynccontextmanager
async def running_intake(bed: Bed) -> AsyncIterator[int]:
    """The real intake; its port. What it took is in its store, and published, at the end."""
    port = free_port()
    async with processes(bed, "doors", {"intake": bed.service("intake", port=port)}), connected(bed.store("intake")) as store:
        await wait_ready(f"http://127.0.0.1:{port}/readyz", PATIENCE)
        yield port
        cases, submissions = [await store.fetchval(f"SELECT count(*) FROM {table}") for table in ("case_file", "submission")]  # noqa: S608
        if cases != submissions:
            message = f"{cases} cases of {submissions} submissions"
            raise BenchError(message)


@contextlib.asynccontextmanager
async def running_yardstick(bed: Bed) -> AsyncIterator[int]:
    """The tutorial's door on intake's own tables, empty; its port."""
    port, database = free_port(), "yardstick_door"
    async with connected(bed.postgres.url()) as admin:
        await admin.execute(f"DROP DATABASE IF EXISTS {database}")
        await admin.execute(f"CREATE DATABASE {database}")
    await migrate.upgrade(bed.postgres.url(database), stores.migrations("intake"))
    with contextlib.suppress(NotFoundError):
        await bed.js.delete_stream(STREAM)
    await bed.js.add_stream(StreamConfig(name=STREAM, subjects=[subject_of(STREAM)], max_bytes=1024**3))
    told = {
        "YARDSTICK_NATS_URL": bed.nats.url,
        "YARDSTICK_NATS_PASSWORD": bed.passwords[USER],
        "YARDSTICK_DATABASE_URL": bed.postgres.url(database),
        "YARDSTICK_JWKS_URL": f"{bed.issuer}/jwks",
        "YARDSTICK_PORT": str(port),
    }
    async with processes(bed, "doors", {"yardstick-door": ([sys.executable, "-m", "ops.bench.yardstick_door"], told)}):
        await wait_ready(f"http://127.0.0.1:{port}/docs", PATIENCE)
        yield port
