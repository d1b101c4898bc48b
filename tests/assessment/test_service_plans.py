"""What belongs to a plan beside its outcomes, and one assessment after the other, on the running service."""

from datetime import timedelta
from uuid import uuid4

from contracts.intake import IncidentRecorded

from tests.assessment.builders import CHILD, MOTHER, NOW, OTHER_WORKER, SUPERVISOR, WORKER, risk_changed
from tests.assessment.calls import AGREED, a_planned_case, a_started_case, act, answer, data, decide, errors, plan_of, refused_in, see, state
from tests.rig import Rig

SECRET = "Canary Contoh takut pulang"
LOW = {"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"}


async def with_goals(rig: Rig, *, target: str = "2199-01-01"):
    """A case with an approved plan in which the mother has two goals."""
    case_id = await a_started_case(rig, MOTHER, CHILD)
    await act(rig, case_id, "complete", LOW)
    body = plan_of({MOTHER: "services_at_home", CHILD: "services_at_home"})
    body["outcomes"][0]["goals"] = [{"code": code, "target": target, "measure": "own_word"} for code in ("safety", "income")]
    return case_id, await act(rig, case_id, "plan", body)


async def test_a_plan_is_sent_back_in_words_that_are_sealed_and_go_with_the_person(rig: Rig):
    case_id, proposed = await with_goals(rig)
    assert proposed.status_code == 201
    stranger = {"reason": "unsafe", "comments": [{"person_id": str(uuid4()), "text": SECRET}]}
    assert errors(await decide(rig, case_id, "return", stranger)) == {"comments.0.person_id": "not_in_household"}
    said = {"reason": "unsafe", "comments": [{"person_id": str(person), "text": SECRET} for person in (MOTHER, CHILD)]}
    assert (await decide(rig, case_id, "return", said)).json()["state"] == "assessed"
    assert await data(rig, case_id, "plan_returned") == [{"version": 1, "reason": "unsafe"}]
    stored = await rig.sql("assessment", "SELECT encode(sealed, 'escape') AS sealed FROM plan_comment")
    assert len(stored) == 2
    assert not any("Canary" in row.sealed for row in stored)
    for role, subject in (("peksos", WORKER), ("supervisor", SUPERVISOR)):
        record = (await see(rig, case_id, "/plan/record", role=role, subject=subject)).json()
        assert [entry["text"] for entry in record["comments"]] == [SECRET] * 2
    assert (await see(rig, case_id, "/plan/record", role="peksos", subject=OTHER_WORKER)).status_code == 404
    read = await rig.sql("assessment", "SELECT DISTINCT subject FROM audit WHERE action = 'read' AND fields = 'comments'")
    assert {row.subject for row in read} == {MOTHER, CHILD}
    await rig.services["assessment"].vault.erase([MOTHER])
    record = (await see(rig, case_id, "/plan/record")).json()
    assert {entry["person_id"]: entry["text"] for entry in record["comments"]} == {str(MOTHER): None, str(CHILD): SECRET}


async def test_a_conference_is_recorded_and_decides_on_no_plan(rig: Rig):
    case_id, _ = await with_goals(rig)
    present = [{"role": "peksos", "agency": "dinsos"}, {"role": "supervisor", "agency": "dppapp"}]
    held = {"held_at": (NOW - timedelta(days=300)).isoformat(), "decision": "plan_supported", "present": present}
    comments = [{"person_id": str(MOTHER), "text": SECRET}]
    assert (await act(rig, case_id, "conferences", {**held, "comments": comments})).status_code == 201
    assert errors(await act(rig, case_id, "conferences", {**held, "held_at": "2199-01-01T00:00:00Z"})) == {"held_at": "in_the_future"}
    assert errors(await act(rig, case_id, "conferences", {**held, "present": present[:1]})) == {"present": "too_short"}
    record = (await see(rig, case_id, "/plan/record")).json()
    (conference,) = record["conferences"]
    assert (conference["present"], conference["version"]) == (present, 1)
    assert [entry["about_id"] for entry in record["comments"]] == [conference["conference_id"]]
    assert await state(rig, case_id) == "plan_proposed"
    assert [entry["decision"] for entry in await data(rig, case_id, "conference_held")] == ["plan_supported"]


