"""Where a case stands follows from the set of its facts, in whatever order they came."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from contracts import catalogue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake import feed
from intake.casebook import CONTACT_RETRY, OWN_MATTERS, keep_time
from intake.domain.duties import may_close, missed
from intake.domain.record import MOVES, in_telling_order, waiting_since
from intake.domain.standing import Kind, State, emptied_by, search_is_over, standing
from intake.settings import IntakeSettings

from tests.intake.builders import START, facts

CASE = UUID(int=7)


class Clocks:
    """What is set and taken back, by kind."""

    def __init__(self) -> None:
        self.settings = IntakeSettings.model_construct()
        self.now, self.made, self.taken_back = START, set(), set()

    def set_clock(self, kind, *_, **__) -> None:
        self.made.add(kind)

    def cancel_clock(self, kind, *_) -> None:
        self.taken_back.add(kind)


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


DECIDED = (
    "intake.triaged",
    "intake.risk_changed",
    "intake.household_changed",
    "intake.incident_recorded",
    "intake.joiner_settled",
    "intake.closure_proposed",
    "intake.closure_returned",
    "intake.responsibility_proposed",
    "intake.responsibility_declined",
    "intake.responsibility_transferred",
    "intake.outreach_dispatched",
    "intake.outreach_ended",
    "intake.withdrawn",
    "intake.contact_lost",
    "intake.closed",
    "intake.reopened",
    "intake.clock_missed",
    "placement.admitted",
    "placement.cancelled",
    "placement.left",
    "assessment.assigned",
    "assessment.completed",
    "assessment.followup_missed",
)
HOUSEHOLD = {"household_changed": {"household": {"persons": [{"person_id": name} for name in ("mother", "child", "baby")]}}}


@UNHURRIED
@given(st.lists(st.sampled_from(DECIDED), max_size=14), st.data())
def test_whatever_people_decide_any_order_of_its_facts_ends_the_same_and_a_case_has_ended_or_somebody_has_a_move_with_a_clock(names, data):
    known = facts("intake.reported", *names, **HOUSEHOLD)
    now = standing(known)
    mixed = data.draw(st.permutations(known + known[:3]))
    assert standing(mixed) == now
    assert missed(mixed, ()) == missed(known, ())
    assert waiting_since(mixed).keys() == set(now.waiting_for)
    assert now.ended is not bool(now.waiting_for)
    assert set(now.waiting_for) <= MOVES.keys()
    kept_here = {matter for matter in now.waiting_for if MOVES[matter].kept_by == "intake"}
    assert kept_here <= {"triage", "outreach", *OWN_MATTERS}, "each has a clock of its name"


@UNHURRIED
@given(st.lists(st.sampled_from(DECIDED), max_size=12), st.sampled_from(DECIDED))
def test_every_matter_that_begins_gets_its_clock_and_every_one_that_is_settled_loses_it(names, last):
    known = facts("intake.reported", *names, last, **HOUSEHOLD)
    before, after = standing(known[:-1]), standing(known)
    clocks = Clocks()
    keep_time(clocks, CASE, before, after, None)
    own = {"triage", *OWN_MATTERS}
    begun, settled = set(after.waiting_for) - set(before.waiting_for), set(before.waiting_for) - set(after.waiting_for)
    assert begun & own == clocks.made - {CONTACT_RETRY}
    assert settled & own <= clocks.taken_back
    lost = after.state is State.CONTACT_LOST and not before.ended
    assert (CONTACT_RETRY in clocks.made) is lost


def test_a_case_that_was_reopened_is_triaged_anew_and_looks_for_no_bed_that_was_asked_for_before():
    now = standing(facts("intake.reported", "intake.triaged", "intake.withdrawn", "intake.reopened"))
    assert (now.state, set(now.waiting_for)) == (State.TRIAGED, {"assignment", "triage"})
    again = standing(facts("intake.reported", "intake.triaged", "intake.withdrawn", "intake.reopened", "intake.risk_changed"))
    assert again.waiting_for == ("assignment",)
    unmet = facts("intake.triaged", "placement.unmet", "intake.closed", "intake.reopened", unmet={"triage_version": 1})
    assert not search_is_over(unmet), "it is people who triage it now"


def test_an_assessment_before_the_reopening_says_nothing_of_where_the_case_stands_after_it():
    before = ("intake.triaged", "assessment.assigned", "assessment.followup_missed", "intake.closed", "intake.reopened")
    assert standing(facts(*before)).state == State.TRIAGED
    again = facts(*before, "assessment.assigned")
    again[-1] = replace(again[-1], codes={"reopened_version": 3})
    assert standing(again).state == State.ASSESSMENT


def test_what_is_given_up_waits_for_a_new_plan_and_the_dead_for_nothing():
    way = ("intake.triaged", "assessment.assigned", "assessment.completed", "assessment.plan_approved", "assessment.reunified")
    outcomes = [{"person_id": person, "outcome": "reunification"} for person in ("p1", "p2")]
    told = {"plan_approved": {"outcomes": outcomes}, "reunified": {"person_id": "p1"}}
    assert standing(facts(*way, **told)).state == State.OUTCOME_UNDER_WAY
    given_up = {"outcome_abandoned": {"person_id": "p2", "reason": "unsafe"}}
    due = standing(facts(*way, "assessment.outcome_abandoned", **told, **given_up))
    assert (due.state, due.waiting_for[0]) == (State.ASSESSED, "plan")
    again = facts(*way, "assessment.outcome_abandoned", "assessment.plan_approved", **told, **given_up)
    assert standing(again).state == State.OUTCOME_UNDER_WAY
    died = {"outcome_abandoned": {"person_id": "p2", "reason": "died"}}
    assert standing(facts(*way, "assessment.outcome_abandoned", **told, **died)).state == State.MONITORING
    lost = {"outcome_abandoned": {"person_id": "p1", "reason": "broke_down"}}
    back = facts(*way, "assessment.outcome_abandoned", "assessment.plan_approved", **told, **lost)
    assert standing(back).state == State.PLANNED, "what did not last is not reached any more"


def test_a_return_to_a_shelter_begins_the_assessment_anew():
    before = ("intake.triaged", "assessment.assigned", "assessment.completed", "assessment.followup_missed", "assessment.assigned")
    again = facts(*before)
    again[-2] = replace(again[-2], codes={"number": 4, "last": True})
    again[-1] = replace(again[-1], codes={"reentry": 1})
    assert standing(again[:-1]).state == State.READY_TO_CLOSE
    assert standing(again).state == State.ASSESSMENT


def test_who_leads_is_who_said_so_last():
    names = ("intake.triaged", "intake.responsibility_proposed", "intake.responsibility_transferred")
    assert standing(facts(*names)).responsible == "dinsos"
    assert standing(facts(*names, "intake.risk_changed")).responsible == "dppapp"
    units = {"triaged": {"responsible_unit": "upt-pppa"}, "responsibility_transferred": {"unit": "sudinsos-pusat"}}
    assert [standing(facts(*names[:length], **units)).unit for length in (0, 1, 2, 3)] == [None, "upt-pppa", "upt-pppa", "sudinsos-pusat"]


def test_a_wish_that_changed_is_no_new_judgement_of_the_risk():
    names = ("intake.triaged", "intake.incident_recorded", "intake.risk_changed")
    assert "risk_review" in standing(facts(*names, risk_changed={"judged": False})).waiting_for
    assert "risk_review" not in standing(facts(*names)).waiting_for


def test_a_protection_that_ended_is_missed_until_another_step_is_taken():
    names = ("intake.triaged", "intake.legal_step_recorded", "intake.clock_missed")
    ended = {"clock_missed": {"clock": "protection_expiry"}}
    assert missed(facts(*names, **ended), ()) == ("protection_expiry",)
    assert missed(facts(*names, "intake.legal_step_recorded", **ended), ()) == ()


@UNHURRIED
@given(st.permutations(range(6)))
def test_a_timeline_tells_causes_before_effects_and_else_by_time(order):
    told = facts(*NAMES[:6])
    late = replace(told[1], at=told[1].at + timedelta(hours=2))
    caused = replace(told[4], at=told[4].at - timedelta(hours=3), causation=str(late.id))
    known = [told[0], late, told[2], told[3], caused, told[5]]
    ordered = in_telling_order([known[n] for n in order])
    assert [fact.id for fact in ordered] == [told[0].id, told[2].id, told[3].id, told[5].id, late.id, caused.id]


@UNHURRIED
@given(st.lists(st.sampled_from(DECIDED), max_size=12))
def test_a_matter_waits_since_the_fact_from_which_on_it_did_without_a_break(names):
    told = in_telling_order(facts("intake.reported", *names, **HOUSEHOLD))
    waits = [set(standing(told[: n + 1]).waiting_for) for n in range(len(told))]
    expected = {}
    for matter in waits[-1]:
        start = len(told) - 1
        while start and matter in waits[start - 1]:
            start -= 1
        expected[matter] = told[start].at
    assert waiting_since(told) == expected


def test_causes_in_a_circle_lose_no_fact():
    one, two = facts("intake.reported", "intake.triaged")
    circle = [replace(one, causation=str(two.id)), replace(two, causation=str(one.id))]
    assert {fact.id for fact in in_telling_order(circle)} == {one.id, two.id}


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
