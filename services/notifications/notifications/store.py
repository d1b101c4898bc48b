"""Tables of notifications and the questions asked of them: case files, notices and ladders."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from chassis import Principal, Transaction
from sqlalchemy import BigInteger, DateTime, Row, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from notifications.domain import MERGED, CaseFile, Ladder, Notice


class Base(SQLModel, registry=registry()):
    """Tables of this store only."""


metadata = Base.metadata
MOMENT: Any = DateTime(timezone=True)
BIG: Any = BigInteger
T = TypeVar("T")


class CaseFileRow(Base, table=True):
    """What is known of a case: the projection of others' events."""

    __tablename__ = "case_file"
    case_id: UUID = Field(primary_key=True)
    reported_by: str | None
    brought_by: str | None
    responsible: str | None
    risk: str | None
    triage_version: int = Field(sa_type=BIG)
    worker: UUID | None
    worker_version: int = Field(sa_type=BIG)
    ended: bool
    responsible_version: int = Field(default=0, sa_type=BIG)
    end_version: int = Field(default=0, sa_type=BIG)


class NoticeRow(Base, table=True):
    """One recipient told of one source (an event, a step of a ladder); `position` orders what a recipient can see, as it can be seen."""

    __tablename__ = "notice"
    id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BIG)
    source: str
    recipient: str
    role: str
    agency: str | None
    unit: UUID | None
    officer: UUID | None
    follows: str
    kind: str
    urgency: str
    case_id: UUID | None
    subscription_id: UUID | None
    placement_id: UUID | None
    number: int | None
    clock: str | None
    occurred_at: datetime = Field(sa_type=MOMENT)
    due_at: datetime | None = Field(sa_type=MOMENT)
    created_at: datetime = Field(sa_type=MOMENT)
    acknowledged_at: datetime | None = Field(sa_type=MOMENT)
    acknowledged_by: UUID | None
    acknowledged_after_seconds: float | None
    held_until: datetime | None = Field(default=None, sa_type=MOMENT)
    merged_into: UUID | None = None
    channels: str | None = None
    session_id: UUID | None = None


class NoticeReadRow(Base, table=True):
    """An officer read a notice; a notice to a role is read by each for oneself, and acknowledged once for all."""

    __tablename__ = "notice_read"
    notice_id: UUID = Field(primary_key=True)
    officer: UUID = Field(primary_key=True)
    read_at: datetime = Field(sa_type=MOMENT)


class LadderRow(Base, table=True):
    """One offer's ladder."""

    __tablename__ = "ladder"
    placement_id: UUID = Field(primary_key=True)
    case_id: UUID
    unit: UUID
    offered_at: datetime | None = Field(sa_type=MOMENT)
    answered: bool
    done: int
    policy_version: int
    claimed_until: datetime | None = Field(sa_type=MOMENT)


# -- case files -------------------------------------------------------------------------------------------------------------------------

# By name, since the next release may add columns while this one still runs.
FILES = text(f"SELECT {', '.join(field.name for field in fields(CaseFile))} FROM case_file WHERE case_id = ANY(CAST(:ids AS uuid[]))")  # noqa: S608 - constants
KEEP_FILES = text("""
    INSERT INTO case_file SELECT * FROM unnest(CAST(:case_id AS uuid[]), CAST(:reported_by AS text[]), CAST(:brought_by AS text[]),
        CAST(:responsible AS text[]), CAST(:risk AS text[]), CAST(:triage_version AS bigint[]), CAST(:worker AS uuid[]),
        CAST(:worker_version AS bigint[]), CAST(:ended AS boolean[]), CAST(:responsible_version AS bigint[]), CAST(:end_version AS bigint[]))
    ON CONFLICT (case_id) DO UPDATE SET reported_by = excluded.reported_by, brought_by = excluded.brought_by,
        responsible = excluded.responsible, risk = excluded.risk, triage_version = excluded.triage_version,
        worker = excluded.worker, worker_version = excluded.worker_version, ended = excluded.ended,
        responsible_version = excluded.responsible_version, end_version = excluded.end_version""")


