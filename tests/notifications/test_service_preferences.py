"""What officers chose: told once beside what they must hear, in their rhythm; and notices about one thing are one."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import assessment, intake, placement

from tests.notifications.events import PERSON, assigned, reported, triaged
from tests.rig import Rig

S = "notifications"
BOSS = UUID(int=501)


async def chosen(rig: Rig, subject: UUID = BOSS, version: int = 0, role: str = "supervisor", **body: Any) -> dict[str, Any]:
    answer = await rig.put(S, "/preferences", role=role, subject=subject, if_match=str(version), json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def inbox(rig: Rig, role: str = "supervisor", subject: UUID = BOSS, **who: Any) -> list[dict[str, Any]]:
    return (await rig.get(S, "/inbox", role=role, subject=subject, **who)).json()["notices"]


def accepted() -> placement.Accepted:
    return placement.Accepted(placement_id=uuid4(), shelter_id=uuid4(), arrive_by="2030-01-01T00:00:00Z")


async def a_case(rig: Rig, case: UUID, area: str = "31.71.01", risk: str = "low", agency: str = "dinsos") -> None:
    await rig.say(reported(area=area, agency=agency), subject=case)
    await rig.say(triaged(area=area, risk=risk, responsible_agency=agency), subject=case, factversion=2)
    await rig.settle()


async def test_who_chose_a_kind_is_told_of_it_once_and_only_where_she_chose(rig: Rig) -> None:
    await rig.start(S)
    await chosen(rig, kinds=["placement.accepted"], areas=["31.71"], risks=["low"])
    here, elsewhere, riskier, foreign = (uuid4() for _ in range(4))
    await a_case(rig, here)
    await a_case(rig, elsewhere, area="31.72.01")
    await a_case(rig, riskier, risk="medium")
    await a_case(rig, foreign, agency="polda-ppa")
    for case in (here, elsewhere, riskier, foreign):
        identity = uuid4()
        for _ in range(2):
            await rig.say(accepted(), subject=case, id=identity, factversion=3)
    await rig.settle()
    assert [notice["case_id"] for notice in await inbox(rig) if notice["kind"] == "placement.accepted"] == [str(here)]
    assert [notice for notice in await inbox(rig, subject=uuid4()) if notice["kind"] == "placement.accepted"] == [], "nobody else is told"


async def test_a_case_that_another_agency_leads_is_not_followed_any_more(rig: Rig) -> None:
    await rig.start(S)
    await chosen(rig, kinds=["placement.accepted"])
    case = uuid4()
    await a_case(rig, case)
    await rig.say(accepted(), subject=case)
    await rig.settle()
    assert [notice["kind"] for notice in await inbox(rig)] == ["placement.accepted"]
    await rig.say(triaged(responsible_agency="polda-ppa"), subject=case, factversion=5)
    await rig.settle()
    assert await inbox(rig) == []


async def test_who_is_told_by_role_is_not_told_again_by_name(rig: Rig) -> None:
    await rig.start(S)
    await chosen(rig, kinds=["intake.triaged"])
    case = uuid4()
    await rig.say(triaged(risk="high"), subject=case)
    await rig.say(triaged(risk="low"), subject=uuid4())
    await rig.settle()
    assert sorted(notice["kind"] for notice in await inbox(rig)) == ["intake.triaged", "intake.triaged"]
    assert len({notice["case_id"] for notice in await inbox(rig)}) == 2


async def test_a_worker_hears_of_her_own_cases_alone(rig: Rig) -> None:
    await rig.start(S)
    worker = uuid4()
    await chosen(rig, worker, role="peksos", kinds=["placement.admitted"], own_cases=True)
    mine, other = uuid4(), uuid4()
    for case in (mine, other):
        await a_case(rig, case)
    await rig.say(assigned(worker), subject=mine)
    await rig.settle()
    for case in (mine, other):
        fact = placement.Admitted(
            placement_id=uuid4(), shelter_id=uuid4(), persons=({"person_id": PERSON, "agreement": "own"},),
            admitted_at="2026-01-01T00:00:00Z", review_on="2026-01-15",
        )  # fmt: skip
        await rig.say(fact, subject=case, factversion=9)
    await rig.settle()
    told = await inbox(rig, "peksos", worker)
    assert [(notice["kind"], notice["case_id"]) for notice in told if notice["kind"] == "placement.admitted"] == [("placement.admitted", str(mine))]


async def test_a_digest_waits_for_its_hour_and_what_is_urgent_does_not(rig: Rig) -> None:
    await rig.start(S)
    await chosen(rig, kinds=["placement.accepted", "intake.risk_changed"], pace="digest", digest_at="07:30")
    case, role = uuid4(), "supervisor"
    await a_case(rig, case)
    await rig.say(accepted(), subject=case)
    await rig.say(triaged(intake.RiskChanged, risk="high"), subject=case, factversion=7)
    await rig.settle()
    assert [notice["kind"] for notice in await inbox(rig)] == ["intake.risk_changed"]
    (last,) = await inbox(rig)
    await rig.advance(hours=25)
    after = (await rig.get(S, f"/inbox?after={last['position']}", role=role, subject=BOSS)).json()["notices"]
    assert "placement.accepted" in [notice["kind"] for notice in after], "it comes after what was seen before it was shown"


async def test_what_is_compulsory_stays_and_what_is_optional_can_be_turned_off(rig: Rig) -> None:
    await rig.start(S)
    refused = await rig.put(
        S, "/preferences", role="supervisor", if_match="0",
        json={"muted": ["assessment.completed", "assessment.alert_raised"], "kinds": ["placement.offered"], "quiet_from": "22:00", "areas": []},
    )  # fmt: skip
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"field": "kinds.0", "code": "not_choosable"},
        {"field": "muted.1", "code": "compulsory"},
        {"field": "quiet_until", "code": "missing"},
    ]
    await chosen(rig, muted=["assessment.completed"])
    case = uuid4()
    await a_case(rig, case)
    await rig.say(assessment.Completed(band="mild"), subject=case)
    await rig.settle()
    assert "assessment.completed" not in [notice["kind"] for notice in await inbox(rig)]
    assert "assessment.completed" in [notice["kind"] for notice in await inbox(rig, subject=uuid4())]


async def test_a_worker_turns_off_what_she_is_told_by_name(rig: Rig) -> None:
    await rig.start(S)
    worker, case = uuid4(), uuid4()
    await rig.say(assigned(worker), subject=case)
    await rig.say(assessment.PlanApproved(version=1, outcomes=({"person_id": PERSON, "outcome": "services_at_home"},)), subject=case, factversion=2)
    await rig.settle()
    who = {"role": "peksos", "subject": worker}
    assert [notice["kind"] for notice in await inbox(rig, **who)] == ["assessment.assigned", "assessment.plan_approved"]
    await chosen(rig, worker, role="peksos", muted=["assessment.plan_approved"])
    assert [notice["kind"] for notice in await inbox(rig, **who)] == ["assessment.assigned"]


async def test_preferences_have_versions_and_two_changes_do_not_cross(rig: Rig) -> None:
    await rig.start(S)
    who = {"role": "supervisor", "subject": BOSS}
    assert (await rig.get(S, "/preferences", **who)).json()["chosen"]["version"] == 0
    assert (await rig.put(S, "/preferences", json={}, **who)).status_code == 428
    assert (await chosen(rig, kinds=["placement.accepted"]))["version"] == 1
    crossed = await rig.put(S, "/preferences", json={}, if_match="0", **who)
    assert (crossed.status_code, crossed.json()["version"]) == (409, 1)
    assert (await chosen(rig, version=1))["kinds"] == []
    assert [(seen["version"], seen["kinds"]) for seen in (await rig.get(S, "/preferences/versions", **who)).json()] == [
        (2, []),
        (1, ["placement.accepted"]),
    ]


@pytest.mark.parametrize("acknowledged", [False, True], ids=["open", "acknowledged"])
async def test_notices_about_one_thing_within_a_while_are_one_that_comes_up_again(rig: Rig, acknowledged: bool) -> None:
    await rig.start(S, merge_minutes=10_000_000)
    case, who = uuid4(), {"role": "intake_officer", "subject": UUID(int=9)}
    await rig.say(triaged(intake.RiskChanged), subject=case, factversion=2)
    await rig.settle()
    (first,) = await inbox(rig, **who)
    if acknowledged:
        await rig.post(S, f"/inbox/{first['id']}/acknowledge", **who)
    for version in (3, 4):
        await rig.say(triaged(intake.RiskChanged), subject=case, factversion=version)
        await rig.settle()
    *_, last = seen = await inbox(rig, **who)
    assert last["position"] > first["position"]
    assert [(notice["id"] == first["id"], notice["times"]) for notice in seen] == ([(True, 1), (False, 2)] if acknowledged else [(True, 3)])
    await rig.post(S, f"/inbox/{last['id']}/acknowledge", **who)
    assert [row.n for row in await rig.sql(S, "SELECT count(*) AS n FROM notice WHERE acknowledged_at IS NULL AND role = 'intake_officer'")] == [0]
