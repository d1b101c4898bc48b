"""Who waits for a bed, and what people decide for them: the search goes on, ends, or a shelter is offered out of order."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from fastapi import APIRouter, Query
from pydantic import BaseModel

from placement import byhand, matching, policy, store
from placement.api.placement_views import ByHandBody, NeedView, PlacementView
from placement.api.visible import WRONG_STATE, answer
from placement.domain.needs import Need, State, enter
from placement.store import line, register

router = APIRouter()
After = Annotated[int, Query(ge=0)]
Most = Annotated[int, Query(ge=1, le=1000)]


class RoundView(BaseModel):
    """How many households the coming round of the waiting list is for."""

    waiting: int


@router.get("/waiting")
@reads(*policy.SEE_WAITING)
async def waiting_list(tx: Transaction, after: After = 0, most: Most = 200) -> list[NeedView]:
    """Who waits for a bed, in the order in which they are offered one, and why no shelter suits: so many at `most`, `after` a place in the list."""
    return [NeedView.of(need, place) for place, need in enumerate(await store.waiting(tx, after=after, most=most), after + 1)]


@router.post("/waiting/rematch", status_code=202)
@writes(*policy.DECIDE_NEED)
async def rematch(tx: Transaction) -> RoundView:
    """Try the whole waiting list again now."""
    matching.set_round(tx)
    return RoundView(waiting=len(await line.waiting(tx)))


@router.post("/needs/{case_id}/offer", status_code=201)
@writes(*policy.OFFER_BY_HAND)
async def offer_by_hand(case_id: UUID, body: ByHandBody, tx: Transaction) -> PlacementView:
    """Offer a waiting household a shelter out of order, with a reason that is kept; 409 names the rule that stands against it.

    Only a supervisor sets a rule aside.
    """
    if body.overrides and not tx.principal.has(*policy.OVERRULE):
        raise RefusedError(403, "only a supervisor sets a rule aside", [FieldProblem("overrides", "supervisor_only")])
    need = await _need_in(tx, case_id, {State.WAITING})
    if await register.shelter(tx, body.shelter_id) is None:
        raise not_found("shelter")
    return await answer(tx, await byhand.offer(tx, need, body.shelter_id, body.reason, body.overrides))


@router.post("/needs/{case_id}/resume")
@writes(*policy.DECIDE_NEED)
async def resume(case_id: UUID, tx: Transaction) -> NeedView:
    """Look for a home again for a household that did not come or said no; its place in the waiting list is the old one."""
    known = await _need_in(tx, case_id, {State.NO_SHOW, State.DECLINED})
    await matching.search(tx, {case_id: known}, {case_id: enter(known, State.WAITING)})
    return NeedView.of((await store.needs(tx, [case_id]))[case_id])


@router.post("/needs/{case_id}/end")
@writes(*policy.DECIDE_NEED)
async def end(case_id: UUID, tx: Transaction) -> NeedView:
    """End the search for a home; intake asks again if one is needed later."""
    known = await _need_in(tx, case_id, {State.NO_SHOW, State.DECLINED, State.WAITING})
    if known.state is not State.DECLINED:
        matching.say_unmet(tx, known, known.version)
    ended = enter(known, State.SETTLED)
    await matching.record(tx, {case_id: known}, {case_id: ended})
    return NeedView.of(ended)


async def _need_in(tx: Transaction, case_id: UUID, states: Collection[State]) -> Need:
    await tx.lock([case_id])
    need = (await store.needs(tx, [case_id]))[case_id]
    if need == Need(case_id):
        raise not_found("need")
    if need.state not in states or need.ended:
        raise conflict(WRONG_STATE, state=need.state.value)
    return need
