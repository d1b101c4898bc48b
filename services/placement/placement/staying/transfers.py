"""One household's way from one shelter to another: beds held there, the head's answer, the move, and the old beds free.

She stays where she is until she has moved: a transfer that nobody answers, or that people take back, changes nothing about her stay. The
caller has locked the cases.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis import Transaction, conflict
from contracts import placement as facts
from contracts.vocabulary import SplitReason, TransferAnswer

from placement import store
from placement.domain.offers import Offer, offer_home
from placement.domain.people import Person
from placement.domain.placements import Agreed, Placement, Said, Step, admit, decided, move
from placement.finding import answers, byhand, matching, timing
from placement.settings import PlacementSettings
from placement.staying import arrivals
from placement.store import register, staying

TRANSFER = "transfer"
TRANSFERRED = "transferred"
ASKED_ALREADY = "a transfer from this stay is asked for already"
NO_OTHER_HOME = "no other shelter suits those who would move"
NOT_HERE = "somebody of them does not stay here any more"


async def ask(tx: Transaction, stay: Placement, movers: Sequence[Person], shelter_id: UUID | None = None) -> Placement:
    """Hold beds for those who would move in a shelter, or in the most suitable one, by the same rules as for any household.

    Raises 409 when another transfer is asked for already, or when no shelter suits, naming the rule per shelter; whoever may ask may know it.
    """
    if any(entry.transfer_of == stay.id for entry in await store.transfers(tx, [stay.case_id])):
        raise conflict(ASKED_ALREADY, state=stay.state.value)
    need = (await store.needs(tx, [stay.case_id]))[stay.case_id]
    household = replace(need.household(tx.now), persons=tuple(movers))
    if shelter_id is not None:
        household = replace(household, declined=frozenset(), not_now=frozenset())
    homes = await register.homes(tx, None if shelter_id is None else [shelter_id])
    leaving = {person.id for person in movers}
    elsewhere = [replace(home, sheltered=home.sheltered - leaving) for home in homes if home.id != stay.shelter_id]
    decision = offer_home(elsewhere, household)
    if not isinstance(decision, Offer):
        reasons = [{"shelter_id": str(entry.home), **byhand.told(tx, entry)} for entry in decision.reasons]
        raise conflict(NO_OTHER_HOME, refusals=reasons)
    until = tx.now + timing.hold_span(tx)
    asked = Placement(
        id=tx.new_id(TRANSFER, stay.case_id),
        case_id=stay.case_id,
        shelter_id=decision.home,
        state=Step.OFFERED,
        revision=stay.revision,
        members=tuple(movers),
        offered_at=tx.now,
        hold_until=until,
        ladder_until=until,
        transfer_of=stay.id,
        decision_id=await matching.keep_alone(tx, elsewhere, decision),
        part_of=stay.part_of,
    )
    await store.save_placements(tx, [asked])
    await store.hold_beds(tx, [(asked, decision)], {asked.id: until}, elsewhere=True)
    timing.set_availability(tx, stay.subject)
    _set_clock(tx, asked, until)
    fact = facts.TransferOffered(
        placement_id=asked.id, shelter_id=asked.shelter_id, from_placement_id=stay.id, persons=tuple(sorted(leaving)), hold_until=until
    )
    matching.say(tx, fact, asked, key=str(asked.id))
    return asked


def say_apart(tx: Transaction, asked: Placement, staying_there: Collection[UUID], reason: SplitReason) -> None:
    """State that a supervisor lets some of a household move without the others."""
    groups = (tuple(sorted(person.id for person in asked.members)), tuple(sorted(staying_there)))
    tx.emit(facts.SplitApproved(groups=groups, reason=reason), asked.subject, key=str(asked.id))


async def accept(tx: Transaction, asked: Placement, said: Said) -> Placement:
    """The other shelter's head said yes: the beds are kept until they must have moved. Raises 409 when others took them after the hold."""
    settings: PlacementSettings = tx.settings
    move_by = tx.now + settings.span(hours=settings.arrive_hours)
    accepted = replace(decided(asked, Step.ACCEPTED, said), arrive_by=move_by)
    await answers.require_beds(tx, asked)
    await store.extend(tx, {asked.id: move_by})
    await store.save_placements(tx, [accepted])
    _set_clock(tx, accepted, move_by)
    _say_answer(tx, accepted, TransferAnswer.ACCEPTED)
    return accepted


