"""What intake keeps: cases and persons, facts, submissions, follow ids and the desk; and the few questions asked of them.

Names, numbers, addresses and texts are only in `bytea` columns, sealed under the key of the person, case or task they belong to.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from chassis.store.tables import chassis_tables
from sqlalchemy import DateTime, Row, Table, Text, Uuid, cast, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import registry
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Field, SQLModel

from intake.domain.duties import missed
from intake.domain.standing import Fact, Standing, standing

MOMENT = DateTime(timezone=True)


class Base(SQLModel, registry=registry()):
    """The tables of intake's store."""


metadata = Base.metadata
chassis_tables(metadata)


class CaseFileRow(Base, table=True):
    """A case: what was reported, and where it stands as computed from its facts."""

    __tablename__: ClassVar[str] = "case_file"
    __table__: ClassVar[Table]
    case_id: UUID = Field(primary_key=True)
    household_id: UUID
    revision: int
    reporting_agency: str = Field(index=True)
    responsible_agency: str = Field(index=True)
    channel: str
    area: str
    area_kind: str
    violence_types: list[str] = Field(sa_type=ARRAY(Text))
    ppks: int | None
    urgency: str
    occurred_at: datetime | None = Field(sa_type=MOMENT)
    opened_at: datetime = Field(sa_type=MOMENT)
    screen: dict[str, Any] = Field(sa_type=JSONB)
    narrative: bytes | None
    callback: bytes | None
    state: str = Field(index=True)
    waiting_for: list[str] = Field(sa_type=ARRAY(Text))
    risk: str | None
    missed: list[str] = Field(sa_type=ARRAY(Text))
    settled: list[str] = Field(sa_type=ARRAY(Text))
    police_report_at: datetime | None = Field(sa_type=MOMENT)
    referred_to: str | None
    changed_at: datetime = Field(sa_type=MOMENT)
    reporter: str | None = None
    post: str | None = None
    heard_at: datetime | None = Field(default=None, sa_type=MOMENT)


class PersonRow(Base, table=True):
    """A member of a case's household; codes in the clear, everything that names her or him sealed."""

    __tablename__: ClassVar[str] = "person"
    __table__: ClassVar[Table]
    person_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    place: int
    role: str
    sex: str
    age: int | None
    needs: list[str] = Field(sa_type=ARRAY(Text))
    name: bytes | None
    nik: bytes | None
    phone: bytes | None
    address: bytes | None
    nik_index: bytes | None = Field(index=True)
    left_at: datetime | None = Field(sa_type=MOMENT)


class CaseFactRow(Base, table=True):
    """One event of a case, whoever said it; kept also when the case is not known yet."""

    __tablename__: ClassVar[str] = "case_fact"
    __table__: ClassVar[Table]
    event_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    producer: str
    factversion: int
    type: str
    at: datetime = Field(sa_type=MOMENT)
    codes: dict[str, Any] = Field(sa_type=JSONB)
    causation: str | None = None


class SubmissionRow(Base, table=True):
    """What an agency submitted under one of its references, and the receipt it got: it always gets the same again."""

    __tablename__: ClassVar[str] = "submission"
    __table__: ClassVar[Table]
    agency: str = Field(primary_key=True)
    reference: str = Field(primary_key=True)
    fingerprint: bytes
    case_id: UUID
    follow_id: UUID
    receipt: str
    problems: list[list[str]] = Field(sa_type=JSONB)
    at: datetime = Field(sa_type=MOMENT)


class FollowRow(Base, table=True):
    """The id under which one agency follows one case, as long as it takes part."""

    __tablename__: ClassVar[str] = "follow"
    __table__: ClassVar[Table]
    follow_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    agency: str
    reference: str | None
    since: datetime = Field(sa_type=MOMENT)
    ended_at: datetime | None = Field(sa_type=MOMENT)
    told: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    reduced: bool | None = None


class DeskTaskRow(Base, table=True):
    """Something a desk has to look at: an incomplete submission, or a refused one with what was sent, sealed."""

    __tablename__: ClassVar[str] = "desk_task"
    __table__: ClassVar[Table]
    task_id: UUID = Field(primary_key=True)
    kind: str
    agency: str = Field(index=True)
    case_id: UUID | None
    reference: str | None
    problems: list[list[str]] = Field(sa_type=JSONB)
    content: bytes | None
    fingerprint: bytes
    opened_at: datetime = Field(sa_type=MOMENT)
    done_at: datetime | None = Field(sa_type=MOMENT)


