"""Places the households of a list together, in its order: cheap steps that are sure first, and a solver for what they leave open."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from placement.domain.homes import Home, Verdict, taken
from placement.domain.people import INFECTIOUS, WHEELCHAIR, Household, in_order
from placement.domain.program import Choice, Program, Wanted, choices, program
from placement.domain.rooms import Arrangement, Known, arrange, beds_of, usable
from placement.domain.rules import NO, OVERFLOW, PREFERS, RULES, WITH_GUESTS, refusal

# So many households of the list the solver decides on at once; their weights double from the last to the first.
BLOCK = 10
# So many choices of all households together the solver is asked about at most.
MOST_CHOICES = 60_000
# So many moves of one other household are tried before the solver is asked.
MOST_MOVES = 60

STATIC = tuple(rule for rule in (*RULES, *PREFERS) if rule not in WITH_GUESTS)


@dataclass(frozen=True, slots=True)
class Solution:
    """The values of a program's variables, and whether they are proven to be the best."""

    values: Sequence[int]
    proven: bool


Solve = Callable[[Program], Solution | None]


def judged(home: Home, household: Household) -> tuple[Verdict | None, int]:
    """What rules a home out for a household, whoever is in it (None: nothing does), and what the home costs before its rooms."""
    cost = 0
    for rule in STATIC:
        verdict = rule(home, household)
        if verdict.answer == NO:
            return verdict, 0
        cost += verdict.cost
    return None, cost


@dataclass(slots=True)
class Placed:
    """Where a household is placed, and what that costs without beds of need."""

    home: UUID
    arrangement: Arrangement
    cost: int


@dataclass(slots=True)
class Seeker:
    """One household with the homes that may take it, as they were before the batch: what each costs at least, and without its rooms (`base`)."""

    number: int
    household: Household
    against: dict[UUID, Verdict]  # what rules a home out, whoever is in it
    base: dict[UUID, int]
    costs: dict[UUID, int]
    best: int = 0
    rivals: set[int] = field(default_factory=set)  # no home takes both
    doubles: set[int] = field(default_factory=set)  # they share a person: only one of them gets a home
    kinds: dict[object, int] = field(default_factory=dict)
    rooms: set[UUID] | None = None
    choices: dict[UUID, tuple[list[Choice], bool]] = field(default_factory=dict)