async def decline(tx: Transaction, asked: Placement, reason: str, said: Said) -> Placement:
    """The other shelter's head said no; those who would have moved stay where they are."""
    declined = replace(decided(asked, Step.DECLINED, said), reason=reason)
    await _let_go(tx, [declined], TransferAnswer.DECLINED)
    return declined


async def cancel(tx: Transaction, asked: Placement, reason: str, said: Said) -> Placement:
    """People take a transfer back; those who would have moved stay where they are."""
    cancelled = replace(decided(asked, Step.CANCELLED, said), reason=reason)
    await _let_go(tx, [cancelled], TransferAnswer.CANCELLED)
    return cancelled


async def expire(tx: Transaction, lapsed: Sequence[Placement]) -> None:
    """Nobody answered in time, or nobody moved in time: the beds held are free again, and nothing else changes."""
    await _let_go(tx, [replace(asked, state=Step.EXPIRED) for asked in lapsed], TransferAnswer.EXPIRED)


async def take_back_for(tx: Transaction, cases: Collection[UUID], persons: Collection[UUID] | None = None) -> None:
    """Take back the transfers that were asked for, for these cases (of these persons): they went, or the case is over."""
    asked = await store.transfers(tx, cases)
    over = [entry for entry in asked if persons is None or any(person.id in persons for person in entry.members)]
    await _let_go(tx, [replace(move(entry, Step.CANCELLED), reason="no_longer_needed") for entry in over], TransferAnswer.CANCELLED)


async def move_over(tx: Transaction, asked: Placement, agreed: Sequence[Agreed], said: Said) -> Placement:
    """They have moved: their old stays end and the new ones begin together, and the clocks of the stay go on.

    Raises WrongStateError before the yes, 409 when somebody of them went meanwhile or others took the beds after the time to move.
    """
    spans = await arrivals.stay_spans(tx, [asked.shelter_id])
    moved = admit(asked, said, said.at + spans[asked.shelter_id])
    persons = sorted(person.id for person in asked.members)
    here = (await store.inside(tx, [asked.case_id])).get(asked.case_id, {})
    old = (await store.lived_in(tx, {here[person] for person in persons if person in here})).get(asked.transfer_of or asked.id)
    if old is None or any(here.get(person) != old.id for person in persons):
        raise conflict(NOT_HERE, state=asked.state.value)
    await answers.require_beds(tx, asked)
    slept = await store.end_stays(tx, [(old.id, person, TRANSFERRED) for person in persons])
    await staying.come_back(tx, [(old.id, person) for person in persons])
    await staying.move_in(tx, [asked.id])
    remain = any(where == old.id and person not in persons for person, where in here.items())
    emptied = [] if remain else [old]
    await store.save_placements(tx, [*(move(entry, Step.ENDED, said.by) for entry in emptied), moved])
    tx.cancel_clock(TRANSFER, asked.subject, str(asked.id))
    for entry in emptied:
        tx.cancel_clock(arrivals.STAY_REVIEW, entry.subject, arrivals.review_key(entry))
    for person in persons:
        tx.cancel_clock(arrivals.LEGAL_GROUND, asked.subject, str(person))
        tx.cancel_clock(arrivals.ABSENCE, asked.subject, str(person))
    await arrivals.settle_in(tx, moved, agreed)
    fact = facts.Transferred(
        placement_id=moved.id,
        shelter_id=moved.shelter_id,
        from_placement_id=old.id,
        persons=tuple(persons),
        moved_at=said.at,
        review_on=arrivals.review_day(moved),
    )
    matching.say(tx, fact, moved)
    await register.clean(tx, slept, moved.subject)
    timing.beds_became_free(tx, moved.subject)
    return moved


async def _let_go(tx: Transaction, ended: Sequence[Placement], answer: TransferAnswer) -> None:
    """Write transfers that came to nothing, and give the beds held for them back."""
    if not ended:
        return
    await store.save_placements(tx, ended)
    await store.free_beds(tx, [entry.id for entry in ended])
    for entry in ended:
        tx.cancel_clock(TRANSFER, entry.subject, str(entry.id))
        _say_answer(tx, entry, answer)
    timing.beds_became_free(tx, ended[0].subject)


def _set_clock(tx: Transaction, asked: Placement, due: datetime) -> None:
    tx.set_clock(TRANSFER, asked.subject, due, key=str(asked.id))


def _say_answer(tx: Transaction, asked: Placement, answer: TransferAnswer) -> None:
    fact = facts.TransferAnswered(placement_id=asked.id, shelter_id=asked.shelter_id, answer=answer)
    matching.say(tx, fact, asked, key=str(asked.id))
