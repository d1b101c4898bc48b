"""The social workers, and who of them has a case: registered, given, claimed, handed back, given to another."""

from datetime import datetime, time, timedelta
from typing import Annotated
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from fastapi import APIRouter, Header

from assessment import decisions, policy, roster, store
from assessment.api.cases import changed, owned, refusing, seen
from assessment.api.worker_views import NOBODY, WorkerDetail, edition, entry
from assessment.domain import assignment
from assessment.domain.assignment import WIB, Bar
from assessment.views import (
    AssignmentView,
    BackBody,
    BackReason,
    CaseView,
    ConflictBody,
    ReassignBody,
    WorkerBody,
    WorkerView,
)

router = APIRouter()
MEANWHILE = "somebody changed this worker's entry meanwhile: look at both"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version that was read, or `none` for a new worker; another one is a 409")]


@router.put("/workers/{worker_id}")
@writes(*policy.KEEP_WORKERS)
async def keep_worker(worker_id: UUID, body: WorkerBody, tx: Transaction, if_match: IfMatch = None) -> WorkerView:
    """Register or change a social worker, by the `sub` of her token; cases that wait are given out at once, and while she is on leave others
    get those with which she did not begin.
    """
    await tx.lock([worker_id])
    await _require_version(tx, worker_id, body, if_match)
    values = body.model_dump(mode="json") | {"areas": sorted(set(body.areas)), "most_cases": body.most_cases}
    await roster.keep_worker(tx, worker_id, values)
    for leave in body.leaves:
        begins = datetime.combine(leave.first, time.min, tzinfo=tx.now.tzinfo) - WIB
        if begins + timedelta(days=(leave.last - leave.first).days + 1) > tx.now:
            tx.set_clock("absence", worker_id, max(begins, tx.now), key=leave.first.isoformat())
    waiting = await store.waiting(tx)
    await tx.lock(waiting)
    before = await store.cases(tx, waiting)
    await decisions.record(tx, before, await decisions.find_workers(tx, before))
    return await _worker(tx, worker_id)


@router.get("/workers")
@reads(*policy.KEEP_WORKERS)
async def list_workers(tx: Transaction) -> list[WorkerView]:
    """All social workers with their numbers of open cases."""
    return [WorkerView.of(row) for row in await roster.workers(tx)]


@router.get("/workers/{worker_id}")
@reads(*policy.SEE_WORKER)
async def see_worker(worker_id: UUID, tx: Transaction) -> WorkerDetail:
    """One social worker: for herself, for a supervisor with her conflicts, for an operator without them."""
    keeps = tx.principal.has(*policy.KEEP_WORKERS)
    if not keeps and worker_id != tx.principal.subject:
        raise not_found("worker")
    row = await roster.worker(tx, worker_id)
    if row is None:
        raise not_found("worker")
    if not tx.principal.has(*policy.DECLARE_CONFLICT):
        return WorkerDetail.all_of(row, None)
    tx.audit("read", worker_id, ["conflict"])
    return WorkerDetail.all_of(row, await roster.conflicts(tx, worker_id))


@router.post("/workers/{worker_id}/conflicts")
@writes(*policy.DECLARE_CONFLICT)
async def declare_conflict(worker_id: UUID, body: ConflictBody, tx: Transaction) -> WorkerView:
    """Declare a conflict of a worker, her own or as her supervisor: she never gets a case in which it is."""
    return await _conflict(tx, worker_id, body, ended=False)


@router.post("/workers/{worker_id}/conflicts/end")
@writes(*policy.REASSIGN)
async def end_conflict(worker_id: UUID, body: ConflictBody, tx: Transaction) -> WorkerView:
    """A conflict is no more."""
    return await _conflict(tx, worker_id, body, ended=True)


async def _conflict(tx: Transaction, worker_id: UUID, body: ConflictBody, *, ended: bool) -> WorkerView:
    if not tx.principal.has(policy.SUPERVISOR) and worker_id != tx.principal.subject:
        raise not_found("worker")
    found = await _worker(tx, worker_id)
    await roster.keep_conflict(tx, worker_id, body.about, ended=ended)
    tx.audit("write", worker_id, ["conflict"])
    return found


async def _worker(tx: Transaction, worker_id: UUID) -> WorkerView:
    row = await roster.worker(tx, worker_id)
    if row is None:
        raise not_found("worker")
    return WorkerView.of(row)


async def _require_version(tx: Transaction, worker_id: UUID, body: WorkerBody, if_match: str | None) -> None:
    """Refuse to write over an entry that is not the one that was seen; both are shown."""
    row = await roster.worker(tx, worker_id)
    have = WorkerView.of(row) if row else None
    version = edition(have) if have else NOBODY
    if if_match is not None and if_match.strip('W/" ') != version:
        raise conflict(MEANWHILE, version=version, current=entry(have) if have else None, sent=body.model_dump(mode="json"))


@router.get("/cases/{case_id}/assignments")
@reads(*policy.SEE_CASES)
async def list_assignments(case_id: UUID, tx: Transaction) -> list[AssignmentView]:
    """Who had a case from when on, and why the platform chose her."""
    await seen(case_id, tx)
    return [AssignmentView.of(row) for row in await roster.assignments(tx, case_id)]


@router.post("/cases/{case_id}/claim")
@writes(*policy.ASSESS)
async def claim(case_id: UUID, tx: Transaction) -> CaseView:
    """Begin with a case that was given to you: it is not given to another any more, but by a supervisor or by you."""
    before = await owned(case_id, tx)
    with refusing():
        after = assignment.claim(before)
    return await changed(tx, before, after, "claimed")


@router.post("/cases/{case_id}/hand-back")
@writes(*policy.ASSESS)
async def hand_back(case_id: UUID, body: BackBody, tx: Transaction) -> CaseView:
    """Give a case back that you are to assess: another worker gets it, and you not again."""
    before = await owned(case_id, tx)
    with refusing():
        after = assignment.hand_back(before, tx.now, decisions.limits(tx))
    await roster.handed_back(tx, case_id, tx.principal.subject, body.reason)
    if body.reason is BackReason.CONFLICT:
        await roster.keep_conflict(tx, tx.principal.subject, case_id)
    given = await decisions.find_workers(tx, {case_id: after})
    return await changed(tx, before, given[case_id], "worker_id")


@router.post("/cases/{case_id}/reassign")
@writes(*policy.REASSIGN)
async def reassign(case_id: UUID, body: ReassignBody, tx: Transaction) -> CaseView:
    """Give an open case to another active worker, whatever areas she serves, but none with a conflict; deadlines stay."""
    await tx.lock([case_id])
    before = await seen(case_id, tx)
    workers = {worker.worker_id: worker for worker in await roster.active_workers(tx, tx.settings.caseload)}
    if body.worker_id not in workers:
        raise RefusedError(422, "this is not an active worker", [FieldProblem("worker_id", "not_active")])
    if workers[body.worker_id].conflicts_with(before):
        raise RefusedError(422, "this worker declared a conflict with the case or somebody in it", [FieldProblem("worker_id", Bar.CONFLICT)])
    with refusing():
        after, said = assignment.reassign(before, body.worker_id, tx.now, decisions.limits(tx))
    await roster.assigned(tx, {case_id: body.worker_id}, {case_id: before.round_version})
    decisions.say(tx, case_id, said)
    return await changed(tx, before, after, "worker_id")
