"""Households that are matched together: the answer is the best there is, and it is the same whatever the order of the question."""

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from uuid import UUID

import pytest
from placement.domain.assign import Matching, match
from placement.domain.homes import Home, Population, Room, taken
from placement.domain.offers import Offer, Unplaceable
from placement.domain.people import Household, Person, in_order
from placement.domain.rooms import Arrangement, allowed, arrangements, beds_of
from placement.domain.rules import OVERFLOW, PREFERS, RULES, cost_of, refusal
from placement.finding.solver import matched
from placement.finding.worker import Worker

from tests.placement.builders import START, a_child, a_home, a_household, a_room, a_woman, uid

INSTANCES = 1000
AREAS = ("31.71.01", "31.72.01", "31.73.01")


def a_small_instance(random: Random) -> tuple[list[Home], list[Household]]:
    """Few homes with few beds for several households: somebody must nearly always wait."""
    homes = []
    for number in range(random.randint(1, 4)):
        rooms = []
        for index in range(random.randint(1, 3)):
            beds = tuple(uid(10_000 * (number + 1) + 100 * index + n) for n in range(random.randint(1, 3)))
            unit = Population(frozenset({"female", "male"}), 0, 120) if random.random() < 0.15 else None
            isolation = random.random() < 0.1
            overflow = frozenset(beds[-1:]) if random.random() < 0.2 else frozenset[UUID]()
            made = Room(uid(1000 * (number + 1) + index), random.random() < 0.6, random.random() < 0.4, isolation, beds, (), unit, overflow)
            rooms.append(made)
        homes.append(
            a_home(
                *rooms,
                id=uid(number + 1),
                kind=random.choice(["panti_transit", "psp_korban_kekerasan", "foster"]),
                area=random.choice(AREAS),
                sexes=random.choice([frozenset({"female"}), frozenset({"female", "male"})]),
                boys_max_age=random.choice([None, 7, 12]),
            )
        )
    return homes, [a_small_household(random, number, homes) for number in range(random.randint(1, 5))]


def a_small_household(random: Random, number: int, homes: Sequence[Home]) -> Household:
    members = [Person(uid(1_000_000 + 100 * number), random.choice(["female", "female", "female", "male"]), random.choice([16, 30, 30, 45]))]
    for index in range(random.choice([0, 0, 1, 1, 2, 3])):
        needs = frozenset({random.choice(["wheelchair", "infectious"])}) if random.random() < 0.1 else frozenset[str]()
        members.append(Person(uid(1_000_001 + 100 * number + index), random.choice(["female", "male"]), random.choice([2, 5, 9, 14]), "child", needs))
    if random.random() < 0.05:
        members = [Person(uid(1_000_000), "female", 30)]  # reported twice
    apart = frozenset({uid(1_000_000 + 100 * random.randint(0, 4))}) if random.random() < 0.25 else frozenset[UUID]()
    return a_household(
        *members,
        case_id=uid(500 + number),
        waited_hours=random.randint(0, 2),
        risk=random.choice(["high", "medium", "low"]),
        area=random.choice([None, *AREAS]),
        keep_apart=apart - {person.id for person in members},
        declined=frozenset({random.choice(homes).id}) if random.random() < 0.2 else frozenset(),
    )


def every_placement(homes: Sequence[Home], household: Household) -> list[tuple[Home, Arrangement, int]]:
    suiting = [home for home in homes if refusal(home, household, RULES) is None]
    base = {home.id: cost_of(rule(home, household) for rule in (*RULES, *PREFERS)) for home in suiting}
    return [(home, arrangement, base[home.id] + arrangement.cost) for home in suiting for arrangement in arrangements(home, household)]


