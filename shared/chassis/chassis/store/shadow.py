"""A second, empty copy of a store in a schema of its own, in which a service's handlers run unchanged and without effects."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import migrate
from chassis.envelope import Received
from chassis.inputs import Inputs
from chassis.settings import Settings
from chassis.store.database import create_engine
from chassis.store.failures import Fault, fault_of
from chassis.store.transaction import Transaction

log = structlog.get_logger()

PREFIX = "shadow_"
# Only one at a time, so that whoever has this lock may take away what a killed run left behind.
ALONE = text("SELECT pg_try_advisory_lock(hashtext('naungan shadow'))")
LEFTOVERS = text("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, :prefix)")
REVISION = text("SELECT version_num FROM alembic_version")


class ShadowError(Exception):
    """A shadow cannot be made now: another one is being used, or the store is not at this release's schema."""


class SilentTransaction(Transaction):
    """A transaction whose facts, clocks and audit rows are dropped."""

    async def flush(self) -> None:
        """Write nothing of what was emitted, set and audited: a replay has no effects."""


class Shadow:
    """The copy: `live` is the schema of the store itself, `schema` that of the copy."""

    def __init__(self, engine: AsyncEngine, live: str, schema: str, settings: Settings, source: str) -> None:
        self.engine, self.live, self.schema = engine, live, schema
        self.settings, self.source = settings, source

    async def replay(self, events: Sequence[Received[Any]], inputs: Inputs, order: Mapping[str, int]) -> list[Received[Any]]:
        """Let the service's handlers take these events; those that were taken, without the ones that were before.

        An event that cannot be taken is left out; so it is missing in the shadow's inbox, where the comparison sees it.
        """
        try:
            async with self.engine.begin() as connection:
                tx = SilentTransaction(connection, source=self.source, epoch=1, settings=self.settings, skew=timedelta(0), principal=None)
                fresh = await tx.take(events)
                await inputs.dispatch(fresh, dict(order), tx)
        except Exception as error:
            if fault_of(error) is not Fault.MESSAGE:
                raise
            if len(events) == 1:
                log.warning("replay_failed", service=self.source, type=events[0].type, error=type(error).__name__)
                return []
            middle = len(events) // 2
            return [*await self.replay(events[:middle], inputs, order), *await self.replay(events[middle:], inputs, order)]
        return fresh


@contextlib.asynccontextmanager
async def shadow_of(url: str, migrations: Path, settings: Settings, source: str) -> AsyncIterator[Shadow]:
    """A fresh shadow of the store at `url`, made by its own migrations and dropped at the end.

    Raises ShadowError when another one is in use, or when the store's schema is not the one that these migrations lead to.
    """
    keeper = create_engine(url, 1)
    schema = f"{PREFIX}{uuid4().hex[:12]}"
    try:
        async with keeper.connect() as connection:
            if not (await connection.execute(ALONE)).scalar_one():
                message = "another comparison or rebuild of this store is running"
                raise ShadowError(message)
            found, head = (await connection.execute(REVISION)).scalar_one(), migrate.head(migrations)
            if found != head:
                message = f"the store is at schema revision {found}, this release at {head}: migrate it, or use its release"
                raise ShadowError(message)
            live = (await connection.execute(text("SELECT current_schema()"))).scalar_one()
            for leftover in (await connection.execute(LEFTOVERS, {"prefix": PREFIX})).scalars().all():
                await connection.execute(text(f'DROP SCHEMA "{leftover}" CASCADE'))
            await connection.execute(text(f'CREATE SCHEMA "{schema}"'))
            await connection.commit()
            engine = create_engine(url, 2, schema)
            try:
                await migrate.upgrade(url, migrations, schema=schema)
                yield Shadow(engine, live, schema, settings, source)
            finally:
                await engine.dispose()
                await connection.rollback()
                await connection.execute(text(f'DROP SCHEMA "{schema}" CASCADE'))
                await connection.commit()
    finally:
        await keeper.dispose()
