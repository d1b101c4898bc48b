"""Compares what this store said with what the stream holds, by ids, and says again what is missing.

The store is the record: a stream that lost its tail, single messages, or everything, is refilled. A refill carries the unchanged
`ce-id` under a fresh message id, because the server remembers the ids of deleted messages and would drop it as a duplicate; it counts
only when the next comparison finds it there.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import structlog
from nats.aio.client import Client
from prometheus_client import Counter, Gauge
from sqlalchemy import text

from chassis.bus.history import SILENCE, id_of, read_stream
from chassis.bus.relay import BATCH, COLUMNS, emitted, publish_batch, publish_single
from chassis.store.database import Database

log = structlog.get_logger()

REFILLED = Counter("naungan_facts_refilled", "Facts said again because the stream had lost them", ["service", "stream"])
MISSING = Gauge("naungan_facts_missing", "Facts that the last comparison did not find in the stream", ["service", "stream"])

# The sets are compared in the database: Python's own would grow with the store, for a million facts beyond what a service may take.
SAID = text("""
    CREATE TEMPORARY TABLE reconcile_said ON COMMIT DROP AS
    SELECT id FROM outbox o WHERE stream = :stream AND NOT EXISTS (SELECT 1 FROM outbox_pending p WHERE p.id = o.id)""")
HELD = text("CREATE TEMPORARY TABLE reconcile_held (id uuid) ON COMMIT DROP")
HOLDS = text("INSERT INTO reconcile_held SELECT unnest(CAST(:ids AS uuid[]))")
LOST = text("SELECT id FROM reconcile_said s WHERE NOT EXISTS (SELECT 1 FROM reconcile_held h WHERE h.id = s.id)")
PENDING = text("""
    SELECT id FROM outbox_pending JOIN outbox USING (id)
    WHERE stream = :stream AND (CAST(:among AS uuid[]) IS NULL OR id = ANY(CAST(:among AS uuid[])))""")
AGAIN = text(f"SELECT {COLUMNS} FROM outbox WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY position")  # noqa: S608 - constants
LEADER = text("SELECT pg_try_advisory_xact_lock(hashtext('naungan reconcile'))")
FULL_EVERY = 600.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What a stream looks like from far; a change that appending does not explain asks for a comparison."""

    created: str
    last: int
    deleted: int
    first: int

    def explains(self, later: "Sight") -> bool:
        """Whether mere appending leads from this sight to a later one."""
        return (self.created, self.deleted, self.first) == (later.created, later.deleted, later.first) and later.last >= self.last


async def sight_of(client: Client, stream: str) -> Sight:
    """What a stream looks like now. Raises LookupError when it is not there."""
    answer = json.loads((await client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=SILENCE)).data)
    if "error" in answer:
        raise LookupError(stream)
    state = answer["state"]
    # An empty stream says 0, and its first message is 1: that is mere appending.
    return Sight(answer["created"], state["last_seq"], state.get("num_deleted", 0), max(1, state["first_seq"]))


class Reconcile:
    """Keeps the streams complete with what one service said; `said_on` maps each stream to the subjects the service publishes there."""

    def __init__(self, database: Database, client: Client, service: str, said_on: Mapping[str, Sequence[str]], every: float) -> None:
        self.database, self.client, self.service, self.said_on, self.every = database, client, service, said_on, every
        self._seen: dict[str, Sight] = {}
        self._full_at: dict[str, float] = {}
        # What was pending when something happened to a stream. It may have been confirmed by what is lost now, so once it is no
        # longer pending the stream is compared once more.
        self._owed: dict[str, list[UUID]] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look at the streams every few seconds, and compare where something happened that appending does not explain."""
        while not self._stopping.is_set():
            for stream in self.said_on:
                try:
                    await self.look(stream)
                except Exception as error:  # noqa: BLE001 - the stream or the database may be away; the next look tells
                    log.warning("reconcile_waits", service=self.service, stream=stream, error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.every)

    def stop(self) -> None:
        """End after the stream in hand."""
        self._stopping.set()

    def forget(self) -> None:
        """Compare everything at the next look: the connection was lost, so anything may have happened."""
        self._seen.clear()

    async def look(self, stream: str) -> int:
        """Compare one stream if its sight asks for it; how many facts were said again."""
        sight = await sight_of(self.client, stream)
        seen, now = self._seen.get(stream), asyncio.get_running_loop().time()
        calm = seen is not None and seen.explains(sight) and now - self._full_at[stream] < FULL_EVERY
        owed = self._owed.get(stream, [])
        if calm and (not owed or await self._pending(stream, owed)):
            self._seen[stream] = sight
            return 0
        left_out = [] if calm else await self._pending(stream)
        refilled = await self.compare(stream)
        if refilled is None:
            return 0
        self._seen[stream], self._full_at[stream], self._owed[stream] = await sight_of(self.client, stream), now, left_out
        return refilled

    async def _pending(self, stream: str, among: Sequence[UUID] | None = None) -> list[UUID]:
        """The facts of a stream that are not confirmed, or those among these."""
        async with self.database.engine.connect() as connection:
            return list((await connection.execute(PENDING, {"stream": stream, "among": list(among) if among is not None else None})).scalars())

    async def compare(self, stream: str) -> int | None:
        """Say again what the stream lacks, until a comparison finds nothing missing; None if another replica is at it."""
        refilled = 0
        async with self.database.engine.connect() as leading:
            if not (await leading.execute(LEADER)).scalar_one():
                return None
            while not self._stopping.is_set():
                missing = await self._missing(stream)
                MISSING.labels(self.service, stream).set(len(missing))
                if not missing:
                    break
                await self._refill(stream, sorted(missing))
                refilled += len(missing)
        if refilled:
            REFILLED.labels(self.service, stream).inc(refilled)
            log.warning("refilled", service=self.service, stream=stream, events=refilled)
        return refilled

    async def _missing(self, stream: str) -> list[UUID]:
        """What was said and is not in the stream; what is said is read first, for the stream only grows meanwhile."""
        async with self.database.engine.begin() as connection:
            if not (await connection.execute(SAID, {"stream": stream})).rowcount:
                return []
            await connection.execute(HELD)
            async for ids in self._held(stream):
                await connection.execute(HOLDS, {"ids": ids})
            return list((await connection.execute(LOST)).scalars())

    async def _refill(self, stream: str, ids: Sequence[UUID]) -> None:
        for start in range(0, len(ids), BATCH):
            async with self.database.engine.connect() as connection:
                rows = (await connection.execute(AGAIN, {"ids": ids[start : start + BATCH]})).all()
            events = [(event, f"{event.id}.{uuid4().hex[:8]}") for row in rows if (event := emitted(row, self.database.source))]
            if len(events) == 1:
                await publish_single(self.client, *events[0])
            else:
                await publish_batch(self.client, stream, events)

    async def _held(self, stream: str) -> AsyncIterator[list[UUID]]:
        """The ids of this service's facts in the stream, read as headers only, batch by batch."""
        async for batch in read_stream(self.client, stream, self.said_on[stream], who=f"reconcile-{self.service}", headers_only=True):
            yield [identity for message in batch if (identity := id_of(message))]
