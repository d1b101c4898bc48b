"""Sessions are told to who asked to hear of them, attendance is counts, and what is known of areas gives nobody away."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.notifications.events import reported
from tests.rig import Rig

S = "notifications"
DPPAPP = {"role": "supervisor", "agency": "dppapp"}
NOTE = "Bawa anak Anda ke RPTRA"


def a_session(**more: Any) -> dict[str, Any]:
    starts = datetime.now(UTC) + timedelta(days=3)
    return {
        "title": "child_rights", "note": NOTE, "place": "rptra", "area": "31.71.01", "audiences": ["forum_anak", "volunteers"],
        "starts_at": starts.isoformat(), **more,
    }  # fmt: skip


async def told(rig: Rig, who: dict[str, Any]) -> list[str]:
    return [notice["kind"] for notice in (await rig.get(S, "/inbox", **who)).json()["notices"]]


async def test_a_session_is_told_to_who_asked_for_it_there_and_to_nobody_else(rig: Rig) -> None:
    await rig.start(S)
    asked = {"wants": {"areas": ["31.71"]}, "elsewhere": {"areas": ["31.72"]}, "for others": {"audiences": ["students"]}, "everything": {}}
    people = {name: {"role": "peksos", "subject": uuid4()} for name in (*asked, "never asked", "no more")}
    for name, body in {**asked, "no more": {}}.items():
        assert (await rig.put(S, "/prevention/opt-in", json=body, **people[name])).json()["told"]
    assert not (await rig.send("DELETE", S, "/prevention/opt-in", **people["no more"])).json()["told"]
    made = await rig.post(S, "/prevention/sessions", json=a_session(), key="once", **DPPAPP)
    assert made.status_code == 201, made.text
    await rig.post(S, "/prevention/sessions", json=a_session(), key="again", **{**DPPAPP, "agency": "dinsos"})
    assert {name for name, who in people.items() if await told(rig, who)} == {"wants", "everything"}
    await rig.post(S, f"/prevention/sessions/{made.json()['id']}/cancel", **DPPAPP)
    assert await told(rig, people["wants"]) == ["prevention.announced", "prevention.cancelled"]
    (notice, _) = (await rig.get(S, "/inbox", **people["wants"])).json()["notices"]
    assert notice["session_id"] == made.json()["id"]
    assert NOTE not in str(notice)
    assert await rig.facts(S) == [], "what people write travels nowhere"
    (seen,) = (await rig.get(S, "/prevention/sessions?area=31.71", role="agency_system")).json()
    assert (seen["note"], seen["cancelled_at"] is not None) == (NOTE, True)
    assert (await rig.get(S, "/prevention/sessions?area=31.72", role="agency_system")).json() == []


@pytest.mark.parametrize(
    ("who", "body", "status"),
    [
        ({"role": "supervisor", "agency": "dinsos"}, {}, 403),
        ({"role": "peksos", "agency": "dppapp"}, {}, 403),
        (DPPAPP, {"title": "a free title"}, 422),
        (DPPAPP, {"starts_at": "2020-01-01T00:00:00Z"}, 422),
        (DPPAPP, {"audiences": []}, 422),
    ],
)
async def test_a_session_that_cannot_be_is_refused(rig: Rig, who: dict[str, Any], body: dict[str, Any], status: int) -> None:
    await rig.start(S)
    assert (await rig.post(S, "/prevention/sessions", json=a_session(**body), **who)).status_code == status


async def test_attendance_is_counts_of_a_session_that_took_place(rig: Rig) -> None:
    await rig.start(S)
    path = f"/prevention/sessions/{(await rig.post(S, '/prevention/sessions', json=a_session(), **DPPAPP)).json()['id']}/attendance"
    assert (await rig.put(S, path, json={"people": 30, "children": 20}, **DPPAPP)).status_code == 409
    await rig.advance(days=4)
    wrong = await rig.put(S, path, json={"people": 30, "children": 31}, **DPPAPP)
    assert wrong.json()["errors"] == [{"field": "children", "code": "more_than_people"}]
    counted = (await rig.put(S, path, json={"people": 30, "children": 20}, **DPPAPP)).json()
    assert (counted["attended"], counted["attended_children"]) == (30, 20)


async def test_statistics_hide_few_cases_and_a_month_that_runs(rig: Rig) -> None:
    await rig.start(S)
    month = datetime(2026, 3, 10, tzinfo=UTC)
    for area, many in (("31.71.01", 6), ("31.71.02", 7), ("31.71.03", 2), ("31.72.01", 8)):
        for _ in range(many):
            await rig.say(reported(area=area, recorded_at=month), subject=uuid4())
    await rig.say(reported(area="31.71.01", recorded_at=month - timedelta(days=30)), subject=UUID(int=5))
    await rig.settle()
    found = (await rig.get(S, "/prevention/statistics?month=2026-03", **DPPAPP)).json()
    assert (found["districts"], found["cities"], found["total"]) == ({"31.71.02": 7, "31.72.01": 8}, {"31.71": 15, "31.72": 8}, 23)
    assert (await rig.get(S, "/prevention/statistics?month=2026-02", **DPPAPP)).json()["total"] is None
    running = await rig.get(S, f"/prevention/statistics?month={datetime.now(UTC):%Y-%m}", **DPPAPP)
    assert running.json()["errors"] == [{"field": "month", "code": "not_over"}]
    assert (await rig.get(S, "/prevention/statistics?month=2026-03", role="supervisor", agency="dinsos")).status_code == 403
