from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations

import pytest
from assessment.domain import assignment, case, followups, plan
from assessment.domain.case import OPEN, TERMINAL, Case, State, StateError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.assessment.builders import (
    AREA,
    CASE,
    CHILD,
    LIMITS,
    MOTHER,
    NOW,
    SUPERVISOR,
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


OUTCOMES = (
    "reunification",
    "return_to_other_region",
    "kin_or_foster_care",
    "rehabilitation",
    "services_at_home",
    "independent_living",
    "referral_out",
)


class Lifecycle(RuleBasedStateMachine):
    """A case from its start to the last follow-up: whatever people and clocks do, there is always a next step."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Case(CASE)
        self.now = NOW
        self.plan: plan.Plan | None = None
        self.approvals = 0
        self.ended = False
        self.lasts = 0

    @initialize(risk=st.sampled_from(["high", "medium", "low"]), direct=st.booleans())
    def start(self, risk: str, direct: bool) -> None:
        told = AT_THE_DOOR if direct else (a_triage(1, *BOTH, risk=risk),)
        self.known = case.advance(case.learn(self.known, told), self.now, LIMITS)

    @precondition(lambda self: assignment.assignable(self.known))
    @rule()
    def find_a_worker(self) -> None:
        self.known, _ = assignment.give(self.known, WORKER, self.now, LIMITS)

    @precondition(lambda self: self.known.state is State.ASSIGNED)
    @rule()
    def complete(self) -> None:
        self.known = case.assessed(self.known)

    @precondition(lambda self: self.known.state in {State.ASSESSED, State.PLAN_APPROVED})
    @rule(data=st.data())
    def propose(self, data: st.DataObject) -> None:
        fixed = {person: goal.outcome for person, goal in self.known.goals.items() if goal.progress is case.Progress.REACHED}
        chosen = [(m.person_id, fixed.get(m.person_id) or data.draw(st.sampled_from(OUTCOMES))) for m in self.known.members]
        self.known, self.plan = plan.propose(self.known, chosen, WORKER, self.now, LIMITS)

    @precondition(lambda self: self.known.state is State.PLAN_PROPOSED)
    @rule(good=st.booleans())
    def decide(self, good: bool) -> None:
        assert self.plan is not None
        decide = plan.approve if good and not plan._missing(self.known, self.plan.outcomes) else plan.send_back
        self.known = decide(self.known, self.plan, SUPERVISOR, self.now, LIMITS)
        self.approvals += decide is plan.approve

    @precondition(lambda self: self.known.state is State.PLAN_APPROVED)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        open_goals = [p for p, goal in self.known.goals.items() if goal.progress is not case.Progress.REACHED]
        person = data.draw(st.sampled_from(open_goals))
        goal = self.known.goals[person]
        if goal.outcome in plan.HOMEWARD:
            self.known = plan.reunify(self.known, person, home_visit_done=True, risk_rechecked=True, now=self.now, limits=LIMITS)
        elif goal.outcome != plan.REHABILITATION:
            self.known, _ = plan.reach(self.known, person, self.now, LIMITS)
        elif goal.progress is case.Progress.PLANNED:
            self.known = plan.start_rehabilitation(self.known, person, self.now, LIMITS)
        else:
            self.known = plan.complete_rehabilitation(self.known, person, self.now, LIMITS)

    @precondition(lambda self: self.known.state is State.MONITORING)
    @rule(data=st.data(), result=st.sampled_from(["safe", "needs_support", "unsafe", "not_reached"]))
    def follow_up(self, data: st.DataObject, result: str) -> None:
        undone = [f.number for f in self.known.followups if f.state in followups.UNDONE]
        self.known, ended = followups.done(self.known, data.draw(st.sampled_from(undone)), result, self.now, LIMITS)
        self.lasts += ended.last

    @precondition(lambda self: self.known.deadlines)
    @rule()
    def the_next_clock_runs_out(self) -> None:
        clock, due = min(self.known.deadlines.items(), key=lambda entry: entry[1])
        self.now = max(self.now, due)
        kind, _, number = clock.partition(":")
        said: object
        if kind == "followup":
            self.known, said = followups.come_due(self.known, int(number), self.now, LIMITS)
        elif kind == "grace":
            self.known, said = followups.grace_ends(self.known, int(number))
            assert isinstance(said, case.FollowupEnded)
            self.lasts += said.last
        else:
            self.known, said = case.ran_out(self.known, clock, due, self.now, LIMITS)
        assert said is not None

    @precondition(lambda self: len(self.known.members) > 1)
    @rule()
    def the_child_leaves_the_household(self) -> None:
        version = self.known.household_version + 1
        self.known = case.advance(case.learn(self.known, [case.Household(version, members(MOTHER))]), self.now, LIMITS)

    @precondition(lambda self: not self.ended)
    @rule(chance=st.integers(0, 9))
    def the_case_ends(self, chance: int) -> None:
        if chance == 0:
            self.ended = True
            self.known = case.advance(case.learn(self.known, [WITHDRAWN]), self.now, LIMITS)

    @precondition(lambda self: self.known.state in TERMINAL)
    @rule()
    def a_late_fact_starts_nothing(self) -> None:
        state = self.known.state
        self.known = case.advance(case.learn(self.known, [TRIAGED, ADMITTED, WITHDRAWN]), self.now, LIMITS)
        assert self.known.state is state

    @invariant()
    def an_open_case_has_a_clock_and_a_terminal_one_has_none(self) -> None:
        assert bool(self.known.deadlines) == (self.known.state in OPEN)

    @invariant()
    def nothing_is_reached_without_an_approval(self) -> None:
        if self.known.goals or self.known.state in {State.PLAN_APPROVED, State.MONITORING, State.FINISHED}:
            assert self.approvals > 0

    @invariant()
    def the_last_follow_up_is_said_once_and_finishes_the_case(self) -> None:
        assert self.lasts == (self.known.state is State.FINISHED)

    @invariant()
    def a_deadline_never_lies_in_the_past(self) -> None:
        assert all(due >= self.now for due in self.known.deadlines.values())

    @invariant()
    def a_worker_has_every_case_that_is_worked_on(self) -> None:
        working = {State.ASSIGNED, State.ASSESSED, State.PLAN_PROPOSED, State.PLAN_APPROVED, State.MONITORING}
        assert (self.known.worker is not None) == (self.known.state in working | {State.FINISHED})


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
