from dataclasses import replace
from datetime import date, timedelta

import pytest
from assessment.domain import agreement, case, reassessment, risk
from assessment.domain.agreement import Agreement, PersonPlan
from assessment.domain.case import Case, State, StateError
from assessment.domain.reassessment import Kind, concluded
from assessment.domain.risk import RISKS, rank
from contracts.vocabulary import AssessmentFlag, AssessmentKind, Band, RedFlag, Risk
from hypothesis import given
from hypothesis import strategies as st

from tests.assessment.builders import (
    CHILD,
    LIMITS,
    MOTHER,
    NOW,
    a_monitored_case,
    a_planned_case,
    a_triage,
    a_waiting_case,
    an_assigned_case,
    members,
)

TODAY = date(2026, 11, 24)


def test_the_domain_knows_the_contracts_codes():
    assert set(RISKS) == {level.value for level in Risk}
    assert {danger.value for danger in risk.Danger} == {flag.value for flag in RedFlag}
    assert {kind.value for kind in Kind} == {kind.value for kind in AssessmentKind}


# -- the rule floor -----------------------------------------------------------------------------------------------------------------

FOUND = (st.sampled_from(RISKS), st.sets(st.sampled_from(risk.Danger)), st.sets(st.sampled_from(list(AssessmentFlag))), st.sampled_from(list(Band)))


@given(*FOUND)
def test_the_floor_never_lowers_what_a_person_judged_and_says_which_rules_raised_it(own: str, dangers: set, flags: set, band: str):
    found = risk.judged(own, dangers, flags, band)
    assert rank(found.risk) >= rank(own)
    assert bool(found.rules) == (found.risk != own)
    assert found.risk == "high" or not dangers


@given(*FOUND, st.sampled_from(risk.Danger))
def test_more_danger_never_means_less_risk(own: str, dangers: set, flags: set, band: str, another: str):
    assert rank(risk.judged(own, {*dangers, another}, flags, band).risk) >= rank(risk.judged(own, dangers, flags, band).risk)


@pytest.mark.parametrize(
    ("flags", "band", "least"),
    [
        ((), "minimal", "low"),
        ((), "severe", "medium"),
        (("child_at_risk",), "mild", "medium"),
        (("severe_distress",), "mild", "medium"),
        (("self_harm",), "minimal", "high"),
    ],
)
def test_what_was_found_has_a_least_risk(flags: tuple[str, ...], band: str, least: str):
    assert risk.judged("low", (), flags, band).risk == least


# -- one assessment after the other -----------------------------------------------------------------------------------------------


def done(known: Case, kind: Kind, level: str | None = None) -> Case:
    return concluded(known, kind, level, NOW, LIMITS)


def test_the_first_look_and_the_comprehensive_assessment_have_clocks_of_their_own():
    known = an_assigned_case()
    assert {"initial", "comprehensive", "plan"} <= set(known.deadlines)
    looked = done(known, Kind.INITIAL)
    assert (looked.state, set(looked.deadlines)) == (State.ASSESSED, {"comprehensive", "plan"})
    with pytest.raises(StateError):
        done(looked, Kind.INITIAL)
    with pytest.raises(StateError):
        done(looked, Kind.REASSESSMENT)
    whole = done(looked, Kind.COMPREHENSIVE)
    assert whole.deadlines["reassessment"] == NOW + LIMITS.reassessment
    with pytest.raises(StateError):
        done(whole, Kind.COMPREHENSIVE)
    assert done(known, Kind.COMPREHENSIVE).deadlines.keys() == whole.deadlines.keys()


def test_nobody_concludes_what_no_worker_has():
    for kind in Kind:
        with pytest.raises(StateError):
            done(a_waiting_case(), kind)


def test_a_raised_risk_and_another_incident_each_ask_for_an_assessment_soon_and_a_lowered_risk_does_not():
    whole = done(an_assigned_case(), Kind.COMPREHENSIVE)
    soon = NOW + LIMITS.reassess_soon
    for told in (a_triage(2, risk="high"), case.Incident(2)):
        after = case.advance(case.learn(whole, [told]), NOW, LIMITS)
        assert after.deadlines["reassessment"] == soon
        assert case.advance(after, NOW + timedelta(hours=1), LIMITS) == after, "once for each"
        again = done(after, Kind.REASSESSMENT)
        assert case.advance(again, NOW, LIMITS).deadlines["reassessment"] == NOW + LIMITS.reassessment
    assert case.advance(case.learn(whole, [a_triage(2, risk="low")]), NOW, LIMITS).deadlines == whole.deadlines


