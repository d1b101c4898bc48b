from dataclasses import replace
from datetime import UTC, date, datetime, time
from uuid import UUID

import pytest
from assessment.domain import assignment, case
from assessment.domain.assignment import Bar, Leave, Shift, Skill, Worker, share_out
from assessment.domain.case import Case, State, StateError
from hypothesis import given
from hypothesis import strategies as st

from tests.assessment.builders import AREA, CASE, CHILD, LIMITS, MOTHER, NOW, OTHER_WORKER, WORKER, a_planned_case, a_waiting_case, an_assigned_case

AREAS = ("31.71.01", "31.72.01", "31.75.01")


def cases(*areas: str) -> list[Case]:
    return [a_waiting_case(case_id=UUID(int=n), area=area) for n, area in enumerate(areas, 1)]


def given_out(waiting: list[Case], workers: list[Worker]) -> dict[UUID, UUID]:
    return {case_id: choice.worker for case_id, choice in share_out(waiting, workers, NOW).items()}


def test_the_worker_with_the_fewest_open_cases_gets_the_case():
    (one,) = cases(AREA)
    assert given_out([one], [Worker(WORKER, open_cases=3), Worker(OTHER_WORKER, open_cases=1)]) == {one.case_id: OTHER_WORKER}


def test_equal_loads_are_decided_by_id():
    (one,) = cases(AREA)
    assert given_out([one], [Worker(OTHER_WORKER), Worker(WORKER)]) == {one.case_id: WORKER}


def test_a_worker_of_another_area_gets_no_case_and_one_of_all_areas_does():
    (one,) = cases(AREA)
    assert given_out([one], [Worker(WORKER, frozenset({"31.71.01"}))]) == {}
    assert given_out([one], [Worker(WORKER, frozenset({"31.71.01"})), Worker(OTHER_WORKER, open_cases=9)]) == {one.case_id: OTHER_WORKER}


def test_a_batch_of_cases_is_spread_out():
    given_to = given_out(cases(*[AREA] * 4), [Worker(WORKER), Worker(OTHER_WORKER)])
    assert sorted(given_to.values()) == [WORKER, WORKER, OTHER_WORKER, OTHER_WORKER]


def test_the_riskiest_case_is_given_out_first():
    low = a_waiting_case(case_id=UUID(int=1), risk="low")
    high = a_waiting_case(case_id=UUID(int=2), risk="high")
    assert list(given_out([low, high], [Worker(WORKER)])) == [high.case_id, low.case_id]


def test_an_admission_without_a_triage_waits_until_the_area_is_known():
    known = case.advance(case.learn(Case(UUID(int=1)), [case.Entered(1, (MOTHER,))]), NOW, LIMITS)
    assert known.state is State.WAITING_FOR_WORKER
    assert given_out([known], [Worker(WORKER)]) == {}


def test_a_given_case_has_its_initial_assessment_due_and_no_search_running():
    after, said = assignment.give(a_waiting_case(), WORKER, NOW, LIMITS)
    assert (after.state, after.worker, set(after.deadlines)) == (State.ASSIGNED, WORKER, {"initial", "comprehensive", "plan"})
    assert said == case.Given(WORKER, NOW + LIMITS.initial)


def test_a_case_in_work_is_not_given_out_again():
    assert given_out([an_assigned_case()], [Worker(OTHER_WORKER)]) == {}


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
    given_to = given_out(waiting, workers)
    by_id = {worker.worker_id: worker for worker in workers}
    for one in waiting:
        able = [worker for worker in workers if worker.serves(str(one.area))]
        assert (one.case_id in given_to) == bool(able)
        if able:
            assert by_id[given_to[one.case_id]].serves(str(one.area))


