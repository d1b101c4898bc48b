"""Ways to an outcome across the services: who comes back is assessed anew, what is given up is planned again, and no stay outlives its outcome."""

from tests.flows import people
from tests.flows.people import ok
from tests.rig import Rig

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
BED = {"risk": "high", "shelter_needed": True, "shelter_grounds": ["threat_to_life"]}
OPEN_STAYS = "SELECT count(*) AS n FROM stay WHERE ended_as IS NULL AND NOT isempty(during)"


async def test_whoever_comes_back_to_a_shelter_after_going_home_is_assessed_and_planned_for_anew(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("W-1", shelter=True))
    await people.admit(rig, await people.offer_of(rig, case_id), case_id)
    members = await people.assess_and_plan(rig, case_id, "reunification")
    await people.come_true(rig, case_id, "reunification", *members)
    assert (await people.state(rig, case_id), (await rig.sql("placement", OPEN_STAYS))[0].n) == ("monitoring", 0)

    await rig.advance(days=3)
    ok(await rig.post("intake", f"/cases/{case_id}/triage", json=BED, **OFFICER))
    await rig.settle()
    await people.admit(rig, await people.offer_of(rig, case_id), case_id)
    assigned = [data for kind, subject, data in await rig.facts("assessment") if kind == "case.assessment.assigned.v1" and subject == case_id]
    assert [entry["reentry"] for entry in assigned] == [None, 1]
    assert await people.state(rig, case_id) == "assessment", "a follow-up of the first round says nothing of this one"
    (row,) = await rig.sql("assessment", "SELECT state, reentry, goals FROM assessment_case")
    assert (row.state, row.reentry, row.goals) == ("assigned", 1, {})

    await people.assess_and_plan(rig, case_id, "kin_or_foster_care")
    record = ok(await rig.get("intake", f"/cases/{case_id}/record", role="supervisor", agency="dppapp"))
    assert "outcome" in {matter["matter"] for matter in record["matters"]}
    await people.come_true(rig, case_id, "kin_or_foster_care", *members)
    assert (await rig.sql("placement", OPEN_STAYS))[0].n == 0
    await people.follow_up_and_close(rig, case_id)
    assert await people.state(rig, case_id) == "closed"


async def test_what_is_given_up_is_a_plan_that_is_due_in_every_service(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("W-2", shelter=False))
    mother, child = await people.assess_and_plan(rig, case_id, "services_at_home")
    await people.come_true(rig, case_id, "services_at_home", mother)
    body = {"person_id": child, "reason": "unsafe"}
    ok(await rig.post("assessment", f"/cases/{case_id}/outcomes/abandon", json=body, role="peksos", subject=people.PEKSOS))
    await rig.settle()
    assert await people.state(rig, case_id) == "assessed"
    told = [row.role for row in await rig.sql("notifications", "SELECT role FROM notice WHERE kind = 'assessment.outcome_abandoned'")]
    assert sorted(told) == ["peksos", "supervisor"]
    outcomes = {mother: "services_at_home", child: "kin_or_foster_care"}
    plan = {"outcomes": [{"person_id": person, "outcome": outcome, "agreement": people.AGREED} for person, outcome in outcomes.items()]}
    ok(await rig.post("assessment", f"/cases/{case_id}/plan", json=plan, role="peksos", subject=people.PEKSOS))
    ok(await rig.post("assessment", f"/cases/{case_id}/plan/approve", json={}, role="supervisor", agency="dinsos"))
    await rig.settle()
    assert await people.state(rig, case_id) == "outcome_under_way"
    await people.come_true(rig, case_id, "kin_or_foster_care", child)
    assert await people.state(rig, case_id) == "monitoring"


async def test_a_lost_contact_is_a_supervisors_matter_until_she_decides(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("W-3", shelter=False))
    members = await people.assess_and_plan(rig, case_id, "services_at_home")
    await people.come_true(rig, case_id, "services_at_home", *members)
    for _ in range(3):
        body = {"result": "not_reached"}
        ok(await rig.post("assessment", f"/cases/{case_id}/followups/1/done", json=body, role="peksos", subject=people.PEKSOS))
    await rig.advance(days=3, minutes=1)
    kinds = [row.kind for row in await rig.sql("notifications", "SELECT kind FROM notice WHERE role = 'supervisor' AND case_id = :c", c=case_id)]
    assert {"assessment.followup_lost", "clock_missed"} <= set(kinds)
    ok(await rig.post("intake", f"/cases/{case_id}/contact-lost", json={}, role="supervisor", agency="dppapp"))
    await rig.settle()
    assert await people.state(rig, case_id) == "contact_lost"
    assert await rig.sql("assessment", "SELECT 1 FROM clock") == []
