"""What does the public hear of a month, and who says it? Each month once, when it is over, by whichever replica comes first."""

import asyncio
import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID, uuid5

import structlog
from chassis import Cause, Received, Service, Transaction
from contracts.public import VictimCount, VictimsCounted
from sqlalchemy import Table, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from intake.domain.simfoni import UNKNOWN, persons, tables
from intake.domain.suppression import SMALL, TOTAL, together
from intake.reporting import rows
from intake.store import MOMENT, Base

log = structlog.get_logger()

MONTHS = UUID("3d3c4c5a-6a0e-5e0b-9a0e-0d7f1f6f4c11")
UNKNOWN_CITY = "00.00"
# A month that passed while nothing ran is told of all the same.
BACK = 3


class PublicCountRow(Base, table=True):
    """What was published of a month."""

    __tablename__: ClassVar[str] = "public_count"
    __table__: ClassVar[Table]
    month: str = Field(primary_key=True)
    counts: list[dict[str, Any]] = Field(sa_type=JSONB)
    said_at: datetime = Field(sa_type=MOMENT)


LOCK = text("SELECT pg_advisory_xact_lock(hashtext('naungan public counts'))")
SAID = text("SELECT month FROM public_count WHERE month = ANY(CAST(:months AS text[]))")
KEEP = text("INSERT INTO public_count VALUES (:month, CAST(:counts AS jsonb), :said_at) ON CONFLICT DO NOTHING")
PUBLISHED = text("SELECT * FROM public_count ORDER BY month DESC LIMIT :most")


async def publish(service: Service) -> None:
    """Say what is to be said of months that are over, again and again, until this is cancelled."""
    while True:
        try:
            await service.database.run(say)
        except Exception as error:  # noqa: BLE001 - the store may be away or closed; the month waits
            log.warning("public_counts_wait", error=type(error).__name__)
        await asyncio.sleep(service.settings.public_counts_seconds)  # type: ignore[attr-defined]


async def say(tx: Transaction) -> None:
    """Publish each of the last months that is over, that had reports, and of which nothing was published yet."""
    await tx.execute(LOCK)
    months = over_at(tx.now)
    said = {row.month for row in await tx.rows(SAID, {"months": [name_of(month) for month in months]})}
    for month in months:
        if name_of(month) in said:
            continue
        _, victims = await rows.victims(tx, month)
        if not victims:
            continue
        counts = tables(persons(victims, await rows.merged(tx)))
        kept = together(counts)["wilayah"]
        told = tuple(
            VictimCount.model_validate({"city": _city(row), "sex": None if sex == TOTAL else sex, "victims": None if (row, sex) in kept else count})
            for (row, sex), count in counts["wilayah"].cells.items()
        )
        fact = VictimsCounted(month=name_of(month), small=SMALL, counts=told)
        await _keep(tx, fact, tx.now)
        tx.emit(fact, uuid5(MONTHS, fact.month), cause=Cause(f"public counts|{fact.month}", rows.bounds(month)[1], ""))


async def relearn(tx: Transaction, events: Iterable[Received[VictimsCounted]]) -> None:
    """Keep again what was published."""
    for event in events:
        await _keep(tx, event.data, event.time)


async def _keep(tx: Transaction, fact: VictimsCounted, said_at: datetime) -> None:
    counts = json.dumps([count.model_dump(mode="json") for count in fact.counts])
    await tx.execute(KEEP, {"month": fact.month, "counts": counts, "said_at": said_at})


def over_at(now: datetime) -> list[date]:
    """The last months of Jakarta's calendar that are over, the oldest first."""
    here = now.astimezone(rows.JAKARTA)
    ordinal = here.year * 12 + here.month - 1
    return [date(number // 12, number % 12 + 1, 1) for number in range(ordinal - BACK, ordinal)]


def name_of(month: date) -> str:
    """A month as it is written."""
    return f"{month.year:04d}-{month.month:02d}"


def _city(row: str) -> str | None:
    return None if row == TOTAL else UNKNOWN_CITY if row == UNKNOWN else row
