"""How many events are carried per second: consumed by a service, decided on, durably committed, its outcome published."""

import contextlib
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

from chassis import migrate
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import NotFoundError

from ops import stores
from ops.bench import facts, inventory
from ops.bench.bed import READERS, USER, Bed, BenchError, Command, connected, durables_of, processes, pulled, until
from ops.bench.census import census, complete, floor_now
from ops.bench.figures import Figure, Sizes, Timed, cpu_ratio, median, ratio
from ops.bench.yardstick import HOPS, Hop, subject_of

WARMING = 10  # one case in so many is carried before the clock starts, on both sides alike


async def figure(bed: Bed, sizes: Sizes) -> Figure:
    """Both sides in each round, in changing order."""
    theirs: list[Timed] = []
    ours: list[Timed] = []
    for number in range(sizes.rounds):
        order = (yardstick_round, platform_round) if number % 2 == 0 else (platform_round, yardstick_round)
        for side in order:
            (theirs if side is yardstick_round else ours).append(await side(bed, sizes.cases))
    return summary(theirs, ours, sizes.cases)


def summary(theirs: Sequence[Timed], ours: Sequence[Timed], cases: int) -> Figure:
    """What the rounds say."""
    found = Figure("carry", f"events carried per second, {cases} cases, medians of {len(ours)} rounds")
    times, by_cpu = ratio(theirs, ours), cpu_ratio(theirs, ours)
    ours_rate, theirs_rate = (median([timed.rate for timed in side]) for side in (ours, theirs))
    found.rows = [("platform", f"{ours_rate:,.0f} / s"), ("yardstick", f"{theirs_rate:,.0f} / s"), ("platform / yardstick", f"{times:.1f}")]
    if by_cpu is not None:
        found.rows.append(("yardstick / platform, CPU time per event", f"{by_cpu:.1f}"))
        found.rows.append(("platform: CPU per event, servers included", f"{median([t.cpu / t.events for t in ours]) * 1e6:,.0f} us"))
    found.goal("platform / yardstick", times, least=10)
    found.data = {
        "platform_events_per_second": ours_rate,
        "yardstick_events_per_second": theirs_rate,
        "ratio": times,
        "cpu_ratio": by_cpu,
        "rounds": [{"yardstick": asdict(a), "platform": asdict(b)} for a, b in zip(theirs, ours, strict=True)],
    }
    return found


# -- the yardstick ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Course:
    """The running yardstick: connections to its stores, in the order of the hops."""

    stores: Sequence[Any]

    async def kept(self) -> list[int]:
        """How many cases each hop keeps."""
        return [await store.fetchval(f"SELECT count(*) FROM {hop.table}") for store, hop in zip(self.stores, HOPS, strict=True)]  # noqa: S608


@contextlib.asynccontextmanager
async def running_yardstick(bed: Bed) -> AsyncIterator[Course]:
    """The tutorial's three processes on fresh streams and stores, with the same shelters and social workers."""
    commands: dict[str, Command] = {}
    for hop in HOPS:
        await _fresh_stream(bed, hop.reads)
        await bed.js.add_consumer(hop.reads, ConsumerConfig(durable_name=hop.name))
        await _fresh_store(bed, hop)
        told = {
            "YARDSTICK_NATS_URL": bed.nats.url,
            "YARDSTICK_NATS_PASSWORD": bed.passwords[USER],
            "YARDSTICK_DATABASE_URL": bed.postgres.url(f"yardstick_{hop.name}"),
        }
        commands[hop.name] = ([sys.executable, "-m", "ops.bench.yardstick", hop.name], told)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(processes(bed, "yardstick", {f"yardstick-{name}": command for name, command in commands.items()}))
        own = [await stack.enter_async_context(connected(bed.postgres.url(f"yardstick_{hop.name}"))) for hop in HOPS]
        await until(lambda: pulled(bed.js, [(hop.reads, hop.name) for hop in HOPS]), "the yardstick did not start")
        yield Course(own)