async def test_a_review_keeps_how_far_goals_are_and_puts_the_next_one_off_until_it_is_forgotten(rig: Rig):
    case_id, _ = await with_goals(rig)
    assert refused_in("plan_proposed", await act(rig, case_id, "plan/review", {"finding": "on_track"}))
    await decide(rig, case_id)
    await rig.advance(days=29)
    goal = {"person_id": str(MOTHER), "goal": "safety", "progress": "reached"}
    wrong = [goal, {**goal, "goal": "housing"}, {**goal, "person_id": str(CHILD)}]
    assert set(errors(await act(rig, case_id, "plan/review", {"finding": "on_track", "progress": wrong}))) == {
        f"progress.{MOTHER}.housing", f"progress.{CHILD}.safety",
    }  # fmt: skip
    assert (await act(rig, case_id, "plan/review", {"finding": "change_needed", "progress": [goal]})).status_code == 200
    await rig.advance(days=29)
    assert await data(rig, case_id, "clock_missed") == []
    await rig.advance(days=2)
    assert [(entry["clock"], entry["step"]) for entry in await data(rig, case_id, "clock_missed")] == [("outcome", 1)]
    await act(rig, case_id, "plan/review", {"finding": "on_track", "progress": [{**goal, "progress": "dropped"}]})
    record = (await see(rig, case_id, "/plan/record")).json()
    assert [entry["finding"] for entry in record["reviews"]] == ["change_needed", "on_track"]
    assert [entry["finding"] for entry in await data(rig, case_id, "plan_reviewed")] == ["change_needed", "on_track"]
    assert [(entry["goal"], entry["progress"]) for entry in record["progress"]] == [("safety", "reached"), ("safety", "dropped")]


