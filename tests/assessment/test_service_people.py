"""What people do in assessment, and what they are refused, on real Postgres and NATS."""

from typing import Any
from uuid import UUID, uuid4

from contracts.grounds import EndReason
from contracts.intake import Closed

from tests.assessment.builders import AREA, AUNT, CHILD, MOTHER, OTHER_WORKER, SUPERVISOR, WORKER, triaged
from tests.assessment.calls import (
    JUDGED,
    a_planned_case,
    a_started_case,
    act,
    add_worker,
    answer,
    data,
    decide,
    errors,
    home,
    plan_of,
    prepared,
    refused_in,
    said,
    see,
    state,
)
from tests.rig import Rig

# -- workers and assignment -------------------------------------------------------------------------------------------------------


async def test_a_case_without_a_worker_is_tried_again_and_given_to_the_first_who_comes(rig: Rig):
    await rig.start("assessment")
    case_id = uuid4()
    await rig.say(triaged(), subject=case_id)
    await rig.settle()
    assert await state(rig, case_id) == "waiting_for_worker"
    await rig.advance(minutes=16)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["assignment"]
    await add_worker(rig, areas=["31.71.01"])
    assert await state(rig, case_id) == "waiting_for_worker"
    view = (await add_worker(rig, areas=[AREA, "31.71.01"], role="supervisor")).json()
    assert (view["open_cases"], await state(rig, case_id)) == (1, "assigned")
    await rig.advance(minutes=16)
    assert await said(rig, case_id) == ["clock_missed", "assigned"]


async def test_cases_are_spread_over_the_workers_and_not_given_to_one_who_is_not_active(rig: Rig):
    await rig.start("assessment")
    for worker in (WORKER, OTHER_WORKER):
        await add_worker(rig, worker)
    await add_worker(rig, AUNT, active=False)
    for _ in range(6):
        await rig.say(triaged(), subject=uuid4())
    await rig.settle()
    listed = (await rig.get("assessment", "/workers", role="operator")).json()
    assert {entry["worker_id"]: entry["open_cases"] for entry in listed} == {str(WORKER): 3, str(OTHER_WORKER): 3, str(AUNT): 0}
    mine = (await rig.get("assessment", "/cases?mine=true", role="peksos", subject=WORKER)).json()
    everyone = (await rig.get("assessment", "/cases?state=assigned", role="supervisor")).json()
    assert (len(mine), {entry["worker_id"] for entry in mine}, len(everyone)) == (3, {str(WORKER)}, 6)
    over = mine[0]["case_id"]
    await rig.say(Closed(reason=EndReason.NEEDS_MET), subject=UUID(over), factversion=9)
    await rig.settle()
    left = (await rig.get("assessment", "/cases", role="supervisor")).json()
    assert (len(left), over in {entry["case_id"] for entry in left}) == (5, False), "what is over is no work"
    assert [entry["case_id"] for entry in (await rig.get("assessment", "/cases?state=stopped", role="supervisor")).json()] == [over]


async def test_a_supervisor_reassigns_and_the_earlier_worker_has_no_part_in_the_case_any_more(rig: Rig):
    case_id = await a_started_case(rig)
    body = {"worker_id": str(OTHER_WORKER)}
    assert errors(await act(rig, case_id, "reassign", body, role="supervisor")) == {"worker_id": "not_active"}
    await add_worker(rig, OTHER_WORKER)
    assert (await act(rig, case_id, "reassign", body, role="peksos")).status_code == 403
    assert (await act(rig, case_id, "reassign", body, role="supervisor")).json()["worker_id"] == str(OTHER_WORKER)
    assert refused_in("assigned", await act(rig, case_id, "reassign", body, role="supervisor"))
    (again,) = await data(rig, case_id, "reassigned")
    assert again["worker_id"] == str(OTHER_WORKER)
    assert (await answer(rig, case_id, {"phq9_1": 1})).status_code == 404
    assert (await answer(rig, case_id, {"phq9_1": 1}, subject=OTHER_WORKER)).status_code == 200


