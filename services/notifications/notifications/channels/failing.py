"""Which ways out keep failing, across replicas: a row while a way does, so that each failing is told once, and once that it works again.

A way is a channel (`email`, `sms`, `whatsapp`) or a subscription (`webhook:ID`). A code of what was wrong is kept, and no address.
"""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import structlog
from chassis import Cause, Service, Transaction
from prometheus_client import Gauge
from sqlalchemy import Table, text
from sqlmodel import Field

from notifications.channels.ways import Answer, Outcome
from notifications.domain.failing import WEBHOOK, Rule, Tries, is_failing, told_of_way
from notifications.store import MOMENT, Base, Entry, write_notices

log = structlog.get_logger()

FAILING = Gauge("naungan_ways_failing", "Ways out that keep failing, as of the last look: channels, and endpoints of webhooks", ["way"])
KINDS = ("email", "sms", "whatsapp", WEBHOOK)
LOOK_EVERY = 15.0
LATE = "late"  # it was never begun


class FailingWayRow(Base, table=True):
    """A way that took nothing since; `failing_since` once the rule says that it keeps failing."""

    __tablename__: ClassVar[str] = "failing_way"
    __table__: ClassVar[Table]
    way: str = Field(primary_key=True)
    failed: int
    refused: int
    since: datetime = Field(sa_type=MOMENT)
    last: datetime = Field(sa_type=MOMENT)
    failing_since: datetime | None = Field(sa_type=MOMENT)
    reason: str | None


FAILED = text("""
    INSERT INTO failing_way (way, failed, refused, since, last, reason) VALUES (:way, :failed, :refused, :now, :now, :reason)
    ON CONFLICT (way) DO UPDATE SET failed = failing_way.failed + excluded.failed, refused = failing_way.refused + excluded.refused,
        last = excluded.last, reason = excluded.reason
    RETURNING failed, refused, since, failing_since""")
FAILS = text("UPDATE failing_way SET failing_since = :now WHERE way = :way")
# In their order, as everybody takes them.
WORKS = text("""
    DELETE FROM failing_way WHERE way IN (SELECT way FROM failing_way WHERE way = ANY(CAST(:ways AS text[])) ORDER BY way FOR UPDATE)
    RETURNING way, failing_since""")
AGENCY = text("SELECT agency FROM subscription WHERE id = :id")
ALL = text("SELECT * FROM failing_way WHERE failing_since IS NOT NULL ORDER BY failing_since, way")
COUNTED = text("SELECT split_part(way, ':', 1) AS kind, count(*) AS many FROM failing_way WHERE failing_since IS NOT NULL GROUP BY kind")


def webhook(subscription_id: UUID) -> str:
    """The way to a subscription."""
    return f"{WEBHOOK}:{subscription_id}"


async def heard(tx: Transaction, channel: str, answer: Answer) -> None:
    """Count what came of one sending by a channel."""
    if answer.outcome is Outcome.TAKEN:
        await work(tx, [channel])
    elif answer.reason != LATE:
        await fail(tx, channel, answer.reason, refused=answer.outcome is Outcome.REFUSED)


async def fail(tx: Transaction, way: str, reason: str | None, *, refused: bool = False) -> None:
    """Count a failure of a way, and tell once when it keeps failing."""
    row: Any = await tx.row(FAILED, {"way": way, "failed": not refused, "refused": refused, "reason": reason, "now": tx.now})
    if row.failing_since is None and is_failing(Tries(row.failed, row.refused, row.since), _rule(tx, way), tx.now):
        await tx.execute(FAILS, {"way": way, "now": tx.now})
        await _tell(tx, way, tx.now, works=False)


async def work(tx: Transaction, ways: Collection[str]) -> None:
    """These ways took something: those that had kept failing work again, which is told."""
    for row in await tx.rows(WORKS, {"ways": sorted(ways)}):
        if row.failing_since is not None:
            await _tell(tx, row.way, row.failing_since, works=True)


async def forget(tx: Transaction, way: str) -> None:
    """A way is no way any more, or leads elsewhere: what came of it says nothing now."""
    await tx.execute(WORKS, {"ways": [way]})


def _rule(tx: Transaction, way: str) -> Rule:
    settings = tx.settings
    if way.startswith(WEBHOOK):
        return Rule(settings.webhook_failing_tries, settings.webhook_failing_tries, settings.span(minutes=settings.webhook_failing_minutes))
    return Rule(settings.failing_tries, settings.failing_refusals, settings.span(minutes=settings.failing_minutes))


async def _tell(tx: Transaction, way: str, since: datetime, *, works: bool) -> None:
    kind, _, identity = way.partition(":")
    subscription = UUID(identity) if identity else None
    found: Any = await tx.row(AGENCY, {"id": subscription}) if subscription else None
    source = f"{way}/{'works' if works else 'fails'}/{since.isoformat()}"
    cause = Cause(source, tx.now, "")
    entries = [
        Entry(tx.new_id(f"{source}|{n.recipient}", subscription, cause=cause), source, n, occurred_at=tx.now, subscription_id=subscription)
        for n in told_of_way(kind, works=works, agency=found.agency if found else None)
    ]
    await write_notices(tx, entries)


async def watch(service: Service) -> None:
    """Show how many ways keep failing until this is cancelled; each replica shows the same."""
    for kind in KINDS:
        FAILING.labels(kind).set(0)
    while True:
        try:
            await service.database.run(look)
        except Exception as error:  # noqa: BLE001 - the store may be away; what was seen last stands
            log.warning("failing_ways_unseen", error=type(error).__name__)
        await asyncio.sleep(LOOK_EVERY)


async def look(tx: Transaction) -> None:
    """Look once."""
    found = {row.kind: row.many for row in await tx.rows(COUNTED)}
    for kind in KINDS:
        FAILING.labels(kind).set(found.get(kind, 0))
