"""What this machine's disk and servers give at best, per second, measured in the same run as everything else."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from time import perf_counter
from uuid import uuid4

from nats.js.api import StreamConfig

from ops.bench.bed import Bed, connected
from ops.bench.facts import publish_bodies, yardstick_body
from ops.bench.figures import Figure, Sizes, median
from ops.bench.yardstick import subject_of

BATCH = 256
STREAM = "YARDLIMIT"
INSERT = "INSERT INTO bench_limit (id, body) SELECT * FROM unnest($1::uuid[], $2::bytea[])"
WHAT = {
    "commits": "durable commits, one row each",
    "batched_commits": f"durable rows, {BATCH} per commit",
    "publishes": "JetStream publishes, each awaited",
    "pipelined_publishes": f"JetStream publishes, {BATCH} acknowledgements awaited together",
    "batched_publishes": f"JetStream messages, atomic batches of {BATCH}",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """One round."""

    commits: float
    batched_commits: float
    publishes: float
    pipelined_publishes: float
    batched_publishes: float


async def measured(bed: Bed, seconds: float) -> Limits:
    """What one sequential writer gets from Postgres and from JetStream, row by row and in batches."""
    body = yardstick_body(1)
    async with connected(bed.postgres.url()) as store:
        await store.execute("DROP TABLE IF EXISTS bench_limit; CREATE TABLE bench_limit (id uuid PRIMARY KEY, body bytea NOT NULL)")

        async def commit(count: int) -> None:
            await store.execute(INSERT, [uuid4() for _ in range(count)], [body] * count)

        commits = await rate(commit, 1, seconds)
        batched_commits = await rate(commit, BATCH, seconds)
    js, subject = bed.js, subject_of(STREAM)
    await js.add_stream(StreamConfig(name=STREAM, subjects=[subject], allow_atomic=True, max_bytes=1024**3))

    async def publish(count: int) -> None:
        await asyncio.gather(*(js.publish(subject, body, stream=STREAM, headers={"Nats-Msg-Id": uuid4().hex}) for _ in range(count)))

    async def publish_many(count: int) -> None:
        await publish_bodies(bed.client, STREAM, [body] * count)

    publishes = await rate(publish, 1, seconds)
    pipelined = await rate(publish, BATCH, seconds)
    batched = await rate(publish_many, BATCH, seconds)
    await js.delete_stream(STREAM)
    return Limits(commits, batched_commits, publishes, pipelined, batched)


async def rate(work: Callable[[int], Awaitable[None]], count: int, seconds: float) -> float:
    """How many things per second `work`, which does `count` of them, gets done."""
    await work(count)
    done, started = 0, perf_counter()
    while (elapsed := perf_counter() - started) < seconds or not done:
        await work(count)
        done += count
    return done / elapsed if elapsed else 0.0


async def figure(bed: Bed, sizes: Sizes) -> Figure:
    """The limits, as medians of the rounds."""
    rounds = [asdict(await measured(bed, sizes.limit_seconds)) for _ in range(sizes.rounds)]
    medians = {name: median([entry[name] for entry in rounds]) for name in WHAT}
    rows = [(WHAT[name], f"{value:,.0f} / s") for name, value in medians.items()]
    return Figure("limits", "what this machine gives at best to one writer", rows, data={"per_second": medians, "rounds": rounds})
