"""Stays: who comes in, expected or at the door, who moves to another shelter, who is away for some time, and who goes."""

from collections.abc import Collection, Sequence
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, writes
from fastapi import APIRouter

from placement import policy, store
from placement.api.placement_views import (
    AbsenceBody,
    AdmissionBody,
    AdmitBody,
    BackBody,
    DischargeBody,
    LeaveBody,
    PlacementView,
    TransferBody,
)
from placement.api.visible import WRONG_STATE, answer, locked, may_act_for, only_present, refusing, said_by, visible
from placement.domain.placements import EXPECTED, Placement, Said, Step, WrongStateError
from placement.staying import arrivals, stays, transfers
from placement.staying.arrivals import AtTheDoor
from placement.staying.stays import LEFT, Departure
from placement.store import register, staying

router = APIRouter()


# -- coming in ------------------------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/admit")
@writes(*policy.ADMIT)
async def admit(placement_id: UUID, body: AdmitBody, tx: Transaction) -> PlacementView:
    """Let the household in. Everyone's agreement is recorded; 422 names each person whose agreement is missing or does not do."""
    offer = await locked(tx, placement_id)
    agreed = [entry.agreed() for entry in body.agreements]
    with refusing():
        if offer.state not in EXPECTED or offer.asks_to_move:
            raise WrongStateError(offer.state)
        said = said_by(tx, body, offer)
        _require_agreements("agreements", arrivals.against_admission(tx, offer.members, agreed))
        return await answer(tx, await arrivals.let_in(tx, offer, agreed, said))


@router.post("/admissions", status_code=201)
@writes(*policy.ADMIT_AT_THE_DOOR)
async def admit_at_the_door(body: AdmissionBody, tx: Transaction) -> PlacementView:
    """Record people who stand at the door or came in some days ago. Rules that speak against it are warnings; 409 only without enough free beds."""
    if not may_act_for(tx, body.shelter_id) or await register.shelter(tx, body.shelter_id) is None:
        raise not_found("shelter")
    since = body.arrived_at or tx.now
    if body.arrived_at is not None and not tx.now - tx.settings.span(days=tx.settings.arrived_days_back) <= since <= tx.now:
        code = "in_the_future" if since > tx.now else "too_long_ago"
        raise RefusedError(422, "nobody can be recorded as having come in then", [FieldProblem("arrived_at", code)])
    ids = [tx.new_id(f"person:{number}") for number in range(len(body.persons))]
    persons = tuple(entry.person(person_id) for person_id, entry in zip(ids, body.persons, strict=True))
    agreed = tuple(entry.agreed(person_id) for person_id, entry in zip(ids, body.persons, strict=True))
    position = {str(person_id): str(number) for number, person_id in enumerate(ids)}
    problems = arrivals.against_admission(tx, persons, agreed)
    _require_agreements("persons", [(_at_position(name, position), code) for name, code in problems])
    said = Said(tx.principal.subject, since, tx.principal.subject)
    arrived = AtTheDoor(persons, agreed, said, body.brought_by, body.area, body.ppks)
    inside, warnings = await arrivals.let_in_directly(tx, body.shelter_id, arrived)
    return (await answer(tx, inside)).model_copy(update={"warnings": warnings})


# -- moving to another shelter ----------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/transfer", status_code=201)
@writes(*policy.ASK_TRANSFER)
async def ask_transfer(placement_id: UUID, body: TransferBody, tx: Transaction) -> PlacementView:
    """Ask another shelter, named or the most suitable, to take over those who stay here; they stay until they have moved.

    All of them move, unless a supervisor lets some move without the others, with their agreement and a reason. 409 names what rules shelters out.
    """
    stay = await _stay(tx, placement_id)
    if body.shelter_id is not None and await register.shelter(tx, body.shelter_id) is None:
        raise not_found("shelter")
    if body.shelter_id == stay.shelter_id:
        raise RefusedError(422, "they stay in this shelter already", [FieldProblem("shelter_id", "same_shelter")])
    here = await _here(tx, stay)
    persons = body.persons or here
    only_present(persons, here)
    if apart := here - persons:
        _require_split(tx, body)
    asked = await transfers.ask(tx, stay, [person for person in stay.members if person.id in persons], body.shelter_id)
    if apart and body.reason is not None:
        transfers.say_apart(tx, asked, apart, body.reason)
    return await answer(tx, asked)


