"""A case from its admission to the last follow-up: whatever people, clocks, the other services and the stream do, there is always a next step.

Placement is played by its own rule (a stay ends with an outcome unless it began after that), and what it and assessment say to each other arrives
in any order, late and twice. NAUNGAN_MACHINE_EXAMPLES says how many lives are lived.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from assessment.domain import assignment, case, followups, outcomes, plan, preparation, reassessment, rehabilitation
from assessment.domain.case import OPEN, TERMINAL, Case, FieldError, Progress, State, StateError
from assessment.domain.preparation import HOMEWARD, REQUIRED, Step, Taken
from assessment.domain.reassessment import Kind
from assessment.domain.rehabilitation import Enrolment, Stage
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.assessment.builders import AUNT, CASE, CHILD, CODES, LIMITS, MOTHER, NOW, OTHER_WORKER, SUPERVISOR, WORKER, a_triage, members

EXAMPLES = int(os.environ.get("NAUNGAN_MACHINE_EXAMPLES", "120"))
PERSONS = (MOTHER, CHILD, AUNT)
WORKERS = (WORKER, OTHER_WORKER)
REASONS = ("refused_by_person", "unsafe", "region_declined", "left_by_choice", "broke_down", "died")
APPROVED = {"area_reason": "perpetrator_detained", "another_person": True}
WORKING = {State.ASSIGNED, State.ASSESSED, State.PLAN_PROPOSED, State.PLAN_APPROVED, State.MONITORING, State.FINISHED}
# More steps than the longest way from anywhere to the end has.
ENOUGH = 200


@dataclass
class Shelter:
    """Placement's side of one case: who is inside since when, and what it has said."""

    inside: dict[UUID, datetime]
    version: int = 0
    closed: bool = False


