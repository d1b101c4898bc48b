"""What an incident counts as: the ordered questions, places and age bands."""

from itertools import combinations

import pytest
from contracts.incidents import Act, AgeBand, CoreType, IncidentPlace
from hypothesis import given
from hypothesis import strategies as st
from intake.domain.incidents import AGE_BANDS, OLDEST, QUESTIONS, age_band, core_type, simfoni_place, with_implied

ACTS = tuple(act for act, _ in QUESTIONS)
SIMFONI = {"rumah_tangga", "tempat_kerja", "sekolah", "fasilitas_umum", "lembaga_pendidikan_kilat", "lainnya"}


def test_every_question_alone_gives_its_own_type_and_none_gives_no_gbv():
    assert [core_type([act]) for act in ACTS] == [
        "rape",
        "sexual_assault",
        "physical_assault",
        "forced_marriage",
        "denial_of_resources",
        "psychological_abuse",
    ]
    assert core_type([]) == "non_gbv"
    assert core_type(None) is None, "nobody asked"


@pytest.mark.parametrize(("earlier", "later"), list(combinations(ACTS, 2)))
def test_the_earlier_question_decides(earlier: str, later: str):
    assert core_type([later, earlier]) == core_type([earlier])


@given(st.permutations(ACTS), st.integers(0, 6))
def test_the_order_of_the_answers_does_not_matter(acts, length):
    chosen = acts[:length]
    assert core_type(chosen) == core_type(sorted(chosen))


def test_an_answer_says_it_in_simfonis_terms_too():
    assert with_implied(["psikis"], ["penetration", "physical"]) == ("psikis", "seksual", "fisik")
    assert with_implied(["fisik", "fisik"], None) == ("fisik",)


def test_each_place_counts_as_one_of_simfonis():
    assert {simfoni_place(place) for place in IncidentPlace} == SIMFONI
    assert (simfoni_place("kos"), simfoni_place(None)) == ("rumah_tangga", None)


@pytest.mark.parametrize(("age", "band"), [(0, "0-5"), (5, "0-5"), (6, "6-12"), (12, "6-12"), (13, "13-17"), (17, "13-17"), (18, "18-24")])
def test_bands_begin_where_simfonis_begin(age: int, band: str):
    assert age_band(age) == band


def test_the_codes_are_those_of_the_closed_lists():
    assert [band for _, band in AGE_BANDS] + [OLDEST] == [band.value for band in AgeBand]
    assert {age_band(age) for age in range(121)} == {band.value for band in AgeBand}
    assert age_band(None) is None
    assert set(ACTS) == {act.value for act in Act}
    assert {kind for _, kind in QUESTIONS} | {"non_gbv"} == {kind.value for kind in CoreType}