class AvailabilityRow(Base, table=True):
    """Whether a kind of shelter has room, as placement said last."""

    __tablename__: ClassVar[str] = "availability"
    __table__: ClassVar[Table]
    subject: UUID = Field(primary_key=True)
    kind: str
    availability: str
    factversion: int


CASES, PERSONS, FACTS, FOLLOWS = CaseFileRow.__table__, PersonRow.__table__, CaseFactRow.__table__, FollowRow.__table__
SUBMISSIONS, TASKS, AVAILABILITY = SubmissionRow.__table__, DeskTaskRow.__table__, AvailabilityRow.__table__

_ROWS = "FROM jsonb_populate_recordset(CAST(NULL AS {0}), CAST(:rows AS jsonb))"
ADD = {
    table.name: text(f"INSERT INTO {table.name} SELECT * {_ROWS.format(table.name)} ON CONFLICT DO NOTHING")
    for table in (CASES, PERSONS, FACTS, FOLLOWS, TASKS)
}
CLAIM = text(f"""
    INSERT INTO submission SELECT * {_ROWS.format("submission")} ORDER BY agency, reference
    ON CONFLICT DO NOTHING RETURNING agency, reference""")
OPEN = text(f"INSERT INTO case_file SELECT * {_ROWS.format('case_file')} ORDER BY case_id ON CONFLICT DO NOTHING RETURNING case_id")
SUBMITTED = text("""
    SELECT s.* FROM submission s JOIN unnest(CAST(:agencies AS text[]), CAST(:references AS text[])) AS k (agency, reference)
    ON s.agency = k.agency AND s.reference = k.reference""").columns(*SUBMISSIONS.columns)
STAND = text("""
    UPDATE case_file SET state = n.state, waiting_for = n.waiting_for, risk = n.risk, missed = n.missed,
        responsible_agency = n.responsible_agency, changed_at = CASE WHEN case_file.state = n.state THEN case_file.changed_at ELSE :now END
    FROM jsonb_populate_recordset(CAST(NULL AS case_file), CAST(:rows AS jsonb)) AS n WHERE case_file.case_id = n.case_id""")
GRANTS = text("""
    UPDATE follow SET ended_at = n.ended_at, told = n.told, reduced = n.reduced FROM jsonb_populate_recordset(CAST(NULL AS follow), CAST(:rows AS jsonb)) AS n
    WHERE follow.follow_id = n.follow_id""")
SETTLE = text("""
    UPDATE case_file SET settled = array_append(array_remove(settled, CAST(:matter AS text)), CAST(:matter AS text)),
        missed = array_remove(missed, CAST(:matter AS text))
    WHERE case_id = :case_id""")
POLICE_REPORT = text("UPDATE case_file SET police_report_at = :moment WHERE case_id = :case_id")
REFER = text("UPDATE case_file SET referred_to = :agency WHERE case_id = :case_id")
REVISE = text("UPDATE case_file SET revision = :revision WHERE case_id = :case_id")
FINISH = text("UPDATE desk_task SET done_at = :now WHERE task_id = :task_id")
CHANGE_PERSONS = text("""
    UPDATE person SET place = n.place, role = n.role, sex = n.sex, age = n.age, needs = n.needs, name = n.name, nik = n.nik,
        phone = n.phone, address = n.address, nik_index = n.nik_index, left_at = n.left_at
    FROM jsonb_populate_recordset(CAST(NULL AS person), CAST(:rows AS jsonb)) AS n WHERE person.person_id = n.person_id""")
HEAR_AVAILABILITY = text("""
    INSERT INTO availability SELECT * FROM jsonb_populate_recordset(CAST(NULL AS availability), CAST(:rows AS jsonb)) ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET kind = excluded.kind, availability = excluded.availability, factversion = excluded.factversion
    WHERE availability.factversion < excluded.factversion""")


@dataclass(frozen=True, slots=True)
class Book:
    """All that is known of one case; `case` is None while only facts of it have come."""

    case: Any
    persons: tuple[Any, ...]
    facts: tuple[Fact, ...]
    follows: tuple[Row[Any], ...]

    @property
    def standing(self) -> Standing:
        """Where the case stands."""
        return standing(self.facts)

    def missed(self, facts: Iterable[Fact]) -> tuple[str, ...]:
        """The clocks that ran out and whose matter is open, with these facts."""
        return missed(facts, self.case.settled)


