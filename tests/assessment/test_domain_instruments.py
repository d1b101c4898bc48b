"""Each shipped instrument scores as it was published, on every boundary, and as an independent reading of its rules does."""

from collections.abc import Mapping
from itertools import product
from uuid import UUID

import pytest
from assessment import definitions
from assessment.domain import instruments
from assessment.domain.case import FieldError
from assessment.domain.instruments import BANDS, Answered, IncompleteError, Instrument
from contracts.vocabulary import AssessmentFlag, Band
from hypothesis import given
from hypothesis import strategies as st

from tests.assessment.builders import AUNT, CHILD, MOTHER, members

SHIPPED = {definition.code: definition.instrument() for definition in definitions.shipped()}
PHQ9 = SHIPPED["phq9"]
CODES = [item.code for item in PHQ9.items]


def answers(*values: int) -> dict[str, int]:
    return dict(zip(CODES, values, strict=False))


def adding_up_to(instrument: Instrument, total: int) -> dict[str, int]:
    """Answers to all items that count `total` together."""
    found, left = {}, total
    for item in instrument.items:
        found[item.code] = max(value for value in item.values if value <= left)
        left -= found[item.code]
    assert left == 0
    return found


def test_bands_and_flags_are_the_contracts():
    assert set(Band) == set(BANDS)
    for instrument in SHIPPED.values():
        assert {alert.flag for alert in instrument.alerts} | {flag for entry in instrument.ranges for flag in entry.flags} <= set(AssessmentFlag)


# Total -> band where one sum decides. Sources: PHQ-9 Kroenke 2001; GAD-7 Spitzer 2006; HARK Sohal 2007; SRQ-20 Riskesdas (Indonesia);
# CATS Sachser 2017 and the tip sheet of 2017; PCL-5 National Center for PTSD (the lower of 31 and 33). Platform bands as each file says.
BOUNDARIES = [
    (
        "phq9",
        {0: "minimal", 4: "minimal", 5: "mild", 9: "mild", 10: "moderate", 14: "moderate", 15: "severe", 19: "severe", 20: "severe", 27: "severe"},
    ),
    ("gad7", {0: "minimal", 4: "minimal", 5: "mild", 9: "mild", 10: "moderate", 14: "moderate", 15: "severe", 21: "severe"}),
    ("hark", {0: "minimal", 1: "moderate", 4: "moderate"}),
    ("srq20", {0: "minimal", 5: "minimal", 6: "moderate", 20: "moderate"}),
    ("cats_7_17_self", {0: "minimal", 14: "minimal", 15: "moderate", 20: "moderate", 21: "severe", 60: "severe"}),
    ("cats_7_17_carer", {0: "minimal", 14: "minimal", 15: "moderate", 20: "moderate", 21: "severe", 60: "severe"}),
    ("cats_3_6_carer", {0: "minimal", 14: "minimal", 15: "severe", 48: "severe"}),
    ("triage_screen", {0: "minimal", 1: "severe", 10: "severe"}),
]


@pytest.mark.parametrize(("code", "total", "band"), [(code, total, band) for code, bands in BOUNDARIES for total, band in bands.items()])
def test_the_published_cut_offs_hold(code: str, total: int, band: str):
    found = instruments.score(SHIPPED[code], adding_up_to(SHIPPED[code], total))
    assert (found.total, found.band) == (total, band)


def test_moderately_severe_depression_is_severe_and_only_severe_raises_the_flag():
    for total in range(28):
        found = instruments.score(PHQ9, adding_up_to(PHQ9, total))
        assert ("severe_distress" in found.flags) == (total >= 20)


# Topp et al. 2015: the raw sum times four; below 50 poor well-being, 28 or less likely depression.
@pytest.mark.parametrize(
    ("raw", "total", "band"),
    [(0, 0, "severe"), (7, 28, "severe"), (8, 32, "moderate"), (12, 48, "moderate"), (13, 52, "minimal"), (25, 100, "minimal")],
)
def test_well_being_is_the_raw_sum_times_four(raw: int, total: int, band: str):
    found = instruments.score(SHIPPED["who5"], adding_up_to(SHIPPED["who5"], raw))
    assert (found.total, found.band) == (total, band)


