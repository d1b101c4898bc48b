"""Brings a restored store up to date with what the streams hold, before it serves again.

Own facts that the store lost go back into the outbox, and the service learns its state from them again or leaves them to people; then
others' facts that the inbox lacks are taken as if they had just come. Everything may be done again after a crash: what is put back is
not lost any more, and the inbox stops what was taken.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, ClassVar
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter
from sqlalchemy import text

from chassis.bus.dead_letters import DeadLetters
from chassis.bus.history import read_stream
from chassis.bus.watch import durable_of
from chassis.envelope import Cause, Fact, MalformedError, Received, read
from chassis.inputs import Inputs
from chassis.store.database import Database
from chassis.store.failures import Fault, fault_of
from chassis.store.transaction import Transaction

log = structlog.get_logger()

RELEARNT = Counter("naungan_facts_relearnt", "Own facts that a restored store had lost and the streams held", ["service"])

BATCH = 500
TRIES = 5
LEADER = text("SELECT pg_try_advisory_xact_lock(hashtext('naungan recovery'))")
EPOCHS = text("SELECT epoch, coalesce(lost_epoch, epoch) AS lost FROM store_epoch")
OPEN = text("UPDATE store_epoch SET state = 'open', lost_epoch = NULL")
KEPT = text("SELECT id FROM outbox WHERE id = ANY(CAST(:ids AS uuid[]))")
TAKEN = text("SELECT event_id FROM inbox WHERE event_id = ANY(CAST(:ids AS uuid[]))")
# The stream holds them, so they are confirmed, whatever the backup remembers.
CONFIRM = text("DELETE FROM outbox_pending WHERE id = ANY(CAST(:ids AS uuid[]))")
PUT_BACK = text("""
    WITH kept AS (
        INSERT INTO outbox (id, type, stream, route, subject, time, factversion, correlation, causation, trace, body)
        SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:streams AS text[]), CAST(:routes AS text[]),
            CAST(:subjects AS uuid[]), CAST(:times AS timestamptz[]), CAST(:factversions AS bigint[]), CAST(:correlations AS text[]),
            CAST(:causations AS text[]), CAST(:traces AS text[]), CAST(:bodies AS bytea[]))
        ON CONFLICT DO NOTHING RETURNING subject, factversion)
    INSERT INTO anchor (subject, factversion) SELECT subject, max(factversion) FROM kept GROUP BY subject ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET factversion = greatest(anchor.factversion, excluded.factversion)""")
ASK = text("""
    INSERT INTO recovery_task (event_id, missing, type, subject)
    SELECT * FROM unnest(CAST(:events AS uuid[]), CAST(:missing AS text[]), CAST(:types AS text[]), CAST(:subjects AS uuid[]))
    ON CONFLICT DO NOTHING""")


@dataclass(frozen=True, slots=True)
class Lost:
    """What a restored store lost, each in the order in which it was said: `own` facts, and `others` that it may have taken or not.

    `epoch` is that in which the store lost them, by which ids that it gave then can be found again.
    """

    own: tuple[Received[Any], ...]
    others: tuple[Received[Any], ...]
    epoch: int = 1


@dataclass(frozen=True, slots=True)
class Unlearnt:
    """What cannot be learnt again from a fact, as a code for people: the fact, and what is missing."""

    event: Received[Any]
    missing: str


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What a store keeps and no fact tells of, so that nobody knows whether it changed: what people look at, as a code, and of which subject."""

    subject: UUID
    missing: str


Relearn = Callable[[Lost, Transaction], Awaitable[Sequence[Unlearnt]]]
Untold = Callable[[Transaction], Awaitable[Sequence[Unsaid]]]


@dataclass(frozen=True, slots=True)
class Found:
    """A message of a stream that the store lacks, and the fact in it."""

    stream: str
    event: Received[Any]
    message: Msg = field(repr=False)


@dataclass(slots=True)
class Finds:
    """All that the store lacks; `unreadable` are own facts of types that this release does not know, `malformed` others' with the reason."""

    own: dict[UUID, Found] = field(default_factory=dict)
    others: dict[UUID, Found] = field(default_factory=dict)
    unreadable: dict[UUID, Found] = field(default_factory=dict)
    malformed: list[tuple[str, Msg, str]] = field(default_factory=list)


