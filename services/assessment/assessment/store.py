"""The tables of assessment, and the questions asked of them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Column, DateTime, Identity, LargeBinary, Row, Table, Text, Uuid, any_, cast, delete, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from assessment.domain.case import Case, Followup, FollowupState, Goal, Member, Progress, State, Stay
from assessment.domain.safety import Known, Safety


class Base(SQLModel, registry=registry()):
    """The tables of this store and no other."""


metadata = Base.metadata
MOMENT: Any = DateTime(timezone=True)


class WorkerRow(Base, table=True):
    """A social worker; no area named means all areas."""

    __tablename__ = "worker"
    worker_id: UUID = Field(primary_key=True)
    agency: str
    areas: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    active: bool
    skills: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    languages: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    most_cases: int | None
    shifts: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    leaves: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False))


class ConflictRow(Base, table=True):
    """With which case or person a worker declared a conflict; ended ones are kept."""

    __tablename__ = "worker_conflict"
    worker_id: UUID = Field(primary_key=True)
    about: UUID = Field(primary_key=True)
    declared_at: datetime = Field(sa_type=MOMENT)
    declared_by: UUID
    ended_at: datetime | None = Field(sa_type=MOMENT)


class HandedBackRow(Base, table=True):
    """That a worker gave a case back, and why: she does not get it again by itself."""

    __tablename__ = "handed_back"
    case_id: UUID = Field(primary_key=True)
    worker_id: UUID = Field(primary_key=True)
    reason: str
    at: datetime = Field(sa_type=MOMENT)


class CaseRow(Base, table=True):
    """What is known of a case and where it stands: codes, ids and dates only."""

    __tablename__ = "assessment_case"
    case_id: UUID = Field(primary_key=True)
    household_version: int = Field(sa_type=BigInteger)
    members: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    triage_version: int = Field(sa_type=BigInteger)
    area: str | None
    risk: str | None
    shelter_needed: bool | None
    at_home: bool
    admitted: bool
    stays: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    sheltered: bool
    ended: bool
    state: str
    worker_id: UUID | None
    due_at: datetime | None = Field(sa_type=MOMENT)
    plan_version: int
    goals: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    followups: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    deadlines: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    claimed: bool
    end_version: int = Field(default=0, sa_type=BigInteger)
    round_version: int = Field(default=0, sa_type=BigInteger)
    missed: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False))
    assessed_risk: str | None = None
    incident_version: int = Field(default=0, sa_type=BigInteger)
    incident_seen: int = Field(default=0, sa_type=BigInteger)
    safety: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    deceased: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    reentry: int = 0


class AssignmentRow(Base, table=True):
    """Who had a case, in the order of the rows; the last one stays when the case is stopped."""

    __tablename__ = "assignment"
    position: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    case_id: UUID
    worker_id: UUID
    at: datetime = Field(sa_type=MOMENT)
    why: dict[str, Any] | None = Field(sa_column=Column(JSONB))
    round: int = Field(default=0, sa_type=BigInteger)


class AnswerRow(Base, table=True):
    """One person's answers to one instrument, sealed with her key."""

    __tablename__ = "answer"
    case_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    instrument: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    sealed: bytes = Field(sa_type=LargeBinary)
    changed_by: UUID
    changed_at: datetime = Field(sa_type=MOMENT)


class AlertRow(Base, table=True):
    """An alert that was raised, once per case, person and flag."""

    __tablename__ = "alert"
    case_id: UUID = Field(primary_key=True)
    person_id: UUID = Field(primary_key=True)
    flag: str = Field(primary_key=True)
    at: datetime = Field(sa_type=MOMENT)


class CompletionRow(Base, table=True):
    """What came of an assessment; scores are not kept, they follow from the sealed answers."""

    __tablename__ = "completion"
    case_id: UUID = Field(primary_key=True)
    band: str
    flags: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    no_instrument_reason: str | None
    completed_by: UUID
    completed_at: datetime = Field(sa_type=MOMENT)


class PlanRow(Base, table=True):
    """One version of a plan; all versions are kept. `state` is proposed, approved or returned; `persons` has for each what was agreed, goals and services."""

    __tablename__ = "plan"
    case_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    outcomes: dict[str, str] = Field(sa_column=Column(JSONB, nullable=False))
    services: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    state: str
    proposed_by: UUID
    proposed_at: datetime = Field(sa_type=MOMENT)
    decided_by: UUID | None
    decided_at: datetime | None = Field(sa_type=MOMENT)
    return_reason: str | None
    persons: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    agency: str | None = None


def _table(row: Any) -> Table:
    table: Table = row.__table__
    return table


