"""Who sleeps where in one home: every member gets a bed in a fitting room, or nobody does (P4).

Members who are alike for a room are one kind, so that it is only counted how many of each kind sleep in a room. What a room allows depends
on that room alone; the best arrangement is then found room by room, over all ways to leave some members to the later rooms, and no way is
given up: it is exact for households that are not very large (see WIDEST).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple
from uuid import UUID

from placement.domain.homes import Home, Population, Room
from placement.domain.people import INFECTIOUS, MALE, WHEELCHAIR, Household, Person
from placement.domain.rules import ANOTHER_ROOM, CHILDREN_APART, OVERFLOW, UNSUITED_ROOM, unserved

# Twelve persons of whom no two are alike leave 4096 ways. Of a larger household only the ways are followed that seat most of them so far.
LARGE, WIDEST, WIDE = 12, 4096, 256
# Among arrangements that cost the same, the one with the tightest rooms.
TIGHTEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Use:
    """How a household uses one room: `alone` with nobody else in it, otherwise only with others of `sex` (None: small children only)."""

    room: UUID
    persons: tuple[UUID, ...]
    alone: bool
    sex: str | None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Who sleeps in which room, and what that costs; beds of need cost extra, which `overflow` says for the home as it is."""

    cost: int
    overflow: int
    uses: tuple[Use, ...]

    @property
    def whole(self) -> int:
        """What it costs, beds of need and all."""
        return self.cost + self.overflow * OVERFLOW


class _Kind(NamedTuple):
    """What of a person matters to a room."""

    sex: str
    small: bool
    adult: bool
    wheelchair: bool
    infectious: bool
    units: tuple[bool, ...]  # which of the home's populations serve this person


class _Shape(NamedTuple):
    """What of a room matters to a household; beds are counted up to the size of the household."""

    family: bool
    accessible: bool
    isolation: bool
    beds: int
    ordinary: int
    unit: int
    men: bool
    empty: bool
    closed: bool
    sexes: frozenset[str]


class _Option(NamedTuple):
    """One way to use a room: how many of each kind, as counts and packed into one number."""

    packed: int
    cost: int
    beds: int
    counts: tuple[int, ...]
    alone: bool
    sex: str | None


def fit(home: Home, household: Household) -> dict[UUID, UUID] | None:
    """Bed ids by person id for the whole household at the least cost, or None when its members do not fit in this home's rooms."""
    found = arrange(home, household)
    return None if found is None else beds_of(home, found)


def arrange(home: Home, household: Household, known: "Known | None" = None) -> Arrangement | None:
    """The best arrangement of a household in a home, or None; `known` remembers what was found for households that are alike."""
    plan = _Plan(home, household)
    if known is None:
        chosen = plan.best()
    else:
        key = (id(home), plan.kinds, plan.counts, plan.guarded)
        if key not in known:
            known[key] = (home, plan.best())
        chosen = known[key][1]
    return None if chosen is None else plan.arrangement(chosen)


def arrangements(home: Home, household: Household) -> Iterator[Arrangement]:
    """Every arrangement of a household in a home, up to members who are alike."""
    return _Plan(home, household).all()


def usable(home: Home, household: Household, known: "Known") -> tuple[UUID, ...]:
    """The rooms with free beds in which some of the household may sleep."""
    plan = _Plan(home, household)
    key = ("usable", id(home), plan.kinds, plan.counts, plan.guarded)
    if key not in known:
        known[key] = (home, [(room, options[0]) for room, options in plan.rooms if options])
    return tuple(room.id for room, _ in known[key][1] or ())


def allowed(home: Home, household: Household, beds: Mapping[UUID, UUID]) -> bool:
    """Whether these beds (bed ids by person id) are free in this home, and in rooms in which the members may sleep like that."""
    return _Plan(home, household).allows(beds)


def beds_of(home: Home, arrangement: Arrangement) -> dict[UUID, UUID]:
    """The beds of an arrangement, bed ids by person id; in each room those of need last."""
    used, found = {use.room for use in arrangement.uses}, dict[UUID, UUID]()
    rooms = {room.id: room for room in home.rooms if room.free and room.id in used}
    for use in arrangement.uses:
        room = rooms[use.room]
        free = sorted(room.free, key=lambda bed: (bed in room.overflow, bed))
        found |= dict(zip(use.persons, free, strict=False))
    return found


