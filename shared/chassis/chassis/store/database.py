"""The service's store: its engine, and transactions whose facts reach the relay once they are committed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from chassis import crash
from chassis.envelope import Emitted
from chassis.settings import Settings
from chassis.store.failures import ClosedStoreError
from chassis.store.transaction import Transaction
from chassis.web.identity import Principal

R = TypeVar("R")


def create_engine(url: str, pool: int, schema: str | None = None) -> AsyncEngine:
    """An engine for `postgresql://...`; prepared statements are cached, connections proved only when they fail.

    With a `schema` it sees nothing but that one, is patient, and its commits do not wait for the disk: it is for what can be made again.
    """
    apart = {} if schema is None else {"search_path": schema, "synchronous_commit": "off"}
    patience = {"timeout": 5, "command_timeout": 60} if schema is None else {"timeout": 60, "command_timeout": 1800}
    return create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=10,
        pool_recycle=1800,
        connect_args=patience | {"server_settings": {"application_name": "naungan", "jit": "off", "max_parallel_workers_per_gather": "0"} | apart},
    )


class Database:
    """One store. `on_commit` hears of each commit: the facts stated in it, and the earliest clock set."""

    def __init__(self, settings: Settings, source: str) -> None:
        self.settings = settings
        self.source = source
        self.engine = create_engine(settings.database_url.get_secret_value(), settings.pool)
        self.on_commit: Callable[[list[Emitted], datetime | None], None] = lambda _sent, _due: None
        self.skew = timedelta(0)
        self.closed = False
        self._epoch: int | None = None

    async def epoch(self) -> int:
        """The store's epoch, read once: it only changes while the service is stopped."""
        if self._epoch is None:
            async with self.engine.connect() as connection:
                self._epoch = (await connection.execute(text("SELECT epoch FROM store_epoch"))).scalar_one()
        return self._epoch

    async def restored(self) -> bool:
        """Whether the store was put back from a backup and its recovery is not done yet."""
        async with self.engine.connect() as connection:
            return bool((await connection.execute(text("SELECT state <> 'open' FROM store_epoch"))).scalar_one())

    @asynccontextmanager
    async def transaction(self, principal: Principal | None = None, *, recovering: bool = False) -> AsyncIterator[Transaction]:
        """Open a transaction; commit it, outbox included, when the block ends without an error.

        Raises ClosedStoreError while the store is closed, but for its recovery.
        """
        if self.closed and not recovering:
            raise ClosedStoreError
        epoch = await self.epoch()
        async with self.engine.begin() as connection:
            tx = Transaction(connection, source=self.source, epoch=epoch, settings=self.settings, skew=self.skew, principal=principal)
            yield tx
            await tx.flush()
            crash.point("before_commit")
        for count in tx.counted:
            count()
        if tx.sent:
            crash.point("after_commit_before_publish")
        if tx.sent or tx.next_due:
            self.on_commit(tx.sent, tx.next_due)

    async def run(self, work: Callable[[Transaction], Awaitable[R]]) -> R:
        """Do one piece of work in a transaction of its own."""
        async with self.transaction() as tx:
            await tx.start()
            return await work(tx)

    async def ping(self) -> None:
        """Raise unless the database answers."""
        async with self.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()
