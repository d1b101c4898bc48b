"""How each outcome comes true, is approved, given up, reviewed; and who comes back."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from assessment.domain import case, outcomes, plan, preparation, rehabilitation
from assessment.domain.case import Case, FieldError, OwnPlanError, Progress, State, StateError
from assessment.domain.preparation import REQUIRED, Step, Taken
from assessment.domain.rehabilitation import Enrolment, Stage

from tests.assessment.builders import (
    AUNT,
    CHILD,
    LIMITS,
    MOTHER,
    NOW,
    SUPERVISOR,
    WORKER,
    a_monitored_case,
    a_planned_case,
    an_assessed_case,
    steps_for,
)

HOMEWARD = sorted(preparation.HOMEWARD)
DONE = [Enrolment(Stage.COMPLETED, 7, 10, "mostly_independent")]


def hand_over(known: Case, taken: list[Taken], person: Any = MOTHER) -> Case:
    return outcomes.hand_over(known, person, taken, NOW, LIMITS)


def reach(known: Case, person: Any = MOTHER) -> Case:
    return outcomes.reach(known, person, steps_for(known.goals[person].outcome), NOW, LIMITS)[0]


def refused(known: Case, taken: list[Taken]) -> set[tuple[str, str]]:
    with pytest.raises(FieldError) as refusal:
        hand_over(known, taken)
    return set(refusal.value.problems)


# -- going home -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "step"), [(outcome, step) for outcome in HOMEWARD for step in REQUIRED[outcome]])
def test_nobody_is_handed_over_without_every_step_that_the_outcome_asks_for(outcome: str, step: Step):
    known = a_planned_case({MOTHER: outcome})
    assert refused(known, steps_for(outcome, without=step)) == {(step.value, "missing")}


@pytest.mark.parametrize("outcome", HOMEWARD)
def test_each_way_home_reaches_the_outcome_and_starts_the_follow_ups(outcome: str):
    home = hand_over(a_planned_case({MOTHER: outcome}), steps_for(outcome))
    assert (home.state, home.goals[MOTHER].progress, home.goals[MOTHER].since) == (State.MONITORING, Progress.REACHED, NOW)


@pytest.mark.parametrize("outcome", sorted(REQUIRED.keys() - preparation.HOMEWARD))
def test_nobody_goes_home_whose_plan_says_otherwise(outcome: str):
    with pytest.raises(FieldError, match="planned_otherwise"):
        hand_over(a_planned_case({MOTHER: outcome}), steps_for("reunification"))


def test_what_was_found_unsuitable_or_refused_or_looked_at_in_the_wrong_order_stands_in_the_way():
    known = a_planned_case({MOTHER: "kin_or_foster_care"})
    bad = {"finding": "unsuitable"}
    assert refused(known, steps_for("kin_or_foster_care", home_visit=bad, carer_check=bad, consent={"agreed": False})) == {
        ("home_visit", "unsuitable"),
        ("carer_check", "unsuitable"),
        ("consent", "refused"),
    }
    early = [*steps_for("kin_or_foster_care", without=Step.RISK_RECHECK), Taken(0, Step.RISK_RECHECK, {"risk": "low"})]
    assert refused(known, early) == {("risk_recheck", "before_the_home_visit")}
    again = [*early, Taken(9, Step.RISK_RECHECK, {"risk": "low"})]
    assert hand_over(known, again).state is State.MONITORING


def test_a_way_home_to_another_region_needs_its_acceptance_whatever_the_outcome_is_called():
    far = {"receiver": "parent", "receiving_area": "32.01.01"}
    assert refused(a_planned_case({MOTHER: "reunification"}), steps_for("reunification", receiver=far)) == {("region_acceptance", "missing")}
    with pytest.raises(FieldError, match="not_another_region"):
        preparation.check(a_planned_case({MOTHER: "return_to_other_region"}), MOTHER, Step.RECEIVER, {**far, "receiving_area": "31.74.04"})


@pytest.mark.parametrize("name", ["receiver_id", "consenter_id"])
def test_nobody_is_ever_handed_over_to_a_suspect_or_a_keep_apart_person(name: str):
    known = a_planned_case({MOTHER: "reunification"}, keep_apart=(AUNT,))
    step = Step.RECEIVER if name == "receiver_id" else Step.CONSENT
    with pytest.raises(FieldError, match=f"{name}: keep_apart"):
        preparation.check(known, MOTHER, step, {name: str(AUNT)})
    taken = steps_for("reunification", approved={"another_person": True, "area_reason": "own_informed_wish"}, **{step.value: {name: str(AUNT)}})
    assert refused(known, taken) == {(f"{step.value}.{name}", "keep_apart")}
    suspected = case.learn(a_planned_case({MOTHER: "reunification"}), [case.Perpetrator(AUNT, case.Known(2, "keluarga_saudara"), suspect=True)])
    assert (f"{step.value}.{name}", "keep_apart") in refused(suspected, taken)


def test_a_perpetrators_area_or_relation_or_a_high_risk_needs_a_supervisor_who_says_why():
    known = a_planned_case({MOTHER: "reunification"}, risk="high", perpetrator_areas=("31.74.04",))
    known = case.learn(known, [case.Perpetrator(AUNT, case.Known(2, "keluarga_saudara"), suspect=False)])
    every = {("approval", ground) for ground in ("high_risk", "perpetrator_area", "perpetrator_relation")}
    assert refused(known, steps_for("reunification")) == every
    assert refused(known, steps_for("reunification", approved={})) == {("area_reason", "missing"), ("another_person", "not_confirmed")}
    full = {"area_reason": "perpetrator_detained", "another_person": True}
    assert hand_over(known, steps_for("reunification", approved=full)).state is State.MONITORING
    later = [
        *steps_for("reunification", approved=full),
        Taken(99, Step.HOME_VISIT, {"finding": "suitable"}),
        Taken(100, Step.RISK_RECHECK, {"risk": "low"}),
    ]
    assert refused(known, later) == every, "what was approved is not what is to happen"


def test_what_is_not_known_of_the_perpetrators_is_not_taken_for_nothing():
    known = a_planned_case({MOTHER: "reunification"}, keep_apart=None)
    assert refused(known, steps_for("reunification")) == {("approval", "safety_not_known")}


def test_a_supervisor_approves_what_is_ready_and_not_her_own_case():
    known, ready = a_planned_case({MOTHER: "reunification"}, risk="high"), steps_for("reunification")
    preparation.approve(known, MOTHER, ready, {}, SUPERVISOR)
    with pytest.raises(OwnPlanError):
        preparation.approve(known, MOTHER, ready, {}, WORKER)
    with pytest.raises(FieldError, match="consent: missing"):
        preparation.approve(known, MOTHER, steps_for("reunification", without=Step.CONSENT), {}, SUPERVISOR)


def test_a_child_says_its_own_view_and_somebody_consents_or_why_nobody_does():
    known = a_planned_case({MOTHER: "services_at_home", CHILD: "services_at_home"})
    with pytest.raises(FieldError) as refusal:
        preparation.check(known, CHILD, Step.CONSENT, {"agreed": True})
    assert set(refusal.value.problems) == {("own_view", "missing"), ("consenter", "missing")}
    preparation.check(known, CHILD, Step.CONSENT, {"agreed": False, "own_view": "too_young", "absence": "court_order"})
    preparation.check(known, MOTHER, Step.CONSENT, {"agreed": True})
    against = steps_for("services_at_home", consent={"own_view": "disagrees"})
    assert preparation.obstacles(known, CHILD, against) == [("approval", "child_disagrees")]


# -- other outcomes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "step"), [(o, s) for o in sorted(REQUIRED.keys() - {*HOMEWARD, "rehabilitation"}) for s in REQUIRED[o]])
def test_every_other_outcome_asks_for_its_own_steps_too(outcome: str, step: Step):
    known = a_planned_case({MOTHER: outcome})
    with pytest.raises(FieldError, match=f"{step}: missing"):
        outcomes.reach(known, MOTHER, steps_for(outcome, without=step), NOW, LIMITS)
    assert reach(known).state is State.MONITORING


def test_nobody_lives_by_herself_without_a_safety_plan():
    taken = steps_for("independent_living", independence={"safety_plan": False})
    with pytest.raises(FieldError, match=r"independence.safety_plan: missing"):
        outcomes.reach(a_planned_case({MOTHER: "independent_living"}), MOTHER, taken, NOW, LIMITS)


def test_going_home_and_rehabilitation_are_not_recorded_as_other_outcomes_and_nothing_for_a_stranger():
    for outcome in ("reunification", "rehabilitation"):
        with pytest.raises(FieldError, match="outcome_has_its_own_steps"):
            outcomes.reach(a_planned_case({MOTHER: outcome}), MOTHER, steps_for(outcome), NOW, LIMITS)
    with pytest.raises(FieldError, match="not_in_plan"):
        outcomes.reach(a_planned_case({MOTHER: "services_at_home"}), AUNT, [], NOW, LIMITS)


def rehabilitating(outcomes_of: dict[Any, str] | None = None, person: Any = MOTHER) -> Case:
    known = a_planned_case(outcomes_of or {MOTHER: "rehabilitation"})
    return rehabilitation.start(known, person, steps_for("rehabilitation"), NOW, LIMITS)


def complete(known: Case, done: list[Enrolment], person: Any = MOTHER, **why: Any) -> Case:
    return rehabilitation.complete(known, person, done, NOW, LIMITS, **why)


def test_rehabilitation_is_started_with_consent_and_then_completed_each_once():
    approved = a_planned_case({MOTHER: "rehabilitation"})
    with pytest.raises(StateError, match="planned"):
        complete(approved, DONE)
    with pytest.raises(FieldError, match="consent: missing"):
        rehabilitation.start(approved, MOTHER, [], NOW, LIMITS)
    started = rehabilitating()
    assert started.state is State.PLAN_APPROVED
    with pytest.raises(StateError, match="rehabilitating"):
        rehabilitation.start(started, MOTHER, steps_for("rehabilitation"), NOW, LIMITS)
    assert complete(started, DONE).state is State.MONITORING


@pytest.mark.parametrize(
    ("enrolments", "missing"),
    [
        ([], {("programmes", "none_completed"), ("independence", "not_independent")}),
        ([Enrolment(Stage.WITHDRAWN)], {("programmes", "none_completed"), ("independence", "not_independent")}),
        ([*DONE, Enrolment(Stage.ENROLLED)], {("programmes", "still_enrolled")}),
        ([*DONE, Enrolment(Stage.COMPLETED, 9, 10, "needs_support")], {("independence", "not_independent")}),
    ],
)
def test_rehabilitation_is_complete_by_rule_or_by_a_supervisors_reason(enrolments: list[Enrolment], missing: set[tuple[str, str]]):
    with pytest.raises(FieldError) as refusal:
        complete(rehabilitating(), enrolments)
    assert set(refusal.value.problems) == missing
    assert complete(rehabilitating(), enrolments, because="goals_met", by=SUPERVISOR).state is State.MONITORING
    with pytest.raises(OwnPlanError):
        complete(rehabilitating(), enrolments, because="goals_met", by=WORKER)


def test_a_programme_is_completed_by_who_was_there_often_enough():
    rehabilitation.finish(Enrolment(Stage.ENROLLED, 7, 10), 0.7)
    for attended, counted in ((6, 10), (0, 0)):
        with pytest.raises(FieldError, match="attendance: too_little"):
            rehabilitation.finish(Enrolment(Stage.ENROLLED, attended, counted), 0.7)
    with pytest.raises(StateError, match="completed"):
        rehabilitation.finish(DONE[0], 0.7)


# -- the household ----------------------------------------------------------------------------------------------------------------


def test_the_case_waits_for_the_last_person():
    approved = a_planned_case({MOTHER: "services_at_home", CHILD: "rehabilitation"})
    first = reach(approved)
    assert first.state is State.PLAN_APPROVED
    with pytest.raises(StateError, match="reached"):
        reach(first)
    started = rehabilitation.start(first, CHILD, steps_for("rehabilitation"), NOW, LIMITS)
    assert complete(started, DONE, CHILD).state is State.MONITORING


def test_one_who_left_the_household_is_not_waited_for():
    first = reach(a_planned_case({MOTHER: "services_at_home", CHILD: "rehabilitation"}))
    alone = case.advance(case.learn(first, [case.Household(2, (case.Member(MOTHER),))]), NOW, LIMITS)
    assert alone.state is State.MONITORING


def test_one_who_joined_the_household_is_waited_for_and_can_be_planned_for():
    grown = case.learn(a_planned_case({MOTHER: "services_at_home"}), [case.Household(2, (case.Member(MOTHER), case.Member(AUNT)))])
    first = reach(grown)
    assert first.state is State.PLAN_APPROVED
    both = [(MOTHER, "services_at_home"), (AUNT, "services_at_home")]
    assert plan.propose(first, both, WORKER, NOW, LIMITS)[0].state is State.PLAN_PROPOSED


@pytest.mark.parametrize("told_by", ["people", "placement"])
def test_the_dead_are_waited_for_no_more_and_no_plan_needs_them(told_by: str):
    first = reach(a_planned_case({MOTHER: "services_at_home", CHILD: "rehabilitation"}))
    if told_by == "people":
        after, gone = outcomes.abandon(first, CHILD, "died", NOW, LIMITS)
        assert (gone.outcome, gone.due) == ("rehabilitation", None)
    else:
        after = case.advance(case.learn(first, [case.Gone(5, (CHILD,), died=True)]), NOW, LIMITS)
    assert (after.state, after.died(CHILD)) == (State.MONITORING, True)
    with pytest.raises(FieldError, match="nothing_to_give_up"):
        outcomes.abandon(after, CHILD, "died", NOW, LIMITS)
    known = outcomes.abandon(an_assessed_case(MOTHER, CHILD), CHILD, "died", NOW, LIMITS)[0]
    assert plan.propose(known, [(MOTHER, "services_at_home")], WORKER, NOW, LIMITS)[0].state is State.PLAN_PROPOSED


def test_a_case_of_whose_household_nobody_lives_is_not_followed_up_but_reminds_people_until_it_is_closed():
    known = outcomes.abandon(a_planned_case({MOTHER: "services_at_home"}), MOTHER, "died", NOW, LIMITS)[0]
    assert (known.state, set(known.deadlines)) == (State.PLAN_APPROVED, {"outcome"})


# -- given up ---------------------------------------------------------------------------------------------------------------------


def test_what_is_given_up_is_planned_again_with_a_deadline():
    both = a_planned_case({MOTHER: "reunification", CHILD: "reunification"})
    after, gone = outcomes.abandon(both, MOTHER, "refused_by_person", NOW, LIMITS)
    assert (gone.outcome, gone.due) == ("reunification", NOW + LIMITS.plan)
    assert (after.state, set(after.goals), after.deadlines["plan"]) == (State.PLAN_APPROVED, {CHILD}, NOW + LIMITS.plan)
    with pytest.raises(FieldError, match="not_in_plan"):
        hand_over(after, steps_for("reunification"))
    proposed, made = plan.propose(after, [(MOTHER, "services_at_home"), (CHILD, "reunification")], WORKER, NOW, LIMITS)
    assert "plan" not in plan.approve(proposed, made, SUPERVISOR, NOW, LIMITS).deadlines


def test_what_came_true_and_did_not_last_is_given_up_too_and_follow_ups_begin_anew_after_the_next_outcome():
    after, _ = outcomes.abandon(a_monitored_case(), MOTHER, "broke_down", NOW, LIMITS)
    assert (after.state, after.followups, set(after.deadlines)) == (State.PLAN_APPROVED, (), {"plan", "outcome"})
    proposed, made = plan.propose(after, [(MOTHER, "independent_living")], WORKER, NOW, LIMITS)
    assert len(reach(plan.approve(proposed, made, SUPERVISOR, NOW, LIMITS)).followups) == 4


def test_only_what_is_planned_for_somebody_of_the_household_is_given_up():
    with pytest.raises(FieldError, match="not_in_household"):
        outcomes.abandon(a_planned_case({MOTHER: "reunification"}), AUNT, "unsafe", NOW, LIMITS)
    with pytest.raises(FieldError, match="nothing_to_give_up"):
        outcomes.abandon(an_assessed_case(MOTHER), MOTHER, "unsafe", NOW, LIMITS)
    with pytest.raises(StateError, match="stopped"):
        outcomes.abandon(case.advance(case.learn(a_monitored_case(), [case.Over(3)]), NOW, LIMITS), MOTHER, "unsafe", NOW, LIMITS)


# -- residential care and carers --------------------------------------------------------------------------------------------------


def test_a_child_in_residential_care_is_looked_at_again_and_again_until_the_outcome_is_another():
    clock = case.review_clock(CHILD)
    known = a_planned_case({MOTHER: "rehabilitation", CHILD: "rehabilitation"})
    assert {name: due for name, due in known.deadlines.items() if name.startswith("review")} == {clock: NOW + LIMITS.review}
    missed, said = case.ran_out(known, clock, known.deadlines[clock], NOW + LIMITS.review, LIMITS)
    assert said == case.Missed("review", NOW + LIMITS.review)
    assert outcomes.reviewed(missed, CHILD, NOW + LIMITS.review, LIMITS).deadlines[clock] == NOW + 2 * LIMITS.review
    with pytest.raises(FieldError, match="no_review_is_due"):
        outcomes.reviewed(known, MOTHER, NOW, LIMITS)
    assert clock not in outcomes.abandon(known, CHILD, "unsafe", NOW, LIMITS)[0].deadlines


def test_the_day_on_which_a_carer_is_looked_at_again_becomes_a_follow_up():
    alone = hand_over(a_planned_case({MOTHER: "kin_or_foster_care"}), steps_for("kin_or_foster_care"))
    assert [(followup.due - NOW).days for followup in alone.followups] == [14, 30, 60, 90, 180]
    waiting = hand_over(a_planned_case({MOTHER: "kin_or_foster_care", CHILD: "services_at_home"}), steps_for("kin_or_foster_care"))
    assert waiting.deadlines[case.review_clock(MOTHER)] == NOW + timedelta(days=60)
    assert case.review_clock(MOTHER) not in outcomes.reviewed(waiting, MOTHER, NOW, LIMITS).deadlines


# -- coming back ------------------------------------------------------------------------------------------------------------------


def entered(known: Case, version: int, since: Any) -> Case:
    return case.advance(case.learn(known, [case.Entered(version, (MOTHER,), since)]), NOW + timedelta(days=1), LIMITS)


def test_a_stay_that_begins_after_the_outcome_begins_the_assessment_anew_and_is_marked():
    back = entered(a_monitored_case(), 3, NOW + timedelta(hours=1))
    assert (back.state, back.reentry, back.goals, back.worker) == (State.WAITING_FOR_WORKER, 1, {}, None)
    assert back.round != a_monitored_case().round
    assert entered(back, 3, NOW + timedelta(hours=1)) == back, "the same word again"


def test_a_stay_that_the_outcome_ends_is_no_return():
    inside = case.learn(a_planned_case({MOTHER: "services_at_home"}), [case.Entered(4, (MOTHER,), NOW)])
    known = reach(inside)
    assert case.advance(known, NOW, LIMITS) == known
    gone = case.advance(case.learn(known, [case.Gone(5, (MOTHER,))]), NOW, LIMITS)
    assert (gone.state, gone.reentry) == (State.MONITORING, 0)


def test_a_stay_of_which_nobody_knows_whether_the_outcome_ended_it_is_looked_at_after_a_while():
    unclear = entered(a_monitored_case(), 3, NOW - timedelta(hours=1))
    clock = f"stay:{MOTHER}"
    assert (unclear.state, clock in unclear.deadlines) == (State.MONITORING, True)
    ended = case.advance(case.learn(unclear, [case.Gone(4, (MOTHER,))]), NOW, LIMITS)
    assert clock not in ended.deadlines
    assert case.stays_on(ended, MOTHER).state is State.MONITORING
    back = case.advance(case.stays_on(unclear, MOTHER), NOW, LIMITS)
    assert (back.state, back.reentry) == (State.WAITING_FOR_WORKER, 1)


def test_whoever_comes_back_after_the_last_follow_up_is_assessed_anew_and_of_a_closed_case_nothing_begins():
    finished = replace(a_monitored_case(), state=State.FINISHED, deadlines={})
    assert entered(finished, 3, None).reentry == 1
    closed = case.advance(case.learn(finished, [case.Over(2)]), NOW, LIMITS)
    assert entered(closed, 3, None).state is State.FINISHED
    again = case.advance(case.learn(entered(closed, 3, None), [case.Again(3)]), NOW, LIMITS)
    assert (again.state, again.round_version) == (State.WAITING_FOR_WORKER, 3)