def ordinary(room: Room) -> int:
    """How many free beds of a room are not beds of need."""
    return sum(bed not in room.overflow for bed in room.free) if room.overflow else len(room.free)


Chosen = Sequence[tuple[Room, _Option]]
# Keyed by a home as it is (which is kept with it, so that its identity stays its own) and the kinds of a household.
Known = dict[tuple[object, ...], tuple[Home, "Chosen | None"]]


class _Plan:
    """The kinds of one household, and the ways to use each room of one home."""

    def __init__(self, home: Home, household: Household) -> None:
        self.home, self.household, self.populations = home, household, home.populations
        self.kinds, self.persons = _kinds(household.persons, household.with_a_woman, "P3" in household.overrides, self.populations)
        # A small child sleeps where an adult of its household does, unless there is none or a supervisor set that aside.
        self.guarded = household.with_an_adult and "P4" not in household.overrides
        self.counts = tuple(len(persons) for persons in self.persons)
        self.shifts = _shifts(self.counts)
        self.everyone = sum(count << shift for count, shift in zip(self.counts, self.shifts, strict=True))
        self.guard = sum(1 << (shift + count.bit_length()) for count, shift in zip(self.counts, self.shifts, strict=True))
        self.paid = ANOTHER_ROOM + (CHILDREN_APART if any(not kind.adult for kind in self.kinds) else 0)

    @cached_property
    def rooms(self) -> list[tuple[Room, tuple[_Option, ...]]]:
        """The rooms with free beds, and the ways to use each."""
        return self._used(_shapes(self.home, len(self.household.persons)))

    def _used(self, shapes: Sequence[tuple[Room, _Shape]]) -> list[tuple[Room, tuple[_Option, ...]]]:
        return [(room, _options(self.kinds, self.counts, self.guarded, shape)) for room, shape in shapes]

    def best(self) -> Chosen | None:
        """Which rooms are used how in the best arrangement."""
        rooms = self._worth_trying()
        widest = WIDEST if len(self.household.persons) <= LARGE else WIDE
        states: dict[int, int] = {self.everyone: 0}
        steps: list[dict[int, tuple[_Option, int]]] = []
        for room, options in rooms:
            after, step = dict(states), dict[int, tuple[_Option, int]]()
            for option in options:
                weight = option.cost * TIGHTEST + len(room.free) - option.beds
                for remaining, before in states.items():
                    if ((remaining | self.guard) - option.packed) & self.guard == self.guard:
                        left = remaining - option.packed
                        if before + weight < after.get(left, before + weight + 1):
                            after[left] = before + weight
                            step[left] = (option, remaining)
            states = after if len(after) <= widest else dict(sorted(after.items(), key=lambda entry: (self._left(entry[0]), *entry[::-1]))[:widest])
            steps.append(step)
        return self._chosen(rooms, steps) if 0 in states else None

    def _left(self, state: int) -> int:
        """How many persons are left to the later rooms."""
        return sum((state >> shift) & ((1 << count.bit_length()) - 1) for count, shift in zip(self.counts, self.shifts, strict=True))

    def _worth_trying(self) -> list[tuple[Room, tuple[_Option, ...]]]:
        """Of rooms that are alike, no more than there are persons."""
        seen = Counter[tuple[object, ...]]()
        chosen = []
        for room, options in self._used(_some_of_each(self.home, len(self.household.persons))):
            alike = (options, len(room.free))
            seen[alike] += 1
            if options and seen[alike] <= len(self.household.persons):
                chosen.append((room, options))
        return chosen

    def _chosen(
        self, rooms: Sequence[tuple[Room, tuple[_Option, ...]]], steps: Sequence[dict[int, tuple[_Option, int]]]
    ) -> list[tuple[Room, _Option]]:
        found, state = [], 0
        for (room, _), step in zip(reversed(rooms), reversed(steps), strict=True):
            if state in step:
                option, state = step[state]
                found.append((room, option))
        return found[::-1]

    def all(self) -> Iterator[Arrangement]:
        rooms = [(room, options) for room, options in self.rooms if options]
        solvable: list[set[int]] = [{0}]
        for _, options in reversed(rooms):
            later = solvable[-1]
            more = {left + option.packed for left in later for option in options}
            solvable.append(later | {state for state in more if ((self.everyone | self.guard) - state) & self.guard == self.guard})
        solvable.reverse()

        def seated(position: int, remaining: int, chosen: tuple[tuple[Room, _Option], ...]) -> Iterator[Arrangement]:
            if remaining == 0:
                yield self.arrangement(chosen)
                return
            if remaining not in solvable[position]:
                return
            room, options = rooms[position]
            for option in options:
                if ((remaining | self.guard) - option.packed) & self.guard == self.guard:
                    yield from seated(position + 1, remaining - option.packed, (*chosen, (room, option)))
            yield from seated(position + 1, remaining, chosen)

        return seated(0, self.everyone, ())

    def allows(self, beds: Mapping[UUID, UUID]) -> bool:
        kind_of = {person: number for number, persons in enumerate(self.persons) for person in persons}
        if beds.keys() != kind_of.keys():
            return False
        seated = 0
        for room, options in self.rooms:
            inside = [person for person, bed in beds.items() if bed in room.free]
            counts = [0] * len(self.kinds)
            for person in inside:
                counts[kind_of[person]] += 1
            if inside and not any(option.counts == tuple(counts) for option in options):
                return False
            seated += len(inside)
        return seated == len(beds) == len(set(beds.values()))

    def arrangement(self, chosen: Chosen) -> Arrangement:
        """Who sleeps where when the rooms are used like this."""
        given = [iter(persons) for persons in self.persons]
        uses, overflow = [], 0
        for room, option in chosen:
            persons = tuple(next(given[kind]) for kind, count in enumerate(option.counts) for _ in range(count))
            uses.append(Use(room.id, persons, option.alone, option.sex))
            overflow += max(0, option.beds - ordinary(room))
        return Arrangement(sum(option.cost for _, option in chosen) - self.paid - overflow * OVERFLOW, overflow, tuple(uses))


