"""The main job, story by story, on real servers: from a report to a safe return home."""

from datetime import timedelta

from tests.flows import people
from tests.flows.people import ok
from tests.rig import Rig


async def test_a_family_is_sheltered_assessed_and_goes_home(rig: Rig) -> None:
    shelter = people.a_shelter()
    await people.platform(rig, shelter)
    case_id = await people.refer(rig, people.a_referral("K-1", shelter=True, risk="high"))
    assert await people.state(rig, case_id) == "offered"
    placement = await people.offer_of(rig, case_id)
    assert placement["shelter_id"] == shelter["shelter_id"]
    assert len(placement["members"]) == 2
    await people.admit(rig, placement, case_id)
    members = await people.assess_and_plan(rig, case_id, "reunification")
    await people.come_true(rig, case_id, "reunification", *members)
    assert "case.placement.discharged.v1" in [kind for kind, _, _ in await rig.facts("placement")]
    (free,) = await rig.sql("placement", "SELECT count(*) AS n FROM stay WHERE upper(during) IS NULL OR upper(during) > now() + interval '1 minute'")
    assert free.n == 0, "the stay ended with the outcome"
    await people.follow_up_and_close(rig, case_id)
    assert await people.state(rig, case_id) == "closed"
    heard = await people.feed(rig, "dppapp")
    assert heard[0] == "agency.opened.v1"
    assert heard[-1] == "agency.ended.v1"
    assert {"agency.triaged.v1", "agency.sheltered.v1", "agency.assessed.v1", "agency.planned.v1", "agency.outcome_reached.v1"} <= set(heard)
    timeline = ok(await rig.get("intake", f"/cases/{case_id}/timeline", role="supervisor", agency="dppapp"))
    assert {entry["producer"] for entry in timeline} >= {"intake", "placement", "assessment"}


async def test_a_case_at_home_is_assessed_without_a_bed_and_rehabilitated(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("K-2", shelter=False))
    assert await people.state(rig, case_id) == "assessment"
    await people.come_true(rig, case_id, "rehabilitation", *await people.assess_and_plan(rig, case_id, "rehabilitation"))
    await people.follow_up_and_close(rig, case_id)
    assert await people.state(rig, case_id) == "closed"
    assert "case.placement.offered.v1" not in [kind for kind, _, _ in await rig.facts("placement")]


async def test_somebody_at_the_door_is_let_in_and_intake_opens_the_case_from_it(rig: Rig) -> None:
    shelter = people.a_shelter(kind="panti_transit")
    await people.platform(rig, shelter)
    body = {
        "shelter_id": shelter["shelter_id"],
        "brought_by": "polda-ppa",
        "area": "31.73.01",
        "ppks": 11,
        "persons": [{"sex": "female", "age": 45, "role": "victim", "needs": [], "agreement": "own"}],
    }
    answer = ok(await rig.post("placement", "/admissions", json=body, role="shelter_head", units=[shelter["shelter_id"]]))
    await rig.settle()
    assert await people.state(rig, answer["case_id"]) == "assessment", "the worker is assigned although intake knew nothing before"
    kinds = [kind for kind, subject, _ in await rig.facts("assessment") if str(subject) == answer["case_id"]]
    assert kinds == ["case.assessment.assigned.v1"]


async def test_a_survivor_who_refuses_the_bed_is_helped_at_home(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("K-3", shelter=True))
    placement = await people.offer_of(rig, case_id)
    ok(await rig.post("placement", f"/placements/{placement['placement_id']}/cancel", json={"reason": "survivor_declined"}, role="placement_officer"))
    await rig.settle()
    assert await people.state(rig, case_id) == "assessment"
    (need,) = [data for kind, _, data in await rig.facts("intake") if kind == "case.intake.risk_changed.v1"]
    assert need["shelter_needed"] is False


async def test_a_refusal_counts_although_the_clock_of_the_store_was_set_back(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("K-3", shelter=True))
    placement = await people.offer_of(rig, case_id)
    rig.services["placement"].database.skew -= timedelta(hours=1)
    ok(await rig.post("placement", f"/placements/{placement['placement_id']}/cancel", json={"reason": "survivor_declined"}, role="placement_officer"))
    await rig.settle()
    assert await people.state(rig, case_id) == "assessment"


async def test_who_is_no_longer_looked_for_a_bed_is_helped_at_home(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("K-3", shelter=True))
    assert await people.state(rig, case_id) == "waitlisted"
    ok(await rig.post("placement", f"/needs/{case_id}/end", role="supervisor"))
    await rig.settle()
    assert await people.state(rig, case_id) == "assessment", "it does not wait for an offer that nobody looks for"


async def test_nobody_answers_an_offer_and_the_ladder_tells_one_after_the_other(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    await people.refer(rig, people.a_referral("K-4", shelter=True, risk="high"))
    for _ in range(7):
        await rig.advance(minutes=10)
    steps = [(data["step"], data["role"]) for kind, _, data in await rig.facts("notifications") if kind == "case.notifications.escalated.v1"]
    assert [step for step, _ in steps] == sorted(step for step, _ in steps)
    assert {role for _, role in steps} >= {"shelter_head", "placement_officer"}
    assert "case.placement.expired.v1" in [kind for kind, _, _ in await rig.facts("placement")], "in the end the next shelter's turn comes"


async def test_a_household_with_no_suitable_home_waits_and_an_officer_is_told(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter(sexes=["male"]))
    case_id = await people.refer(rig, people.a_referral("K-5", shelter=True))
    assert await people.state(rig, case_id) == "waitlisted"
    inbox = ok(await rig.get("notifications", "/inbox", role="placement_officer"))["notices"]
    assert any(notice["case_id"] == str(case_id) for notice in inbox)
    ok(await rig.post("placement", "/shelters", json=people.a_shelter(), role="operator"))
    await rig.settle()
    assert await people.state(rig, case_id) == "offered", "a new shelter is tried at once"


async def test_a_hundred_households_race_for_the_last_room(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter(beds=2))
    for number in range(100):
        await rig.publish("referral.dppapp.submitted.v1", people.json.dumps(people.a_referral(f"R-{number}", shelter=True)).encode())
    await rig.settle()
    facts = await rig.facts("placement")
    offered = {subject for kind, subject, _ in facts if kind == "case.placement.offered.v1"}
    waiting = {subject: data for kind, subject, data in facts if kind == "case.placement.waitlisted.v1"}
    assert len(offered) == 1
    assert len(waiting.keys() - offered) == 99
    assert all(data["refusals"] for data in waiting.values())


async def test_a_withdrawn_case_starts_nothing_more_anywhere(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    case_id = await people.refer(rig, people.a_referral("K-6", shelter=True))
    ok(await rig.post("intake", f"/cases/{case_id}/withdraw", json={"reason": "refused_service"}, role="supervisor", agency="dppapp"))
    await rig.settle()
    await rig.advance(hours=30)
    assert await people.state(rig, case_id) == "withdrawn"
    assert [kind for kind, subject, _ in await rig.facts("assessment") if subject == case_id] == []
    (held,) = await rig.sql("placement", "SELECT count(*) AS n FROM stay WHERE NOT isempty(during)")
    assert held.n == 0