async def files_of(tx: Transaction, cases: Collection[UUID]) -> dict[UUID, CaseFile]:
    """The files of these cases; an empty one where nothing is known yet."""
    found = {row.case_id: made(CaseFile, row) for row in await tx.rows(FILES, {"ids": list(cases)})}
    return {case: found.get(case) or CaseFile(case) for case in cases}


async def keep_files(tx: Transaction, files: Sequence[CaseFile]) -> None:
    """Store files as they are now; their cases are locked."""
    await tx.execute(KEEP_FILES, columns(CaseFile, files))


# -- notices ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A notice about to be written: what it says, and what it comes from."""

    id: UUID
    source: str
    notice: Notice
    occurred_at: datetime
    case_id: UUID | None = None
    subscription_id: UUID | None = None
    placement_id: UUID | None = None
    number: int | None = None
    clock: str | None = None
    due_at: datetime | None = None
    channels: str | None = None


# Whoever reads on from a position must never miss one that commits later: writers of positions take turns.
TURN = text("SELECT pg_advisory_xact_lock(hashtext('notice position'))")
WRITE = text("""
    INSERT INTO notice (id, source, recipient, role, agency, unit, officer, follows, kind, urgency, occurred_at, case_id, subscription_id,
        placement_id, number, clock, due_at, channels, created_at)
    SELECT new.*, CAST(:now AS timestamptz) FROM unnest(CAST(:id AS uuid[]), CAST(:source AS text[]), CAST(:recipient AS text[]),
        CAST(:role AS text[]), CAST(:agency AS text[]), CAST(:unit AS uuid[]), CAST(:officer AS uuid[]), CAST(:follows AS text[]),
        CAST(:kind AS text[]), CAST(:urgency AS text[]), CAST(:occurred_at AS timestamptz[]), CAST(:case_id AS uuid[]),
        CAST(:subscription_id AS uuid[]), CAST(:placement_id AS uuid[]), CAST(:number AS integer[]), CAST(:clock AS text[]),
        CAST(:due_at AS timestamptz[]), CAST(:channels AS text[])) AS new
    ON CONFLICT (source, recipient) DO NOTHING""")
FOLLOW_AGENCY = text("""
    UPDATE notice SET agency = now.agency, position = nextval('notice_position')
    FROM unnest(CAST(:cases AS uuid[]), CAST(:agencies AS text[])) AS now (case_id, agency)
    WHERE notice.case_id = now.case_id AND follows = 'agency' AND acknowledged_at IS NULL AND notice.agency IS DISTINCT FROM now.agency""")
FOLLOW_WORKER = text("""
    UPDATE notice SET officer = now.worker, position = nextval('notice_position')
    FROM unnest(CAST(:cases AS uuid[]), CAST(:workers AS uuid[])) AS now (case_id, worker)
    WHERE notice.case_id = now.case_id AND follows = 'worker' AND acknowledged_at IS NULL AND notice.officer IS DISTINCT FROM now.worker""")
# Notices of one kind about one matter within one span of time are one notice: the first that nobody acknowledged, which comes up again.
MERGE = text("""
    WITH fresh AS (
        SELECT * FROM notice WHERE source = ANY(CAST(:sources AS text[])) AND kind = ANY(CAST(:kinds AS text[]))
            AND merged_into IS NULL AND acknowledged_at IS NULL AND case_id IS NOT NULL),
    heads AS (
        SELECT DISTINCT ON (f.id) f.id, n.id AS head FROM fresh f JOIN notice n ON n.case_id = f.case_id AND n.kind = f.kind AND n.recipient = f.recipient
            AND n.urgency = f.urgency AND n.acknowledged_at IS NULL AND n.merged_into IS NULL AND n.number IS NOT DISTINCT FROM f.number
            AND n.placement_id IS NOT DISTINCT FROM f.placement_id AND n.held_until IS NOT DISTINCT FROM f.held_until
            AND floor(extract(epoch FROM n.occurred_at) / :span) = floor(extract(epoch FROM f.occurred_at) / :span)
        ORDER BY f.id, n.position),
    merged AS (UPDATE notice SET merged_into = heads.head FROM heads WHERE notice.id = heads.id AND heads.head <> heads.id RETURNING merged_into)
    UPDATE notice SET position = nextval('notice_position') WHERE id IN (SELECT merged_into FROM merged)""")
