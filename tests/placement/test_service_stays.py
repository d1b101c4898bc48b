"""Stays on real servers: who comes, who does not, who goes, and who stands at the door."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.assessment import OutcomeReached, RehabilitationCompleted, RehabilitationStarted, Reunified
from contracts.intake import Closed
from contracts.vocabulary import EndReason, Outcome, Relation

from tests.placement.builders import a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot, a_triage
from tests.placement.steps import act, admitted, agreements, ask, beds_in_use, data, offer, one_bed, platform, said, state
from tests.rig import Rig

# -- who does not come --------------------------------------------------------------------------------------------------------------------


async def test_who_does_not_come_in_time_loses_the_bed_and_people_decide(rig: Rig) -> None:
    await platform(rig, one_bed())
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    await act(rig, placement, "accept")
    waiting = await ask(rig)
    await rig.advance(hours=6.1)
    assert (await said(rig, case_id), await state(rig, case_id)) == (["offered", "accepted", "no_show"], "no_show")
    assert await said(rig, waiting) == ["waitlisted", "offered"], "the bed is offered on"
    await act(rig, placement, "admit", agreements(placement), status=409)
    await rig.advance(hours=24.1)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["no_show"]
    answer = await rig.post("placement", f"/needs/{case_id}/resume", role="placement_officer")
    assert answer.status_code == 200, answer.text
    await rig.settle()
    assert (await said(rig, case_id))[-1] in {"waitlisted", "offered"}


async def test_a_need_ends_by_people_and_an_ended_one_is_not_resumed(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    await act(rig, placement, "accept")
    await act(rig, placement, "no-show")
    ended = await rig.post("placement", f"/needs/{case_id}/end", role="supervisor")
    assert (ended.status_code, ended.json()["state"]) == (200, "settled")
    assert (await said(rig, case_id))[-2:] == ["no_show", "unmet"]
    again = await rig.post("placement", f"/needs/{case_id}/resume", role="supervisor")
    assert (again.status_code, again.json()["state"]) == (409, "settled")
    assert (await rig.post("placement", f"/needs/{uuid4()}/end", role="supervisor")).status_code == 404
    assert await rig.sql("placement", "SELECT 1 FROM clock WHERE subject = :case_id", case_id=case_id) == []


async def test_a_survivor_who_changes_her_mind_is_offered_a_home_again(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    await act(rig, await offer(rig, case_id), "cancel", {"reason": "survivor_unreachable"}, role="supervisor")
    assert await state(rig, case_id) == "no_show"
    assert (await rig.post("placement", f"/needs/{case_id}/resume", role="supervisor")).json()["state"] == "offered"


# -- who goes -----------------------------------------------------------------------------------------------------------------------------


async def test_persons_leave_and_go_one_by_one_and_the_stay_ends_with_the_last(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(2)))
    mother, child = a_member(), a_member("female", 15, "child")
    case_id = await ask(rig, household=a_snapshot(mother, child))
    placement = await admitted(rig, case_id)
    await act(rig, placement, "leave", {"persons": [str(child.person_id)]})
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("admitted", 1)
    gone = await act(rig, placement, "leave", {"persons": [str(child.person_id)]}, status=422)
    assert gone["errors"] == [{"field": f"persons.{child.person_id}", "code": "not_here"}]
    await act(rig, placement, "discharge", {"persons": [str(mother.person_id)], "destination": "family"})
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("settled", 0)
    assert (await said(rig, case_id))[-2:] == ["left", "discharged"]
    await act(rig, placement, "leave", {"persons": [str(mother.person_id)]}, status=409)
    assert await rig.sql("placement", "SELECT 1 FROM clock WHERE subject = :case_id", case_id=case_id) == []


async def test_a_stay_ends_when_the_plan_of_the_person_came_true(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(4)))
    members = [a_member(), *[a_member("female", age, "child") for age in (15, 14, 13)]]
    case_id = await ask(rig, household=a_snapshot(*members))
    await admitted(rig, case_id)
    ids = [member.person_id for member in members]
    facts = [
        Reunified(person_id=ids[0], receiver=Relation.PARENT, receiving_area="31.71.01"),
        Reunified(person_id=ids[1], receiver=Relation.GRANDPARENT, receiving_area="31.71.01"),
        RehabilitationStarted(person_id=ids[2]),
        OutcomeReached(person_id=ids[3], outcome=Outcome.INDEPENDENT_LIVING),
        RehabilitationCompleted(person_id=ids[2]),
        OutcomeReached(person_id=uuid4(), outcome=Outcome.SERVICES_AT_HOME),
    ]
    for version, fact in enumerate(facts, 1):
        await rig.say(fact, subject=case_id, factversion=version)
    await rig.settle()
    gone = {person: entry["destination"] for entry in await data(rig, case_id, "discharged") for person in entry["persons"]}
    expected = ("family", "kin_or_foster", "rehabilitation", "independent")
    assert gone == {str(person): where for person, where in zip(ids, expected, strict=True)}
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("settled", 0)


async def test_a_stay_that_began_after_the_plan_came_true_is_not_ended_by_it(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(2)))
    case_id, home = await ask(rig), datetime.now(UTC)
    placement = await admitted(rig, case_id)
    person = UUID(placement["members"][0]["person_id"])
    fact = OutcomeReached(person_id=person, outcome=Outcome.INDEPENDENT_LIVING)
    await rig.say(fact, subject=case_id, factversion=1, at=home)
    await rig.settle()
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("admitted", 1), "she came back; what is late ends nothing"
    await rig.say(fact, subject=case_id, factversion=2)
    await rig.settle()
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("settled", 0)


async def test_a_closed_case_puts_nobody_out_of_bed(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    placement = await admitted(rig, case_id)
    await rig.say(Closed(reason=EndReason.NEEDS_MET), subject=case_id, factversion=2)
    await rig.settle()
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("admitted", 1)
    await act(rig, placement, "leave", {"persons": [placement["members"][0]["person_id"]]})
    assert await state(rig, case_id) == "ended"


async def test_a_stay_is_reviewed_again_and_again_and_a_legal_ground_at_its_end(rig: Rig) -> None:
    await platform(rig, a_shelter_body(stay_review_days=14))
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    await act(rig, placement, "accept")
    person = placement["members"][0]["person_id"]
    until = str((datetime.now(UTC) + timedelta(hours=7, days=5)).date())
    await act(rig, placement, "admit", {"agreements": [{"person_id": person, "agreement": "legal_ground", "legal_ground_until": until}]})
    await rig.advance(days=5.5)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["legal_ground"]
    await act(rig, placement, "discharge", {"persons": [person], "destination": "hospital"})
    assert await rig.sql("placement", "SELECT 1 FROM clock WHERE subject = :case_id", case_id=case_id) == []
    other = await ask(rig)
    await admitted(rig, other)
    await rig.advance(days=14.1)
    await rig.advance(days=14.1)
    assert [entry["clock"] for entry in await data(rig, other, "clock_missed")] == ["stay_review"] * 2


# -- who is away, and who comes again ------------------------------------------------------------------------------------------------------


async def test_who_is_away_for_some_time_keeps_the_bed_and_people_are_told_when_she_is_not_back(rig: Rig) -> None:
    await platform(rig, one_bed())
    case_id = await ask(rig)
    placement = await admitted(rig, case_id)
    person = placement["members"][0]["person_id"]
    now = datetime.now(UTC)
    back_by = (now + timedelta(days=2)).isoformat()
    for persons, when, errors in (
        ([str(uuid4())], back_by, "not_here"),
        ([person], (now - timedelta(hours=1)).isoformat(), "not_in_the_future"),
    ):
        refused = await act(rig, placement, "absences", {"persons": persons, "back_by": when}, status=422)
        assert [entry["code"] for entry in refused["errors"]] == [errors]
    seen = await act(rig, placement, "absences", {"persons": [person], "back_by": back_by})
    assert datetime.fromisoformat(seen["members"][0]["away_until"]) == datetime.fromisoformat(back_by)
    assert (await act(rig, placement, "absences", {"persons": [person], "back_by": back_by}, status=422))["errors"][0]["code"] == "away"
    await rig.advance(days=2.1)
    await rig.advance(days=1)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["absence"] * 2
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("admitted", 1), "nobody is put out of bed"
    back = await act(rig, placement, "absences/back", {"persons": [person]})
    assert back["members"][0]["away_until"] is None
    assert (await act(rig, placement, "absences/back", {"persons": [person]}, status=422))["errors"][0]["code"] == "not_away"
    await rig.advance(days=1.1)
    assert len(await data(rig, case_id, "clock_missed")) == 2
    later = (now + timedelta(days=9)).isoformat()
    await act(rig, placement, "absences", {"persons": [person], "back_by": later})
    await act(rig, placement, "leave", {"persons": [person]})
    assert await rig.sql("placement", "SELECT 1 FROM clock WHERE subject = :case_id", case_id=case_id) == []
    assert await rig.sql("placement", "SELECT 1 FROM absence WHERE ended_at IS NULL") == []


@pytest.mark.parametrize(("days", "again"), [(80, True), (95, False)])
async def test_who_comes_again_within_three_months_is_marked_so(rig: Rig, days: int, again: bool) -> None:
    await platform(rig, one_bed())
    household = a_snapshot()
    case_id = await ask(rig, household=household)
    placement = await admitted(rig, case_id)
    assert placement["re_entry"] is False
    await act(rig, placement, "leave", {"persons": [placement["members"][0]["person_id"]]})
    await rig.advance(days=days)
    await ask(rig, a_risk_change(household=household), case_id=case_id, version=2)
    assert (await admitted(rig, case_id))["re_entry"] is again
    assert [entry["re_entry"] for entry in await data(rig, case_id, "admitted")] == [False, again]


# -- who stands at the door -----------------------------------------------------------------------------------------------------------------


def at_the_door(shelter: dict[str, Any], *persons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    known = persons or ({"sex": "female", "age": 33, "role": "victim", "needs": [], "agreement": "own"},)
    return {"shelter_id": shelter["shelter_id"], "persons": list(known), "brought_by": "polda-ppa", "area": "31.73.01", "ppks": 11} | changes


async def test_somebody_at_the_door_is_let_in_under_a_new_case(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    head = {"role": "shelter_head", "units": [shelter["shelter_id"]]}
    child = {"sex": "male", "age": 6, "role": "child", "agreement": "alternative_consenter"}
    body = at_the_door(shelter, {"sex": "female", "age": 33, "agreement": "own"}, child)
    answer = await rig.post("placement", "/admissions", json=body, key="door", **head)
    assert answer.status_code == 201, answer.text
    case_id = UUID(answer.json()["case_id"])
    assert (await rig.post("placement", "/admissions", json=body, key="door", **head)).json() == answer.json()
    (fact,) = await data(rig, case_id, "admitted_directly")
    assert (fact["brought_by"], len(fact["household"]["persons"]), len(fact["persons"])) == ("polda-ppa", 2, 2)
    assert await beds_in_use(rig) == 2
    await rig.say(a_triage(), subject=case_id, factversion=1)
    await rig.settle()
    assert (await said(rig, case_id), await state(rig, case_id)) == (["admitted_directly"], "admitted")


async def test_who_is_inside_is_recorded_whatever_the_rules_say_and_they_are_warnings(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(1, family=False), a_room_body(1, family=False), grounds_required=True, boys_max_age=10)
    await platform(rig, shelter)
    since = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    mother, boy = {"sex": "female", "age": 33, "agreement": "own"}, {"sex": "male", "age": 15, "role": "child", "agreement": "alternative_consenter"}
    officer = {"role": "placement_officer"}
    for when, code in ((timedelta(days=8), "too_long_ago"), (timedelta(hours=-1), "in_the_future")):
        body = at_the_door(shelter, mother, boy, arrived_at=(datetime.now(UTC) - when).isoformat())
        refused = await rig.post("placement", "/admissions", json=body, **officer)
        assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": "arrived_at", "code": code}])
    answer = await rig.post("placement", "/admissions", json=at_the_door(shelter, mother, boy, arrived_at=since), **officer)
    assert answer.status_code == 201, answer.text
    assert set(answer.json()["warnings"]) == {"P7", "P3", "P4"}
    (fact,) = await data(rig, UUID(answer.json()["case_id"]), "admitted_directly")
    assert fact["warnings"] == answer.json()["warnings"]
    assert datetime.fromisoformat(fact["admitted_at"]) == datetime.fromisoformat(since)
    assert await beds_in_use(rig) == 2


async def test_nobody_is_let_in_at_the_door_without_beds_or_agreement_or_by_another_shelters_head(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    officer = {"role": "placement_officer"}
    child = {"sex": "female", "age": 9, "role": "child", "agreement": "own"}
    refused = await rig.post("placement", "/admissions", json=at_the_door(shelter, child), **officer)
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": "persons.0", "code": "agreement_not_for_children"}])
    ground = {"sex": "female", "age": 40, "agreement": "legal_ground"}
    refused = await rig.post("placement", "/admissions", json=at_the_door(shelter, ground), **officer)
    assert refused.json()["errors"] == [{"field": "persons.0.legal_ground_until", "code": "missing"}]
    woman = {"sex": "female", "age": 40, "agreement": "own"}
    full = await rig.post("placement", "/admissions", json=at_the_door(shelter, woman, woman), **officer)
    assert (full.status_code, full.json()["free_beds"]) == (409, 1)
    elsewhere = {"role": "shelter_head", "units": [str(uuid4())]}
    assert (await rig.post("placement", "/admissions", json=at_the_door(shelter), **elsewhere)).status_code == 404
    assert await rig.facts("placement") == [fact for fact in await rig.facts("placement") if fact[0].startswith("shelter.")]