class Placing:
    """Who of a list is placed where. `asked` says that the solver had a word in who is; `proven` that no other way is better."""

    def __init__(self, homes: Iterable[Home], households: Iterable[Household], solve: Solve | None, time: Callable[[], bool]) -> None:
        self.solve, self.time, self.proven, self.asked, self.known = solve, time, True, False, Known()
        self.homes = {home.id: home for home in sorted(homes, key=lambda home: home.id)}
        self.left, self.free = dict(self.homes), {home.id: home.free_beds for home in self.homes.values()}
        self.beds_free = {room.id: len(room.free) for home in self.homes.values() for room in home.rooms}
        self.units = any(room.serves for home in self.homes.values() for room in home.rooms)
        housed = {person for home in self.homes.values() for person in home.sheltered}
        self.ordered = in_order(households)
        self.housed = {h.case_id for h in self.ordered if any(person.id in housed for person in h.persons)}
        self.seekers = [self._seeker(number, h) for number, h in enumerate(h for h in self.ordered if h.case_id not in self.housed)]
        self._relate()
        self.placed: dict[int, Placed] = {}
        self.impossible: list[Seeker] = []

    # -- what there is ----------------------------------------------------------------------------------------------------------------

    def _seeker(self, number: int, household: Household) -> Seeker:
        against: dict[UUID, Verdict] = {}
        base: dict[UUID, int] = {}
        costs: dict[UUID, int] = {}
        for home in self.homes.values():
            verdict, cost = judged(home, household)
            if verdict is not None:
                against[home.id] = verdict
            elif refusal(home, household, WITH_GUESTS) is None:
                found = arrange(home, household, self.known)
                if found is not None:
                    base[home.id], costs[home.id] = cost, cost + found.whole
        kinds: dict[object, int] = {}
        for person in household.persons:
            kind = (
                person.sex,
                person.small,
                person.adult,
                WHEELCHAIR in person.needs,
                INFECTIOUS in person.needs,
                person.age if self.units else None,
            )
            kinds[kind] = kinds.get(kind, 0) + 1
        return Seeker(number, household, against, base, costs, min(costs.values(), default=0), kinds=kinds)

    def _relate(self) -> None:
        """Who must not come into one home with whom, and who is in two households."""
        owners: dict[UUID, set[int]] = {}
        for seeker in self.seekers:
            for person in seeker.household.persons:
                owners.setdefault(person.id, set()).add(seeker.number)
        for seeker in self.seekers:
            for person in seeker.household.persons:
                self._both(seeker, owners[person.id], doubles=True)
            for person_id in seeker.household.keep_apart:
                self._both(seeker, owners.get(person_id, set()), doubles=False)

    def _both(self, seeker: Seeker, others: set[int], *, doubles: bool) -> None:
        for other in others - {seeker.number}:
            for one, two in ((seeker, self.seekers[other]), (self.seekers[other], seeker)):
                (one.doubles if doubles else one.rivals).add(two.number)

    # -- placing ----------------------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Place as many as can be, in the order of the list."""
        position = 0
        while position < len(self.seekers):
            seeker = self.seekers[position]
            position += 1
            if self._surely_not(seeker) or self._take_what_is_left(seeker) or self._move_one(seeker):
                continue
            if self._no_room_in_reach(seeker):
                self.impossible.append(seeker)
                continue
            position = self._ask(seeker, position)
        self._improve()
        if not self.proven:
            for seeker in self.seekers:
                if seeker.number not in self.placed and not self._surely_not(seeker):
                    self._take_what_is_left(seeker)

    @property
    def cost(self) -> int:
        """What all placements cost, each bed of need counted once."""
        beds: dict[tuple[UUID, UUID], int] = {}
        for entry in self.placed.values():
            for use in entry.arrangement.uses:
                beds[entry.home, use.room] = beds.get((entry.home, use.room), 0) + len(use.persons)
        rooms = {(home.id, room.id): sum(bed not in room.overflow for bed in room.free) for home in self.homes.values() for room in home.rooms}
        return sum(entry.cost for entry in self.placed.values()) + OVERFLOW * sum(max(0, count - rooms[room]) for room, count in beds.items())

    def _surely_not(self, seeker: Seeker) -> bool:
        """No home takes it even while nobody else is placed, a double of it is placed, or one that asks for less was found to have no place."""
        if not seeker.costs or seeker.doubles & self.placed.keys():
            return True
        return any(_asks_no_more(other, seeker) for other in self.impossible)

    def _take_what_is_left(self, seeker: Seeker) -> bool:
        """Give it the best of what is left, if there is anything."""
        found = self._lone(seeker, self.left, self.free)
        if found is not None:
            self._put(seeker, found)
        return found is not None

    def _lone(self, seeker: Seeker, left: dict[UUID, Home], free: dict[UUID, int]) -> Placed | None:
        best: tuple[tuple[int, int, UUID], Placed] | None = None
        needed = len(seeker.household.persons)
        for cost, beds, home_id in sorted((cost, free[home_id], home_id) for home_id, cost in seeker.costs.items() if free[home_id] >= needed):
            if best is not None and (cost, beds, home_id) > best[0]:
                break
            found = self._in(seeker, left[home_id])
            if found is not None and (best is None or (found[1], beds, home_id) < best[0]):
                best = ((found[1], beds, home_id), found[0])
        return best[1] if best else None

    def _in(self, seeker: Seeker, home: Home) -> tuple[Placed, int] | None:
        """The seeker in this home as it is now, and what that costs with its beds of need."""
        if home.free_beds < len(seeker.household.persons) or refusal(home, seeker.household, WITH_GUESTS):
            return None
        found = arrange(home, seeker.household, self.known)
        if found is None:
            return None
        base = seeker.base[home.id]
        return Placed(home.id, found, base + found.cost), base + found.whole

    def _put(self, seeker: Seeker, placed: Placed) -> None:
        self.placed[seeker.number] = placed
        home = self.left[placed.home]
        self.left[placed.home] = taken(home, seeker.household, beds_of(home, placed.arrangement))
        self.free[placed.home] -= len(seeker.household.persons)

    def without(self, home_id: UUID, number: int) -> Home:
        """A home as it is without one of those placed in it; beds are given out anew in the order of the list."""
        home = self.homes[home_id]
        for other in sorted(n for n, entry in self.placed.items() if entry.home == home_id and n != number):
            home = taken(home, self.seekers[other].household, beds_of(home, self.placed[other].arrangement))
        return home

    def _move_one(self, seeker: Seeker) -> bool:
        """Let one household that is placed move to another home or other rooms, so that this one has a place."""
        tried = 0
        inside: dict[UUID, list[int]] = {}
        for number, entry in self.placed.items():
            inside.setdefault(entry.home, []).append(number)
        for home_id in sorted(seeker.costs, key=lambda home_id: (seeker.costs[home_id], home_id)):
            for number in sorted(inside.get(home_id, ()), reverse=True):
                tried += 1
                if tried > MOST_MOVES or not self.time():
                    return False
                if self._moved(seeker, home_id, self.seekers[number]):
                    return True
        return False

    def _moved(self, seeker: Seeker, home_id: UUID, other: Seeker) -> bool:
        home = self.without(home_id, other.number)
        found = self._in(seeker, home)
        if found is None:
            return False
        after = self.left | {home_id: taken(home, seeker.household, beds_of(home, found[0].arrangement))}
        elsewhere = self._lone(other, after, self.free | {home_id: after[home_id].free_beds})
        if elsewhere is None:
            return False
        self._change({seeker.number: found[0], other.number: elsewhere})
        return True

    def _change(self, placed: dict[int, Placed]) -> None:
        """Place these so; what is left is counted anew in the homes that this concerns."""
        new = {number: entry for number, entry in placed.items() if self.placed.get(number) != entry}
        homes = {entry.home for number, entry in new.items()} | {self.placed[number].home for number in new if number in self.placed}
        self.placed |= new
        for home_id in homes:
            self.left[home_id], self.free[home_id] = self.homes[home_id], self.homes[home_id].free_beds
        for number in sorted(self.placed):
            if self.placed[number].home in homes:
                self._put(self.seekers[number], self.placed[number])

    def adopt(self, other: "Placing") -> None:
        """Take over where another placed the same households, told apart by their cases."""
        numbers = {seeker.household.case_id: seeker.number for seeker in self.seekers}
        self._change({numbers[other.seekers[number].household.case_id]: entry for number, entry in other.placed.items()})

    # -- what is not possible ---------------------------------------------------------------------------------------------------------

    def _no_room_in_reach(self, seeker: Seeker) -> bool:
        """Whether the rooms that it can use, that those can use who are placed there, and so on, have fewer free beds than it has members."""
        inside: dict[UUID, set[int]] = {}
        for number, entry in self.placed.items():
            for use in entry.arrangement.uses:
                inside.setdefault(use.room, set()).add(number)
        reach, movable, new = set[UUID](), set[int](), self._rooms(seeker)
        while new:
            reach |= new
            others = set[int]().union(*(inside.get(room, ()) for room in new)) - movable
            movable |= others
            new = set[UUID]().union(*(self._rooms(self.seekers[number]) for number in others)) - reach
        free = sum(self.beds_free[room] for room in reach) - sum(len(self.seekers[number].household.persons) for number in movable)
        return free < len(seeker.household.persons)

    def _rooms(self, seeker: Seeker) -> set[UUID]:
        if seeker.rooms is None:
            seeker.rooms = {room for home_id in seeker.costs for room in usable(self.homes[home_id], seeker.household, self.known)}
        return seeker.rooms

    # -- with the solver --------------------------------------------------------------------------------------------------------------

    def _ask(self, seeker: Seeker, position: int) -> int:
        """Let the solver decide on this and the next households of the list; where the list goes on."""
        if self.solve is None:
            self.proven = False
            return position
        self.asked, block = True, [seeker]
        while position < len(self.seekers) and len(block) < BLOCK:
            if not self._surely_not(self.seekers[position]):
                block.append(self.seekers[position])
            position += 1
        solved = self._solved([entry.number for entry in block], None)
        if not solved:
            for entry in block:
                if self._surely_not(entry) or self._take_what_is_left(entry):
                    continue
                self._move_one(entry)
        elif self.proven:
            self.impossible += [entry for entry in block if entry.number not in self.placed]
        return position

    def _improve(self) -> None:
        """Make what is placed cost as little as it can; the less it costs so far, the fewer ways are left that may be better."""
        least, before, sure = sum(self.seekers[number].best for number in self.placed), None, self.proven
        while self.cost > least and self.cost != before:
            if self.solve is None:
                self.proven = False
                return
            before, self.proven = self.cost, sure
            if self._solved([], self.cost - least) and self.proven:
                return

    def _wanted(self, wishes: Sequence[int], slack: int | None) -> list[tuple[Wanted, bool]] | None:
        """Who takes part: those whose homes hang together with those of the wishes, or all when costs are at stake (within the slack).

        None when these are more choices than a solver reads in time.
        """
        numbers = sorted({*self.placed, *wishes})
        if slack is None:
            reach = {home_id for number in wishes for home_id in self.seekers[number].costs}
            together, grew = set(wishes), True
            while grew:
                grew = False
                for number in numbers:
                    if number not in together and (
                        not reach.isdisjoint(self.seekers[number].costs) or (self.seekers[number].rivals | self.seekers[number].doubles) & together
                    ):
                        together.add(number)
                        reach |= self.seekers[number].costs.keys()
                        grew = True
            numbers = sorted(together)
        wanted, count = [], 0
        for number in numbers:
            wanted.append(self._want(number, wishes, slack))
            count += len(wanted[-1][0].choices)
            if count > MOST_CHOICES or not self.time():
                return None
        return wanted

    def _want(self, number: int, wishes: Sequence[int], slack: int | None) -> tuple[Wanted, bool]:
        """What is asked for one household, and whether some of its choices were left out."""
        seeker, entry = self.seekers[number], self.placed.get(number)
        most = None if slack is None else seeker.best + slack
        found, cut = [], False
        for home_id, cost in seeker.costs.items():
            if most is None or cost <= most:
                if home_id not in seeker.choices:
                    seeker.choices[home_id] = choices(self.homes[home_id], number, seeker.household, seeker.base[home_id])
                found += seeker.choices[home_id][0]
                cut = cut or seeker.choices[home_id][1]
        worth = 2 ** (len(wishes) - 1 - wishes.index(number)) if number in wishes else 0
        now = Choice(number, entry.home, entry.arrangement, entry.cost) if entry else None
        return Wanted(number, found, seeker.rivals, seeker.doubles, worth, most, now), cut

    def _solved(self, wishes: Sequence[int], slack: int | None) -> bool:
        """Ask the solver, and take its answer; False when it has none, the question is too large, or there is no time for it."""
        found = None
        if self.solve is not None and (wanted := self._wanted(wishes, slack)) is not None:
            asked = program(self.homes, [entry for entry, _ in wanted])
            found = self.solve(asked)
        if found is None:
            self.proven = False
            return False
        if not found.proven or any(cut for _, cut in wanted or ()):
            self.proven = False
        chosen = asked.chosen(found.values)
        self._change({number: Placed(choice.home, choice.arrangement, choice.cost) for number, choice in chosen.items()})
        return True


def _asks_no_more(one: Seeker, other: Seeker) -> bool:
    """Whether the other asks for all that this one asks for, so that it has no place where this one has none.

    An infection brings a household into rooms that its members would not get without, and a woman lets boys in, so that these do not compare.
    """
    return (
        not one.rivals
        and not one.doubles
        and INFECTIOUS not in other.household.needs
        and one.household.with_a_woman == other.household.with_a_woman
        and one.household.overrides == other.household.overrides
        and other.costs.keys() <= one.costs.keys()
        and all(other.kinds.get(kind, 0) >= count for kind, count in one.kinds.items())
    )
