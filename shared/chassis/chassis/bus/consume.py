"""Consumes one durable in batches: one transaction per batch, acknowledged only after its commit.

Three kinds of failure. A message's own: the batch is halved until the message stands alone, tried again with growing delay, then set
aside. The infrastructure's: the whole batch waits and is tried again, nothing is counted. A conflict: it is decided again on a fresh
read, and never set aside.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter, Histogram
from sqlalchemy import Row

from chassis import crash
from chassis.bus.dead_letters import DeadLetters, identity_of, stored_at
from chassis.bus.pull import Pull
from chassis.bus.turns import Turns
from chassis.envelope import MalformedError, Received, read, read_raw
from chassis.inputs import Inputs
from chassis.settings import Settings
from chassis.store.database import Database
from chassis.store.failures import Fault, fault_of
from chassis.web.presence import Presence

log = structlog.get_logger()

CONSUMED = Counter("naungan_facts_consumed", "New facts whose effects are committed", ["service", "durable"])
REPEATED = Counter("naungan_facts_repeated", "Facts that the inbox knew already", ["service", "durable"])
SET_ASIDE = Counter("naungan_dead_letters", "Messages set aside", ["service", "durable"])
BATCH_SIZE = Histogram("naungan_batch_size", "Messages per transaction", ["service", "durable"], buckets=(1, 2, 5, 10, 50, 100, 500))

# A message of a standing request is delivered again after the durable's ack_wait; a retry must come well before.
LONGEST_WAIT = 10.0
ERASE_AT_ONCE = 32
STEP = 50  # messages that are decided in one go while somebody waits: some milliseconds


@dataclass(frozen=True, slots=True)
class Item:
    """A message in hand and the fact in it; `message` is None when an operator drives a dead letter again."""

    event: Received[Any]
    durable: str
    message: Msg | None = field(repr=False)
    driven: UUID | None = None

    @property
    def again(self) -> bool:
        """Whether it was in somebody's hands before, of this replica or of another: only then can it have failed."""
        return self.message is None or self.message.metadata.num_delivered > 1

    @property
    def letter(self) -> UUID:
        """The id of its dead letter, if it has one; worked out only when a failure asks for it."""
        if self.message is not None:
            return identity_of(self.message, self.durable)
        assert self.driven is not None  # noqa: S101 - an item is a message or a driven letter
        return self.driven


