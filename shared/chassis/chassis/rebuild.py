"""Makes a service's projections again from the stream, in a shadow, and compares or repairs the store by them while the service runs.

Only events that the store has taken are replayed. The last look is taken under `LOCK TABLE inbox IN SHARE MODE`: whoever takes events
waits for a moment, whoever took some has committed, and what was taken meanwhile is replayed before anything is compared. The lock
covers only what is suspicious or new, so its length does not grow with the store.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import structlog
from nats.aio.client import Client
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from chassis.bus.history import id_of, read_stream
from chassis.envelope import Cause, MalformedError, Received, read
from chassis.inputs import Inputs
from chassis.settings import Settings
from chassis.store.database import Database
from chassis.store.projection import Projection
from chassis.store.shadow import Shadow, ShadowError, shadow_of
from chassis.store.transaction import Transaction

log = structlog.get_logger()

NEAR = 100  # so few events behind, the last look is taken
ROUNDS = 20
AT_ONCE = 500  # subjects that are repaired under one lock
SHOWN = 5
LOCK_TRIES = 30
LOCK_NOT_AVAILABLE = "55P03"
TAKEN = 'SELECT event_id FROM "{0}".inbox WHERE event_id = ANY(CAST(:ids AS uuid[]))'
# A message from outside has no subject, and its sender may have written any type on it.
LACKING = """
    SELECT l.event_id, l.subject FROM "{0}".inbox l WHERE l.type = ANY(CAST(:types AS text[])) AND l.subject <> CAST(:nowhere AS uuid)
    AND NOT EXISTS (SELECT FROM "{1}".inbox s WHERE s.event_id = l.event_id)"""
STILL = text("LOCK TABLE inbox IN SHARE MODE")
PATIENCE = text("SET LOCAL lock_timeout = '2s'")
Stand = Callable[[Transaction, Collection[UUID]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Replayable:
    """What it takes to replay a service: its handlers and the subjects they read, its migrations, what it declares as projections.

    `stand` derives again, in the live store, what hangs on the projections of some subjects; it is called after their repair.
    """

    service: str
    settings: Settings
    inputs: Inputs
    order: Mapping[str, int]
    stream: str
    subjects: Sequence[str]
    migrations: Path
    projections: Sequence[Projection]
    stand: Stand | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """How one projection differs from what the events say, in rows; a few of the subjects, and never a value."""

    table: str
    columns: tuple[str, ...]
    lost: int
    unexplained: int
    changed: int
    subjects: tuple[UUID, ...]

    @property
    def rows(self) -> int:
        """All rows that differ."""
        return self.lost + self.unexplained + self.changed


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of a comparison. `lacking` events were taken by the store and are not in the stream: their subjects were left alone."""

    service: str
    replayed: int
    differences: tuple[Difference, ...]
    lacking: int
    lacking_ids: tuple[UUID, ...]

    @property
    def clean(self) -> bool:
        """Whether the projections are what the events say; of subjects with lacking events nothing is known."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found and put right, and what is left after it."""

    repaired: tuple[Difference, ...]
    after: Comparison


async def compare(what: Replayable, client: Client) -> Comparison:
    """Compare a store's projections with what the stream says, while its service runs or not; nothing is changed.

    Raises ShadowError when another comparison runs, or the store is not at this release's schema.
    """
    async with _opened(what, client) as run:
        suspects = await run.suspects()
        async with run.standing_still():
            return await run.judge(suspects)


async def rebuild(what: Replayable, client: Client) -> Rebuilt:
    """Write the projections back where they differ from what the stream says, while the service runs or not.

    Nothing else of the store changes but what the service's `stand` derives from them. Raises ShadowError as `compare` does.
    """
    async with _opened(what, client) as run:
        suspects = sorted(await run.suspects())
        repaired: dict[int, list[Row[Any]]] = {}
        for start in range(0, len(suspects), AT_ONCE):
            await run.catch_up()
            async with run.standing_still() as tx:
                for place, rows in (await run.repair(tx, suspects[start : start + AT_ONCE])).items():
                    repaired.setdefault(place, []).extend(rows)
        async with run.standing_still():
            after = await run.judge(set(suspects))
        return Rebuilt(tuple(_summary(what.projections[place], rows) for place, rows in sorted(repaired.items())), after)


@contextlib.asynccontextmanager
async def _opened(what: Replayable, client: Client) -> "AsyncIterator[_Run]":
    url = what.settings.database_url.get_secret_value()
    database = Database(what.settings, what.service)
    try:
        async with shadow_of(url, what.migrations, what.settings, what.service) as shadow:
            run = _Run(what, client, database, shadow)
            for _ in range(ROUNDS):
                if await run.catch_up() < NEAR:
                    break
            yield run
    finally:
        await database.close()