NOBODYS = UUID(int=0xF)
WRONG_ROLES: tuple[tuple[str, str, str, Any], ...] = (
    ("peksos", "PUT", f"/workers/{WORKER}", {"agency": "dinsos"}),
    ("peksos", "GET", "/workers", None),
    ("intake_officer", "GET", "/cases", None),
    ("shelter_head", "GET", f"/cases/{NOBODYS}", None),
    ("operator", "GET", f"/cases/{NOBODYS}/answers/{MOTHER}", None),
    ("supervisor", "PUT", f"/cases/{NOBODYS}/answers", {"person_id": str(MOTHER), "instrument": "phq9", "answers": {"phq9_1": 1}}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/complete", JUDGED),
    ("supervisor", "POST", f"/cases/{NOBODYS}/plan", plan_of({MOTHER: "reunification"})),
    ("peksos", "POST", f"/cases/{NOBODYS}/plan/approve", None),
    ("peksos", "POST", f"/cases/{NOBODYS}/plan/return", {"reason": "unsafe"}),
    ("peksos", "POST", f"/cases/{NOBODYS}/reassign", {"worker_id": str(WORKER)}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/reunify", home()),
    ("supervisor", "POST", f"/cases/{NOBODYS}/rehabilitation/start", {"person_id": str(MOTHER)}),
    ("operator", "POST", f"/cases/{NOBODYS}/rehabilitation/complete", {"person_id": str(MOTHER)}),
    ("operator", "GET", f"/cases/{NOBODYS}/outcomes", None),
    ("supervisor", "POST", f"/cases/{NOBODYS}/preparations", {"persons": [str(MOTHER)], "step": {"kind": "consent", "agreed": True}}),
    ("peksos", "POST", f"/cases/{NOBODYS}/outcomes/approve", {"person_id": str(MOTHER)}),
    ("operator", "POST", f"/cases/{NOBODYS}/outcomes/abandon", {"person_id": str(MOTHER), "reason": "unsafe"}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/reviews", {"person_id": str(MOTHER), "why": "search_goes_on"}),
    ("peksos", "POST", f"/cases/{NOBODYS}/lost-contact", {"decision": "try_again"}),
    ("operator", "GET", f"/cases/{NOBODYS}/enrolments", None),
    ("supervisor", "POST", f"/cases/{NOBODYS}/enrolments", {"person_id": str(MOTHER), "programme_id": str(NOBODYS)}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/enrolments/{NOBODYS}/attendance", {"session": 1, "present": True}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/enrolments/{NOBODYS}/withdraw", {"reason": "own_wish"}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/enrolments/{NOBODYS}/complete", {"certificate": True, "independence": "independent"}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/outcome", {"person_id": str(MOTHER)}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/plan/review", {"finding": "on_track"}),
    ("operator", "GET", f"/cases/{NOBODYS}/plan/record", None),
    ("operator", "GET", f"/cases/{NOBODYS}/services", None),
    ("agency_system", "GET", f"/cases/{NOBODYS}/assessments", None),
    ("agency_system", "POST", f"/cases/{NOBODYS}/services/{NOBODYS}/answer", {"answer": "accepted"}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/services/{NOBODYS}/end", {"reason": "not_applicable"}),
    ("supervisor", "POST", f"/cases/{NOBODYS}/services/{NOBODYS}/ask", {"provider": "dppapp"}),
    ("peksos", "GET", "/services", None),
    ("peksos", "POST", f"/services/{NOBODYS}/answer", {"answer": "accepted"}),
    ("operator", "GET", f"/cases/{NOBODYS}/followups", None),
    ("supervisor", "POST", f"/cases/{NOBODYS}/followups/1/done", {"result": "safe"}),
)


async def test_other_roles_are_refused_and_unknown_cases_are_not_there(rig: Rig):
    await rig.start("assessment")
    for role, method, path, body in WRONG_ROLES:
        refused = await rig.send(method, "assessment", path, json=body, role=role)
        assert refused.status_code == 403, path
        if "cases/" in path:
            decides = ("plan/", "reassign", "approve", "lost-contact")
            supervises = "plan/review" not in path and any(word in path for word in decides)
            right = "supervisor" if supervises or (method == "GET" and "plan/review" not in path) else "peksos"
            absent = await rig.send(method, "assessment", path, json=body, role=right)
            assert absent.status_code == 404, path


# -- the instrument ---------------------------------------------------------------------------------------------------------------


async def test_answers_are_merged_sealed_audited_and_shown_to_the_worker_and_supervisors_only(rig: Rig):
    case_id = await a_started_case(rig)
    await answer(rig, case_id, {"phq9_1": 3, "phq9_2": 1})
    saved = await answer(rig, case_id, {"phq9_2": 2})
    assert [item["answer"] for item in saved.json()["items"]][:3] == [3, 2, None]
    assert saved.json()["training_only"] is True
    (row,) = await rig.sql("assessment", "SELECT sealed FROM answer")
    assert b"phq9" not in bytes(row.sealed)

    path = f"/answers/{MOTHER}"
    shown = await see(rig, case_id, path, role="peksos", subject=WORKER)
    assert shown.json() == saved.json() == (await see(rig, case_id, path)).json()
    assert (await see(rig, case_id, path, role="peksos", subject=OTHER_WORKER)).status_code == 404
    assert (await see(rig, case_id, f"/answers/{AUNT}")).status_code == 404
    audit = await rig.sql("assessment", "SELECT principal, action, fields FROM audit WHERE subject = :p ORDER BY position", p=MOTHER)
    assert [tuple(entry) for entry in audit] == [
        (str(WORKER), "write", "answers.phq9_1 answers.phq9_2"),
        (str(WORKER), "write", "answers.phq9_2"),
        (str(WORKER), "read", "answers"),
        (str(SUPERVISOR), "read", "answers"),
    ]


async def test_an_alert_is_raised_at_once_and_once_per_person(rig: Rig):
    case_id = await a_started_case(rig, MOTHER, AUNT)
    await answer(rig, case_id, {"phq9_9": 0})
    assert await data(rig, case_id, "alert_raised") == []
    for value in (1, 0, 3):
        assert (await answer(rig, case_id, {"phq9_9": value})).status_code == 200
    await answer(rig, case_id, {"phq9_9": 2}, AUNT)
    assert await data(rig, case_id, "alert_raised") == [
        {"flag": "self_harm", "person_id": str(MOTHER)},
        {"flag": "self_harm", "person_id": str(AUNT)},
    ]


async def test_impossible_answers_are_refused_and_change_nothing(rig: Rig):
    case_id = await a_started_case(rig)
    assert errors(await answer(rig, case_id, {"phq9_1": 4, "phq9_77": 1, "phq9_9": 3})) == {
        "answers.phq9_1": "out_of_range", "answers.phq9_77": "unknown_item",
    }  # fmt: skip
    assert errors(await answer(rig, case_id, {"phq9_1": 1}, CHILD)) == {"person_id": "too_young_for_instrument"}
    assert errors(await answer(rig, case_id, {"phq9_1": 1}, AUNT)) == {"person_id": "not_in_household"}
    assert list(errors(await answer(rig, case_id, {"phq9_1": "1"}))) == ["answers.phq9_1"]
    assert await said(rig, case_id) == ["assigned"]
    assert await rig.sql("assessment", "SELECT 1 FROM answer") == []


async def test_an_assessment_without_a_finished_instrument_needs_a_reason(rig: Rig):
    case_id = await a_started_case(rig)
    assert errors(await act(rig, case_id, "complete", JUDGED)) == {"no_instrument_reason": "missing"}
    await answer(rig, case_id, {"phq9_9": 1} | {f"phq9_{n}": 0 for n in range(1, 6)})
    assert set(errors(await act(rig, case_id, "complete", JUDGED))) == {
        "no_instrument_reason", *(f"answers.{MOTHER}.phq9_{n}" for n in (6, 7, 8)),
    }  # fmt: skip
    done = await act(rig, case_id, "complete", {**JUDGED, "no_instrument_reason": "not_able_now"})
    assert done.status_code == 200
    (told,) = await data(rig, case_id, "completed")
    assert (told["band"], told["flags"], told["risk"], told["rules"]) == ("moderate", ["self_harm"], "high", ["flag_self_harm"])
    assert refused_in("assessed", await act(rig, case_id, "complete", JUDGED))


# -- the plan and its outcomes ----------------------------------------------------------------------------------------------------


async def test_a_plan_names_everyone_and_is_decided_by_somebody_else(rig: Rig):
    case_id = await a_started_case(rig)
    assert refused_in("assigned", await act(rig, case_id, "plan", plan_of({MOTHER: "reunification"})))
    assert refused_in("assigned", await decide(rig, case_id))
    await act(rig, case_id, "complete", {**JUDGED, "no_instrument_reason": "declined"})
    assert errors(await act(rig, case_id, "plan", plan_of({MOTHER: "reunification"}))) == {f"outcomes.{CHILD}": "missing"}
    both = {MOTHER: "reunification", CHILD: "reunification"}
    assert "services.0" in errors(await act(rig, case_id, "plan", plan_of(both, "mediasi")))
    await act(rig, case_id, "plan", plan_of(both))
    assert (await decide(rig, case_id, subject=WORKER)).status_code == 403
    assert (await decide(rig, case_id, "return", {"reason": "unsafe"})).json()["state"] == "assessed"
    assert refused_in("assessed", await decide(rig, case_id))
    again = await act(rig, case_id, "plan", plan_of({**both, MOTHER: "independent_living"}))
    assert again.json()["plan_version"] == 2
    assert (await decide(rig, case_id)).status_code == 200
    assert await data(rig, case_id, "plan_returned") == [{"version": 1, "reason": "unsafe"}]
    versions = (await see(rig, case_id)).json()["plans"]
    assert [(version["version"], version["state"], version["return_reason"]) for version in versions] == [
        (1, "returned", "unsafe"),
        (2, "approved", None),
    ]


async def test_outcomes_are_recorded_as_planned_and_once(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "reunification", CHILD: "services_at_home", AUNT: "rehabilitation"})
    assert errors(await act(rig, case_id, "reunify", home())) == dict.fromkeys(("home_visit", "risk_recheck", "receiver", "consent"), "missing")
    await prepared(rig, case_id, MOTHER, CHILD)
    assert errors(await act(rig, case_id, "reunify", home(CHILD))) == {"person_id": "planned_otherwise"}
    assert errors(await act(rig, case_id, "outcome", {"person_id": str(MOTHER)})) == {"person_id": "outcome_has_its_own_steps"}
    assert errors(await act(rig, case_id, "outcome", {"person_id": str(WORKER)})) == {"person_id": "not_in_plan"}
    assert refused_in("planned", await act(rig, case_id, "rehabilitation/complete", {"person_id": str(AUNT)}))
    assert (await act(rig, case_id, "reunify", home())).status_code == 200
    assert refused_in("reached", await act(rig, case_id, "reunify", home()))
    assert (await act(rig, case_id, "outcome", {"person_id": str(CHILD)})).json()["state"] == "plan_approved"
    assert await data(rig, case_id, "outcome_reached") == [{"person_id": str(CHILD), "outcome": "services_at_home"}]
    assert refused_in("plan_approved", await act(rig, case_id, "followups/1/done", {"result": "safe"}))


async def test_a_request_that_is_sent_twice_acts_once(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "reunification", CHILD: "reunification"})
    await prepared(rig, case_id)
    who = {"role": "peksos", "subject": WORKER, "key": "once"}
    answers = [await rig.post("assessment", f"/cases/{case_id}/reunify", json=home(), **who) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await data(rig, case_id, "reunified")) == 1
