"""What waits for a key or another release, for the operator: whose it is and why, and that it is tried again. What is in it nobody sees."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from fastapi import Response

from intake.api import quarantine
from intake.pages import pages

router = pages.router
MOST = 100


@router.get("/quarantine")
async def see_quarantine(visit: Visit) -> Response:
    """The messages that wait, the oldest first."""
    return await _all(visit, None)


@router.post("/quarantine/redrive")
async def try_all(visit: Sent) -> Response:
    """Let all be tried again."""
    return await visit.send(quarantine.redrive_all, then="quarantine?said=redriven", again=_all)


@router.get("/quarantine/{held_id}")
async def see_held(held_id: UUID, visit: Visit) -> Response:
    """One of them."""
    return await _one(held_id, visit, None)


@router.post("/quarantine/{held_id}/redrive")
async def try_one(held_id: UUID, visit: Sent) -> Response:
    """Let one be tried again."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _one(held_id, visit, refused)

    return await visit.send(quarantine.redrive, then="quarantine?said=redriven", again=again, held_id=held_id)


async def _all(visit: Visiting, refused: RefusedError | None) -> Response:
    found = await visit.ask(quarantine.quarantine, limit=MOST)
    return visit.show("record/quarantine.html", refused=refused, found=found, many=len(found) == MOST)


async def _one(held_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    return visit.show("record/held.html", refused=refused, held=await visit.ask(quarantine.held, held_id=held_id))
