import pytest
from assessment.domain import case, plan
from assessment.domain.case import FieldError, OwnPlanError, Progress, State, StateError
from contracts.vocabulary import Outcome

from tests.assessment.builders import (
    AUNT,
    CHILD,
    LIMITS,
    MOTHER,
    NOW,
    OTHER_WORKER,
    SUPERVISOR,
    WORKER,
    a_planned_case,
    an_assessed_case,
    an_assigned_case,
)

BOTH = [(MOTHER, "reunification"), (CHILD, "kin_or_foster_care")]


def propose(known: case.Case, outcomes: list[tuple[object, str]], by: object = WORKER) -> tuple[case.Case, plan.Plan]:
    return plan.propose(known, outcomes, by, NOW, LIMITS)


def test_the_domain_knows_the_contracts_outcomes():
    assert {*plan.HOMEWARD, plan.REHABILITATION} <= set(Outcome)


def test_a_plan_names_every_person_of_the_household():
    with pytest.raises(FieldError) as refused:
        propose(an_assessed_case(MOTHER, CHILD), BOTH[:1])
    assert refused.value.problems == ((f"outcomes.{CHILD}", "missing"),)


def test_a_plan_names_nobody_twice_and_no_stranger():
    with pytest.raises(FieldError) as refused:
        propose(an_assessed_case(MOTHER), [(MOTHER, "reunification"), (MOTHER, "rehabilitation"), (AUNT, "reunification")])
    assert set(refused.value.problems) == {(f"outcomes.{MOTHER}", "duplicate"), (f"outcomes.{AUNT}", "not_in_household")}


def test_no_plan_comes_before_the_assessment():
    with pytest.raises(StateError, match="assigned"):
        propose(an_assigned_case(), BOTH)


def test_the_one_who_proposed_a_plan_and_the_one_who_works_on_the_case_do_not_decide_on_it():
    proposed, made = propose(an_assessed_case(), BOTH)
    for decide in (plan.approve, plan.send_back):
        with pytest.raises(OwnPlanError):
            decide(proposed, made, WORKER, NOW, LIMITS)
    handed_on = case.replace(proposed, worker=OTHER_WORKER)
    for somebody in (WORKER, OTHER_WORKER):
        with pytest.raises(OwnPlanError):
            plan.approve(handed_on, made, somebody, NOW, LIMITS)


def test_an_approved_plan_sets_a_goal_per_person_and_its_review():
    approved = a_planned_case(dict(BOTH))
    assert approved.state is State.PLAN_APPROVED
    assert {person: goal.outcome for person, goal in approved.goals.items()} == dict(BOTH)
    assert approved.deadlines == {"outcome": NOW + LIMITS.outcome}


def test_a_returned_plan_goes_back_to_the_worker_under_the_same_deadline():
    proposed, made = propose(an_assessed_case(), BOTH)
    returned = plan.send_back(proposed, made, SUPERVISOR, NOW, LIMITS)
    assert (returned.state, returned.plan_version, set(returned.deadlines)) == (State.ASSESSED, 1, {"plan"})
    assert propose(returned, BOTH)[1].version == 2


def test_a_plan_is_not_approved_when_somebody_joined_the_household_meanwhile():
    proposed, made = propose(an_assessed_case(MOTHER, CHILD), BOTH)
    grown = case.learn(proposed, [case.Household(2, (*proposed.members, case.Member(AUNT)))])
    with pytest.raises(FieldError, match=f"outcomes.{AUNT}: missing"):
        plan.approve(grown, made, SUPERVISOR, NOW, LIMITS)


def test_a_revision_keeps_what_was_reached_and_a_returned_one_leaves_the_approved_plan_standing():
    approved = a_planned_case({MOTHER: "services_at_home", CHILD: "services_at_home"})
    reached, _ = plan.reach(approved, MOTHER, NOW, LIMITS)
    with pytest.raises(FieldError, match=f"outcomes.{MOTHER}: already_reached"):
        propose(reached, [(MOTHER, "rehabilitation"), (CHILD, "rehabilitation")])
    proposed, made = propose(reached, [(MOTHER, "services_at_home"), (CHILD, "rehabilitation")])
    assert plan.send_back(proposed, made, SUPERVISOR, NOW, LIMITS).goals == reached.goals
    revised = plan.approve(proposed, made, SUPERVISOR, NOW, LIMITS)
    assert revised.goals == {MOTHER: case.Goal("services_at_home", Progress.REACHED), CHILD: case.Goal("rehabilitation")}
    assert revised.state is State.PLAN_APPROVED


