"""What every store forgets after some time: answers kept for repeated requests, set-aside messages of personal channels, orders of exports; and what a service names.
In small parts, on record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import TextClause, text

from chassis.settings import Settings
from chassis.store.audit import log_of
from chassis.store.database import Database
from chassis.store.transaction import Transaction
from chassis.web.identity import Principal

log = structlog.get_logger()

EVERY = 3600.0
CHUNK = 1000
SYSTEM = Principal(UUID(int=0), frozenset({"system"}), "")
TURN = text("SELECT pg_try_advisory_xact_lock(hashtext('naungan retention'))")
REQUESTS = text("DELETE FROM request WHERE ctid IN (SELECT ctid FROM request WHERE at < :before ORDER BY at LIMIT :most FOR UPDATE SKIP LOCKED)")
# Messages without personal data wait for an operator, however long: they are somebody's case.
LETTERS = text("DELETE FROM dead_letter WHERE id IN (SELECT id FROM dead_letter WHERE sealed AND set_aside_at < :before LIMIT :most)")
ORDERS = text("DELETE FROM export_order WHERE ctid IN (SELECT ctid FROM export_order WHERE until < :before LIMIT :most FOR UPDATE SKIP LOCKED)")
ANYTHING = text("""
    SELECT EXISTS (SELECT FROM request WHERE at < now() - make_interval(secs => 86400 * :requests))
        OR EXISTS (SELECT FROM dead_letter WHERE sealed AND set_aside_at < now() - make_interval(secs => 86400 * :letters))
        OR EXISTS (SELECT FROM export_order WHERE until < now())""")
# Lets at most so many rows of each kind go that a service has of its own, and says how many went, by kind.
Forget = Callable[[Transaction, int], Awaitable[Mapping[str, int]]]


class Retention:
    """The loop by which one store forgets, what every store has and what `forget` is for; of several replicas one does it at a time."""

    def __init__(self, database: Database, service: str, settings: Settings, forget: Forget | None = None) -> None:
        self.database, self.service, self.settings, self.forget = database, service, settings, forget

    async def run(self) -> None:
        """Look every hour, until cancelled."""
        while True:
            try:
                while await self.look() >= CHUNK:
                    await asyncio.sleep(0.1)
            except Exception as error:  # noqa: BLE001 - the store may be away; what is old stays old
                log.warning("retention_waits", service=self.service, error=type(error).__name__)
            await asyncio.sleep(EVERY)

    async def look(self) -> int:
        """Let one part go; how many rows of the largest kind went."""
        if self.forget is None and not await self._anything():
            return 0
        async with self.database.transaction() as tx:
            if not (await tx.execute(TURN)).scalar_one():
                return 0
            await tx.start()
            ages: dict[str, tuple[TextClause, float]] = {
                "requests": (REQUESTS, self.settings.request_days),
                "sealed_letters": (LETTERS, self.settings.sealed_letter_days),
                "export_orders": (ORDERS, 0),
            }
            counts = {
                name: (await tx.execute(kind, {"before": tx.now - timedelta(days=days), "most": CHUNK})).rowcount
                for name, (kind, days) in ages.items()
            }
            if self.forget is not None:
                counts |= await self.forget(tx, CHUNK)
            if any(counts.values()):
                tx.audit("retention_purged", log_of(self.service), [f"{name}={count}" for name, count in counts.items()], by=SYSTEM)
        return max(counts.values())

    async def _anything(self) -> bool:
        ages = {"requests": self.settings.request_days, "letters": self.settings.sealed_letter_days}
        async with self.database.engine.connect() as connection:
            return bool((await connection.execute(ANYTHING, ages)).scalar_one())
