"""What holds for every offer, whatever the homes and households."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from placement.domain.homes import Home, Room, taken
from placement.domain.offers import Hold, Offer, Unplaceable, first_hold, next_hold, offer_homes
from placement.domain.people import Household, Person, in_order
from placement.domain.rules import RULES, refusal

from tests.placement.builders import START, a_home, a_household, a_room, a_woman, uid

SEXES = ("female", "male", "unknown")
NEEDS = ("wheelchair", "care", "infectious", "pregnant_late", "infant", "medication")
AREAS = ("31.71.01", "31.72.01", "31.73.01")

persons = st.builds(
    lambda sex, age, child, needs: (sex, age, "child" if child else "victim", frozenset(needs)),
    st.sampled_from(SEXES),
    st.none() | st.integers(0, 80),
    st.booleans(),
    st.lists(st.sampled_from(NEEDS), max_size=1),
)
rooms = st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 4))


@st.composite
def some_homes(draw: st.DrawFn) -> list[Home]:
    made = []
    for number in range(draw(st.integers(0, 4))):
        inside = draw(st.lists(rooms, max_size=4))
        made.append(
            a_home(
                *[
                    Room(
                        uid(1000 * number + 10 * index),
                        family,
                        accessible,
                        isolation,
                        tuple(uid(100_000 * (number + 1) + 100 * index + n) for n in range(beds)),
                    )
                    for index, (family, accessible, isolation, beds) in enumerate(inside or [(True, True, False, 2)])
                ],
                id=uid(number + 1),
                kind=draw(st.sampled_from(["panti_transit", "rumah_aman"])),
                secret=draw(st.booleans()),
                area=draw(st.sampled_from(AREAS)),
                sexes=draw(st.sampled_from([frozenset({"female"}), frozenset({"female", "male"}), frozenset({"male"})])),
                min_age=draw(st.sampled_from([0, 0, 18])),
                max_age=draw(st.sampled_from([120, 120, 17])),
                boys_max_age=draw(st.sampled_from([None, 7, 12])),
                accepts_needs=frozenset(draw(st.lists(st.sampled_from(NEEDS)))),
                grounds_required=draw(st.booleans()),
                open=draw(st.integers(0, 9)) > 0,
            )
        )
    return made


@st.composite
def some_households(draw: st.DrawFn) -> list[Household]:
    made = []
    for number in range(draw(st.integers(0, 6))):
        members = draw(st.lists(persons, min_size=1, max_size=5))
        made.append(
            a_household(
                *[Person(uid(10_000_000 + 100 * number + index), *member) for index, member in enumerate(members)],
                case_id=uid(500 + number),
                waited_hours=draw(st.integers(0, 3)),
                grounds=frozenset(draw(st.lists(st.just("threat_to_life")))),
                keep_apart=frozenset(uid(10_000_000 + 100 * other) for other in draw(st.lists(st.integers(0, 5), max_size=1)) if other != number),
                perpetrator_areas=frozenset(draw(st.lists(st.sampled_from(AREAS), max_size=1))),
                medical_gate=draw(st.integers(0, 9)) == 0,
                declined=frozenset(uid(home) for home in draw(st.lists(st.integers(1, 4), max_size=1))),
            )
        )
    return made


@given(some_homes(), some_households())
def test_offered_means_that_every_rule_says_yes_and_the_whole_household_has_a_bed_of_its_own(homes: list[Home], households: list[Household]) -> None:
    left = {home.id: home for home in homes}
    given_away: list[UUID] = []
    for decision in offer_homes(homes, households):
        if isinstance(decision, Unplaceable):
            assert {reason.home for reason in decision.reasons} == left.keys(), "one reason per home"
            continue
        home, household = left[decision.home], decision.household
        assert refusal(home, household, RULES) is None
        assert decision.beds.keys() == {person.id for person in household.persons}, "never part of a household"
        free = {bed for room in home.rooms for bed in room.free}
        assert set(decision.beds.values()) <= free
        given_away += decision.beds.values()
        left[home.id] = taken(home, household, decision.beds)
        _assert_rooms_fit(home, household, decision)
    assert len(set(given_away)) == len(given_away), "no bed twice"


def _assert_rooms_fit(home: Home, household: Household, offer: Offer) -> None:
    adults = any(person.adult for person in household.persons)
    for room in home.rooms:
        inside = [person for person in household.persons if offer.beds[person.id] in room.free]
        grown = [person for person in inside if not person.small]
        if not room.family or room.guests:
            sexes = {person.sex for person in grown} | {guest.sex for guest in room.guests if not guest.small}
            assert len(sexes) <= 1 or not inside, "women and men do not share a room with strangers or an ordinary room"
        for person in inside:
            assert "wheelchair" not in person.needs or room.accessible
            assert "infectious" not in person.needs or (room.isolation and not room.guests)
            if person.small and adults and "infectious" not in person.needs:
                assert any(other.adult for other in inside), "a small child sleeps with an adult of its own"


@given(some_homes(), some_households(), st.randoms(use_true_random=False))
def test_the_order_in_which_homes_and_households_are_given_does_not_matter(homes: list[Home], households: list[Household], random: Random) -> None:
    decisions = offer_homes(homes, households)
    random.shuffle(homes)
    random.shuffle(households)
    shuffled = [replace(home, rooms=tuple(random.sample(home.rooms, len(home.rooms)))) for home in homes]
    assert offer_homes(shuffled, households) == decisions


@given(some_homes(), some_households())
def test_households_are_taken_in_order_and_a_later_one_never_takes_an_earlier_ones_place(homes: list[Home], households: list[Household]) -> None:
    decisions = offer_homes(homes, households)
    assert [decision.household for decision in decisions] == in_order(households)
    assert offer_homes(homes, in_order(households)[:2]) == decisions[:2]


def test_a_hundred_households_and_one_room_make_exactly_one_offer() -> None:
    households = [a_household(a_woman(), waited_hours=n) for n in range(100)]
    decisions = offer_homes([a_home(a_room(beds=1))], households)
    assert [isinstance(decision, Offer) for decision in decisions] == [True] + [False] * 99
    assert decisions[0].household == households[99], "who waited longest"
    assert all(decision.reasons for decision in decisions[1:] if isinstance(decision, Unplaceable))


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 20), st.integers(1, 10), st.integers(1, 30))
def test_the_largest_household_is_decided_on_in_bounded_time(rooms: int, beds: int, people: int) -> None:
    home = a_home(*[a_room(beds, family=n % 2 == 0) for n in range(rooms)], sexes=frozenset({"female", "male"}))
    members = [Person(uid(n + 1), "female" if n % 3 else "male", n * 2, "victim") for n in range(people)]
    (decision,) = offer_homes([home], [a_household(*members)])
    assert isinstance(decision, (Offer, Unplaceable))


# -- holds --------------------------------------------------------------------------------------------------------------------------------

HOLD, HIGH, OTHER = timedelta(minutes=90), timedelta(minutes=60), timedelta(minutes=240)


def test_a_hold_is_no_longer_than_the_ladder() -> None:
    assert first_hold(START, HOLD, HIGH).until == START + HIGH
    assert first_hold(START, HOLD, OTHER).until == START + HOLD


def test_a_hold_is_extended_to_the_end_of_the_ladder_and_not_beyond() -> None:
    hold: Hold | None = first_hold(START, HOLD, OTHER)
    ends = []
    while hold:
        ends.append((hold.until - START) / timedelta(minutes=1))
        hold = next_hold(hold, hold.until, HOLD)
    assert ends == [90, 180, 240]


def test_a_hold_that_is_looked_at_after_the_ladder_is_over() -> None:
    assert next_hold(first_hold(START, HOLD, OTHER), START + timedelta(hours=9), HOLD) is None
    late = next_hold(first_hold(START, HOLD, OTHER), START + timedelta(minutes=200), HOLD)
    assert late is not None
    assert late.until == START + OTHER
