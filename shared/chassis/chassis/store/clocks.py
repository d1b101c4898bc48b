"""Runs clocks that are due: rows of the store, claimed by any replica, each exactly once."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Counter
from sqlalchemy import text

from chassis.inputs import Due, Inputs
from chassis.store.database import Database
from chassis.store.failures import Fault, fault_of

log = structlog.get_logger()

FIRED = Counter("naungan_clocks_fired", "Clocks whose handler committed", ["service", "kind"])

MOST = 200
LONGEST_SLEEP = 1.0
PEEK = text("""
    SELECT id, kind, subject, key, due FROM clock
    WHERE due <= clock_timestamp() + make_interval(secs => :skew) AND kind = ANY(CAST(:kinds AS text[])) ORDER BY due LIMIT :most""")
CLAIM = text("""
    DELETE FROM clock WHERE (kind, subject, key) IN (
        SELECT c.kind, c.subject, c.key FROM clock c JOIN unnest(CAST(:ids AS uuid[])) AS due (id) ON c.id = due.id
        FOR UPDATE OF c SKIP LOCKED)
    RETURNING id""")
POSTPONE = text("""
    UPDATE clock SET attempts = attempts + 1, due = clock_timestamp() + make_interval(secs => least(300, power(2, attempts))) WHERE id = :id""")
NEXT = text("SELECT min(due) FROM clock WHERE kind = ANY(CAST(:kinds AS text[]))")


class Sleep:
    """The sleep of one loop until its next look: ended by what comes due before that, and by nothing else."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._until: datetime | None = None  # None while the loop is awake: it may have looked already

    async def wait(self, seconds: float) -> None:
        """Sleep for so long, or until woken."""
        self._until = datetime.now(UTC) + timedelta(seconds=seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)

    def wake_for(self, due: datetime) -> None:
        """Something is due then."""
        if self._until is None or due <= self._until:
            self._woken.set()

    def wake(self) -> None:
        """End the sleep, or the next one."""
        self._woken.set()

    def end(self) -> None:
        """The loop looks again."""
        self._until = None
        self._woken.clear()


class Clocks:
    """The due clocks of one store and their handlers."""

    def __init__(self, database: Database, service: str, inputs: Inputs) -> None:
        self.database, self.service = database, service
        self.handlers, self.beforehand, self.at_once = inputs.clocks, inputs.beforehand, inputs.at_once
        self._sleeps: list[Sleep] = []
        self._stopping = False

    def heard(self, due: datetime | None) -> None:
        """A commit set a clock; one that is not due before the next look, which is never far, wakes nobody."""
        if due is not None:
            for sleep in self._sleeps:
                sleep.wake_for(due - self.database.skew)

    async def run(self) -> None:
        """Fire clocks as they run out, until `stop`; a kind that takes long beforehand keeps no other waiting."""
        quick = [kind for kind in self.handlers if kind not in self.beforehand]
        loops = [kinds for kinds in (quick, *([kind] for kind in self.beforehand)) if kinds]
        self._sleeps = [Sleep() for _ in loops]
        await asyncio.gather(*(self._run(kinds, sleep) for kinds, sleep in zip(loops, self._sleeps, strict=True)))

    async def _run(self, kinds: Sequence[str], sleep: Sleep) -> None:
        while not self._stopping:
            try:
                fired = await self.fire(kinds)
                wait = 0.0 if fired else await self._until_next(kinds)
            except Exception as error:  # noqa: BLE001 - the database may be away; the clocks stay in it
                log.warning("clocks_wait", service=self.service, error=type(error).__name__)
                wait = LONGEST_SLEEP
            if wait > 0:
                await sleep.wait(wait)
            sleep.end()

    def stop(self) -> None:
        """End after the clocks in hand."""
        self._stopping = True
        for sleep in self._sleeps:
            sleep.wake()

    async def fire(self, kinds: Sequence[str] | None = None) -> int:
        """Run the handlers of all clocks (all, or of these kinds) that are due now; how many clocks were taken up."""
        kinds = list(self.handlers if kinds is None else kinds)
        parameters = {"skew": self.database.skew.total_seconds(), "kinds": kinds, "most": min(self.at_once.get(kind, MOST) for kind in kinds)}
        async with self.database.engine.connect() as connection:
            due = [Due(*row) for row in (await connection.execute(PEEK, parameters)).all()]
        for kind in dict.fromkeys(clock.kind for clock in due):
            await self._fire(kind, [clock for clock in due if clock.kind == kind])
        return len(due)

    async def _fire(self, kind: str, due: Sequence[Due]) -> None:
        """Run one kind's handler; halve on a clock's own failure, and postpone a clock that fails alone."""
        try:
            found = [await self.beforehand[kind](due, self.database.run)] if kind in self.beforehand else []
            async with self.database.transaction() as tx:
                await tx.start()
                await tx.lock(clock.subject for clock in due)
                claimed = {row.id for row in await tx.rows(CLAIM, {"ids": [clock.id for clock in due]})}
                mine = [clock for clock in due if clock.id in claimed]
                if mine:
                    tx.caused_by_clocks(mine)
                    await self.handlers[kind](mine, tx, *found)
            FIRED.labels(self.service, kind).inc(len(mine))
        except Exception as error:
            fault = fault_of(error)
            if fault is Fault.INFRASTRUCTURE:
                raise
            if fault is Fault.CONFLICT:
                await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - jitter
                return
            if len(due) > 1:
                middle = len(due) // 2
                await self._fire(kind, due[:middle])
                await self._fire(kind, due[middle:])
                return
            log.error("clock_failed", service=self.service, kind=kind, error=type(error).__name__)
            async with self.database.engine.begin() as connection:
                await connection.execute(POSTPONE, {"id": due[0].id})

    async def _until_next(self, kinds: Sequence[str]) -> float:
        async with self.database.engine.connect() as connection:
            due = (await connection.execute(NEXT, {"kinds": list(kinds)})).scalar_one()
        if due is None:
            return LONGEST_SLEEP
        wait: float = (due - self.database.skew - datetime.now(UTC)).total_seconds()
        return min(LONGEST_SLEEP, max(0.005, wait))