@dataclass
class Recovery:
    """The recovery of one service's store; `says` are its own facts by type, `relearn` makes state of them (but of its `seal`s of the audit log, which
    teach nothing), `untold` names what no fact holds; `before_opening` is done when all that was learnt is in the store and nobody is served yet.
    """

    database: Database
    client: Client
    service: str
    inputs: Inputs
    order: Mapping[str, int]
    said_on: Mapping[str, Sequence[str]]
    durables: Sequence[tuple[str, str]]
    says: Mapping[str, type[Fact]]
    letters: DeadLetters
    relearn: Relearn | None = None
    untold: Untold | None = None
    seal: type[Fact] | None = None
    before_opening: Callable[[], Awaitable[None]] | None = None

    async def run(self) -> bool:
        """Recover and open the store; False when another replica is at it. Raises what store or bus raise: then run it again."""
        async with self.database.engine.connect() as leading:
            if not (await leading.execute(LEADER)).scalar_one():
                return False
            if not await self.database.restored():
                return True
            finds = Finds()
            for stream in self._streams():
                await self._look(stream, finds)
            epoch, lost = (await leading.execute(EPOCHS)).one()
            await self._keep_unreadable(list(finds.unreadable.values()))
            for stream, message, reason in finds.malformed:
                await self._set_aside(stream, message, reason)
            own, others = sorted(finds.own.values(), key=_said), sorted(finds.others.values(), key=_said)
            await self._learn(own, others, epoch, lost)
            await self._take(others)
            await self._list_untold(epoch)
            if self.before_opening is not None:
                await self.before_opening()
            async with self.database.engine.begin() as connection:
                await connection.execute(OPEN)
        RELEARNT.labels(self.service).inc(len(own))
        log.warning("store_recovered", service=self.service, events=len(own) + len(finds.unreadable), count=len(others))
        return True

    # -- looking ----------------------------------------------------------------------------------------------------------------------

    def _streams(self) -> list[str]:
        """The streams that the service fills or follows; outsiders' messages are erased once they are taken, so none is looked for."""
        followed = [stream for stream, _ in self.durables if stream not in self.inputs.raw]
        return list(dict.fromkeys([*self.said_on, *followed]))

    async def _look(self, stream: str, finds: Finds) -> None:
        own, types = tuple(subject.removesuffix(">") for subject in self.said_on.get(stream, ())), self.inputs.types
        async for batch in read_stream(self.client, stream, (), who=f"recovery-{self.service}"):
            mine: dict[UUID, Msg] = {}
            theirs: dict[UUID, Msg] = {}
            for message in batch:
                headers = message.headers or {}
                with contextlib.suppress(ValueError):
                    identity = UUID(headers.get("ce-id", ""))
                    if own and message.subject.startswith(own) and headers.get("ce-source") == self.service:
                        mine[identity] = message
                    elif headers.get("ce-type") in types:
                        theirs[identity] = message
            async with self.database.engine.begin() as connection:
                await connection.execute(CONFIRM, {"ids": list(mine)})
                kept = set((await connection.execute(KEPT, {"ids": list(mine)})).scalars())
                taken = set((await connection.execute(TAKEN, {"ids": list(theirs)})).scalars())
            self._sort(stream, {i: m for i, m in mine.items() if i not in kept}, {i: m for i, m in theirs.items() if i not in taken}, finds)

    def _sort(self, stream: str, mine: Mapping[UUID, Msg], theirs: Mapping[UUID, Msg], finds: Finds) -> None:
        for identity, message in mine.items():
            try:
                finds.own[identity] = Found(stream, read(message.headers, message.subject, message.data, self.says), message)
            except MalformedError:
                event = read(message.headers, message.subject, message.data, _Anything())
                finds.unreadable[identity] = Found(stream, event, message)
        for identity, message in theirs.items():
            try:
                finds.others[identity] = Found(stream, read(message.headers, message.subject, message.data, self.inputs.types), message)
            except MalformedError as error:
                finds.malformed.append((stream, message, f"{error.field}: {error.rule}"))

    # -- own facts ----------------------------------------------------------------------------------------------------------------------

    async def _keep_unreadable(self, found: Sequence[Found]) -> None:
        if not found:
            return
        async with self.database.transaction(recovering=True) as tx:
            await _put_back(tx, found)
            await _ask(tx, [Unlearnt(entry.event, "unknown_type") for entry in found])

    async def _learn(self, own: Sequence[Found], others: Sequence[Found], epoch: int, lost: int) -> None:
        """Put own facts back and learn from them in one transaction; where that fails by itself, by halves, until one matter stands alone."""
        if not own and not others:
            return

        async def learn(tx: Transaction) -> None:
            await tx.start()
            tx.caused_by(Cause(f"recovery|{epoch}", tx.now, ""))
            await _put_back(tx, own)
            if self.relearn is not None:
                taught = [entry.event for entry in own if self.seal is None or not isinstance(entry.event.data, self.seal)]
                events = Lost(tuple(taught), tuple(entry.event for entry in others), lost)
                await _ask(tx, await self.relearn(events, tx))
            else:
                await _ask(tx, [Unlearnt(entry.event, "not_relearnt") for entry in own])

        if (failed := await self._failure_of(learn)) is not None:
            await self._by_halves(own, others, epoch, lost, failed)

    async def _failure_of(self, work: Callable[[Transaction], Awaitable[None]]) -> Exception | None:
        """Do this in a transaction, again after a conflict; why it could not be done, or None. Raises what the infrastructure does."""
        failed: Exception | None = None
        for _ in range(TRIES):
            try:
                async with self.database.transaction(recovering=True) as tx:
                    await work(tx)
            except Exception as error:
                fault = fault_of(error)
                if fault is Fault.INFRASTRUCTURE:
                    raise
                failed = error
                if fault is Fault.MESSAGE:
                    break
                await asyncio.sleep(0.1)
            else:
                return None
        return failed

    async def _by_halves(self, own: Sequence[Found], others: Sequence[Found], epoch: int, lost: int, failed: Exception) -> None:
        matters = _matters([*own, *others])
        names = list(dict.fromkeys(matters.values()))
        if len(names) > 1:
            for half in (set(names[: len(names) // 2]), set(names[len(names) // 2 :])):
                await self._learn(
                    [entry for entry in own if matters[entry.event.id] in half],
                    [entry for entry in others if matters[entry.event.id] in half],
                    epoch,
                    lost,
                )
            return
        log.error("not_relearnt", service=self.service, error=type(failed).__name__, events=len(own))
        async with self.database.transaction(recovering=True) as tx:
            await _put_back(tx, own)
            await _ask(tx, [Unlearnt(entry.event, f"not_applied:{type(failed).__name__}") for entry in own])

    async def _list_untold(self, epoch: int) -> None:
        """List what no fact holds, each once per restore, whatever was lost and even if nothing seems to be."""
        if self.untold is None:
            return
        async with self.database.transaction(recovering=True) as tx:
            await tx.start()
            named = {uuid5(NAMESPACE_URL, f"naungan:recovery:{epoch}:{e.missing}:{e.subject}"): e for e in await self.untold(tx)}
            columns = {"missing": [e.missing for e in named.values()], "subjects": [e.subject for e in named.values()]}
            await tx.execute(ASK, columns | {"events": list(named), "types": ["store_restored"] * len(named)})

    # -- others' facts --------------------------------------------------------------------------------------------------------------------

    async def _take(self, others: Sequence[Found]) -> None:
        """Take others' facts through the inbox, as if they had just been delivered."""
        for start in range(0, len(others), BATCH):
            await self._apply(others[start : start + BATCH])

    async def _apply(self, batch: Sequence[Found]) -> None:
        async def take(tx: Transaction) -> None:
            fresh = await tx.take([entry.event for entry in batch])
            await self.inputs.dispatch(fresh, dict(self.order), tx)

        if (failed := await self._failure_of(take)) is None:
            return
        if len(batch) > 1:
            await self._apply(batch[: len(batch) // 2])
            await self._apply(batch[len(batch) // 2 :])
            return
        await self._set_aside(batch[0].stream, batch[0].message, f"{type(failed).__name__} in recovery")

    async def _set_aside(self, stream: str, message: Msg, reason: str) -> None:
        """The same end as that of a message that fails by itself when it is delivered: it can be driven again."""
        durable = await self._durable(stream, message.subject)
        await self.letters.count(message, durable, reason, 1)

    async def _durable(self, stream: str, subject: str) -> str:
        """The durable that delivers a subject, or would if it were there."""
        names = [name for followed, name in self.durables if followed == stream]
        for name in names:
            found = await durable_of(self.client, stream, name)
            if found is not None and subject in found.subjects:
                return name
        return names[0]


class _Anything(dict[str, type[Fact]]):
    """Contracts for facts whose body nobody here can read."""

    def get(self, key: str, default: Any = None) -> Any:
        """A contract that takes every body as it is."""
        del key, default
        return _Opaque


class _Opaque:
    """A fact of which only the envelope is known."""

    earlier: ClassVar[tuple[type[Fact], ...]] = ()

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> bytes:
        """The body as it is."""
        return json_data


def _said(entry: Found) -> tuple[Any, ...]:
    return entry.event.time, entry.event.factversion, entry.event.id


def _matters(found: Iterable[Found]) -> dict[UUID, str]:
    """Which facts belong together (event id to a common name): those of one subject, and those that one cause led to."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    entries = list(found)
    for entry in entries:
        event = entry.event
        for other in (str(event.subject), event.causation):
            if other:
                parent[root(other)] = root(str(event.id))
    return {entry.event.id: root(str(entry.event.id)) for entry in entries}


async def _put_back(tx: Transaction, found: Sequence[Found]) -> None:
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        events = [entry.event for entry in part]
        await tx.execute(
            PUT_BACK,
            {
                "ids": [event.id for event in events],
                "types": [event.type for event in events],
                "streams": [entry.stream for entry in part],
                "routes": [event.route for event in events],
                "subjects": [event.subject for event in events],
                "times": [event.time.astimezone(UTC) for event in events],
                "factversions": [event.factversion for event in events],
                "correlations": [event.correlation for event in events],
                "causations": [event.causation for event in events],
                "traces": [event.trace for event in events],
                "bodies": [event.body for event in events],
            },
        )


async def _ask(tx: Transaction, unlearnt: Sequence[Unlearnt]) -> None:
    if unlearnt:
        await tx.execute(
            ASK,
            {
                "events": [entry.event.id for entry in unlearnt],
                "missing": [entry.missing for entry in unlearnt],
                "types": [entry.event.type for entry in unlearnt],
                "subjects": [entry.event.subject for entry in unlearnt],
            },
        )