def by_brute_force(homes: Sequence[Home], households: Sequence[Household]) -> tuple[tuple[bool, ...], int]:
    """Who is placed and at what cost, by trying everything: a way is kept while each household may join those before it."""
    ordered = in_order(households)
    placements = [every_placement(homes, household) for household in ordered]
    best: tuple[tuple[bool, ...], int] = ((), 0)

    def better(placed: tuple[bool, ...], cost: int) -> bool:
        return (placed, -cost) > (best[0], -best[1])

    def go_on(position: int, placed: tuple[bool, ...], cost: int, left: dict[UUID, Home], present: frozenset[UUID]) -> None:
        nonlocal best
        if position == len(ordered):
            if better(placed, cost):
                best = (placed, cost)
            return
        if (placed, -cost) < (best[0][:position], -best[1]) and (placed < best[0][:position] or all(best[0])):
            return
        household = ordered[position]
        if not present & {person.id for person in household.persons}:
            for home, arrangement, its_cost in placements[position]:
                now = left[home.id]
                if refusal(now, household, RULES) is None and joins(now, household, arrangement):
                    after = taken(now, household, beds_of(now, arrangement))
                    more = beds_of_need(home, after) - beds_of_need(home, now)
                    inside = present | {person.id for person in household.persons}
                    go_on(position + 1, (*placed, True), cost + its_cost + OVERFLOW * more, left | {home.id: after}, inside)
        go_on(position + 1, (*placed, False), cost, left, present)

    go_on(0, (), 0, {home.id: home for home in homes}, frozenset())
    return best


def joins(home: Home, household: Household, arrangement: Arrangement) -> bool:
    """Whether the rooms of an arrangement are free for it still."""
    rooms = {room.id: room for room in home.rooms}
    if any(len(rooms[use.room].free) < len(use.persons) for use in arrangement.uses):
        return False
    return allowed(home, household, beds_of(home, arrangement))


def beds_of_need(before: Home, now: Home) -> int:
    """How many beds of need are taken, ordinary ones first."""
    used = 0
    for room, left in zip(before.rooms, now.rooms, strict=True):
        ordinary = sum(bed not in room.overflow for bed in room.free)
        used += max(0, len(room.free) - len(left.free) - ordinary)
    return used


def outcome(matching: Matching) -> tuple[tuple[bool, ...], int]:
    return tuple(isinstance(decision, Offer) for decision in matching.decisions), matching.cost


def assert_sound(homes: Sequence[Home], households: Sequence[Household], matching: Matching) -> None:
    """Every offer keeps every rule beside the others, and whoever gets none is told why by every home."""
    left = {home.id: home for home in homes}
    assert [decision.household for decision in matching.decisions] == in_order(households)
    for decision in matching.decisions:
        assert {entry.home for entry in decision.considered} == left.keys()
        if isinstance(decision, Unplaceable):
            assert {reason.home for reason in decision.reasons} == left.keys()
            continue
        home = left[decision.home]
        assert refusal(home, decision.household) is None
        assert allowed(home, decision.household, dict(decision.beds))
        left[home.id] = taken(home, decision.household, decision.beds)


