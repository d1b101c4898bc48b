"""Officers' preferences, version by version, and the notices that follow from them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID, uuid5

from chassis import Transaction
from sqlalchemy import ARRAY, Row, Text, Time, text
from sqlmodel import Field

from notifications.domain.preferences import Pace, Rhythm
from notifications.store import BIG, MOMENT, TURN, Base, columns

TEXTS: Any = ARRAY(Text)
CLOCK_TIME: Any = Time()
RELEASE = "release"
NAMESPACE = UUID("9d3a5e0b-70c7-4b0c-a1d4-5b1a9d0f3c11")


class PreferenceRow(Base, table=True):
    """One version of what an officer chose; the newest one is `current`."""

    __tablename__ = "preference"
    officer: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    current: bool
    agency: str
    roles: list[str] = Field(sa_type=TEXTS)
    kinds: list[str] = Field(sa_type=TEXTS)
    muted: list[str] = Field(sa_type=TEXTS)
    areas: list[str] = Field(sa_type=TEXTS)
    risks: list[str] = Field(sa_type=TEXTS)
    own_cases: bool
    pace: str
    digest_at: time = Field(sa_type=CLOCK_TIME)
    quiet_from: time | None = Field(sa_type=CLOCK_TIME)
    quiet_until: time | None = Field(sa_type=CLOCK_TIME)
    policy_version: int
    chosen_at: datetime = Field(sa_type=MOMENT)


class CaseAreaRow(Base, table=True):
    """Where a case is, as the report and the newest triage say: a projection of intake's events."""

    __tablename__ = "case_area"
    case_id: UUID = Field(primary_key=True)
    reported_area: str | None
    triaged_area: str | None
    triage_version: int = Field(sa_type=BIG)
    reported_on: date | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One event, as far as it is matched with what officers chose."""

    source: str
    kind: str
    urgency: str
    occurred_at: datetime
    case_id: UUID
    agency: str | None
    risk: str | None
    worker: UUID | None
    placement_id: UUID | None
    number: int | None
    due_at: datetime | None
    prefix: str


CURRENT = text("SELECT * FROM preference WHERE officer = :officer AND current FOR UPDATE")
VERSIONS = text("SELECT * FROM preference WHERE officer = :officer ORDER BY version DESC")
RETIRE = text("UPDATE preference SET current = false WHERE officer = :officer AND current")
CHOOSE = text("""
    INSERT INTO preference (officer, version, current, agency, roles, kinds, muted, areas, risks, own_cases, pace, digest_at, quiet_from, quiet_until,
        policy_version, chosen_at)
    VALUES (:officer, :version, true, :agency, CAST(:roles AS text[]), CAST(:kinds AS text[]), CAST(:muted AS text[]), CAST(:areas AS text[]),
        CAST(:risks AS text[]), :own_cases, :pace, :digest_at, :quiet_from, :quiet_until, :policy_version, :now)""")
REPORTED = text("""
    INSERT INTO case_area (case_id, reported_area, reported_on, triage_version)
    SELECT DISTINCT ON (case_id) case_id, area, day, 0
    FROM unnest(CAST(:cases AS uuid[]), CAST(:areas AS text[]), CAST(:days AS date[])) AS r (case_id, area, day) ORDER BY case_id
    ON CONFLICT (case_id) DO UPDATE SET reported_area = excluded.reported_area, reported_on = excluded.reported_on""")
TRIAGED = text("""
    INSERT INTO case_area (case_id, triaged_area, triage_version)
    SELECT DISTINCT ON (case_id) case_id, area, version
    FROM unnest(CAST(:cases AS uuid[]), CAST(:areas AS text[]), CAST(:versions AS bigint[])) AS t (case_id, area, version) ORDER BY case_id, version DESC
    ON CONFLICT (case_id) DO UPDATE SET triaged_area = excluded.triaged_area, triage_version = excluded.triage_version
    WHERE case_area.triage_version <= excluded.triage_version""")
RHYTHMS = text("""
    SELECT DISTINCT pace, digest_at, quiet_from, quiet_until FROM preference
    WHERE current AND agency = ANY(CAST(:agencies AS text[])) AND kinds && CAST(:kinds AS text[])""")
# One statement whatever the number of officers. An id is the time of its event, then a hash of event and officer: the same whoever writes it.
# Who is told of the same event anyhow is not told again; that is read once and not for each officer, because the rows that this statement writes
# lie in the same place of the index, and passing over them again and again takes a minute for ten thousand.
FAN_OUT = text("""
    WITH told AS (
        SELECT e.*, coalesce(a.triaged_area, a.reported_area) AS area
        FROM unnest(CAST(:source AS text[]), CAST(:kind AS text[]), CAST(:urgency AS text[]), CAST(:occurred_at AS timestamptz[]),
            CAST(:case_id AS uuid[]), CAST(:agency AS text[]), CAST(:risk AS text[]), CAST(:worker AS uuid[]), CAST(:placement_id AS uuid[]),
            CAST(:number AS integer[]), CAST(:due_at AS timestamptz[]), CAST(:prefix AS text[]))
            AS e (source, kind, urgency, occurred_at, case_id, agency, risk, worker, placement_id, number, due_at, prefix)
        LEFT JOIN case_area a USING (case_id)),
    rhythm AS (
        SELECT * FROM unnest(CAST(:paces AS text[]), CAST(:digests AS time[]), CAST(:starts AS time[]), CAST(:ends AS time[]), CAST(:shown AS timestamptz[]))
            AS r (pace, digest_at, quiet_from, quiet_until, shown)),
    anyhow AS MATERIALIZED (
        SELECT source, role, agency, officer, kind FROM notice WHERE source = ANY(CAST(:source AS text[])) AND NOT starts_with(recipient, 'officer:')
            AND (officer IS NOT NULL OR (follows <> 'worker' AND unit IS NULL))),
    written AS (
        INSERT INTO notice (id, source, recipient, role, agency, officer, follows, kind, urgency, occurred_at, case_id, placement_id, number, due_at,
            created_at, held_until)
        SELECT CAST(e.prefix || '8' || substr(h.hex, 1, 3) || '8' || substr(h.hex, 4, 15) AS uuid), e.source, 'officer:' || p.officer, p.roles[1],
            e.agency, p.officer, 'agency', e.kind, e.urgency, e.occurred_at, e.case_id, e.placement_id, e.number, e.due_at, :now,
            CASE WHEN e.urgency <> 'urgent' THEN r.shown END
        FROM told e JOIN preference p ON p.current AND p.agency = e.agency AND e.kind = ANY(p.kinds)
            AND (NOT p.own_cases OR p.officer = e.worker)
            AND (cardinality(p.risks) = 0 OR e.risk IS NULL OR e.risk = ANY(p.risks))
            AND (cardinality(p.areas) = 0 OR e.area IS NULL OR EXISTS (SELECT FROM unnest(p.areas) AS chosen WHERE starts_with(e.area, chosen)))
        JOIN rhythm r ON (r.pace, r.digest_at) = (p.pace, p.digest_at) AND r.quiet_from IS NOT DISTINCT FROM p.quiet_from
            AND r.quiet_until IS NOT DISTINCT FROM p.quiet_until,
        LATERAL (SELECT encode(sha256(convert_to(e.source || '|' || p.officer, 'UTF8')), 'hex') AS hex) h
        WHERE NOT EXISTS (SELECT FROM anyhow n WHERE n.source = e.source AND (n.officer = p.officer OR (n.officer IS NULL
            AND n.role = ANY(p.roles) AND (n.agency IS NULL OR n.agency = p.agency) AND n.kind <> ALL(p.muted))))
        ON CONFLICT (source, recipient) DO NOTHING RETURNING held_until)
    SELECT held_until, count(*) AS many FROM written GROUP BY held_until""")
SHOW = text("""
    UPDATE notice SET held_until = NULL, position = nextval('notice_position')
    FROM (SELECT id FROM notice WHERE held_until <= :now ORDER BY officer, position FOR UPDATE) AS due WHERE notice.id = due.id""")


async def current(tx: Transaction, officer: UUID) -> Row[Any] | None:
    """What an officer chose last, locked."""
    return await tx.row(CURRENT, {"officer": officer})


async def versions(tx: Transaction, officer: UUID) -> Sequence[Row[Any]]:
    """All that an officer ever chose, the newest first."""
    return await tx.rows(VERSIONS, {"officer": officer})


async def choose(tx: Transaction, **values: Any) -> None:
    """Store the next version of what an officer chose."""
    await tx.execute(RETIRE, {"officer": values["officer"]})
    await tx.execute(CHOOSE, values | {"now": tx.now})


async def keep_areas(tx: Transaction, reported: Sequence[tuple[UUID, str, date]], triaged: Sequence[tuple[UUID, str, int]]) -> None:
    """Keep where cases are."""
    if reported:
        values = {"cases": [case for case, _, _ in reported], "areas": [area for _, area, _ in reported], "days": [day for _, _, day in reported]}
        await tx.execute(REPORTED, values)
    if triaged:
        values = {"cases": [case for case, _, _ in triaged], "areas": [area for _, area, _ in triaged], "versions": [v for _, _, v in triaged]}
        await tx.execute(TRIAGED, values)


async def rhythms(tx: Transaction, agencies: Collection[str], kinds: Collection[str]) -> list[Rhythm]:
    """The rhythms of all who chose one of these kinds at one of these agencies."""
    found = await tx.rows(RHYTHMS, {"agencies": sorted(agencies), "kinds": sorted(kinds)})
    return [Rhythm(Pace(row.pace), row.digest_at, row.quiet_from, row.quiet_until) for row in found]


async def fan_out(tx: Transaction, told: Sequence[Told], shown: Sequence[tuple[Rhythm, datetime | None]]) -> list[datetime]:
    """Tell all who chose to hear of these events, each once; from when on what is held back is to be shown."""
    await tx.execute(TURN)
    rhythm_columns = {
        "paces": [rhythm.pace.value for rhythm, _ in shown],
        "digests": [rhythm.digest_at for rhythm, _ in shown],
        "starts": [rhythm.quiet_from for rhythm, _ in shown],
        "ends": [rhythm.quiet_until for rhythm, _ in shown],
        "shown": [moment for _, moment in shown],
    }
    found = await tx.rows(FAN_OUT, columns(Told, told) | rhythm_columns | {"now": tx.now})
    return [row.held_until for row in found if row.held_until is not None]


def release_of(moment: datetime) -> UUID:
    """The subject of the clock at which what was held back until then is shown."""
    return uuid5(NAMESPACE, moment.isoformat())


async def show(tx: Transaction) -> None:
    """Show what was held back until now, as if it had come now."""
    await tx.execute(TURN)
    await tx.execute(SHOW, {"now": tx.now})
