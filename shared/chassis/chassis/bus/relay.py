"""Publishes what was committed: at once from memory, and after a crash from the rows that the stream has not confirmed."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID, uuid4

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter, Gauge
from sqlalchemy import Row, text

from chassis import crash
from chassis.envelope import Emitted
from chassis.store.database import Database

log = structlog.get_logger()

PUBLISHED = Counter("naungan_facts_published", "Facts confirmed by the stream", ["service"])
PENDING = Gauge("naungan_outbox_pending", "Facts not confirmed yet, as of the last recovery pass", ["service"])

BATCH = 500  # JetStream takes at most 1000 messages in an atomic batch
TIMEOUT = 10.0
GATHERS = 0.1  # seconds in which confirmations gather, for nobody waits for them
DUPLICATE_IN_BATCH = 10201
COLUMNS = "id, type, stream, route, subject, time, factversion, correlation, causation, trace, body"
CONFIRM = text("DELETE FROM outbox_pending WHERE id = ANY(CAST(:ids AS uuid[]))")
# A lost confirmation only means publishing again under the same id, so its commit need not wait for the disk; and it is a transaction of one statement.
FORGET = text("""
    WITH relaxed AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS commit)
    DELETE FROM outbox_pending USING relaxed WHERE relaxed.commit = 'off' AND id = ANY(CAST(:ids AS uuid[]))""")
# A row from the future was written while the database's clock was ahead: nobody may wait until the clock has caught up.
RECOVER = text(f"""
    SELECT {", ".join("o." + column for column in COLUMNS.split(", "))} FROM outbox o JOIN (
        SELECT p.id FROM outbox_pending p JOIN outbox said ON said.id = p.id
        WHERE since NOT BETWEEN now() - make_interval(secs => :age) AND now() + interval '1 minute'
            AND said.stream <> ALL(CAST(:but AS text[]))
        ORDER BY since LIMIT :most FOR UPDATE OF p SKIP LOCKED
    ) late USING (id) ORDER BY o.position""")  # noqa: S608 - the columns are constants


class RefusedError(Exception):
    """The stream refused a publication."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code} {description}")
        self.code = code


async def publish_batch(client: Client, stream: str, events: Sequence[tuple[Emitted, str]]) -> None:
    """Publish events with their message ids as one JetStream atomic batch: all are stored, with one fsync, or none.

    Raises RefusedError when the server refuses it, TimeoutError when it does not answer.
    """
    batch = uuid4().hex
    for number, (event, message_id) in enumerate(events, 1):
        headers = event.headers(message_id) | {
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(number),
            "Nats-Expected-Stream": stream,
        }
        if number < len(events):
            await client.publish(event.route, event.body, headers=headers)
        else:
            answer = await client.request(event.route, event.body, headers=headers | {"Nats-Batch-Commit": "1"}, timeout=TIMEOUT)
            _raise_if_refused(answer)


async def publish_single(client: Client, event: Emitted, message_id: str) -> None:
    """Publish one event and wait until it is stored; one that the server knows already is fine."""
    headers = event.headers(message_id) | {"Nats-Expected-Stream": event.stream}
    _raise_if_refused(await client.request(event.route, event.body, headers=headers, timeout=TIMEOUT))


def _raise_if_refused(answer: Msg) -> None:
    if (answer.headers or {}).get("Status") == "503" or not answer.data:
        raise RefusedError(503, "no stream")
    content = json.loads(answer.data)
    if "error" in content:
        raise RefusedError(int(content["error"].get("err_code", 0)), str(content["error"].get("description", "")))


async def publish(client: Client, events: Sequence[Emitted]) -> list[Emitted]:
    """Publish events under their own ids, in order, whether some of them are in the stream already or not; those that are stored now.

    A stream that takes nothing, being full or without a leader, keeps the others from nothing. Raises its error when nothing was stored.
    """
    streams: dict[str, list[Emitted]] = defaultdict(list)
    for event in events:
        streams[event.stream].append(event)
    stored: list[Emitted] = []
    failed: Exception | None = None
    for stream, own in streams.items():
        try:
            for start in range(0, len(own), BATCH):
                part = own[start : start + BATCH]
                await _publish_part(client, stream, part)
                stored += part
        except Exception as error:  # noqa: BLE001 - whatever it was, these are still pending
            failed = error
    if failed is not None and not stored:
        raise failed
    return stored


async def _publish_part(client: Client, stream: str, part: Sequence[Emitted]) -> None:
    try:
        if len(part) > 1:
            await publish_batch(client, stream, [(event, str(event.id)) for event in part])
            return
    except RefusedError as error:
        if error.code != DUPLICATE_IN_BATCH:
            raise
    for event in part:
        await publish_single(client, event, str(event.id))


def emitted(row: Row[tuple[object, ...]], source: str) -> Emitted:
    """An outbox row as the fact it holds."""
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Emitted(source=source, **{column: values[column] for column in COLUMNS.split(", ")})