# National Center for PTSD: 31 to 33, or one B, one C, two D and two E symptoms of at least 2.
@pytest.mark.parametrize(
    ("symptoms", "band"),
    [
        ({1: 2, 6: 2, 8: 2, 9: 2, 15: 2, 16: 2}, "severe"),
        ({1: 2, 6: 2, 8: 2, 9: 2, 15: 2, 16: 1}, "minimal"),
        ({1: 1, 6: 2, 8: 2, 9: 2, 15: 2, 16: 2}, "minimal"),
        ({1: 2, 6: 1, 8: 2, 9: 2, 15: 2, 16: 2}, "minimal"),
        ({1: 2, 6: 2, 8: 2, 9: 1, 15: 2, 16: 2}, "minimal"),
        (dict.fromkeys(range(8, 15), 4) | {1: 2}, "minimal"),
        (dict.fromkeys(range(8, 15), 4) | {1: 3}, "severe"),
    ],
)
def test_post_traumatic_stress_is_probable_by_the_sum_or_by_clusters(symptoms: Mapping[int, int], band: str):
    assert instruments.score(SHIPPED["pcl5"], {f"pcl5_{n}": symptoms.get(n, 0) for n in range(1, 21)}).band == band


# Prins et al. 2016: without exposure 0; 4 and more is positive, Bovin et al. 2021: 3 for women. Whose sex is not known gets the careful one.
@pytest.mark.parametrize(
    ("yes", "sex", "band"),
    [
        (2, "female", "minimal"),
        (3, "female", "severe"),
        (3, "male", "minimal"),
        (4, "male", "severe"),
        (3, "unknown", "severe"),
        (2, "unknown", "minimal"),
    ],
)
def test_the_short_screen_of_post_traumatic_stress_goes_by_sex(yes: int, sex: str, band: str):
    instrument = SHIPPED["pcptsd5"]
    given = {"pcptsd5_exposed": 1} | {item.code: int(n < yes) for n, item in enumerate(instrument.items[1:])}
    found = instruments.score(instrument, given, 30, sex)
    assert (found.total, found.band) == (yes, band)


def test_who_was_never_exposed_is_not_asked_further():
    instrument = SHIPPED["pcptsd5"]
    assert [item.code for item in instruments.asked(instrument, {"pcptsd5_exposed": 0})] == ["pcptsd5_exposed"]
    assert instruments.score(instrument, {"pcptsd5_exposed": 0}).band == "minimal"
    with pytest.raises(FieldError) as refused:
        instruments.check(instrument, {"pcptsd5_guilt": 1}, {"pcptsd5_exposed": 0})
    assert refused.value.problems == (("answers.pcptsd5_guilt", "not_asked"),)
    left = {"pcptsd5_exposed": 0, "pcptsd5_guilt": 1}
    assert instruments.score(instrument, left).total == 0, "what was answered in a branch that was left counts no more"


# Gardner et al. 1999: 15 in all, 5 internalising, 7 attention, 7 externalising.
@pytest.mark.parametrize(
    ("high", "band"),
    [
        ({"sad": 2, "hopeless": 2, "worries": 1}, "moderate"),
        ({"sad": 2, "hopeless": 2}, "minimal"),
        ({"fidgety": 2, "daydreams": 2, "motor": 2, "distracted": 1}, "moderate"),
        ({"fidgety": 2, "daydreams": 2, "motor": 2}, "minimal"),
        ({"fights": 2, "rules": 2, "takes": 2, "teases": 1}, "moderate"),
        ({"fights": 2, "rules": 2, "takes": 2}, "minimal"),
        ({"sad": 2, "hopeless": 2, "fidgety": 2, "daydreams": 2, "motor": 2, "fights": 2, "rules": 2}, "minimal"),
        ({"sad": 2, "hopeless": 2, "fidgety": 2, "daydreams": 2, "motor": 2, "fights": 2, "rules": 2, "takes": 1}, "moderate"),
    ],
)
def test_a_child_is_at_risk_by_the_sum_or_by_one_field(high: Mapping[str, int], band: str):
    instrument = SHIPPED["psc17"]
    found = instruments.score(instrument, {item.code: high.get(item.code.removeprefix("psc17_"), 0) for item in instrument.items}, 9)
    assert (found.band, "child_at_risk" in found.flags) == (band, band == "moderate")