class Life(RuleBasedStateMachine):
    """One case, with its placement, its stream and its people."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Case(CASE)
        self.now = NOW
        self.shelter = Shelter({})
        self.version = 1
        self.to_assessment: list[case.Told] = []
        self.to_placement: list[tuple[UUID, datetime]] = []
        self.steps: dict[UUID, list[Taken]] = {}
        self.plan: plan.Plan | None = None
        self.approved: dict[UUID, set[str]] = {}
        self.position = 0
        self.lost = False
        self.searched = False

    @initialize(risk=st.sampled_from(["high", "medium", "low"]), sheltered=st.booleans(), apart=st.sampled_from([(), None]))
    def begins(self, risk: str, sheltered: bool, apart: Any) -> None:
        self.hear(a_triage(1, MOTHER, CHILD, risk=risk, shelter_needed=sheltered, keep_apart=apart))
        if sheltered:
            self.let_in(MOTHER)
            self.let_in(CHILD)

    # -- what the handlers do ---------------------------------------------------------------------------------------------------------

    def decided(self, after: Case) -> None:
        """Write a decision as `decisions.record` does: the steps to what is given up lead to nothing any more."""
        for person, goal in self.known.goals.items():
            if person not in after.goals or after.goals[person].outcome != goal.outcome:
                self.steps.pop(person, None)
                if person not in after.goals:
                    self.approved.pop(person, None)
        self.known = after
        self.lost = self.lost and after.state is not State.WAITING_FOR_WORKER and bool(after.followups)

    def hear(self, *told: case.Told) -> None:
        after = case.advance(case.learn(self.known, told), self.now, LIMITS)
        assert case.advance(case.learn(after, told), self.now, LIMITS) == after, "the same word again changes nothing"
        self.decided(after)

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    def said(self, *told: case.Told) -> None:
        self.to_assessment.extend(told)

    def next_version(self) -> int:
        self.shelter.version += 1
        return self.shelter.version

    # -- placement ----------------------------------------------------------------------------------------------------------------------

    def let_in(self, person: UUID) -> None:
        self.passes(minutes=1)
        self.shelter.inside[person] = self.now
        self.said(case.Entered(self.next_version(), (person,), self.now))

    @precondition(lambda self: not self.known.ended)
    @rule(person=st.sampled_from(PERSONS))
    def somebody_comes_in(self, person: UUID) -> None:
        if person not in self.shelter.inside and any(member.person_id == person for member in self.known.members) and not self.known.died(person):
            self.let_in(person)

    @precondition(lambda self: self.shelter.inside)
    @rule(data=st.data(), how=st.sampled_from(["left", "discharged", "died", "transferred"]))
    def somebody_moves(self, data: st.DataObject, how: str) -> None:
        person = data.draw(st.sampled_from(sorted(self.shelter.inside)))
        self.passes(minutes=1)
        if how == "transferred":
            self.shelter.inside[person] = self.now
            self.said(case.Entered(self.next_version(), (person,), self.now))
        else:
            del self.shelter.inside[person]
            self.said(case.Gone(self.next_version(), (person,), died=how == "died"))

    @precondition(lambda self: self.to_placement)
    @rule(data=st.data(), twice=st.booleans())
    def placement_hears(self, data: st.DataObject, twice: bool) -> None:
        number = data.draw(st.integers(0, len(self.to_placement) - 1))
        person, at = self.to_placement[number] if twice else self.to_placement.pop(number)
        if person in self.shelter.inside and self.shelter.inside[person] <= at:
            del self.shelter.inside[person]
            self.said(case.Gone(self.next_version(), (person,)))

    @precondition(lambda self: self.to_assessment)
    @rule(data=st.data(), twice=st.booleans())
    def assessment_hears(self, data: st.DataObject, twice: bool) -> None:
        number = data.draw(st.integers(0, len(self.to_assessment) - 1))
        self.hear(self.to_assessment[number] if twice else self.to_assessment.pop(number))

    # -- intake -------------------------------------------------------------------------------------------------------------------------

    @rule(chance=st.integers(0, 12), withdrawn=st.booleans())
    def the_case_ends_or_goes_on(self, chance: int, withdrawn: bool) -> None:
        if chance == 0 and withdrawn != self.known.ended:
            self.version += 1
            self.said(case.Over(self.version) if withdrawn else case.Again(self.version))

    @rule(whom=st.sampled_from([(MOTHER,), (MOTHER, CHILD), (MOTHER, CHILD, AUNT)]), chance=st.integers(0, 5))
    def the_household_changes(self, whom: tuple[UUID, ...], chance: int) -> None:
        if chance == 0:
            self.version += 1
            self.said(case.Household(self.version, members(*whom)))

    @rule(chance=st.integers(0, 5))
    def another_incident_is_recorded(self, chance: int) -> None:
        if chance == 0:
            self.version += 1
            self.said(case.Incident(self.version))

    # -- workers ------------------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: assignment.assignable(self.known))
    @rule(worker=st.sampled_from(WORKERS))
    def somebody_gets_it(self, worker: UUID) -> None:
        self.decided(assignment.give(self.known, worker, self.now, LIMITS)[0])

    @precondition(lambda self: self.known.state is State.ASSIGNED)
    @rule()
    def the_worker_is_absent(self) -> None:
        self.decided(assignment.hand_back(self.known, self.now, LIMITS))

    @precondition(lambda self: self.known.state in OPEN - {State.WAITING_FOR_WORKER})
    @rule()
    def a_supervisor_reassigns(self) -> None:
        other = next(worker for worker in WORKERS if worker != self.known.worker)
        self.decided(assignment.reassign(self.known, other, self.now, LIMITS)[0])

    @precondition(lambda self: self.known.state is State.ASSIGNED)
    @rule()
    def it_is_assessed(self) -> None:
        self.decided(case.assessed(self.known))

    @precondition(lambda self: "reassessment" in self.known.deadlines and reassessment.fresh(self.known))
    @rule(risk=st.sampled_from(["high", "medium", "low"]))
    def it_is_assessed_again(self, risk: str) -> None:
        self.decided(reassessment.concluded(self.known, Kind.REASSESSMENT, risk, self.now, LIMITS))

    @precondition(lambda self: self.known.state in {State.ASSESSED, State.PLAN_APPROVED} and self.known.members)
    @rule(data=st.data())
    def a_plan_is_proposed(self, data: st.DataObject) -> None:
        fixed = {person: goal.outcome for person, goal in self.known.goals.items() if goal.progress is Progress.REACHED}
        living = [member.person_id for member in self.known.members if not self.known.died(member.person_id)]
        chosen = [(person, fixed.get(person) or data.draw(st.sampled_from(sorted(REQUIRED)))) for person in living]
        worker = self.known.worker or WORKER
        after, self.plan = plan.propose(self.known, chosen, worker, self.now, LIMITS)
        self.decided(after)

    @precondition(lambda self: self.known.state is State.PLAN_PROPOSED)
    @rule(good=st.booleans(), own=st.booleans())
    def a_supervisor_decides(self, good: bool, own: bool) -> None:
        assert self.plan is not None
        decide = plan.approve if good and not plan._missing(self.known, self.plan.outcomes) else plan.send_back
        if own:
            try:
                decide(self.known, self.plan, self.plan.proposed_by, self.now, LIMITS)
            except case.OwnPlanError:
                return
            msg = "nobody decides on her own plan"
            raise AssertionError(msg)
        self.decided(decide(self.known, self.plan, SUPERVISOR, self.now, LIMITS))
        if decide is plan.approve:
            for person, outcome in self.plan.outcomes.items():
                self.approved.setdefault(person, set()).add(outcome)

    # -- outcomes -----------------------------------------------------------------------------------------------------------------------

    def ways(self) -> list[UUID]:
        return [person for person, goal in self.known.goals.items() if goal.progress is not Progress.REACHED]

    def take(self, person: UUID, step: Step, codes: dict[str, Any]) -> None:
        self.position += 1
        self.steps.setdefault(person, []).append(Taken(self.position, step, codes))

    @precondition(lambda self: self.known.state is State.PLAN_APPROVED and self.ways())
    @rule(data=st.data(), well=st.booleans())
    def a_step_is_taken(self, data: st.DataObject, well: bool) -> None:
        person = data.draw(st.sampled_from(self.ways()))
        outcome = self.known.goals[person].outcome
        step = data.draw(st.sampled_from(REQUIRED[outcome]))
        bad = {"finding": "unsuitable", "agreed": False, "risk": "high", "own_view": "disagrees"}
        codes = {**CODES[step], **({} if well else {name: value for name, value in bad.items() if name in CODES[step]})}
        if step is Step.RECEIVER and outcome == preparation.OTHER_REGION:
            codes["receiving_area"] = "32.01.01"
        preparation.check(self.known, person, step, codes)
        self.take(person, step, codes)

    @precondition(lambda self: self.known.state is State.PLAN_APPROVED and self.ways())
    @rule(data=st.data())
    def an_outcome_is_approved(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.ways()))
        try:
            preparation.approve(self.known, person, self.steps.get(person, []), APPROVED, SUPERVISOR)
        except FieldError:
            return
        self.take(person, Step.APPROVAL, APPROVED)

    @precondition(lambda self: self.known.state is State.PLAN_APPROVED and self.ways())
    @rule(data=st.data())
    def an_outcome_comes_true(self, data: st.DataObject) -> None:
        self.comes_true(data.draw(st.sampled_from(self.ways())))

    def comes_true(self, person: UUID) -> bool:
        """Whether it does; what stands in the way is never passed over."""
        goal, taken = self.known.goals[person], self.steps.get(person, [])
        self.passes(minutes=1)
        was = goal.progress
        left = preparation.obstacles(self.known, person, taken) if was is Progress.PLANNED else []
        try:
            after = self.outcome(person, taken)
        except FieldError:
            assert left
            return False
        assert not left, "no step and no approval is skipped"
        if was is Progress.PLANNED:
            self.require_approval(goal.outcome, taken)
        assert goal.outcome in self.approved.get(person, set()), "no plan is skipped"
        self.decided(after)
        self.to_placement.append((person, self.now))
        return True

    def require_approval(self, outcome: str, taken: list[Taken]) -> None:
        """Said once more in other words: at a high risk, or one that nobody named, a supervisor has the last word."""
        judged = [entry.codes["risk"] for entry in taken if entry.step is Step.RISK_RECHECK]
        if Step.RISK_RECHECK in REQUIRED[outcome] and (self.known.risk in {None, "high"} or judged[-1] == "high"):
            assert max(taken, key=lambda entry: entry.position).step is Step.APPROVAL, "no approval is skipped"

    def outcome(self, person: UUID, taken: list[Taken]) -> Case:
        goal = self.known.goals[person]
        if goal.progress is Progress.REHABILITATING:
            done = [Enrolment(Stage.COMPLETED, 1, 1, "independent")]
            return rehabilitation.complete(self.known, person, done, self.now, LIMITS)
        if goal.outcome == case.REHABILITATION:
            return rehabilitation.start(self.known, person, taken, self.now, LIMITS)
        if goal.outcome in HOMEWARD:
            return outcomes.hand_over(self.known, person, taken, self.now, LIMITS)
        return outcomes.reach(self.known, person, taken, self.now, LIMITS)[0]

    @precondition(lambda self: self.known.state in OPEN - {State.WAITING_FOR_WORKER} and self.known.goals)
    @rule(data=st.data(), reason=st.sampled_from(REASONS), chance=st.integers(0, 3))
    def an_outcome_is_given_up(self, data: st.DataObject, reason: str, chance: int) -> None:
        person = data.draw(st.sampled_from(sorted(self.known.goals)))
        if chance or not any(member.person_id == person for member in self.known.members) or self.known.died(person):
            return
        after, gone = outcomes.abandon(self.known, person, reason, self.now, LIMITS)
        assert (gone.due is None) == (reason == "died")
        self.decided(after)

    # -- clocks and follow-ups ------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.known.state is State.MONITORING)
    @rule(data=st.data(), result=st.sampled_from(["safe", "needs_support", "unsafe", "not_reached"]))
    def somebody_follows_up(self, data: st.DataObject, result: str) -> None:
        undone = [entry.number for entry in self.known.followups if entry.state in followups.UNDONE]
        if undone:
            after, said = followups.done(self.known, data.draw(st.sampled_from(undone)), result, self.now, LIMITS)
            self.decided(after)
            self.lost = self.lost or (isinstance(said, case.FollowupTried) and said.decide_by is not None)
            assert not (isinstance(said, case.FollowupEnded) and said.last) or result != "unsafe"

    @precondition(lambda self: followups.LOST in self.known.deadlines)
    @rule()
    def a_supervisor_lets_her_be_looked_for(self) -> None:
        self.lost = False
        self.decided(followups.try_again(self.known, LIMITS.after_unsafe, self.now))

    @precondition(lambda self: self.known.deadlines)
    @rule()
    def the_next_clock_runs_out(self) -> None:
        self.run_out(*min(self.known.deadlines.items(), key=lambda entry: (entry[1], entry[0])))

    def run_out(self, clock: str, due: datetime) -> None:
        self.now = max(self.now, due)
        kind, _, key = clock.partition(":")
        if kind == "followup":
            after = followups.come_due(self.known, int(key), self.now, LIMITS)[0]
        elif kind == "grace":
            after = followups.grace_ends(self.known, int(key))[0]
        elif kind == case.STAY:
            after = case.advance(case.stays_on(self.known, UUID(key)), self.now, LIMITS)
        else:
            after, missed = case.ran_out(self.known, clock, due, self.now, LIMITS)
            assert missed is not None
        self.decided(after)

    # -- what always holds ----------------------------------------------------------------------------------------------------------------

    @invariant()
    def an_open_case_has_a_clock_and_no_other_has_one(self) -> None:
        assert bool(self.known.deadlines) == (self.known.state in OPEN)

    @invariant()
    def a_deadline_never_lies_in_the_past(self) -> None:
        assert all(due >= self.now - timedelta(hours=1) for due in self.known.deadlines.values())

    @invariant()
    def one_worker_has_it_or_it_waits(self) -> None:
        assert (self.known.worker is not None) == (self.known.state in WORKING)

    @invariant()
    def nothing_is_planned_without_an_approval(self) -> None:
        assert all(goal.outcome in self.approved.get(person, set()) for person, goal in self.known.goals.items())

    @invariant()
    def nobody_finishes_a_case_in_which_somebody_is_lost(self) -> None:
        assert not (self.lost and self.known.state is State.FINISHED)

    # -- the end ----------------------------------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Everything is delivered, and then there is a way to the end that people only have to walk; no stay is left open on it."""
        if self.known.case_id and self.known.household_version >= 0:
            self.everything_arrives()
            self.no_stay_outlives_its_outcome()
            self.people_walk_to_the_end()

    def everything_arrives(self) -> None:
        while self.to_assessment or self.to_placement:
            while self.to_assessment:
                self.hear(self.to_assessment.pop(0))
            for person, at in self.to_placement:
                if person in self.shelter.inside and self.shelter.inside[person] <= at:
                    del self.shelter.inside[person]
                    self.said(case.Gone(self.next_version(), (person,)))
            self.to_placement.clear()
        for clock in [clock for clock in self.known.deadlines if clock.startswith(f"{case.STAY}:")]:
            if clock in self.known.deadlines:
                self.run_out(clock, self.known.deadlines[clock])

    def no_stay_outlives_its_outcome(self) -> None:
        if self.known.ended:
            return
        for person, goal in self.known.goals.items():
            assert not (goal.progress is Progress.REACHED and person in self.shelter.inside), (
                "she is in a shelter after her outcome, and nobody looks"
            )

    def people_walk_to_the_end(self) -> None:
        if not self.known.members or all(self.known.died(member.person_id) for member in self.known.members):
            self.version += 1
            self.hear(case.Over(self.version))
        for _ in range(ENOUGH):
            if self.known.state in TERMINAL:
                self.everything_arrives()
                self.no_stay_outlives_its_outcome()
                if self.known.state in TERMINAL:
                    return
            if not self.walk():
                return
        msg = f"no way to the end from {self.known.state}"
        raise AssertionError(msg)

    def walk(self) -> bool:
        """One step of people who do their work; False when there is nothing to do because nothing began."""
        state = self.known.state
        if state is State.NOT_STARTED:
            assert not (self.known.at_home or self.known.admitted) or self.known.ended
            return False
        if state is State.WAITING_FOR_WORKER:
            self.decided(assignment.give(self.known, WORKER, self.now, LIMITS)[0])
        elif state is State.ASSIGNED:
            self.it_is_assessed()
        elif state is State.PLAN_PROPOSED:
            self.a_supervisor_sends_back()
        elif state is State.MONITORING:
            self.follow_all_up()
        elif state is State.ASSESSED or self.unplanned():
            self.plan_for_all()
        else:
            self.prepare_and_reach(case.still_to_reach(self.known)[0])
        return True

    def unplanned(self) -> bool:
        return any(member.person_id not in self.known.goals and not self.known.died(member.person_id) for member in self.known.members)

    def a_supervisor_sends_back(self) -> None:
        assert self.plan is not None
        self.decided(plan.send_back(self.known, self.plan, SUPERVISOR, self.now, LIMITS))

    def plan_for_all(self) -> None:
        reached = {person: goal.outcome for person, goal in self.known.goals.items()}
        living = [member.person_id for member in self.known.members if not self.known.died(member.person_id)]
        wanted = [(person, reached.get(person, "services_at_home")) for person in living]
        after, made = plan.propose(self.known, wanted, WORKER, self.now, LIMITS)
        for person, outcome in wanted:
            self.approved.setdefault(person, set()).add(outcome)
        self.decided(plan.approve(after, made, SUPERVISOR, self.now, LIMITS))

    def prepare_and_reach(self, person: UUID) -> None:
        outcome = self.known.goals[person].outcome
        if self.known.goals[person].progress is Progress.PLANNED:
            far = {"receiving_area": "32.01.01"} if outcome == preparation.OTHER_REGION else {}
            for step in REQUIRED[outcome]:
                self.take(person, step, {**CODES[step], **(far if step is Step.RECEIVER else {})})
            # Whoever tries without a supervisor either needs none, or is refused.
            if self.comes_true(person):
                self.everything_arrives()
                return
            preparation.approve(self.known, person, self.steps[person], APPROVED, SUPERVISOR)
            self.take(person, Step.APPROVAL, APPROVED)
        assert self.comes_true(person)
        self.everything_arrives()

    def follow_all_up(self) -> None:
        """Who is to be followed up first is lost once, and it is decided last what becomes of her."""
        undone = [entry.number for entry in self.known.followups if entry.state in followups.UNDONE]
        if not undone:
            self.a_supervisor_lets_her_be_looked_for()
            return
        result = "safe" if self.searched else "not_reached"
        try:
            after, said = followups.done(self.known, undone[0], result, self.now, LIMITS)
        except StateError as error:
            msg = "a follow-up that is planned can be done"
            raise AssertionError(msg) from error
        self.lost = self.lost or (isinstance(said, case.FollowupTried) and said.decide_by is not None)
        self.searched = self.searched or self.lost
        self.decided(after)
        self.nobody_finishes_a_case_in_which_somebody_is_lost()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
