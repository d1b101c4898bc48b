"""Who comes in: the household that was expected, and people at the door whom nobody reported yet. The caller has locked the cases."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from chassis import Transaction, conflict
from contracts import placement as facts
from contracts.household import Household as HouseholdFact
from contracts.household import Person as PersonFact
from contracts.vocabulary import Agreement, HouseholdRole, Sex
from contracts.vocabulary import Need as NeedCode

from placement import store
from placement.domain.needs import Need, State
from placement.domain.offers import Offer
from placement.domain.people import Household, Person
from placement.domain.placements import JAKARTA, Agreed, Placement, Said, Step, admit, missing_agreements, warnings
from placement.domain.relearn import any_beds
from placement.domain.rooms import fit
from placement.finding import answers, matching, timing
from placement.settings import PlacementSettings
from placement.store import register, staying

NO_BEDS = "too few beds are free here: approve an overflow bed first"
LEGAL_GROUND = "legal_ground"
STAY_REVIEW = "stay_review"
ABSENCE = "absence"


async def let_in(tx: Transaction, offer: Placement, agreed: Sequence[Agreed], said: Said) -> Placement:
    """The household is in, everyone having agreed. Raises 409 when others took the beds after the time of arrival."""
    settings: PlacementSettings = tx.settings
    spans = await stay_spans(tx, [offer.shelter_id])
    expected = admit(offer, said, said.at + spans[offer.shelter_id])
    await answers.require_beds(tx, offer)
    since = said.at - settings.span(days=settings.re_entry_days)
    back = await staying.stayed_since(tx, [person.id for person in offer.members], since)
    inside = replace(expected, re_entry=bool(back))
    await store.extend(tx, {offer.id: None})
    await answers.proceed(tx, inside, State.ADMITTED)
    tx.cancel_clock("arrival", offer.subject, offer.clock_key)
    await settle_in(tx, inside, agreed)
    fact = facts.Admitted(
        placement_id=inside.id,
        shelter_id=inside.shelter_id,
        persons=_agreements(agreed),
        admitted_at=said.at,
        review_on=review_day(inside),
        re_entry=inside.re_entry,
    )
    matching.say(tx, fact, inside)
    return inside


def against_admission(tx: Transaction, members: Sequence[Person], agreed: Sequence[Agreed]) -> list[tuple[str, str]]:
    """What stands against admitting these persons today, as (person or field, code)."""
    return missing_agreements(members, agreed, tx.now.astimezone(JAKARTA).date())


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """Who was let in at a shelter's door, since when, and who brought them."""

    persons: tuple[Person, ...]
    agreed: tuple[Agreed, ...]
    said: Said
    brought_by: str
    area: str
    ppks: int | None


async def let_in_directly(tx: Transaction, shelter_id: UUID, arrived: AtTheDoor) -> tuple[Placement, tuple[str, ...]]:
    """Record people nobody reported yet, under a new case, and the rules that would have spoken against this shelter, as warnings.

    They are inside whatever the rules say: only a shelter without enough free beds is refused, with 409.
    """
    case_id, household_id = tx.new_id("case"), tx.new_id("household")
    await tx.lock([case_id])
    household = Household(case_id, arrived.persons, tx.now)
    (home,) = await register.homes(tx, [shelter_id])
    fitting = fit(home, household)
    beds = fitting or any_beds(home, household)
    if beds is None:
        raise conflict(NO_BEDS, free_beds=home.free_beds)
    offer = Placement(tx.new_id("placement", case_id), case_id, shelter_id, Step.ACCEPTED, 1, arrived.persons, tx.now, arrive_by=tx.now, direct=True)
    inside = admit(offer, arrived.said, arrived.said.at + (await stay_spans(tx, [shelter_id]))[shelter_id])
    need = Need(case_id, persons=arrived.persons, shelter_needed=True, state=State.ADMITTED, waiting_since=tx.now)
    await store.save_needs(tx, [need])
    await store.save_placements(tx, [inside])
    await store.hold_beds(tx, [(inside, Offer(household, shelter_id, beds))], {inside.id: None})
    await settle_in(tx, inside, arrived.agreed)
    timing.set_availability(tx, case_id)
    broken = warnings(home, household, fits=fitting is not None)
    fact = facts.AdmittedDirectly(
        placement_id=inside.id,
        shelter_id=shelter_id,
        household=HouseholdFact(household_id=household_id, revision=1, persons=tuple(map(_person_fact, arrived.persons))),
        persons=_agreements(arrived.agreed),
        brought_by=arrived.brought_by,
        area=arrived.area,
        ppks=arrived.ppks,
        admitted_at=arrived.said.at,
        review_on=review_day(inside),
        warnings=broken,
    )
    tx.emit(fact, case_id)
    return inside, broken


# -- what several steps need ------------------------------------------------------------------------------------------------------------


async def settle_in(tx: Transaction, inside: Placement, agreed: Sequence[Agreed]) -> None:
    """Keep the agreements and set the reviews: of the stay, and of each legal ground at its end."""
    await store.record_agreements(tx, inside.id, agreed)
    tx.audit("admitted", inside.subject, ["agreements"])
    spans = await stay_spans(tx, [inside.shelter_id])
    tx.set_clock(STAY_REVIEW, inside.subject, (inside.admitted_at or tx.now) + spans[inside.shelter_id], key=review_key(inside))
    for entry in agreed:
        if entry.until is not None:
            days = (entry.until - tx.now.astimezone(JAKARTA).date()).days
            tx.set_clock(LEGAL_GROUND, inside.subject, tx.now + tx.settings.span(days=days), key=str(entry.person_id))


def review_key(inside: Placement) -> str:
    """The key of the clock that reviews a stay: a case has one stay, and others where it is housed in groups or some were moved elsewhere."""
    return "" if inside.transfer_of is None and inside.part_of is None else str(inside.id)


async def stay_spans(tx: Transaction, shelters: Collection[UUID]) -> dict[UUID, timedelta]:
    """After how long a stay in each of these shelters is reviewed."""
    return {shelter_id: tx.settings.span(days=days) for shelter_id, days in (await register.review_days(tx, shelters)).items()}


def review_day(inside: Placement) -> date:
    """The day of a stay's review. Raises ValueError for what is no stay."""
    if inside.review_on is None:
        message = "an admitted household has a day of review"
        raise ValueError(message)
    return inside.review_on


def _agreements(agreed: Sequence[Agreed]) -> tuple[facts.PersonAgreement, ...]:
    return tuple(facts.PersonAgreement(person_id=entry.person_id, agreement=Agreement(entry.how)) for entry in agreed)


def _person_fact(person: Person) -> PersonFact:
    needs = tuple(NeedCode(code) for code in sorted(person.needs))
    return PersonFact(person_id=person.id, sex=Sex(person.sex), age=person.age, role=HouseholdRole(person.role), needs=needs)
