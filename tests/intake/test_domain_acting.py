"""How long people took to act: from the facts of a case, once, in whatever order they come, and never what a rule or a clock did."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from intake.domain.acting import BEGIN_AND_END, acts, acts_by, paces
from intake.domain.record import MOVES

from tests.intake.builders import facts

REPORT = {"violence_types": ["seksual"]}
DAY = ["intake.reported", "intake.triaged", "intake.outreach_dispatched", "intake.legal_step_recorded", "intake.outreach_ended"]


def told(*names, **codes):
    return [replace(fact, causation=f"cause {n}") for n, fact in enumerate(facts(*names, **{"reported": REPORT, **codes}))]


def found(case):
    return [(act.matter, act.took) for act in acts(case)]


def test_each_matter_is_done_once_and_takes_from_its_beginning_to_its_act():
    case = told(*DAY, legal_step_recorded={"code": "police_report", "on": "2026-11-01"})
    minute = timedelta(minutes=1)
    assert found(case) == [("triage", minute), ("police_report", 3 * minute), ("outreach", 2 * minute)]


def test_any_order_and_repetition_of_the_facts_gives_the_same():
    case = told(*DAY, "intake.incident_recorded", "intake.risk_changed", "intake.closure_proposed", "intake.closure_returned")
    mixed = [*case, *case]
    Random(7).shuffle(mixed)
    assert found(mixed) == found(case)
    assert [matter for matter, _ in found(case)] == ["triage", "outreach", "risk_review", "closure_approval"]


def test_a_fact_that_comes_again_is_no_new_act():
    case = told(*DAY)
    assert [act.matter for act in acts_by(case, [case[1]])] == ["triage"]
    assert acts_by(case, []) == []
    assert acts_by(case, [case[2]]) == []


def test_what_the_clock_or_the_screen_triaged_nobody_did():
    case = told("intake.reported", "intake.clock_missed", "intake.triaged")
    by_clock = [*case[:2], replace(case[2], causation=case[1].causation)]
    by_screen = [case[0], replace(case[2], causation=case[0].causation)]
    assert (found(by_clock), found(by_screen)) == ([], [])
    # The clock ran out, and then a person did it.
    assert [matter for matter, _ in found(case)] == ["triage"]


def test_what_waits_when_a_case_ends_was_not_done_and_begins_anew_when_it_goes_on():
    case = told("intake.reported", "intake.withdrawn", "intake.reopened", "intake.triaged")
    assert found(case) == [("triage", timedelta(minutes=1))]


def test_a_safety_change_judges_no_risk():
    case = told("intake.reported", "intake.triaged", "intake.incident_recorded", "intake.risk_changed", risk_changed={"judged": False})
    assert [matter for matter, _ in found(case)] == ["triage"]


def test_the_median_and_nine_of_ten_are_told_per_matter():
    one = told("intake.reported", "intake.triaged")
    slow = [one[0], replace(one[1], at=one[1].at + timedelta(minutes=9))]
    (pace,) = paces([*acts(one), *acts(one), *acts(slow)])
    assert (pace.matter, pace.times, pace.median, pace.most) == ("triage", 3, timedelta(minutes=1), timedelta(minutes=8, seconds=12))


def test_every_matter_that_is_timed_is_a_move():
    assert BEGIN_AND_END.keys() <= MOVES.keys()