async def test_a_review_is_of_the_approved_version_also_while_another_is_proposed(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    await act(rig, case_id, "plan", plan_of({MOTHER: "rehabilitation"}))
    seen = {"role": "peksos", "subject": WORKER, "if_match": "1"}
    done = await rig.post("assessment", f"/cases/{case_id}/plan/review", json={"finding": "on_track"}, **seen)
    assert (done.status_code, done.json()["version"]) == (409, 2), "what she saw is not the newest version any more"
    assert (await act(rig, case_id, "plan/review", {"finding": "on_track"})).is_success
    assert [entry["version"] for entry in (await see(rig, case_id, "/plan/record")).json()["reviews"]] == [1]
    assert [entry["version"] for entry in await data(rig, case_id, "plan_reviewed")] == [1]


async def test_a_goal_lies_in_the_future(rig: Rig):
    _, proposed = await with_goals(rig, target="2020-01-01")
    assert errors(proposed) == {f"outcomes.{MOTHER}.goals.{n}.target": "in_the_past" for n in (0, 1)}


async def test_a_version_holds_until_the_next_is_approved(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    body = plan_of({MOTHER: "rehabilitation"})
    body["outcomes"][0] |= {"agreement": {"agreed": "agreed"}, "services": [{"code": "psikologis", "provider": "dppapp"}]}
    await act(rig, case_id, "plan", body)
    assert [member["outcome"] for member in (await see(rig, case_id)).json()["members"]] == ["services_at_home"]
    assert await data(rig, case_id, "service_requested") == []
    await decide(rig, case_id)
    assert [member["outcome"] for member in (await see(rig, case_id)).json()["members"]] == ["rehabilitation"]
    (asked,) = await data(rig, case_id, "service_requested")
    assert (asked["person_id"], asked["provider"], asked["service"]) == (str(MOTHER), "dppapp", "psikologis")
    plans = (await see(rig, case_id)).json()["plans"]
    assert [plan["persons"][str(MOTHER)]["agreement"]["agreed"] for plan in plans] == [AGREED["agreed"], "agreed"]


async def test_assessments_follow_each_other_each_on_its_own_answers_and_the_trend_is_read_from_them(rig: Rig):
    case_id = await a_started_case(rig, MOTHER)
    await rig.advance(hours=20)
    assert (await act(rig, case_id, "complete", {**LOW, "kind": "initial"})).json()["state"] == "assessed"
    await rig.advance(days=13)
    assert await data(rig, case_id, "clock_missed") == [], "the comprehensive one has its own time"
    await rig.advance(days=2)
    assert {entry["clock"] for entry in await data(rig, case_id, "clock_missed")} == {"comprehensive_assessment", "plan"}
    await answer(rig, case_id, {f"phq9_{n}": 0 if n == 9 else 2 for n in range(1, 10)})
    await act(rig, case_id, "complete", {"risk_view": {"band": "mild"}, "risk": "low"})
    assert refused_in("assessed", await act(rig, case_id, "complete", {**LOW, "kind": "initial"}))
    later = {**LOW, "no_instrument_reason": None, "kind": "reassessment", "risk": "medium"}
    assert errors(await act(rig, case_id, "complete", later)) == {"no_instrument_reason": "missing"}, "old answers are no new assessment"
    assert (await answer(rig, case_id, {"phq9_1": 0})).json()["total"] is None
    await answer(rig, case_id, {f"phq9_{n}": 0 for n in range(2, 10)})
    await act(rig, case_id, "complete", later)
    done = (await see(rig, case_id, "/assessments")).json()
    assert [(entry["number"], entry["kind"], entry["judged"], entry["risk"], entry["rules"]) for entry in done] == [
        (1, "initial", "medium", "medium", []), (2, "comprehensive", "low", "medium", ["band_severe"]), (3, "reassessment", "medium", "medium", []),
    ]  # fmt: skip
    assert [[(person["instrument"], person["band"]) for person in entry["persons"]] for entry in done] == [
        [], [("phq9", "severe")], [("phq9", "minimal")],
    ]  # fmt: skip
    await rig.advance(days=91)
    assert ("reassessment", 1) in [(entry["clock"], entry["step"]) for entry in await data(rig, case_id, "clock_missed")]


async def test_new_answers_are_new_also_when_the_stores_clock_was_set_back(rig: Rig):
    case_id = await a_started_case(rig, MOTHER)
    await answer(rig, case_id, {f"phq9_{n}": 0 if n == 9 else 2 for n in range(1, 10)})
    await act(rig, case_id, "complete", {"risk_view": {"band": "mild"}})
    rig.services["assessment"].database.skew -= timedelta(hours=1)
    again = {"risk_view": {"band": "mild"}, "kind": "reassessment"}
    assert errors(await act(rig, case_id, "complete", again)) == {"no_instrument_reason": "missing"}
    assert (await answer(rig, case_id, {"phq9_1": 0})).json()["total"] is None
    assert (await answer(rig, case_id, {f"phq9_{n}": 0 for n in range(2, 10)})).json()["total"] == 0
    assert (await act(rig, case_id, "complete", again)).status_code == 200
    done = (await see(rig, case_id, "/assessments")).json()
    assert [[person["band"] for person in entry["persons"]] for entry in done] == [["severe"], ["minimal"]]


async def test_what_was_answered_before_an_assessment_that_only_its_fact_tells_of_is_not_new(rig: Rig):
    case_id = await a_started_case(rig, MOTHER)
    await answer(rig, case_id, {f"phq9_{n}": 0 if n == 9 else 2 for n in range(1, 10)})
    await act(rig, case_id, "complete", {"risk_view": {"band": "mild"}})
    await rig.sql("assessment", "DELETE FROM assessed_answer")  # as a restore leaves it
    again = {"risk_view": {"band": "mild"}, "kind": "reassessment"}
    assert errors(await act(rig, case_id, "complete", again)) == {"no_instrument_reason": "missing"}
    assert (await answer(rig, case_id, {"phq9_1": 0})).json()["total"] is None
    await answer(rig, case_id, {f"phq9_{n}": 0 for n in range(2, 10)})
    assert (await act(rig, case_id, "complete", again)).status_code == 200


async def test_danger_raises_the_risk_by_rule_and_says_so(rig: Rig):
    case_id = await a_started_case(rig, MOTHER)
    await act(rig, case_id, "complete", {**LOW, "risk": "low", "dangers": ["strangulation", "weapon"]})
    (told,) = await data(rig, case_id, "completed")
    assert (told["risk"], told["rules"]) == ("high", ["danger_strangulation", "danger_weapon"])


async def test_a_raised_risk_and_another_incident_ask_for_an_assessment_within_a_day_and_a_correction_does_not(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})

    async def missed() -> int:
        await rig.advance(hours=25)
        return [entry["clock"] for entry in await data(rig, case_id, "clock_missed")].count("reassessment")

    await rig.say(IncidentRecorded(incident_id=uuid4(), correction=True), subject=case_id, factversion=2)
    await rig.settle()
    assert await missed() == 0
    await rig.say(IncidentRecorded(incident_id=uuid4()), subject=case_id, factversion=3)
    await rig.settle()
    assert await missed() == 1
    await act(rig, case_id, "complete", {**LOW, "kind": "reassessment"})
    assert await missed() == 1
    await rig.say(risk_changed(MOTHER, risk="high"), subject=case_id, factversion=4)
    await rig.settle()
    assert await missed() == 2
