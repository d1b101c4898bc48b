"""A definition that does not hold together is refused, with the place of its mistake; the shipped ones hold, and say what they are."""

from collections.abc import Callable
from typing import Any

import pytest
from assessment import definitions
from assessment.domain.case import FieldError
from assessment.domain.instruments import Instrument, Item, Missing, Rule, Scale, score

A: dict[str, Any] = {
    "code": "trial",
    "version": 1,
    "title": "Trial",
    "measures": {"id": "contoh", "en": "an example"},
    "respondent": "self",
    "scale_of_answers": [{"id": "tidak", "en": "no"}, {"id": "ya", "en": "yes"}],
    "sources": {"scoring": "none", "cut_offs": "none", "licence": "none"},
    "items": [
        {"code": "one", "values": [0, 1], "label": {"id": "satu", "en": "one"}},
        {"code": "two", "values": [0, 1], "label": {"id": "dua", "en": "two"}, "asked_if": [{"item": "one", "at_least": 1}]},
        {"code": "three", "values": [0, 1], "label": {"id": "tiga", "en": "three"}},
    ],
    "scales": [{"code": "total", "parts": [["one"], ["two", "three"]]}],
    "ranges": [
        {"scale": "total", "low": 0, "high": 0, "band": "minimal", "label": "none"},
        {"scale": "total", "low": 1, "high": 2, "band": "severe", "label": "some", "maximum_age": 17},
        {"scale": "total", "low": 1, "high": 2, "band": "mild", "label": "some", "minimum_age": 18},
    ],
    "criteria": [{"code": "both", "scales": [{"scale": "total", "at_least": 2}], "band": "severe"}],
    "alerts": [{"item": "three", "at_least": 1, "flag": "self_harm"}],
}


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(definition: dict[str, Any]) -> None:
        holder: Any = definition
        for part in path[:-1]:
            holder = holder[part]
        holder[path[-1]] = value

    return change


def copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: copy(inner) for name, inner in value.items()}
    return [copy(inner) for inner in value] if isinstance(value, list) else value


def test_the_example_holds_together():
    assert definitions.read(A).instrument().code == "trial"


MISTAKES = [
    (put("items", 0, "code", value="three"), ("items.three", "twice")),
    (put("items", 0, "values", value=[1, 1]), ("items.0.values", "no_distinct_values")),
    (put("items", 1, "asked_if", 0, "item", value="three"), ("items.1.asked_if.0.item", "not_asked_before")),
    (put("items", 1, "asked_if", 0, "at_least", value=2), ("items.1.asked_if.0", "never_holds")),
    (put("items", 2, "values", value=[0, 1, 2]), ("items.2.choices", "not_one_for_each_value")),
    (put("scales", 0, "parts", value=[["one"], ["four"]]), ("scales.0.parts", "unknown_item")),
    (put("scales", 0, "parts", value=[["one"], ["one"]]), ("scales.0.parts.one", "twice")),
    (put("scales", 0, "parts", value=[["one"], []]), ("scales.0.parts", "missing")),
    (put("scales", 0, "most_missing", value=2), ("scales.0.most_missing", "too_many")),
    (put("scales", 0, "multiplier", value=0), ("scales.0.multiplier", "below_one")),
    (put("ranges", 0, "scale", value="other"), ("ranges.0.scale", "unknown_scale")),
    (put("ranges", 1, "low", value=3), ("ranges.1.high", "below_low")),
    (put("ranges", 1, "high", value=1), ("ranges of total at 2 for female of 0", "gap")),
    (put("ranges", 1, "low", value=0), ("ranges of total at 0 for female of 0", "overlap")),
    (put("ranges", 2, "minimum_age", value=17), ("ranges of total at 1 for female of 17", "overlap")),
    (put("ranges", 2, "minimum_age", value=19), ("ranges of total at 1 for female of 18", "gap")),
    (put("ranges", 2, "sex", value="male"), ("ranges of total at 1 for female of 18", "gap")),
    (put("criteria", 0, "scales", 0, "scale", value="other"), ("criteria.0.scales", "unknown_scale")),
    (put("alerts", 0, "item", value="four"), ("alerts.0.item", "unknown_item")),
    (put("alerts", 0, "at_least", value=2), ("alerts.0.at_least", "never_reached")),
    (put("minimum_age", value=201), ("minimum_age", "less_than_equal")),
    (put("ranges", 0, "band", value="awful"), ("ranges.0.band", "enum")),
    (put("alerts", 0, "flag", value="other"), ("alerts.0.flag", "enum")),
    (put("items", 0, "colour", value="red"), ("items.0.colour", "extra_forbidden")),
]


@pytest.mark.parametrize(("change", "problem"), MISTAKES)
def test_a_mistake_is_refused_with_its_place(change: Callable[[dict[str, Any]], None], problem: tuple[str, str]):
    wrong = copy(A)
    change(wrong)
    with pytest.raises(FieldError) as refused:
        definitions.read(wrong)
    assert problem in refused.value.problems


def test_without_ranges_or_criteria_a_total_means_nothing():
    with pytest.raises(FieldError, match="no_ranges"):
        definitions.read(A | {"ranges": [], "criteria": []})


def test_the_shipped_ones_say_where_they_come_from_and_what_their_labels_are_not():
    for definition in definitions.shipped():
        assert definition.own_wording or "not the validated wording" in definition.sources.licence
        assert definition.sources.scoring
        assert definition.sources.cut_offs


def test_what_counts_most_of_a_group_is_taken_and_reversed_items_count_backwards():
    items = (Item("a", (0, 1, 2, 3), "", ""), Item("b", (0, 1, 2, 3), "", ""), Item("c", (0, 1, 2, 3), "", "", reverse=True))
    instrument = Instrument("trial", 1, items, (Scale("total", (("a", "b"), ("c",))),), ())
    assert score(instrument, {"a": 1, "b": 3, "c": 3}).total == 3
    assert score(instrument, {"a": 1, "c": 0}).total == 4, "of a group one answer is enough"


def test_a_missing_item_may_count_nothing():
    items = tuple(Item(code, (0, 1, 2), "", "") for code in "abc")
    scale = Scale("total", (("a",), ("b",), ("c",)), most_missing=1, missing=Missing.ZERO)
    assert score(Instrument("trial", 1, items, (scale,), ()), {"a": 2, "b": 2}).total == 4
    counted = Scale("total", scale.parts, Rule.COUNT, at_least=2, most_missing=1)
    assert score(Instrument("trial", 1, items, (counted,), ()), {"a": 2, "b": 1}).total == 1
