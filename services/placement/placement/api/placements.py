"""Offers and stays: what a head answers, who comes in and who goes, and who waits."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from fastapi import APIRouter, Query

from placement import arrivals, matching, policy, store
from placement.api.placement_views import (
    AdmissionBody,
    AdmitBody,
    CancelBody,
    DeclineBody,
    DischargeBody,
    LeaveBody,
    NeedView,
    PlacementView,
)
from placement.arrivals import LEFT, AtTheDoor, Departure
from placement.domain.needs import Need, State, enter
from placement.domain.placements import Placement, Step, WrongStateError
from placement.store import register

router = APIRouter()

WRONG_STATE = "the state does not allow this"
MEMBER_FIELDS = ["members.sex", "members.age", "members.role", "members.needs"]


@contextmanager
def refusing() -> Iterator[None]:
    """Answer what the domain refuses with 409 and the state that is."""
    try:
        yield
    except WrongStateError as error:
        raise conflict(WRONG_STATE, state=error.state.value) from None


# -- reading --------------------------------------------------------------------------------------------------------------------------


@router.get("/placements")
@reads(*policy.SEE_PLACEMENTS)
async def list_placements(
    tx: Transaction, state: Step | None = None, case_id: UUID | None = None, most: Annotated[int, Query(ge=1, le=1000)] = 200
) -> list[PlacementView]:
    """Offers and stays, the newest first: a head's own shelters, for others all."""
    shelters = None if tx.principal.has(*policy.SEE_ALL_PLACEMENTS) else _units(tx)
    return await _shown(tx, await store.placements(tx, shelters=shelters, state=state and state.value, case_id=case_id, most=most))


@router.get("/placements/{placement_id}")
@reads(*policy.SEE_PLACEMENTS)
async def see_placement(placement_id: UUID, tx: Transaction) -> PlacementView:
    """One offer or stay."""
    return (await _shown(tx, [await _visible(tx, placement_id)]))[0]


@router.get("/waiting")
@reads(*policy.SEE_WAITING)
async def waiting_list(tx: Transaction) -> list[NeedView]:
    """Who waits for a bed, the riskiest first and then who has waited longest, and why no shelter suits."""
    return [NeedView.of(need) for need in await store.waiting(tx)]


# -- an offer -------------------------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/accept")
@writes(*policy.ANSWER_OFFER)
async def accept(placement_id: UUID, tx: Transaction) -> PlacementView:
    """The head says yes. After the hold ran out only if nobody else took the beds, otherwise 409."""
    with refusing():
        return await _answer(tx, await arrivals.accept(tx, await _locked(tx, placement_id)))


@router.post("/placements/{placement_id}/decline")
@writes(*policy.ANSWER_OFFER)
async def decline(placement_id: UUID, body: DeclineBody, tx: Transaction) -> PlacementView:
    """The head says no; the next suitable shelter is tried."""
    with refusing():
        return await _answer(tx, await arrivals.decline(tx, await _locked(tx, placement_id), body.reason))


@router.post("/placements/{placement_id}/on-the-way")
@writes(*policy.SEND_OFF)
async def on_the_way(placement_id: UUID, tx: Transaction) -> PlacementView:
    """The household left for the shelter."""
    with refusing():
        return await _answer(tx, await arrivals.send_off(tx, await _locked(tx, placement_id)))


@router.post("/placements/{placement_id}/cancel")
@writes(*policy.TAKE_BACK)
async def cancel(placement_id: UUID, body: CancelBody, tx: Transaction) -> PlacementView:
    """The survivor said no, cannot be reached, or needs no shelter any more."""
    with refusing():
        return await _answer(tx, await arrivals.cancel(tx, await _locked(tx, placement_id), body.reason.value))


@router.post("/placements/{placement_id}/no-show")
@writes(*policy.ANSWER_OFFER)
async def no_show(placement_id: UUID, tx: Transaction) -> PlacementView:
    """The household did not come."""
    with refusing():
        (missed,) = await arrivals.did_not_come(tx, [await _locked(tx, placement_id)], tx.principal.subject)
        return await _answer(tx, missed)


# -- a stay ---------------------------------------------------------------------------------------------------------------------------


@router.post("/placements/{placement_id}/admit")
@writes(*policy.ADMIT)
async def admit(placement_id: UUID, body: AdmitBody, tx: Transaction) -> PlacementView:
    """Let the household in. Everyone's agreement is recorded; 422 names each person whose agreement is missing or does not do."""
    offer = await _locked(tx, placement_id)
    agreed = [entry.agreed() for entry in body.agreements]
    with refusing():
        if offer.state not in {Step.ACCEPTED, Step.ON_THE_WAY}:
            raise WrongStateError(offer.state)
        _require_agreements("agreements", arrivals.against_admission(tx, offer.members, agreed))
        return await _answer(tx, await arrivals.let_in(tx, offer, agreed))


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