async def books(tx: Transaction, case_ids: Iterable[UUID]) -> dict[UUID, Book]:
    """What is known of these cases: one query per table."""
    ids = sorted(set(case_ids))
    if not ids:
        return {}
    cases = {row.case_id: row for row in await tx.rows(select(CASES).where(_among(CASES, ids)))}
    persons = await tx.rows(select(PERSONS).where(_among(PERSONS, ids), PERSONS.c.left_at.is_(None)).order_by(PERSONS.c.place))
    facts = await tx.rows(select(FACTS).where(_among(FACTS, ids)))
    follows = await tx.rows(select(FOLLOWS).where(_among(FOLLOWS, ids)).order_by(FOLLOWS.c.agency))
    persons_of, facts_of, follows_of = _by_case(persons), _by_case(facts), _by_case(follows)
    return {
        case_id: Book(
            cases.get(case_id),
            tuple(persons_of[case_id]),
            tuple(_fact(row) for row in facts_of[case_id]),
            tuple(follows_of[case_id]),
        )
        for case_id in ids
    }


def _by_case(rows: Iterable[Row[Any]]) -> defaultdict[UUID, list[Row[Any]]]:
    found: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.case_id].append(row)
    return found


async def facts_under(tx: Transaction, subjects: Iterable[UUID]) -> list[Fact]:
    """The facts said about these subjects: a case and its follow ids."""
    return [_fact(row) for row in await tx.rows(select(FACTS).where(_among(FACTS, subjects)))]


async def follows(tx: Transaction, follow_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The follows of these ids."""
    return await tx.rows(select(FOLLOWS).where(FOLLOWS.c.follow_id == func.any(cast(list(follow_ids), ARRAY(Uuid())))))


async def add(tx: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows; those that are there already stay as they are."""
    if rows:
        await tx.execute(ADD[table.name], {"rows": _json(rows)})


async def apply(tx: Transaction, statement: Any, rows: Sequence[Mapping[str, Any]], **more: Any) -> Sequence[Row[Any]]:
    """Run a statement over a set of rows; what it returns."""
    if not rows:
        return []
    result = await tx.execute(statement, {"rows": _json(rows), **more})
    return result.all() if result.returns_rows else []


async def submitted(tx: Transaction, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Row[Any]]:
    """What was submitted under these (agency, reference)."""
    wanted = sorted(set(keys))
    rows = await tx.rows(SUBMITTED, {"agencies": [agency for agency, _ in wanted], "references": [reference for _, reference in wanted]})
    return {(row.agency, row.reference): row for row in rows}


def fact_row(case_id: UUID, fact: Fact) -> dict[str, Any]:
    """A fact as a row of its case."""
    return {
        "event_id": fact.id,
        "case_id": case_id,
        "producer": fact.producer,
        "factversion": fact.version,
        "type": fact.type,
        "at": fact.at,
        "codes": fact.codes,
        "causation": fact.causation or None,
    }


def sees(agency: str) -> ColumnElement[bool]:
    """The cases that an agency takes part in: it reported them, or is responsible for them."""
    return (CASES.c.reporting_agency == agency) | (CASES.c.responsible_agency == agency)


# The cases of outings that are under way (each has its clock) whose newest team is of this agency.
SENT_TO = text("""
    SELECT c.subject AS case_id FROM clock c CROSS JOIN LATERAL (
        SELECT f.codes ->> 'team' AS team FROM case_fact f WHERE f.case_id = c.subject AND f.type = 'case.intake.outreach_dispatched.v1'
        ORDER BY f.factversion DESC LIMIT 1) newest
    WHERE c.kind = 'outreach' AND newest.team = :agency""")


async def sent_to(tx: Transaction, agency: str) -> ColumnElement[bool]:
    """The cases to which a team of this agency was sent and has not come back from."""
    return CASES.c.case_id.in_([row.case_id for row in await tx.rows(SENT_TO, {"agency": agency})])


def _fact(row: Row[Any]) -> Fact:
    return Fact(row.event_id, row.producer, row.factversion, row.type, row.at, row.codes, row.causation or "")


def _among(table: Table, ids: Iterable[UUID]) -> ColumnElement[bool]:
    return table.c.case_id == func.any(cast(list(ids), ARRAY(Uuid())))


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as Postgres reads them from JSON: bytes in hex, ids and times as text."""
    return json.dumps([dict(row) for row in rows], default=_text)


def _text(value: Any) -> str:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value.isoformat() if isinstance(value, datetime) else str(value)


async def tasks(tx: Transaction, task_ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """These tasks of the desk."""
    wanted = cast(list(task_ids), ARRAY(Uuid()))
    return {row.task_id: row for row in await tx.rows(select(TASKS).where(TASKS.c.task_id == func.any(wanted)))}
