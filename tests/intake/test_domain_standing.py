"""Where a case stands follows from the set of its facts, in whatever order they came."""

from dataclasses import replace
from datetime import timedelta

import pytest
from contracts import catalogue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake import feed
from intake.domain.duties import may_close, missed
from intake.domain.standing import Kind, State, emptied_by, search_is_over, standing

from tests.intake.builders import START, facts

# The machine may be slow; that is no failure of what is shown here.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
WHOLE_WAY = (
    ("intake.reported", State.REPORTED),
    ("intake.triaged", State.SHELTER_SOUGHT),
    ("placement.waitlisted", State.WAITLISTED),
    ("placement.offered", State.OFFERED),
    ("placement.declined", State.SHELTER_SOUGHT),
    ("placement.offered", State.OFFERED),
    ("placement.extended", State.OFFERED),
    ("placement.accepted", State.ACCEPTED),
    ("placement.on_the_way", State.ON_THE_WAY),
    ("placement.admitted", State.SHELTERED),
    ("assessment.assigned", State.ASSESSMENT),
    ("assessment.completed", State.ASSESSED),
    ("assessment.plan_returned", State.ASSESSED),
    ("assessment.plan_approved", State.PLANNED),
    ("assessment.reunified", State.OUTCOME_UNDER_WAY),
    ("placement.discharged", State.OUTCOME_UNDER_WAY),
    ("assessment.outcome_reached", State.MONITORING),
    ("assessment.followup_due", State.MONITORING),
    ("assessment.followup_done", State.MONITORING),
    ("assessment.followup_missed", State.READY_TO_CLOSE),
    ("intake.closed", State.CLOSED),
)
NAMES = tuple(name for name, _ in WHOLE_WAY)


def test_a_case_goes_its_whole_way_step_by_step():
    states = [standing(facts(*NAMES[: n + 1])).state for n in range(len(NAMES))]
    assert states == [state for _, state in WHOLE_WAY]


@UNHURRIED
@given(st.data())
def test_any_order_and_repetition_of_facts_ends_the_same(data):
    length = data.draw(st.integers(1, len(NAMES)))
    known = facts(*NAMES[:length])
    mixed = data.draw(st.permutations(known + data.draw(st.lists(st.sampled_from(known), max_size=5))))
    assert standing(mixed) == standing(known)
    assert emptied_by(mixed) == emptied_by(known)
    assert missed(mixed, ()) == missed(known, ())


@UNHURRIED
@given(st.data())
def test_however_facts_arrive_an_agency_hears_each_copy_once(data):
    known = facts(*NAMES, triaged={"responsible_agency": "dppapp"})
    arriving = data.draw(st.permutations(known))
    heard: list[str] = []
    for n in range(len(arriving)):
        heard += [copy.key for copy in feed.news(arriving[:n], arriving[: n + 1])]
    assert sorted(heard) == sorted(copy.key for copy in feed.copies(known))


def test_a_withdrawn_case_stays_withdrawn_whatever_comes_later():
    known = facts("intake.reported", "intake.withdrawn", "intake.triaged", "placement.offered", "assessment.assigned", "intake.outreach_dispatched")
    now = standing(known)
    assert (now.state, now.waiting_for, now.team) == (State.WITHDRAWN, (), None)


def test_a_case_without_need_of_shelter_waits_for_a_social_worker():
    now = standing(facts("intake.reported", "intake.triaged", triaged={"shelter_needed": False}))
    assert (now.state, now.waiting_for) == (State.TRIAGED, ("assignment",))


def test_a_case_at_the_door_is_sheltered_and_still_waits_for_triage():
    now = standing(facts("placement.admitted_directly", "intake.reported"))
    assert now.state == State.SHELTERED
    assert set(now.waiting_for) == {"assignment", "triage"}


def test_a_household_is_sheltered_until_its_last_member_left():
    known = facts("intake.triaged", "placement.admitted", "placement.left")
    assert standing(known).inside == {"child"}
    assert standing(known).state == State.SHELTERED
    assert not emptied_by(known)
    both = facts("intake.triaged", "placement.admitted", "placement.left", "placement.discharged", discharged={"persons": ["child"]})
    assert standing(both).state == State.TRIAGED
    assert emptied_by(both) == {both[-1].id}


