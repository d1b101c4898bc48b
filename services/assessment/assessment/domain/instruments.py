"""What the answers to an instrument add up to. A score never decides alone: it is read together with the worker's judgement."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from assessment.domain.case import FieldError, Member

BANDS = ("minimal", "mild", "moderate", "severe")


@dataclass(frozen=True, slots=True)
class Item:
    """One question: its code (never its position), the answers it takes, and our own short label in Indonesian and English."""

    code: str
    minimum: int
    maximum: int
    label_id: str
    label_en: str


@dataclass(frozen=True, slots=True)
class Range:
    """Totals from `low` to `high` mean this band; `label` is the instrument's own name for it, `flags` what they raise."""

    low: int
    high: int
    band: str
    label: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """An answer of at least `at_least` to this item raises the flag at once, whatever the total will be."""

    item: str
    at_least: int
    flag: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """One version of an instrument; `most_missing` items may be left out and are prorated."""

    code: str
    version: int
    wording: str
    minimum_age: int
    items: tuple[Item, ...]
    ranges: tuple[Range, ...]
    alerts: tuple[Alert, ...]
    most_missing: int


@dataclass(frozen=True, slots=True)
class Score:
    """The total, its band, and the flags that it or single answers raise."""

    total: int
    band: str
    flags: tuple[str, ...]


class IncompleteError(FieldError):
    """Too many items have no answer; the problems name them."""


def definition(text: str) -> Instrument:
    """Read an instrument's data file (JSON). Raises KeyError or ValueError when it is not one."""
    data = json.loads(text)
    return Instrument(
        code=data["code"],
        version=data["version"],
        wording=data["wording"],
        minimum_age=data["minimum_age"],
        items=tuple(Item(i["code"], i["minimum"], i["maximum"], i["label"]["id"], i["label"]["en"]) for i in data["items"]),
        ranges=tuple(Range(r["low"], r["high"], r["band"], r["label"], tuple(r["flags"])) for r in data["ranges"]),
        alerts=tuple(Alert(a["item"], a["at_least"], a["flag"]) for a in data["alerts"]),
        most_missing=data["missing"]["at_most"],
    )


def check(instrument: Instrument, answers: Mapping[str, int]) -> None:
    """Raise FieldError naming each answer that the instrument cannot have, by item code."""
    items = {item.code: item for item in instrument.items}
    problems: list[tuple[str, str]] = []
    for code, value in answers.items():
        if code not in items:
            problems.append((f"answers.{code}", "unknown_item"))
        elif type(value) is not int or not items[code].minimum <= value <= items[code].maximum:
            problems.append((f"answers.{code}", "out_of_range"))
    if problems:
        raise FieldError(problems)


def check_person(instrument: Instrument, members: Iterable[Member], person_id: UUID) -> None:
    """Raise FieldError when the person is not of the household, or too young for the instrument; an unknown age is left to the worker."""
    member = next((member for member in members if member.person_id == person_id), None)
    if member is None:
        raise FieldError([("person_id", "not_in_household")])
    if member.age is not None and member.age < instrument.minimum_age:
        raise FieldError([("person_id", "too_young_for_instrument")])


def alerts(instrument: Instrument, answers: Mapping[str, int]) -> tuple[str, ...]:
    """The flags that single answers raise, also of an instrument that is not finished."""
    return _unique(alert.flag for alert in instrument.alerts if answers.get(alert.item, -1) >= alert.at_least)


def score(instrument: Instrument, answers: Mapping[str, int]) -> Score:
    """Total, band and flags of one person's answers.

    Up to `most_missing` items without an answer count as the mean of the others (the data file names the source), rounded half up.
    Raises FieldError for impossible answers and IncompleteError when more are missing.
    """
    check(instrument, answers)
    missing = [item.code for item in instrument.items if item.code not in answers]
    if len(missing) > instrument.most_missing or not answers:
        raise IncompleteError([(f"answers.{code}", "missing") for code in missing])
    answered, items = len(answers), len(instrument.items)
    total = (2 * sum(answers.values()) * items + answered) // (2 * answered)
    found = next(entry for entry in instrument.ranges if entry.low <= total <= entry.high)
    return Score(total, found.band, _unique((*alerts(instrument, answers), *found.flags)))


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What an assessment comes to for the case."""

    band: str
    flags: tuple[str, ...]


def conclude(
    instrument: Instrument, answers: Mapping[UUID, Mapping[str, int]], judged: str, judged_flags: Sequence[str], *, excused: bool
) -> Conclusion:
    """The worker's structured judgement together with the persons' scores: a worse score raises the band, none lowers it (DOMAIN.md 6).

    `excused` says that a reason was given why somebody has no score: then unfinished answers are left out, but for their alerts.
    Raises FieldError when nobody has a score, or somebody's is unfinished, and no reason was given.
    """
    bands, flags, problems = [judged], list(judged_flags), list[tuple[str, str]]()
    for person, given in sorted(answers.items()):
        flags += alerts(instrument, given)
        try:
            scored = score(instrument, given)
        except IncompleteError as error:
            problems += [(name.replace("answers.", f"answers.{person}."), code) for name, code in error.problems]
        else:
            bands.append(scored.band)
            flags += scored.flags
    if not excused and (problems or len(bands) == 1):
        raise FieldError([*problems, ("no_instrument_reason", "missing")])
    return Conclusion(max(bands, key=BANDS.index), _unique(flags))


def _unique(flags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(flags))