ANSWERED_SOURCES = text("SELECT DISTINCT source FROM notice WHERE source = ANY(CAST(:sources AS text[])) AND acknowledged_at IS NOT NULL")
KNOWN_SOURCES = text("SELECT DISTINCT source FROM notice WHERE source = ANY(CAST(:sources AS text[]))")

# What somebody may see; a notice for a worker who is not known yet is nobody's.
# What she chose herself is seen as long as her agency leads the case.
BY_NAME = "officer = :asker AND (agency IS NULL OR agency = :agency)"
BY_ROLE = """officer IS NULL AND follows <> 'worker' AND role = ANY(CAST(:roles AS text[]))
    AND (agency IS NULL OR agency = :agency) AND (unit IS NULL OR CAST(unit AS text) = ANY(CAST(:units AS text[])))"""
MINE = f"({BY_NAME} OR ({BY_ROLE}))"
SEEN = "EXISTS (SELECT 1 FROM notice_read r WHERE r.notice_id = notice.id AND r.officer = :asker)"
TIMES = "1 + (SELECT count(*) FROM notice m WHERE m.merged_into = notice.id) AS times"
MUTED = "coalesce((SELECT muted FROM preference WHERE officer = :asker AND current), '{}')"
PAGE = f"""held_until IS NULL AND merged_into IS NULL AND kind <> ALL({MUTED}) AND position > :after
    AND (CAST(:unread AS boolean) IS NULL OR {SEEN} <> :unread) ORDER BY position LIMIT :most"""
# Each half is read in the order of its own index; an OR over both would be looked for in all of them.
INBOX = text(f"""
    SELECT notice.*, {SEEN} AS read, {TIMES} FROM (
        (SELECT * FROM notice WHERE {BY_NAME} AND {PAGE}) UNION ALL (SELECT * FROM notice WHERE {BY_ROLE} AND {PAGE})
    ) AS notice ORDER BY position LIMIT :most""")  # noqa: S608 - constants
ONE = text(f"SELECT notice.*, {SEEN} AS read, {TIMES} FROM notice WHERE {MINE} AND id = :id AND held_until IS NULL")  # noqa: S608 - constants
READ = text("INSERT INTO notice_read (notice_id, officer, read_at) VALUES (:id, :officer, :now) ON CONFLICT DO NOTHING")
ACKNOWLEDGE = text("""
    WITH with_it AS (
        UPDATE notice SET acknowledged_at = :now, acknowledged_by = :officer WHERE merged_into = :id AND acknowledged_at IS NULL)
    UPDATE notice SET acknowledged_at = :now, acknowledged_by = :officer,
        acknowledged_after_seconds = greatest(0, extract(epoch FROM :now - created_at))
    WHERE id = :id AND acknowledged_at IS NULL RETURNING acknowledged_after_seconds""")


