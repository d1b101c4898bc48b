"""Transfers on real servers: asked for, answered, moved or come to nothing; one bed for everyone all the time."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.assessment import OutcomeReached
from contracts.grounds import EndReason
from contracts.intake import Withdrawn
from contracts.vocabulary import Outcome

from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, admitted, agreements, ask, beds_in_use, data, one_bed, platform, said, state
from tests.rig import Rig

CLOCKS = "SELECT kind, key FROM clock WHERE subject = :case_id ORDER BY kind, key"


async def clocks(rig: Rig, case_id: UUID) -> list[tuple[str, str]]:
    return [(row.kind, row.key) for row in await rig.sql("placement", CLOCKS, case_id=case_id)]


async def asked(rig: Rig, stay: dict[str, Any], body: dict[str, Any] | None = None, status: int = 201, role: str = "placement_officer") -> Any:
    return await act(rig, stay, "transfer", body or {}, status=status, role=role)


async def slept_in(rig: Rig) -> set[str]:
    """Whose beds they are in, as shelter ids of open stays of who is in them."""
    skew = rig.services["placement"].database.skew.total_seconds()
    rows = await rig.sql(
        "placement",
        "SELECT room.shelter_id FROM stay JOIN bed ON bed.id = bed_id JOIN room ON room.id = room_id"
        " WHERE ended_as IS NULL AND coalesce(in_it, during) @> clock_timestamp() + make_interval(secs => :skew)",
        skew=skew,
    )
    return {str(row.shelter_id) for row in rows}


async def test_a_household_moves_as_one_and_never_has_two_beds_or_none(rig: Rig) -> None:
    old, new = a_shelter_body(a_room_body(2)), a_shelter_body(a_room_body(3))
    await platform(rig, old, new)
    case_id = await ask(rig, household=a_snapshot(a_member(), a_member("female", 9, "child")))
    stay = await admitted(rig, case_id)
    transfer = await asked(rig, stay)
    assert (transfer["shelter_id"], transfer["state"], transfer["transfer_of"]) == (new["shelter_id"], "offered", stay["placement_id"])
    assert await asked(rig, stay, status=409), "one transfer at a time"
    assert (await beds_in_use(rig), await slept_in(rig), await state(rig, case_id)) == (4, {old["shelter_id"]}, "admitted")
    await act(rig, transfer, "move", agreements(transfer), status=409)
    await act(rig, transfer, "admit", agreements(transfer), status=409)
    await act(rig, transfer, "accept")
    for action in ("on-the-way", "no-show"):
        await act(rig, transfer, action, status=409)
    nobody = await act(rig, transfer, "move", {"agreements": []}, status=422)
    assert len(nobody["errors"]) == 2, "nobody moves without an agreement"
    moved = await act(rig, transfer, "move", agreements(transfer))
    assert moved["state"] == "admitted"
    assert (await beds_in_use(rig), await slept_in(rig), await state(rig, case_id)) == (2, {new["shelter_id"]}, "admitted")
    assert (await said(rig, case_id))[3:] == ["transfer_offered", "transfer_answered", "transferred"]
    (fact,) = await data(rig, case_id, "transferred")
    assert (fact["from_placement_id"], fact["placement_id"], len(fact["persons"])) == (stay["placement_id"], transfer["placement_id"], 2)
    assert await clocks(rig, case_id) == [("stay_review", transfer["placement_id"])]
    ended = await rig.sql("placement", "SELECT DISTINCT ended_as FROM stay WHERE placement_id = :id", id=UUID(stay["placement_id"]))
    assert [row.ended_as for row in ended] == ["transferred"]
    await rig.advance(days=14.1)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["stay_review"]
    persons = [member["person_id"] for member in moved["members"]]
    await act(rig, moved, "leave", {"persons": persons})
    assert (await state(rig, case_id), await beds_in_use(rig), await clocks(rig, case_id)) == ("settled", 0, [])


async def test_who_moved_may_come_back_and_move_again(rig: Rig) -> None:
    first, second = one_bed(), one_bed()
    await platform(rig, first, second)
    case_id = await ask(rig)
    stay = await admitted(rig, case_id)
    for where in ("second", "first again"):
        transfer = await asked(rig, stay)
        await act(rig, transfer, "accept")
        stay = await act(rig, transfer, "move", agreements(transfer))
        assert (await beds_in_use(rig), await slept_in(rig)) == (1, {stay["shelter_id"]}), where
        await rig.advance(minutes=61)  # the bed that they left is cleaned
    await act(rig, stay, "discharge", {"persons": [stay["members"][0]["person_id"]], "destination": "family"})
    assert (await state(rig, case_id), await beds_in_use(rig), await clocks(rig, case_id)) == ("settled", 0, [])


@pytest.mark.parametrize("how", ["decline", "cancel", "expire", "expire after the yes"])
async def test_a_transfer_that_comes_to_nothing_changes_nothing_about_the_stay(rig: Rig, how: str) -> None:
    await platform(rig, one_bed(), one_bed())
    case_id = await ask(rig)
    stay = await admitted(rig, case_id)
    before = await clocks(rig, case_id)
    transfer = await asked(rig, stay)
    if how == "decline":
        await act(rig, transfer, "decline", {"reason": "full"})
    elif how == "cancel":
        await act(rig, transfer, "cancel", {"reason": "survivor_declined"}, role="supervisor")
    elif how == "expire":
        await rig.advance(minutes=91)
    else:
        await act(rig, transfer, "accept")
        await rig.advance(hours=6.1)
    answers = [entry["answer"] for entry in await data(rig, case_id, "transfer_answered")]
    assert answers[-1] == {"decline": "declined", "cancel": "cancelled"}.get(how, "expired")
    assert (await beds_in_use(rig), await slept_in(rig), await state(rig, case_id)) == (1, {stay["shelter_id"]}, "admitted")
    assert await clocks(rig, case_id) == before
    await act(rig, transfer, "accept", status=409)
    assert (await asked(rig, stay))["state"] == "offered", "it can be asked for again"


@pytest.mark.parametrize("end", ["leave", "outcome", "withdrawn"])
async def test_a_transfer_ends_with_the_stay_or_the_case(rig: Rig, end: str) -> None:
    await platform(rig, one_bed(), one_bed())
    case_id = await ask(rig)
    stay = await admitted(rig, case_id)
    transfer = await asked(rig, stay)
    person = stay["members"][0]["person_id"]
    if end == "leave":
        await act(rig, stay, "leave", {"persons": [person]})
    elif end == "outcome":
        await rig.say(OutcomeReached(person_id=UUID(person), outcome=Outcome.INDEPENDENT_LIVING), subject=case_id, factversion=1)
    else:
        await rig.say(Withdrawn(reason=EndReason.REFUSED_SERVICE), subject=case_id, factversion=2)
    await rig.settle()
    assert [entry["answer"] for entry in await data(rig, case_id, "transfer_answered")] == ["cancelled"]
    assert await beds_in_use(rig) == (1 if end == "withdrawn" else 0), "a case that ended puts nobody out of bed"
    assert ("transfer", transfer["placement_id"]) not in await clocks(rig, case_id)
    await act(rig, transfer, "accept", status=409)


async def test_a_named_shelter_is_checked_by_the_rules_and_the_rule_is_named(rig: Rig) -> None:
    old, men = one_bed(), a_shelter_body(sexes=["male"])
    await platform(rig, old, men)
    case_id = await ask(rig)
    stay = await admitted(rig, case_id)
    refused = await asked(rig, stay, {"shelter_id": men["shelter_id"]}, status=409)
    assert refused["refusals"] == [{"shelter_id": men["shelter_id"], "rule": "P2", "fact": "sex_not_served"}]
    assert len((await asked(rig, stay, status=409))["refusals"]) == 1, "her own shelter is none to move to"
    same = await asked(rig, stay, {"shelter_id": old["shelter_id"]}, status=422)
    assert same["errors"] == [{"field": "shelter_id", "code": "same_shelter"}]
    await asked(rig, stay, {"shelter_id": str(uuid4())}, status=404)
    await asked(rig, stay, status=403, role="intake_officer")
    assert (await said(rig, case_id))[3:] == []


async def test_only_a_supervisor_lets_some_of_them_move_without_the_others_and_then_both_stays_go_on(rig: Rig) -> None:
    old, new = a_shelter_body(a_room_body(2)), one_bed()
    await platform(rig, old)
    mother, daughter = a_member(), a_member("female", 20, "victim")
    case_id = await ask(rig, household=a_snapshot(mother, daughter))
    stay = await admitted(rig, case_id)
    assert (await rig.post("placement", "/shelters", json=new, role="operator")).status_code == 201
    some = {"persons": [str(daughter.person_id)], "reason": "own_wish", "agreed": True}
    assert (await asked(rig, stay, some, status=403))["errors"] == [{"field": "persons", "code": "not_all_of_them"}]
    missing = await asked(rig, stay, {"persons": some["persons"]}, status=422, role="supervisor")
    assert {entry["field"] for entry in missing["errors"]} == {"reason", "agreed"}
    stranger = await asked(rig, stay, some | {"persons": [str(uuid4())]}, status=422, role="supervisor")
    assert stranger["errors"][0]["code"] == "not_here"
    transfer = await asked(rig, stay, some, role="supervisor")
    (split,) = await data(rig, case_id, "split_approved")
    assert (split["groups"], split["reason"]) == ([[str(daughter.person_id)], [str(mother.person_id)]], "own_wish")
    await act(rig, transfer, "accept")
    moved = await act(rig, transfer, "move", agreements(transfer))
    assert (await beds_in_use(rig), await slept_in(rig)) == (2, {old["shelter_id"], new["shelter_id"]})
    assert await clocks(rig, case_id) == [("stay_review", ""), ("stay_review", moved["placement_id"])]
    await act(rig, stay, "leave", {"persons": [str(daughter.person_id)]}, status=422)
    await act(rig, stay, "leave", {"persons": [str(mother.person_id)]})
    assert (await state(rig, case_id), await clocks(rig, case_id)) == ("admitted", [("stay_review", moved["placement_id"])])
    await rig.say(OutcomeReached(person_id=daughter.person_id, outcome=Outcome.INDEPENDENT_LIVING), subject=case_id, factversion=1)
    await rig.settle()
    assert (await state(rig, case_id), await beds_in_use(rig), await clocks(rig, case_id)) == ("settled", 0, [])


async def test_beds_of_a_transfer_that_others_took_after_its_hold_are_not_hers(rig: Rig) -> None:
    old, new = one_bed(), one_bed()
    await platform(rig, old, new)
    case_id = await ask(rig)
    stay = await admitted(rig, case_id)
    transfer = await asked(rig, stay)
    service = rig.services["placement"]
    service.clocks.stop()
    service.database.skew += timedelta(minutes=95)
    body = {"shelter_id": transfer["shelter_id"], "brought_by": "dinsos", "area": "31.71.01", "persons": [{"sex": "female", "agreement": "own"}]}
    assert (await rig.post("placement", "/admissions", json=body, role="placement_officer")).status_code == 201
    late = await rig.post("placement", f"/placements/{transfer['placement_id']}/accept", json={}, role="placement_officer")
    assert (late.status_code, await beds_in_use(rig)) == (409, 2)
