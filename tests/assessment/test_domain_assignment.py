from dataclasses import replace
from uuid import UUID

import pytest
from assessment.domain import assignment, case
from assessment.domain.assignment import Worker, share_out
from assessment.domain.case import Case, State, StateError
from hypothesis import given
from hypothesis import strategies as st

from tests.assessment.builders import AREA, LIMITS, MOTHER, NOW, OTHER_WORKER, WORKER, a_planned_case, a_waiting_case, an_assigned_case

AREAS = ("31.71.01", "31.72.01", "31.75.01")


def cases(*areas: str) -> list[Case]:
    return [a_waiting_case(case_id=UUID(int=n), area=area) for n, area in enumerate(areas, 1)]


def test_the_worker_with_the_fewest_open_cases_gets_the_case():
    (one,) = cases(AREA)
    assert share_out([one], [Worker(WORKER, open_cases=3), Worker(OTHER_WORKER, open_cases=1)]) == {one.case_id: OTHER_WORKER}


def test_equal_loads_are_decided_by_id():
    (one,) = cases(AREA)
    assert share_out([one], [Worker(OTHER_WORKER), Worker(WORKER)]) == {one.case_id: WORKER}


def test_a_worker_of_another_area_gets_no_case_and_one_of_all_areas_does():
    (one,) = cases(AREA)
    assert share_out([one], [Worker(WORKER, frozenset({"31.71.01"}))]) == {}
    assert share_out([one], [Worker(WORKER, frozenset({"31.71.01"})), Worker(OTHER_WORKER, open_cases=9)]) == {one.case_id: OTHER_WORKER}


def test_a_batch_of_cases_is_spread_out():
    given_to = share_out(cases(*[AREA] * 4), [Worker(WORKER), Worker(OTHER_WORKER)])
    assert sorted(given_to.values()) == [WORKER, WORKER, OTHER_WORKER, OTHER_WORKER]


def test_the_riskiest_case_is_given_out_first():
    low = a_waiting_case(case_id=UUID(int=1), risk="low")
    high = a_waiting_case(case_id=UUID(int=2), risk="high")
    assert list(share_out([low, high], [Worker(WORKER)])) == [high.case_id, low.case_id]


def test_an_admission_without_a_triage_waits_until_the_area_is_known():
    known = case.advance(case.learn(Case(UUID(int=1)), [case.Entered(1, (MOTHER,))]), NOW, LIMITS)
    assert known.state is State.WAITING_FOR_WORKER
    assert share_out([known], [Worker(WORKER)]) == {}


def test_a_given_case_has_its_initial_assessment_due_and_no_search_running():
    after, said = assignment.give(a_waiting_case(), WORKER, NOW, LIMITS)
    assert (after.state, after.worker, set(after.deadlines)) == (State.ASSIGNED, WORKER, {"initial", "plan"})
    assert said == case.Given(WORKER, NOW + LIMITS.initial)


def test_a_case_in_work_is_not_given_out_again():
    assert share_out([an_assigned_case()], [Worker(OTHER_WORKER)]) == {}


def test_a_supervisor_reassigns_an_open_case_and_its_deadlines_stay():
    before = a_planned_case({MOTHER: "rehabilitation"})
    after, said = assignment.reassign(before, OTHER_WORKER, NOW, LIMITS)
    assert after == replace(before, worker=OTHER_WORKER)
    assert said.anew
    assert said.due == before.due


def test_a_case_is_not_reassigned_to_the_worker_who_has_it_nor_when_it_is_stopped():
    with pytest.raises(StateError):
        assignment.reassign(an_assigned_case(), WORKER, NOW, LIMITS)
    with pytest.raises(StateError, match="stopped"):
        assignment.reassign(case.advance(case.learn(an_assigned_case(), [case.Over()]), NOW, LIMITS), OTHER_WORKER, NOW, LIMITS)


@given(
    st.lists(st.sampled_from(AREAS), max_size=12),
    st.lists(
        st.builds(Worker, st.uuids(), st.frozensets(st.sampled_from(AREAS), max_size=2), st.integers(0, 5)),
        max_size=5,
        unique_by=lambda w: w.worker_id,
    ),
)
def test_every_case_that_somebody_serves_is_given_to_one_who_serves_it(areas: list[str], workers: list[Worker]):
    waiting = cases(*areas)
    given_to = share_out(waiting, workers)
    by_id = {worker.worker_id: worker for worker in workers}
    for one in waiting:
        able = [worker for worker in workers if worker.serves(str(one.area))]
        assert (one.case_id in given_to) == bool(able)
        if able:
            assert by_id[given_to[one.case_id]].serves(str(one.area))


@given(st.integers(1, 20), st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_loads_never_drift_apart_further_than_they_were(count: int, loads: list[int]):
    workers = [Worker(UUID(int=n), open_cases=load) for n, load in enumerate(loads, 1)]
    given_to = list(share_out(cases(*[AREA] * count), workers).values())
    after = [worker.open_cases + given_to.count(worker.worker_id) for worker in workers]
    assert max(after) - min(after) <= max(max(loads) - min(loads), 1)
