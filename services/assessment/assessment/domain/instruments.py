"""What the answers to an instrument add up to. A score never decides alone: it is read together with the worker's judgement.

An instrument is data: items, the scales that they add up to, and what a value of a scale means. Everything here is a pure function of one
version of it and the answers of one person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from assessment.domain.case import FieldError, Member

# The platform's bands, from the least to the worst; an instrument's own names for its ranges are labels.
BANDS = ("minimal", "mild", "moderate", "severe")
Answers = Mapping[str, int]


class Rule(StrEnum):
    """How a scale comes of its items."""

    SUM = "sum"
    HIGHEST = "highest"
    COUNT = "count"


class Missing(StrEnum):
    """What an item without an answer counts as, as long as few are missing."""

    MEAN = "mean"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Condition:
    """An item is asked when an earlier one was answered with at least this, and at most that."""

    item: str
    at_least: int
    at_most: int

    def holds(self, answers: Answers) -> bool:
        """Whether the earlier answer is there, and such."""
        return self.item in answers and self.at_least <= answers[self.item] <= self.at_most


@dataclass(frozen=True, slots=True)
class Item:
    """One question: its code (never its position), the answers it takes, and our own short label in Indonesian and English.

    It counts `weight` times its answer; `reverse`, as much as the answer is below the highest one.
    """

    code: str
    values: tuple[int, ...]
    label_id: str
    label_en: str
    asked_if: tuple[Condition, ...] = ()
    reverse: bool = False
    weight: int = 1

    def counts(self, answer: int) -> int:
        """What this answer counts."""
        return self.weight * (max(self.values) + min(self.values) - answer if self.reverse else answer)


@dataclass(frozen=True, slots=True)
class Scale:
    """What some items add up to. A part is one item, or several of which the one that counts most is taken.

    `count` counts the parts that are `at_least` so much. Up to `most_missing` parts may have no answer.
    """

    code: str
    parts: tuple[tuple[str, ...], ...]
    rule: Rule = Rule.SUM
    at_least: int = 1
    multiplier: int = 1
    most_missing: int = 0
    missing: Missing = Missing.MEAN


@dataclass(frozen=True, slots=True)
class Range:
    """Values of a scale from `low` to `high` mean this band, for persons of these ages and this sex (any, when it is None).

    `label` is the instrument's own name for it, `flags` what it raises.
    """

    scale: str
    low: int
    high: int
    band: str
    label: str
    flags: tuple[str, ...] = ()
    minimum_age: int = 0
    maximum_age: int = 200
    sex: str | None = None

    def concerns(self, age: int | None, sex: str) -> bool:
        """Whether it is for such a person; what is not known of her excludes nothing."""
        return (age is None or self.minimum_age <= age <= self.maximum_age) and (self.sex is None or sex in (self.sex, "unknown"))


@dataclass(frozen=True, slots=True)
class Criterion:
    """When all these scales are at least so high, the band is at least this one."""

    code: str
    scales: tuple[tuple[str, int], ...]
    band: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An answer of at least `at_least` to this item raises the flag at once, whatever the total will be."""

    item: str
    at_least: int
    flag: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One version of an instrument. The first scale is the one that is shown as its total."""

    code: str
    version: int
    items: tuple[Item, ...]
    scales: tuple[Scale, ...]
    ranges: tuple[Range, ...]
    criteria: tuple[Criterion, ...] = ()
    alerts: tuple[Alert, ...] = ()
    minimum_age: int = 0
    maximum_age: int = 200


@dataclass(frozen=True, slots=True)
class Score:
    """The total, the worst band of all scales and criteria, the flags that they or single answers raise, and each scale's value."""

    total: int
    band: str
    flags: tuple[str, ...]
    values: Mapping[str, int]


class IncompleteError(FieldError):
    """Too many items have no answer; the problems name them."""


def asked(instrument: Instrument, answers: Answers) -> tuple[Item, ...]:
    """The items that are asked after these answers; what is answered in a branch that was left counts no more."""
    found: list[Item] = []
    kept: dict[str, int] = {}
    for item in instrument.items:
        if all(condition.holds(kept) for condition in item.asked_if):
            found.append(item)
            if item.code in answers:
                kept[item.code] = answers[item.code]
    return tuple(found)


def check(instrument: Instrument, answers: Answers, known: Answers | None = None) -> None:
    """Raise FieldError naming each answer that the instrument cannot have, by item code, beside those that are `known` already."""
    items = {item.code: item for item in instrument.items}
    problems = [(f"answers.{code}", "unknown_item") for code in answers if code not in items]
    problems += [(f"answers.{c}", "out_of_range") for c, v in answers.items() if c in items and (type(v) is not int or v not in items[c].values)]
    if not problems:
        now = {item.code for item in asked(instrument, {**(known or {}), **answers})}
        problems = [(f"answers.{code}", "not_asked") for code in answers if code not in now]
    if problems:
        raise FieldError(sorted(problems, key=lambda problem: list(answers).index(problem[0].removeprefix("answers."))))


