"""What a case costs: bytes in stores and streams, processor time, and waits for the disk; and what that makes of a year.

Measured with triages, offers and assignments in the three services that read them; a year is that times the events of a case.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from contracts import streams

from ops.bench import facts
from ops.bench.bed import READERS, Bed, connected, until
from ops.bench.carry import WARMING, carried, running_platform
from ops.bench.census import census, complete, floor_now
from ops.bench.figures import Figure, Sizes
from ops.bench.hops import paced, stored_since

# On paper: events of a case from report to closure, and cases in a year.
EVENTS_PER_CASE = 40
YEARS = {"Jakarta": 2_200, "Indonesia": 35_000, "100 x Indonesia": 3_500_000}
SECONDS_PER_YEAR = 31_536_000
PACED = 100
SYNCS = "SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal'"
WAL = "SELECT wal_bytes::bigint FROM pg_stat_wal"


@dataclass(frozen=True, slots=True)
class Use:
    """What was used so far."""

    store: int
    stream: int
    wal: int
    syncs: int
    cpu: float


async def figure(bed: Bed, sizes: Sizes) -> Figure:
    """As fast as it goes, and at an even pace, where batches are small and each fact waits for the disk by itself."""
    found = Figure("footprint", f"what an event costs; a year on paper at {EVENTS_PER_CASE} events per case")
    async with running_platform(bed) as own:
        await carried(bed, own, max(1, sizes.cases // WARMING))
        first = await _use(bed)
        timed = await carried(bed, own, sizes.cases)
        _tell(found, "in batches", first, await _use(bed), timed.events)
        floor = floor_now()
        before, second = await census(own, floor), await _use(bed)
        start = (await bed.js.stream_info("CASES")).state.last_seq + 1
        await paced(PACED, lambda number: facts.feed(bed.client, [facts.triaged(number)]))
        await until(lambda: complete(bed.js, own, before, PACED, floor), "the services did not finish")
        events = (await census(own, floor)).consumed - before.consumed
        await asyncio.sleep(1)
        per_event = _tell(found, "one by one", second, await _use(bed), events)
        stored = await stored_since(bed, "CASES", start)
        batches = {headers.get("Nats-Batch-Id") or str(sequence) for sequence, _, headers in stored}
        found.rows.append(("one by one: JetStream writes (each waits for the disk) per event", f"{len(batches) / events:.2f}"))
    for name, cases in YEARS.items():
        total = cases * EVENTS_PER_CASE
        size, cpu = total * per_event["bytes"], total * per_event["cpu"]
        found.rows.append(
            (f"a year of {name}: {cases:,} cases", f"{size / 1e9:,.2f} GB, {cpu / 3600:,.2f} CPU hours, {total / SECONDS_PER_YEAR:,.4f} events / s")
        )
    return found


async def _use(bed: Bed) -> Use:
    async with connected(bed.postgres.url()) as admin:
        await admin.execute("CHECKPOINT")
        sizes = [await admin.fetchval("SELECT pg_database_size($1::text::name)", service) for service in READERS]
        syncs, wal = await admin.fetchval(SYNCS), await admin.fetchval(WAL)
    stored = sum([(await bed.js.stream_info(stream.name)).state.bytes for stream in streams.STREAMS])
    return Use(sum(sizes), stored, int(wal), int(syncs), bed.cpu())


def _tell(found: Figure, how: str, before: Use, after: Use, events: int) -> dict[str, Any]:
    values = {
        "bytes": (after.store - before.store + after.stream - before.stream) / events,
        "wal": (after.wal - before.wal) / events,
        "syncs": (after.syncs - before.syncs) / events,
        "cpu": (after.cpu - before.cpu) / events,
    }
    found.rows.append((f"{how}: bytes in stores and streams per event", f"{values['bytes']:,.0f}"))
    found.rows.append((f"{how}: bytes of Postgres' log per event", f"{values['wal']:,.0f}"))
    found.rows.append((f"{how}: Postgres' waits for the disk per event", f"{values['syncs']:.2f}"))
    found.rows.append((f"{how}: CPU per event, servers included", f"{values['cpu'] * 1e6:,.0f} us"))
    found.data[how] = values
    return values
