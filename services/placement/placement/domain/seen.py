"""Homes and those who wait as the store tells them: one text each, the same for as long as nothing about them changes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from placement.domain.homes import Guest, Home, Population, Room
from placement.domain.needs import Need
from placement.domain.people import Household, Person
from placement.domain.probing import Limits, withheld

# Of so many homes the newest text is remembered with what it says: between two decisions few of them change.
MOST = 2000
# The parts of a need that are sets, of codes and of ids.
CODES, IDS = ("grounds", "perpetrator_areas"), ("keep_apart", "declined", "not_now", "apart")
_newest: dict[UUID, tuple[str, Home]] = {}


@dataclass(frozen=True, slots=True)
class Listed:
    """A household on the waiting list: whether it was told that it waits, and the digest of the reasons that were kept of it."""

    household: Household
    told: bool
    reasons: str | None = None


def home_of(home_id: UUID, told: str) -> Home:
    """The home that a text tells of; the same text gives the same object again."""
    known = _newest.get(home_id)
    if known is not None and known[0] == told:
        return known[1]
    if len(_newest) >= MOST:
        _newest.clear()
    home = _home(json.loads(told))
    _newest[home_id] = (told, home)
    return home


def _home(told: dict[str, Any]) -> Home:
    rooms = told.pop("rooms")
    guests = [guest for room in rooms for guest in room["guests"]]
    return Home(
        rooms=tuple(_room(**room) for room in rooms),
        avoided=frozenset(UUID(person) for guest in guests for person in guest[-1]),
        sheltered=frozenset(UUID(guest[0]) for guest in guests),
        **told
        | {"id": UUID(told["id"]), "conflicts": frozenset(map(UUID, told["conflicts"]))}
        | {name: frozenset(told[name]) for name in ("sexes", "accepts_needs")},
    )


def _room(*, free: Sequence[str], overflow: Sequence[str], guests: Sequence[Sequence[Any]], unit: dict[str, Any] | None, **told: Any) -> Room:
    return Room(
        free=tuple(map(UUID, free)),
        guests=tuple(Guest(UUID(person), UUID(case), sex, small) for person, case, sex, small, _ in guests),
        serves=None if unit is None else Population(**unit | {"sexes": frozenset(unit["sexes"])}),
        overflow=frozenset(map(UUID, overflow)),
        **told | {"id": UUID(told["id"])},
    )


def listed_of(told: str, limits: Limits, now: datetime, reasons: str | None = None) -> Listed:
    """The household of the need that a text tells of, with why secret homes are left out for it, if they are; who never waited before waits from now."""
    row = json.loads(told)
    need = Need(
        **row
        | {name: frozenset(row[name]) for name in CODES}
        | {name: frozenset(map(UUID, row[name])) for name in IDS}
        | {
            "case_id": UUID(row["case_id"]),
            "part_of": UUID(row["part_of"]) if row["part_of"] else None,
            "persons": tuple(_person(**person) for person in row["persons"]),
            "waiting_since": datetime.fromisoformat(row["waiting_since"]).astimezone(UTC) if row["waiting_since"] else None,
        }
    )
    household = replace(need.household(now), withheld=withheld(need.perpetrator_areas, need.area_changes, limits))
    return Listed(household, need.waitlisted, reasons)


def with_reasons(entry: Listed, reasons: str) -> Listed:
    """The same with the digest of the reasons that were kept."""
    return replace(entry, reasons=reasons)


def _person(*, id: str, needs: Sequence[str], **told: Any) -> Person:  # noqa: A002 - as it is kept
    return Person(UUID(id), needs=frozenset(needs), **told)
