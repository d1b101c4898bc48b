"""The record of a case on real servers: whose move it is, its closure, reopening, another agency that leads, the law's clocks."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import uuid4

import pytest
from contracts import assessment, placement
from intake.domain.workdays import JAKARTA

from tests.intake.builders import a_plan, a_triage, an_offer
from tests.intake.test_service_cases import OFFICER, POLICE, STRANGER, SUPERVISOR, heard, open_case, people, row, said, triage

OTHERS = {"role": "supervisor", "agency": "dinsos"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def do(rig, case_id, path, who=OFFICER, status=200, **body):
    answer = await rig.post("intake", f"/cases/{case_id}/{path}", json=body, **who)
    assert answer.status_code == status, answer.text
    return answer.json()


async def record(rig, case_id, who=SUPERVISOR):
    answer = await rig.get("intake", f"/cases/{case_id}/record", **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ready_to_close(rig, case_id):
    """A case at home whose last follow-up was done."""
    await triage(rig, case_id)
    (person,) = await people(rig, case_id)
    now = datetime.now(UTC)
    way = [
        assessment.Assigned(worker_id=uuid4(), due_at=now),
        assessment.Completed(band="mild"),
        a_plan([person]),
        assessment.Reunified(person_id=person, receiver="parent", receiving_area="31.71.01"),
        assessment.FollowupDone(number=1, result="safe", last=True),
    ]
    for version, fact in enumerate(way, 1):
        await rig.say(fact, subject=case_id, factversion=version)
    await rig.settle()
    assert (await row(rig, case_id)).state == "ready_to_close"


async def test_an_officer_proposes_to_close_and_a_supervisor_decides(intake):
    case_id = await open_case(intake)
    await do(intake, case_id, "closure", status=409, reason="needs_met")
    await ready_to_close(intake, case_id)
    proposed = await do(intake, case_id, "closure", reason="needs_met")
    assert proposed["waiting_for"] == ["closure", "closure_approval"]
    await do(intake, case_id, "closure", status=409, reason="needs_met")
    await intake.advance(days=4)
    assert (await row(intake, case_id)).missed == ["closure_approval"]
    returned = await do(intake, case_id, "closure/return", SUPERVISOR, reason="needs_remain")
    assert returned["waiting_for"] == ["closure"]
    await do(intake, case_id, "closure/return", SUPERVISOR, status=409, reason="needs_remain")
    await do(intake, case_id, "closure", SUPERVISOR, reason="needs_met")
    await do(intake, case_id, "close", SUPERVISOR, status=403, reason="needs_met")
    other = {**SUPERVISOR, "subject": uuid4()}
    assert (await do(intake, case_id, "close", other, reason="needs_met"))["state"] == "closed"
    assert await intake.sql("intake", "SELECT 1 FROM clock WHERE subject = :c", c=case_id) == []


async def test_a_reopened_case_goes_on_where_its_facts_say_and_is_triaged_anew(intake):
    case_id = await open_case(intake, POLICE)
    await do(intake, case_id, "reopen", SUPERVISOR, status=409, reason="asked_again")
    await ready_to_close(intake, case_id)
    await do(intake, case_id, "close", SUPERVISOR, reason="needs_met")
    await do(intake, case_id, "reopen", OFFICER, status=403, reason="asked_again")
    again = await do(intake, case_id, "reopen", SUPERVISOR, reason="asked_again")
    assert (again["state"], set(again["waiting_for"])) == ("triaged", {"assignment", "triage"})
    await intake.advance(hours=7)
    assert (await row(intake, case_id)).missed == ["triage"], "nobody but people triages a case again"
    assert len(await said(intake, "case.intake.triaged")) == 1
    (reopened,) = await intake.sql("intake", "SELECT factversion FROM outbox WHERE type = 'case.intake.reopened.v1'")
    version = reopened.factversion
    await intake.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC), reopened_version=version), subject=case_id, factversion=6)
    await intake.settle()
    assert (await row(intake, case_id)).state == "assessment"
    now = await triage(intake, case_id)
    assert now["waiting_for"] == ["assessment"]
    assert (await heard(intake, "polda-ppa"))[-2:] == ["assessment_began", "triaged"], "who takes part follows it again"
    assert (await row(intake, case_id)).missed == []


async def test_who_is_lost_is_looked_for_again_some_weeks_later_and_reopened_when_found(intake):
    case_id = await open_case(intake)
    await triage(intake, case_id)
    lost = await do(intake, case_id, "contact-lost", SUPERVISOR)
    assert (lost["state"], lost["waiting_for"]) == ("contact_lost", [])
    for days in (15, 31, 61):
        await intake.advance(days=days)
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == ["contact_retry"] * 3
    assert await intake.sql("intake", "SELECT 1 FROM clock WHERE subject = :c", c=case_id) == []
    await do(intake, case_id, "reopen", SUPERVISOR, reason="found_again")
    assert (await row(intake, case_id)).missed == []


async def test_another_agency_leads_once_it_accepts_and_sees_no_name_before(intake):
    case_id = await open_case(intake, POLICE)
    await triage(intake, case_id)
    await do(intake, case_id, "handover", {**SUPERVISOR, "agency": "polda-ppa"}, status=403, agency="dinsos", reason="moved")
    asked = await do(intake, case_id, "handover", SUPERVISOR, agency="dinsos", reason="moved")
    assert asked["waiting_for"] == ["assignment", "transfer_answer"]
    assert (await intake.get("intake", f"/cases/{case_id}", **OTHERS)).status_code == 404
    (seen,) = (await intake.get("intake", "/handovers", **OTHERS)).json()
    assert (seen["case_id"], seen["city"], seen["persons"], seen["from_agency"]) == (str(case_id), "31.71", 1, "dppapp")
    assert "Sekar" not in str(seen)
    assert (await intake.get("intake", "/handovers", **SUPERVISOR)).json() == []
    await intake.advance(hours=25)
    assert (await row(intake, case_id)).missed == ["transfer_answer"]
    await do(intake, case_id, "handover/accept", SUPERVISOR, status=404)
    declined = await do(intake, case_id, "handover/decline", OTHERS, reason="overloaded")
    assert declined["case_id"] == str(case_id)
    assert (await row(intake, case_id)).responsible_agency == "dppapp"
    await do(intake, case_id, "handover", SUPERVISOR, agency="dinsos", reason="moved")
    await do(intake, case_id, "handover/accept", OTHERS, unit="sudinsos-pusat")
    assert (await row(intake, case_id)).responsible_agency == "dinsos"
    assert (await intake.get("intake", f"/cases/{case_id}", **OTHERS)).status_code == 200
    shown = await record(intake, case_id, OTHERS)
    assert (shown["responsible_agency"], shown["responsible_unit"]) == ("dinsos", "sudinsos-pusat")
    await triage(intake, case_id, OTHERS)
    path = f"/cases/{case_id}/suspects"
    assert (await intake.post("intake", path, json={"relation": "na"}, **{**OFFICER, "agency": "dinsos"})).status_code == 201
    for changed in await said(intake, "case.intake.risk_changed"):
        assert (changed["responsible_agency"], changed["responsible_unit"]) == ("dinsos", "sudinsos-pusat")
    assert await heard(intake, "dinsos") == ["opened", "triaged", "triaged", "triaged"]


async def test_the_record_says_whose_move_it_is_since_when_and_where_it_is_stuck(intake):
    case_id = await open_case(intake, violence_types=["seksual"])
    first = await record(intake, case_id)
    assert {matter["matter"]: (matter["role"], matter["agency"], matter["missed"]) for matter in first["matters"]} == {
        "triage": ("intake_officer", "dppapp", False),
        "police_report": ("intake_officer", "dppapp", False),
    }
    assert all(matter["due_at"] for matter in first["matters"])
    await triage(intake, case_id, shelter_needed=True)
    offer = an_offer(await people(intake, case_id))
    await intake.say(offer, subject=case_id)
    await intake.settle()
    seen = {matter["matter"]: matter for matter in (await record(intake, case_id))["matters"]}
    assert (seen["shelter_answer"]["role"], seen["shelter_answer"]["service"]) == ("shelter_head", "placement")
    assert datetime.fromisoformat(seen["shelter_answer"]["due_at"]) == offer.hold_until
    officer = await record(intake, case_id, OFFICER)
    assert officer["state"] == "shelter_sought"
    assert [matter["matter"] for matter in officer["matters"]] == ["offer", "police_report"]
    assert officer["matters"][0]["due_at"] is None, "an officer does not see when a hold ends"
    await intake.advance(hours=73)
    stuck = (await record(intake, case_id, OFFICER))["stuck_at"]
    assert (stuck["matter"], stuck["missed"]) == ("police_report", True)
    assert (await intake.get("intake", f"/cases/{case_id}/record", **STRANGER)).status_code == 404
    await do(intake, case_id, "withdraw", reason="refused_service")
    ended = await record(intake, case_id)
    assert (ended["state"], ended["matters"], ended["stuck_at"]) == ("withdrawn", [], None)


async def test_the_timeline_tells_what_led_to_what_although_clocks_differ(intake):
    case_id = await open_case(intake)
    await triage(intake, case_id, shelter_needed=True)
    early = datetime.now(UTC) - timedelta(hours=1)
    await intake.say(placement.Waitlisted(review_at=early), subject=case_id, at=early)
    await intake.settle()
    rows = await intake.sql("intake", "SELECT causation FROM case_fact WHERE case_id = :c AND producer = 'intake'", c=case_id)
    assert all(found.causation for found in rows)
    (waited,) = await intake.sql("intake", "SELECT event_id FROM case_fact WHERE case_id = :c AND producer = 'placement'", c=case_id)
    (triaged,) = await intake.sql("intake", "SELECT event_id FROM case_fact WHERE case_id = :c AND type LIKE '%triaged%'", c=case_id)
    await intake.sql("intake", "UPDATE case_fact SET causation = :t WHERE event_id = :w", t=str(triaged.event_id), w=waited.event_id)
    told = [entry["type"].split(".")[2] for entry in (await intake.get("intake", f"/cases/{case_id}/timeline", **SUPERVISOR)).json()]
    assert told == ["reported", "triaged", "waitlisted"]


async def test_the_law_sets_its_clocks_and_reminds_before_a_protection_ends(intake):
    case_id = await open_case(intake, violence_types=["seksual"])
    await triage(intake, case_id)
    today = (datetime.now(UTC) + timedelta(hours=7)).date()
    future, wrong = (today + timedelta(days=2)).isoformat(), f"/cases/{case_id}/legal-steps"
    refused = await intake.post("intake", wrong, json={"code": "visum", "on": future, "expires_on": "2020-01-01"}, **OFFICER)
    assert {error["field"] for error in refused.json()["errors"]} == {"on", "expires_on"}
    await do(intake, case_id, "legal-steps", status=201, code="police_report", on=str(today))
    assert (await row(intake, case_id)).police_report_at is not None
    await do(intake, case_id, "legal-steps", status=409, code="police_report", on=str(today))
    await intake.advance(hours=25)
    assert (await row(intake, case_id)).missed == ["protection"]
    await do(intake, case_id, "legal-steps", status=201, code="police_protection", on=str(today))
    assert (await said(intake, "case.intake.legal_step_recorded"))[-1]["expires_on"] == str(today + timedelta(days=14))
    assert (await row(intake, case_id)).missed == []
    await intake.advance(hours=25)
    assert (await row(intake, case_id)).missed == ["protection_request"]
    await do(intake, case_id, "legal-steps", status=201, code="lpsk_request", on=str(today))
    assert (await row(intake, case_id)).missed == []
    noon = datetime.combine(today + timedelta(days=11), time(12), JAKARTA)  # reminders come at eight in the morning
    await intake.advance(seconds=(noon - datetime.now(UTC) - timedelta(hours=50)).total_seconds())
    assert [data["number"] for data in await said(intake, "case.intake.legal_step_expiring")] == [3]
    await intake.advance(days=5)
    assert [data["number"] for data in await said(intake, "case.intake.legal_step_expiring")] == [3, 1]
    assert (await row(intake, case_id)).missed == ["protection_expiry"]
    until = str(date.fromisoformat(str(today)) + timedelta(days=200))
    await do(intake, case_id, "legal-steps", status=201, code="court_order", on=str(today), expires_on=until)
    assert (await row(intake, case_id)).missed == []


async def test_the_laws_clocks_run_again_when_a_case_is_reopened(intake):
    reported, silent = [await open_case(intake, violence_types=["seksual"]) for _ in range(2)]
    today = (datetime.now(UTC) + timedelta(hours=7)).date().isoformat()
    await do(intake, reported, "legal-steps", status=201, code="police_report", on=today)
    await do(intake, reported, "legal-steps", status=201, code="police_protection", on=today)
    for case_id in (reported, silent):
        await do(intake, case_id, "withdraw", reason="refused_service")
        await do(intake, case_id, "reopen", SUPERVISOR, reason="asked_again")
    clocks = "SELECT kind, key FROM clock WHERE subject = :c AND kind LIKE 'p%' ORDER BY 1, 2"
    assert [tuple(found) for found in await intake.sql("intake", clocks, c=silent)] == [("police_report", "")]
    again = [("protection_expiry", "0"), ("protection_expiry", "1"), ("protection_expiry", "3"), ("protection_request", "")]
    assert [tuple(found) for found in await intake.sql("intake", clocks, c=reported)] == again


async def test_who_leads_may_take_back_what_an_agency_does_not_answer(intake):
    case_id = await open_case(intake)
    await triage(intake, case_id)
    await do(intake, case_id, "handover", SUPERVISOR, agency="nobody-there", reason="moved")
    taken_back = await do(intake, case_id, "handover/decline", SUPERVISOR, reason="not_competent")
    assert taken_back["waiting_for"] == ["assignment"]
    assert [data["agency"] for data in await said(intake, "case.intake.responsibility_declined")] == ["nobody-there"]
    await do(intake, case_id, "handover/decline", SUPERVISOR, status=404, reason="not_competent")


async def test_an_older_triage_route_still_takes_what_it_took(intake):
    case_id = await open_case(intake, ppks=11, violence_types=None)
    answer = await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(), role="intake_officer", agency="dppapp")
    assert answer.status_code == 200
    (triaged,) = await said(intake, "case.intake.triaged")
    assert (triaged["responsible_agency"], triaged["responsible_unit"]) == ("dinsos", "sudinsos-pusat")


@pytest.mark.parametrize("settles", ["step", "assessment"])
async def test_rehabilitation_that_a_trafficking_victim_asked_for_is_due_in_a_week(intake, settles):
    case_id, other = await open_case(intake, violence_types=["trafficking"]), await open_case(intake, violence_types=["fisik"])
    today = str((datetime.now(UTC) + timedelta(hours=7)).date())
    for case in (case_id, other):
        await triage(intake, case)
        await do(intake, case, "legal-steps", status=201, code="rehabilitation_request", on=today)
    await intake.advance(days=8)
    assert "rehabilitation" in (await row(intake, case_id)).missed
    assert "rehabilitation" not in (await row(intake, other)).missed
    if settles == "step":
        await do(intake, case_id, "legal-steps", status=201, code="rehabilitation_begun", on=today)
    else:
        await intake.say(assessment.RehabilitationStarted(person_id=uuid4()), subject=case_id)
        await intake.settle()
    assert "rehabilitation" not in (await row(intake, case_id)).missed
    before = len(await said(intake, "case.intake.clock_missed"))
    await intake.advance(days=2)
    assert [data for data in (await said(intake, "case.intake.clock_missed"))[before:] if data["clock"] == "rehabilitation"] == []