async def yardstick_round(bed: Bed, cases: int) -> Timed:
    """The tutorial pipeline, from the first publish until the last row of the last hop is committed."""
    warming = max(1, cases // WARMING)
    bodies = [facts.yardstick_body(number) for number in range(warming + cases)]
    async with running_yardstick(bed) as course:

        async def feed(some: Sequence[bytes], total: int) -> None:
            await facts.feed_yardstick(bed.client, HOPS[0].reads, some)

            async def done() -> bool:
                return (await course.kept())[-1] >= total

            await until(done, "the yardstick did not finish")

        await feed(bodies[:warming], warming)
        started, cpu = perf_counter(), bed.cpu()
        await feed(bodies[warming:], len(bodies))
        seconds, cpu = perf_counter() - started, bed.cpu() - cpu
        kept = await course.kept()
    if kept != [len(bodies)] * len(kept):
        message = f"the yardstick's hops kept {kept} of {len(bodies)} cases"
        raise BenchError(message)
    return Timed(cases * len(kept), seconds, cpu)


async def _fresh_stream(bed: Bed, name: str) -> None:
    with contextlib.suppress(NotFoundError):
        await bed.js.delete_stream(name)
    await bed.js.add_stream(StreamConfig(name=name, subjects=[subject_of(name)], allow_atomic=True, max_bytes=1024**3))


async def _fresh_store(bed: Bed, hop: Hop) -> None:
    """The service's own tables, empty but for what the inventory says."""
    async with connected(bed.postgres.url()) as admin:
        await admin.execute(f"DROP DATABASE IF EXISTS yardstick_{hop.name}")
        await admin.execute(f"CREATE DATABASE yardstick_{hop.name}")
    await migrate.upgrade(bed.postgres.url(f"yardstick_{hop.name}"), stores.migrations(hop.name))
    async with connected(bed.postgres.url(f"yardstick_{hop.name}")) as store:
        if hop.name == "placement":
            await inventory.add_shelters(store)
        if hop.name == "assessment":
            await inventory.add_workers(store)


# -- the platform -----------------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def running_platform(bed: Bed, commands: Mapping[str, Command] | None = None) -> AsyncIterator[dict[str, Any]]:
    """The services that read triages, as processes, and connections to their stores by service."""
    async with connected(bed.store("placement")) as store:
        await inventory.empty_shelters(store)
    async with contextlib.AsyncExitStack() as stack:
        chosen = commands or {service: bed.service(service) for service in READERS}
        await stack.enter_async_context(processes(bed, "platform", chosen))
        own = {service: await stack.enter_async_context(connected(bed.store(service))) for service in READERS}
        await until(lambda: pulled(bed.js, durables_of(READERS)), "the services did not start")
        yield own


async def platform_round(bed: Bed, cases: int) -> Timed:
    """The real services, from the first publish until every fact is in the inbox of each of its readers, and published itself."""
    async with running_platform(bed) as own:
        await carried(bed, own, max(1, cases // WARMING))
        return await carried(bed, own, cases)


async def carried(bed: Bed, own: Mapping[str, Any], cases: int) -> Timed:
    """Let the running services carry some cases. Raises BenchError when a message was set aside, lost or carried twice."""
    floor = floor_now()
    fed, before = [facts.triaged(number) for number in range(cases)], await census(own, floor)
    started, cpu = perf_counter(), bed.cpu()
    await facts.feed(bed.client, fed)
    await until(lambda: complete(bed.js, own, before, cases, floor), "the services did not finish")
    seconds, cpu = perf_counter() - started, bed.cpu() - cpu
    after = await census(own, floor)
    if after.dead_letters > before.dead_letters:
        message = f"{after.dead_letters} messages were set aside"
        raise BenchError(message)
    return Timed(after.consumed - before.consumed, seconds, cpu, after.stated - before.stated)
