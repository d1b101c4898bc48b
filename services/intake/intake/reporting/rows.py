"""What intake keeps for SIMFONI, the number that it gave to a case, and the questions asked for its tables."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from chassis import Transaction
from sqlalchemy import Table, text
from sqlmodel import Field

from intake.domain.simfoni import Victim
from intake.store import MOMENT, Base

JAKARTA = ZoneInfo("Asia/Jakarta")


class SimfoniNumberRow(Base, table=True):
    """The number under which SIMFONI knows a case, so that nobody types it twice."""

    __tablename__: ClassVar[str] = "simfoni_number"
    __table__: ClassVar[Table]
    case_id: UUID = Field(primary_key=True)
    number: str = Field(unique=True)
    recorded_at: datetime = Field(sa_type=MOMENT)
    recorded_by: UUID
    recorded_for: str


# Victims of violence of the cases that were opened in a month; who left the household since was a victim all the same.
VICTIMS = text("""
    SELECT p.*, c.area, c.violence_types, c.opened_at, c.reporting_agency, c.responsible_agency, n.number
    FROM case_file c JOIN person p ON p.case_id = c.case_id AND p.role = 'victim' LEFT JOIN simfoni_number n ON n.case_id = c.case_id
    WHERE c.opened_at >= :since AND c.opened_at < :until AND cardinality(c.violence_types) > 0 ORDER BY c.opened_at, c.case_id, p.place""")
INCIDENTS = text("SELECT case_id, place, relation FROM incident WHERE case_id = ANY(CAST(:cases AS uuid[]))")
SUSPECTS = text("SELECT case_id, relation FROM suspect WHERE case_id = ANY(CAST(:cases AS uuid[])) AND removed_at IS NULL")
DELIVERED = text("""
    SELECT DISTINCT codes ->> 'person_id' AS person_id, codes ->> 'service' AS service FROM case_fact
    WHERE case_id = ANY(CAST(:cases AS uuid[])) AND type = 'case.assessment.service_delivered.v1'""")
MERGED = text("SELECT first, second FROM candidate WHERE state = 'merged'")
NUMBER = text("SELECT * FROM simfoni_number WHERE case_id = :case_id")
OF_NUMBER = text("SELECT case_id FROM simfoni_number WHERE number = :number")
KEEP = text("""
    INSERT INTO simfoni_number (case_id, number, recorded_at, recorded_by, recorded_for) VALUES (:case_id, :number, :now, :by, :agency)
    ON CONFLICT (case_id) DO UPDATE SET number = excluded.number, recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by,
        recorded_for = excluded.recorded_for""")


def bounds(month: date) -> tuple[datetime, datetime]:
    """From when until when a month of Jakarta's calendar lasts."""
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return datetime(month.year, month.month, 1, tzinfo=JAKARTA), datetime(after.year, after.month, 1, tzinfo=JAKARTA)


async def victims(tx: Transaction, month: date) -> tuple[Sequence[Any], list[Victim]]:
    """The victims of the cases that were opened in a month: their rows, and what they are in codes, in the same order."""
    since, until = bounds(month)
    rows = await tx.rows(VICTIMS, {"since": since, "until": until})
    cases = {"cases": sorted({row.case_id for row in rows})}
    places: defaultdict[UUID, set[str]] = defaultdict(set)
    relations: defaultdict[UUID, set[str]] = defaultdict(set)
    services: defaultdict[str, set[str]] = defaultdict(set)
    for row in await tx.rows(INCIDENTS, cases):
        places[row.case_id] |= {row.place} - {None}
        relations[row.case_id] |= {row.relation} - {None}
    for row in await tx.rows(SUSPECTS, cases):
        relations[row.case_id].add(row.relation)
    for row in await tx.rows(DELIVERED, cases):
        services[row.person_id].add(row.service)
    return rows, [
        Victim(
            row.person_id,
            row.case_id,
            row.sex,
            row.age,
            row.area,
            tuple(row.violence_types),
            tuple(sorted(places[row.case_id])),
            tuple(sorted(relations[row.case_id])),
            ("pengaduan", *sorted(services[str(row.person_id)])),
        )
        for row in rows
    ]


async def merged(tx: Transaction) -> Iterable[tuple[UUID, UUID]]:
    """The pairs of persons that people merged."""
    return [(row.first, row.second) for row in await tx.rows(MERGED)]
