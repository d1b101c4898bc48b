"""Programmes of social rehabilitation: their places, sessions, who takes part, and who was there. The database itself refuses a place twice."""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from chassis import Transaction
from contracts.outcomes import ProgrammeFollowed, ProgrammeStep, WithdrawalReason
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Row, text
from sqlalchemy.dialects.postgresql import TSTZRANGE
from sqlmodel import Field

from assessment.domain.assignment import WIB
from assessment.domain.rehabilitation import Enrolment, Stage
from assessment.store import MOMENT, Base


class ProgrammeRow(Base, table=True):
    """A programme that an agency offers; `name` is for people, and is missing of one that only its fact tells of."""

    __tablename__ = "programme"
    programme_id: UUID = Field(primary_key=True)
    kind: str
    provider: str
    area: str
    name: str | None
    places: int
    begins_on: date
    ends_on: date
    offered_by: UUID
    offered_at: datetime = Field(sa_type=MOMENT)


class ProgrammePlaceRow(Base, table=True):
    """One place of a programme; nobody takes part without one."""

    __tablename__ = "programme_place"
    programme_id: UUID = Field(sa_column=Column(ForeignKey("programme.programme_id"), primary_key=True))
    place: int = Field(primary_key=True)


class ProgrammeSessionRow(Base, table=True):
    """One session of a programme."""

    __tablename__ = "programme_session"
    programme_id: UUID = Field(sa_column=Column(ForeignKey("programme.programme_id"), primary_key=True))
    number: int = Field(primary_key=True)
    at: datetime = Field(sa_type=MOMENT)


class EnrolmentRow(Base, table=True):
    """Who has which place of a programme from when to when; `stage` is enrolled, completed or withdrawn."""

    __tablename__ = "enrolment"
    __table_args__ = (ForeignKeyConstraint(["programme_id", "place"], ["programme_place.programme_id", "programme_place.place"]),)
    enrolment_id: UUID = Field(primary_key=True)
    programme_id: UUID
    place: int
    case_id: UUID
    person_id: UUID
    during: Any = Field(sa_column=Column(TSTZRANGE, nullable=False))
    stage: str
    enrolled_by: UUID
    ended_at: datetime | None = Field(sa_type=MOMENT)
    reason: str | None
    certificate: bool | None
    independence: str | None


class AttendanceRow(Base, table=True):
    """Whether somebody was there at a session."""

    __tablename__ = "attendance"
    enrolment_id: UUID = Field(sa_column=Column(ForeignKey("enrolment.enrolment_id"), primary_key=True))
    session: int = Field(primary_key=True)
    present: bool
    recorded_by: UUID
    recorded_at: datetime = Field(sa_type=MOMENT)


OFFER = text("""
    INSERT INTO programme (programme_id, kind, provider, area, name, places, begins_on, ends_on, offered_by, offered_at)
    VALUES (:programme_id, :kind, :provider, :area, :name, :places, :begins_on, :ends_on, :by, CAST(:at AS timestamptz))
    ON CONFLICT (programme_id) DO UPDATE SET name = coalesce(excluded.name, programme.name), places = excluded.places""")
PLACES = text("""
    INSERT INTO programme_place (programme_id, place) SELECT :programme_id, generate_series(1, CAST(:places AS integer)) ON CONFLICT DO NOTHING""")
SESSIONS = text("""
    INSERT INTO programme_session (programme_id, number, at)
    SELECT :programme_id, number, at FROM unnest(CAST(:sessions AS timestamptz[])) WITH ORDINALITY AS told (at, number) ON CONFLICT DO NOTHING""")
# A place is free when nobody has it at this time, whatever became of who had it: derived, never stored.
OFFERED = text("""
    SELECT programme.*, ARRAY(SELECT at FROM programme_session s WHERE s.programme_id = programme.programme_id ORDER BY number) AS sessions,
        places - (SELECT count(*) FROM enrolment e WHERE e.programme_id = programme.programme_id AND e.during @> CAST(:now AS timestamptz)) AS free
    FROM programme WHERE (CAST(:only AS uuid) IS NULL OR programme_id = :only) AND (CAST(:only AS uuid) IS NOT NULL OR ends_on >= CAST(:today AS date))
    ORDER BY begins_on, programme_id""")
ENROL = text("""
    INSERT INTO enrolment (enrolment_id, programme_id, place, case_id, person_id, during, stage, enrolled_by)
    SELECT :enrolment_id, p.programme_id, p.place, :case_id, :person_id, span, 'enrolled', :by
    FROM programme_place p, tstzrange(CAST(:now AS timestamptz), CAST(:until AS timestamptz)) AS span
    WHERE p.programme_id = :programme_id
        AND NOT EXISTS (SELECT FROM enrolment e WHERE e.programme_id = p.programme_id AND e.place = p.place AND e.during && span)
    ORDER BY p.place LIMIT 1 RETURNING place""")
