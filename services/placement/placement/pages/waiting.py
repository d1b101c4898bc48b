"""Who waits for a bed and why; what people decide about it; and in plain words why a home was offered or was not."""

from functools import partial
from typing import get_args
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from fastapi import Response

from placement import policy
from placement.api import needs, placements, reasons, shelters
from placement.api.placement_views import ByHandBody, ByHandReason, HouseholdView, NeedView
from placement.domain.needs import State
from placement.pages import pages
from placement.words import Language

router = pages.router
MOST = 200
RESUMABLE = frozenset({State.NO_SHOW, State.DECLINED})


@router.get("/waiting")
async def who_waits(visit: Visit) -> Response:
    """The waiting list, in the order in which homes are offered."""
    found: list[NeedView] = await visit.ask(needs.waiting_list, after=0, most=MOST)
    return visit.show("waiting.html", found=found, full=len(found) == MOST)


@router.get("/needs/{case_id}")
async def see(case_id: UUID, visit: Visit) -> Response:
    """A case's search for a bed: its household, where it stands, and what can be decided."""
    return await _see(case_id, visit, None)


@router.post("/needs/{case_id}/resume")
async def resume(case_id: UUID, visit: Sent) -> Response:
    """Look for a home again."""
    return await visit.send(needs.resume, then=f"needs/{case_id}?said=resumed", again=partial(_see, case_id), case_id=case_id)


@router.post("/needs/{case_id}/end")
async def end(case_id: UUID, visit: Sent) -> Response:
    """End the search."""
    return await visit.send(needs.end, then=f"needs/{case_id}?said=ended", again=partial(_see, case_id), case_id=case_id)


@router.get("/needs/{case_id}/offer")
async def which_home(case_id: UUID, visit: Visit) -> Response:
    """Which home is offered out of order, and why."""
    return await _by_hand(case_id, visit, None)


@router.post("/needs/{case_id}/offer")
async def offer(case_id: UUID, visit: Sent) -> Response:
    """Offer a home out of order."""
    entered = {"shelter_id": visit.field("shelter_id"), "reason": visit.field("reason"), "overrides": visit.fields("overrides")}
    return await visit.send(
        needs.offer_by_hand,
        then=f"needs/{case_id}?said=offered",
        again=partial(_by_hand, case_id),
        body=lambda: ByHandBody.model_validate(entered),
        case_id=case_id,
    )


@router.get("/needs/{case_id}/explanation")
async def why_of_need(case_id: UUID, visit: Visit) -> Response:
    """What stood in the way of every home."""
    told = await visit.ask(reasons.explain_need, case_id=case_id, decision=None, language=Language(visit.language.value))
    return visit.show("explanation.html", told=told, back=f"needs/{case_id}")


@router.get("/placements/{placement_id}/explanation")
async def why_of_placement(placement_id: UUID, visit: Visit) -> Response:
    """Why this home was offered."""
    told = await visit.ask(reasons.explain_placement, placement_id=placement_id, language=Language(visit.language.value))
    return visit.show("explanation.html", told=told, back=f"placements/{placement_id}")


async def _see(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: HouseholdView = await visit.ask(needs.see_household, case_id=case_id)
    offers = await visit.ask(placements.list_placements, state=None, case_id=case_id, most=20)
    return visit.show("need.html", refused=refused, seen=seen, offers=offers, resumable=RESUMABLE, waiting=State.WAITING)


async def _by_hand(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: HouseholdView = await visit.ask(needs.see_household, case_id=case_id)
    homes = [row for row in await visit.ask(shelters.list_shelters) if row.shelter_id is not None]
    may_overrule = visit.who.has(*policy.OVERRULE)
    return visit.show("offer.html", refused=refused, seen=seen, homes=homes, reasons=get_args(ByHandReason), may_overrule=may_overrule)
