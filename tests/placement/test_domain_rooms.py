"""The best arrangement of a household in a home is the best of all that are allowed, said once more in plain words."""

from collections.abc import Sequence
from itertools import product
from random import Random

from placement.domain.homes import Guest, Home, Population, Room
from placement.domain.people import Household, Person
from placement.domain.rooms import allowed, arrange, arrangements, beds_of, fit
from placement.domain.rules import ANOTHER_ROOM, CHILDREN_APART, OVERFLOW, UNSUITED_ROOM, serves

from tests.placement.builders import a_home, a_household, uid

INSTANCES = 400


def a_home_and_a_household(random: Random) -> tuple[Home, Household]:
    """Up to six persons for up to six rooms, of which some have guests."""
    rooms = []
    for number in range(random.randint(1, 6)):
        beds = tuple(uid(1000 + 10 * number + n) for n in range(random.randint(1, 4)))
        guests = tuple(Guest(uid(5000 + 10 * number + n), uid(1), random.choice(["female", "male"]), random.random() < 0.3) for n in range(2))
        rooms.append(
            Room(
                uid(100 + number),
                random.random() < 0.6,
                random.random() < 0.5,
                random.random() < 0.2,
                beds,
                guests if random.random() < 0.2 else (),
                random.choice([None, None, Population(frozenset({"female", "male"})), Population(frozenset({"female"}), 10, 60, 12)]),
                frozenset(beds[-1:]) if random.random() < 0.2 else frozenset(),
            )
        )
    persons = []
    for number in range(random.randint(1, 6 if len(rooms) < 5 else 4)):
        need = frozenset({random.choice(["wheelchair", "infectious"])}) if random.random() < 0.15 else frozenset[str]()
        persons.append(Person(uid(9000 + number), random.choice(["female", "female", "male"]), random.choice([3, 5, 9, 14, 30, 65]), "child", need))
    both = random.random() < 0.5
    return a_home(*rooms, sexes=frozenset({"female", "male"} if both else {"female"}), boys_max_age=None if both else 14), a_household(*persons)


def in_plain_words(home: Home, household: Household, seats: Sequence[Room]) -> int | None:
    """What it costs that each person sleeps in the room at her place, or None when it is not allowed."""
    cost = -ANOTHER_ROOM - (CHILDREN_APART if any(not person.adult for person in household.persons) else 0)
    for room in set(seats):
        inside = [person for person, seat in zip(household.persons, seats, strict=True) if seat is room]
        if not may_share(home, household, room, inside):
            return None
        cost += ANOTHER_ROOM + (CHILDREN_APART if any(not person.adult for person in inside) else 0)
        cost += UNSUITED_ROOM * (room.family != (len(household.persons) > 1))
        cost += UNSUITED_ROOM * (room.accessible and not any("wheelchair" in person.needs for person in inside))
        cost += OVERFLOW * max(0, len(inside) - (len(room.free) - len(room.overflow)))
    return cost


def may_share(home: Home, household: Household, room: Room, inside: Sequence[Person]) -> bool:
    enough = len(inside) <= len(room.free)
    return (
        enough and all(may_sleep(home, household, room, person, inside) for person in inside) and well(room, inside) and unmixed(home, room, inside)
    )


def may_sleep(home: Home, household: Household, room: Room, person: Person, inside: Sequence[Person]) -> bool:
    somewhere = any(serves(other.serves or home.serves, person, household) for other in home.rooms)
    served = serves(room.serves or home.serves, person, household) or not somewhere
    fitting = ("wheelchair" not in person.needs or room.accessible) and ("infectious" not in person.needs or room.isolation)
    alone = person.small and "infectious" not in person.needs and household.with_an_adult and not any(other.adult for other in inside)
    return served and fitting and not alone


def well(room: Room, inside: Sequence[Person]) -> bool:
    if not room.isolation:
        return True
    infectious = [person for person in inside if "infectious" in person.needs]
    ill_child = any(person.small for person in infectious)
    along = all(person in infectious or person.small or (person.adult and ill_child) for person in inside)
    return bool(infectious) and along and not room.guests


def unmixed(home: Home, room: Room, inside: Sequence[Person]) -> bool:
    grown = {person.sex for person in inside if not person.small}
    strangers = {guest.sex for guest in room.guests if not guest.small}
    men = "male" in (room.serves or home.serves).sexes
    if len(strangers) > 1 or ("male" in strangers and not men):
        return False
    if len(grown) > 1 or ("male" in grown and not men):
        return room.family and not room.guests
    return len(grown | strangers) <= 1


def test_the_arrangement_found_is_the_cheapest_of_all_that_are_allowed() -> None:
    placed = 0
    for number in range(INSTANCES):
        home, household = a_home_and_a_household(Random(number))
        ways = [in_plain_words(home, household, seats) for seats in product(home.rooms, repeat=len(household.persons))]
        costs = [cost for cost in ways if cost is not None]
        found = arrange(home, household)
        assert (None if found is None else found.whole) == min(costs, default=None), f"instance {number}"
        assert {entry.whole for entry in arrangements(home, household)} == set(costs), "and none is left out"
        if found is not None:
            placed += 1
            assert allowed(home, household, beds_of(home, found))
    assert INSTANCES // 4 < placed < INSTANCES


def test_beds_in_rooms_in_which_they_may_not_sleep_are_not_allowed() -> None:
    for number in range(INSTANCES):
        random = Random(number)
        home, household = a_home_and_a_household(random)
        seats = [random.choice(home.rooms) for _ in household.persons]
        free = {room.id: list(room.free) for room in home.rooms}
        beds = {person.id: free[seat.id].pop() for person, seat in zip(household.persons, seats, strict=True) if free[seat.id]}
        whole = len(beds) == len(household.persons)
        assert allowed(home, household, beds) == (whole and in_plain_words(home, household, seats) is not None)


def test_a_home_of_three_hundred_beds_is_searched_in_no_time() -> None:
    rooms = [Room(uid(number), number % 2 == 0, number % 3 == 0, False, tuple(uid(1000 + 10 * number + n) for n in range(5))) for number in range(60)]
    ages = [35, 13, 9, 4, 70, 16, 2, 8, 11, 40]
    members = [Person(uid(90_000 + n), "male" if n % 3 == 1 else "female", age, "child") for n, age in enumerate(ages)]
    assert fit(a_home(*rooms, sexes=frozenset({"female", "male"}), boys_max_age=None), a_household(*members)) is not None