def test_nobody_goes_home_without_a_home_visit_and_a_risk_re_check():
    approved = a_planned_case({MOTHER: "reunification"})
    for visit, risk, wrong in ((False, True, "home_visit_done"), (True, False, "risk_rechecked")):
        with pytest.raises(FieldError) as refused:
            plan.reunify(approved, MOTHER, home_visit_done=visit, risk_rechecked=risk, now=NOW, limits=LIMITS)
        assert refused.value.problems == ((wrong, "required_before_reunification"),)


@pytest.mark.parametrize("outcome", ["rehabilitation", "services_at_home", "independent_living", "referral_out"])
def test_nobody_goes_home_whose_plan_says_otherwise(outcome: str):
    with pytest.raises(FieldError, match="planned_otherwise"):
        plan.reunify(a_planned_case({MOTHER: outcome}), MOTHER, home_visit_done=True, risk_rechecked=True, now=NOW, limits=LIMITS)


@pytest.mark.parametrize("outcome", sorted(plan.HOMEWARD))
def test_each_way_home_reaches_the_outcome_and_starts_the_follow_ups(outcome: str):
    home = plan.reunify(a_planned_case({MOTHER: outcome}), MOTHER, home_visit_done=True, risk_rechecked=True, now=NOW, limits=LIMITS)
    assert home.state is State.MONITORING


def test_rehabilitation_is_started_and_then_completed_each_once():
    approved = a_planned_case({MOTHER: "rehabilitation"})
    with pytest.raises(StateError, match="planned"):
        plan.complete_rehabilitation(approved, MOTHER, NOW, LIMITS)
    started = plan.start_rehabilitation(approved, MOTHER, NOW, LIMITS)
    assert started.state is State.PLAN_APPROVED
    with pytest.raises(StateError, match="rehabilitating"):
        plan.start_rehabilitation(started, MOTHER, NOW, LIMITS)
    assert plan.complete_rehabilitation(started, MOTHER, NOW, LIMITS).state is State.MONITORING


def test_going_home_and_rehabilitation_are_not_recorded_as_other_outcomes_and_nothing_for_a_stranger():
    for outcome in ("reunification", "rehabilitation"):
        with pytest.raises(FieldError, match="outcome_has_its_own_steps"):
            plan.reach(a_planned_case({MOTHER: outcome}), MOTHER, NOW, LIMITS)
    with pytest.raises(FieldError, match="not_in_plan"):
        plan.reach(a_planned_case({MOTHER: "services_at_home"}), AUNT, NOW, LIMITS)


def test_the_case_waits_for_the_last_person():
    approved = a_planned_case({MOTHER: "services_at_home", CHILD: "rehabilitation"})
    first, outcome = plan.reach(approved, MOTHER, NOW, LIMITS)
    assert (first.state, outcome) == (State.PLAN_APPROVED, "services_at_home")
    with pytest.raises(StateError, match="reached"):
        plan.reach(first, MOTHER, NOW, LIMITS)
    last = plan.complete_rehabilitation(plan.start_rehabilitation(first, CHILD, NOW, LIMITS), CHILD, NOW, LIMITS)
    assert last.state is State.MONITORING


def test_one_who_left_the_household_is_not_waited_for():
    first, _ = plan.reach(a_planned_case({MOTHER: "services_at_home", CHILD: "rehabilitation"}), MOTHER, NOW, LIMITS)
    alone = case.advance(case.learn(first, [case.Household(2, (case.Member(MOTHER),))]), NOW, LIMITS)
    assert alone.state is State.MONITORING


def test_one_who_joined_the_household_is_waited_for_and_can_be_planned_for():
    approved = a_planned_case({MOTHER: "services_at_home"})
    grown = case.learn(approved, [case.Household(2, (case.Member(MOTHER), case.Member(AUNT)))])
    first, _ = plan.reach(grown, MOTHER, NOW, LIMITS)
    assert first.state is State.PLAN_APPROVED
    assert propose(first, [(MOTHER, "services_at_home"), (AUNT, "services_at_home")])[0].state is State.PLAN_PROPOSED
