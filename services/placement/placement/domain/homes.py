"""What a home is: its rooms and beds, whom it serves, and what was said of it for a household."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from placement.domain.people import Household

OLDEST = 120
TRANSIT = frozenset({"panti_transit", "hotel_overflow"})
KIN_OR_FOSTER = frozenset({"foster", "keluarga_pengganti"})


@dataclass(frozen=True, slots=True)
class Population:
    """Whom a unit serves; ages in completed years, `boys_max_age` for boys who come with a woman where men are not served."""

    sexes: frozenset[str]
    min_age: int = 0
    max_age: int = OLDEST
    boys_max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who stays in a room, or for whom a bed in it is held."""

    person_id: UUID
    case_id: UUID
    sex: str
    small: bool


@dataclass(frozen=True, slots=True)
class Room:
    """A room with its free beds and its guests; `serves` is its unit's population, None that of the shelter; `overflow` are beds of need."""

    id: UUID
    family: bool
    accessible: bool
    isolation: bool
    free: tuple[UUID, ...]
    guests: tuple[Guest, ...] = ()
    serves: Population | None = None
    overflow: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Home:
    """A shelter as a decision sees it; `avoided` are persons whom its guests must not meet.

    `conflicts` are persons and cases that somebody of its staff must not meet, `parameters` the shelter's own values of rules. `memo` is no part of
    it: what was worked out about this very home, so that it is worked out once.
    """

    id: UUID
    kind: str
    secret: bool
    area: str
    sexes: frozenset[str]
    min_age: int
    max_age: int
    boys_max_age: int | None
    accepts_needs: frozenset[str]
    grounds_required: bool
    open: bool
    rooms: tuple[Room, ...]
    avoided: frozenset[UUID] = frozenset()
    sheltered: frozenset[UUID] = frozenset()
    conflicts: frozenset[UUID] = frozenset()
    parameters: Mapping[str, int] = field(default_factory=dict)
    memo: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def free_beds(self) -> int:
        """How many beds are free."""
        found: int | None = self.memo.get("free_beds")
        if found is None:
            found = self.memo["free_beds"] = sum(len(room.free) for room in self.rooms)
        return found

    @property
    def transit(self) -> bool:
        """Whether this is a transit home rather than a specialised one."""
        return self.kind in TRANSIT

    @property
    def serves(self) -> Population:
        """Whom the home serves where a room's unit says nothing else; its own parameter may set another limit for boys (P3)."""
        return Population(self.sexes, self.min_age, self.max_age, self.parameters.get("boys_max_age", self.boys_max_age))

    def population(self, room: Room) -> Population:
        """Whom a room of this home serves."""
        return room.serves or self.serves

    @property
    def populations(self) -> tuple[Population, ...]:
        """Every population that some room of this home serves."""
        found: tuple[Population, ...] | None = self.memo.get("populations")
        if found is None:
            units = dict.fromkeys(room.serves for room in self.rooms)
            found = self.memo["populations"] = tuple(unit or self.serves for unit in units) or (self.serves,)
        return found


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one home does not suit: the rule, and the fact it saw as a code."""

    home: UUID
    rule: str
    fact: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says of one home for one household: `answer` is yes, no or cost; `fact` is what it saw, as a code."""

    rule: str
    version: int
    answer: str
    fact: str = ""
    cost: int = 0


@dataclass(frozen=True, slots=True)
class Considered:
    """One home as it was considered for one household: every rule's verdict, and the beds it was found to fit in, if any."""

    home: UUID
    verdicts: tuple[Verdict, ...]
    secret: bool = False


def has_beds(home: Home, household: Household) -> str | None:
    """P1: why there is no bed for everyone that nobody has or holds, or None."""
    return "not_enough_beds" if home.free_beds < len(household.persons) else None


def summary(refusals: Iterable[Refusal]) -> dict[str, int]:
    """How many homes each rule ruled out. Secret homes are one, with no rule named, so that nothing can be inferred about them."""
    counted: dict[str, int] = {}
    for entry in refusals:
        if entry.secret:
            counted["secret"] = 1
        else:
            counted[entry.rule] = counted.get(entry.rule, 0) + 1
    return dict(sorted(counted.items()))


def taken(home: Home, household: Household, beds: Mapping[UUID, UUID]) -> Home:
    """The home after the household took these beds (bed ids by person id)."""
    used = set(beds.values())
    rooms = tuple(_room_taken(room, household, beds) if room.free and not used.isdisjoint(room.free) else room for room in home.rooms)
    return replace(home, rooms=rooms, sheltered=home.sheltered.union(beds), avoided=home.avoided | household.keep_apart)


def _room_taken(room: Room, household: Household, beds: Mapping[UUID, UUID]) -> Room:
    inside = [person for person in household.persons if beds[person.id] in room.free]
    guests = tuple(Guest(person.id, household.case_id, person.sex, person.small) for person in inside)
    used = {beds[person.id] for person in inside}
    return replace(room, free=tuple(bed for bed in room.free if bed not in used), guests=room.guests + guests)
