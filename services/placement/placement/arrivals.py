"""From a head's answer to the last departure: the steps that people take with one placement.

Apart from `matching`, which decides for many households at once. The caller has locked the cases.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from chassis import Transaction, conflict
from contracts import placement as facts
from contracts.household import Household as HouseholdFact
from contracts.household import Person as PersonFact
from contracts.vocabulary import Agreement, DeclineReason, Destination, HouseholdRole, Sex
from contracts.vocabulary import Need as NeedCode

from placement import matching, store
from placement.domain.homes import has_beds
from placement.domain.needs import Need, State, after_cancel, declined_by, enter, out_of_bed
from placement.domain.offers import Offer
from placement.domain.people import Household, Person
from placement.domain.placements import JAKARTA, Agreed, Placement, Step, admit, missing_agreements, move
from placement.domain.rooms import fit
from placement.settings import PlacementSettings
from placement.store import register, relearnt

NO_BEDS = "no fitting beds are free for all of them"
TOO_LATE = "it is too late: others have these beds now"
BEDS_IN_DOUBT = "this shelter's beds are in doubt since a restore: an officer settles it first"
LEFT = "left"
LEGAL_GROUND = "legal_ground"


async def accept(tx: Transaction, offer: Placement) -> Placement:
    """The head said yes: the beds are kept until the household must have arrived. Raises 409 when others took them after the hold."""
    settings: PlacementSettings = tx.settings
    arrive_by = tx.now + settings.span(hours=settings.arrive_hours)
    accepted = replace(move(offer, Step.ACCEPTED, tx.principal.subject), arrive_by=arrive_by)
    await _require_beds(tx, offer)
    await store.extend(tx, {offer.id: arrive_by})
    await _proceed(tx, accepted, State.ACCEPTED)
    tx.cancel_clock("hold", offer.case_id)
    tx.set_clock("arrival", offer.case_id, arrive_by)
    matching.set_availability(tx, offer.case_id)
    tx.emit(facts.Accepted(placement_id=offer.id, shelter_id=offer.shelter_id, arrive_by=arrive_by), offer.case_id)
    return accepted


async def decline(tx: Transaction, offer: Placement, reason: DeclineReason) -> Placement:
    """The head said no: the household waits again and the next home is tried."""
    declined = replace(move(offer, Step.DECLINED, tx.principal.subject), reason=reason.value)
    known = await store.needs(tx, [offer.case_id])
    await matching.let_go(tx, [declined])
    need = declined_by(known[offer.case_id], offer.shelter_id, for_good=reason is not DeclineReason.FULL)
    await matching.record(tx, known, {offer.case_id: need})
    tx.emit(facts.Declined(placement_id=offer.id, shelter_id=offer.shelter_id, reason=reason), offer.case_id)
    return declined


async def cancel(tx: Transaction, offer: Placement, reason: str) -> Placement:
    """People take the offer back, or the survivor said no to it, which never lowers her later priority."""
    known = await store.needs(tx, [offer.case_id])
    await matching.take_back(tx, [(offer, reason)], tx.principal.subject)
    await matching.record(tx, known, {offer.case_id: enter(known[offer.case_id], after_cancel(reason))})
    return replace(offer, state=Step.CANCELLED, reason=reason)


async def send_off(tx: Transaction, offer: Placement) -> Placement:
    """The household left for the shelter."""
    going = move(offer, Step.ON_THE_WAY, tx.principal.subject)
    await _proceed(tx, going, State.ON_THE_WAY)
    tx.emit(facts.OnTheWay(placement_id=offer.id, shelter_id=offer.shelter_id), offer.case_id)
    return going


async def did_not_come(tx: Transaction, offers: Sequence[Placement], by: UUID | None = None) -> list[Placement]:
    """The households did not arrive in time: their beds are free, and people decide how they go on."""
    missed = [move(offer, Step.NO_SHOW, by) for offer in offers]
    known = await store.needs(tx, [offer.case_id for offer in missed])
    await matching.let_go(tx, missed)
    await matching.record(tx, known, {case_id: enter(need, State.NO_SHOW) for case_id, need in known.items()})
    for offer in missed:
        tx.emit(facts.NoShow(placement_id=offer.id, shelter_id=offer.shelter_id), offer.case_id)
    return missed


async def let_in(tx: Transaction, offer: Placement, agreed: Sequence[Agreed]) -> Placement:
    """The household is in, everyone having agreed. Raises 409 when others took the beds after the time of arrival."""
    inside = admit(offer, tx.now, await _review_at(tx, offer.shelter_id), tx.principal.subject)
    await _require_beds(tx, offer)
    await store.extend(tx, {offer.id: None})
    await _proceed(tx, inside, State.ADMITTED)
    tx.cancel_clock("arrival", offer.case_id)
    await _settle_in(tx, inside, agreed)
    fact = facts.Admitted(
        placement_id=inside.id,
        shelter_id=inside.shelter_id,
        persons=_agreements(agreed),
        admitted_at=tx.now,
        review_on=_day(inside),
    )
    tx.emit(fact, inside.case_id)
    return inside


def against_admission(tx: Transaction, members: Sequence[Person], agreed: Sequence[Agreed]) -> list[tuple[str, str]]:
    """What stands against admitting these persons today, as (person or field, code)."""
    return missing_agreements(members, agreed, tx.now.astimezone(JAKARTA).date())


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """Who stands at a shelter's door, and who brought them."""

    persons: tuple[Person, ...]
    agreed: tuple[Agreed, ...]
    brought_by: str
    area: str
    ppks: int | None


