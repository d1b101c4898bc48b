"""Who waits for a bed, and what people decide for them: the search goes on, ends, in groups, or a shelter is offered out of order.

A group of a household that was split has an id of its own, by which these routes know it as they know a case.
"""

from collections.abc import Collection, Mapping
from typing import Annotated
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from fastapi import APIRouter, Query
from pydantic import BaseModel

from placement import policy, store
from placement.api.placement_views import ByHandBody, HouseholdView, NeedView, PersonView, PlacementView, SplitBody, SplitView
from placement.api.visible import MEMBER_FIELDS, WRONG_STATE, answer
from placement.domain.needs import Need, State, enter
from placement.domain.people import in_order
from placement.domain.placements import Said
from placement.domain.split import LOOKING, Group, against, looking
from placement.finding import byhand, matching, splitting, timing
from placement.staying import arrivals
from placement.store import groups, line, register
from placement.store.groups import Approved

router = APIRouter()
After = Annotated[int, Query(ge=0)]
Most = Annotated[int, Query(ge=1, le=1000)]


class RoundView(BaseModel):
    """How many households the coming round of the waiting list is for."""

    waiting: int


@router.get("/waiting")
@reads(*policy.SEE_WAITING)
async def waiting_list(tx: Transaction, after: After = 0, most: Most = 200) -> list[NeedView]:
    """Who waits for a bed, in the order in which they are offered one, and why no shelter suits: so many at `most`, `after` a place in the list.

    Of a split household also where the others are; at the end, without a place, who joined one and is in no group until a supervisor says in which.
    """
    needs = {need.case_id: need for need in await store.waiting(tx, after=after, most=most)}
    order = in_order(need.household(tx.now) for need in needs.values())
    nowhere = await groups.ungrouped(tx) if len(needs) < most else []
    whole = {need.part_of for need in needs.values() if need.part_of} | {need.case_id for need in nowhere}
    parts: dict[UUID, list[Need]] = {}
    for need in (await groups.households(tx, whole)).values() if whole else ():
        parts.setdefault(need.subject, []).append(need)
    listed = [NeedView.of(needs[entry.case_id], place, parts.get(entry.part_of or entry.case_id, ())) for place, entry in enumerate(order, after + 1)]
    return listed + [NeedView.of(need, household=parts[need.case_id]) for need in nowhere]


@router.post("/waiting/rematch", status_code=202)
@writes(*policy.DECIDE_NEED)
async def rematch(tx: Transaction) -> RoundView:
    """Try the whole waiting list again now."""
    timing.set_round(tx)
    return RoundView(waiting=len(await line.waiting(tx)))


@router.get("/needs/{case_id}")
@reads(*policy.SEE_WAITING)
async def see_household(case_id: UUID, tx: Transaction) -> HouseholdView:
    """The whole search of a case: who is to be housed, in which groups if a supervisor split them, and where each group stands."""
    known = await groups.households(tx, [case_id])
    if known[case_id] == Need(case_id) or known[case_id].part_of:
        raise not_found("need")
    tx.audit("read", case_id, MEMBER_FIELDS)
    return await _household(tx, known, case_id)


@router.post("/needs/{case_id}/split", status_code=201)
@writes(*policy.SPLIT)
async def split(case_id: UUID, body: SplitBody, tx: Transaction) -> HouseholdView:
    """Let a household that looks for a bed be housed in groups, each placed whole: all who look for one, each person once, everyone having agreed.

    A child without an adult in its group needs a ground. An offer that nobody said yes to is taken back; 409 once a shelter said yes or they are in.
    """
    await tx.lock([case_id])
    known = await groups.households(tx, [case_id])
    whole, parts = known[case_id], [need for need in known.values() if need.part_of]
    if whole == Need(case_id) or whole.part_of:
        raise not_found("need")
    if whole.ended or whole.state not in LOOKING | {State.SPLIT}:
        raise conflict(WRONG_STATE, state=whole.state.value)
    members = looking(whole, parts)
    wanted = [Group(entry.persons, entry.ground) for entry in body.groups]
    agreed = tuple(entry.agreed() for entry in body.agreements)
    problems = against(members, wanted, again=whole.split)
    problems += [(f"agreements.{name}", code) for name, code in arrivals.against_admission(tx, members, agreed)]
    if problems:
        title = "a household is split into groups of all who look for a bed, each person once, with everyone's agreement"
        raise RefusedError(422, title, [FieldProblem(name, code) for name, code in problems])
    me = tx.principal.subject
    approved = Approved(tx.new_id("split", case_id), case_id, tuple(wanted), body.reason.value, agreed, Said(me, tx.now, me), tx.now)
    await splitting.split(tx, known, approved)
    return await _household(tx, await groups.households(tx, [case_id]), case_id)


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
    if known.emptied:
        raise conflict(WRONG_STATE, state=known.state.value)
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


async def _household(tx: Transaction, known: Mapping[UUID, Need], case_id: UUID) -> HouseholdView:
    whole, parts = known[case_id], sorted((need for need in known.values() if need.part_of and need.members), key=lambda need: need.case_id)
    group_of = {person.id: need.case_id for need in parts for person in need.members}
    persons = [
        PersonView(
            person_id=person.id,
            sex=person.sex,
            age=person.age,
            role=person.role,
            needs=tuple(sorted(person.needs)),
            group_id=group_of.get(person.id),
        )
        for person in whole.persons
    ]
    splits = [
        SplitView(
            reason=entry.reason,
            groups=tuple(tuple(sorted(group.persons)) for group in entry.groups),
            grounds=tuple(group.ground for group in entry.groups),
            decided_by=entry.said.by,
            decided_at=entry.said.at,
        )
        for entry in (await groups.splits(tx, [case_id])).get(case_id, [])
    ]
    shown = tuple(NeedView.of(need, household=parts) for need in parts)
    suspected = whole.area_changes > tx.settings.probing_changes if tx.principal.has(*policy.CLEAR_ALARM) else None
    return HouseholdView(case_id=case_id, persons=tuple(persons), whole=NeedView.of(whole), groups=shown, splits=tuple(splits), suspected=suspected)


async def _need_in(tx: Transaction, case_id: UUID, states: Collection[State]) -> Need:
    """A need, of a household or of a group by its own id, in one of these states, with its case locked."""
    await tx.lock([(await store.needs(tx, [case_id]))[case_id].subject])
    need = (await store.needs(tx, [case_id]))[case_id]
    if need == Need(case_id):
        raise not_found("need")
    if need.state not in states or need.ended:
        raise conflict(WRONG_STATE, state=need.state.value)
    return need
