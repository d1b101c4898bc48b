"""A case that had ended goes on in every service; and what intake knows of a suspect reaches placement without a name."""

import pytest

from tests.flows import people
from tests.flows.people import ok
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
OFFICER = {"role": "intake_officer", "agency": "dppapp"}
SUPERVISOR = {"role": "supervisor", "agency": "dppapp"}


async def test_a_closed_case_is_reopened_triaged_sheltered_assessed_and_planned_once_more(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("R-1", shelter=False))
    await people.assess_and_plan(rig, case_id, "rehabilitation")
    ok(await rig.post("intake", f"/cases/{case_id}/withdraw", json={"reason": "refused_service"}, **OFFICER))
    await rig.settle()
    assert await people.state(rig, case_id) == "withdrawn"
    ok(await rig.post("intake", f"/cases/{case_id}/reopen", json={"reason": "unsafe_again"}, **SUPERVISOR))
    await rig.settle()
    assert await people.state(rig, case_id) == "assessment", "a worker has it again before anybody triaged"
    record = ok(await rig.get("intake", f"/cases/{case_id}/record", **SUPERVISOR))
    assert {matter["matter"]: matter["role"] for matter in record["matters"]} == {"assessment": "peksos", "triage": "intake_officer"}
    ok(
        await rig.post(
            "intake", f"/cases/{case_id}/triage", json={"risk": "high", "shelter_needed": True, "shelter_grounds": ["threat_to_life"]}, **OFFICER
        )
    )
    await rig.settle()
    await people.admit(rig, await people.offer_of(rig, case_id), case_id)
    await people.assess_and_plan(rig, case_id, "reunification")
    assert await people.state(rig, case_id) == "planned"
    told = [row.kind for row in await rig.sql("notifications", "SELECT kind FROM notice WHERE case_id = :case ORDER BY position", case=case_id)]
    assert told.count("intake.reopened") >= 2
    rows = await rig.sql("notifications", "SELECT ended FROM case_file WHERE case_id = :case", case=case_id)
    assert [row.ended for row in rows] == [False]


async def test_a_household_that_was_asked_a_bed_for_before_its_case_ended_looks_for_none_when_it_is_reopened(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("R-2", shelter=True))
    assert await people.state(rig, case_id) == "offered"
    ok(await rig.post("intake", f"/cases/{case_id}/contact-lost", json={}, **SUPERVISOR))
    await rig.settle()
    assert await people.state(rig, case_id) == "contact_lost"
    (need,) = await rig.sql("placement", "SELECT state FROM need")
    assert need.state == "ended"
    ok(await rig.post("intake", f"/cases/{case_id}/reopen", json={"reason": "found_again"}, **SUPERVISOR))
    await rig.settle()
    (need,) = await rig.sql("placement", "SELECT state FROM need")
    assert need.state == "settled"
    (held,) = await rig.sql("placement", "SELECT count(*) AS n FROM stay WHERE NOT isempty(during)")
    assert held.n == 0
    ok(await rig.post("intake", f"/cases/{case_id}/triage", json={"risk": "high", "shelter_needed": True}, **OFFICER))
    await rig.settle()
    assert await people.state(rig, case_id) in {"offered", "assessment"}
    (need,) = await rig.sql("placement", "SELECT state FROM need")
    assert need.state == "offered"


async def test_a_suspect_who_moves_near_takes_an_offer_back_and_placement_learns_no_name(rig: Rig) -> None:
    near = people.a_shelter()
    await people.platform(rig, near)
    case_id = await people.refer(rig, people.a_referral("R-3", shelter=True))
    assert await people.state(rig, case_id) == "offered"
    (home,) = await rig.sql("placement", "SELECT area FROM shelter")
    body = {"relation": "suami_istri", "name": "Canary Tersangka", "areas": [home.area]}
    answer = await rig.post("intake", f"/cases/{case_id}/suspects", json=body, **OFFICER)
    assert answer.status_code == 201, answer.text
    await rig.settle()
    (need,) = await rig.sql("placement", "SELECT state, perpetrator_areas, keep_apart FROM need")
    assert (need.state, need.perpetrator_areas) == ("waiting", [home.area])
    assert [str(person) for person in need.keep_apart] == [answer.json()["suspect_id"]]
    for service in ("intake", "placement", "notifications"):
        rows = await rig.sql(service, "SELECT string_agg(convert_from(body, 'UTF8'), ' ') AS said FROM outbox")
        assert "Canary" not in (rows[0].said or "")