def columbia(*answered: int) -> tuple[dict[str, int], str]:
    """Answers in the order of the screener, only those that are asked; and the risk by the published triage, written out once more."""
    wish, thoughts, how, intent, plan, ever, recent = answered
    given = {"cssrs_1": wish, "cssrs_2": thoughts, "cssrs_6_ever": ever}
    given |= {"cssrs_3": how, "cssrs_4": intent, "cssrs_5": plan} if thoughts else {}
    given |= {"cssrs_6_recent": recent} if ever else {}
    if (thoughts and (intent or plan)) or (ever and recent):
        return given, "severe"
    if (thoughts and how) or ever:
        return given, "moderate"
    return given, "mild" if wish or thoughts else "minimal"


def test_the_risk_of_suicide_is_the_highest_yes_for_every_way_to_answer():
    for values in product((0, 1), repeat=7):
        given, band = columbia(*values)
        found = instruments.score(SHIPPED["cssrs_screener"], given)
        assert (found.band, "self_harm" in found.flags) == (band, band != "minimal"), values
        assert ("self_harm" in instruments.alerts(SHIPPED["cssrs_screener"], given)) == (band != "minimal")


def test_the_comprehensive_assessment_is_as_urgent_as_its_most_urgent_need():
    instrument = SHIPPED["atensi_comprehensive"]
    calm = {item.code: 0 for item in instrument.items}
    assert instruments.score(instrument, calm).band == "minimal"
    for level, band in enumerate(BANDS):
        found = instruments.score(instrument, calm | {"atensi_housing": level})
        assert (found.band, found.values["social"], found.values["economic"]) == (band, level, 0)


def by_hand(instrument: Instrument, given: Mapping[str, int]) -> int:
    """The first scale of an instrument in which every item counts as it is answered, in plain arithmetic."""
    scale = instrument.scales[0]
    answered = [given[code] for (code,) in scale.parts if code in given]
    if len(answered) < len(scale.parts):
        return int(sum(answered) * len(scale.parts) / len(answered) + 0.5)
    return sum(answered) * scale.multiplier


PLAIN = sorted(code for code, i in SHIPPED.items() if i.scales[0].rule == "sum" and not any(item.asked_if for item in i.items))


@given(st.data())
def test_random_answers_agree_with_plain_arithmetic(data: st.DataObject):
    instrument = SHIPPED[data.draw(st.sampled_from(PLAIN))]
    given = {item.code: data.draw(st.sampled_from(item.values), label=item.code) for item in instrument.items}
    for code in data.draw(st.lists(st.sampled_from(sorted(given)), max_size=instrument.scales[0].most_missing, unique=True)):
        del given[code]
    found = instruments.score(instrument, given, 10)
    total = by_hand(instrument, given)
    assert found.total == total
    meant = [entry.band for entry in instrument.ranges if entry.scale == instrument.scales[0].code and entry.low <= total <= entry.high]
    assert BANDS.index(found.band) >= BANDS.index(meant[0])


@given(st.data())
def test_what_an_instrument_does_not_take_is_refused_and_named(data: st.DataObject):
    instrument = SHIPPED[data.draw(st.sampled_from(sorted(SHIPPED)))]
    item = data.draw(st.sampled_from(instrument.items))
    wrong = data.draw(st.integers(-50, 50).filter(lambda value: value not in item.values) | st.booleans())
    with pytest.raises(FieldError) as refused:
        instruments.check(instrument, {item.code: wrong})
    assert refused.value.problems == ((f"answers.{item.code}", "out_of_range"),)


@given(st.data())
def test_a_worse_answer_never_gives_a_better_band(data: st.DataObject):
    instrument = SHIPPED[data.draw(st.sampled_from([code for code in PLAIN if code != "who5"]))]
    given = {item.code: data.draw(st.sampled_from(item.values), label=item.code) for item in instrument.items}
    item = data.draw(st.sampled_from(instrument.items))
    worse = given | {item.code: max(item.values)}
    assert BANDS.index(instruments.score(instrument, worse, 10).band) >= BANDS.index(instruments.score(instrument, given, 10).band)


def test_impossible_answers_are_refused_by_item_code():
    with pytest.raises(FieldError) as refused:
        instruments.check(PHQ9, {"phq9_1": 4, "phq9_2": -1, "phq9_10": 1, "phq9_3": True, "phq9_4": 3})
    assert refused.value.problems == (
        ("answers.phq9_1", "out_of_range"),
        ("answers.phq9_2", "out_of_range"),
        ("answers.phq9_10", "unknown_item"),
        ("answers.phq9_3", "out_of_range"),
    )


