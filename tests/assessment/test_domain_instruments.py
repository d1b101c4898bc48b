from importlib.resources import files
from uuid import UUID

import pytest
from assessment.domain import instruments
from assessment.domain.case import FieldError
from assessment.domain.instruments import BANDS, IncompleteError
from contracts.vocabulary import AssessmentFlag, Band
from hypothesis import given
from hypothesis import strategies as st

from tests.assessment.builders import AUNT, CHILD, MOTHER, members

PHQ9 = instruments.definition(files("assessment").joinpath("instruments/phq9.v1.json").read_text())
CODES = [item.code for item in PHQ9.items]


def answers(*values: int) -> dict[str, int]:
    return dict(zip(CODES, values, strict=False))


def test_the_data_file_speaks_the_contracts_codes_and_its_ranges_cover_every_total_once():
    assert {entry.band for entry in PHQ9.ranges} <= set(Band)
    assert set(Band) == set(BANDS)
    assert {flag for entry in PHQ9.ranges for flag in entry.flags} | {alert.flag for alert in PHQ9.alerts} <= set(AssessmentFlag)
    assert [total for entry in PHQ9.ranges for total in range(entry.low, entry.high + 1)] == list(range(28))
    assert "not the validated wording" in PHQ9.wording


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (0, "minimal"),
        (4, "minimal"),
        (5, "mild"),
        (9, "mild"),
        (10, "moderate"),
        (14, "moderate"),
        (15, "severe"),
        (19, "severe"),
        (20, "severe"),
        (27, "severe"),
    ],
)
def test_the_published_cut_offs_hold(total: int, band: str):
    values = [min(3, max(0, total - 3 * n)) for n in range(9)]
    found = instruments.score(PHQ9, answers(*values))
    assert (found.total, found.band) == (total, band)
    assert ("severe_distress" in found.flags) == (total >= 20)


def test_item_nine_alerts_whatever_the_total_is_and_before_the_rest_is_answered():
    assert instruments.alerts(PHQ9, {"phq9_9": 1}) == ("self_harm",)
    assert instruments.score(PHQ9, answers(0, 0, 0, 0, 0, 0, 0, 0, 1)).flags == ("self_harm",)
    assert instruments.alerts(PHQ9, {"phq9_9": 0}) == ()


def test_two_missing_items_count_as_the_mean_and_three_are_too_many():
    assert instruments.score(PHQ9, answers(1, 1, 1, 1, 1, 1, 2)).total == 10
    with pytest.raises(IncompleteError) as refused:
        instruments.score(PHQ9, answers(1, 1, 1, 1, 1, 1))
    assert refused.value.problems == tuple((f"answers.phq9_{n}", "missing") for n in (7, 8, 9))


def test_impossible_answers_are_refused_by_item_code():
    with pytest.raises(FieldError) as refused:
        instruments.check(PHQ9, {"phq9_1": 4, "phq9_2": -1, "phq9_10": 1, "phq9_3": True, "phq9_4": 3})
    assert refused.value.problems == (
        ("answers.phq9_1", "out_of_range"),
        ("answers.phq9_2", "out_of_range"),
        ("answers.phq9_10", "unknown_item"),
        ("answers.phq9_3", "out_of_range"),
    )


def test_a_young_child_and_a_stranger_are_not_asked_and_an_unknown_age_is_left_to_the_worker():
    household = members(MOTHER, CHILD, AUNT)
    instruments.check_person(PHQ9, household, MOTHER)
    instruments.check_person(PHQ9, household, AUNT)
    for person, code in ((CHILD, "too_young_for_instrument"), (UUID(int=9), "not_in_household")):
        with pytest.raises(FieldError) as refused:
            instruments.check_person(PHQ9, household, person)
        assert refused.value.problems == (("person_id", code),)


def test_a_score_raises_the_judgement_and_never_lowers_it():
    mild, severe = answers(*[1] * 7, 0, 0), answers(*[2] * 8, 0)
    assert instruments.conclude(PHQ9, {MOTHER: severe}, "mild", [], excused=False).band == "severe"
    assert instruments.conclude(PHQ9, {MOTHER: mild}, "severe", ["child_at_risk"], excused=False) == instruments.Conclusion(
        "severe", ("child_at_risk",)
    )
    assert instruments.conclude(PHQ9, {MOTHER: mild, AUNT: severe}, "minimal", [], excused=False).band == "severe"


def test_without_a_score_a_reason_is_asked_for_and_unfinished_answers_are_named():
    with pytest.raises(FieldError, match="no_instrument_reason: missing"):
        instruments.conclude(PHQ9, {}, "mild", [], excused=False)
    with pytest.raises(FieldError, match=f"answers.{MOTHER}.phq9_8: missing"):
        instruments.conclude(PHQ9, {MOTHER: {"phq9_9": 2}}, "mild", [], excused=False)
    assert instruments.conclude(PHQ9, {MOTHER: {"phq9_9": 2}}, "mild", [], excused=True) == instruments.Conclusion("mild", ("self_harm",))


@given(st.dictionaries(st.sampled_from(CODES), st.integers(0, 3)))
def test_every_possible_set_of_answers_is_scored_or_named_incomplete(given_answers: dict[str, int]):
    missing = 9 - len(given_answers)
    if missing > 2:
        with pytest.raises(IncompleteError) as refused:
            instruments.score(PHQ9, given_answers)
        assert len(refused.value.problems) == missing
    else:
        found = instruments.score(PHQ9, given_answers)
        assert 0 <= found.total <= 27
        assert ("self_harm" in found.flags) == (given_answers.get("phq9_9", 0) > 0)


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9), st.sampled_from(BANDS))
def test_the_conclusion_is_never_milder_than_the_judgement_or_the_score(values: list[int], judged: str):
    band = instruments.conclude(PHQ9, {MOTHER: answers(*values)}, judged, [], excused=False).band
    assert BANDS.index(band) == max(BANDS.index(judged), BANDS.index(instruments.score(PHQ9, answers(*values)).band))
