"""The suspects of a case: persons with an id and a key of their own; in the clear only the districts where they live and work, and codes.

Whoever asks for a bed does not name anybody: which residents a household must not meet follows from these rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Index, Row, Table, Text, Uuid, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from intake import store
from intake.domain.suspects import Suspect
from intake.store import MOMENT, Base

PERSONAL = ("name", "nik", "address")


class SuspectRow(Base, table=True):
    """A suspect; who and where exactly is sealed under his or her own key."""

    __tablename__: ClassVar[str] = "suspect"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        Index("ix_suspect_nik_index", "nik_index", postgresql_where=text("nik_index IS NOT NULL")),
        Index("ix_suspect_same_as", "same_as", postgresql_using="gin"),
    )
    __table__: ClassVar[Table]
    suspect_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    relation: str
    age: int | None
    areas: list[str] = Field(sa_type=ARRAY(Text))
    same_as: list[UUID] = Field(sa_type=ARRAY(Uuid))
    name: bytes | None
    nik: bytes | None
    address: bytes | None
    nik_index: bytes | None
    added_at: datetime = Field(sa_type=MOMENT)
    removed_at: datetime | None = Field(sa_type=MOMENT)


SUSPECTS = SuspectRow.__table__
KEEP = text("""
    INSERT INTO suspect SELECT * FROM jsonb_populate_recordset(CAST(NULL AS suspect), CAST(:rows AS jsonb)) ORDER BY suspect_id
    ON CONFLICT (suspect_id) DO UPDATE SET relation = excluded.relation, age = excluded.age, areas = excluded.areas, same_as = excluded.same_as,
        name = excluded.name, nik = excluded.nik, address = excluded.address, nik_index = excluded.nik_index, removed_at = excluded.removed_at""")
KEEP_CODES = text("""
    INSERT INTO suspect SELECT * FROM jsonb_populate_recordset(CAST(NULL AS suspect), CAST(:rows AS jsonb)) ORDER BY suspect_id
    ON CONFLICT (suspect_id) DO UPDATE SET relation = excluded.relation, age = excluded.age, areas = excluded.areas, same_as = excluded.same_as,
        removed_at = excluded.removed_at""")
# A person of any case who has the same NIK as a suspect of one of these cases, or a suspect of any case who has that of a person of these.
MET = text("""
    SELECT s.suspect_id, s.case_id, p.person_id FROM suspect s JOIN person p ON p.nik_index = s.nik_index
    WHERE s.nik_index IS NOT NULL AND s.removed_at IS NULL AND p.left_at IS NULL AND NOT p.person_id = ANY(s.same_as)
        AND (s.case_id = ANY(CAST(:cases AS uuid[])) OR p.case_id = ANY(CAST(:cases AS uuid[])))""")
# The same asked of persons who are just being written.
LOOKED_FOR = text("SELECT nik_index FROM suspect WHERE nik_index = ANY(CAST(:marks AS bytea[])) AND removed_at IS NULL")
BY_ID = text("SELECT * FROM suspect WHERE suspect_id = ANY(CAST(:ids AS uuid[])) ORDER BY suspect_id")
ARE = text("SELECT DISTINCT case_id FROM suspect WHERE removed_at IS NULL AND same_as && CAST(:persons AS uuid[])")
# Those of these persons whose case the asker's agency takes part in.
SEEN = text("""
    SELECT p.person_id FROM person p JOIN case_file c USING (case_id)
    WHERE p.person_id = ANY(CAST(:persons AS uuid[])) AND CAST(:agency AS text) IN (c.reporting_agency, c.responsible_agency)""")
MEMBERS = text("SELECT person_id FROM person WHERE case_id = ANY(CAST(:cases AS uuid[])) AND left_at IS NULL")


async def of_cases(tx: Transaction, cases: Collection[UUID]) -> Sequence[Row[Any]]:
    """The suspects of these cases who were not removed."""
    live = SUSPECTS.c.case_id.in_(cases) & SUSPECTS.c.removed_at.is_(None)
    return await tx.rows(select(SUSPECTS).where(live).order_by(SUSPECTS.c.added_at, SUSPECTS.c.suspect_id))


async def looked_for(tx: Transaction, marks: Iterable[bytes | None]) -> set[bytes]:
    """Those of these keyed hashes of NIKs that a suspect has too."""
    wanted = [mark for mark in marks if mark]
    return {bytes(row.nik_index) for row in await tx.rows(LOOKED_FOR, {"marks": wanted})} if wanted else set()


async def keep(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep suspects as they are known now."""
    await store.apply(tx, KEEP, [_arrays(row) for row in rows])


async def keep_codes(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the codes of suspects; what is sealed of them stays."""
    await store.apply(tx, KEEP_CODES, [_arrays(row) for row in rows])


async def seen(tx: Transaction, persons: Collection[UUID]) -> set[UUID]:
    """Those of these persons whom the asker may know of: of cases that her agency takes part in."""
    return {row.person_id for row in await tx.rows(SEEN, {"persons": sorted(persons), "agency": tx.principal.agency})} if persons else set()


def suspect_of(row: Any) -> Suspect:
    """A row as the domain sees it."""
    return Suspect(row.suspect_id, tuple(row.areas), frozenset(row.same_as))


def _arrays(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "same_as": [str(person) for person in row["same_as"]]}
