"""Risk, responsibility, areas and NIK: pure rules."""

from datetime import date
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.domain.submitted import KECAMATAN, area_exists, nik_finding
from intake.domain.triage import RISKS, leads, risk_floor, shelter_screened

from tests.intake import builders

# What is odd in a NIK is the matter here, so these are of Jakarta.
a_nik = partial(builders.a_nik, province=31)
# The machine may be slow; that is no failure of what is shown here.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TODAY = date(2026, 11, 24)
FLAGS = ("strangulation", "weapon", "threat_to_kill", "escalation", "separation", "pregnancy", "perpetrator_has_access", "suicidal", "child_alone")


@UNHURRIED
@given(st.sampled_from(RISKS), st.lists(st.sampled_from(FLAGS)), st.lists(st.sampled_from(("fisik", "psikis", "seksual"))))
def test_a_rule_raises_a_persons_judgement_and_never_lowers_it(judged, flags, violence):
    result = risk_floor(judged, flags, violence)
    assert RISKS.index(result) >= RISKS.index(judged)
    assert not flags or result == "high"


@pytest.mark.parametrize("flag", FLAGS)
def test_any_red_flag_is_high(flag):
    assert risk_floor("low", [flag]) == "high"


def test_sexual_violence_is_never_low():
    assert risk_floor("low", [], ["seksual"]) == "medium"


def test_an_answer_about_shelter_counts_and_an_unanswered_one_follows_the_danger():
    assert shelter_screened(False, ["witness"], ["weapon"]) is False
    assert shelter_screened(None, [], ["weapon"]) is True
    assert shelter_screened(None, ["homeless"], []) is True
    assert shelter_screened(None, [], ["pregnancy"]) is False


@pytest.mark.parametrize(("violence", "ppks", "agency"), [(["fisik"], 11, "v"), ([], 11, "p"), ([], 19, "v"), ([], None, "v")])
def test_who_leads(violence, ppks, agency):
    assert leads(violence, ppks, victims="v", ppks_agency="p") == agency


def test_all_44_kecamatan_of_jakarta_exist_and_no_other():
    codes = {f"31.{city:02}.{kecamatan:02}" for city in range(100) for kecamatan in range(100)}
    assert sum(area_exists(code) for code in codes) == sum(KECAMATAN.values()) == 44
    assert area_exists("32.75.03")
    assert not area_exists("00.00.00")


@UNHURRIED
@given(st.dates(date(1930, 1, 1), TODAY), st.sampled_from(("female", "male")), st.integers(1, 9999))
def test_a_nik_of_the_right_form_agrees_with_its_holder(born, sex, serial):
    age = TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day))
    assert nik_finding(a_nik(born=born, sex=sex, serial=serial), sex, age, TODAY) is None


@pytest.mark.parametrize(
    "nik",
    ["", "317101570590000", "31710157059000011", "3171015705900000", "0071015705900001", "3171013202900001", "3171015713900001", "317101400590000a",
     "3171014005900001", "3171017205900001", "3171013002900001", "\uff13\uff11\uff17\uff11\uff10\uff11\uff15\uff17\uff10\uff15\uff19\uff10\uff10\uff10\uff10\uff11", "3171015705900001\n"],
)  # fmt: skip
def test_an_impossible_nik_is_found(nik):
    assert nik_finding(nik, "unknown", None, TODAY) == "impossible"


def test_demo_niks_are_impossible_by_design():
    assert nik_finding(a_nik(serial=0), "female", 36, TODAY) == "impossible"
    assert nik_finding(a_nik(province=0), "female", 36, TODAY) == "impossible"


def test_another_sex_or_age_is_a_warning_only():
    assert nik_finding(a_nik(), "male", 36, TODAY) == "differs"
    assert nik_finding(a_nik(), "female", 20, TODAY) == "differs"
    assert nik_finding(a_nik(), "female", 37, TODAY) is None
    assert nik_finding(a_nik(), "unknown", None, TODAY) is None


def test_a_leap_day_needs_a_leap_year_in_either_century():
    assert nik_finding(a_nik(born=date(2000, 2, 29)), "female", 26, TODAY) is None
    assert nik_finding("3171012902010001", "male", None, TODAY) == "impossible"
