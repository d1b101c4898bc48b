"""The work queue, and who has a case: claimed, handed back, given to another."""

from functools import partial
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from fastapi import Response

from assessment import policy
from assessment.api import cases, workers
from assessment.pages import case, pages
from assessment.pages.moves import Move, moves
from assessment.pages.people import officer, options
from assessment.views import BackBody, BackReason, ReassignBody, WorkerView

router = pages.router
MOST = 500
# Of each kind: a page stays small on a slow line.
SHOWN = 40


@router.get("/queue")
async def queue(visit: Visit) -> Response:
    """Whose move it is, the most urgent first; for a supervisor also what is overdue at others."""
    supervises = visit.who.has(policy.SUPERVISOR)
    found = moves(await visit.ask(cases.list_cases, most=MOST), visit.who.subject, visit.now, supervises=supervises)
    kinds: dict[str, list[Move]] = {"yours": [], "late": [], "rest": []}
    for move in found:
        kinds["yours" if move.yours else "late" if move.late(visit.now) else "rest"].append(move)
    more = any(len(kind) > SHOWN for kind in kinds.values()) or len(found) == MOST
    return visit.show("queue.html", more=more, worker=visit.who.has(*policy.ASSESS), shown={name: kind[:SHOWN] for name, kind in kinds.items()})


@router.post("/cases/{case_id}/claim")
async def claim(case_id: UUID, visit: Sent) -> Response:
    """The worker begins."""
    return await visit.send(workers.claim, then=f"cases/{case_id}?said=claimed", again=partial(case.show, case_id), case_id=case_id)


@router.get("/cases/{case_id}/hand-back")
async def why_back(case_id: UUID, visit: Visit) -> Response:
    """Why the case goes to another worker."""
    return await _back(case_id, visit, None)


@router.post("/cases/{case_id}/hand-back")
async def hand_back(case_id: UUID, visit: Sent) -> Response:
    """Give the case back."""
    return await visit.send(
        workers.hand_back,
        then="queue?said=handed_back",
        again=partial(_back, case_id),
        body=lambda: BackBody.model_validate({"reason": visit.field("reason")}),
        case_id=case_id,
    )


async def _back(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen = await visit.ask(cases.see_case, case_id=case_id)
    return visit.show("hand_back.html", refused=refused, seen=seen, reasons=options(visit, "back", BackReason))


@router.get("/cases/{case_id}/reassign")
async def who_else(case_id: UUID, visit: Visit) -> Response:
    """The workers to whom a supervisor may give the case."""
    return await _reassign(case_id, visit, None)


@router.post("/cases/{case_id}/reassign")
async def reassign(case_id: UUID, visit: Sent) -> Response:
    """Give the case to a worker."""
    return await visit.send(
        workers.reassign,
        then=f"cases/{case_id}?said=reassigned",
        again=partial(_reassign, case_id),
        body=lambda: ReassignBody.model_validate({"worker_id": visit.field("worker_id")}),
        case_id=case_id,
    )


async def _reassign(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen = await visit.ask(cases.see_case, case_id=case_id)
    listed: list[WorkerView] = await visit.ask(workers.list_workers)
    able = [entry for entry in listed if entry.active and entry.worker_id != seen.worker_id]
    able.sort(key=lambda entry: (bool(entry.areas) and seen.area not in entry.areas, entry.open_cases, entry.worker_id))
    offered = [(str(entry.worker_id), _worker(entry, seen.area, visit)) for entry in able]
    return visit.show("reassign.html", refused=refused, seen=seen, workers=offered, now_with=officer(seen.worker_id, visit))


def _worker(entry: WorkerView, area: str | None, visit: Visiting) -> str:
    skills = ", ".join(visit.say(f"skill.{skill}") for skill in entry.skills) or visit.say("skill.none")
    where = "" if not entry.areas or area in entry.areas else visit.say("worker.elsewhere")
    return visit.say("worker.one", who=officer(entry.worker_id, visit), agency=entry.agency, cases=entry.open_cases, skills=skills) + where