@lru_cache(maxsize=16384)
def _kinds(
    persons: tuple[Person, ...],
    with_a_woman: bool,  # noqa: FBT001
    any_boy: bool,  # noqa: FBT001
    populations: tuple[Population, ...],
) -> tuple[tuple[_Kind, ...], tuple[tuple[UUID, ...], ...]]:
    """The kinds of a household, and who is of each."""
    kinds: dict[_Kind, list[UUID]] = {}
    for person in persons:
        served = tuple(unserved(population, person, with_a_woman=with_a_woman, any_boy=any_boy) is None for population in populations)
        # Whom no unit serves the rules refuse; who is inside all the same may sleep anywhere. Where everything serves, nothing is told apart.
        units = served if any(served) and not all(served) else ()
        kind = _Kind(person.sex, person.small, person.adult, WHEELCHAIR in person.needs, INFECTIOUS in person.needs, units)
        kinds.setdefault(kind, []).append(person.id)
    ordered = sorted(kinds)
    return tuple(ordered), tuple(tuple(sorted(kinds[kind])) for kind in ordered)


def _shifts(counts: Sequence[int]) -> tuple[int, ...]:
    """Where each kind's count begins in a packed number; one more bit than it needs guards it."""
    shifts, position = [], 0
    for count in counts:
        shifts.append(position)
        position += count.bit_length() + 1
    return tuple(shifts)


def _shapes(home: Home, most: int) -> list[tuple[Room, _Shape]]:
    """The rooms of a home with free beds, in order, and what of each matters to a household of this size."""
    found: list[tuple[Room, _Shape]] | None = home.memo.get(("shapes", most))
    if found is None:
        units, own, found = {population: number for number, population in enumerate(home.populations)}, home.serves, []
        for room in sorted((room for room in home.rooms if room.free), key=lambda room: room.id):
            population = room.serves or own
            found.append((room, _shape(room, units[population], most, men=MALE in population.sexes)))
        home.memo["shapes", most] = found
    return found