def test_a_bed_needed_during_assessment_is_waited_for_too():
    now = standing(facts("intake.triaged", "assessment.assigned", "placement.offered"))
    assert (now.state, set(now.waiting_for)) == (State.ASSESSMENT, {"assessment", "shelter_answer"})


def test_a_newer_plan_begins_the_way_to_its_outcomes_anew():
    outcomes = {"outcomes": [{"person_id": "mother", "outcome": "independent_living"}]}
    before = facts("assessment.plan_approved", "assessment.followup_missed")
    after = facts("assessment.plan_approved", "assessment.followup_missed", "assessment.plan_approved", plan_approved=outcomes)
    assert standing(before).state == State.READY_TO_CLOSE
    assert standing(after).state == State.PLANNED


def test_a_refusal_after_the_latest_request_ends_the_search():
    assert search_is_over(facts("intake.triaged", "placement.offered", "placement.cancelled"))
    assert not search_is_over(facts("intake.triaged", "placement.cancelled", cancelled={"reason": "no_longer_needed"}))


def test_a_refusal_before_she_asked_again_does_not_count():
    again = {"risk_changed": {"shelter_needed": True}}
    assert not search_is_over(facts("intake.triaged", "placement.cancelled", "intake.risk_changed", **again))


def test_whether_a_refusal_answers_the_latest_request_is_told_by_the_triage_it_knew_and_not_by_clocks_that_differ():
    story = facts("intake.triaged", "placement.offered", "placement.cancelled", cancelled={"reason": "survivor_declined", "triage_version": 1})
    behind = [replace(fact, at=START - timedelta(hours=1)) if fact.type == Kind.CANCELLED else fact for fact in story]
    assert search_is_over(behind), "the store's clock was set back between the triage and her no"
    again = {"risk_changed": {"shelter_needed": True}, "cancelled": {"reason": "survivor_declined", "triage_version": 1}}
    ahead = facts("intake.triaged", "intake.risk_changed", "placement.cancelled", **again)
    assert not search_is_over(ahead), "she asked again before placement had heard of it"


@pytest.mark.parametrize("end", ["placement.unmet", "placement.cancelled"])
def test_a_search_that_people_ended_is_over_until_somebody_asks_again(end: str):
    codes = {
        "unmet": {"triage_version": 1},
        "cancelled": {"reason": "no_longer_needed", "triage_version": 1},
        "risk_changed": {"shelter_needed": True},
    }
    assert search_is_over(facts("intake.triaged", end, **codes))
    assert not search_is_over(facts("intake.triaged", end, "intake.risk_changed", **codes))


def test_a_refusal_is_answered_once():
    assert not search_is_over(facts("intake.triaged", "placement.cancelled", "intake.risk_changed"))


def test_an_ended_case_starts_nothing_on_a_refusal():
    assert not search_is_over(facts("intake.triaged", "placement.cancelled", "intake.withdrawn"))


def test_a_missed_clock_is_open_until_its_matter_is_settled():
    assert missed(facts("intake.reported", "intake.clock_missed"), ()) == ("triage",)
    assert missed(facts("intake.reported", "intake.clock_missed", "intake.triaged"), ()) == ()
    reported = facts("intake.reported", "intake.clock_missed", clock_missed={"clock": "police_report"})
    assert missed(reported, ()) == ("police_report",)
    assert missed(reported, ("police_report",)) == ()


@pytest.mark.parametrize(
    ("way", "reason", "may"),
    [
        (NAMES[:-1], "needs_met", True),
        (NAMES[:2], "needs_met", False),
        (NAMES[:2], "refused_service", True),
        (NAMES[:10], "refused_service", False),
        (NAMES, "needs_met", False),
    ],
    ids=["ready", "early", "refused", "refused in a bed", "ended"],
)
def test_when_a_case_may_be_closed(way, reason, may):
    assert may_close(standing(facts(*way)), reason) is may


def test_the_domain_knows_types_by_their_real_names():
    assert {str(kind) for kind in Kind} <= catalogue.BY_TYPE.keys()
    assert feed.TABLE.keys() <= catalogue.BY_TYPE.keys()
