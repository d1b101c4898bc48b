"""A household that looks for a bed is split by a supervisor, on real servers: each group gets its own bed, or waits in sight of people."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.assessment import OutcomeReached
from contracts.grounds import EndReason
from contracts.household import Person
from contracts.intake import Closed, Withdrawn
from contracts.vocabulary import Outcome, Risk

from tests.placement.builders import a_household_change, a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot, a_triage
from tests.placement.steps import act, agreements, ask, beds_in_use, data, one_bed, platform, said, state
from tests.rig import Rig

MOTHER, SISTER, GIRL = a_member(age=34), a_member(age=29), a_member("female", 6, "child")
# The clock that each state of a need must have; the others end there.
CLOCKED = {
    "waiting": "waiting_review",
    "offered": "hold",
    "accepted": "arrival",
    "on_the_way": "arrival",
    "no_show": "no_show_review",
    "admitted": "stay_review",
}


async def shelter(rig: Rig, body: dict[str, Any]) -> str:
    answer = await rig.post("placement", "/shelters", json=body, role="operator")
    assert answer.status_code == 201, answer.text
    await rig.settle()
    return str(body["shelter_id"])


def a_split(*groups: Iterable[Person], reason: str = "no_joint_place", grounds: dict[int, str] | None = None) -> dict[str, Any]:
    """What a supervisor says: groups, why, and that everyone agreed."""
    lists = [tuple(group) for group in groups]
    agreed = [
        {"person_id": str(p.person_id), "agreement": "own" if (30 if p.age is None else p.age) >= 18 else "own_view_and_consenter"}
        for g in lists
        for p in g
    ]
    bodies = [{"persons": [str(p.person_id) for p in group], "ground": (grounds or {}).get(number)} for number, group in enumerate(lists)]
    return {"groups": bodies, "reason": reason, "agreements": agreed}


async def splits(rig: Rig, case_id: UUID, body: dict[str, Any], status: int = 201, role: str = "supervisor") -> Any:
    answer = await rig.post("placement", f"/needs/{case_id}/split", json=body, role=role)
    assert answer.status_code == status, answer.text
    await rig.settle()
    await nobody_is_forgotten(rig, case_id)
    return answer.json()


async def nobody_is_forgotten(rig: Rig, case_id: UUID) -> None:
    """Every need of the case ended or has its clock, no person is in two of its groups, and nobody holds two beds."""
    needs = await rig.sql("placement", "SELECT case_id, part_of, state, apart FROM need WHERE case_id = :case OR part_of = :case", case=case_id)
    clocks = {(row.kind, row.key) for row in await rig.sql("placement", "SELECT kind, key FROM clock WHERE subject = :case", case=case_id)}
    live = "SELECT id::text FROM placement WHERE case_id = :need AND state = 'admitted'"
    for need in needs:
        if need.state == "admitted":
            stays = [row.id for row in await rig.sql("placement", live, need=need.case_id)]
            assert any(kind == "stay_review" and key in {*stays, ""} for kind, key in clocks), need
        elif need.state in CLOCKED:
            assert (CLOCKED[need.state], str(need.case_id) if need.part_of else "") in clocks, (need, clocks)
    grouped = [person for need in needs if need.part_of for person in need.apart]
    assert len(grouped) == len(set(grouped)), "a person in two groups"
    skew = rig.services["placement"].database.skew.total_seconds()
    held = await rig.sql(
        "placement",
        "SELECT person_id FROM stay WHERE coalesce(in_it, during) && tstzrange(clock_timestamp() + make_interval(secs => :skew), NULL)",
        skew=skew,
    )
    assert len(held) == len(set(held)), "a person in two beds"


async def placed(rig: Rig, case_id: UUID, *persons: Person) -> dict[str, Any]:
    """The newest placement of the group of these persons."""
    found = (await rig.get("placement", f"/placements?case_id={case_id}", role="placement_officer")).json()
    wanted = {str(person.person_id) for person in persons}
    return next(entry for entry in found if {member["person_id"] for member in entry["members"]} == wanted)


async def household(rig: Rig, case_id: UUID) -> Any:
    answer = await rig.get("placement", f"/needs/{case_id}", role="supervisor")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def states(rig: Rig, case_id: UUID) -> list[str]:
    """Where the groups stand, in no order."""
    return sorted(group["state"] for group in (await household(rig, case_id))["groups"])


async def waiting_sisters(rig: Rig, *shelters: dict[str, Any], **changes: Any) -> UUID:
    """Two women for whom together no shelter has room."""
    await platform(rig, *shelters)
    case_id = await ask(rig, household=a_snapshot(MOTHER, SISTER), **changes)
    assert await state(rig, case_id) == "waiting"
    return case_id


async def test_each_group_gets_a_bed_of_its_own_and_the_facts_name_the_group(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, one_bed(), one_bed())
    seen = await splits(rig, case_id, a_split([MOTHER], [SISTER]))
    assert (seen["whole"]["state"], await states(rig, case_id)) == ("split", ["offered", "offered"])
    assert {entry["group_id"] for entry in seen["persons"]} == {group["group_id"] for group in seen["groups"]}
    (fact,) = await data(rig, case_id, "split_approved")
    assert (fact["groups"], fact["reason"]) == ([[str(MOTHER.person_id)], [str(SISTER.person_id)]], "no_joint_place")
    offers = await data(rig, case_id, "offered")
    assert {entry["group_id"]: entry["persons"] for entry in offers} == dict(zip(fact["group_ids"], fact["groups"], strict=True))
    mother = await placed(rig, case_id, MOTHER)
    assert (mother["case_id"], mother["group_id"]) == (str(case_id), fact["group_ids"][0])
    await act(rig, mother, "accept")
    await act(rig, mother, "on-the-way", {}, role="placement_officer")
    await act(rig, mother, "admit", agreements(mother))
    assert (await states(rig, case_id), await beds_in_use(rig)) == (["admitted", "offered"], 2)
    sister = await placed(rig, case_id, SISTER)
    await act(rig, sister, "decline", {"reason": "cannot_meet_needs"})
    (waits,) = (await rig.get("placement", "/waiting", role="placement_officer")).json()
    assert (waits["case_id"], waits["persons"], waits["group_id"]) == (str(case_id), 1, fact["group_ids"][1])
    assert [other["state"] for other in waits["others"]] == ["admitted"], "that only a part is housed is seen"
    await nobody_is_forgotten(rig, case_id)
    await rig.advance(hours=25)
    missed = [(entry["clock"], entry["group_id"]) for entry in await data(rig, case_id, "clock_missed")]
    assert ("waiting", fact["group_ids"][1]) in missed
    await shelter(rig, one_bed())
    sister = await placed(rig, case_id, SISTER)
    await act(rig, sister, "accept")
    await act(rig, sister, "admit", agreements(sister))
    assert await states(rig, case_id) == ["admitted", "admitted"]
    audited = await rig.sql("placement", "SELECT subject FROM audit WHERE action = 'admitted'")
    assert {row.subject for row in audited} == {case_id}
    for entry in (mother, sister):
        await act(rig, entry, "leave", {"persons": [entry["members"][0]["person_id"]]})
    assert (await states(rig, case_id), await beds_in_use(rig)) == (["settled", "settled"], 0)
    assert {entry["group_id"] for entry in await data(rig, case_id, "left")} == set(fact["group_ids"])
    left = await rig.sql("placement", "SELECT kind FROM clock WHERE subject = :case", case=case_id)
    assert left == [], "nothing is waited for any more"
    versions = await rig.sql("placement", "SELECT factversion FROM outbox WHERE subject = :case ORDER BY 1", case=case_id)
    assert [row.factversion for row in versions] == list(range(1, len(versions) + 1))
    ledger = (await rig.get("placement", f"/unmet?case_id={case_id}", role="supervisor")).json()
    sister_waited = {"case_id": str(case_id), "group_id": fact["group_ids"][1], "ended_as": "housed", "persons": 1}
    assert sister_waited.items() <= next(line for line in ledger if line["group_id"]).items()
    assert [line["ended_as"] for line in ledger if line["group_id"] is None] == ["split"]
    why = (await rig.get("placement", f"/placements/{sister['placement_id']}/explanation", role="supervisor")).json()
    assert (why["case_id"], why["group_id"]) == (str(case_id), fact["group_ids"][1])


async def test_what_does_not_stand_is_refused_field_by_field_and_changes_nothing(rig: Rig) -> None:
    await platform(rig)
    case_id = await ask(rig, household=a_snapshot(MOTHER, SISTER, GIRL))
    await splits(rig, case_id, a_split([MOTHER, GIRL], [SISTER]), status=403, role="placement_officer")
    await splits(rig, uuid4(), a_split([MOTHER, GIRL], [SISTER]), status=404)

    async def problems(body: dict[str, Any]) -> set[tuple[str, str]]:
        return {(entry["field"], entry["code"]) for entry in (await splits(rig, case_id, body, status=422))["errors"]}

    stranger = a_member()
    assert await problems(a_split([MOTHER, GIRL], [SISTER, stranger])) == {
        (f"groups.1.persons.{stranger.person_id}", "not_looking_for_a_bed"),
        (f"agreements.{stranger.person_id}", "not_a_member"),
    }
    assert (f"groups.{SISTER.person_id}", "in_no_group") in await problems(a_split([MOTHER], [GIRL], grounds={1: "health"}))
    assert {code for _, code in await problems(a_split([MOTHER, GIRL, SISTER], [SISTER]))} == {"in_two_groups"}
    assert await problems(a_split([MOTHER, SISTER, GIRL])) == {("groups", "at_least_two")}
    assert await problems(a_split([MOTHER, SISTER], [GIRL])) == {("groups.1.ground", "child_without_an_adult")}
    assert await problems(a_split([MOTHER, GIRL], [SISTER], grounds={1: "own_wish"})) == {("groups.1.ground", "an_adult_is_among_them")}
    nobody = a_split([MOTHER, GIRL], [SISTER]) | {"agreements": []}
    assert {code for _, code in await problems(nobody)} == {"agreement_missing"}
    child = a_split([MOTHER, GIRL], [SISTER])
    child["agreements"][1]["agreement"] = "own"
    assert await problems(child) == {(f"agreements.{GIRL.person_id}", "agreement_not_for_children")}
    assert await said(rig, case_id) == ["waitlisted"]
    seen = await splits(rig, case_id, a_split([MOTHER, SISTER], [GIRL], grounds={1: "health"}, reason="health"))
    assert [(entry["grounds"], entry["reason"]) for entry in seen["splits"]] == [([None, "health"], "health")]
    assert (await states(rig, case_id), await said(rig, case_id)) == (["waiting", "waiting"], ["waitlisted", "split_approved", *["waitlisted"] * 2])


async def test_an_offer_that_nobody_answered_is_taken_back_and_a_yes_is_not(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(2)))
    case_id = await ask(rig, household=a_snapshot(MOTHER, SISTER))
    assert await state(rig, case_id) == "offered"
    await splits(rig, case_id, a_split([MOTHER], [SISTER], reason="own_wish"))
    assert await said(rig, case_id) == ["offered", "cancelled", "split_approved", "offered", "offered"]
    assert [entry["reason"] for entry in await data(rig, case_id, "cancelled")] == ["household_changed"]
    assert await beds_in_use(rig) == 2
    other = await ask(rig, household=a_snapshot(a_member(), a_member()))
    await shelter(rig, a_shelter_body(a_room_body(2)))
    offer = (await rig.get("placement", f"/placements?case_id={other}", role="supervisor")).json()[0]
    await act(rig, offer, "accept")
    pair = [a_member(id=UUID(member["person_id"])) for member in offer["members"]]
    assert (await splits(rig, other, a_split([pair[0]], [pair[1]]), status=409))["state"] == "accepted"
    await act(rig, offer, "admit", agreements(offer))
    assert (await splits(rig, other, a_split([pair[0]], [pair[1]]), status=409))["state"] == "admitted"


async def test_one_group_says_no_or_does_not_come_and_the_other_goes_on(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, one_bed(), one_bed())
    await splits(rig, case_id, a_split([MOTHER], [SISTER]))
    mother, sister = await placed(rig, case_id, MOTHER), await placed(rig, case_id, SISTER)
    await act(rig, mother, "cancel", {"reason": "survivor_declined"}, role="placement_officer")
    await act(rig, sister, "accept")
    await rig.advance(hours=6.1)
    assert await states(rig, case_id) == ["declined", "no_show"]
    await nobody_is_forgotten(rig, case_id)
    for entry in (mother, sister):
        answer = await rig.post("placement", f"/needs/{entry['group_id']}/resume", role="supervisor")
        assert answer.status_code == 200, answer.text
    await rig.settle()
    assert await states(rig, case_id) == ["offered", "offered"]
    await rig.advance(hours=5)
    assert {entry["group_id"] for entry in await data(rig, case_id, "expired")} == {mother["group_id"], sister["group_id"]}
    assert await states(rig, case_id) == ["offered", "offered"], "each is offered what the other did not get"
    await rig.advance(hours=5)
    assert await states(rig, case_id) == ["waiting", "waiting"], "nobody answered there either"
    ended = await rig.post("placement", f"/needs/{mother['group_id']}/end", role="supervisor")
    assert (ended.status_code, ended.json()["state"]) == (200, "settled")
    await rig.settle()
    assert [entry["group_id"] for entry in await data(rig, case_id, "unmet")] == [mother["group_id"]]
    assert (await rig.post("placement", f"/needs/{case_id}/end", role="supervisor")).status_code == 409, "the whole looks for nothing"
    await nobody_is_forgotten(rig, case_id)


async def test_who_leaves_or_joins_the_household_and_the_end_of_the_search(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, one_bed())
    await splits(rig, case_id, a_split([MOTHER], [SISTER]))
    assert await states(rig, case_id) == ["offered", "waiting"]
    baby = a_member("female", 0, "child")
    await rig.say(a_household_change(a_snapshot(MOTHER, SISTER, baby, revision=2)), subject=case_id, factversion=2)
    await rig.settle()
    told = [entry["clock"] for entry in await data(rig, case_id, "clock_missed")]
    assert told == ["ungrouped"], "the system puts nobody anywhere: people are told at once"
    seen = await household(rig, case_id)
    assert [entry["person_id"] for entry in seen["persons"] if entry["group_id"] is None] == [str(baby.person_id)]
    assert await states(rig, case_id) == ["offered", "waiting"], "the groups go on"
    shown = (await rig.get("placement", "/waiting", role="placement_officer")).json()
    assert [(entry["state"], entry["persons"], entry["place"]) for entry in shown] == [("waiting", 1, 1), ("split", 1, None)]
    await rig.advance(hours=25)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")].count("ungrouped") > 1, "and told again"
    await splits(rig, case_id, a_split([MOTHER, baby], [SISTER]))
    assert len((await household(rig, case_id))["splits"]) == 2
    await shelter(rig, a_shelter_body(a_room_body(2)))
    assert {member["person_id"] for member in (await placed(rig, case_id, MOTHER, baby))["members"]}, "the group with the child comes first"
    await rig.say(a_household_change(a_snapshot(MOTHER, baby, revision=3)), subject=case_id, factversion=3)
    await rig.settle()
    assert await states(rig, case_id) == ["offered"], "nobody looks for a bed for who is not there"
    await rig.say(a_risk_change(household=a_snapshot(MOTHER, SISTER, baby, revision=4)), subject=case_id, factversion=4)
    await rig.settle()
    back = await household(rig, case_id)
    assert [entry["group_id"] for entry in back["persons"]].count(None) == 0, "she is back, in her group"
    assert sorted(group["persons"] for group in back["groups"]) == [1, 2]
    together = await splits(rig, case_id, a_split([MOTHER, SISTER, baby]))
    assert [group["persons"] for group in together["groups"]] == [3], "they may be together again"
    await rig.say(a_risk_change(household=a_snapshot(MOTHER, SISTER, baby, revision=5), shelter_needed=False), subject=case_id, factversion=5)
    await rig.settle()
    assert (await states(rig, case_id), await state(rig, case_id), await beds_in_use(rig)) == (["none"], "none", 0)
    assert await rig.sql("placement", "SELECT kind FROM clock WHERE subject = :case", case=case_id) == []


@pytest.mark.parametrize("end", [Withdrawn, Closed])
async def test_the_end_of_the_case_ends_every_group_but_puts_nobody_out_of_bed(rig: Rig, end: Any) -> None:
    case_id = await waiting_sisters(rig, one_bed(), one_bed())
    await splits(rig, case_id, a_split([MOTHER], [SISTER]))
    mother = await placed(rig, case_id, MOTHER)
    await act(rig, mother, "accept")
    await act(rig, mother, "admit", agreements(mother))
    await rig.say(end(reason=EndReason.OTHER), subject=case_id, factversion=2)
    await rig.settle()
    assert (await states(rig, case_id), await state(rig, case_id), await beds_in_use(rig)) == (["admitted", "ended"], "ended", 1)
    await nobody_is_forgotten(rig, case_id)


async def test_a_plan_that_comes_true_ends_the_stay_of_whoever_it_is_for(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, one_bed(), one_bed())
    await splits(rig, case_id, a_split([MOTHER], [SISTER]))
    for person in (MOTHER, SISTER):
        entry = await placed(rig, case_id, person)
        await act(rig, entry, "accept")
        agreed = agreements(entry)
        agreed["agreements"][0] |= {"agreement": "legal_ground", "legal_ground_until": "2099-01-01"} if person is SISTER else {}
        await act(rig, entry, "admit", agreed)
    await rig.say(OutcomeReached(person_id=MOTHER.person_id, outcome=Outcome.INDEPENDENT_LIVING), subject=case_id, factversion=1)
    await rig.settle()
    assert await states(rig, case_id) == ["admitted", "settled"]
    (gone,) = await data(rig, case_id, "discharged")
    assert gone["persons"] == [str(MOTHER.person_id)]
    await rig.advance(days=15)
    reviewed = [(entry["clock"], entry["group_id"]) for entry in await data(rig, case_id, "clock_missed")]
    assert reviewed == [("stay_review", (await placed(rig, case_id, SISTER))["group_id"])]
    sister = await placed(rig, case_id, SISTER)
    body = {"persons": [str(SISTER.person_id)], "back_by": "2099-01-01T00:00:00Z"}
    await act(rig, sister, "absences", body)
    await act(rig, sister, "absences/back", {"persons": body["persons"]})
    await shelter(rig, one_bed())
    transfer = await act(rig, sister, "transfer", {}, status=201, role="placement_officer")
    assert transfer["group_id"] == sister["group_id"]
    await act(rig, transfer, "accept")
    moved = await act(rig, transfer, "move", agreements(transfer))
    assert (await beds_in_use(rig), await states(rig, case_id)) == (1, ["admitted", "settled"])
    await nobody_is_forgotten(rig, case_id)
    await act(rig, moved, "leave", {"persons": [str(SISTER.person_id)]})
    assert await rig.sql("placement", "SELECT kind FROM clock WHERE subject = :case", case=case_id) == []


async def test_groups_apart_for_safety_get_different_shelters(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, a_shelter_body(a_room_body(1), a_room_body(1, name="B"), sexes=["male"]))
    await splits(rig, case_id, a_split([MOTHER], [SISTER], reason="safety"))
    first = await shelter(rig, a_shelter_body(a_room_body(1), a_room_body(1, name="B")))
    assert await states(rig, case_id) == ["offered", "waiting"]
    second = await shelter(rig, a_shelter_body(a_room_body(2)))
    found = {(await placed(rig, case_id, person))["shelter_id"] for person in (MOTHER, SISTER)}
    assert found == {first, second}


async def test_two_supervisors_and_two_replicas_make_the_same_groups_once(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, one_bed(), one_bed())
    first = rig.services["placement"]
    other = rig.add("placement", first.settings)
    rig.services["second"] = first
    await other.start()
    await rig.until(rig._bound)
    body = a_split([MOTHER], [SISTER])
    turned = body | {"groups": body["groups"][::-1]}
    answers = await asyncio.gather(*(rig.post("placement", f"/needs/{case_id}/split", json=b, role="supervisor") for b in (body, turned) * 3))
    assert {answer.status_code for answer in answers} == {201}
    await rig.settle()
    assert sorted(await said(rig, case_id)) == ["offered", "offered", "split_approved", "waitlisted"], "said once, whoever decided"
    rows = await rig.sql("placement", "SELECT count(*) AS n FROM household_split")
    assert ([row.n for row in rows], await states(rig, case_id)) == ([1], ["offered", "offered"])
    offers = [await placed(rig, case_id, person) for person in (MOTHER, SISTER)]
    accepting = [rig.post("placement", f"/placements/{o['placement_id']}/accept", json={}, role="placement_officer") for o in offers * 2]
    codes = sorted(answer.status_code for answer in await asyncio.gather(*accepting))
    assert codes == [200, 200, 409, 409]
    await rig.settle()
    await rig.advance(hours=7)
    assert await states(rig, case_id) == ["no_show", "no_show"]
    assert len(await data(rig, case_id, "no_show")) == 2
    await nobody_is_forgotten(rig, case_id)
    assert not await rig.sql("placement", "SELECT 1 FROM dead_letter")
    rig.services.pop("second")
    await first.stop()


async def test_groups_wait_in_the_place_of_their_household(rig: Rig) -> None:
    case_id = await waiting_sisters(rig, risk=Risk.MEDIUM)
    later = await ask(rig, fact=a_triage(risk=Risk.MEDIUM))
    await splits(rig, case_id, a_split([MOTHER], [SISTER]))
    order = [entry["case_id"] for entry in (await rig.get("placement", "/waiting", role="supervisor")).json()]
    assert order == [str(case_id), str(case_id), str(later)]


async def test_a_supervisor_sets_p4_aside_for_one_offer_and_the_explanation_says_so(rig: Rig) -> None:
    rooms = a_shelter_body(a_room_body(1), a_room_body(1, name="B"))
    await platform(rig, rooms)
    case_id = await ask(rig, household=a_snapshot(MOTHER, GIRL))
    assert await state(rig, case_id) == "waiting"
    by_hand = {"shelter_id": rooms["shelter_id"], "reason": "safety"}
    refused = await rig.post("placement", f"/needs/{case_id}/offer", json=by_hand, role="supervisor")
    assert (refused.status_code, refused.json()["rule"]) == (409, "P4")
    aside = by_hand | {"overrides": ["P4"]}
    assert (await rig.post("placement", f"/needs/{case_id}/offer", json=aside, role="placement_officer")).status_code == 403
    made = await rig.post("placement", f"/needs/{case_id}/offer", json=aside, role="supervisor")
    assert (made.status_code, made.json()["overrides"]) == (201, ["by_hand:safety", "P4:safety"])
    asked = await rig.get("placement", f"/placements/{made.json()['placement_id']}/explanation?language=en&rerun=true", role="supervisor")
    told = asked.json()
    assert ([(entry["rule"], entry["reason"]) for entry in told["set_aside"]], told["rerun"]) == ([("P4", "safety")], "same")
    assert "best interests" in told["set_aside"][0]["text"]
