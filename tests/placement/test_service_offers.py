"""Offers on real servers: made, answered, silent, taken back, and who waits."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import catalogue
from contracts.grounds import EndReason
from contracts.intake import Closed, ReferredOut, Withdrawn
from contracts.vocabulary import Risk
from placement.handlers import inputs
from sqlalchemy.exc import IntegrityError

from tests.placement.builders import a_household_change, a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot, a_triage
from tests.placement.steps import act, admitted, agreements, ask, beds_in_use, data, offer, one_bed, platform, said, state
from tests.rig import Rig


def test_every_fact_that_placement_reads_has_a_handler() -> None:
    assert set(inputs.types) == {event.type for stream in ("CASES", "AUDIT") for event in catalogue.read_by("placement", stream)}


# -- the main path ------------------------------------------------------------------------------------------------------------------------


async def test_a_household_is_offered_a_home_as_a_whole_and_let_in_when_everyone_agreed(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(3))
    await platform(rig, shelter)
    mother, child = a_member(), a_member("male", 4, "child")
    case_id = await ask(rig, household=a_snapshot(mother, child))
    placement = await offer(rig, case_id)
    assert placement["state"] == "offered"
    assert {member["person_id"] for member in placement["members"]} == {str(mother.person_id), str(child.person_id)}
    assert await beds_in_use(rig) == 2
    accepted = await act(rig, placement, "accept")
    assert (accepted["state"], await state(rig, case_id)) == ("accepted", "accepted")
    await act(rig, placement, "on-the-way", role="outreach")
    refused = await act(rig, placement, "admit", {"agreements": [{"person_id": str(child.person_id), "agreement": "own"}]}, status=422)
    assert {(error["field"], error["code"]) for error in refused["errors"]} == {
        (f"agreements.{mother.person_id}", "agreement_missing"),
        (f"agreements.{child.person_id}", "agreement_not_for_children"),
    }
    inside = await act(rig, placement, "admit", agreements(placement))
    assert inside["state"] == "admitted"
    assert await said(rig, case_id) == ["offered", "accepted", "on_the_way", "admitted"]
    (admission,) = await data(rig, case_id, "admitted")
    assert {person["agreement"] for person in admission["persons"]} == {"own", "own_view_and_consenter"}
    kinds = [row.kind for row in await rig.sql("placement", "SELECT kind FROM clock WHERE subject = :case_id", case_id=case_id)]
    assert kinds == ["stay_review"]


async def test_outreach_sees_that_they_are_on_the_way_but_no_members(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig))
    await act(rig, placement, "accept")
    answer = await act(rig, placement, "on-the-way", role="outreach")
    assert (answer["state"], answer["members"]) == ("on_the_way", [])


async def test_a_repeated_message_and_a_repeated_request_do_nothing_twice(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    fact, case_id, identity = a_triage(), uuid4(), uuid4()
    for _ in range(3):
        await rig.say(fact, subject=case_id, id=identity)
    await rig.settle()
    placement = await offer(rig, case_id)
    head = {"role": "shelter_head", "units": [placement["shelter_id"]]}
    path = f"/placements/{placement['placement_id']}/accept"
    answers = [await rig.post("placement", path, json={}, key="one-key", **head) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    again = await rig.post("placement", path, json={}, **head)
    assert (again.status_code, again.json()["state"]) == (409, "accepted")
    assert await said(rig, case_id) == ["offered", "accepted"]


async def test_a_head_acts_for_its_own_shelters_only(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig))
    stranger = {"role": "shelter_head", "units": [str(uuid4()), "not-an-id"]}
    await act(rig, placement, "accept", status=404, **stranger)
    assert (await rig.get("placement", f"/placements/{placement['placement_id']}", **stranger)).status_code == 404
    assert (await rig.get("placement", "/placements", **stranger)).json() == []
    own = {"role": "shelter_head", "units": [placement["shelter_id"]]}
    assert len((await rig.get("placement", "/placements?state=offered", **own)).json()) == 1
    await act(rig, placement, "accept", status=403, role="intake_officer")


# -- no and silence -----------------------------------------------------------------------------------------------------------------------


async def test_after_a_no_the_next_home_is_tried_and_then_the_household_waits(rig: Rig) -> None:
    first, second = a_shelter_body(a_room_body(2)), a_shelter_body(a_room_body(3))
    await platform(rig, first, second)
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    assert placement["shelter_id"] == first["shelter_id"], "the tightest fit"
    await act(rig, placement, "decline", {"reason": "too_near"})
    placement = await offer(rig, case_id)
    assert placement["shelter_id"] == second["shelter_id"]
    await act(rig, placement, "decline", {"reason": "full"})
    assert await said(rig, case_id) == ["offered", "declined", "offered", "declined", "waitlisted"]
    (waiting,) = await data(rig, case_id, "waitlisted")
    assert waiting["refusals"] == [{"rule": "declined", "shelters": 1}, {"rule": "no_response", "shelters": 1}]
    await rig.advance(hours=25)
    assert (await said(rig, case_id))[5:] == ["clock_missed", "offered"], "who was full is asked again at the review"
    await act(rig, await offer(rig, case_id), "decline", {"reason": "no_such_reason"}, status=422)


async def test_a_hold_is_extended_while_the_ladder_runs_then_expires_and_the_next_home_is_tried(rig: Rig) -> None:
    first, second = a_shelter_body(a_room_body(2)), a_shelter_body(a_room_body(3))
    await platform(rig, first, second)
    case_id = await ask(rig)
    for minutes, expected in ((91, ["offered", "extended"]), (90, ["offered", "extended", "extended"])):
        await rig.advance(minutes=minutes)
        assert await said(rig, case_id) == expected
    assert await beds_in_use(rig) == 1
    await rig.advance(minutes=61)
    assert (await said(rig, case_id))[3:] == ["expired", "offered"]
    assert (await offer(rig, case_id))["shelter_id"] == second["shelter_id"]


async def test_at_high_risk_the_ladder_is_over_after_an_hour_and_who_never_answered_is_asked_again_at_the_review(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig, risk=Risk.HIGH)
    await rig.advance(minutes=61)
    assert await said(rig, case_id) == ["offered", "expired", "waitlisted"]
    assert await beds_in_use(rig) == 0
    await rig.advance(minutes=61)
    assert (await said(rig, case_id))[3:] == ["clock_missed", "offered"]


async def test_a_late_yes_counts_while_nobody_else_has_the_beds(rig: Rig) -> None:
    await platform(rig, one_bed())
    first = await ask(rig)
    placement = await offer(rig, first)
    rig.services["placement"].clocks.stop()
    rig.services["placement"].database.skew += timedelta(minutes=95)
    assert await beds_in_use(rig) == 0, "a hold that ran out is free by itself"
    answer = await rig.post("placement", f"/placements/{placement['placement_id']}/accept", json={}, role="placement_officer")
    assert answer.status_code == 200
    assert await beds_in_use(rig) == 1


async def test_a_yes_counts_although_the_clock_was_set_back_behind_the_offer(rig: Rig) -> None:
    await platform(rig, one_bed())
    placement = await offer(rig, await ask(rig))
    rig.services["placement"].clocks.stop()
    rig.services["placement"].database.skew -= timedelta(hours=10)
    answer = await rig.post("placement", f"/placements/{placement['placement_id']}/accept", json={}, role="placement_officer")
    assert answer.status_code == 200, answer.text


async def test_a_late_yes_is_refused_when_others_have_the_beds(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    placement = await offer(rig, await ask(rig))
    rig.services["placement"].clocks.stop()
    rig.services["placement"].database.skew += timedelta(minutes=95)
    body = {"shelter_id": shelter["shelter_id"], "brought_by": "dinsos", "area": "31.71.01", "persons": [{"sex": "female", "agreement": "own"}]}
    assert (await rig.post("placement", "/admissions", json=body, role="placement_officer")).status_code == 201
    late = await rig.post("placement", f"/placements/{placement['placement_id']}/accept", json={}, role="placement_officer")
    assert (late.status_code, late.json()["state"]) == (409, "offered")


async def test_a_hold_whose_beds_were_taken_in_the_gap_expires_instead_of_being_extended(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    case_id = await ask(rig)
    service = rig.services["placement"]
    service.clocks.stop()
    service.database.skew += timedelta(minutes=95)
    body = {"shelter_id": shelter["shelter_id"], "brought_by": "dinsos", "area": "31.71.01", "persons": [{"sex": "female", "agreement": "own"}]}
    assert (await rig.post("placement", "/admissions", json=body, role="placement_officer")).status_code == 201
    while await service.clocks.fire():
        pass
    assert await said(rig, case_id) == ["offered", "expired", "waitlisted"]


async def test_nobody_who_asks_later_goes_before_the_waiting_list_when_a_hold_lapsed(rig: Rig) -> None:
    await platform(rig, one_bed())
    holder, earlier = await ask(rig), await ask(rig)
    assert await said(rig, earlier) == ["waitlisted"]
    service = rig.services["placement"]
    service.clocks.stop()
    service.database.skew += timedelta(minutes=241)
    later = uuid4()
    await rig.say(a_triage(), subject=later)
    await rig.until(lambda: _known(rig, later))
    assert await said(rig, later) == [], "left to the round of the waiting list"
    while await service.clocks.fire():
        pass
    assert await said(rig, holder) == ["offered", "expired", "waitlisted"]
    assert await said(rig, earlier) == ["waitlisted", "offered"]
    assert await said(rig, later) == ["waitlisted"]


async def _known(rig: Rig, case_id: UUID) -> bool:
    return bool(await rig.sql("placement", "SELECT 1 FROM need WHERE case_id = :case_id", case_id=case_id))


# -- taken back ---------------------------------------------------------------------------------------------------------------------------


async def test_a_survivor_who_says_no_is_not_asked_again_until_intake_asks_again(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    await act(rig, await offer(rig, case_id), "cancel", {"reason": "survivor_declined"}, role="intake_officer")
    assert (await state(rig, case_id), await said(rig, case_id)) == ("declined", ["offered", "cancelled"])
    await ask(rig, a_risk_change(shelter_needed=False), case_id=case_id, version=2)
    assert await state(rig, case_id) == "none"
    await ask(rig, a_risk_change(), case_id=case_id, version=3)
    assert await said(rig, case_id) == ["offered", "cancelled", "offered"]
    await act(rig, await offer(rig, case_id), "cancel", {"reason": "case_ended"}, status=422, role="supervisor")


async def test_a_household_that_changed_while_offered_is_offered_again_and_when_admitted_only_recorded(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    mother = a_member()
    case_id = await ask(rig, household=a_snapshot(mother))
    both = a_snapshot(mother, a_member("female", 3, "child"), revision=2)
    await rig.say(a_household_change(both), subject=case_id, factversion=2)
    await rig.settle()
    assert await said(rig, case_id) == ["offered", "cancelled", "offered"]
    assert (await data(rig, case_id, "cancelled"))[0]["reason"] == "household_changed"
    assert await beds_in_use(rig) == 2
    await admitted(rig, case_id)
    await rig.say(a_household_change(a_snapshot(mother, revision=3)), subject=case_id, factversion=3)
    await rig.settle()
    assert (await said(rig, case_id))[3:] == ["accepted", "admitted"]
    (row,) = await rig.sql("placement", "SELECT jsonb_array_length(persons) AS persons FROM need")
    assert row.persons == 1


async def test_an_offer_that_became_unsafe_is_taken_back(rig: Rig) -> None:
    near, far = a_shelter_body(a_room_body(1), area="31.74.01"), a_shelter_body(area="31.72.01")
    await platform(rig, near, far)
    case_id, household = uuid4(), a_snapshot()
    await ask(rig, case_id=case_id, household=household)
    assert (await offer(rig, case_id))["shelter_id"] == near["shelter_id"]
    await ask(rig, a_risk_change(household=household, perpetrator_areas=("31.74.01",)), case_id=case_id, version=2)
    assert await said(rig, case_id) == ["offered", "cancelled", "offered"]
    assert (await offer(rig, case_id))["shelter_id"] == far["shelter_id"]


@pytest.mark.parametrize("ending", [Withdrawn, ReferredOut, Closed])
async def test_a_case_that_ended_starts_nothing_whatever_comes_later(rig: Rig, ending: Any) -> None:
    await platform(rig, a_shelter_body())
    ended, late = await ask(rig), uuid4()
    await rig.say(ending(reason=EndReason.REFUSED_SERVICE), subject=ended, factversion=2)
    await rig.say(ending(reason=EndReason.REFUSED_SERVICE), subject=late, factversion=2)
    await rig.settle()
    await rig.say(a_triage(), subject=late, factversion=1)
    await rig.say(a_risk_change(), subject=ended, factversion=3)
    await rig.settle()
    assert (await said(rig, ended), await said(rig, late)) == (["offered", "cancelled"], [])
    assert (await data(rig, ended, "cancelled"))[0]["reason"] == "case_ended"
    assert await beds_in_use(rig) == 0
    assert await rig.sql("placement", "SELECT 1 FROM clock WHERE subject = ANY(:cases)", cases=[ended, late]) == []


async def test_any_order_of_what_intake_says_ends_in_the_same_need(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(2)))
    mother, child = a_member(), a_member("female", 3, "child")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    story = [
        (1, a_triage(household=a_snapshot(mother))),
        (2, a_household_change(a_snapshot(mother, child, revision=2))),
        (3, a_risk_change(household=a_snapshot(mother, child, revision=2), shelter_needed=False)),
    ]
    columns = "version, household_version, revision, persons, risk, grounds, shelter_needed, ended, state, waiting_since, waitlisted, reasons"
    ends = set()
    for order in permutations(story):
        case_id = uuid4()
        for version, fact in order:
            await rig.say(fact, subject=case_id, factversion=version, at=moment + timedelta(minutes=version))
            await rig.settle()
        (row,) = await rig.sql("placement", f"SELECT {columns} FROM need WHERE case_id = :case_id", case_id=case_id)
        ends.add(str(row))
    assert len(ends) == 1
    assert await beds_in_use(rig) == 0


# -- waiting ------------------------------------------------------------------------------------------------------------------------------


async def test_a_freed_bed_goes_to_who_waited_longest(rig: Rig) -> None:
    await platform(rig, one_bed())
    first, second, third = await ask(rig), await ask(rig), await ask(rig)
    listed = (await rig.get("placement", "/waiting", role="supervisor")).json()
    assert [entry["case_id"] for entry in listed] == [str(second), str(third)]
    assert listed[0]["refusals"] == {"P1": 1}
    await act(rig, await offer(rig, first), "cancel", {"reason": "no_longer_needed"}, role="placement_officer")
    assert await said(rig, second) == ["waitlisted", "offered"]
    assert await said(rig, third) == ["waitlisted"]


async def test_hospital_first_waits_and_is_offered_a_home_when_the_gate_is_lifted(rig: Rig) -> None:
    await platform(rig, a_shelter_body(), a_shelter_body(secret=True))
    case_id, household = uuid4(), a_snapshot()
    await ask(rig, case_id=case_id, household=household, medical_gate=True)
    (waiting,) = await data(rig, case_id, "waitlisted")
    assert waiting["refusals"] == [{"rule": "P9", "shelters": 1}, {"rule": "secret", "shelters": 1}], "no rule is named for a secret home"
    await ask(rig, a_risk_change(household=household), case_id=case_id, version=2)
    assert await said(rig, case_id) == ["waitlisted", "offered"]


async def test_a_waiting_household_is_reviewed_again_and_again_and_unmet_when_it_ends(rig: Rig) -> None:
    await platform(rig)
    case_id = await ask(rig, risk=Risk.HIGH)
    await rig.advance(minutes=61)
    await rig.advance(minutes=61)
    assert await said(rig, case_id) == ["waitlisted", "clock_missed", "clock_missed"]
    assert {entry["clock"] for entry in await data(rig, case_id, "clock_missed")} == {"waiting"}
    await ask(rig, a_risk_change(shelter_needed=False), case_id=case_id, version=2)
    assert (await said(rig, case_id))[3:] == ["unmet"]
    assert await rig.sql("placement", "SELECT 1 FROM clock WHERE subject = :case_id", case_id=case_id) == []


async def test_a_hundred_households_race_for_the_last_bed_in_one_batch(rig: Rig) -> None:
    await platform(rig, one_bed())
    cases = [uuid4() for _ in range(100)]
    for case_id in cases:
        await rig.say(a_triage(), subject=case_id)
    await rig.settle()
    await _one_was_offered(rig, cases)


async def test_a_hundred_households_race_for_the_last_bed_across_replicas(rig: Rig) -> None:
    await platform(rig, one_bed(), batch=3)
    first = rig.services["placement"]
    second = rig.add("placement", first.settings)
    busy: set[str] = set()
    try:
        await second.start()
        await rig.until(lambda: _bound(second))
        for name, service in (("first", first), ("second", second)):
            _watch(service, name, busy)
        cases = [uuid4() for _ in range(100)]
        for case_id in cases:
            await rig.say(a_triage(), subject=case_id)
        await rig.until(lambda: _all_decided(rig, cases))
        assert busy == {"first", "second"}, "both replicas decided"
        await _one_was_offered(rig, cases)
    finally:
        await first.stop()


def _watch(service: Any, name: str, busy: set[str]) -> None:
    """Note that a service took up something."""
    told = service.database.on_commit

    def committed(*arguments: Any) -> None:
        busy.add(name)
        told(*arguments)

    service.database.on_commit = committed


async def _bound(service: Any) -> bool:
    return service.client is not None and len(service.consumers) == len(service.durables) and all(c.pull.bound for c in service.consumers)


async def _all_decided(rig: Rig, cases: list[UUID]) -> bool:
    (row,) = await rig.sql("placement", "SELECT count(DISTINCT subject) AS n FROM outbox WHERE subject = ANY(:cases)", cases=cases)
    return int(row.n) == len(cases)


async def _one_was_offered(rig: Rig, cases: list[UUID]) -> None:
    facts = await rig.facts("placement")
    offered = [subject for kind, subject, _ in facts if kind == "case.placement.offered.v1"]
    waiting = {subject: body for kind, subject, body in facts if kind == "case.placement.waitlisted.v1"}
    assert len(offered) == 1
    assert waiting.keys() == set(cases) - set(offered)
    assert all(body["refusals"] == [{"rule": "P1", "shelters": 1}] for body in waiting.values())
    assert await beds_in_use(rig) == 1


# -- the database itself ------------------------------------------------------------------------------------------------------------------


async def test_the_database_refuses_a_second_person_in_a_bed_and_a_second_bed_for_a_person(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(3)))
    case_id = await ask(rig)
    (row,) = await rig.sql("placement", "SELECT * FROM stay")
    other = await ask(rig)
    (free,) = await rig.sql("placement", "SELECT id FROM bed WHERE id NOT IN (SELECT bed_id FROM stay)")
    held = (await offer(rig, other))["placement_id"]
    statement = """INSERT INTO stay (placement_id, person_id, bed_id, case_id, sex, small, during)
        VALUES (:placement, :person, :bed, :case, 'female', false, tstzrange(now(), now() + interval '1 minute'))"""
    where = {"placement": UUID(held), "case": case_id}
    with pytest.raises(IntegrityError, match="bed_once"):
        await rig.sql("placement", statement, bed=row.bed_id, person=uuid4(), **where)
    with pytest.raises(IntegrityError, match="person_once"):
        await rig.sql("placement", statement, bed=free.id, person=row.person_id, **where)
    with pytest.raises(IntegrityError, match="bed_once"):
        await rig.sql("placement", "UPDATE stay SET bed_id = :bed", bed=row.bed_id)
    await rig.sql("placement", "UPDATE stay SET during = 'empty' WHERE person_id = :person", person=row.person_id)
    await rig.sql("placement", statement, bed=row.bed_id, person=row.person_id, **where)