@router.post("/admissions", status_code=201)
@writes(*policy.ADMIT_AT_THE_DOOR)
async def admit_at_the_door(body: AdmissionBody, tx: Transaction) -> PlacementView:
    """Let people in who stand at the door; 409 when the shelter has no fitting beds free. Their case is opened from this."""
    if not _may_act_for(tx, body.shelter_id) or await register.shelter(tx, body.shelter_id) is None:
        raise not_found("shelter")
    ids = [tx.new_id(f"person:{number}") for number in range(len(body.persons))]
    persons = tuple(entry.person(person_id) for person_id, entry in zip(ids, body.persons, strict=True))
    agreed = tuple(entry.agreed(person_id) for person_id, entry in zip(ids, body.persons, strict=True))
    position = {str(person_id): str(number) for number, person_id in enumerate(ids)}
    problems = arrivals.against_admission(tx, persons, agreed)
    _require_agreements("persons", [(_at_position(name, position), code) for name, code in problems])
    inside = await arrivals.let_in_directly(tx, body.shelter_id, AtTheDoor(persons, agreed, body.brought_by, body.area, body.ppks))
    return await _answer(tx, inside)


# -- a need ---------------------------------------------------------------------------------------------------------------------------


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


# -- what several routes need -----------------------------------------------------------------------------------------------------------


async def _need_in(tx: Transaction, case_id: UUID, states: Collection[State]) -> Need:
    await tx.lock([case_id])
    need = (await store.needs(tx, [case_id]))[case_id]
    if need == Need(case_id):
        raise not_found("need")
    if need.state not in states or need.ended:
        raise conflict(WRONG_STATE, state=need.state.value)
    return need


async def _visible(tx: Transaction, placement_id: UUID) -> Placement:
    """A placement that the principal may know of; 404 otherwise."""
    entry = await store.placement(tx, placement_id)
    if entry is None or not _may_act_for(tx, entry.shelter_id):
        raise not_found("placement")
    return entry


async def _locked(tx: Transaction, placement_id: UUID) -> Placement:
    """The same, with its case locked, as it is under the lock."""
    await tx.lock([(await _visible(tx, placement_id)).case_id])
    return await _visible(tx, placement_id)


def _may_act_for(tx: Transaction, shelter_id: UUID) -> bool:
    """A head only for its own shelters; those who may act for all were let through by the route."""
    return shelter_id in _units(tx) or tx.principal.has(*policy.FOR_ALL_SHELTERS)


def _units(tx: Transaction) -> set[UUID]:
    units = set()
    for unit in tx.principal.units:
        try:
            units.add(UUID(unit))
        except ValueError:
            continue
    return units


async def _go(tx: Transaction, placement_id: UUID, persons: Collection[UUID], how: str) -> PlacementView:
    entry = await _locked(tx, placement_id)
    if entry.state is not Step.ADMITTED:
        raise conflict(WRONG_STATE, state=entry.state.value)
    here = (await store.inside(tx, [entry.case_id])).get(entry.case_id, {})
    if absent := sorted(set(persons) - here.keys()):
        raise RefusedError(422, "some of these persons do not stay here", [FieldProblem(f"persons.{person}", "not_here") for person in absent])
    await arrivals.depart(tx, [Departure(entry.case_id, entry.id, person, how) for person in sorted(persons)])
    return await _answer(tx, await _visible(tx, placement_id))


def _require_agreements(field: str, problems: Sequence[tuple[str, str]]) -> None:
    if problems:
        title = "nobody is admitted without an agreement: see which is missing"
        raise RefusedError(422, title, [FieldProblem(f"{field}.{name}", code) for name, code in problems])


def _at_position(name: str, position: dict[str, str]) -> str:
    """Persons who have no id of their own yet are named by their place in the request."""
    person, dot, rest = name.partition(".")
    return f"{position[person]}{dot}{rest}"


async def _answer(tx: Transaction, entry: Placement) -> PlacementView:
    """What an action answers: its placement, with the members for those who may see them."""
    return (await _shown(tx, [entry]))[0]


async def _shown(tx: Transaction, entries: Sequence[Placement]) -> list[PlacementView]:
    if not tx.principal.has(*policy.SEE_PLACEMENTS):
        return [PlacementView.of(entry, {}).model_copy(update={"members": ()}) for entry in entries]
    beds = await store.beds_of(tx, [entry.id for entry in entries])
    for case_id in sorted({entry.case_id for entry in entries}):
        tx.audit("read", case_id, MEMBER_FIELDS)
    return [PlacementView.of(entry, beds.get(entry.id, {})) for entry in entries]