class Consumer:
    """Brings one durable's messages to the service's handlers; with `turns` those of one durable for each sender, counted and set aside under this one's name."""

    def __init__(
        self,
        *,
        service: str,
        stream: str,
        durable: str,
        inputs: Inputs,
        order: Mapping[str, int],
        database: Database,
        letters: DeadLetters,
        client: Client,
        settings: Settings,
        presence: Presence | None = None,
        turns: Turns | None = None,
    ) -> None:
        self.service, self.stream, self.durable = service, stream, durable
        self.inputs, self.order = inputs, dict(order)
        self.database, self.letters, self.client, self.settings = database, letters, client, settings
        self.raw = inputs.raw.get(stream)
        self.types = inputs.types
        self.presence = presence or Presence()
        self.pull: Pull | Turns = turns or Pull(client, stream, durable, settings.batch)
        self.busy = 0  # batches in hand
        self._looked_at: set[UUID] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Consume until `stop`; the batch in hand is finished and acknowledged."""
        if isinstance(self.pull, Turns):
            await self.pull.run(self._take)
            return
        async for batch in self.pull.batches():
            await self._take(batch)

    async def _take(self, batch: Sequence[Msg]) -> None:
        self.busy += 1
        try:
            await self.process(batch)
        finally:
            self.busy -= 1

    def stop(self) -> None:
        """End after the batch in hand; a batch that waits for the infrastructure is given up and delivered again."""
        self._stopping.set()
        self.pull.stop()

    async def process(self, batch: Sequence[Msg]) -> None:
        """Take one batch, in smaller steps while somebody waits for an answer of this service.

        What comes again is taken apart from the rest: it may fail again, and the rest would have to be decided twice for it.
        """
        again = [message for message in batch if message.metadata.num_delivered > 1]
        rest = [message for message in batch if message.metadata.num_delivered == 1] if again else batch
        while (rest or again) and not self._stopping.is_set():
            if not rest:
                rest, again = again, []
            most = STEP if self.presence.somebody else len(rest)
            await self._step(rest[:most])
            rest = rest[most:]

    async def _step(self, batch: Sequence[Msg]) -> None:
        """Read messages, apply and acknowledge them; set aside what cannot be read."""
        BATCH_SIZE.labels(self.service, self.durable).observe(len(batch))
        items: list[Item] = []
        for message in batch:
            try:
                items.append(Item(self._read(message), self.durable, message))
            except MalformedError as error:
                await self._set_aside_malformed(message, error)
        if items:
            await self._apply(items)

    def _read(self, message: Msg) -> Received[Any]:
        if self.raw is None:
            return read(message.headers, message.subject, message.data, self.types)
        metadata = message.metadata
        return read_raw(message.headers, message.subject, message.data, metadata.timestamp, metadata.sequence.stream)

    async def _apply(self, items: Sequence[Item]) -> None:
        """Apply items in one transaction; on failure do what its kind asks for."""
        delay = 0.05
        while not self._stopping.is_set():
            try:
                await self._commit(items)
            except Exception as error:  # noqa: BLE001 - every failure is one of three kinds
                fault = fault_of(error)
                if fault is Fault.MESSAGE:
                    log.warning("message_failed", durable=self.durable, error=type(error).__name__, events=len(items))
                    await self._isolate(items, error)
                    return
                log.warning("batch_waits", durable=self.durable, fault=fault.value, error=type(error).__name__, events=len(items))
                await self._pause(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                delay = min(delay * 2, LONGEST_WAIT if fault is Fault.INFRASTRUCTURE else 1.0)
            else:
                await self._done(items)
                return

    async def _commit(self, items: Sequence[Item]) -> None:
        async with self.database.transaction() as tx:
            fresh = await tx.take([item.event for item in items])
            if self.raw is not None:
                if fresh:
                    await self.raw(fresh, tx)
            else:
                await self.inputs.dispatch(fresh, self.order, tx)
        CONSUMED.labels(self.service, self.durable).inc(len(fresh))
        REPEATED.labels(self.service, self.durable).inc(len(items) - len(fresh))

    async def _done(self, items: Sequence[Item]) -> None:
        """Everything of these is committed: forget their failures, erase what must not stay, acknowledge."""
        crash.point("after_commit_before_ack")
        if failed := [item.letter for item in items if item.again or self.letters.failing]:
            await self._persist(self.letters.heal(failed))
        messages = [item.message for item in items if item.message is not None]
        if self.raw is not None:
            messages = await self._erase(messages)
        for message in messages:
            await self.client.publish(message.reply, b"+ACK")

    async def _erase(self, messages: Sequence[Msg]) -> list[Msg]:
        """Erase messages from the stream; those that are gone. The others are delivered again, and erased then."""
        gate = asyncio.Semaphore(ERASE_AT_ONCE)
        js = self.client.jetstream(timeout=5)

        async def erase(message: Msg) -> Msg | None:
            async with gate:
                try:
                    await js.delete_msg(self.stream, message.metadata.sequence.stream)
                except Exception as error:  # noqa: BLE001 - also when it is gone already
                    if getattr(error, "err_code", None) not in {10043, 10057, 10059}:
                        log.warning("erase_failed", stream=self.stream, error=type(error).__name__)
                        return None
                return message

        erased = await asyncio.gather(*(erase(message) for message in messages))
        return [message for message in erased if message is not None]

    async def _isolate(self, items: Sequence[Item], error: Exception) -> None:
        """Halve the batch until the message at fault stands alone; count its failure, and let it come again later or set it aside."""
        if len(items) > 1:
            middle = len(items) // 2
            await self._apply(items[:middle])
            await self._apply(items[middle:])
            return
        item = items[0]
        if item.message is None:
            raise error
        reason = f"{type(error).__name__} at {_place(error)}"
        counted = await self._persist(self.letters.count(item.message, self.durable, reason, self.settings.message_attempts))
        if counted is None:
            return
        attempts, aside = counted
        if aside:
            await self._finish_aside(item.message)
        else:
            delay = min(self.settings.retry_base * 2 ** (attempts - 1), self.settings.retry_limit)
            await item.message.nak(delay=delay)

    async def _set_aside_malformed(self, message: Msg, error: MalformedError) -> None:
        """What cannot be read is not tried again, but kept: a newer release, or an operator, may read it."""
        if await self._persist(self.letters.count(message, self.durable, f"{error.field}: {error.rule}", 1)) is not None:
            await self._finish_aside(message)

    async def _finish_aside(self, message: Msg) -> None:
        SET_ASIDE.labels(self.service, self.durable).inc()
        log.error("set_aside", durable=self.durable, route=message.subject)
        if self.raw is None or await self._erase([message]):
            await self.client.publish(message.reply, b"+ACK")

    async def _persist(self, work: Any) -> Any:
        """Await a small write; None if the infrastructure is away, and then the message simply comes again."""
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - the message is not acknowledged, so nothing is lost
            log.warning("bookkeeping_failed", durable=self.durable, error=type(error).__name__)
            return None

    async def take_up(self, messages: Sequence[Msg]) -> int:
        """Take messages that the durable counts as done and the inbox does not know, through the same gate; how many events that were.

        They are not acknowledged, for nobody waits for that; one that fails is set aside, where an operator sees it. Raises what the
        infrastructure does.
        """
        found = 0
        for message in messages:
            try:
                await self._apply([Item(self._read(message), self.durable, None, identity_of(message, self.durable))])
                found += 1
            except Exception as error:  # noqa: BLE001 - the next ones are taken all the same
                await self.letters.count(message, self.durable, _reason(error), 1)
                SET_ASIDE.labels(self.service, self.durable).inc()
        return found

    async def redrive(self) -> int:
        """Drive the letters of this durable that an operator asked for, or another release could not read, through the same gate; how many went through."""
        healed = 0
        for letter in [*await self.letters.asked(self.types), *await self._readable_now()]:
            if letter.durable != self.durable or letter.stream != self.stream:
                continue
            headers, body = self.letters.opened(letter)
            try:
                if self.raw is None:
                    event = read(headers, letter.route, body, self.types)
                else:
                    event = read_raw(headers, letter.route, body, stored_at(letter), letter.sequence)
                await self._apply([Item(event, self.durable, None, letter.id)])
                healed += 1
            except Exception as error:  # noqa: BLE001 - it stays set aside, with the newest reason
                await self._keep(letter.id, error)
        return healed

    async def _readable_now(self) -> list[Row[Any]]:
        """Letters that were set aside for a code that this release knows; each is looked at once, for a process stays the release that it is."""
        if self.raw is not None:
            return []
        found = await self.letters.of_unknown_codes(self.stream, self.durable, self._looked_at)
        self._looked_at |= {letter.id for letter in found}
        return [letter for letter in found if self._readable(letter)]

    def _readable(self, letter: Row[Any]) -> bool:
        headers, body = self.letters.opened(letter)
        try:
            read(headers, letter.route, body, self.types)
        except MalformedError:
            return False
        return True

    async def _keep(self, letter: UUID, error: Exception) -> None:
        await self.letters.keep(letter, _reason(error))

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def _reason(error: Exception) -> str:
    return f"{error.field}: {error.rule}" if isinstance(error, MalformedError) else f"{type(error).__name__} at {_place(error)}"


def _place(error: BaseException) -> str:
    """Where an error was raised, as file and line; its values stay out of the record."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}"