END = text("""
    UPDATE enrolment SET during = tstzrange(lower(during), greatest(CAST(:now AS timestamptz), lower(during))), stage = :stage, ended_at = :now,
        reason = :reason, certificate = :certificate, independence = :independence
    WHERE enrolment_id = :enrolment_id""")
LEAVE = text("""
    UPDATE enrolment SET during = tstzrange(lower(during), greatest(CAST(:now AS timestamptz), lower(during))), stage = 'withdrawn',
        ended_at = CAST(:now AS timestamptz), reason = :reason
    WHERE case_id = ANY(CAST(:cases AS uuid[])) AND (CAST(:person AS uuid) IS NULL OR person_id = :person) AND stage = 'enrolled'
    RETURNING enrolment_id, programme_id, case_id, person_id""")
ATTEND = text("""
    INSERT INTO attendance (enrolment_id, session, present, recorded_by, recorded_at) VALUES (:enrolment_id, :session, :present, :by, :now)
    ON CONFLICT (enrolment_id, session) DO UPDATE SET present = excluded.present, recorded_by = excluded.recorded_by, recorded_at = excluded.recorded_at""")
OF_CASE = text("""
    SELECT e.*, count(a.session) AS counted, count(a.session) FILTER (WHERE a.present) AS attended
    FROM enrolment e LEFT JOIN attendance a ON a.enrolment_id = e.enrolment_id
    WHERE e.case_id = :case_id GROUP BY e.enrolment_id ORDER BY e.ended_at NULLS LAST, e.enrolment_id""")


async def offer(tx: Transaction, programme_id: UUID, values: dict[str, Any], sessions: Sequence[datetime], *, by: UUID, at: datetime) -> None:
    """Offer a programme, or more places of one that is offered; places and sessions are never taken away."""
    told = {"programme_id": programme_id, **values, "by": by, "at": at}
    await tx.execute(OFFER, told)
    await tx.execute(PLACES, {"programme_id": programme_id, "places": values["places"]})
    await tx.execute(SESSIONS, {"programme_id": programme_id, "sessions": list(sessions)})


async def offered(tx: Transaction, only: UUID | None = None) -> Sequence[Row[Any]]:
    """The programmes that are not over (or this one), with their sessions and free places."""
    return await tx.rows(OFFERED, {"now": tx.now, "today": (tx.now + WIB).date(), "only": only})


async def enrol(tx: Transaction, programme: Row[Any], enrolment_id: UUID, *, case_id: UUID, person_id: UUID, by: UUID, at: datetime) -> bool:
    """Give a person a free place until the programme ends; False when there is none. Two who take the last one at once: the constraint refuses one."""
    told = {"enrolment_id": enrolment_id, "programme_id": programme.programme_id, "case_id": case_id, "person_id": person_id, "by": by}
    return await tx.row(ENROL, told | {"now": at, "until": last_moment(programme.ends_on)}) is not None


async def end(tx: Transaction, enrolment_id: UUID, stage: Stage, at: datetime, **what: Any) -> None:
    """Somebody completed a programme or left it: her place is free for others from now on."""
    told = {"reason": None, "certificate": None, "independence": None} | what
    await tx.execute(END, {"enrolment_id": enrolment_id, "stage": stage.value, "now": at} | told)


async def leave_all(tx: Transaction, cases: Collection[UUID], person_id: UUID | None = None) -> None:
    """Whoever of these cases (or this person) takes part in something leaves it, because what it was for is over; her place is free for others."""
    reason = WithdrawalReason.OUTCOME_ENDED
    for row in await tx.rows(LEAVE, {"cases": list(cases), "person": person_id, "now": tx.now, "reason": reason.value}):
        what = {"person_id": row.person_id, "programme_id": row.programme_id, "enrolment_id": row.enrolment_id, "reason": reason}
        tx.emit(ProgrammeFollowed(step=ProgrammeStep.WITHDRAWN, **what), row.case_id, key=f"{row.enrolment_id}|withdrawn")


async def attended(tx: Transaction, enrolment_id: UUID, session: int, *, present: bool, by: UUID, at: datetime) -> None:
    """Keep whether somebody was there; the newest word on a session holds."""
    await tx.execute(ATTEND, {"enrolment_id": enrolment_id, "session": session, "present": present, "by": by, "now": at})


async def of_case(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """All that persons of a case take or took part in, those that ended first."""
    return await tx.rows(OF_CASE, {"case_id": case_id})


def enrolment(row: Row[Any]) -> Enrolment:
    """A row of `of_case`, in the domain's words."""
    return Enrolment(Stage(row.stage), row.attended, row.counted, row.independence)


def last_moment(day: date) -> datetime:
    """When a day ends in Jakarta."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC) - WIB