@pytest.mark.parametrize("seed", range(4))
def test_no_other_way_is_better_than_the_one_that_is_chosen(seed: int) -> None:
    waited = 0
    for number in range(INSTANCES // 4):
        homes, households = a_small_instance(Random(1000 * seed + number))
        matching = matched(homes, households, 60)
        assert matching.proven
        assert outcome(matching) == by_brute_force(homes, households), f"instance {1000 * seed + number}"
        assert_sound(homes, households, matching)
        waited += any(isinstance(decision, Unplaceable) for decision in matching.decisions)
    assert waited > INSTANCES // 16, "the instances are tight"


def some_instances() -> Iterator[tuple[list[Home], list[Household]]]:
    return (a_small_instance(Random(number)) for number in range(5000, 5100))


def test_what_the_cheap_steps_prove_is_what_the_solver_finds() -> None:
    proven = 0
    for homes, households in some_instances():
        cheap = match(homes, households)
        assert_sound(homes, households, cheap)
        if cheap.proven:
            proven += 1
            assert outcome(cheap) == outcome(matched(homes, households, 60))
    assert proven > 50


def test_the_order_in_which_homes_and_households_are_given_does_not_matter() -> None:
    for number, (homes, households) in enumerate(some_instances()):
        first = matched(homes, households, 60)
        random = Random(number)
        random.shuffle(homes)
        random.shuffle(households)
        assert matched(homes, households, 60) == first


def test_the_riskiest_comes_first_then_who_waited_longest_and_a_refusal_costs_nothing() -> None:
    home = a_home(a_room(1))
    low = a_household(risk="low", waited_hours=90)
    medium = a_household(risk="medium", waited_hours=2)
    refused = a_household(risk="medium", waited_hours=3, declined=frozenset({uid(9)}))
    high = a_household(risk="high")
    assert list(in_order([low, medium, refused, high])) == [high, refused, medium, low]
    assert [isinstance(decision, Offer) for decision in match([home], [low, medium, refused, high]).decisions] == [True, False, False, False]


def test_somebody_moves_so_that_a_family_that_fits_only_there_has_a_place() -> None:
    large, small = a_home(a_room(3), id=uid(1)), a_home(a_room(1), id=uid(2), kind="panti_transit")
    alone, family = a_household(risk="high"), a_household(a_woman(), a_child(), a_child(age=3))
    matching = match([large, small], [family, alone])
    assert [decision.home for decision in matching.decisions if isinstance(decision, Offer)] == [small.id, large.id]


def test_without_a_solver_what_is_open_is_not_called_proven() -> None:
    homes, households = a_crowded_city(Random(3), homes=3, households=12)
    solved = matched(homes, households, 60)
    assert solved.proven
    assert outcome(match(homes, households))[0] <= outcome(solved)[0]
    assert not match(homes, households).proven


def test_when_there_is_no_time_the_best_that_is_known_is_answered_and_not_called_proven() -> None:
    homes, households = a_crowded_city(Random(3), homes=3, households=12)
    hurried = matched(homes, households, 0)
    assert not hurried.proven
    assert_sound(homes, households, hurried)


async def test_the_solvers_process_answers_what_would_be_answered_here_task_after_task() -> None:
    worker = Worker()
    try:
        for seed in (3, 4):
            homes, households = a_crowded_city(Random(seed), homes=3, households=12)
            assert not match(homes, households).proven, "the solver has to work"
            assert await worker.again(homes, households, 60) == matched(homes, households, 60)
    finally:
        worker.stop()


async def test_a_process_that_is_gone_is_no_answer_and_the_next_task_has_another_one() -> None:
    worker = Worker()
    homes, households = a_crowded_city(Random(3), homes=2, households=3)
    try:
        worker._running().kill()
        await asyncio.to_thread(worker._running().wait)
        assert await worker.again(homes, households, 60) is not None
        killed = asyncio.create_task(worker.again(*a_crowded_city(Random(4), homes=60, households=300), 60))
        await asyncio.sleep(0.2)
        worker._running().kill()
        assert await killed is None
        assert await worker.again(homes, households, 60) is not None
    finally:
        worker.stop()


def a_crowded_city(random: Random, homes: int, households: int) -> tuple[list[Home], list[Household]]:
    """Homes of rooms with one to three free beds, and about as many people as beds."""
    made = []
    for number in range(homes):
        rooms = [a_room(random.randint(1, 3), family=random.random() < 0.5, id=uid(100 * number + n)) for n in range(3)]
        made.append(a_home(*rooms, id=uid(number + 1), area=random.choice(AREAS), boys_max_age=random.choice([7, 12])))
    seekers = []
    for number in range(households):
        members = [a_woman(id=uid(10_000 + 10 * number))]
        members += [
            a_child(random.choice(["female", "male"]), random.choice([2, 6, 9, 11]), id=uid(10_001 + 10 * number + n)) for n in range(number % 3)
        ]
        seekers.append(a_household(*members, case_id=uid(900 + number), waited_hours=number, area=random.choice(AREAS)))
    assert all(seeker.waiting_since <= START for seeker in seekers)
    return made, seekers
