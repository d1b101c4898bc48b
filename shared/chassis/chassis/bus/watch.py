"""Watches a service's reading: how far it lags, whether a consumer went deaf, and whether its inbox holds all that was acknowledged.

The last one finds what no server tells: a store that was put back knows less than its durables have acknowledged. Comparing costs a look
at the ids of the stream, so it is done from the first message only when something happened that can take rows away (a start, a lost
connection, a stream or a store that is not what it was); otherwise every ten minutes and over the newest messages only.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter, Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.bus.consume import Consumer
from chassis.bus.dead_letters import identity_of
from chassis.bus.history import SILENCE, id_of, read_stream
from chassis.bus.reconcile import Sight, sight_of
from chassis.store.database import Database

log = structlog.get_logger()

LAG = Gauge(
    "naungan_consumer_lag", "Messages that a durable has and the service has not acknowledged, as of the last look", ["service", "stream", "durable"]
)
OLDEST = Gauge("naungan_outbox_oldest_seconds", "Age of the oldest fact that the stream has not confirmed, as of the last look", ["service"])
TASKS = Gauge("naungan_recovery_tasks", "What a restored store left to people and nobody has settled yet, as of the last look", ["service"])
TAKEN_UP = Counter("naungan_facts_taken_up", "Facts taken up because they were acknowledged and not in the inbox", ["service", "durable"])

DEAF_AFTER = 15.0
REMEMBERED = 600.0
COMPARE_EVERY = 600.0
NEWEST = 50_000
BEHIND = text("""
    SELECT (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0) FROM outbox_pending) AS oldest,
        (SELECT count(*) FROM recovery_task WHERE done_at IS NULL) AS tasks""")
LEADER = text("SELECT pg_try_advisory_xact_lock(hashtext('naungan inbox'))")
# None of these changes while rows are only added; one at least does when a server restarts or tables are replaced by older ones.
STORE = text("SELECT pg_postmaster_start_time(), CAST('inbox' AS regclass)::oid, pg_relation_filenode('inbox'), (SELECT max(epoch) FROM store_epoch)")
UNKNOWN = text("""
    SELECT id FROM unnest(CAST(:ids AS uuid[])) AS given (id) WHERE NOT EXISTS (SELECT FROM inbox WHERE event_id = id)""")
ASIDE = text("SELECT id FROM dead_letter WHERE id = ANY(CAST(:ids AS uuid[]))")


@dataclass(frozen=True, slots=True)
class Durable:
    """How a durable stands: `floor` is the sequence up to which everything is acknowledged."""

    subjects: tuple[str, ...]
    pending: int
    unacknowledged: int
    floor: int


async def durable_of(client: Client, stream: str, name: str) -> Durable | None:
    """How a durable stands now; None when it is not there."""
    answer = json.loads((await client.request(f"$JS.API.CONSUMER.INFO.{stream}.{name}", b"", timeout=SILENCE)).data)
    if "error" in answer:
        return None
    config = answer["config"]
    subjects = config.get("filter_subjects") or [config.get("filter_subject", ">")]
    return Durable(tuple(subjects), answer["num_pending"], answer["num_ack_pending"], answer["ack_floor"]["stream_seq"])


async def untaken(
    client: Client, engine: AsyncEngine, stream: str, name: str, durable: Durable, *, who: str, start: int = 1
) -> tuple[list[int], int]:
    """Messages from `start` up to the durable's floor that are neither in the inbox nor set aside: their sequences, and how many were compared.

    A message is acknowledged only after its commit, so whatever is below the floor must be in one of both. An id that the stream holds
    twice counts once.
    """
    missing: dict[Any, int] = {}
    compared = 0
    if durable.floor < start:
        return [], 0
    async with contextlib.aclosing(read_stream(client, stream, durable.subjects, who=who, start=start, headers_only=True)) as batches:
        async for batch in batches:
            below = [message for message in batch if message.metadata.sequence.stream <= durable.floor]
            compared += len(below)
            for message in await _unknown(engine, below, name):
                missing.setdefault(id_of(message), message.metadata.sequence.stream)
            if len(below) < len(batch):
                break
    return sorted(missing.values()), compared


async def _unknown(engine: AsyncEngine, messages: Sequence[Msg], durable: str) -> list[Msg]:
    ids = {identity for message in messages if (identity := id_of(message))}
    async with engine.connect() as connection:
        unknown = set((await connection.execute(UNKNOWN, {"ids": sorted(ids)})).scalars())
        found = [message for message in messages if (identity := id_of(message)) is None or identity in unknown]
        if not found:
            return []
        letters = {identity_of(message, durable): message for message in found}
        aside = set((await connection.execute(ASIDE, {"ids": sorted(letters)})).scalars())
    return [message for letter, message in letters.items() if letter not in aside]


class Watch:
    """Looks after the consumers of one service."""

    def __init__(self, database: Database, client: Client, service: str, consumers: Sequence[Consumer], every: float) -> None:
        self.database, self.client, self.service, self.consumers, self.every = database, client, service, consumers, every
        self.deaf_after = DEAF_AFTER
        self._compared: dict[Consumer, int] = {}
        self._compared_at: dict[Consumer, float] = {}
        self._seen: dict[Consumer, tuple[Sight, Any]] = {}
        # When a message last came to a consumer, and since when others wait for it without anything coming.
        self._quiet: dict[Consumer, tuple[float, float]] = {}
        self._renewed: dict[Consumer, float] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look every few seconds, until `stop`."""
        while not self._stopping.is_set():
            try:
                await self._note_what_is_left()
                for consumer in self.consumers:
                    await self.look(consumer)
            except Exception as error:  # noqa: BLE001 - a server may be away; the next look tells
                log.warning("watch_waits", service=self.service, error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self.every)

    def stop(self) -> None:
        """End after the consumer in hand."""
        self._stopping.set()

    def forget(self) -> None:
        """Compare everything at the next look: the connection was lost, so anything may have happened."""
        self._seen.clear()

    @property
    def deaf(self) -> list[str]:
        """The durables to which nothing came though messages waited, within the last ten minutes; each was asked for anew."""
        return sorted(f"{one.stream}/{one.durable}" for one, at in self._renewed.items() if monotonic() - at < REMEMBERED)

    async def look(self, consumer: Consumer) -> int:
        """Look at one consumer; how many events were taken up that its inbox lacked."""
        durable = await durable_of(self.client, consumer.stream, consumer.durable)
        if durable is None:
            return 0
        LAG.labels(self.service, consumer.stream, consumer.durable).set(durable.pending + durable.unacknowledged)
        if self._deaf(consumer, durable):
            log.warning(
                "pull_renewed", stream=consumer.stream, durable=consumer.durable, pending=durable.pending, unacknowledged=durable.unacknowledged
            )
            consumer.pull.renew()
            self._renewed[consumer] = monotonic()
        # Messages from outside have no id of their own, and are erased once they are taken: nothing is there to compare.
        return 0 if consumer.raw is not None else await self._compare(consumer, durable)

    def _deaf(self, consumer: Consumer, durable: Durable) -> bool:
        """Whether messages have been waiting all the time since nothing came, although the consumer was free to take some.

        What was delivered and is not acknowledged counts too, with more patience: another replica may have it in hand, or it may be
        waiting for its next try; but the server may also have delivered it to a subscription that the client no longer knows.
        """
        delivered, now = consumer.pull.delivered, monotonic()
        last, since = self._quiet.get(consumer, (delivered, now))
        waiting = durable.pending or durable.unacknowledged
        if not waiting or consumer.busy or not self.client.is_connected or last != delivered:
            since = now
        deaf = now - since > (self.deaf_after if durable.pending else 3 * self.deaf_after)
        self._quiet[consumer] = (delivered, now if deaf else since)
        return deaf

    async def _note_what_is_left(self) -> None:
        async with self.database.engine.connect() as connection:
            oldest, tasks = (await connection.execute(BEHIND)).one()
        OLDEST.labels(self.service).set(float(oldest))
        TASKS.labels(self.service).set(tasks)

    async def _compare(self, consumer: Consumer, durable: Durable) -> int:
        sight = await sight_of(self.client, consumer.stream)
        async with self.database.engine.connect() as connection:
            store = tuple((await connection.execute(STORE)).one())
        before = self._seen.get(consumer)
        calm = before is not None and before[0].explains(sight) and before[1] == store
        if calm and monotonic() - self._compared_at[consumer] < COMPARE_EVERY:
            self._seen[consumer] = (sight, store)
            return 0
        start = max(1, min(self._compared[consumer] + 1, durable.floor - NEWEST)) if calm else 1
        async with self.database.engine.connect() as leading:
            if not (await leading.execute(LEADER)).scalar_one():
                return 0
            who = f"watch-{self.service}"
            missing, _ = await untaken(self.client, self.database.engine, consumer.stream, consumer.durable, durable, who=who, start=start)
            taken = await self._take_up(consumer, durable, missing) if missing else 0
        self._seen[consumer], self._compared[consumer], self._compared_at[consumer] = (sight, store), durable.floor, monotonic()
        return taken

    async def _take_up(self, consumer: Consumer, durable: Durable, sequences: Sequence[int]) -> int:
        """Read these messages again, whole, and let the consumer take them."""
        wanted, taken = set(sequences), 0
        reading = read_stream(self.client, consumer.stream, durable.subjects, who=f"watch-{self.service}", start=sequences[0])
        async with contextlib.aclosing(reading) as batches:
            async for batch in batches:
                found = [message for message in batch if message.metadata.sequence.stream in wanted]
                taken += await consumer.take_up(found)
                wanted -= {message.metadata.sequence.stream for message in found}
                if not wanted or self._stopping.is_set():
                    break
        TAKEN_UP.labels(self.service, consumer.durable).inc(taken)
        log.warning("taken_up", service=self.service, stream=consumer.stream, durable=consumer.durable, events=taken)
        return taken