def test_what_the_assessment_itself_raised_asks_for_no_other_one():
    whole = done(an_assigned_case(), Kind.COMPREHENSIVE, "high")
    assert case.advance(case.learn(whole, [a_triage(2, risk="high")]), NOW, LIMITS).deadlines == whole.deadlines


def test_what_happened_before_the_assessment_is_known_to_it_and_a_correction_is_none():
    known = case.learn(an_assigned_case(), [case.Incident(5)])
    assert case.advance(known, NOW, LIMITS).deadlines == known.deadlines
    whole = done(known, Kind.COMPREHENSIVE)
    assert case.advance(case.learn(whole, [case.Incident(4)]), NOW, LIMITS) == whole


def test_follow_ups_take_the_place_of_what_is_looked_at_from_time_to_time_but_not_of_a_raised_risk():
    known = replace(a_monitored_case(), assessed_risk="medium")
    assert "reassessment" not in known.deadlines
    raised = case.advance(case.learn(known, [a_triage(2, MOTHER, risk="high")]), NOW, LIMITS)
    assert raised.deadlines["reassessment"] == NOW + LIMITS.reassess_soon
    assert "reassessment" not in done(raised, Kind.REASSESSMENT).deadlines


def test_a_missed_deadline_climbs_and_the_next_one_begins_below():
    known = an_assigned_case()
    for step, wait in ((1, LIMITS.escalate), (2, LIMITS.again), (3, LIMITS.again)):
        known, missed = case.ran_out(known, "initial", NOW, NOW, LIMITS)
        assert missed == case.Missed("initial_assessment", NOW, step)
        assert known.deadlines["initial"] == NOW + wait
    assert case.settled(done(known, Kind.INITIAL)).missed == {}


def test_a_case_that_is_over_has_no_clock_left():
    stopped = replace(a_planned_case({MOTHER: "services_at_home"}), state=State.FINISHED, deadlines={"service_answer:x": NOW}, missed={"a": 1})
    assert (case.settled(stopped).deadlines, case.settled(stopped).missed) == ({}, {})


def test_new_answers_belong_to_the_next_assessment_only_after_the_comprehensive_one():
    assert not reassessment.fresh(an_assigned_case())
    assert not reassessment.fresh(done(an_assigned_case(), Kind.INITIAL))
    assert reassessment.fresh(done(an_assigned_case(), Kind.COMPREHENSIVE))


# -- what was agreed --------------------------------------------------------------------------------------------------------------


def wrong(person: object, said: Agreement | None, **plan: object) -> set[tuple[str, str]]:
    found = agreement.problems(members(MOTHER, CHILD), {person: PersonPlan(said, **plan)}, TODAY)
    return {(field.removeprefix(f"outcomes.{person}."), code) for field, code in found}


@pytest.mark.parametrize(
    ("person", "said", "problem"),
    [
        (MOTHER, Agreement("agreed"), None),
        (MOTHER, Agreement("own_view_and_consenter", "agrees", "guardian"), ("agreement.agreed", "adult_decides_herself")),
        (MOTHER, Agreement("alternative_consenter", None, "court"), ("agreement.reason", "missing")),
        (MOTHER, Agreement("not_agreed"), ("agreement.reason", "missing")),
        (MOTHER, Agreement("not_agreed", reason="refused"), None),
        (CHILD, Agreement("agreed", reason="no_guardian"), ("agreement.agreed", "child_cannot_alone")),
        (CHILD, Agreement("own_view_and_consenter", "objects", "guardian"), None),
        (CHILD, Agreement("own_view_and_consenter", None, "guardian"), ("agreement.own_view", "missing")),
        (CHILD, None, ("agreement", "missing")),
    ],
)
def test_who_may_agree_and_how(person: object, said: Agreement | None, problem: tuple[str, str] | None):
    assert wrong(person, said) == ({problem} if problem else set())


def test_a_goal_lies_ahead_and_nothing_is_named_twice():
    goals = [("safety", TODAY), ("safety", TODAY), ("income", TODAY - timedelta(days=1))]
    services = [("psikologis", "dppapp"), ("psikologis", "dppapp"), ("psikologis", "dinsos")]
    assert wrong(MOTHER, Agreement("agreed"), goals=goals, services=services) == {
        ("goals.1", "duplicate"), ("goals.2.target", "in_the_past"), ("services.1", "duplicate"),
    }  # fmt: skip


def test_nothing_is_asked_for_a_person_who_refused():
    refused = Agreement("not_agreed", reason="refused")
    assert wrong(MOTHER, refused, services=[("psikologis", "dppapp")]) == {("services", "person_refused")}
    assert wrong(MOTHER, Agreement("not_agreed", reason="unable_to_decide"), services=[("psikologis", "dppapp")]) == set()
