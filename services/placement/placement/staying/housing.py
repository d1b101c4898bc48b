"""Beds for households whose beds a restored store does not know any more: given from what is free, or asked for again until there are some."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chassis import Cause, Transaction
from sqlalchemy import text

from placement import store
from placement.domain.offers import Offer
from placement.domain.people import Household, Person
from placement.domain.placements import Placement, Step
from placement.domain.relearn import Bedless, beds_anew
from placement.finding import timing
from placement.store import register, relearnt

UNHOUSED = "unhoused"
IN_DOUBT = text("SELECT subject FROM clock WHERE kind = :kind ORDER BY subject")


async def give_beds(
    tx: Transaction, live: Sequence[Placement], residents: Mapping[UUID, tuple[Person, ...]], cause: Cause | None = None
) -> tuple[set[UUID], set[UUID]]:
    """Let live placements have beds, the ones they had where those are theirs still; which got others, and which got none.

    A shelter with too few is closed, and asked again after a minute. The cases are locked.
    """
    await register.lock(tx, {entry.shelter_id for entry in live})
    have = await relearnt.open_stays(tx, [entry.id for entry in live])
    lost = await store.taken_by_others(tx, list(have))
    settled = [e for e in live if e.id not in lost and have.get(e.id, {}).keys() == {person.id for person in residents[e.id]}]
    if settled:
        await store.extend(tx, {entry.id: until(entry) for entry in settled})
    kept = {entry.id for entry in settled}
    anew = [entry for entry in live if entry.id not in kept and residents[entry.id]]
    await relearnt.forget_holds(tx, [entry.id for entry in anew])
    households = {entry.id: Household(entry.case_id, residents[entry.id], tx.now) for entry in anew}
    homes = await register.homes(tx, {entry.shelter_id for entry in anew})
    given = beds_anew(homes, [Bedless(entry, households[entry.id]) for entry in anew])
    offers = [(entry, Offer(households[entry.id], entry.shelter_id, beds)) for entry in anew if (beds := given[entry.id])]
    if offers:
        await store.hold_beds(tx, offers, {entry.id: until(entry) for entry, _ in offers})
    without = [entry for entry in anew if not given[entry.id]]
    await relearnt.close_shelters(tx, {entry.shelter_id for entry in without})
    for entry in without:
        tx.set_clock(UNHOUSED, entry.subject, tx.now + tx.settings.span(minutes=1), cause=cause)
    return {entry.id for entry, _ in offers}, {entry.id for entry in without}


async def bedless(tx: Transaction) -> list[UUID]:
    """The cases whose beds are in doubt."""
    return [row.subject for row in await tx.rows(IN_DOUBT, {"kind": UNHOUSED})]


async def ask_again(tx: Transaction, cases: Collection[UUID], cause: Cause | None = None) -> None:
    """Try once more to give beds to households that had none; an officer may have registered some meanwhile."""
    without = await relearnt.without_beds(tx, cases)
    for case_id in cases:
        tx.cancel_clock(UNHOUSED, case_id)
    if without:
        await give_beds(tx, without, {entry.id: entry.members for entry in without}, cause)
        timing.set_availability(tx, without[0].subject, cause)


def until(entry: Placement) -> datetime | None:
    """Until when a placement has its beds: for good once admitted."""
    if entry.state is Step.ADMITTED:
        return None
    return entry.hold_until if entry.state is Step.OFFERED else entry.arrive_by