@router.post("/placements/{placement_id}/move")
@writes(*policy.ADMIT)
async def move(placement_id: UUID, body: AdmitBody, tx: Transaction) -> PlacementView:
    """They have moved: the old stay ends and the new one begins at once. Everyone's agreement to the new shelter is recorded."""
    asked = await locked(tx, placement_id)
    agreed = [entry.agreed() for entry in body.agreements]
    with refusing():
        if not asked.asks_to_move or asked.state is not Step.ACCEPTED:
            raise WrongStateError(asked.state)
        said = said_by(tx, body, asked)
        _require_agreements("agreements", arrivals.against_admission(tx, asked.members, agreed))
        return await answer(tx, await transfers.move_over(tx, asked, agreed, said))


# -- away for some time -----------------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/absences")
@writes(*policy.RECORD_ABSENCE)
async def go_away(placement_id: UUID, body: AbsenceBody, tx: Transaction) -> PlacementView:
    """Persons leave for some time; their beds are kept, and people are told when they are not back in time."""
    stay = await _stay(tx, placement_id)
    only_present(body.persons, await _here(tx, stay))
    if body.back_by <= tx.now:
        raise RefusedError(422, "they come back later than now", [FieldProblem("back_by", "not_in_the_future")])
    away = (await staying.away(tx, [stay.id])).get(stay.id, {})
    if already := sorted(body.persons & away.keys()):
        raise RefusedError(422, "some of these persons are away already", [FieldProblem(f"persons.{person}", "away") for person in already])
    await stays.go_away(tx, stay, body.persons, body.back_by)
    return await answer(tx, stay)


@router.post("/placements/{placement_id}/absences/back")
@writes(*policy.RECORD_ABSENCE)
async def come_back(placement_id: UUID, body: BackBody, tx: Transaction) -> PlacementView:
    """Persons who were away are back."""
    stay = await _stay(tx, placement_id)
    away = (await staying.away(tx, [stay.id])).get(stay.id, {})
    if strange := sorted(body.persons - away.keys()):
        raise RefusedError(422, "some of these persons are not away", [FieldProblem(f"persons.{person}", "not_away") for person in strange])
    await stays.come_back(tx, stay, body.persons)
    return await answer(tx, stay)


# -- going ------------------------------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/leave")
@writes(*policy.END_STAY)
async def leave(placement_id: UUID, body: LeaveBody, tx: Transaction) -> PlacementView:
    """Persons leave by their own choice, which is always possible and never an escape."""
    return await _go(tx, placement_id, body.persons, LEFT)


@router.post("/placements/{placement_id}/discharge")
@writes(*policy.END_STAY)
async def discharge(placement_id: UUID, body: DischargeBody, tx: Transaction) -> PlacementView:
    """Persons go somewhere."""
    return await _go(tx, placement_id, body.persons, body.destination.value)


async def _go(tx: Transaction, placement_id: UUID, persons: Collection[UUID], how: str) -> PlacementView:
    entry = await _stay(tx, placement_id)
    only_present(persons, await _here(tx, entry))
    await stays.depart(tx, [Departure(entry.case_id, entry.id, person, how) for person in sorted(persons)])
    return await answer(tx, await visible(tx, placement_id))


# -- what several routes need -----------------------------------------------------------------------------------------------------------


async def _stay(tx: Transaction, placement_id: UUID) -> Placement:
    """A placement whose household is in; 409 for any other."""
    entry = await locked(tx, placement_id)
    if entry.state is not Step.ADMITTED:
        raise conflict(WRONG_STATE, state=entry.state.value)
    return entry


async def _here(tx: Transaction, stay: Placement) -> frozenset[UUID]:
    """Who stays there still."""
    homes = (await store.inside(tx, [stay.case_id])).get(stay.case_id, {})
    return frozenset(person for person, home in homes.items() if home == stay.id)


def _require_split(tx: Transaction, body: TransferBody) -> None:
    """Some of a household without the others: only by a supervisor, with a reason and the survivor's agreement (DESIGN invariant 6)."""
    if not tx.principal.has(*policy.OVERRULE):
        raise RefusedError(403, "only a supervisor lets a household be housed apart", [FieldProblem("persons", "not_all_of_them")])
    if missing := [name for name in ("reason", "agreed") if getattr(body, name) is None]:
        raise RefusedError(422, "say why they are housed apart, and that they agreed", [FieldProblem(name, "missing") for name in missing])


def _require_agreements(field: str, problems: Sequence[tuple[str, str]]) -> None:
    if problems:
        title = "nobody is admitted without an agreement: see which is missing"
        raise RefusedError(422, title, [FieldProblem(f"{field}.{name}", code) for name, code in problems])


def _at_position(name: str, position: dict[str, str]) -> str:
    """Persons who have no id of their own yet are named by their place in the request."""
    person, dot, rest = name.partition(".")
    return f"{position[person]}{dot}{rest}"
