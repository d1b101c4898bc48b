"""Steps, approvals, programmes, abandoned outcomes and lost contact on real Postgres and NATS."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from contracts.intake import SuspectRecorded
from sqlalchemy.exc import IntegrityError

from tests.assessment.builders import AUNT, CHILD, MOTHER, SUPERVISOR, WORKER, admitted, risk_changed
from tests.assessment.calls import (
    a_planned_case,
    a_started_case,
    act,
    approve_outcome,
    data,
    decide,
    errors,
    home,
    plan_of,
    prepare,
    prepared,
    refused_in,
    said,
    see,
    state,
)
from tests.rig import Rig

TODAY = datetime.now(UTC).date()


async def ways(rig: Rig, case_id: UUID) -> dict[UUID, dict[str, Any]]:
    return {UUID(way["person_id"]): way for way in (await see(rig, case_id, "/outcomes", role="peksos", subject=WORKER)).json()}


# -- steps and approval -----------------------------------------------------------------------------------------------------------


async def test_each_person_sees_what_stands_in_the_way_and_steps_are_said_audited_and_kept(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "return_to_other_region", CHILD: "services_at_home"})
    assert {entry["field"] for entry in (await ways(rig, case_id))[MOTHER]["obstacles"]} == {
        "home_visit", "risk_recheck", "receiver", "consent", "region_acceptance",
    }  # fmt: skip
    await prepared(rig, case_id, MOTHER)
    way = (await ways(rig, case_id))[MOTHER]
    assert (way["obstacles"], [step["step"] for step in way["steps"]]) == (
        [],
        ["home_visit", "risk_recheck", "receiver", "consent", "region_acceptance"],
    )
    facts = await data(rig, case_id, "outcome_prepared")
    assert "470/12-A" not in str(facts), "a letter's number stays in the store"
    rows = await rig.sql("assessment", "SELECT reference FROM outcome_step WHERE step = 'region_acceptance'")
    assert [row.reference for row in rows] == ["470/12-A"]
    audit = await rig.sql("assessment", "SELECT fields FROM audit WHERE subject = :p AND action = 'write' ORDER BY position", p=MOTHER)
    assert [row.fields for row in audit][1:] == [fact["step"] for fact in facts], "after what she said to the plan"
    assert (await act(rig, case_id, "reunify", home())).status_code == 200
    assert (await data(rig, case_id, "reunified"))[0]["outcome"] == "return_to_other_region"


async def test_what_cannot_be_is_refused_field_by_field(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "reunification", CHILD: "services_at_home"}, keep_apart=[AUNT])

    async def refused(person: UUID, **step: Any) -> dict[str, str]:
        return errors(await act(rig, case_id, "preparations", {"persons": [str(person)], "step": step}))

    tomorrow = str(TODAY + timedelta(days=2))
    assert await refused(MOTHER, kind="home_visit", on=tomorrow, finding="suitable") == {"step.on": "in_the_future"}
    assert await refused(MOTHER, kind="carer_check", on=str(TODAY), finding="suitable") == {"step.step": "not_for_this_outcome"}
    receiver = {"kind": "receiver", "receiver": "parent", "receiving_area": "31.74.04"}
    assert await refused(MOTHER, **receiver, receiver_id=str(AUNT)) == {"step.receiver_id": "keep_apart"}
    assert await refused(CHILD, kind="consent", agreed=True) == {"step.own_view": "missing", "step.consenter": "missing"}
    assert await refused(AUNT, kind="consent", agreed=True) == {"person_id": "not_in_plan"}
    both = {"persons": [str(MOTHER), str(CHILD)], "step": {"kind": "consent", "agreed": True}}
    assert (await act(rig, case_id, "preparations", both)).status_code == 422
    assert await rig.sql("assessment", "SELECT 1 FROM outcome_step") == []


async def test_a_suspect_becomes_known_after_the_steps_and_nobody_is_handed_over_to_her(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "reunification"})
    await prepare(rig, case_id, MOTHER, receiver={"receiver_id": str(AUNT)})
    suspect = SuspectRecorded(suspect_id=AUNT, relation="keluarga_saudara", areas=["31.74.04"])
    await rig.say(suspect, subject=case_id, factversion=2)
    await rig.settle()
    assert errors(await act(rig, case_id, "reunify", home())) == {
        "receiver.receiver_id": "keep_apart", "approval": "perpetrator_relation",
    }  # fmt: skip
    assert (await ways(rig, case_id))[MOTHER]["needs_approval"] == ["perpetrator_area", "perpetrator_relation"]
    assert errors(await approve_outcome(rig, case_id, area_reason="perpetrator_moved", another_person=True)) == {"receiver.receiver_id": "keep_apart"}
    gone = SuspectRecorded(suspect_id=AUNT, relation="keluarga_saudara", areas=["31.74.04"], removed=True)
    await rig.say(gone, subject=case_id, factversion=3)
    await rig.settle()
    assert (await act(rig, case_id, "reunify", home())).status_code == 200


async def test_a_high_risk_goes_home_with_a_supervisors_approval_of_just_this(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "reunification"}, risk="high", perpetrator_areas=["31.74.04"])
    assert errors(await approve_outcome(rig, case_id)) == {
        "home_visit": "missing",
        "risk_recheck": "missing",
        "receiver": "missing",
        "consent": "missing",
    }
    await prepared(rig, case_id)
    assert errors(await act(rig, case_id, "reunify", home()))["approval"] in {"high_risk", "perpetrator_area"}
    assert (await approve_outcome(rig, case_id, subject=WORKER, area_reason="perpetrator_moved")).status_code == 403
    assert errors(await approve_outcome(rig, case_id)) == {"area_reason": "missing"}
    assert (await approve_outcome(rig, case_id, area_reason="perpetrator_moved")).status_code == 200
    await prepare(rig, case_id, MOTHER, "risk_recheck")
    assert "approval" in errors(await act(rig, case_id, "reunify", home())), "what was recorded later was not approved"
    assert (await approve_outcome(rig, case_id, area_reason="perpetrator_moved")).status_code == 200
    assert (await act(rig, case_id, "reunify", home())).json()["state"] == "monitoring"


async def test_what_is_given_up_is_planned_again_and_its_steps_count_no_more(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    await prepared(rig, case_id)
    body = {"person_id": str(MOTHER), "reason": "refused_by_person"}
    assert (await act(rig, case_id, "outcomes/abandon", body)).json()["state"] == "plan_approved"
    (fact,) = await data(rig, case_id, "outcome_abandoned")
    assert (fact["reason"], fact["outcome"]) == ("refused_by_person", "services_at_home")
    assert {row.kind for row in await rig.sql("assessment", "SELECT kind FROM clock")} == {"plan", "outcome", "reassessment"}
    assert errors(await act(rig, case_id, "outcomes/abandon", body)) == {"person_id": "nothing_to_give_up"}
    await act(rig, case_id, "plan", plan_of({MOTHER: "services_at_home"}))
    assert (await decide(rig, case_id)).status_code == 200
    assert errors(await act(rig, case_id, "outcome", home())) == {"risk_recheck": "missing", "consent": "missing"}
    await prepared(rig, case_id)
    assert (await act(rig, case_id, "outcome", home())).json()["state"] == "monitoring"


async def test_a_child_in_residential_care_is_asked_for_every_ninety_days(rig: Rig):
    case_id = await a_planned_case(rig, {CHILD: "rehabilitation"})
    body = {"person_id": str(CHILD), "why": "no_foster_carer"}
    assert (await act(rig, case_id, "reviews", body)).status_code == 201
    await rig.advance(days=91)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")].count("review") == 1
    assert (await act(rig, case_id, "reviews", body)).status_code == 201
    due = await rig.sql("assessment", "SELECT due - now() AS left FROM clock WHERE kind = 'review'")
    assert len(due) == 1
    assert [fact["why"] for fact in await data(rig, case_id, "outcome_prepared")] == ["no_foster_carer"] * 2
    assert errors(await act(rig, case_id, "reviews", {**body, "person_id": str(MOTHER)})) == {"person_id": "no_review_is_due"}


# -- programmes -------------------------------------------------------------------------------------------------------------------


def a_programme(places: int = 1, **changes: Any) -> dict[str, Any]:
    at = datetime.now(UTC) + timedelta(days=1)
    sessions = [str(at + timedelta(days=number)) for number in range(4)]
    days = {"begins_on": str(TODAY), "ends_on": str(TODAY + timedelta(days=60)), "sessions": sessions}
    return {"kind": "skills_training", "provider": "dinsos", "area": "31.75.01", "name": "Tata boga", "places": places, **days, **changes}


async def offer(rig: Rig, programme_id: UUID, body: dict[str, Any], role: str = "operator") -> httpx.Response:
    return await rig.put("assessment", f"/programmes/{programme_id}", json=body, role=role)


async def enrol(rig: Rig, case_id: UUID, programme_id: UUID, person: UUID) -> httpx.Response:
    return await act(rig, case_id, "enrolments", {"person_id": str(person), "programme_id": str(programme_id)})


async def free(rig: Rig, programme_id: UUID) -> int:
    offered = (await rig.get("assessment", "/programmes", role="peksos", subject=WORKER)).json()
    return next(programme["free"] for programme in offered if programme["programme_id"] == str(programme_id))


async def test_a_rehabilitation_is_complete_by_what_came_of_its_programmes(rig: Rig):
    case_id, programme = await a_planned_case(rig, {MOTHER: "rehabilitation"}), uuid4()
    assert (await offer(rig, programme, a_programme())).json()["free"] == 1
    assert (await offer(rig, programme, a_programme(), role="peksos")).status_code == 403
    await prepared(rig, case_id)
    assert (await act(rig, case_id, "rehabilitation/start", home())).status_code == 200
    enrolment = (await enrol(rig, case_id, programme, MOTHER)).json()["enrolment_id"]
    assert errors(await act(rig, case_id, "rehabilitation/complete", home())) == {
        "programmes": "still_enrolled", "independence": "not_independent",
    }  # fmt: skip
    came = {"certificate": True, "independence": "mostly_independent"}
    assert errors(await act(rig, case_id, f"enrolments/{enrolment}/complete", came)) == {"attendance": "too_little"}
    for session in range(1, 5):
        await act(rig, case_id, f"enrolments/{enrolment}/attendance", {"session": session, "present": session > 1})
    assert errors(await act(rig, case_id, f"enrolments/{enrolment}/attendance", {"session": 5, "present": True})) == {"session": "unknown"}
    done = (await act(rig, case_id, f"enrolments/{enrolment}/complete", came)).json()
    assert (done["stage"], done["attended"], done["counted"]) == ("completed", 3, 4)
    assert refused_in("completed", await act(rig, case_id, f"enrolments/{enrolment}/withdraw", {"reason": "own_wish"}))
    assert await free(rig, programme) == 1
    assert (await act(rig, case_id, "rehabilitation/complete", home())).json()["state"] == "monitoring"
    steps = [fact["step"] for fact in await data(rig, case_id, "programme_followed")]
    assert steps == ["enrolled", "absent", "attended", "attended", "attended", "completed"]


async def test_a_supervisor_says_why_it_is_complete_without_that_and_a_worker_does_not(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "rehabilitation"})
    await prepared(rig, case_id)
    await act(rig, case_id, "rehabilitation/start", home())
    because = {**home(), "because": "provided_elsewhere"}
    assert (await act(rig, case_id, "rehabilitation/complete", because)).status_code == 403
    assert (await act(rig, case_id, "rehabilitation/complete", because, role="supervisor", subject=WORKER)).status_code == 403
    assert (await act(rig, case_id, "rehabilitation/complete", because, role="supervisor", subject=SUPERVISOR)).status_code == 200


async def test_a_programme_is_never_overbooked_whoever_asks_at_once(rig: Rig):
    persons = [MOTHER, CHILD, AUNT]
    case_id, programme = await a_planned_case(rig, dict.fromkeys(persons, "rehabilitation")), uuid4()
    await offer(rig, programme, a_programme(places=2))
    answers = await asyncio.gather(*(enrol(rig, case_id, programme, person) for person in persons))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 409]
    assert await free(rig, programme) == 0
    values = "gen_random_uuid(), programme_id, {place}, case_id, gen_random_uuid(), during, stage, enrolled_by"
    for place, rule in (("place", "place_once"), ("9", "foreign key")):
        with pytest.raises(IntegrityError, match=rule):
            await rig.sql("assessment", f"INSERT INTO enrolment SELECT {values.format(place=place)} FROM enrolment LIMIT 1")
    taken = next(answer.json() for answer in answers if answer.status_code == 201)
    assert (await act(rig, case_id, f"enrolments/{taken['enrolment_id']}/withdraw", {"reason": "health"})).json()["stage"] == "withdrawn"
    left_out = next(person for person, answer in zip(persons, answers, strict=True) if answer.status_code == 409)
    assert (await enrol(rig, case_id, programme, left_out)).status_code == 201, "her place is free for others"
    assert refused_in("enrolled", await enrol(rig, case_id, programme, left_out))


async def test_what_is_offered_stays_and_what_is_given_up_frees_its_places(rig: Rig):
    case_id, programme = await a_planned_case(rig, {MOTHER: "rehabilitation"}), uuid4()
    first = a_programme(places=2)
    await offer(rig, programme, first)
    assert errors(await offer(rig, programme, {**first, "places": 1})) == {"places": "fewer_than_before"}
    assert errors(await offer(rig, programme, {**first, "kind": "education"})) == {"kind": "fixed"}
    other = [*first["sessions"][:3], str(datetime.now(UTC) + timedelta(days=9))]
    assert errors(await offer(rig, programme, {**first, "sessions": other})) == {"sessions.3": "fixed"}
    assert errors(await offer(rig, programme, {**first, "sessions": first["sessions"][:3]})) == {"sessions": "fewer_than_before"}
    more = {**first, "places": 3, "name": "Tata busana", "sessions": [*first["sessions"], str(datetime.now(UTC) + timedelta(days=9))]}
    changed = (await offer(rig, programme, more)).json()
    assert (changed["free"], len(changed["sessions"])) == (3, 5)
    told = [fact["sessions"] for kind, subject, fact in await rig.facts("assessment") if subject == programme]
    assert [len(sessions) for sessions in told] == [4, 5], "what is told is what is kept"
    late = await rig.put("assessment", f"/programmes/{programme}", json={**more, "name": "Tata rias"}, role="operator", if_match="0")
    assert (late.status_code, late.json()["current"]["name"], late.json()["sent"]["name"]) == (409, "Tata busana", "Tata rias")
    assert (await offer(rig, programme, more)).json()["version"] == changed["version"]
    await enrol(rig, case_id, programme, MOTHER)
    assert await free(rig, programme) == 2
    await act(rig, case_id, "outcomes/abandon", {"person_id": str(MOTHER), "reason": "refused_by_person"})
    assert await free(rig, programme) == 3
    assert (await data(rig, case_id, "programme_followed"))[-1]["reason"] == "outcome_ended"
    assert errors(await enrol(rig, case_id, programme, MOTHER)) == {"person_id": "not_in_plan"}
    over = a_programme(begins_on=str(TODAY - timedelta(days=9)), ends_on=str(TODAY - timedelta(days=1)))
    late = uuid4()
    await offer(rig, late, over)
    again = await a_second_case(rig)
    assert errors(await enrol(rig, again, late, AUNT)) == {"programme_id": "over"}
    assert (await enrol(rig, again, uuid4(), AUNT)).status_code == 404


async def a_second_case(rig: Rig) -> UUID:
    case_id = uuid4()
    await rig.say(risk_changed(AUNT), subject=case_id)
    await rig.settle()
    await act(rig, case_id, "complete", {"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"})
    await act(rig, case_id, "plan", plan_of({AUNT: "rehabilitation"}))
    await decide(rig, case_id)
    return case_id


# -- after ------------------------------------------------------------------------------------------------------------------------


async def test_lost_contact_is_tried_several_times_and_never_silently_the_end(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    await prepared(rig, case_id)
    await act(rig, case_id, "outcome", home())
    for number in (1, 2, 3):
        await act(rig, case_id, f"followups/{number}/done", {"result": "safe"})
    for _ in range(3):
        assert (await act(rig, case_id, "followups/4/done", {"result": "not_reached"})).json()["state"] == "monitoring"
    assert refused_in("lost", await act(rig, case_id, "followups/4/done", {"result": "safe"}))
    (lost,) = await data(rig, case_id, "followup_lost")
    assert (lost["number"], lost["tries"], len(await data(rig, case_id, "followup_tried"))) == (4, 3, 2)
    await rig.advance(days=4)
    await rig.advance(days=4)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["lost_contact"] * 2
    decision = {"decision": "try_again"}
    assert (await act(rig, case_id, "lost-contact", decision, role="supervisor", subject=SUPERVISOR)).status_code == 200
    assert (await act(rig, case_id, "lost-contact", decision, role="supervisor", subject=SUPERVISOR)).status_code == 409
    assert (await act(rig, case_id, "followups/5/done", {"result": "safe"})).json()["state"] == "finished"
    assert (await data(rig, case_id, "followup_done"))[-1]["last"] is True


async def test_a_return_to_a_shelter_begins_anew_is_marked_and_takes_the_steps_with_it(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home", CHILD: "services_at_home"})
    await prepared(rig, case_id, MOTHER, CHILD)
    for person in (MOTHER, CHILD):
        await act(rig, case_id, "outcome", home(person))
    assert await state(rig, case_id) == "monitoring"
    back = admitted(CHILD).model_copy(update={"admitted_at": datetime.now(UTC) + timedelta(minutes=1)})
    identity = await rig.say(back, subject=case_id)
    await rig.settle()
    await rig.say(back, subject=case_id, id=identity)
    await rig.settle()
    assert [entry["reentry"] for entry in await data(rig, case_id, "assigned")] == [None, 1]
    assert (await see(rig, case_id)).json()["reentry"] == 1
    assert await rig.sql("assessment", "SELECT 1 FROM outcome_step WHERE NOT over") == []
    assert {row.kind for row in await rig.sql("assessment", "SELECT kind FROM clock")} == {"initial", "comprehensive", "plan"}
    assert "followup_missed" not in await said(rig, case_id)


async def test_a_case_before_any_plan_has_no_ways(rig: Rig):
    case_id = await a_started_case(rig)
    assert await ways(rig, case_id) == {}
    consent = {"persons": [str(MOTHER)], "step": {"kind": "consent", "agreed": True}}
    assert refused_in("assigned", await act(rig, case_id, "preparations", consent))
