"""Policies of escalation are versions that hold for what is offered after them; who is on call is told by name."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.notifications.events import alert, offered, reported, triaged
from tests.rig import Rig

S = "notifications"


def a_policy(minutes: float = 5, **more: Any) -> dict[str, Any]:
    step = {"minutes": minutes, "roles": ["shelter_head"], "channels": ["inbox"], **more.pop("step", {})}
    return {"source": "a test", "high": [step], "other": [step], **more}


async def put_policy(rig: Rig, body: dict[str, Any], seen: int = 1) -> Any:
    return await rig.post(S, "/escalation/policies", role="operator", json=body, if_match=str(seen))


async def an_offer(rig: Rig) -> tuple[UUID, UUID]:
    case, unit = uuid4(), uuid4()
    await rig.say(reported(), subject=case)
    await rig.say(triaged(), subject=case, factversion=2)
    await rig.say(offered(uuid4(), unit), subject=case, at=datetime.now(UTC) + rig.services[S].database.skew)
    await rig.settle()
    return case, unit


async def heard(rig: Rig, unit: UUID) -> list[str]:
    notices = (await rig.get(S, "/inbox", role="shelter_head", units=[unit])).json()["notices"]
    return [notice["kind"] for notice in notices if notice["kind"].startswith("ladder.")]


async def test_a_new_policy_holds_for_what_is_offered_after_it(rig: Rig) -> None:
    await rig.start(S)
    _, before = await an_offer(rig)
    made = await put_policy(rig, a_policy(5))
    assert (made.status_code, made.json()["version"]) == (201, 2)
    _, after = await an_offer(rig)
    await rig.advance(minutes=6)
    assert (await heard(rig, before), await heard(rig, after)) == ([], ["ladder.answer_awaited"])
    await rig.advance(minutes=60)
    assert await heard(rig, before) == ["ladder.answer_awaited"]
    assert [row.policy_version for row in await rig.sql(S, "SELECT policy_version FROM ladder ORDER BY offered_at")] == [1, 2]
    seen = (await rig.get(S, "/escalation/policies", role="supervisor")).json()
    assert [(one["version"], one["policy"]["source"]) for one in seen][1] == (2, "a test")
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "x", "high": [], "other": [{"minutes": 1, "roles": ["shelter_head"]}]}, "high"),
        (a_policy(step={"roles": ["agency_system"]}), "high.0.roles.0"),
        (a_policy(step={"minutes": 0}), "high.0.minutes"),
        (a_policy(office={"days": [0], "opens": "16:00", "closes": "08:00"}), "office"),
    ],
)
async def test_a_policy_that_would_let_nothing_climb_is_refused_by_field(rig: Rig, body: dict[str, Any], field: str) -> None:
    await rig.start(S)
    refused = await put_policy(rig, body)
    assert refused.status_code == 422
    assert field in {problem["field"] for problem in refused.json()["errors"]}
    assert (await rig.post(S, "/escalation/policies", role="supervisor", json=a_policy(), if_match="1")).status_code == 403


async def test_two_who_change_the_policy_do_not_cross(rig: Rig) -> None:
    await rig.start(S)
    assert (await rig.post(S, "/escalation/policies", role="operator", json=a_policy())).status_code == 428
    assert (await put_policy(rig, a_policy())).status_code == 201
    crossed = await put_policy(rig, a_policy())
    assert (crossed.status_code, crossed.json()["version"]) == (409, 2)


async def test_a_step_in_working_time_waits_for_the_office(rig: Rig) -> None:
    await rig.start(S)
    closed = (datetime.now(UTC) + timedelta(days=2)).weekday()  # neither today nor tomorrow, wherever the day begins
    office = {"days": [closed], "opens": "00:00", "closes": "23:59"}
    await put_policy(rig, a_policy(5, step={"hours": "working"}, office=office))
    _, unit = await an_offer(rig)
    await rig.advance(minutes=30)
    assert await heard(rig, unit) == []
    await rig.advance(days=9)
    assert await heard(rig, unit) == ["ladder.answer_awaited"]


async def test_who_is_on_call_is_told_by_name_too_as_long_as_she_is(rig: Rig) -> None:
    await rig.start(S)
    officer, gone = uuid4(), uuid4()
    await put_policy(rig, a_policy(5, step={"on_call": True}))
    now = datetime.now(UTC)
    duty = {"role": "shelter_head", "starts": (now - timedelta(hours=1)).isoformat(), "ends": (now + timedelta(hours=3)).isoformat()}
    for who in (officer, gone):
        made = await rig.post(S, "/on-call", role="supervisor", json={**duty, "officer": str(who)})
        assert made.status_code == 201, made.text
    taken = await rig.send("DELETE", S, f"/on-call/{made.json()['id']}", role="supervisor")
    assert taken.json()["taken_back_at"]
    _, unit = await an_offer(rig)
    await rig.advance(minutes=6)
    (notice,) = (await rig.get(S, "/inbox", role="shelter_head", subject=officer)).json()["notices"]
    assert (notice["kind"], notice["urgency"]) == ("ladder.answer_awaited", "urgent")
    assert (await rig.get(S, "/inbox", role="shelter_head", subject=gone)).json()["notices"] == []
    assert await heard(rig, unit) == ["ladder.answer_awaited"], "those who hold the role are told all the same"
    assert len(await rig.facts(S)) == 1


async def test_a_duty_is_planned_by_its_own_agency_and_within_reason(rig: Rig) -> None:
    await rig.start(S)
    now = datetime.now(UTC)
    duty = {"role": "supervisor", "officer": str(uuid4()), "starts": now.isoformat(), "ends": (now + timedelta(hours=3)).isoformat()}
    assert (await rig.post(S, "/on-call", role="supervisor", json={**duty, "agency": "polda-ppa"})).status_code == 403
    assert (await rig.post(S, "/on-call", role="peksos", json=duty)).status_code == 403
    for ends, code in ((now - timedelta(hours=1), "too_early"), (now + timedelta(days=40), "too_late")):
        refused = await rig.post(S, "/on-call", role="supervisor", json={**duty, "ends": ends.isoformat()})
        assert refused.json()["errors"] == [{"field": "ends", "code": code}]
    made = (await rig.post(S, "/on-call", role="supervisor", json=duty)).json()
    assert (await rig.send("DELETE", S, f"/on-call/{made['id']}", role="supervisor", agency="polda-ppa")).status_code == 404
    assert [one["id"] for one in (await rig.get(S, "/on-call", role="supervisor")).json()] == [made["id"]]
    assert (await rig.get(S, "/on-call", role="supervisor", agency="polda-ppa")).json() == []


async def test_how_long_an_alert_may_lie_is_part_of_the_policy(rig: Rig) -> None:
    await rig.start(S)
    await put_policy(rig, a_policy(unacknowledged_minutes=3))
    case = uuid4()
    await rig.say(reported(), subject=case)
    await rig.say(alert(), subject=case)
    await rig.settle()
    await rig.advance(minutes=4)
    kinds = [notice["kind"] for notice in (await rig.get(S, "/inbox", role="supervisor")).json()["notices"]]
    assert kinds == ["assessment.alert_raised", "unacknowledged"]
