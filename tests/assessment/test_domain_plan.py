import pytest
from assessment.domain import case, outcomes, plan, preparation
from assessment.domain.case import FieldError, OwnPlanError, Progress, State, StateError
from contracts.outcomes import Preparation
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
    steps_for,
)

BOTH = [(MOTHER, "reunification"), (CHILD, "kin_or_foster_care")]


def propose(known: case.Case, outcomes: list[tuple[object, str]], by: object = WORKER) -> tuple[case.Case, plan.Plan]:
    return plan.propose(known, outcomes, by, NOW, LIMITS)


def test_the_domain_knows_the_contracts_outcomes():
    assert set(preparation.REQUIRED) == set(Outcome)
    assert set(preparation.Step) | {"review"} == set(Preparation)


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
    reached, _ = outcomes.reach(approved, MOTHER, steps_for("services_at_home"), NOW, LIMITS)
    with pytest.raises(FieldError, match=f"outcomes.{MOTHER}: already_reached"):
        propose(reached, [(MOTHER, "rehabilitation"), (CHILD, "rehabilitation")])
    proposed, made = propose(reached, [(MOTHER, "services_at_home"), (CHILD, "rehabilitation")])
    assert plan.send_back(proposed, made, SUPERVISOR, NOW, LIMITS).goals == reached.goals
    revised = plan.approve(proposed, made, SUPERVISOR, NOW, LIMITS)
    assert revised.goals == {MOTHER: case.Goal("services_at_home", Progress.REACHED, NOW), CHILD: case.Goal("rehabilitation")}
    assert revised.state is State.PLAN_APPROVED
