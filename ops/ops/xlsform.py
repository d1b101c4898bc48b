"""Turns a form that an agency has as an XLSForm (as in ODK, Kobo or Primero) into the draft of an instrument, whose scoring a person then writes.

pyxform reads the form. What has one of a few answers becomes an item; what is text, a date, a place or a repetition is no instrument's matter,
and is named as left out. The wording is the agency's own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from pyxform.errors import PyXFormError
from pyxform.xls2json import workbook_to_json
from pyxform.xls2json_backends import get_xlsform

LANGUAGE = re.compile(r"\((\w{2})\)\s*$")
CODE = re.compile(r"[^a-z0-9_]+")
COMPARED = re.compile(r"^\s*\$\{(?P<item>[^}]+)\}\s*(?P<sign>=|>=|<=|>|<)\s*'?(?P<value>-?\w+)'?\s*$")
SELECTED = re.compile(r"^\s*selected\(\s*\$\{(?P<item>[^}]+)\}\s*,\s*'(?P<value>-?\w+)'\s*\)\s*$")
BOUND = re.compile(r"^\s*\.\s*(?P<sign>>=|<=|>|<)\s*(?P<value>-?\d+)\s*$")
AND = re.compile(r"\s+and\s+", re.IGNORECASE)
MOST_VALUES = 30
INSTRUCTIONS = frozenset({"note", "calculate", "start", "end", "today", "deviceid", "username", "audit"})
LANGUAGES = ("id", "en")


class FormError(Exception):
    """The form cannot become an instrument; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The draft, and the questions that no instrument has, by name and type."""

    definition: dict[str, Any]
    left_out: tuple[tuple[str, str], ...]


def imported(path: Path, code: str, version: int = 1) -> Imported:
    """Read an XLSForm (xlsx, xls, csv or markdown). Raises FormError."""
    try:
        form = workbook_to_json(get_xlsform(path), form_name=code, fallback_form_name=code)
    except (PyXFormError, OSError, ValueError) as error:
        raise FormError(str(error)) from None
    items: dict[str, dict[str, Any]] = {}
    values: dict[str, dict[str, int]] = {}
    left_out: list[tuple[str, str]] = []
    for question, conditions in _questions(form["children"], ()):
        name, kind = question["name"], question["type"]
        if (choices := _choices(question)) is None:
            left_out += [] if kind in INSTRUCTIONS else [(name, kind)]
            continue
        values[name] = {choice: value for choice, value, _ in choices}
        own = (question.get("bind", {}).get("relevant"),)
        asked_if = [_condition(name, part, items, values) for text in (*conditions, *own) if text for part in AND.split(text)]
        items[name] = {
            "code": _code(name),
            "values": [value for _, value, _ in choices],
            "label": _label(question.get("label") or name),
            "choices": [label for _, _, label in choices],
            "asked_if": asked_if,
        }
    if not items:
        message = "no question of this form has one of a few answers"
        raise FormError(message)
    _distinct(items)
    return Imported(_draft(form, code, version, list(items.values())), tuple(left_out))


def _questions(children: Sequence[Mapping[str, Any]], conditions: tuple[str, ...]) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
    """The questions in order, those of groups under the groups' conditions too."""
    for child in children:
        if child["type"] == "group":
            relevant = child.get("bind", {}).get("relevant")
            if child["name"] != "meta":
                yield from _questions(child.get("children", ()), (*conditions, relevant) if relevant else conditions)
        else:
            yield child, conditions


def _choices(question: Mapping[str, Any]) -> list[tuple[str, int, dict[str, str]]] | None:
    """The answers of a question as (name, value, label); None when it does not have one of a few."""
    if question["type"] == "select one" and "choices" in question:
        names = [str(choice["name"]) for choice in question["choices"]]
        numbers = all(re.fullmatch(r"-?\d+", name) for name in names)
        found = [
            (name, int(name) if numbers else n, _label(choice.get("label") or name))
            for n, (name, choice) in enumerate(zip(names, question["choices"], strict=True))
        ]
        return sorted(found, key=lambda entry: entry[1])
    if question["type"] in {"integer", "range"} and (span := _span(question)) is not None:
        return [(str(value), value, {language: str(value) for language in LANGUAGES}) for value in span]
    return None


