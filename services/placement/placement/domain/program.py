"""The matching of households and homes as a linear program in whole numbers: who may sleep where, and what must hold of every room.

A column is one household in one arrangement of one home. The program is pure data; whoever solves it knows nothing of homes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from placement.domain.homes import Home, Room
from placement.domain.people import Household
from placement.domain.rooms import Arrangement, Use, arrangements, ordinary
from placement.domain.rules import OVERFLOW

# Arrangements of one household in one home that a program looks at. More there are only in large empty homes; the answer is then not proven.
MOST_ARRANGEMENTS = 400


@dataclass(frozen=True, slots=True)
class Wanted:
    """A household that takes part, with what each home costs it before its rooms.

    `worth` is 0 for one that must have a place; `most` what its placement may cost; `now` where it is placed so far.
    """

    number: int
    household: Household
    costs: Mapping[UUID, int]
    rivals: frozenset[int] | set[int] = frozenset()
    doubles: frozenset[int] | set[int] = frozenset()
    worth: int = 0
    most: int | None = None
    now: tuple[UUID, Arrangement] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One household in one arrangement of one home, at a cost without beds of need."""

    number: int
    home: UUID
    arrangement: Arrangement
    cost: int


@dataclass(frozen=True, slots=True)
class Row:
    """What must hold: `least` <= sum of coefficient times variable <= `most`."""

    terms: Sequence[tuple[int, int]]
    least: int | None
    most: int | None


@dataclass(slots=True)
class Program:
    """Variables in whole numbers from 0 to `upper` with what each costs, to be made least, and the rows that hold.

    The first variables are the choices; `cut` says that some arrangements were left out.
    """

    choices: list[Choice] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    cut: bool = False

    def variable(self, cost: int, upper: int = 1) -> int:
        """Add a variable; its number."""
        self.costs.append(cost)
        self.upper.append(upper)
        return len(self.costs) - 1

    def holds(self, values: Sequence[int]) -> bool:
        """Whether these values keep to every row."""
        sums = (sum(coefficient * values[variable] for variable, coefficient in row.terms) for row in self.rows)
        return all((row.least is None or row.least <= n) and (row.most is None or n <= row.most) for row, n in zip(self.rows, sums, strict=True))

    def cost(self, values: Sequence[int]) -> int:
        """What these values cost together."""
        return sum(cost * value for cost, value in zip(self.costs, values, strict=True))

    def chosen(self, values: Sequence[int]) -> dict[int, Choice]:
        """Who was placed where, by the household's number."""
        return {choice.number: choice for choice, value in zip(self.choices, values, strict=False) if value}


def program(homes: Mapping[UUID, Home], wanted: Sequence[Wanted]) -> Program:
    """The program of these households: as much worth as possible, or, where nobody has a worth, at the least cost."""
    made = Program()
    at_cost = not any(entry.worth for entry in wanted)
    mine: dict[int, list[int]] = {}
    for entry in wanted:
        mine[entry.number] = _choices(made, homes, entry, at_cost=at_cost)
        made.rows.append(Row([(variable, 1) for variable in mine[entry.number]], 0 if entry.worth else 1, 1))
    _relations(made, wanted, mine)
    rooms = {(home.id, room.id): room for home in homes.values() for room in home.rooms}
    for place, uses in _uses(made.choices).items():
        _room(made, rooms[place], uses, at_cost=at_cost)
    return made


def _choices(made: Program, homes: Mapping[UUID, Home], entry: Wanted, *, at_cost: bool) -> list[int]:
    found = []
    for home_id in sorted(entry.costs):
        for number, arrangement in enumerate(islice(arrangements(homes[home_id], entry.household), MOST_ARRANGEMENTS + 1)):
            if number == MOST_ARRANGEMENTS:
                made.cut = True
                break
            if entry.most is None or entry.costs[home_id] + arrangement.whole <= entry.most:
                found.append(_choice(made, entry, home_id, arrangement, at_cost=at_cost))
    if entry.now is not None and not any(_is(made.choices[variable], *entry.now) for variable in found):
        found.append(_choice(made, entry, *entry.now, at_cost=at_cost))  # what is placed so far stays a choice, whatever was cut
    return found


def _is(choice: Choice, home_id: UUID, arrangement: Arrangement) -> bool:
    return choice.home == home_id and choice.arrangement.uses == arrangement.uses


def _choice(made: Program, entry: Wanted, home_id: UUID, arrangement: Arrangement, *, at_cost: bool) -> int:
    cost = entry.costs[home_id] + arrangement.cost
    made.choices.append(Choice(entry.number, home_id, arrangement, cost))
    return made.variable(cost if at_cost else -entry.worth)


def _relations(made: Program, wanted: Sequence[Wanted], mine: Mapping[int, list[int]]) -> None:
    for entry in wanted:
        for other in sorted(entry.doubles):
            if other > entry.number and other in mine:
                made.rows.append(Row([(variable, 1) for variable in mine[entry.number] + mine[other]], None, 1))
        for other in sorted(entry.rivals):
            if other > entry.number and other in mine:
                both = mine[entry.number] + mine[other]
                for home_id in sorted({made.choices[variable].home for variable in both}):
                    made.rows.append(Row([(variable, 1) for variable in both if made.choices[variable].home == home_id], None, 1))


def _uses(choices: Iterable[Choice]) -> dict[tuple[UUID, UUID], list[tuple[int, Use]]]:
    found: dict[tuple[UUID, UUID], list[tuple[int, Use]]] = {}
    for variable, choice in enumerate(choices):
        for use in choice.arrangement.uses:
            found.setdefault((choice.home, use.room), []).append((variable, use))
    return found


def _room(made: Program, room: Room, uses: Sequence[tuple[int, Use]], *, at_cost: bool) -> None:
    """A bed for everyone; a household that has the room alone takes all of it; of the others, grown persons are of one sex; beds of need cost."""
    free = len(room.free)
    made.rows.append(Row([(variable, free if use.alone else len(use.persons)) for variable, use in uses], None, free))
    sexes = sorted({use.sex for _, use in uses if use.sex and not use.alone})
    if len(sexes) > 1:
        taken = []
        for sex in sexes:
            taken.append(made.variable(0))
            terms = [(variable, len(use.persons)) for variable, use in uses if use.sex == sex and not use.alone]
            made.rows.append(Row([*terms, (taken[-1], -free)], None, 0))
        made.rows.append(Row([(variable, 1) for variable in taken], None, 1))
    if at_cost and ordinary(room) < free:
        beyond = made.variable(OVERFLOW, free)
        made.rows.append(Row([*((variable, len(use.persons)) for variable, use in uses), (beyond, -1)], None, ordinary(room)))