def check_person(instrument: Instrument, members: Iterable[Member], person_id: UUID) -> Member:
    """The member with this id. Raises FieldError when the household has none, or she is too young or too old; an unknown age is left to the worker."""
    member = next((member for member in members if member.person_id == person_id), None)
    if member is None:
        raise FieldError([("person_id", "not_in_household")])
    if member.age is not None and member.age < instrument.minimum_age:
        raise FieldError([("person_id", "too_young_for_instrument")])
    if member.age is not None and member.age > instrument.maximum_age:
        raise FieldError([("person_id", "too_old_for_instrument")])
    return member


def alerts(instrument: Instrument, answers: Answers) -> tuple[str, ...]:
    """The flags that single answers raise, also of an instrument that is not finished."""
    return _unique(alert.flag for alert in instrument.alerts if answers.get(alert.item, alert.at_least - 1) >= alert.at_least)


def score(instrument: Instrument, answers: Answers, age: int | None = None, sex: str = "unknown") -> Score:
    """Total, band, flags and scales of one person's answers; of a person whose age or sex is not known the worst that it may mean.

    Raises FieldError for impossible answers, and IncompleteError, naming the items, when too many are missing.
    """
    check(instrument, {code: value for code, value in answers.items() if code in {item.code for item in asked(instrument, answers)}})
    now = {item.code: item for item in asked(instrument, answers)}
    given = {code: item.counts(answers[code]) for code, item in now.items() if code in answers}
    values: dict[str, int] = {}
    lacking: list[str] = []
    for scale in instrument.scales:
        value, missing = _value(scale, now, given)
        values[scale.code] = value
        lacking += missing
    if lacking or not given:
        raise IncompleteError([(f"answers.{code}", "missing") for code in now if code in lacking or not given])
    meant: list[Range | Criterion] = [
        entry for entry in instrument.ranges if entry.low <= values[entry.scale] <= entry.high and entry.concerns(age, sex)
    ]
    meant += [entry for entry in instrument.criteria if all(values[scale] >= least for scale, least in entry.scales)]
    bands = [entry.band for entry in meant]
    flags = _unique((*alerts(instrument, answers), *(flag for entry in meant for flag in entry.flags)))
    return Score(values[instrument.scales[0].code], max(bands, key=BANDS.index, default=BANDS[0]), flags, values)


def _value(scale: Scale, now: Mapping[str, Item], given: Mapping[str, int]) -> tuple[int, list[str]]:
    """A scale's value, and the items whose answers it still needs. What is not asked is no part of it."""
    parts = [part for part in ([code for code in part if code in now] for part in scale.parts) if part]
    counted = [max(given[code] for code in part if code in given) for part in parts if any(code in given for code in part)]
    missing = len(parts) - len(counted)
    if missing > scale.most_missing or (missing and not counted):
        return 0, [code for part in parts for code in part if not any(code in given for code in part)]
    if scale.rule is Rule.HIGHEST:
        value = max(counted, default=0)
    elif scale.rule is Rule.COUNT:
        value = sum(value >= scale.at_least for value in counted)
    elif missing and scale.missing is Missing.MEAN:  # the mean of the others in the place of each, rounded half up
        value = (2 * sum(counted) * len(parts) + len(counted)) // (2 * len(counted))
    else:
        value = sum(counted)
    return value * scale.multiplier, []


@dataclass(frozen=True, slots=True)
class Answered:
    """What one person answered to one instrument, with what of her the ranges depend on."""

    instrument: Instrument
    person_id: UUID
    answers: Answers
    age: int | None = None
    sex: str = "unknown"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an assessment comes to for the case."""

    band: str
    flags: tuple[str, ...]


def conclude(answered: Iterable[Answered], judged: str, judged_flags: Sequence[str], *, excused: bool) -> Conclusion:
    """The worker's structured judgement together with the persons' scores: a worse score raises the band, none lowers it (DOMAIN.md 6).

    `excused` says that a reason was given why somebody has no score: then unfinished answers are left out, but for their alerts.
    Raises FieldError when nobody has a score, or somebody's is unfinished, and no reason was given.
    """
    bands, flags, problems = [judged], list(judged_flags), list[tuple[str, str]]()
    for entry in sorted(answered, key=lambda entry: (entry.person_id, entry.instrument.code)):
        flags += alerts(entry.instrument, entry.answers)
        try:
            scored = score(entry.instrument, entry.answers, entry.age, entry.sex)
        except IncompleteError as error:
            problems += [(name.replace("answers.", f"answers.{entry.person_id}."), code) for name, code in error.problems]
        else:
            bands.append(scored.band)
            flags += scored.flags
    if not excused and (problems or len(bands) == 1):
        raise FieldError([*problems, ("no_instrument_reason", "missing")])
    return Conclusion(max(bands, key=BANDS.index), _unique(flags))


def band_of(instrument: Instrument, answers: Mapping[str, int], age: int | None) -> str | None:
    """The band of one person's answers; None when too few were given for a score."""
    try:
        return score(instrument, answers, age).band
    except IncompleteError:
        return None


def _unique(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(flags))
