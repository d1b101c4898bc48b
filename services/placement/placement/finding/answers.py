"""From an offer to its end: somebody is on it, the head answers, the household leaves for the shelter, or does not come.

The caller has locked the cases.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from chassis import Transaction, conflict
from contracts import placement as facts
from contracts.vocabulary import CancelReason, DeclineReason, Handover

from placement import store
from placement.domain.needs import State, after_cancel, declined_by, enter
from placement.domain.placements import Placement, Said, Step, claim, decided, move, prolonged
from placement.finding import matching, timing
from placement.settings import PlacementSettings
from placement.store import register, relearnt

TOO_LATE = "it is too late: others have these beds now"
BEDS_IN_DOUBT = "this shelter's beds are in doubt since a restore: an officer settles it first"


async def claim_offer(tx: Transaction, offer: Placement) -> Placement:
    """Somebody is on it: nobody else answers or is called meanwhile. Raises 409 when others took the beds after the hold.

    Raises WrongStateError for what is no offer, ClaimedError while somebody else is on it.
    """
    settings: PlacementSettings = tx.settings
    claimed = claim(offer, tx.principal.subject, tx.now, tx.now + settings.span(minutes=settings.claim_minutes))
    await require_beds(tx, offer)
    # A transfer has no ladder that would have to wait.
    if claimed.claimed_until is not None and not claimed.asks_to_move:
        fact = facts.Claimed(placement_id=offer.id, shelter_id=offer.shelter_id, claimed_until=claimed.claimed_until)
        matching.say(tx, fact, offer)
    await _keep_until(tx, offer, claimed)
    return claimed


async def extend(tx: Transaction, offer: Placement, by: timedelta) -> Placement:
    """People give an answer or an arrival more time. Raises 409 when others took the beds after the hold, WrongStateError once it is over."""
    longer = prolonged(offer, tx.now, by)
    await require_beds(tx, offer)
    await _keep_until(tx, offer, longer)
    return longer


async def _keep_until(tx: Transaction, offer: Placement, longer: Placement) -> None:
    """Write an offer whose beds are kept longer, or as long as before, with its clock."""
    await store.save_placements(tx, [longer])
    until = longer.lapses_at
    if until is None or until == offer.lapses_at:
        return
    await store.extend(tx, {offer.id: until})
    if longer.asks_to_move:
        tx.set_clock("transfer", offer.subject, until, key=str(offer.id))
        return
    tx.set_clock("hold" if longer.state is Step.OFFERED else "arrival", offer.subject, until, key=offer.clock_key)
    # Until when those on the way must arrive is kept by nobody else.
    if longer.state is Step.OFFERED:
        matching.say(tx, facts.Extended(placement_id=offer.id, shelter_id=offer.shelter_id, hold_until=until), offer)
    elif longer.state is Step.ACCEPTED:
        matching.say(tx, facts.Accepted(placement_id=offer.id, shelter_id=offer.shelter_id, arrive_by=until), offer)


async def accept(tx: Transaction, offer: Placement, said: Said) -> Placement:
    """The head said yes: the beds are kept until the household must have arrived. Raises 409 when others took them after the hold."""
    settings: PlacementSettings = tx.settings
    arrive_by = tx.now + settings.span(hours=settings.arrive_hours)
    accepted = replace(decided(offer, Step.ACCEPTED, said), arrive_by=arrive_by)
    await require_beds(tx, offer)
    await store.extend(tx, {offer.id: arrive_by})
    await proceed(tx, accepted, State.ACCEPTED)
    tx.cancel_clock("hold", offer.subject, offer.clock_key)
    tx.set_clock("arrival", offer.subject, arrive_by, key=offer.clock_key)
    timing.set_availability(tx, offer.subject)
    matching.say(tx, facts.Accepted(placement_id=offer.id, shelter_id=offer.shelter_id, arrive_by=arrive_by), offer)
    return accepted


async def decline(tx: Transaction, offer: Placement, reason: DeclineReason, said: Said) -> Placement:
    """The head said no: the household waits again and the next home is tried."""
    declined = replace(decided(offer, Step.DECLINED, said), reason=reason.value)
    known = await store.needs(tx, [offer.case_id])
    await matching.let_go(tx, [declined])
    need = declined_by(known[offer.case_id], offer.shelter_id, for_good=reason is not DeclineReason.FULL)
    await matching.record(tx, known, {offer.case_id: need})
    matching.say(tx, facts.Declined(placement_id=offer.id, shelter_id=offer.shelter_id, reason=reason), offer)
    return declined


async def cancel(tx: Transaction, offer: Placement, reason: str, said: Said) -> Placement:
    """People take the offer back, or the survivor said no to it, which never lowers her later priority."""
    cancelled = replace(decided(offer, Step.CANCELLED, said), reason=reason)
    known = await store.needs(tx, [offer.case_id])
    await matching.let_go(tx, [cancelled])
    await matching.record(tx, known, {offer.case_id: enter(known[offer.case_id], after_cancel(reason))})
    heard = known[offer.case_id].version
    fact = facts.Cancelled(placement_id=offer.id, shelter_id=offer.shelter_id, reason=CancelReason(reason), triage_version=heard)
    matching.say(tx, fact, offer)
    return cancelled


async def send_off(tx: Transaction, offer: Placement, handover: Handover | None) -> Placement:
    """The household left for the shelter; `handover` is how it comes there, whoever drives not needing to know the address."""
    going = replace(move(offer, Step.ON_THE_WAY, tx.principal.subject), handover=handover and handover.value)
    await proceed(tx, going, State.ON_THE_WAY)
    matching.say(tx, facts.OnTheWay(placement_id=offer.id, shelter_id=offer.shelter_id, handover=handover), offer)
    return going


async def did_not_come(tx: Transaction, offers: Sequence[Placement], by: UUID | None = None) -> list[Placement]:
    """The households did not arrive in time: their beds are free, and people decide how they go on."""
    missed = [move(offer, Step.NO_SHOW, by) for offer in offers]
    known = await store.needs(tx, [offer.case_id for offer in missed])
    await matching.let_go(tx, missed)
    await matching.record(tx, known, {case_id: enter(need, State.NO_SHOW) for case_id, need in known.items()})
    for offer in missed:
        matching.say(tx, facts.NoShow(placement_id=offer.id, shelter_id=offer.shelter_id), offer)
    return missed


# -- what several steps need ------------------------------------------------------------------------------------------------------------


async def require_beds(tx: Transaction, offer: Placement) -> None:
    """Refuse what comes after the hold or the time of arrival when others have the beds by now."""
    await register.lock(tx, [offer.shelter_id])
    if not await relearnt.open_stays(tx, [offer.id]):
        raise conflict(BEDS_IN_DOUBT, state=offer.state.value)
    if await store.taken_by_others(tx, [offer.id]):
        raise conflict(TOO_LATE, state=offer.state.value)


async def proceed(tx: Transaction, placement: Placement, state: State) -> None:
    """Write a placement that went on, and its need with it."""
    known = await store.needs(tx, [placement.case_id])
    await store.save_placements(tx, [placement])
    await matching.record(tx, known, {placement.case_id: enter(known[placement.case_id], state)})
