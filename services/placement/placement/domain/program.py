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
    """A household that takes part, with all its choices.

    `worth` is 0 for one that must have a place; `most` what its placement may cost; `now` where it is placed so far.
    """

    number: int
    choices: Sequence["Choice"]
    rivals: frozenset[int] | set[int] = frozenset()
    doubles: frozenset[int] | set[int] = frozenset()
    worth: int = 0
    most: int | None = None
    now: "Choice | None" = None


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

    The first variables are the choices.
    """

    choices: list[Choice] = field(default_factory=list)
    costs: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

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
        mine[entry.number] = _choices(made, entry, at_cost=at_cost)
        made.rows.append(Row([(variable, 1) for variable in mine[entry.number]], 0 if entry.worth else 1, 1))
    _relations(made, wanted, mine)
    rooms = {(home.id, room.id): room for home in homes.values() for room in home.rooms}
    for place, uses in _uses(made.choices).items():
        _room(made, rooms[place], uses, at_cost=at_cost)
    return made


def choices(home: Home, number: int, household: Household, cost: int) -> tuple[list[Choice], bool]:
    """Every arrangement of a household in a home, with what the home costs before its rooms; and whether some were left out."""
    found: list[Choice] = []
    for count, arrangement in enumerate(islice(arrangements(home, household), MOST_ARRANGEMENTS + 1)):
        if count == MOST_ARRANGEMENTS:
            return found, True
        found.append(Choice(number, home.id, arrangement, cost + arrangement.cost))
    return found, False


def _choices(made: Program, entry: Wanted, *, at_cost: bool) -> list[int]:
    chosen = [choice for choice in entry.choices if entry.most is None or choice.cost + OVERFLOW * choice.arrangement.overflow <= entry.most]
    if entry.now is not None and not any(
        choice.home == entry.now.home and choice.arrangement.uses == entry.now.arrangement.uses for choice in chosen
    ):
        chosen.append(entry.now)  # what is placed so far stays a choice, whatever was cut
    made.choices += chosen
    return [made.variable(choice.cost if at_cost else -entry.worth) for choice in chosen]


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