class Relay:
    """The only publisher. `offer` hands it what a commit stated; `run` publishes it, `recover` what a crash left."""

    def __init__(self, database: Database, client: Client, service: str) -> None:
        self.database, self.client, self.service = database, client, service
        self._queue: list[Emitted] = []
        self._wake = asyncio.Event()
        self._mine: set[UUID] = set()
        self._confirmed: list[UUID] = []
        self._confirm_wake = asyncio.Event()
        self._lost = asyncio.Event()
        self._refusing: set[str] = set()
        self._stopping = False

    @property
    def idle(self) -> bool:
        """Whether everything that was offered is published and confirmed."""
        return not self._queue and not self._mine and not self._confirmed

    def offer(self, events: Iterable[Emitted]) -> None:
        """Take what was just committed, to publish it at once."""
        self._queue.extend(events)
        self._wake.set()

    def reconnected(self) -> None:
        """The connection was lost and is back: what was on its way gets no answer any more, and is published again at once."""
        self._lost.set()

    async def _carry(self, events: Sequence[Emitted]) -> list[Emitted]:
        """Publish, as often as the connection is lost meanwhile; under the same ids, so that the stream keeps each once. What is stored."""
        while True:
            self._lost.clear()
            publishing, lost = asyncio.create_task(publish(self.client, events)), asyncio.create_task(self._lost.wait())
            try:
                await asyncio.wait({publishing, lost}, return_when=asyncio.FIRST_COMPLETED)
                if publishing.done():
                    return publishing.result()
            finally:
                publishing.cancel()
                lost.cancel()

    async def run(self) -> None:
        """Publish whatever was offered, batch after batch, until `stop`; a failure is left to `recover`."""
        while not (self._stopping and not self._queue):
            if not self._queue:
                await self._wake.wait()
            self._wake.clear()
            batch, self._queue = self._queue, []
            if not batch:
                continue
            self._mine |= {event.id for event in batch}
            try:
                stored = await self._carry(batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, the rows are still pending
                log.warning("publish_failed", service=self.service, error=type(error).__name__, events=len(batch))
                await asyncio.sleep(0.05)
            else:
                crash.point("after_publish_before_confirm")
                self._confirmed.extend(event.id for event in stored)
                self._confirm_wake.set()
                PUBLISHED.labels(self.service).inc(len(stored))
                if len(stored) < len(batch):
                    log.warning("publish_failed", service=self.service, error="one of several streams", events=len(batch) - len(stored))
            finally:
                self._mine -= {event.id for event in batch}

    async def confirm(self) -> None:
        """Delete the rows of what the stream confirmed, in one statement for all that have gathered, until `stop`."""
        while not (self._stopping and not self._confirmed and self.idle):
            if not self._confirmed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._confirm_wake.wait(), 0.5)
            self._confirm_wake.clear()
            if self._confirmed and not self._stopping:
                await asyncio.sleep(GATHERS)
            if self._confirmed:
                ids = self._confirmed[:]
                await self._delete(ids)
                del self._confirmed[: len(ids)]

    async def _delete(self, ids: list[UUID]) -> None:
        try:
            async with self.database.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(FORGET, {"ids": ids})
        except Exception as error:  # noqa: BLE001 - the rows stay pending and are published again under the same ids
            log.warning("confirm_failed", service=self.service, error=type(error).__name__)

    async def recover(self, age: float) -> int:
        """Publish what has been pending for longer than `age` seconds, this replica's or another's; how many there were.

        A stream that took nothing is left out of the next pass, so that its facts, however many, do not stand before those of others.
        """
        but, self._refusing = self._refusing, set()
        async with self.database.engine.begin() as connection:
            rows = (await connection.execute(RECOVER, {"age": age, "most": BATCH, "but": sorted(but)})).all()
            # Under load what is queued, or confirmed and not yet deleted, here is older than what a crash left may be: it is on its way.
            waiting = {event.id for event in self._queue} | set(self._confirmed)
            left = [emitted(row, self.database.source) for row in rows]
            events = [event for event in left if event.id not in self._mine and event.id not in waiting]
            PENDING.labels(self.service).set(len(rows))
            if not events:
                return 0
            self._refusing = {event.stream for event in events}
            stored = await self._carry(events)
            self._refusing -= {event.stream for event in stored}
            await connection.execute(CONFIRM, {"ids": [event.id for event in stored]})
        log.info("recovered", service=self.service, events=len(stored))
        # Nobody hurries back to a stream that takes nothing.
        return len(stored) if len(stored) == len(events) else 0

    async def recover_always(self, age: float) -> None:
        """Recover again and again, at once while there is more."""
        while not self._stopping:
            try:
                found = await self.recover(age)
            except Exception as error:  # noqa: BLE001 - the next pass tries again
                log.warning("recover_failed", service=self.service, error=type(error).__name__)
                found = 0
            if not found:
                await asyncio.sleep(min(age, 1.0))

    def stop(self) -> None:
        """Publish what is queued, then end."""
        self._stopping = True
        self._wake.set()
        self._confirm_wake.set()
