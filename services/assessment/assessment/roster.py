"""The social workers and who has which case: the questions asked of their tables."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, Select, and_, func, select, text
from sqlalchemy.dialects.postgresql import insert

from assessment.domain.assignment import Leave, Shift, Worker
from assessment.domain.case import OPEN, State
from assessment.store import ASSIGNMENT, BACK, CASE, CONFLICT, WORKER

ASSIGN = text("""
    INSERT INTO assignment (case_id, worker_id, at, why, round)
    SELECT case_id, worker_id, CAST(:now AS timestamptz), why, round
    FROM unnest(CAST(:cases AS uuid[]), CAST(:workers AS uuid[]), CAST(:whys AS jsonb[]), CAST(:rounds AS bigint[])) AS given (case_id, worker_id, why, round)
    RETURNING case_id, EXISTS (SELECT FROM assignment AS earlier WHERE earlier.case_id = assignment.case_id AND earlier.round = assignment.round) AS anew""")


async def keep_worker(tx: Transaction, worker_id: UUID, values: Mapping[str, Any]) -> None:
    """Register or change a worker: columns of `WorkerRow` by name."""
    await tx.execute(insert(WORKER).values({"worker_id": worker_id, **values}).on_conflict_do_update(index_elements=["worker_id"], set_=values))


def _with_load() -> Select[Any]:
    """Every worker with her number of open cases, counted in the index alone: it holds both columns, and a batch asks this each time."""
    joined = WORKER.outerjoin(CASE, and_(CASE.c.worker_id == WORKER.c.worker_id, CASE.c.state.in_([state.value for state in OPEN])))
    return select(WORKER, func.count(CASE.c.worker_id).label("open_cases")).select_from(joined).group_by(*WORKER.columns).order_by(WORKER.c.worker_id)


CONFLICTS = func.array(select(CONFLICT.c.about).where(CONFLICT.c.worker_id == WORKER.c.worker_id, CONFLICT.c.ended_at.is_(None)).scalar_subquery())
DECLINED = func.array(select(BACK.c.case_id).where(BACK.c.worker_id == WORKER.c.worker_id).scalar_subquery())


async def workers(tx: Transaction) -> Sequence[Row[Any]]:
    """All workers, with their open cases."""
    return await tx.rows(_with_load())


async def worker(tx: Transaction, worker_id: UUID) -> Row[Any] | None:
    """One worker, with her open cases."""
    return await tx.row(_with_load().where(WORKER.c.worker_id == worker_id))


async def conflicts(tx: Transaction, worker_id: UUID) -> Sequence[Row[Any]]:
    """With what she has a conflict now, the newest first."""
    statement = select(CONFLICT).where(CONFLICT.c.worker_id == worker_id, CONFLICT.c.ended_at.is_(None))
    return await tx.rows(statement.order_by(CONFLICT.c.declared_at.desc(), CONFLICT.c.about))


async def active_workers(tx: Transaction, caseload: int = 20) -> list[Worker]:
    """Those who may be given a case; `caseload` is the limit of who has none of her own."""
    rows = await tx.rows(_with_load().where(WORKER.c.active).add_columns(CONFLICTS.label("conflicts"), DECLINED.label("declined")))
    return [
        Worker(
            row.worker_id,
            frozenset(row.areas),
            row.open_cases,
            caseload if row.most_cases is None else row.most_cases,
            frozenset(row.skills),
            tuple(Shift(entry["weekday"], time.fromisoformat(entry["begins"]), time.fromisoformat(entry["ends"])) for entry in row.shifts),
            tuple(Leave(date.fromisoformat(entry["first"]), date.fromisoformat(entry["last"])) for entry in row.leaves),
            frozenset(row.conflicts),
            frozenset(row.declined),
        )
        for row in rows
    ]


async def keep_conflict(tx: Transaction, worker_id: UUID, about: UUID, *, ended: bool = False) -> None:
    """Keep that a worker has a conflict with a case or a person, or that it ended."""
    declared = {"declared_at": tx.now, "declared_by": tx.principal.subject, "ended_at": tx.now if ended else None}
    rows = insert(CONFLICT).values({"worker_id": worker_id, "about": about} | declared)
    await tx.execute(rows.on_conflict_do_update(index_elements=["worker_id", "about"], set_={"ended_at": declared["ended_at"]}))


async def handed_back(tx: Transaction, case_id: UUID, worker_id: UUID, reason: str) -> None:
    """Keep that a worker gave a case back."""
    rows = insert(BACK).values(case_id=case_id, worker_id=worker_id, reason=reason, at=tx.now)
    await tx.execute(rows.on_conflict_do_update(index_elements=["case_id", "worker_id"], set_={"reason": reason, "at": tx.now}))


async def had_by(tx: Transaction, worker_id: UUID) -> list[UUID]:
    """The cases that a worker is to assess, in order of ids."""
    mine = and_(CASE.c.worker_id == worker_id, CASE.c.state == State.ASSIGNED.value)
    return [row.case_id for row in await tx.rows(select(CASE.c.case_id).where(mine).order_by(CASE.c.case_id))]


async def assignments(tx: Transaction, case_id: UUID) -> Sequence[Row[Any]]:
    """Who had a case since when and why, the first one first."""
    return await tx.rows(select(ASSIGNMENT).where(ASSIGNMENT.c.case_id == case_id).order_by(ASSIGNMENT.c.position))


async def assigned(
    tx: Transaction, given: Mapping[UUID, UUID], rounds: Mapping[UUID, int] | None = None, whys: Mapping[UUID, Mapping[str, Any]] | None = None
) -> set[UUID]:
    """Record who was given which case (worker ids by case id) in which of its rounds, and why, where the platform chose.

    Returns the cases that somebody had before in the same round.
    """
    cases, workers = zip(*sorted(given.items()), strict=True)
    reasons = [json.dumps(dict(whys[case_id]), default=str) if whys and case_id in whys else None for case_id in cases]
    of_round = [(rounds or {}).get(case_id, 0) for case_id in cases]
    told = {"cases": list(cases), "workers": list(workers), "whys": reasons, "rounds": of_round, "now": tx.now}
    return {row.case_id for row in await tx.rows(ASSIGN, told) if row.anew}


async def last_worker(tx: Transaction, case_id: UUID) -> UUID | None:
    """Who had the case last, also when it is nobody's open work any more."""
    statement = select(ASSIGNMENT.c.worker_id).where(ASSIGNMENT.c.case_id == case_id).order_by(ASSIGNMENT.c.position.desc()).limit(1)
    row = await tx.row(statement)
    return row.worker_id if row else None
