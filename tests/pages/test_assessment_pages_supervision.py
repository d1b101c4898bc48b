"""A supervisor's day on one page: what she decides, who has too much or is away, which reviews were missed, and what else is late at whom."""

from datetime import timedelta
from uuid import UUID

from assessment.domain.case import State
from assessment.pages.load import load_of
from assessment.pages.moves import moves
from assessment.pages.supervision import day_of
from assessment.views import LeaveBody, WorkerView

from tests.assessment.builders import MOTHER, NOW, OTHER_WORKER, SUPERVISOR, WORKER
from tests.assessment.calls import a_planned_case, act, add_worker, plan_of
from tests.pages.test_assessment_pages import LOW, another_case, supervisor, worker
from tests.pages.test_assessment_pages_moves import a_case
from tests.pages.visitor import Visitor
from tests.rig import Rig


def a_worker(worker_id: UUID = WORKER, *, cases: int = 0, most: int | None = None, active: bool = True, leave: LeaveBody | None = None) -> WorkerView:
    told = {
        "worker_id": worker_id,
        "agency": "dinsos",
        "active": active,
        "most_cases": most,
        "open_cases": cases,
        "leaves": (leave,) if leave else (),
    }
    return WorkerView.model_validate({**told, "areas": (), "skills": (), "languages": (), "shifts": ()})


def test_who_has_too_much_or_leaves_cases_alone_matters_and_who_is_only_full_does_not() -> None:
    today = (NOW + timedelta(hours=7)).date()
    away = LeaveBody(first=today, last=today)
    matters = [
        load_of(entry, 3, NOW).matters
        for entry in (
            a_worker(cases=4),
            a_worker(cases=3),
            a_worker(cases=6, most=5),
            a_worker(cases=4, most=5),
            a_worker(cases=1, leave=away),
            a_worker(leave=away),
            a_worker(cases=1, active=False),
            a_worker(active=False),
            a_worker(cases=1, leave=LeaveBody(first=today + timedelta(days=1), last=today + timedelta(days=2))),
        )
    ]
    assert matters == [True, False, True, False, True, False, True, False, False]


def test_a_day_has_what_she_decides_then_missed_reviews_then_what_else_is_late() -> None:
    cases = [
        a_case(1, State.PLAN_APPROVED, clock="outcome", hours=-3),
        a_case(2, State.PLAN_APPROVED, clock="outcome", hours=3),
        a_case(3, State.ASSIGNED, clock="comprehensive", hours=9, missed=1),
        a_case(4, State.PLAN_PROPOSED, hours=4),
        a_case(5, State.WAITING_FOR_WORKER, worker_id=None, hours=2),
        a_case(6, State.PLAN_PROPOSED, worker_id=SUPERVISOR),
    ]
    day = day_of(moves(cases, SUPERVISOR, NOW, supervises=True), [], NOW)
    found = {name: [move.case.case_id.int for move in getattr(day, name)] for name in ("decisions", "elsewhere", "reviews", "late")}
    assert found == {"decisions": [5, 4], "elsewhere": [6], "reviews": [1], "late": [3]}


async def test_her_day_says_whose_move_it_is_and_opens_the_exact_page(rig: Rig) -> None:
    reviewed = await a_planned_case(rig, {MOTHER: "services_at_home"})
    await rig.advance(days=31)
    proposed = await another_case(rig)
    await act(rig, proposed, "complete", LOW)
    await act(rig, proposed, "plan", plan_of({MOTHER: "services_at_home"}))
    await add_worker(rig, WORKER, most_cases=1)
    page = (await supervisor(rig).see("supervision")).text
    order = [page.index(words) for words in (f"cases/{proposed}/plan", f"workers/{WORKER}", "Tinjauan yang terlewat (1)", f'cases/{reviewed}"')]
    assert page.index('id="decisions"') < page.index('id="workers"') < page.index('id="reviews"')
    assert order[0] < order[2] < order[3]
    for words in ("1 keputusan", "1 petugas", "1 tinjauan terlewat", "2 kasus terbuka dari paling banyak 1", "melebihi batas"):
        assert words in page, words
    for other in (worker(rig), Visitor(rig, "assessment", role="operator")):
        assert (await other.see("supervision")).status_code == 403


async def test_from_a_case_a_supervisor_declares_a_conflict_of_its_worker(rig: Rig) -> None:
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    at = f"workers/{WORKER}/conflicts/new?about={case_id}"
    assert at in (await supervisor(rig).see(f"cases/{case_id}")).text
    page = await supervisor(rig).see(at)
    assert f'value="{case_id}"' in page.text
    assert (await supervisor(rig).send(at, "/conflicts/new", about=str(case_id))).status_code == 303
    kept = (await rig.get("assessment", f"/workers/{WORKER}", role="supervisor")).json()["conflicts"]
    assert [entry["about"] for entry in kept] == [str(case_id)]
    assert (await worker(rig, OTHER_WORKER).see(at)).status_code == 404
