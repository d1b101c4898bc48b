"""Who sleeps where in one home: every member gets a bed in a fitting room, or nobody does (P4)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from placement.domain.homes import Home, Room
from placement.domain.people import INFECTIOUS, MALE, WHEELCHAIR, Household, Person

# Real homes need a step per person; this only bounds the worst arithmetic case.
MOST_STEPS = 5000


def fit(home: Home, household: Household) -> dict[UUID, UUID] | None:
    """Bed ids by person id for the whole household, or None when its members do not fit in this home's rooms.

    Tried in this order: everyone in one room (a family room for a family, an ordinary one for a single person), a mother and her
    small children in one room, as few rooms as possible.
    """
    search = _Search(home, household, _hardest_first(household.persons))
    return search.beds() if search.seat(0) else None


@dataclass(slots=True)
class _Search:
    home: Home
    household: Household
    people: Sequence[Person]
    steps: int = 0
    inside: dict[UUID, list[Person]] = field(default_factory=dict)

    def seat(self, position: int) -> bool:
        """Find a room for each person from this position on."""
        if position == len(self.people):
            return True
        person, failed = self.people[position], set[object]()
        for room in self._preferred(person):
            if not self._allowed(room, person) or (failed and self._like(room) in failed):
                continue
            self.steps += 1
            if self.steps > MOST_STEPS:
                return False
            self.inside.setdefault(room.id, []).append(person)
            if self.seat(position + 1):
                return True
            self.inside[room.id].pop()
            failed.add(self._like(room))
        return False

    def beds(self) -> dict[UUID, UUID]:
        """The beds of those who are seated."""
        found: dict[UUID, UUID] = {}
        for room in self.home.rooms:
            found |= {person.id: bed for person, bed in zip(self.inside.get(room.id, ()), sorted(room.free), strict=False)}
        return found

    def _allowed(self, room: Room, person: Person) -> bool:
        inside = self.inside.get(room.id, [])
        return (
            len(inside) < len(room.free)
            and (WHEELCHAIR not in person.needs or room.accessible)
            and self._healthy(room, person, inside)
            and self._accompanied(person, inside)
            and self._unmixed(room, person, inside)
        )

    def _healthy(self, room: Room, person: Person, inside: Sequence[Person]) -> bool:
        """An infectious person in an isolation room that is her household's alone; of the others only mother and small child go along."""
        if INFECTIOUS in person.needs:
            return room.isolation and not room.guests
        if not room.isolation:
            return True
        return any(INFECTIOUS in other.needs for other in inside) and (person.small or any(other.small for other in inside))

    def _accompanied(self, person: Person, inside: Sequence[Person]) -> bool:
        """A small child sleeps where an adult of the household does, if the household has one."""
        if not person.small or INFECTIOUS in person.needs:
            return True
        return any(other.adult for other in inside) or not any(other.adult for other in self.household.persons)

    def _unmixed(self, room: Room, person: Person, inside: Sequence[Person]) -> bool:
        """Only a family that has a family room for itself mixes the sexes in it, small children aside."""
        if person.small:
            return True
        alone = room.family and not room.guests
        if person.sex == MALE and MALE not in self.home.sexes:
            return alone
        sexes = {other.sex for other in inside if not other.small} | {guest.sex for guest in room.guests if not guest.small}
        return alone or sexes <= {person.sex}

    def _preferred(self, person: Person) -> list[Room]:
        everyone = len(self.household.persons)
        core = 1 + sum(other.small for other in self.household.persons)
        single = everyone == 1

        def preference(room: Room) -> tuple[object, ...]:
            return (
                not self.inside.get(room.id),
                room.family == single,
                len(room.free) < everyone,
                len(room.free) < core,
                room.accessible and WHEELCHAIR not in person.needs,
                len(room.free),
                room.id,
            )

        return sorted((room for room in self.home.rooms if room.free), key=preference)

    def _like(self, room: Room) -> object:
        """Rooms that are alike need not be tried twice."""
        if self.inside.get(room.id):
            return room.id
        return room.family, room.accessible, room.isolation, len(room.free), frozenset((guest.sex, guest.small) for guest in room.guests)


def _hardest_first(persons: Sequence[Person]) -> list[Person]:
    """Those with the fewest possible rooms first; small children after the adults they sleep with."""
    return sorted(persons, key=lambda p: (INFECTIOUS not in p.needs, WHEELCHAIR not in p.needs or p.small, not p.adult, p.small, p.id))