class _Run:
    """One comparison or rebuild: how far the stream is read, and what of it the store had not taken then."""

    def __init__(self, what: Replayable, client: Client, database: Database, shadow: Shadow) -> None:
        self.what, self.client, self.database, self.shadow = what, client, database, shadow
        self.replayed = 0
        self._read_to = 0
        self._untaken: dict[UUID, int] = {}
        # Subjects of events that were replayed after the store was looked through for differences.
        self._touched: set[UUID] = set()

    async def catch_up(self) -> int:
        """Replay what the store has taken and the shadow has not; how many events that were."""
        late = await self._taken(list(self._untaken))
        start = min([self._untaken[identity] for identity in late] + [self._read_to + 1])
        replayed = 0
        reading = read_stream(self.client, self.what.stream, self.what.subjects, who=f"replay-{self.what.service}", start=start)
        async with contextlib.aclosing(reading) as batches:
            async for batch in batches:
                found = {identity: message for message in batch if (identity := id_of(message))}
                taken = await self._taken(list(found))
                events: list[Received[Any]] = []
                for identity, message in found.items():
                    if identity in taken:
                        self._untaken.pop(identity, None)
                        with contextlib.suppress(MalformedError):
                            events.append(read(message.headers, message.subject, message.data, self.what.inputs.types))
                    else:
                        self._untaken[identity] = message.metadata.sequence.stream
                fresh = await self.shadow.replay(events, self.what.inputs, self.what.order) if events else []
                self._touched |= {event.subject for event in fresh}
                replayed += len(fresh)
                self._read_to = max(self._read_to, batch[-1].metadata.sequence.stream)
        self.replayed += replayed
        return replayed

    async def _taken(self, ids: Sequence[UUID]) -> set[UUID]:
        """Those of these events that the store has taken."""
        found: set[UUID] = set()
        async with self.shadow.engine.connect() as connection:
            for start in range(0, len(ids), 10_000):
                part = ids[start : start + 10_000]
                found |= set((await connection.execute(text(TAKEN.format(self.shadow.live)), {"ids": part})).scalars())
        return found

    async def suspects(self) -> set[UUID]:
        """The subjects of rows that seem to differ: also those of which an event is on its way just now."""
        self._touched = set()
        found: set[UUID] = set()
        async with self.shadow.engine.connect() as connection:
            for projection in self.what.projections:
                found |= {row.subject for row in await self._differing(connection, projection, None)}
        return found

    @contextlib.asynccontextmanager
    async def standing_still(self) -> AsyncIterator[Transaction]:
        """A transaction in which nobody takes events, and the shadow has replayed everything that was taken."""
        for attempt in range(1, LOCK_TRIES + 1):
            async with contextlib.AsyncExitStack() as stack:
                tx = await stack.enter_async_context(self.database.transaction())
                await tx.start()
                await tx.execute(PATIENCE)
                try:
                    await tx.execute(STILL)
                except DBAPIError as error:
                    # Waiting longer would let everybody who takes events wait behind us.
                    if getattr(error.orig, "sqlstate", "") != LOCK_NOT_AVAILABLE or attempt == LOCK_TRIES:
                        raise
                    await tx.connection.rollback()
                    continue
                await self.catch_up()
                yield tx
                return

    async def judge(self, subjects: set[UUID]) -> Comparison:
        """Compare these subjects and those of events that came since; only while nobody takes events."""
        lacking = await self._lacking()
        found: list[Difference] = []
        async with self.shadow.engine.connect() as connection:
            for projection in self.what.projections:
                rows = await self._differing(connection, projection, (subjects | self._touched) - set(lacking.values()))
                if rows:
                    found.append(_summary(projection, rows))
        return Comparison(self.what.service, self.replayed, tuple(found), len(lacking), tuple(sorted(lacking)[:SHOWN]))

    async def repair(self, tx: Transaction, subjects: Sequence[UUID]) -> dict[int, list[Row[Any]]]:
        """Write these subjects' projections back where they differ; the rows that were repaired, by the place of the projection."""
        left_alone = set((await self._lacking()).values())
        wanted = set(subjects) - left_alone
        different: set[UUID] = set()
        for projection in self.what.projections:
            different |= {row.subject for row in await self._differing(tx.connection, projection, wanted)}
        if not different:
            return {}
        # As everybody does who writes a subject's rows: first the lock, then a fresh look.
        tx.caused_by(Cause(f"rebuild|{uuid4()}", tx.now, ""))
        await tx.lock(different)
        repaired: dict[int, list[Row[Any]]] = {}
        for place, projection in enumerate(self.what.projections):
            if rows := await self._differing(tx.connection, projection, different):
                repaired[place] = rows
                await self._write(tx, projection, rows)
        if self.what.stand is not None:
            await self.what.stand(tx, different)
        log.warning("projections_repaired", service=self.what.service, subjects=len(different))
        return repaired

    async def _write(self, tx: Transaction, projection: Projection, rows: Sequence[Row[Any]]) -> None:
        told = [{**projection.blank, **row.key, **row.told} for row in rows if row.told is not None]
        untold = [{**projection.blank, **row.key} for row in rows if row.told is None]
        if projection.resettable:
            told += untold
        elif untold:
            await tx.execute(text(projection.erase(self.shadow.live)), {"rows": json.dumps(untold)})
        if told:
            await tx.execute(text(projection.write(self.shadow.live)), {"rows": json.dumps(told)})

    async def _differing(self, connection: AsyncConnection, projection: Projection, subjects: set[UUID] | None) -> list[Row[Any]]:
        statement = text(projection.differing(self.shadow.live, self.shadow.schema))
        return list((await connection.execute(statement, {"subjects": None if subjects is None else sorted(subjects)})).all())

    async def _lacking(self) -> dict[UUID, UUID]:
        """Events that the store has taken and the stream does not have (or nobody can take any more): their subjects, by id."""
        statement = text(LACKING.format(self.shadow.live, self.shadow.schema))
        types = [name for name, kind in self.what.inputs.types.items() if kind.stream == self.what.stream]
        parameters = {"types": types, "nowhere": UUID(int=0)}
        async with self.shadow.engine.connect() as connection:
            return {row.event_id: row.subject for row in (await connection.execute(statement, parameters)).all()}


def _summary(projection: Projection, rows: Sequence[Row[Any]]) -> Difference:
    lost = sum(bool(row.lost) for row in rows)
    unexplained = sum(row.told is None for row in rows)
    subjects = tuple(sorted({row.subject for row in rows})[:SHOWN])
    return Difference(projection.table, projection.columns, lost, unexplained, len(rows) - lost - unexplained, subjects)


__all__ = ["Comparison", "Difference", "Rebuilt", "Replayable", "ShadowError", "Stand", "compare", "rebuild"]
