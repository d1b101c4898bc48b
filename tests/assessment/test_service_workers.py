"""Who gets a case is chosen fairly and explained; it is claimed, handed back, and given to another when somebody is away, but never taken from who began."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.assessment.builders import AUNT, CHILD, MOTHER, OTHER_WORKER, SUPERVISOR, WORKER, triaged
from tests.assessment.calls import act, add_worker, answer, errors, said, see
from tests.rig import Rig

TODAY = (datetime.now(UTC) + timedelta(hours=7)).date()


async def case_of(rig: Rig, *persons: UUID, **triage: Any) -> UUID:
    case_id = uuid4()
    await rig.say(triaged(*persons or (MOTHER,), **triage), subject=case_id)
    await rig.settle()
    return case_id


async def worker_of(rig: Rig, case_id: UUID) -> str | None:
    worker: str | None = (await see(rig, case_id)).json()["worker_id"]
    return worker


def away(first: date, last: date) -> list[dict[str, str]]:
    return [{"first": first.isoformat(), "last": last.isoformat()}]


async def test_why_somebody_was_chosen_is_told(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER, areas=["31.71.01"])
    await add_worker(rig, OTHER_WORKER, most_cases=3, skills=["children"], languages=["ind", "inl"])
    case_id = await case_of(rig, MOTHER, CHILD)
    (entry,) = (await see(rig, case_id, "/assignments")).json()
    assert entry["worker_id"] == str(OTHER_WORKER)
    assert entry["why"] == {
        "worker": str(OTHER_WORKER), "open_cases": 0, "most_cases": 3, "lacks": [], "on_duty": True, "considered": 2, "barred": {"other_area": 1},
    }  # fmt: skip


async def test_a_case_that_is_handed_back_goes_to_another_and_never_back_by_itself(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    case_id = await case_of(rig)
    assert (await act(rig, case_id, "hand-back", {"reason": "conflict"}, subject=OTHER_WORKER)).status_code == 404
    waiting = (await act(rig, case_id, "hand-back", {"reason": "conflict"})).json()
    assert (waiting["state"], waiting["worker_id"]) == ("waiting_for_worker", None), "nobody else is there, and she has a conflict"
    assert (await see(rig, case_id, role="peksos", subject=WORKER)).status_code == 404, "nor does she see it any more"
    await rig.advance(minutes=20)
    assert await said(rig, case_id) == ["assigned", "clock_missed"]
    await add_worker(rig, OTHER_WORKER)
    assert await worker_of(rig, case_id) == str(OTHER_WORKER)
    assert await said(rig, case_id) == ["assigned", "clock_missed", "reassigned"]
    body = {"worker_id": str(WORKER)}
    refused = await act(rig, case_id, "reassign", body, role="supervisor", subject=SUPERVISOR)
    assert errors(refused) == {"worker_id": "conflict"}
    conflict = {"about": str(case_id)}
    assert (await rig.post("assessment", f"/workers/{WORKER}/conflicts/end", json=conflict, role="supervisor")).status_code == 200
    assert (await act(rig, case_id, "reassign", body, role="supervisor", subject=SUPERVISOR)).status_code == 200


async def test_who_declared_a_conflict_with_a_person_never_gets_her(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    path, body = f"/workers/{WORKER}/conflicts", {"about": str(AUNT)}
    assert (await rig.post("assessment", path, json=body, role="peksos", subject=OTHER_WORKER)).status_code == 404
    assert (await rig.post("assessment", path, json=body, role="peksos", subject=WORKER)).status_code == 200
    assert await worker_of(rig, await case_of(rig, AUNT)) is None
    assert await worker_of(rig, await case_of(rig, MOTHER)) == str(WORKER)


async def test_an_entry_that_somebody_else_changed_is_not_written_over(rig: Rig) -> None:
    await rig.start("assessment")
    path = f"/workers/{WORKER}"
    new = {"agency": "dinsos", "most_cases": 5, "shifts": [{"weekday": 0, "begins": "08:00", "ends": "16:00"}]}
    assert (await rig.put("assessment", path, json=new, role="operator", if_match="none")).is_success
    again = await rig.put("assessment", path, json=new, role="operator", if_match="none")
    assert again.status_code == 409, "somebody is registered under this id already"
    seen = (await rig.get("assessment", path, role="supervisor")).json()
    assert (await add_worker(rig, WORKER, **{**new, "most_cases": 7})).is_success
    late = await rig.put("assessment", path, json={**new, "most_cases": 6}, role="operator", if_match=seen["version"])
    assert late.status_code == 409
    assert [late.json()[name]["most_cases"] for name in ("current", "sent")] == [7, 6]
    mine = {**new, "most_cases": 6}
    assert (await rig.put("assessment", path, json=mine, role="operator", if_match=late.json()["version"])).json()["most_cases"] == 6


async def test_a_worker_sees_her_own_entry_and_an_operator_no_conflicts(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    path = f"/workers/{WORKER}"
    await rig.post("assessment", f"{path}/conflicts", json={"about": str(AUNT)}, role="peksos", subject=WORKER)
    assert (await rig.get("assessment", path, role="peksos", subject=OTHER_WORKER)).status_code == 404
    assert (await rig.get("assessment", f"/workers/{OTHER_WORKER}", role="supervisor")).status_code == 404
    for role, subject, told in (("peksos", WORKER, [str(AUNT)]), ("supervisor", SUPERVISOR, [str(AUNT)]), ("operator", None, None)):
        found = (await rig.get("assessment", path, role=role, subject=subject)).json()["conflicts"]
        assert (found and [entry["about"] for entry in found]) == told, role
    await rig.post("assessment", f"{path}/conflicts/end", json={"about": str(AUNT)}, role="supervisor")
    assert (await rig.get("assessment", path, role="supervisor")).json()["conflicts"] == []
    read = await rig.sql("assessment", "SELECT count(*) AS n FROM audit WHERE subject = :w AND action = 'read' AND fields = 'conflict'", w=WORKER)
    assert read[0].n == 3


async def test_who_goes_on_leave_keeps_what_she_began_and_others_get_the_rest(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    begun, claimed, untouched = [await case_of(rig) for _ in range(3)]
    await answer(rig, begun, {"phq9_1": 1})
    assert (await act(rig, claimed, "claim")).json()["claimed"]
    tomorrow = TODAY + timedelta(days=1)
    await add_worker(rig, WORKER, leaves=away(tomorrow, tomorrow + timedelta(days=5)))
    await add_worker(rig, OTHER_WORKER)
    assert await worker_of(rig, untouched) == str(WORKER), "her leave has not begun"
    await rig.advance(hours=25)
    assert [await worker_of(rig, case_id) for case_id in (begun, claimed, untouched)] == [str(WORKER), str(WORKER), str(OTHER_WORKER)]
    assert [kind for kind in await said(rig, untouched) if kind != "clock_missed"] == ["assigned", "reassigned"]
    assert await worker_of(rig, await case_of(rig)) == str(OTHER_WORKER)


async def test_an_absent_worker_keeps_a_case_that_nobody_else_may_have(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    case_id = await case_of(rig)
    await add_worker(rig, WORKER, leaves=away(TODAY, TODAY))
    await rig.settle()
    assert await worker_of(rig, case_id) == str(WORKER)
    assert await said(rig, case_id) == ["assigned"]


async def test_a_leave_that_was_taken_back_takes_no_case_from_anybody(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    case_id = await case_of(rig)
    await add_worker(rig, WORKER, leaves=away(TODAY + timedelta(days=1), TODAY + timedelta(days=2)))
    await add_worker(rig, WORKER)
    await add_worker(rig, OTHER_WORKER)
    await rig.advance(hours=25)
    assert await worker_of(rig, case_id) == str(WORKER)
    assert "reassigned" not in await said(rig, case_id)


async def test_a_full_worker_gets_no_more_until_a_supervisor_says_so(rig: Rig) -> None:
    await rig.start("assessment", caseload=2)
    await add_worker(rig, WORKER)
    cases = [await case_of(rig) for _ in range(3)]
    assert [await worker_of(rig, case_id) for case_id in cases] == [str(WORKER), str(WORKER), None]
    body = {"worker_id": str(WORKER)}
    assert (await act(rig, cases[2], "reassign", body, role="supervisor", subject=SUPERVISOR)).json()["worker_id"] == str(WORKER)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"leaves": away(TODAY, TODAY - timedelta(days=1))}, "leaves.0"),
        ({"shifts": [{"weekday": 7, "begins": "08:00", "ends": "16:00"}]}, "shifts.0.weekday"),
        ({"shifts": [{"weekday": 0, "begins": "22:00", "ends": "06:00"}]}, "shifts.0"),
        ({"most_cases": 0}, "most_cases"),
        ({"skills": ["flying"]}, "skills.0"),
        ({"languages": ["Indonesian"]}, "languages.0"),
    ],
)
async def test_what_cannot_be_said_of_a_worker_is_refused_by_field(rig: Rig, changes: dict[str, Any], field: str) -> None:
    await rig.start("assessment")
    assert list(errors(await add_worker(rig, WORKER, **changes))) == [field]