def _span(question: Mapping[str, Any]) -> range | None:
    """The whole numbers that a constraint like `. >= 0 and . <= 5`, or the parameters of a range, allow."""
    if question["type"] == "range":
        told = question.get("parameters", {})
        whole = all(re.fullmatch(r"-?\d+", str(told.get(name, ""))) for name in ("start", "end"))
        return range(int(told["start"]), int(told["end"]) + 1) if whole and str(told.get("step", "1")) == "1" else None
    low, high = None, None
    for part in AND.split(question.get("bind", {}).get("constraint") or ""):
        if (found := BOUND.match(part)) is None:
            return None
        value = int(found["value"])
        low = {">=": value, ">": value + 1}.get(found["sign"], low)
        high = {"<=": value, "<": value - 1}.get(found["sign"], high)
    return None if low is None or high is None or not 0 < high - low < MOST_VALUES else range(low, high + 1)


def _condition(name: str, text: str, items: Mapping[str, Any], values: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """One part of `relevant`. Raises FormError for what compares anything but an earlier item with one of its answers."""
    found = COMPARED.match(text) or SELECTED.match(text)
    if found is None or found["item"] not in items or found["value"] not in values[found["item"]]:
        message = f"{name}: relevant: {text.strip()!r} does not compare an earlier item with one of its answers"
        raise FormError(message)
    value, sign = values[found["item"]][found["value"]], found.groupdict().get("sign", "=")
    bounds = {"=": (value, value), ">=": (value, None), "<=": (None, value), ">": (value + 1, None), "<": (None, value - 1)}[sign]
    named = zip(("at_least", "at_most"), bounds, strict=True)
    return {"item": items[found["item"]]["code"], **{bound: limit for bound, limit in named if limit is not None}}


def _label(told: Any) -> dict[str, str]:
    """A label in Indonesian and English, as far as the form has both; a form in one language says the same twice."""
    if isinstance(told, str):
        return {"id": told, "en": told}
    by_language = {found[1]: text for name, text in told.items() if (found := LANGUAGE.search(name))}
    anything = next(iter(told.values()))
    return {language: by_language.get(language, anything) for language in LANGUAGES}


def _code(name: str) -> str:
    code = CODE.sub("_", name.lower()).strip("_")[:40]
    return code if code[:1].isalpha() else f"q_{code}"[:40]


def _distinct(items: Mapping[str, Mapping[str, Any]]) -> None:
    codes = sorted((item["code"], name) for name, item in items.items())
    for (code, one), (other_code, other) in pairwise(codes):
        if code == other_code:
            message = f"{one} and {other} would both be {code}: name one otherwise"
            raise FormError(message)


def _draft(form: Mapping[str, Any], code: str, version: int, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A definition that holds together and says nothing yet: one sum, and one range for all of it."""
    least = sum(min(0 if item["asked_if"] else item["values"][0], item["values"][0]) for item in items)
    most = sum(max(0 if item["asked_if"] else item["values"][-1], item["values"][-1]) for item in items)
    title = str(form.get("title") or code)
    return {
        "code": code,
        "version": version,
        "title": title,
        "measures": {"id": title, "en": title},
        "respondent": "worker",
        "own_wording": True,
        "sources": {"scoring": "not written yet", "cut_offs": "not written yet", "licence": "of the agency whose form this is"},
        "items": list(items),
        "scales": [{"code": "total", "parts": [[item["code"]] for item in items]}],
        "ranges": [{"scale": "total", "low": least, "high": most, "band": "minimal", "label": "not scored"}],
    }
