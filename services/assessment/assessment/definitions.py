"""How an instrument is written down: one JSON file per version, with the schema that is published for it, and its validated wording beside it.

Codes, structure, scoring, cut-offs and alerts are facts and stand in the definition, with labels of our own. The validated wording of a
language is somebody's work: an operator who may use it loads it, and an instrument without it is for training only. What we worded
ourselves (`own_wording`) needs none.
"""

import functools
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from typing import Annotated, Any

from contracts.vocabulary import AssessmentFlag, Band, Sex
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assessment.domain import consistency, instruments
from assessment.domain.case import FieldError
from assessment.domain.instruments import Instrument, Missing, Rule

Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
Age = Annotated[int, Field(ge=0, le=200)]
Words = Annotated[str, Field(min_length=1, max_length=300)]
FLAGS = frozenset(AssessmentFlag)


class Language(StrEnum):
    """The languages of wordings."""

    INDONESIAN = "id"
    ENGLISH = "en"


class Respondent(StrEnum):
    """Who answers."""

    SELF = "self"
    CARER = "carer"
    WORKER = "worker"


class Part(BaseModel):
    """A part of a definition: nothing but its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Label(Part):
    """Short words of our own in both languages; not the validated wording."""

    id: Words
    en: Words


class ConditionPart(Part):
    """Asked when an earlier item was answered like this."""

    item: Code
    at_least: int = -1000
    at_most: int = 1000


class ItemPart(Part):
    """One question."""

    code: Code
    values: tuple[int, ...] = Field(min_length=1, max_length=30, description="the answers that it takes, the least first")
    label: Label
    choices: tuple[Label, ...] = Field(
        default=(), description="what each value means, in the order of the values; without: as the instrument's scale says"
    )
    asked_if: tuple[ConditionPart, ...] = Field(default=(), description="all of these; what is not asked is not missing")
    reverse: bool = False
    weight: int = 1


class ScalePart(Part):
    """What items add up to."""

    code: Code
    parts: tuple[tuple[Code, ...], ...] = Field(description="each a list of items, of which the one that counts most is taken")
    rule: Rule = Rule.SUM
    at_least: int = Field(default=1, description="for `count`: how much a part is to be")
    multiplier: int = 1
    most_missing: int = 0
    missing: Missing = Missing.MEAN


class RangePart(Part):
    """What values of a scale mean."""

    scale: Code
    low: int
    high: int
    band: Band
    label: Words
    flags: tuple[AssessmentFlag, ...] = ()
    minimum_age: Age = 0
    maximum_age: Age = 200
    sex: Sex | None = None


class LeastPart(Part):
    """A scale that is at least so high."""

    scale: Code
    at_least: int


class CriterionPart(Part):
    """When all of these hold, the band is at least this one."""

    code: Code
    scales: tuple[LeastPart, ...] = Field(min_length=1)
    band: Band
    flags: tuple[AssessmentFlag, ...] = ()


class AlertPart(Part):
    """An answer that is told at once, whatever the total."""

    item: Code
    at_least: int
    flag: AssessmentFlag


class Sources(Part):
    """Where it comes from: scoring, cut-offs, and under which licence."""

    scoring: str
    cut_offs: str
    licence: str


class Definition(Part):
    """One version of an instrument, as it is kept and published."""

    code: Code
    version: int = Field(ge=1)
    title: Words
    measures: Label
    respondent: Respondent
    minimum_age: Age = 0
    maximum_age: Age = 200
    own_wording: bool = Field(default=False, description="the labels are the wording, and ours: no other is needed")
    scale_of_answers: tuple[Label, ...] = Field(default=(), description="what the values mean, for all items that say nothing else")
    sources: Sources
    items: tuple[ItemPart, ...] = Field(min_length=1, max_length=200)
    scales: tuple[ScalePart, ...] = Field(min_length=1, max_length=30)
    ranges: tuple[RangePart, ...] = Field(default=(), max_length=200)
    criteria: tuple[CriterionPart, ...] = Field(default=(), max_length=30)
    alerts: tuple[AlertPart, ...] = Field(default=(), max_length=50)

    def instrument(self) -> Instrument:
        """What scores it."""
        conditions = {item.code: tuple(instruments.Condition(c.item, c.at_least, c.at_most) for c in item.asked_if) for item in self.items}
        items = (
            instruments.Item(i.code, i.values, i.label.id, i.label.en, conditions[i.code], reverse=i.reverse, weight=i.weight) for i in self.items
        )
        ranges = (
            instruments.Range(r.scale, r.low, r.high, r.band, r.label, r.flags, r.minimum_age, r.maximum_age, r.sex and r.sex.value)
            for r in self.ranges
        )
        criteria = (instruments.Criterion(c.code, tuple((s.scale, s.at_least) for s in c.scales), c.band, c.flags) for c in self.criteria)
        return Instrument(
            code=self.code,
            version=self.version,
            items=tuple(items),
            scales=tuple(instruments.Scale(**scale.model_dump()) for scale in self.scales),
            ranges=tuple(ranges),
            criteria=tuple(criteria),
            alerts=tuple(instruments.Alert(alert.item, alert.at_least, alert.flag) for alert in self.alerts),
            minimum_age=self.minimum_age,
            maximum_age=self.maximum_age,
        )


def read(content: str | bytes | Mapping[str, Any]) -> Definition:
    """A definition from its file or body. Raises FieldError naming what is wrong with it and where."""
    try:
        definition = Definition.model_validate(content) if isinstance(content, Mapping) else Definition.model_validate_json(content)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise FieldError([(".".join(map(str, entry["loc"])) or "body", str(entry["type"])) for entry in found]) from None
    problems = consistency.inconsistencies(definition.instrument(), FLAGS) + _choices(definition)
    if problems:
        raise FieldError(problems)
    return definition


def _choices(definition: Definition) -> list[tuple[str, str]]:
    """Whoever answers must know what a value means: each item has words for each of its values, or the whole instrument has."""
    return [
        (f"items.{n}.choices", "not_one_for_each_value")
        for n, item in enumerate(definition.items)
        if len(item.choices or definition.scale_of_answers) != len(item.values)
    ]


def misfits(definition: Definition, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where a wording does not fit: an item without a text, or a text without an item."""
    codes = [item.code for item in definition.items]
    found = [(code, "missing") for code in codes if not texts.get(code, "").strip()]
    return found + [(code, "unknown_item") for code in texts if code not in codes]


@functools.cache
def shipped() -> tuple[Definition, ...]:
    """The definitions that come with the platform, by code and version."""
    found = [read(entry.read_text()) for entry in files("assessment").joinpath("instruments").iterdir() if entry.name.endswith(".json")]
    return tuple(sorted(found, key=lambda definition: (definition.code, definition.version)))


def schema() -> dict[str, Any]:
    """The JSON Schema of a definition, as it is published."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Definition.model_json_schema()}
