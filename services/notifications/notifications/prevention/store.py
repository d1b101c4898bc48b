"""Sessions, who wants to hear of them, how many came, and how many reports there were where."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Table, text
from sqlmodel import Field

from notifications.preferences.store import TEXTS
from notifications.store import MOMENT, TURN, Base

KIND, CANCELLED = "prevention.announced", "prevention.cancelled"


class SessionRow(Base, table=True):
    """One session; `note` is free text of who announces it, and travels in no event and in no notice."""

    __tablename__: ClassVar[str] = "prevention_session"
    __table__: ClassVar[Table]
    id: UUID = Field(primary_key=True)
    title: str
    note: str
    place: str
    area: str
    audiences: list[str] = Field(sa_type=TEXTS)
    starts_at: datetime = Field(sa_type=MOMENT)
    announced_at: datetime = Field(sa_type=MOMENT)
    announced_by: UUID
    cancelled_at: datetime | None = Field(sa_type=MOMENT)
    attended: int | None
    attended_children: int | None
    attendance_by: UUID | None


class OptInRow(Base, table=True):
    """Somebody asked to hear of sessions for these audiences in these areas; none of either means all. Without a row nobody is told."""

    __tablename__: ClassVar[str] = "prevention_opt_in"
    __table__: ClassVar[Table]
    officer: UUID = Field(primary_key=True)
    role: str
    audiences: list[str] = Field(sa_type=TEXTS)
    areas: list[str] = Field(sa_type=TEXTS)
    since: datetime = Field(sa_type=MOMENT)


ANNOUNCE = text("""
    INSERT INTO prevention_session (id, title, note, place, area, audiences, starts_at, announced_at, announced_by)
    VALUES (:id, :title, :note, :place, :area, CAST(:audiences AS text[]), :starts_at, :now, :by)""")
SESSION = text("SELECT * FROM prevention_session WHERE id = :id FOR UPDATE")
LOOK = text("SELECT * FROM prevention_session WHERE id = :id")
SESSIONS = text("""
    SELECT * FROM prevention_session WHERE starts_at >= :since AND (CAST(:area AS text) IS NULL OR starts_with(area, :area))
    ORDER BY starts_at, id LIMIT :most""")
CANCEL = text("UPDATE prevention_session SET cancelled_at = :now WHERE id = :id AND cancelled_at IS NULL")
ATTENDED = text("""
    UPDATE prevention_session SET attended = :attended, attended_children = :children, attendance_by = :by WHERE id = :id""")
OPT_IN = text("""
    INSERT INTO prevention_opt_in (officer, role, audiences, areas, since)
    VALUES (:officer, :role, CAST(:audiences AS text[]), CAST(:areas AS text[]), :now)
    ON CONFLICT (officer) DO UPDATE SET role = excluded.role, audiences = excluded.audiences, areas = excluded.areas""")
OPT_OUT = text("DELETE FROM prevention_opt_in WHERE officer = :officer")
OPTED = text("SELECT * FROM prevention_opt_in WHERE officer = :officer")
# One statement whatever the number of people, as for what officers chose.
TELL = text("""
    INSERT INTO notice (id, source, recipient, role, officer, follows, kind, urgency, occurred_at, due_at, created_at, session_id)
    SELECT CAST(:prefix || '8' || substr(h.hex, 1, 3) || '8' || substr(h.hex, 4, 15) AS uuid), :source, 'officer:' || o.officer, o.role, o.officer,
        'nothing', :kind, 'normal', :now, s.starts_at, :now, s.id
    FROM prevention_session s JOIN prevention_opt_in o ON (cardinality(o.audiences) = 0 OR o.audiences && s.audiences)
            AND (cardinality(o.areas) = 0 OR EXISTS (SELECT FROM unnest(o.areas) AS chosen WHERE starts_with(s.area, chosen))),
        LATERAL (SELECT encode(sha256(convert_to(:source || '|' || o.officer, 'UTF8')), 'hex') AS hex) h
    WHERE s.id = :id ON CONFLICT (source, recipient) DO NOTHING""")
COUNTS = text("""
    SELECT reported_area AS area, count(*) AS many FROM case_area
    WHERE reported_on >= :start AND reported_on < :end AND reported_area IS NOT NULL GROUP BY reported_area""")


async def announce(tx: Transaction, **values: Any) -> None:
    """Store a session, and tell who asked to hear of such ones there."""
    await tx.execute(ANNOUNCE, values | {"now": tx.now, "by": tx.principal.subject})
    await _tell(tx, values["id"], KIND)


async def cancel(tx: Transaction, session_id: UUID) -> None:
    """A session does not take place: who was told of it hears so."""
    await tx.execute(CANCEL, {"id": session_id, "now": tx.now})
    await _tell(tx, session_id, CANCELLED)


async def _tell(tx: Transaction, session_id: UUID, kind: str) -> None:
    await tx.execute(TURN)
    source = f"{session_id}/{kind}"
    prefix = tx.new_id(source).hex[:12]
    await tx.execute(TELL, {"id": session_id, "kind": kind, "source": source, "prefix": prefix, "now": tx.now})


async def session(tx: Transaction, session_id: UUID) -> Row[Any] | None:
    """A session, locked."""
    return await tx.row(SESSION, {"id": session_id})


async def look(tx: Transaction, session_id: UUID) -> Row[Any] | None:
    """A session, to be looked at."""
    return await tx.row(LOOK, {"id": session_id})


async def sessions(tx: Transaction, since: datetime, area: str | None, most: int) -> Sequence[Row[Any]]:
    """Sessions from a time on, everywhere or in an area."""
    return await tx.rows(SESSIONS, {"since": since, "area": area, "most": most})


async def attended(tx: Transaction, session_id: UUID, people: int, children: int) -> None:
    """How many came; no word of who."""
    await tx.execute(ATTENDED, {"id": session_id, "attended": people, "children": children, "by": tx.principal.subject})


async def opt_in(tx: Transaction, audiences: Sequence[str], areas: Sequence[str]) -> None:
    """Who asks wants to hear of sessions."""
    who = tx.principal
    values = {"officer": who.subject, "role": min(who.roles), "audiences": sorted(set(audiences)), "areas": sorted(set(areas))}
    await tx.execute(OPT_IN, values | {"now": tx.now})


async def opt_out(tx: Transaction) -> None:
    """Who asks wants to hear of sessions no more."""
    await tx.execute(OPT_OUT, {"officer": tx.principal.subject})


async def opted(tx: Transaction) -> Row[Any] | None:
    """What who asks wants to hear of; None is nothing."""
    return await tx.row(OPTED, {"officer": tx.principal.subject})


async def counts(tx: Transaction, start: date, end: date) -> dict[str, int]:
    """How many cases were reported in each district in a span of days."""
    return {row.area: row.many for row in await tx.rows(COUNTS, {"start": start, "end": end})}
