"""Stays until their end: who is away for some time, and who goes. The caller has locked the cases."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import Transaction
from contracts import placement as facts
from contracts.vocabulary import Destination

from placement import store
from placement.domain.needs import Need, out_of_bed
from placement.domain.placements import Placement, Step, move
from placement.finding import matching, timing
from placement.staying import transfers
from placement.staying.arrivals import ABSENCE, LEGAL_GROUND, STAY_REVIEW, review_key
from placement.store import register, staying

LEFT = "left"


# -- being away -----------------------------------------------------------------------------------------------------------------------


async def go_away(tx: Transaction, stay: Placement, persons: Collection[UUID], back_by: datetime) -> None:
    """Persons leave for some time; their beds are kept, and people are told when they are not back."""
    await staying.go_away(tx, stay.id, persons, back_by)
    for person in sorted(persons):
        tx.set_clock(ABSENCE, stay.subject, back_by, key=str(person))


async def come_back(tx: Transaction, stay: Placement, persons: Collection[UUID]) -> None:
    """Persons who were away are back."""
    await staying.come_back(tx, [(stay.id, person) for person in sorted(persons)])
    for person in sorted(persons):
        tx.cancel_clock(ABSENCE, stay.subject, str(person))


# -- going ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Departure:
    """Somebody leaves a home: by her own choice (`left`), or to a destination. `case_id` is of her need, of a split household her group's."""

    case_id: UUID
    placement_id: UUID
    person_id: UUID
    how: str


async def depart(tx: Transaction, departures: Sequence[Departure]) -> None:
    """End these stays; where the last member left, the placement ends too. A transfer that was asked for one of them is taken back."""
    if not departures:
        return
    cases = sorted({entry.case_id for entry in departures})
    homes = await store.lived_in(tx, {entry.placement_id for entry in departures})
    slept = await store.end_stays(tx, [(entry.placement_id, entry.person_id, entry.how) for entry in departures])
    await staying.come_back(tx, [(entry.placement_id, entry.person_id) for entry in departures])
    still = await store.inside(tx, cases)
    emptied = [homes[home] for home in sorted(homes) if home not in still.get(homes[home].case_id, {}).values()]
    known = await store.needs(tx, cases)
    await store.save_placements(tx, [move(placement, Step.ENDED) for placement in emptied])
    await matching.record(tx, known, {case_id: out_of_bed(need) for case_id, need in known.items() if case_id not in still})
    for placement in emptied:
        tx.cancel_clock(STAY_REVIEW, placement.subject, review_key(placement))
    for entry in departures:
        tx.cancel_clock(LEGAL_GROUND, known[entry.case_id].subject, str(entry.person_id))
        tx.cancel_clock(ABSENCE, known[entry.case_id].subject, str(entry.person_id))
    _say_gone(tx, departures, known)
    await transfers.take_back_for(tx, cases, {entry.person_id for entry in departures})
    await register.clean(tx, slept, known[cases[0]].subject)
    timing.beds_became_free(tx, known[cases[0]].subject)


def _say_gone(tx: Transaction, departures: Sequence[Departure], needs: Mapping[UUID, Need]) -> None:
    together: dict[tuple[UUID, UUID, str], list[UUID]] = {}
    for entry in departures:
        together.setdefault((entry.case_id, entry.placement_id, entry.how), []).append(entry.person_id)
    for (need_id, placement_id, how), persons in together.items():
        gone, need = tuple(sorted(persons)), needs[need_id]
        if how == LEFT:
            matching.say(tx, facts.Left(placement_id=placement_id, persons=gone), need, key=str(placement_id))
        else:
            fact = facts.Discharged(placement_id=placement_id, persons=gone, destination=Destination(how))
            matching.say(tx, fact, need, key=f"{how}|{placement_id}")
