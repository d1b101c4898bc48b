from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from assessment.domain import assignment, case
from assessment.domain.case import Case, State, StateError

from tests.assessment.builders import (
    AREA,
    CASE,
    CHILD,
    LIMITS,
    MOTHER,
    NOW,
    WORKER,
    a_triage,
    a_waiting_case,
    an_assessed_case,
    an_assigned_case,
    members,
    without_times,
)

BOTH = (MOTHER, CHILD)
TRIAGED = a_triage(1, MOTHER, CHILD, shelter_needed=True)
RISK_CHANGED = a_triage(2, MOTHER, CHILD, risk="high", shelter_needed=False)
HOUSEHOLD_CHANGED = case.Household(3, members(MOTHER))
ADMITTED = case.Entered(1, BOTH)
LEFT = case.Gone(2, BOTH)
WITHDRAWN = case.Over()
AT_THE_DOOR = (case.Entered(1, BOTH), case.Triage(0, members(*BOTH), AREA))


def step(known: Case, *told: case.Told) -> Case:
    """What the handler does with a batch: learn, advance, and give out what waits."""
    after = case.advance(case.learn(known, told), NOW, LIMITS)
    return assignment.give(after, WORKER, NOW, LIMITS)[0] if assignment.assignable(after) else after


def splits(facts: Sequence[case.Told]) -> Iterator[list[Sequence[case.Told]]]:
    """Every way to cut a sequence into batches."""
    for cuts in range(2 ** (len(facts) - 1)):
        batches, start = [], 0
        for place in range(1, len(facts)):
            if cuts >> (place - 1) & 1:
                batches.append(facts[start:place])
                start = place
        yield [*batches, facts[start:]]


@pytest.mark.parametrize("ending", [(WITHDRAWN,), ()], ids=["withdrawn", "open"])
def test_any_order_and_split_of_the_facts_ends_in_the_same_case(ending: tuple[case.Told, ...]):
    facts = (TRIAGED, RISK_CHANGED, HOUSEHOLD_CHANGED, ADMITTED, LEFT, *ending)
    expected = without_times(step(Case(CASE), *facts))
    assert expected.state is (State.STOPPED if ending else State.ASSIGNED)
    for order in permutations(facts):
        for batches in splits(order):
            known = Case(CASE)
            for batch in batches:
                known = step(known, *batch)
            assert without_times(known) == expected


def test_a_reopened_case_is_assessed_anew_whenever_its_end_was_heard():
    facts = (a_triage(1, MOTHER, CHILD, shelter_needed=False), HOUSEHOLD_CHANGED, case.Over(4), case.Again(5), a_triage(6, MOTHER, risk="low"))
    expected = without_times(step(Case(CASE), *facts))
    assert (expected.state, expected.round_version, expected.ended) == (State.ASSIGNED, 5, False)
    for order in permutations(facts):
        for batches in splits(order):
            known = Case(CASE)
            for batch in batches:
                known = step(known, *batch)
            assert without_times(known) == expected


@pytest.mark.parametrize("before", [an_assigned_case(), an_assessed_case(), replace(an_assessed_case(), state=State.FINISHED, plan_version=2)])
def test_whatever_an_assessment_had_come_to_a_reopened_case_begins_with_a_worker_and_a_clock(before: Case):
    ended = step(replace(before, at_home=True), case.Over(7))
    again = step(ended, case.Again(8))
    assert (again.state, again.goals, again.followups, again.plan_version) == (State.ASSIGNED, {}, (), before.plan_version)
    assert again.deadlines
    assert step(again, case.Over(7), case.Again(8)) == again


def test_facts_that_come_twice_change_nothing():
    facts = (TRIAGED, RISK_CHANGED, ADMITTED, LEFT)
    once = step(Case(CASE), *facts)
    assert step(once, *facts) == once


def test_a_case_at_home_starts_from_its_triage():
    assert step(Case(CASE), a_triage(shelter_needed=False)).state is State.ASSIGNED


def test_a_case_that_needs_shelter_starts_when_it_is_admitted():
    known = step(Case(CASE), TRIAGED)
    assert (known.state, known.deadlines) == (State.NOT_STARTED, {})
    assert step(known, ADMITTED).state is State.ASSIGNED


def test_a_case_whose_survivor_declined_the_shelter_starts_at_home():
    assert step(step(Case(CASE), TRIAGED), RISK_CHANGED).state is State.ASSIGNED


def test_somebody_let_in_at_the_door_is_assessed_at_once_and_not_again_after_the_triage():
    started = step(Case(CASE), *AT_THE_DOOR)
    assert (started.state, started.risk, started.area) == (State.ASSIGNED, None, AREA)
    triaged = step(started, TRIAGED)
    assert (triaged.state, triaged.risk, triaged.deadlines) == (State.ASSIGNED, "medium", started.deadlines)
    assert without_times(step(Case(CASE), TRIAGED, *AT_THE_DOOR)) == without_times(triaged)


def test_an_ended_case_starts_nothing():
    known = step(step(Case(CASE), WITHDRAWN), a_triage(), ADMITTED)
    assert (known.state, known.worker, known.deadlines) == (State.STOPPED, None, {})


@pytest.mark.parametrize("state", [a_waiting_case(), an_assigned_case(), an_assessed_case()], ids=lambda known: known.state)
def test_a_stopped_case_has_no_worker_and_no_clock(state: Case):
    stopped = step(state, WITHDRAWN)
    assert (stopped.state, stopped.worker, stopped.deadlines, stopped.due) == (State.STOPPED, None, {}, None)
    with pytest.raises(StateError, match="stopped"):
        case.assessed(stopped)


def test_who_is_sheltered_follows_placements_newest_fact():
    assert step(Case(CASE), ADMITTED).sheltered
    assert step(Case(CASE), ADMITTED, case.Gone(2, (CHILD,))).sheltered
    assert not step(Case(CASE), LEFT, ADMITTED).sheltered


def test_a_missed_deadline_is_said_and_runs_again():
    known = an_assigned_case()
    late = NOW + LIMITS.initial
    after, missed = case.ran_out(known, "initial", known.deadlines["initial"], late, LIMITS)
    assert missed == case.Missed("initial_assessment", late)
    assert after.deadlines["initial"] == late + LIMITS.again
    assert case.ran_out(case.assessed(known), "initial", late, late, LIMITS) == (case.assessed(known), None)