async def let_in_directly(tx: Transaction, shelter_id: UUID, arrived: AtTheDoor) -> Placement:
    """Admit people nobody reported yet, under a new case. Raises 409 when the shelter has no fitting beds free."""
    case_id, household_id = tx.new_id("case"), tx.new_id("household")
    await tx.lock([case_id])
    household = Household(case_id, arrived.persons, tx.now)
    (home,) = await register.homes(tx, [shelter_id])
    beds = None if has_beds(home, household) else fit(home, household)
    if beds is None:
        raise conflict(NO_BEDS, free_beds=home.free_beds)
    offer = Placement(tx.new_id("placement", case_id), case_id, shelter_id, Step.ACCEPTED, 1, arrived.persons, tx.now, arrive_by=tx.now, direct=True)
    inside = admit(offer, tx.now, await _review_at(tx, shelter_id), tx.principal.subject)
    need = Need(case_id, persons=arrived.persons, shelter_needed=True, state=State.ADMITTED, waiting_since=tx.now)
    await store.save_needs(tx, [need])
    await store.save_placements(tx, [inside])
    await store.hold_beds(tx, [(inside, Offer(household, shelter_id, beds))], {inside.id: None})
    await _settle_in(tx, inside, arrived.agreed)
    matching.set_availability(tx, case_id)
    fact = facts.AdmittedDirectly(
        placement_id=inside.id,
        shelter_id=shelter_id,
        household=HouseholdFact(household_id=household_id, revision=1, persons=tuple(map(_person_fact, arrived.persons))),
        persons=_agreements(arrived.agreed),
        brought_by=arrived.brought_by,
        area=arrived.area,
        ppks=arrived.ppks,
        admitted_at=tx.now,
        review_on=_day(inside),
    )
    tx.emit(fact, case_id)
    return inside


# -- going ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Departure:
    """Somebody leaves a home: by her own choice (`left`), or to a destination."""

    case_id: UUID
    placement_id: UUID
    person_id: UUID
    how: str


