"""What intake keeps for people's rights, and the few questions asked of it; codes, ids and dates only.

All of it is said as facts, so that a store that was put back learns it again; who set, took or answered something is in the audit log too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Table, text
from sqlmodel import Field

from intake import store
from intake.domain.rights import Known
from intake.store import MOMENT, Base


class HoldRow(Base, table=True):
    """The law keeps the data of a case, or of one person of it."""

    __tablename__: ClassVar[str] = "legal_hold"
    __table__: ClassVar[Table]
    hold_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    person_id: UUID | None
    ground: str
    review_on: date
    set_at: datetime = Field(sa_type=MOMENT)
    set_by: UUID | None
    lifted_at: datetime | None = Field(sa_type=MOMENT)
    lifted_by: UUID | None


class RequestRow(Base, table=True):
    """A person asked for one of her rights; no answer yet, granted or refused."""

    __tablename__: ClassVar[str] = "right_request"
    __table__: ClassVar[Table]
    request_id: UUID = Field(primary_key=True)
    case_id: UUID
    person_id: UUID = Field(index=True)
    kind: str
    asked_at: datetime = Field(sa_type=MOMENT)
    due_at: datetime = Field(sa_type=MOMENT)
    taken_by: UUID | None
    answer: str | None
    refusal: str | None
    answered_at: datetime | None = Field(sa_type=MOMENT)
    answered_by: UUID | None


class GlassRow(Base, table=True):
    """An officer reads a case that she takes no part in, until then or until somebody ends it."""

    __tablename__: ClassVar[str] = "glass"
    __table__: ClassVar[Table]
    grant_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    officer: UUID
    agency: str | None
    reason: str
    broken_at: datetime = Field(sa_type=MOMENT)
    until: datetime = Field(sa_type=MOMENT)
    ended_at: datetime | None = Field(sa_type=MOMENT)


def _adding(table: str) -> Any:
    return text(f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb)) ON CONFLICT DO NOTHING")  # noqa: S608


ADD_HOLD, ADD_REQUEST, ADD_GLASS = _adding("legal_hold"), _adding("right_request"), _adding("glass")
LIFT = text("UPDATE legal_hold SET lifted_at = :now, lifted_by = :by WHERE hold_id = :hold_id AND lifted_at IS NULL RETURNING hold_id")
ANSWER = text("""
    UPDATE right_request SET answer = :answer, refusal = :refusal, answered_at = :now, answered_by = :by
    WHERE request_id = :request_id AND answer IS NULL RETURNING request_id""")
END_GLASS = text("UPDATE glass SET ended_at = :now WHERE grant_id = :grant_id AND ended_at IS NULL RETURNING grant_id")
# Everybody who is or was of these cases' households; the law may keep a person, or all of a case.
KNOWN = text("""
    SELECT p.person_id, p.case_id, EXISTS (SELECT FROM erased_owner e WHERE e.owner = p.person_id) AS erased, EXISTS (
        SELECT FROM legal_hold h WHERE h.case_id = p.case_id AND h.lifted_at IS NULL AND coalesce(h.person_id, p.person_id) = p.person_id) AS held
    FROM person p WHERE p.case_id = ANY(CAST(:cases AS uuid[])) ORDER BY p.person_id""")
BLANK = text("""
    UPDATE person SET name = NULL, nik = NULL, phone = NULL, address = NULL, nik_index = NULL WHERE person_id = ANY(CAST(:persons AS uuid[]))""")
BLANK_TEXTS = text("UPDATE case_file SET narrative = NULL, callback = NULL WHERE case_id = ANY(CAST(:cases AS uuid[]))")
# What was submitted names everybody: it goes with the first who is erased.
BLANK_TASKS = text("""
    UPDATE desk_task SET content = NULL WHERE case_id = ANY(CAST(:cases AS uuid[])) AND content IS NOT NULL RETURNING task_id, case_id""")
# The suspects of cases in which nobody is left to whom they did something.
BLANK_SUSPECTS = text("""
    UPDATE suspect SET name = NULL, nik = NULL, address = NULL, nik_index = NULL WHERE case_id = ANY(CAST(:cases AS uuid[]))
    RETURNING suspect_id, case_id""")
TASKS_OF = text("SELECT task_id, case_id FROM desk_task WHERE case_id = ANY(CAST(:cases AS uuid[])) AND kind = 'resent'")
SEEN = "(CAST(:everywhere AS boolean) OR CAST(:agency AS text) IN (c.reporting_agency, c.responsible_agency))"
HOLDS = text(f"""
    SELECT h.* FROM legal_hold h JOIN case_file c USING (case_id) WHERE {SEEN} AND h.lifted_at IS NULL
    ORDER BY h.review_on, h.hold_id LIMIT :most""")  # noqa: S608
HOLD = text(f"SELECT h.* FROM legal_hold h JOIN case_file c USING (case_id) WHERE {SEEN} AND h.hold_id = :hold_id")  # noqa: S608
REQUESTS = text(f"""
    SELECT r.* FROM right_request r JOIN case_file c USING (case_id) WHERE {SEEN}
        AND (CAST(:person_id AS uuid) IS NULL OR r.person_id = :person_id) AND (CAST(:done AS boolean) OR r.answer IS NULL)
    ORDER BY r.due_at, r.request_id LIMIT :most""")  # noqa: S608
REQUEST = text(f"SELECT r.* FROM right_request r JOIN case_file c USING (case_id) WHERE {SEEN} AND r.request_id = :request_id")  # noqa: S608
GLASSES = text(f"""
    SELECT g.* FROM glass g JOIN case_file c USING (case_id) WHERE ({SEEN} AND CAST(:supervises AS boolean)) OR g.officer = :officer
    ORDER BY g.broken_at DESC, g.grant_id LIMIT :most""")  # noqa: S608
GLASS = text(f"""
    SELECT g.* FROM glass g JOIN case_file c USING (case_id)
    WHERE g.grant_id = :grant_id AND (({SEEN} AND CAST(:supervises AS boolean)) OR g.officer = :officer)""")  # noqa: S608
LOOKED_AT = text("""
    SELECT at, action, agency, roles, fields, purpose FROM audit WHERE subject = ANY(CAST(:subjects AS uuid[])) ORDER BY position LIMIT :most""")
OF_PERSON = text("SELECT p.*, c.opened_at FROM person p JOIN case_file c USING (case_id) WHERE p.person_id = ANY(CAST(:persons AS uuid[]))")


async def known(tx: Transaction, persons: Mapping[UUID, UUID]) -> list[Known]:
    """These persons (person to case), as far as an erasure of all of them needs it."""
    rows = await tx.rows(KNOWN, {"cases": sorted(set(persons.values()))})
    return [Known(row.person_id, row.case_id, row.erased, row.held, _others_left(row, rows, persons)) for row in rows if row.person_id in persons]


def _others_left(row: Row[Any], rows: Iterable[Row[Any]], persons: Collection[UUID]) -> bool:
    return any(other.case_id == row.case_id and not other.erased and other.person_id not in persons for other in rows)


async def add(tx: Transaction, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep these rows; those that are there stay as they are."""
    await store.apply(tx, statement, rows)


def review_time(day: date) -> datetime:
    """When a hold that is to be looked at on this day is due: nine in the morning in Jakarta, which has one time zone and no summer time."""
    return datetime.combine(day, time(2), tzinfo=UTC)


async def unanswered(tx: Transaction, requests: Collection[UUID]) -> dict[UUID, UUID]:
    """Those of these requests that nobody answered, with their cases."""
    found = await tx.rows(
        text("SELECT request_id, case_id FROM right_request WHERE request_id = ANY(CAST(:ids AS uuid[])) AND answer IS NULL"), {"ids": list(requests)}
    )
    return {row.request_id: row.case_id for row in found}


async def holding(tx: Transaction, holds: Collection[UUID]) -> dict[UUID, UUID]:
    """Those of these holds that nobody lifted, with their cases."""
    found = await tx.rows(
        text("SELECT hold_id, case_id FROM legal_hold WHERE hold_id = ANY(CAST(:ids AS uuid[])) AND lifted_at IS NULL"), {"ids": list(holds)}
    )
    return {row.hold_id: row.case_id for row in found}
