"""Offers: who is on the answer, what a head says, who is on the way, and whom to call."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from chassis import Transaction, conflict, reads, writes
from fastapi import APIRouter, Query

from placement import policy, store
from placement.api.placement_views import (
    CancelBody,
    ContactView,
    DeclineBody,
    ExtendBody,
    OnTheWayBody,
    PlacementView,
    SaidBody,
)
from placement.api.visible import WRONG_STATE, answer, locked, refusing, said_by, shown, unclaimed, units, visible
from placement.domain.placements import EXPECTED, Placement, Step, WrongStateError
from placement.finding import answers
from placement.staying import transfers

router = APIRouter()


# -- reading --------------------------------------------------------------------------------------------------------------------------


@router.get("/placements")
@reads(*policy.SEE_PLACEMENTS)
async def list_placements(
    tx: Transaction, state: Step | None = None, case_id: UUID | None = None, *, waits: bool = False, most: Annotated[int, Query(ge=1, le=1000)] = 200
) -> list[PlacementView]:
    """Offers and stays, the newest first: a head's own shelters, for others all.

    `waits`: only those on which somebody has to act (an offer, whoever is on the way or late to come back, a review within three days), what is due
    first before all others.
    """
    shelters = None if tx.principal.has(*policy.SEE_ALL_PLACEMENTS) else units(tx)
    return await shown(tx, await store.placements(tx, shelters=shelters, state=state and state.value, case_id=case_id, waits=waits, most=most))


@router.get("/placements/{placement_id}")
@reads(*policy.SEE_PLACEMENTS)
async def see_placement(placement_id: UUID, tx: Transaction) -> PlacementView:
    """One offer or stay."""
    return await answer(tx, await visible(tx, placement_id))


@router.get("/placements/{placement_id}/contact")
@reads(*policy.SEE_CONTACT)
async def whom_to_call(placement_id: UUID, tx: Transaction) -> ContactView:
    """Whom those who asked for a bed call after a yes: the coordinator, never the shelter; 409 before the yes. Who asked is recorded."""
    entry = await visible(tx, placement_id)
    if entry.state not in EXPECTED | {Step.ADMITTED}:
        raise conflict(WRONG_STATE, state=entry.state.value)
    tx.audit("read", entry.subject, ["contact"])
    return ContactView(placement_id=entry.id, phone=tx.settings.coordinator_phone)


# -- an offer -------------------------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/claim")
@writes(*policy.ANSWER_OFFER)
async def claim(placement_id: UUID, tx: Transaction) -> PlacementView:
    """Say to be on the answer: for some minutes nobody else is called or may answer. Said again it lasts longer; 409 while somebody else is."""
    with refusing():
        return await answer(tx, await answers.claim_offer(tx, await locked(tx, placement_id)))


@router.post("/placements/{placement_id}/accept")
@writes(*policy.ANSWER_OFFER)
async def accept(placement_id: UUID, tx: Transaction, body: SaidBody | None = None) -> PlacementView:
    """The head says yes. After the hold ran out only if nobody else took the beds, otherwise 409; so while somebody else is on the answer."""
    offer = await locked(tx, placement_id)
    with refusing():
        said = said_by(tx, body, offer)
        unclaimed(tx, offer, said)
        return await answer(tx, await (transfers if offer.asks_to_move else answers).accept(tx, offer, said))


@router.post("/placements/{placement_id}/decline")
@writes(*policy.ANSWER_OFFER)
async def decline(placement_id: UUID, body: DeclineBody, tx: Transaction) -> PlacementView:
    """The head says no; the next suitable shelter is tried. 409 while somebody else is on the answer."""
    offer = await locked(tx, placement_id)
    with refusing():
        said = said_by(tx, body, offer)
        unclaimed(tx, offer, said)
        if offer.asks_to_move:
            return await answer(tx, await transfers.decline(tx, offer, body.reason.value, said))
        return await answer(tx, await answers.decline(tx, offer, body.reason, said))


@router.post("/placements/{placement_id}/extend")
@writes(*policy.EXTEND)
async def extend(placement_id: UUID, body: ExtendBody, tx: Transaction) -> PlacementView:
    """Give the answer, or those who are expected, more time. 409 when others took the beds meanwhile."""
    with refusing():
        return await answer(tx, await answers.extend(tx, await locked(tx, placement_id), timedelta(minutes=body.minutes)))


@router.post("/placements/{placement_id}/on-the-way")
@writes(*policy.SEND_OFF)
async def on_the_way(placement_id: UUID, tx: Transaction, body: OnTheWayBody | None = None) -> PlacementView:
    """The household left for the shelter."""
    with refusing():
        offer = _no_transfer(await locked(tx, placement_id))
        return await answer(tx, await answers.send_off(tx, offer, body.handover if body else None))


@router.post("/placements/{placement_id}/cancel")
@writes(*policy.TAKE_BACK)
async def cancel(placement_id: UUID, body: CancelBody, tx: Transaction) -> PlacementView:
    """The survivor said no, cannot be reached, or needs no shelter any more."""
    offer = await locked(tx, placement_id)
    with refusing():
        said = said_by(tx, body, offer)
        return await answer(tx, await (transfers if offer.asks_to_move else answers).cancel(tx, offer, body.reason.value, said))


@router.post("/placements/{placement_id}/no-show")
@writes(*policy.ANSWER_OFFER)
async def no_show(placement_id: UUID, tx: Transaction) -> PlacementView:
    """The household did not come."""
    with refusing():
        (missed,) = await answers.did_not_come(tx, [_no_transfer(await locked(tx, placement_id))], tx.principal.subject)
        return await answer(tx, missed)


def _no_transfer(offer: Placement) -> Placement:
    """An offer to a household that has no bed yet; what asks another shelter to take somebody over goes on by its move alone."""
    if offer.asks_to_move:
        raise WrongStateError(offer.state)
    return offer