async def depart(tx: Transaction, departures: Sequence[Departure]) -> None:
    """End these stays; where the last member left, the placement ends too."""
    if not departures:
        return
    cases = sorted({entry.case_id for entry in departures})
    live = await store.live(tx, cases)
    await store.end_stays(tx, [(entry.placement_id, entry.person_id, entry.how) for entry in departures])
    still = await store.inside(tx, cases)
    emptied = [live[case_id] for case_id in cases if case_id not in still]
    known = await store.needs(tx, [placement.case_id for placement in emptied])
    await store.save_placements(tx, [move(placement, Step.ENDED) for placement in emptied])
    await matching.record(tx, known, {case_id: out_of_bed(need) for case_id, need in known.items()})
    for placement in emptied:
        tx.cancel_clock("stay_review", placement.case_id)
    for entry in departures:
        tx.cancel_clock(LEGAL_GROUND, entry.case_id, str(entry.person_id))
    _say_gone(tx, departures)
    matching.beds_became_free(tx, cases[0])


def _say_gone(tx: Transaction, departures: Sequence[Departure]) -> None:
    together: dict[tuple[UUID, UUID, str], list[UUID]] = {}
    for entry in departures:
        together.setdefault((entry.case_id, entry.placement_id, entry.how), []).append(entry.person_id)
    for (case_id, placement_id, how), persons in together.items():
        gone = tuple(sorted(persons))
        if how == LEFT:
            tx.emit(facts.Left(placement_id=placement_id, persons=gone), case_id)
        else:
            tx.emit(facts.Discharged(placement_id=placement_id, persons=gone, destination=Destination(how)), case_id, key=how)


# -- what several steps need ------------------------------------------------------------------------------------------------------------


async def _require_beds(tx: Transaction, offer: Placement) -> None:
    """Refuse what comes after the hold or the time of arrival when others have the beds by now."""
    await register.lock(tx, [offer.shelter_id])
    if not await relearnt.open_stays(tx, [offer.id]):
        raise conflict(BEDS_IN_DOUBT, state=offer.state.value)
    if await store.taken_by_others(tx, [offer.id]):
        raise conflict(TOO_LATE, state=offer.state.value)


async def _proceed(tx: Transaction, placement: Placement, state: State) -> None:
    known = await store.needs(tx, [placement.case_id])
    await store.save_placements(tx, [placement])
    await matching.record(tx, known, {placement.case_id: enter(known[placement.case_id], state)})


async def _settle_in(tx: Transaction, inside: Placement, agreed: Sequence[Agreed]) -> None:
    """Keep the agreements and set the reviews: of the stay, and of each legal ground at its end."""
    await store.record_agreements(tx, inside.id, agreed)
    tx.audit("admitted", inside.case_id, ["agreements"])
    tx.set_clock("stay_review", inside.case_id, await _review_at(tx, inside.shelter_id))
    for entry in agreed:
        if entry.until is not None:
            days = (entry.until - tx.now.astimezone(JAKARTA).date()).days
            tx.set_clock(LEGAL_GROUND, inside.case_id, tx.now + tx.settings.span(days=days), key=str(entry.person_id))


async def _review_at(tx: Transaction, shelter_id: UUID) -> datetime:
    return tx.now + (await stay_spans(tx, [shelter_id]))[shelter_id]


async def stay_spans(tx: Transaction, shelters: Collection[UUID]) -> dict[UUID, timedelta]:
    """After how long a stay in each of these shelters is reviewed."""
    return {shelter_id: tx.settings.span(days=days) for shelter_id, days in (await register.review_days(tx, shelters)).items()}


def _day(inside: Placement) -> date:
    if inside.review_on is None:
        message = "an admitted household has a day of review"
        raise ValueError(message)
    return inside.review_on


def _agreements(agreed: Sequence[Agreed]) -> tuple[facts.PersonAgreement, ...]:
    return tuple(facts.PersonAgreement(person_id=entry.person_id, agreement=Agreement(entry.how)) for entry in agreed)


def _person_fact(person: Person) -> PersonFact:
    needs = tuple(NeedCode(code) for code in sorted(person.needs))
    return PersonFact(person_id=person.id, sex=Sex(person.sex), age=person.age, role=HouseholdRole(person.role), needs=needs)
