"""Why a home was or was not offered: what a decision saw, kept so that the same answer can be given again, and what each home comes to."""

import hashlib
import json
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from placement.domain.assign import match
from placement.domain.homes import Considered, Home, Verdict
from placement.domain.offers import Offer, Unplaceable, offer_homes
from placement.domain.people import Household
from placement.domain.rules import NO, YES

# Rules that say how full a home is, or that it takes nobody now, rather than what it is.
OF_ROOM = frozenset({"P1", "P4", "closed"})

PLAIN = frozenset({str, int, bool, type(None)})
Answer = Offer | Unplaceable


class How(StrEnum):
    """How a batch was decided: one after the other, together by steps that were surely enough, or together by the solver."""

    IN_TURN = "in_turn"
    TOGETHER = "together"
    SOLVED = "solved"


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided for a batch of households, how, and on which homes."""

    how: How
    homes: Sequence[Home]
    decisions: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as it is kept: for whom, on which homes as they were seen, what every rule said, and which home was chosen, if any.

    `homes` are names of what was seen (`name_of`); `together_with` are the decisions made in the same batch, on the same homes.
    """

    id: UUID
    case_id: UUID
    made_at: datetime
    rules_version: int
    household: Household
    homes: tuple[UUID, ...]
    considered: tuple[Considered, ...]
    shelter_id: UUID | None = None
    together_with: tuple[UUID, ...] = ()
    how: How = How.IN_TURN


class Outcome(StrEnum):
    """What one home came to for one household."""

    CHOSEN = "chosen"
    SUITED = "suited"
    REFUSED = "refused"


class Band(StrEnum):
    """All that is told of the secret homes together."""

    AVAILABLE = "available"
    NOT_AVAILABLE = "not_available"
    NOT_SUITABLE = "not_suitable"


# -- the same answer again ------------------------------------------------------------------------------------------------------------


def rerun(how: "How", homes: Iterable[Home], households: Iterable[Household], case_id: UUID) -> Answer:
    """Decide again on what a batch saw, as it was decided then; the answer for one of its households. What was solved is solved by `solver`."""
    answers = offer_homes(homes, households) if how is How.IN_TURN else match(homes, households).decisions
    return answer_of(answers, case_id)


def answer_of(answers: Iterable[Answer], case_id: UUID) -> Answer:
    """The answer for one household of a batch."""
    return next(answer for answer in answers if answer.household.case_id == case_id)


def same(decision: Decision, answer: Answer) -> bool:
    """Whether an answer is the one that was kept: the same home, and the same verdicts that mattered."""
    home = answer.home if isinstance(answer, Offer) else None
    return home == decision.shelter_id and that_mattered(answer.considered) == that_mattered(decision.considered)


def that_mattered(considered: Iterable[Considered]) -> tuple[Considered, ...]:
    """The same without the rules that said a plain yes: these are all the others."""
    return tuple(replace(entry, verdicts=tuple(v for v in entry.verdicts if v.answer != YES)) for entry in considered)


# -- what each home came to -----------------------------------------------------------------------------------------------------------


def outcome(entry: Considered, shelter_id: UUID | None) -> Outcome:
    """What a home came to in a decision that chose this shelter, or none."""
    if entry.home == shelter_id:
        return Outcome.CHOSEN
    return Outcome.REFUSED if _refusing(entry) else Outcome.SUITED


def band(secret: Collection[Considered]) -> Band:
    """All that may be told of the secret homes together: whether one had room, one would have suited, or none."""
    refused = [_refusing(entry) for entry in secret]
    if any(not rules for rules in refused):
        return Band.AVAILABLE
    return Band.NOT_AVAILABLE if any(rules <= OF_ROOM for rules in refused) else Band.NOT_SUITABLE


def _refusing(entry: Considered) -> frozenset[str]:
    return frozenset(verdict.rule for verdict in entry.verdicts if verdict.answer == NO)


# -- as it is kept --------------------------------------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A value of the domain as JSON has it; the same value is always the same text, sets in order."""
    if type(value) in PLAIN:
        return value
    if is_dataclass(value):
        return {name: plain(getattr(value, name)) for name in _names(value.__class__)}
    if isinstance(value, Mapping):
        return {str(key): plain(value[key]) for key in sorted(value)}
    if isinstance(value, (tuple, frozenset)):
        entries = [plain(entry) for entry in value]
        return sorted(entries) if isinstance(value, frozenset) else entries
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def text_of(home: Home) -> str:
    """The one text of a home as it was seen, by which it is recognised. Homes rarely change between two decisions: it is remembered with the home."""
    found: str | None = home.memo.get("text")
    if found is None:
        rest = {name: plain(getattr(home, name)) for name in _names(Home) if name != "rooms"}
        rooms = ",".join(_json(plain(room)) for room in home.rooms)
        found = home.memo["text"] = f'{_json(rest)[:-1]},"rooms":[{rooms}]}}'
    return found


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.init)


def name_of(text: str) -> UUID:
    """The name of what was seen, made from its text: what is unchanged has the same name, and is kept once."""
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


def home_of(seen: Mapping[str, Any]) -> Home:
    """A home from what is kept of it."""
    home: Home = _read(Home, seen)
    return home


def household_of(seen: Mapping[str, Any]) -> Household:
    """A household from what is kept of it."""
    household: Household = _read(Household, seen)
    return household


def kept(considered: Iterable[Considered]) -> list[dict[str, Any]]:
    """What is kept of verdicts: those that are not a plain yes, by home."""
    return [
        {"home": str(entry.home), "secret": entry.secret, "said": [[v.rule, v.version, v.answer, v.fact, v.cost] for v in entry.verdicts]}
        for entry in that_mattered(considered)
    ]


def considered_of(rows: Sequence[Mapping[str, Any]]) -> tuple[Considered, ...]:
    """Verdicts from what is kept of them."""
    return tuple(Considered(UUID(row["home"]), tuple(Verdict(*said) for said in row["said"]), row["secret"]) for row in rows)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read(kind: Any, seen: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(**{name: _value(hints[name], value) for name, value in seen.items() if name in hints})


def _value(kind: Any, value: Any) -> Any:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return None if value is None else _value(next(part for part in parts if part is not type(None)), value)
    if origin in {tuple, frozenset}:
        return origin(_value(parts[0], entry) for entry in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is UUID:
        return UUID(value)
    return _read(kind, value) if is_dataclass(kind) else value
