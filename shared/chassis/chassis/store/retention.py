"""What every store forgets after some time: answers kept for repeated requests, set-aside messages of personal channels, orders of exports. In small parts, on record."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import text

from chassis.settings import Settings
from chassis.store.audit import log_of
from chassis.store.database import Database
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


class Retention:
    """The loop by which one store forgets; of several replicas one does it at a time."""

    def __init__(self, database: Database, service: str, settings: Settings) -> None:
        self.database, self.service, self.settings = database, service, settings

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
        """Let one part go; how many rows of the larger kind went."""
        if not await self._anything():
            return 0
        async with self.database.transaction() as tx:
            if not (await tx.execute(TURN)).scalar_one():
                return 0
            await tx.start()
            ages = {REQUESTS: self.settings.request_days, LETTERS: self.settings.sealed_letter_days, ORDERS: 0}
            gone = [(await tx.execute(kind, {"before": tx.now - timedelta(days=days), "most": CHUNK})).rowcount for kind, days in ages.items()]
            if any(gone):
                tx.audit(
                    "retention_purged",
                    log_of(self.service),
                    [f"requests={gone[0]}", f"sealed_letters={gone[1]}", f"export_orders={gone[2]}"],
                    by=SYSTEM,
                )
        return max(gone)

    async def _anything(self) -> bool:
        ages = {"requests": self.settings.request_days, "letters": self.settings.sealed_letter_days}
        async with self.database.engine.connect() as connection:
            return bool((await connection.execute(ANYTHING, ages)).scalar_one())