def _some_of_each(home: Home, most: int) -> list[tuple[Room, _Shape]]:
    """The same, but of rooms that are alike no more than a household of this size can use."""
    found: list[tuple[Room, _Shape]] | None = home.memo.get(("some", most))
    if found is None:
        seen, found = Counter[tuple[object, ...]](), []
        for room, shape in _shapes(home, most):
            alike = (shape, len(room.free))
            seen[alike] += 1
            if seen[alike] <= most:
                found.append((room, shape))
        home.memo["some", most] = found
    return found


def _shape(room: Room, unit: int, most: int, *, men: bool) -> _Shape:
    grown = frozenset(guest.sex for guest in room.guests if not guest.small)
    return _Shape(
        family=room.family,
        accessible=room.accessible,
        isolation=room.isolation,
        beds=min(len(room.free), most),
        ordinary=min(ordinary(room), most),
        unit=unit,
        men=men,
        empty=not room.guests,
        # A family that mixes the sexes has its room for itself, and so has an infection.
        closed=len(grown) > 1 or (MALE in grown and not men) or (room.isolation and bool(room.guests)),
        sexes=grown,
    )


@lru_cache(maxsize=100_000)
def _options(kinds: tuple[_Kind, ...], counts: tuple[int, ...], guarded: bool, shape: _Shape) -> tuple[_Option, ...]:  # noqa: FBT001
    """Every way to use a room of this shape, the one that seats most of them first."""
    shifts, family = _shifts(counts), sum(counts) > 1
    possible = [range(count + 1 if _admits(shape, kind) else 1) for kind, count in zip(kinds, counts, strict=True)]
    found = []
    for taken in product(*possible):
        beds = sum(taken)
        if not 0 < beds <= shape.beds or shape.closed:
            continue
        inside = [kind for kind, count in zip(kinds, taken, strict=True) if count]
        company = _company(shape, inside, guarded=guarded)
        if company is None:
            continue
        alone, sex = company
        cost = ANOTHER_ROOM + (CHILDREN_APART if any(not kind.adult for kind in inside) else 0)
        cost += UNSUITED_ROOM * ((shape.family != family) + (shape.accessible and not any(kind.wheelchair for kind in inside)))
        cost += OVERFLOW * max(0, beds - shape.ordinary)
        packed = sum(count << shift for count, shift in zip(taken, shifts, strict=True))
        found.append(_Option(packed, cost, beds, taken, alone, sex))
    return tuple(sorted(found, key=lambda option: (-option.beds, option.cost, option.packed)))


def _admits(shape: _Shape, kind: _Kind) -> bool:
    """Whether a person may sleep in a room at all: its unit serves her, the wheelchair gets in, an infection is isolated."""
    if kind.units and not kind.units[shape.unit]:
        return False
    return (shape.accessible or not kind.wheelchair) and (shape.isolation or not kind.infectious)


def _company(shape: _Shape, inside: Sequence[_Kind], *, guarded: bool) -> tuple[bool, str | None] | None:
    """Whether these members of a household may share a room: alone or not, and otherwise of which sex; None when they may not."""
    infectious = [kind for kind in inside if kind.infectious]
    if shape.isolation and not _isolated(infectious, inside):
        return None
    if guarded and any(kind.small and not kind.infectious for kind in inside) and not any(kind.adult for kind in inside):
        return None  # a small child sleeps where an adult of its household does
    grown = {kind.sex for kind in inside if not kind.small}
    mixed = len(grown) > 1 or (MALE in grown and not shape.men)
    if (mixed and not (shape.family and shape.empty)) or (infectious and not shape.empty):
        return None  # only a family that has a family room for itself mixes the sexes in it, small children aside
    if len(grown | shape.sexes) > 1 and not mixed:
        return None
    return (mixed or bool(infectious)), next(iter(grown), None)


def _isolated(infectious: Sequence[_Kind], inside: Sequence[_Kind]) -> bool:
    """An isolation room is kept for infections; of the others only a small child goes along with its mother, or a mother with hers."""
    if not infectious:
        return False
    ill_child = any(kind.small for kind in infectious)
    return all(kind.infectious or kind.small or (kind.adult and ill_child) for kind in inside)
