"""Sessions of socialisation and training, who is told of them, how many came, and where they are needed most."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, not_found, reads, writes
from contracts.vocabulary import AreaCode
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Row

from notifications import policy
from notifications.api.preferences import Place
from notifications.domain.prevention import published
from notifications.prevention import contacts, store

router = APIRouter()
DECEMBER = 12


class Title(StrEnum):
    """What a session is about."""

    CHILD_RIGHTS = "child_rights"
    VIOLENCE_PREVENTION = "violence_prevention"
    POSITIVE_PARENTING = "positive_parenting"
    SAFE_SCHOOL = "safe_school"
    ONLINE_SAFETY = "online_safety"
    HOW_TO_REPORT = "how_to_report"
    HANDLING_TRAINING = "handling_training"


class Venue(StrEnum):
    """Where a session takes place."""

    RPTRA = "rptra"
    SCHOOL = "school"
    OFFICE = "office"
    ONLINE = "online"


class Audience(StrEnum):
    """Whom a session is for."""

    FORUM_ANAK = "forum_anak"
    COMMUNITY = "community"
    STUDENTS = "students"
    AGENCY_STAFF = "agency_staff"
    UNITS = "units"
    NGO = "ngo"
    VOLUNTEERS = "volunteers"


class SessionBody(BaseModel):
    """A session; `note` is for those who come, and not a place for a case."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    note: str = Field(default="", max_length=500)
    place: Venue
    area: AreaCode
    audiences: list[Audience] = Field(min_length=1, max_length=7)
    starts_at: AwareDatetime


class SessionView(BaseModel):
    """A session as it is seen by all who may come."""

    id: UUID
    title: str
    note: str
    place: str
    area: str
    audiences: list[str]
    starts_at: datetime
    cancelled_at: datetime | None
    attended: int | None
    attended_children: int | None


class AttendanceBody(BaseModel):
    """How many came, and how many of them are children."""

    model_config = ConfigDict(extra="forbid")

    people: int = Field(ge=0, le=100_000)
    children: int = Field(ge=0, le=100_000)


class OptInBody(BaseModel):
    """Of which sessions to hear; empty means all."""

    model_config = ConfigDict(extra="forbid")

    audiences: list[Audience] = Field(default_factory=list, max_length=7)
    areas: list[Place] = Field(default_factory=list, max_length=300)


class OptInView(BaseModel):
    """Whether, and of which sessions, the one who asks wants to hear."""

    told: bool
    audiences: list[str] = []
    areas: list[str] = []


class StatisticsView(BaseModel):
    """Reported cases of one month; areas with few cases, and those that would give them away, are left out."""

    month: str
    districts: Mapping[str, int]
    cities: Mapping[str, int]
    total: int | None


@router.post("/prevention/sessions", status_code=201)
@writes(*policy.PREVENTION)
async def announce(body: SessionBody, tx: Transaction) -> SessionView:
    """Announce a session to everybody who asked to hear of such ones there; `note` is read by all who follow its link."""
    require_agency(tx)
    if body.starts_at <= tx.now:
        raise RefusedError(422, "a session is announced before it begins", [FieldProblem("starts_at", "in_the_past")])
    identity = tx.new_id("session")
    await store.announce(tx, id=identity, **body.model_dump() | {"audiences": sorted(set(body.audiences))})
    await contacts.announce(tx, identity)
    return _view(await session_of(identity, tx))


@router.get("/prevention/sessions")
@reads(*policy.PREVENTION_READ)
async def sessions(
    tx: Transaction,
    area: Annotated[str | None, Query(pattern=r"^\d{2}(\.\d{2}(\.\d{2})?)?$")] = None,
    since: Annotated[AwareDatetime | None, Query(description="those that began since then too, as for counting who came")] = None,
) -> list[SessionView]:
    """The sessions to come, everywhere or in an area."""
    return [_view(row) for row in await store.sessions(tx, since or tx.now, area, tx.settings.inbox_page)]


@router.get("/prevention/sessions/{session_id}")
@reads(*policy.PREVENTION_READ)
async def see_session(session_id: UUID, tx: Transaction) -> SessionView:
    """One session, also one that is over."""
    row = await store.look(tx, session_id)
    if row is None:
        raise not_found("session")
    return _view(row)


@router.post("/prevention/sessions/{session_id}/cancel")
@writes(*policy.PREVENTION)
async def cancel(session_id: UUID, tx: Transaction) -> SessionView:
    """A session does not take place; again changes nothing."""
    require_agency(tx)
    await session_of(session_id, tx)
    await store.cancel(tx, session_id)
    await contacts.call_off(tx, session_id)
    return _view(await session_of(session_id, tx))


@router.put("/prevention/sessions/{session_id}/attendance")
@writes(*policy.PREVENTION)
async def attendance(session_id: UUID, body: AttendanceBody, tx: Transaction) -> SessionView:
    """How many came; counted anew, the last count stands."""
    require_agency(tx)
    row = await session_of(session_id, tx)
    if body.children > body.people:
        raise RefusedError(422, "children are among those who came", [FieldProblem("children", "more_than_people")])
    if row.cancelled_at is not None or row.starts_at > tx.now:
        raise RefusedError(409, "nobody can have come yet: the session has not begun, or was cancelled")
    await store.attended(tx, session_id, body.people, body.children)
    return _view(await session_of(session_id, tx))


@router.get("/prevention/opt-in")
@reads(*policy.INBOX)
async def told(tx: Transaction) -> OptInView:
    """Of which sessions the one who asks wants to hear."""
    row = await store.opted(tx)
    return OptInView(told=False) if row is None else OptInView(told=True, audiences=row.audiences, areas=row.areas)


@router.put("/prevention/opt-in")
@writes(*policy.INBOX)
async def opt_in(body: OptInBody, tx: Transaction) -> OptInView:
    """Hear of sessions from now on."""
    await store.opt_in(tx, body.audiences, body.areas)
    row = await store.opted(tx)
    return OptInView(told=row is not None, audiences=row.audiences if row else [], areas=row.areas if row else [])


@router.delete("/prevention/opt-in")
@writes(*policy.INBOX)
async def opt_out(tx: Transaction) -> OptInView:
    """Hear of sessions no more; again changes nothing."""
    await store.opt_out(tx)
    return OptInView(told=False)


@router.get("/prevention/statistics")
@reads(*policy.PREVENTION)
async def statistics(tx: Transaction, month: Annotated[str, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]) -> StatisticsView:
    """How many cases were reported where, in a month that is over: of one that runs, looks one after the other would tell of single cases."""
    require_agency(tx)
    year, number = (int(part) for part in month.split("-"))
    start, end = date(year, number, 1), date(year + number // DECEMBER, number % DECEMBER + 1, 1)
    if end > tx.now.date():
        raise RefusedError(422, "this month is not over", [FieldProblem("month", "not_over")])
    found = published(await store.counts(tx, start, end))
    return StatisticsView(month=month, districts=found.districts, cities=found.cities, total=found.total)


def require_agency(tx: Transaction) -> None:
    """Refuse whoever is not of the agency that answers for prevention."""
    if tx.principal.agency != tx.settings.prevention_agency:
        raise RefusedError(403, "another agency answers for prevention")


async def session_of(session_id: UUID, tx: Transaction) -> Row[Any]:
    """A session, locked. Raises 404."""
    row = await store.session(tx, session_id)
    if row is None:
        raise not_found("session")
    return row


def _view(row: Row[Any]) -> SessionView:
    return SessionView(**{name: getattr(row, name) for name in SessionView.model_fields})