WORKER, CASE, ASSIGNMENT, ANSWER, ALERT, COMPLETION, PLAN, CONFLICT, BACK = map(
    _table, (WorkerRow, CaseRow, AssignmentRow, AnswerRow, AlertRow, CompletionRow, PlanRow, ConflictRow, HandedBackRow)
)
_COLUMNS = ", ".join(column.name for column in CASE.columns)
_CHANGES = ", ".join(f"{column.name} = excluded.{column.name}" for column in CASE.columns if not column.primary_key)
# The columns are this module's own names, not input.
SAVE = text(f"""
    INSERT INTO assessment_case ({_COLUMNS})
    SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::assessment_case, CAST(:rows AS jsonb))
    ON CONFLICT (case_id) DO UPDATE SET {_CHANGES}""")  # noqa: S608
# As the indices of the work list have it, so that what is over costs nothing.
WORK = "state NOT IN ('not_started', 'finished', 'stopped')"


# -- cases ------------------------------------------------------------------------------------------------------------------------


async def cases(tx: Transaction, case_ids: Collection[UUID]) -> dict[UUID, Case]:
    """These cases by id; one never heard of is a case of which nothing is known."""
    found = {row.case_id: _case(row) for row in await tx.rows(select(CASE).where(CASE.c.case_id == any_(cast(list(case_ids), ARRAY(Uuid)))))}
    return {case_id: found.get(case_id, Case(case_id)) for case_id in case_ids}


async def save(tx: Transaction, changed: Iterable[Case]) -> None:
    """Write cases as they are now."""
    rows = [_row(case) for case in changed]
    if rows:
        await tx.execute(SAVE, {"rows": json.dumps(rows)})


async def waiting(tx: Transaction) -> list[UUID]:
    """The cases that wait for a worker."""
    statement = select(CASE.c.case_id).where(CASE.c.state == State.WAITING_FOR_WORKER.value).order_by(CASE.c.case_id)
    return [row.case_id for row in await tx.rows(statement)]


async def listed(tx: Transaction, worker_id: UUID | None, state: State | None, most: int) -> Sequence[Row[Any]]:
    """Cases of one worker (None: all) in one state (None: any in which there is something to do), the next due first; at most `most`."""
    statement = select(CASE).order_by(CASE.c.due_at.asc().nulls_last(), CASE.c.case_id)
    if worker_id is not None:
        statement = statement.where(CASE.c.worker_id == worker_id)
    wanted = text(WORK) if state is None else CASE.c.state == state.value
    return await tx.rows(statement.where(wanted).limit(most))


def _case(row: Row[Any]) -> Case:
    return Case(
        case_id=row.case_id,
        household_version=row.household_version,
        members=tuple(Member(UUID(m["person_id"]), m["age"]) for m in row.members),
        triage_version=row.triage_version,
        area=row.area,
        risk=row.risk,
        shelter_needed=row.shelter_needed,
        at_home=row.at_home,
        admitted=row.admitted,
        stays={UUID(p): Stay(s["version"], s["inside"], _moment(s.get("since")), s.get("died", False)) for p, s in row.stays.items()},
        ended=row.ended,
        state=State(row.state),
        worker=row.worker_id,
        claimed=row.claimed,
        plan_version=row.plan_version,
        goals={UUID(p): Goal(g["outcome"], Progress(g["progress"]), _moment(g.get("since")), g.get("stay", 0)) for p, g in row.goals.items()},
        followups=tuple(
            Followup(f["number"], datetime.fromisoformat(f["due"]), FollowupState(f["state"]), f["result"], f.get("tries", 0)) for f in row.followups
        ),
        deadlines={clock: datetime.fromisoformat(due) for clock, due in row.deadlines.items()},
        end_version=row.end_version,
        round_version=row.round_version,
        missed=row.missed,
        assessed_risk=row.assessed_risk,
        incident_version=row.incident_version,
        incident_seen=row.incident_seen,
        safety=_safety(row.safety),
        deceased=frozenset(map(UUID, row.deceased)),
        reentry=row.reentry,
    )


