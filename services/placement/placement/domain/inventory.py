"""What a file of shelters, units, rooms and beds adds to the register; a row that says anything wrong adds nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

Facts = Mapping[str, Any]
DIFFERS, ELSEWHERE = "differs", "belongs_elsewhere"


@dataclass(frozen=True, slots=True)
class Entry:
    """A shelter, unit or room as a row or the register says it is, and what it belongs to (a room to its shelter and its unit, if any)."""

    id: UUID
    facts: Facts
    belongs_to: tuple[UUID | None, ...] = ()


@dataclass(frozen=True, slots=True)
class BedEntry:
    """A bed in a room; `overflow` is one for need only, with an approver."""

    id: UUID
    room: UUID
    overflow: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One readable row of a file: its number, and what it says of a shelter and perhaps of a unit, a room and a bed in it."""

    number: int
    shelter: Entry
    unit: Entry | None = None
    room: Entry | None = None
    bed: BedEntry | None = None


@dataclass(slots=True)
class Register:
    """What is registered, by id; shelters that are `hidden` are not shown to who asks."""

    shelters: dict[UUID, Entry] = field(default_factory=dict)
    units: dict[UUID, Entry] = field(default_factory=dict)
    rooms: dict[UUID, Entry] = field(default_factory=dict)
    beds: dict[UUID, BedEntry] = field(default_factory=dict)
    hidden: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a row: the column and a code."""

    row: int
    field: str
    code: str


@dataclass(slots=True)
class Plan:
    """What a file adds, in the order of its rows, how many rows said only what is known, and what is wrong in the others."""

    added: Register = field(default_factory=Register)
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


def plan(known: Register, lines: Iterable[Line], *, may_approve: bool) -> Plan:
    """Compare a file with the register, row by row. The register is only added to: what it says otherwise is changed on its own routes.

    The same ids and words again add nothing. An overflow bed is new only with somebody who `may_approve` it (P16).
    """
    found, beds_said = Plan(), set[UUID]()
    now = Register(dict(known.shelters), dict(known.units), dict(known.rooms), dict(known.beds), known.hidden)
    for line in lines:
        problems = [Problem(line.number, name, code) for name, code in _wrong(now, line, beds_said, may_approve=may_approve)]
        found.problems += problems
        if not problems:
            found.unchanged += not _add(now, found.added, line)
            beds_said |= {line.bed.id} if line.bed else set()
    return found


def _wrong(now: Register, line: Line, beds_said: set[UUID], *, may_approve: bool) -> list[tuple[str, str]]:
    if line.shelter.id in now.hidden:
        return [("shelter_id", "id_in_use")]
    problems = _against(now.shelters, line.shelter, "shelter")
    problems += _against(now.units, line.unit, "unit") if line.unit else []
    problems += _against(now.rooms, line.room, "room") if line.room else []
    if line.bed is None:
        return problems
    there = now.beds.get(line.bed.id)
    if line.bed.id in beds_said:
        problems.append(("bed_id", "id_twice"))
    elif there is None and line.bed.overflow and not may_approve:
        problems.append(("overflow", "approver_needed"))
    elif there and there.room != line.bed.room:
        problems.append(("bed_id", ELSEWHERE))
    elif there and there.overflow != line.bed.overflow:
        problems.append(("overflow", DIFFERS))
    return problems


def _against(known: Mapping[UUID, Entry], said: Entry, what: str) -> list[tuple[str, str]]:
    there = known.get(said.id)
    if there is None:
        return []
    if there.belongs_to != said.belongs_to:
        return [(f"{what}_id", ELSEWHERE)]
    return [(column_of(what, name), DIFFERS) for name, value in said.facts.items() if there.facts[name] != value]


def column_of(what: str, name: str) -> str:
    """The column of a fact: names, and everything of a unit, say whose they are."""
    return f"{what}_{name}" if name == "name" or what == "unit" else name


def _add(now: Register, added: Register, line: Line) -> bool:
    """Take what a good row says into what is known and, where it is new, into what is added; whether anything was new."""
    entries: list[tuple[dict[UUID, Any], dict[UUID, Any], Any]] = [
        (now.shelters, added.shelters, line.shelter),
        (now.units, added.units, line.unit),
        (now.rooms, added.rooms, line.room),
        (now.beds, added.beds, line.bed),
    ]
    new = [(known, more, entry) for known, more, entry in entries if entry is not None and entry.id not in known]
    for known, more, entry in new:
        known[entry.id] = more[entry.id] = entry
    return bool(new)