def test_item_nine_alerts_whatever_the_total_is_and_before_the_rest_is_answered():
    assert instruments.alerts(PHQ9, {"phq9_9": 1}) == ("self_harm",)
    assert instruments.score(PHQ9, answers(0, 0, 0, 0, 0, 0, 0, 0, 1)).flags == ("self_harm",)
    assert instruments.alerts(PHQ9, {"phq9_9": 0}) == ()


def test_two_missing_items_count_as_the_mean_and_three_are_too_many():
    assert instruments.score(PHQ9, answers(1, 1, 1, 1, 1, 1, 2)).total == 10
    with pytest.raises(IncompleteError) as refused:
        instruments.score(PHQ9, answers(1, 1, 1, 1, 1, 1))
    assert refused.value.problems == tuple((f"answers.phq9_{n}", "missing") for n in (7, 8, 9))


@pytest.mark.parametrize("code", sorted(set(SHIPPED) - {"phq9"}))
def test_what_names_no_rule_for_missing_items_needs_them_all(code: str):
    instrument = SHIPPED[code]
    given = {item.code: min(item.values) for item in instrument.items if not item.asked_if}
    last = list(given)[-1]
    with pytest.raises(IncompleteError) as refused:
        instruments.score(instrument, {c: v for c, v in given.items() if c != last})
    assert refused.value.problems == ((f"answers.{last}", "missing"),)


def test_a_young_child_and_a_stranger_are_not_asked_and_an_unknown_age_is_left_to_the_worker():
    household = members(MOTHER, CHILD, AUNT)
    instruments.check_person(PHQ9, household, MOTHER)
    instruments.check_person(PHQ9, household, AUNT)
    for instrument, person, code in (
        (PHQ9, CHILD, "too_young_for_instrument"),
        (PHQ9, UUID(int=9), "not_in_household"),
        (SHIPPED["psc17"], MOTHER, "too_old_for_instrument"),
    ):
        with pytest.raises(FieldError) as refused:
            instruments.check_person(instrument, household, person)
        assert refused.value.problems == (("person_id", code),)


def phq9(given: Mapping[str, int]) -> list[Answered]:
    return [Answered(PHQ9, MOTHER, given)]


def test_a_score_raises_the_judgement_and_never_lowers_it():
    mild, severe = answers(*[1] * 7, 0, 0), answers(*[2] * 8, 0)
    assert instruments.conclude(phq9(severe), "mild", [], excused=False).band == "severe"
    assert instruments.conclude(phq9(mild), "severe", ["child_at_risk"], excused=False) == instruments.Conclusion("severe", ("child_at_risk",))
    both = [*phq9(mild), Answered(PHQ9, AUNT, severe)]
    assert instruments.conclude(both, "minimal", [], excused=False).band == "severe"


def test_without_a_score_a_reason_is_asked_for_and_unfinished_answers_are_named():
    with pytest.raises(FieldError, match="no_instrument_reason: missing"):
        instruments.conclude([], "mild", [], excused=False)
    with pytest.raises(FieldError, match=f"answers.{MOTHER}.phq9_8: missing"):
        instruments.conclude(phq9({"phq9_9": 2}), "mild", [], excused=False)
    assert instruments.conclude(phq9({"phq9_9": 2}), "mild", [], excused=True) == instruments.Conclusion("mild", ("self_harm",))


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
    band = instruments.conclude(phq9(answers(*values)), judged, [], excused=False).band
    assert BANDS.index(band) == max(BANDS.index(judged), BANDS.index(instruments.score(PHQ9, answers(*values)).band))


def test_several_instruments_of_several_persons_are_read_together():
    child = Answered(SHIPPED["cats_7_17_self"], CHILD, adding_up_to(SHIPPED["cats_7_17_self"], 21), 9)
    mild = Answered(PHQ9, MOTHER, adding_up_to(PHQ9, 5))
    assert instruments.conclude([mild], "minimal", [], excused=False).band == "mild"
    found = instruments.conclude([mild, child], "minimal", [], excused=False)
    assert found == instruments.Conclusion("severe", ("child_at_risk", "severe_distress"))