@given(st.integers(1, 20), st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_loads_never_drift_apart_further_than_they_were(count: int, loads: list[int]):
    workers = [Worker(UUID(int=n), open_cases=load) for n, load in enumerate(loads, 1)]
    given_to = list(given_out(cases(*[AREA] * count), workers).values())
    after = [worker.open_cases + given_to.count(worker.worker_id) for worker in workers]
    assert max(after) - min(after) <= max(max(loads) - min(loads), 1)


def test_of_equal_limits_the_least_full_gets_it_and_nobody_gets_more_than_her_limit():
    one, two = cases(AREA, AREA)
    half, full = Worker(WORKER, open_cases=5, most_cases=10), Worker(OTHER_WORKER, open_cases=4, most_cases=5)
    assert given_out([one], [half, full]) == {one.case_id: WORKER}
    assert given_out([one, two], [Worker(WORKER, open_cases=9, most_cases=10), full]) == {one.case_id: OTHER_WORKER, two.case_id: WORKER}
    assert given_out([one], [Worker(WORKER, open_cases=10, most_cases=10)]) == {}


def test_who_is_away_in_conflict_or_gave_it_back_gets_nothing():
    (one,) = cases(AREA)
    today = NOW.date()
    for worker, bar in (
        (Worker(WORKER, leaves=(Leave(today, today),)), Bar.ON_LEAVE),
        (Worker(WORKER, conflicts=frozenset({one.case_id})), Bar.CONFLICT),
        (Worker(WORKER, conflicts=frozenset({MOTHER})), Bar.CONFLICT),
        (Worker(WORKER, declined=frozenset({one.case_id})), Bar.DECLINED),
        (Worker(WORKER, open_cases=3, most_cases=3), Bar.FULL),
        (Worker(WORKER, frozenset({"31.71.01"})), Bar.OTHER_AREA),
    ):
        assert assignment.barred(worker, one, NOW) is bar
        assert given_out([one], [worker]) == {}
        found = share_out([one], [worker, Worker(OTHER_WORKER, open_cases=99)], NOW)[one.case_id]
        assert (found.worker, found.considered, found.barred) == (OTHER_WORKER, 2, {bar.value: 1})


def test_the_last_day_of_leave_is_a_day_in_jakarta():
    worker = Worker(WORKER, leaves=(Leave(date(2026, 11, 20), date(2026, 11, 24)),))
    assert worker.away(datetime(2026, 11, 24, 16, 59, tzinfo=UTC))
    assert not worker.away(datetime(2026, 11, 24, 17, 0, tzinfo=UTC))
    assert not worker.away(datetime(2026, 11, 19, 16, 59, tzinfo=UTC))


def test_a_child_goes_to_who_is_trained_for_children_and_a_high_risk_to_who_is_on_duty():
    family = a_waiting_case(MOTHER, CHILD)
    trained, other = Worker(WORKER, open_cases=9, skills=frozenset({Skill.CHILDREN})), Worker(OTHER_WORKER)
    assert given_out([family], [trained, other]) == {family.case_id: WORKER}
    urgent = a_waiting_case(MOTHER, risk="high")
    morning, night = (Shift(NOW.weekday(), time(8), time(16)),), (Shift(NOW.weekday(), time(16), time(23)),)
    on, off = Worker(WORKER, open_cases=9, shifts=morning), Worker(OTHER_WORKER, shifts=night)
    assert given_out([urgent], [on, off]) == {urgent.case_id: WORKER}
    assert given_out([urgent], [off]) == {urgent.case_id: OTHER_WORKER}, "better one who comes later than none"
    assert given_out([a_waiting_case(MOTHER)], [on, off]) == {CASE: OTHER_WORKER}


def test_what_is_handed_back_waits_and_what_somebody_began_is_not_left_behind():
    given = an_assigned_case()
    begun = assignment.claim(given)
    assert assignment.left_behind([given, begun, a_planned_case({MOTHER: "rehabilitation"})]) == [given]
    back = assignment.hand_back(begun, NOW, LIMITS)
    assert (back.state, back.worker, back.claimed) == (State.WAITING_FOR_WORKER, None, False)
    assert back.deadlines == {**given.deadlines, "assignment": NOW + LIMITS.assignment}
    again, said = assignment.give(back, OTHER_WORKER, NOW, LIMITS, anew=True)
    assert (again.worker, said.anew) == (OTHER_WORKER, True)
    for gone in (back, a_planned_case({MOTHER: "rehabilitation"})):
        with pytest.raises(StateError):
            assignment.hand_back(gone, NOW, LIMITS)


@given(st.data())
def test_nobody_barred_is_ever_chosen_and_nobody_is_passed_over_who_is_less_full(data: st.DataObject):
    waiting = cases(*data.draw(st.lists(st.sampled_from(AREAS), min_size=1, max_size=6)))
    ids = st.sampled_from([case.case_id for case in waiting])
    makes = st.builds(
        Worker,
        st.uuids(),
        st.frozensets(st.sampled_from(AREAS), max_size=2),
        st.integers(0, 5),
        st.integers(1, 6),
        conflicts=st.frozensets(ids, max_size=1),
        declined=st.frozensets(ids, max_size=1),
    )
    workers = {worker.worker_id: worker for worker in data.draw(st.lists(makes, max_size=5, unique_by=lambda w: w.worker_id))}
    found = share_out(waiting, list(workers.values()), NOW)
    loads = {worker_id: worker.open_cases for worker_id, worker in workers.items()}
    for one in sorted(waiting, key=lambda one: one.case_id):
        now = [replace(worker, open_cases=loads[worker_id]) for worker_id, worker in workers.items()]
        able = {worker.worker_id: worker for worker in now if assignment.barred(worker, one, NOW) is None}
        assert (one.case_id in found) == bool(able)
        if able:
            chosen = able[found[one.case_id].worker]
            assert all(chosen.open_cases * other.most_cases <= other.open_cases * chosen.most_cases for other in able.values())
            loads[chosen.worker_id] += 1
