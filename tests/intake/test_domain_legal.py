"""The deadlines of the law, working days, and when mediation is allowed: pure rules."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.domain.legal import Limits, Step, deadlines, ends_on, may_mediate, protected_by_law, reminders
from intake.domain.triage import Leads, responsible
from intake.domain.workdays import JAKARTA, after_working_days, working

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)  # a Thursday, ten in the morning in Jakarta
LIMITS = Limits(timedelta(hours=24), timedelta(hours=24))
TODAY = date(2026, 11, 26)


def test_three_working_days_pass_over_the_weekend_and_over_holidays():
    assert after_working_days(NOW, 3) == datetime(2026, 12, 1, 3, tzinfo=UTC)
    assert after_working_days(NOW, 3, [date(2026, 11, 27)]) == datetime(2026, 12, 2, 3, tzinfo=UTC)


def test_what_begins_on_a_free_day_in_jakarta_begins_with_the_next_working_day():
    friday_night = datetime(2026, 11, 27, 18, tzinfo=UTC)  # Saturday in Jakarta, one in the morning
    assert after_working_days(friday_night, 0) == datetime(2026, 11, 30, tzinfo=JAKARTA)
    assert after_working_days(friday_night, 1) == datetime(2026, 12, 1, tzinfo=JAKARTA)


@given(
    st.integers(0, 365 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    st.integers(0, 15),
    st.sets(st.dates(date(2026, 1, 1), date(2027, 2, 1)), max_size=30),
)
def test_working_days_are_counted_each_once_and_end_on_one(start, days, holidays):
    end = after_working_days(start, days, holidays)
    assert end >= start
    assert working(end.astimezone(JAKARTA).date(), holidays)
    first, last = start.astimezone(JAKARTA).date(), end.astimezone(JAKARTA).date()
    between = [first + timedelta(days=n) for n in range(1, (last - first).days + 1)]
    passed = sum(working(day, holidays) for day in between)
    assert passed == days + (0 if working(first, holidays) else 1)


def test_a_list_that_makes_every_day_free_does_not_count_forever():
    every = {TODAY + timedelta(days=n) for n in range(3000)}
    assert after_working_days(NOW, 1, every) > NOW


def test_after_the_report_the_police_protect_where_the_law_says_so():
    report = Step("police_report", TODAY)
    assert deadlines(report, NOW, LIMITS, by_law=True) == {"protection": NOW + timedelta(hours=24)}
    assert deadlines(report, NOW, LIMITS, by_law=False) == {}
    assert deadlines(Step("police_protection", TODAY), NOW, LIMITS, by_law=True) == {"protection_request": NOW + timedelta(hours=24)}
    assert deadlines(Step("visum", TODAY), NOW, LIMITS, by_law=True) == {}


def test_who_was_trafficked_has_rehabilitation_a_week_after_asking_whenever_that_is_written_down():
    asked = Step("rehabilitation_request", TODAY)
    assert deadlines(asked, NOW, LIMITS, by_law=False, trafficked=True) == {"rehabilitation": NOW + timedelta(days=7)}
    assert deadlines(asked, NOW, LIMITS, by_law=True) == {}
    late = deadlines(asked, NOW + timedelta(days=30), LIMITS, by_law=False, trafficked=True)["rehabilitation"]
    assert late == datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=JAKARTA) + timedelta(days=8)


@pytest.mark.parametrize(
    ("types", "relations", "applies"),
    [(["seksual"], [], True), (["fisik"], ["suami_istri"], True), (["fisik"], ["tetangga"], False), ([], [], False)],
)
def test_which_violence_the_police_protect_from(types, relations, applies):
    assert protected_by_law(types, relations) is applies


def test_a_protection_lasts_as_long_as_its_law_lets_it_unless_an_end_was_said():
    assert ends_on(Step("police_protection", TODAY), ["seksual"]) == date(2026, 12, 10)
    assert ends_on(Step("police_protection", TODAY), ["fisik"]) == date(2026, 12, 3)
    assert ends_on(Step("police_protection", TODAY, date(2026, 11, 30)), ["fisik"]) == date(2026, 11, 30)
    assert ends_on(Step("visum", TODAY), ["fisik"]) is None


def test_people_are_told_three_days_and_one_day_before_an_end_and_after_it():
    assert reminders(date(2026, 12, 10), TODAY, LIMITS) == [(3, date(2026, 12, 7)), (1, date(2026, 12, 9)), (0, date(2026, 12, 11))]
    assert reminders(date(2026, 11, 28), TODAY, LIMITS) == [(1, date(2026, 11, 27)), (0, date(2026, 11, 29))]
    assert reminders(date(2026, 11, 1), TODAY, LIMITS) == [(0, TODAY)]


@pytest.mark.parametrize(
    ("types", "ages", "supervisor", "may"),
    [
        (["fisik"], [40], False, True),
        (["seksual"], [40], True, False),
        (["seksual"], [16], True, True),
        (["seksual"], [16], False, False),
        (["seksual"], [16, 30], True, False),
        (["seksual"], [None], True, False),
        (["seksual"], [], True, False),
    ],
)
def test_sexual_violence_is_not_mediated_but_for_children_by_a_supervisor(types, ages, supervisor, may):
    assert may_mediate(types, ages, supervisor=supervisor) is may


def test_the_first_line_of_the_table_that_fits_says_who_leads():
    table = [Leads("polda", "ppa-utara", victims=True, area="31.72"), Leads(unit="upt", victims=True), Leads("dinsos", victims=False, area="31")]
    assert responsible(table, ["fisik"], None, "31.72.04") == table[0]
    assert responsible(table, ["fisik"], None, "31.71.04") == table[1]
    assert responsible(table, [], 11, "31.71.04") == table[2]
    assert responsible(table, [], 11, "32.71.04") is None