def _row(case: Case) -> dict[str, Any]:
    return {
        "case_id": str(case.case_id),
        "household_version": case.household_version,
        "members": [{"person_id": str(m.person_id), "age": m.age} for m in case.members],
        "triage_version": case.triage_version,
        "area": case.area,
        "risk": case.risk,
        "shelter_needed": case.shelter_needed,
        "at_home": case.at_home,
        "admitted": case.admitted,
        "stays": {str(p): {"version": s.version, "inside": s.inside, "since": _iso(s.since), "died": s.died} for p, s in case.stays.items()},
        "sheltered": case.sheltered,
        "ended": case.ended,
        "state": case.state.value,
        "worker_id": str(case.worker) if case.worker else None,
        "claimed": case.claimed,
        "due_at": case.due.isoformat() if case.due else None,
        "plan_version": case.plan_version,
        "goals": {
            str(p): {"outcome": g.outcome, "progress": g.progress.value, "since": _iso(g.since), "stay": g.stay_version}
            for p, g in case.goals.items()
        },
        "followups": [
            {"number": f.number, "due": f.due.isoformat(), "state": f.state.value, "result": f.result, "tries": f.tries} for f in case.followups
        ],
        "deadlines": {clock: due.isoformat() for clock, due in case.deadlines.items()},
        "end_version": case.end_version,
        "round_version": case.round_version,
        "missed": dict(case.missed),
        "assessed_risk": case.assessed_risk,
        "incident_version": case.incident_version,
        "incident_seen": case.incident_seen,
        "safety": _told(case.safety),
        "deceased": sorted(map(str, case.deceased)),
        "reentry": case.reentry,
    }


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _safety(row: Mapping[str, Any]) -> Safety:
    def known(told: Mapping[str, Any]) -> dict[UUID, Known]:
        return {UUID(about): Known(k["version"], k["relation"], tuple(k["areas"]), k["removed"]) for about, k in told.items()}

    if not row:
        return Safety()
    apart = row["keep_apart"]
    persons = None if apart is None else frozenset(map(UUID, apart))
    return Safety(row["version"], persons, frozenset(row["areas"]), known(row["suspects"]), known(row["incidents"]))


def _told(safety: Safety) -> dict[str, Any]:
    def known(told: Mapping[UUID, Known]) -> dict[str, Any]:
        entries = {str(a): {"version": k.version, "relation": k.relation, "areas": list(k.areas), "removed": k.removed} for a, k in told.items()}
        return dict(sorted(entries.items()))

    if safety == Safety():
        return {}
    apart = None if safety.keep_apart is None else sorted(map(str, safety.keep_apart))
    told = {"version": safety.version, "keep_apart": apart, "areas": sorted(safety.areas)}
    return {**told, "suspects": known(safety.suspects), "incidents": known(safety.incidents)}


# -- answers, alerts, completion --------------------------------------------------------------------------------------------------


async def sealed_answers(tx: Transaction, case_id: UUID) -> dict[tuple[UUID, tuple[str, int]], bytes]:
    """The sealed answers of a case, by person and by code and version of the instrument."""
    rows = await tx.rows(select(ANSWER).where(ANSWER.c.case_id == case_id))
    return {(row.person_id, (row.instrument, row.version)): row.sealed for row in rows}


async def seal_answers(tx: Transaction, case_id: UUID, person_id: UUID, sealed: bytes, instrument: tuple[str, int]) -> None:
    """Write one person's answers to a version of an instrument."""
    key = {"case_id": case_id, "person_id": person_id, "instrument": instrument[0], "version": instrument[1]}
    written = {"sealed": sealed, "changed_by": tx.principal.subject, "changed_at": tx.now}
    await tx.execute(insert(ANSWER).values(key | written).on_conflict_do_update(index_elements=list(key), set_=written))


async def begin_again(tx: Transaction, cases: Collection[UUID]) -> None:
    """Let alerts of reopened cases be raised once more, should they show again."""
    await tx.execute(delete(ALERT).where(ALERT.c.case_id.in_(cases)))


async def raise_alerts(tx: Transaction, case_id: UUID, person_id: UUID, flags: Sequence[str]) -> list[str]:
    """Record alerts; those that had not been raised before."""
    if not flags:
        return []
    rows = [{"case_id": case_id, "person_id": person_id, "flag": flag, "at": tx.now} for flag in flags]
    return [row.flag for row in await tx.rows(insert(ALERT).values(rows).on_conflict_do_nothing().returning(ALERT.c.flag))]


async def complete(tx: Transaction, case_id: UUID, band: str, flags: Sequence[str], no_instrument_reason: str | None) -> None:
    """Record what came of an assessment."""
    who = {"completed_by": tx.principal.subject, "completed_at": tx.now}
    values = {"case_id": case_id, "band": band, "flags": list(flags), "no_instrument_reason": no_instrument_reason}
    # A case that was reopened is assessed anew: the newest result holds, each was said as a fact.
    await tx.execute(insert(COMPLETION).values(values | who).on_conflict_do_update(index_elements=["case_id"], set_=values | who))


async def completion(tx: Transaction, case_id: UUID) -> Row[Any] | None:
    """What came of the assessment, once it is complete."""
    return await tx.row(select(COMPLETION).where(COMPLETION.c.case_id == case_id))


async def complete_again(tx: Transaction, case_id: UUID, band: str, flags: Sequence[str], *, by: UUID, at: datetime) -> None:
    """Record what came of an assessment that only its fact tells of."""
    values = {"case_id": case_id, "band": band, "flags": list(flags), "completed_by": by, "completed_at": at}
    await tx.execute(insert(COMPLETION).values(values).on_conflict_do_nothing())
