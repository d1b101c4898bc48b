"""What full stores cost: the same cases carried beside empty stores, beside full ones, and while a dump holds a snapshot of the full ones."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from time import perf_counter
from typing import Any

from ops.bench import inventory
from ops.bench.bed import READERS, Bed, connected, open_bed, serving
from ops.bench.carry import WARMING, carried, running_platform
from ops.bench.figures import Figure, Sizes, Timed, median
from ops.bench.fill import fill

KINDS = ("empty", "full", "full, a dump running")


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """Rounds in changing order; the services of both sides run all the time, so that only the stores differ."""
    found = Figure("growth", f"{sizes.in_store:,} cases in the stores, medians of {sizes.rounds} rounds")
    async with open_bed() as full:
        started = perf_counter()
        async for step in fill(full, sizes.in_store):
            say(step)
        filled = perf_counter() - started
        started = perf_counter()
        async with running_platform(full) as full_stores:
            await serving(full, READERS)
            compared = perf_counter() - started
            say(f"the services compared their streams in {compared:.0f} s")
            async with running_platform(bed) as stores:
                await serving(bed, READERS)
                rounds = await _rounds(bed, stores, full, full_stores, sizes=sizes, say=say)
        found.data["memory"] = full.peaks
        found.goal("most memory of a service's process beside full stores, MiB", max(full.peaks.values(), default=0) / 2**20, most=150)
    rates = {kind: median([timed.rate for timed in rounds[kind]]) for kind in KINDS}
    found.rows = [(f"{kind}: events carried", f"{rates[kind]:,.0f} / s") for kind in KINDS]
    found.rows += [("to start and compare the streams", f"{compared:.0f} s"), ("to fill the stores", f"{filled:.0f} s")]
    found.goal("full / empty", _against(rounds, KINDS[1], KINDS[0]), least=0.8)
    found.goal("full, a dump running / full", _against(rounds, KINDS[2], KINDS[1]), least=0.9)
    found.data |= {"events_per_second": rates, "compared_seconds": compared, "rounds": {k: [asdict(t) for t in v] for k, v in rounds.items()}}
    return found


async def _rounds(
    bed: Bed, stores: Mapping[str, Any], full: Bed, full_stores: Mapping[str, Any], *, sizes: Sizes, say: Callable[[str], None]
) -> dict[str, list[Timed]]:
    found: dict[str, list[Timed]] = {kind: [] for kind in KINDS}
    for where, own in ((bed, stores), (full, full_stores)):
        await carried(where, own, max(1, sizes.cases // WARMING))
    for number in range(sizes.rounds):
        for kind in KINDS if number % 2 == 0 else tuple(reversed(KINDS)):
            where, own = (bed, stores) if kind == KINDS[0] else (full, full_stores)
            await inventory.empty_shelters(own["placement"])
            async with _snapshot(full) if kind == KINDS[2] else contextlib.nullcontext():
                found[kind].append(await carried(where, own, sizes.cases))
            say(f"{kind}: {found[kind][-1].rate:,.0f} events / s")
    return found


@contextlib.asynccontextmanager
async def _snapshot(bed: Bed) -> AsyncIterator[None]:
    """A snapshot of each store that stays open, as a dump's does: what is updated or deleted meanwhile cannot be cleaned up."""
    async with contextlib.AsyncExitStack() as stack:
        for service in READERS:
            dump = await stack.enter_async_context(connected(bed.store(service)))
            await stack.enter_async_context(dump.transaction(isolation="repeatable_read", readonly=True))
            await dump.fetchval("SELECT count(*) FROM store_epoch")
        yield


def _against(rounds: Mapping[str, list[Timed]], kind: str, other: str) -> float:
    return median([a.rate / b.rate for a, b in zip(rounds[kind], rounds[other], strict=True)])