async def write_notices(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Write notices; one that its recipient has already from the same source is not written again."""
    if not entries:
        return
    await tx.execute(TURN)
    values = columns(Entry, entries) | columns(Notice, [entry.notice for entry in entries])
    del values["notice"]
    await tx.execute(WRITE, values | {"now": tx.now})
    await merge(tx, [entry.source for entry in entries if entry.notice.kind in MERGED])


async def merge(tx: Transaction, sources: Sequence[str]) -> None:
    """Let the notices of these sources be one with an open one about the same thing; the turn is taken."""
    if sources:
        span = tx.settings.span(minutes=tx.settings.merge_minutes).total_seconds()
        await tx.execute(MERGE, {"sources": list(sources), "kinds": sorted(MERGED), "span": span})


async def readdress(tx: Transaction, led: Sequence[CaseFile], worked: Sequence[CaseFile]) -> None:
    """Let open notices follow: those of the cases in `led` to the agency that leads now, those of `worked` to the worker who has the case now."""
    if led or worked:
        await tx.execute(TURN)
    if led:
        await tx.execute(FOLLOW_AGENCY, {"cases": [file.case_id for file in led], "agencies": [file.agency for file in led]})
    if worked:
        await tx.execute(FOLLOW_WORKER, {"cases": [file.case_id for file in worked], "workers": [file.worker for file in worked]})


async def acknowledged_sources(tx: Transaction, sources: Sequence[str]) -> set[str]:
    """Those of these sources of which somebody acknowledged a notice."""
    return {row.source for row in await tx.rows(ANSWERED_SOURCES, {"sources": list(sources)})}


async def known_sources(tx: Transaction, sources: Sequence[str]) -> set[str]:
    """Those of these sources of which there is a notice."""
    return {row.source for row in await tx.rows(KNOWN_SOURCES, {"sources": list(sources)})}


async def inbox_of(tx: Transaction, who: Principal, *, unread: bool | None, after: int, most: int) -> Sequence[Row[Any]]:
    """A page of what somebody may see, in the order in which it came to be seen; `unread` chooses unread or read ones, None both."""
    return await tx.rows(INBOX, _asker(who) | {"unread": unread, "after": after, "most": most})


async def notice_for(tx: Transaction, who: Principal, notice_id: UUID) -> Row[Any] | None:
    """A notice, if this principal may see it."""
    return await tx.row(ONE, _asker(who) | {"id": notice_id})


async def mark_read(tx: Transaction, notice_id: UUID, officer: UUID) -> None:
    """Remember that an officer read a notice; the first time counts."""
    await tx.execute(READ, {"id": notice_id, "officer": officer, "now": tx.now})


async def acknowledge(tx: Transaction, notice_id: UUID, officer: UUID) -> float | None:
    """Acknowledge a notice and those that are one with it; after how many seconds, None if somebody did before."""
    row = await tx.row(ACKNOWLEDGE, {"id": notice_id, "officer": officer, "now": tx.now})
    return None if row is None else float(row.acknowledged_after_seconds)


def _asker(who: Principal) -> dict[str, Any]:
    return {"asker": who.subject, "roles": sorted(who.roles), "agency": who.agency, "units": sorted(who.units)}


# -- ladders ----------------------------------------------------------------------------------------------------------------------------

LADDERS = text("""
    SELECT placement_id, case_id, unit, offered_at, answered, done, claimed_until FROM ladder
    WHERE placement_id = ANY(CAST(:ids AS uuid[])) OR (NOT answered AND case_id = ANY(CAST(:cases AS uuid[])))""")
KEEP_LADDERS = text("""
    INSERT INTO ladder (placement_id, case_id, unit, offered_at, answered, done, claimed_until, policy_version)
    SELECT new.* FROM unnest(CAST(:placement_id AS uuid[]), CAST(:case_id AS uuid[]), CAST(:unit AS uuid[]),
        CAST(:offered_at AS timestamptz[]), CAST(:answered AS boolean[]), CAST(:done AS integer[]), CAST(:claimed_until AS timestamptz[]), CAST(:versions AS integer[])) AS new
    ON CONFLICT (placement_id) DO UPDATE SET offered_at = excluded.offered_at, answered = excluded.answered, done = excluded.done,
        claimed_until = excluded.claimed_until, policy_version = excluded.policy_version""")


async def ladders(tx: Transaction, placements: Collection[UUID], open_of: Collection[UUID] = ()) -> dict[UUID, Ladder]:
    """The ladders of these offers, as far as there are any, and the unanswered ones of the cases `open_of`."""
    return {row.placement_id: made(Ladder, row) for row in await tx.rows(LADDERS, {"ids": list(placements), "cases": list(open_of)})}


async def keep_ladders(tx: Transaction, climbed: Sequence[Ladder], versions: Sequence[int]) -> None:
    """Store ladders as they are now, each with the version of the policy it climbs by."""
    await tx.execute(KEEP_LADDERS, columns(Ladder, climbed) | {"versions": list(versions)})


def made(kind: Callable[..., T], row: Row[Any]) -> T:
    """A value whose fields are the columns of a row, in their order."""
    return kind(*tuple(row))


def columns(kind: type[Any], things: Iterable[Any]) -> dict[str, list[Any]]:
    """Dataclass values by column, for `unnest`."""
    rows = [[getattr(thing, field.name) for field in fields(kind)] for thing in things]
    return {field.name: [row[place] for row in rows] for place, field in enumerate(fields(kind))}
