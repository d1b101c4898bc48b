"""Groups of a household: everyone is in exactly one, whatever is heard in which order, and no group is forgotten or asked for nobody."""

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement.domain.homes import Refusal
from placement.domain.needs import IN_FLIGHT, Members, Need, State, Triage, enter, learn, reconsider
from placement.domain.people import Person, in_order
from placement.domain.placements import Placement, Step
from placement.domain.rules import keeps_apart
from placement.domain.split import Group, against, divided, follow, group_id, looking, said_no

from tests.placement.builders import START, a_child, a_home, a_household, a_need, a_woman, uid

MOTHER, AUNT, GIRL, BOY = a_woman(id=uid(11)), a_woman(40, id=uid(12)), a_child(id=uid(13)), a_child("male", 9, id=uid(14))
FAMILY = (MOTHER, AUNT, GIRL, BOY)


def ids(*persons: Person) -> frozenset[UUID]:
    return frozenset(person.id for person in persons)


def waits(*persons: Person) -> Need:
    return enter(a_need(persons=persons), State.WAITING)


def parts_of(needs: dict[UUID, Need]) -> dict[UUID, Need]:
    return {name: need for name, need in needs.items() if need.part_of}


@st.composite
def partitions(draw: st.DrawFn) -> tuple[tuple[Person, ...], list[frozenset[UUID]]]:
    """A household of two to seven, and its persons in two or more groups."""
    members = tuple(draw(st.sampled_from((a_woman, a_child)))(id=uid(number)) for number in range(20, 20 + draw(st.integers(2, 7))))
    places = draw(st.lists(st.integers(0, 3), min_size=len(members), max_size=len(members)).filter(lambda found: len(set(found)) > 1))
    groups: dict[int, set[UUID]] = {}
    for person, place in zip(members, places, strict=True):
        groups.setdefault(place, set()).add(person.id)
    return members, [frozenset(group) for group in groups.values()]


def grounded(members: tuple[Person, ...], groups: list[frozenset[UUID]]) -> list[Group]:
    adults = {person.id for person in members if person.adult}
    return [Group(group, None if group & adults else "own_wish") for group in groups]


@given(partitions())
def test_groups_that_are_all_of_them_once_stand_and_each_waits_for_itself(drawn: tuple[tuple[Person, ...], list[frozenset[UUID]]]) -> None:
    members, groups = drawn
    assert against(members, grounded(members, groups), again=False) == []
    needs = divided(waits(*members), {}, groups)
    found = parts_of(needs)
    assert sorted(person.id for need in found.values() for person in need.members) == sorted(person.id for person in members), "no person twice"
    assert {need.state for need in found.values()} == {State.WAITING}
    assert (needs[uid(1)].state, needs[uid(1)].members) == (State.SPLIT, ())
    assert {need.household(START).waiting_since for need in found.values()} == {START}, "each waits since the household did"
    assert needs == divided(waits(*members), {}, list(reversed(groups))), "whoever says it first, the groups are the same"
    assert divided(needs[uid(1)], found, groups) == {}, "said again, nothing changes"


@given(partitions(), st.data())
def test_groups_that_leave_one_out_or_name_one_twice_do_not_stand(
    drawn: tuple[tuple[Person, ...], list[frozenset[UUID]]], data: st.DataObject
) -> None:
    members, groups = drawn
    person = data.draw(st.sampled_from(members)).id
    without = [group - {person} for group in groups if group - {person}]
    codes = {code for _, code in against(members, grounded(members, without), again=True)}
    assert "in_no_group" in codes
    twice = [*groups, frozenset({person})]
    assert {code for _, code in against(members, grounded(members, twice), again=True)} == {"in_two_groups"}
    stranger = [*grounded(members, groups), Group(frozenset({uuid4()}))]
    assert {code for _, code in against(members, stranger, again=True)} == {"not_looking_for_a_bed"}


def test_a_child_without_an_adult_needs_a_ground_and_nobody_else_has_one() -> None:
    apart = [Group(ids(MOTHER, AUNT)), Group(ids(GIRL, BOY))]
    assert against(FAMILY, apart, again=False) == [("groups.1.ground", "child_without_an_adult")]
    assert against(FAMILY, [Group(ids(MOTHER, AUNT), "health"), replace(apart[1], ground="health")], again=False) == [
        ("groups.0.ground", "an_adult_is_among_them")
    ]
    assert against(FAMILY, [Group(ids(*FAMILY))], again=False) == [("groups", "at_least_two")]


NAMES = tuple(uid(number) for number in range(30, 36))


@st.composite
def snapshots(draw: st.DrawFn) -> list[tuple[UUID, ...]]:
    """Households as intake may say them one after the other: some leave, some join, some come back, some are new."""
    return [tuple(sorted(draw(st.sets(st.sampled_from(NAMES), min_size=1)))) for _ in range(draw(st.integers(1, 5)))]


def told(needs: dict[UUID, Need], words: list[Members | Triage]) -> dict[UUID, Need]:
    """The needs after these words, one by one, each decided on."""
    for word in words:
        whole = learn(needs[uid(1)], word)
        after = {uid(1): whole} | {name: follow(need, whole) for name, need in parts_of(needs).items()}
        needs = {name: reconsider(need).need for name, need in after.items()}
    return needs


@given(snapshots(), st.booleans(), st.randoms(use_true_random=False))
def test_whatever_joins_or_leaves_everyone_is_in_one_place_and_the_order_does_not_matter(
    said: list[tuple[UUID, ...]], over: bool, chance: random.Random
) -> None:
    first = tuple(a_woman(id=name) for name in NAMES[:4])
    start = divided(waits(*first), {}, [frozenset(NAMES[:2]), frozenset(NAMES[2:4])])
    words: list[Members | Triage] = [Members(number, number, tuple(a_woman(id=name) for name in group)) for number, group in enumerate(said, 2)]
    if over:
        last = words[-1]
        words.append(
            Triage(9, START, 9, last.persons, "high", frozenset(), frozenset({uid(99)}), frozenset(), medical_gate=False, shelter_needed=False)
        )
    needs = told(start, words)
    whole, parts = needs[uid(1)], list(parts_of(needs).values())
    seated = [person.id for need in (whole, *parts) for person in need.members]
    assert sorted(seated) == sorted(person.id for person in whole.persons), "everyone who is in the household is in one place"
    assert not {person.id for person in whole.members} & set(NAMES[:4]), "who was put into a group once is in it still"
    for need in parts:
        assert need.state is (State.NONE if over or not need.members else State.WAITING)
    assert whole.state is (State.NONE if over else State.SPLIT), "the whole looks for nothing itself"
    shuffled = [*words, *words]
    chance.shuffle(shuffled)
    assert told(start, shuffled) == needs


@pytest.mark.parametrize("state", [State.WAITING, State.NO_SHOW, State.OFFERED, State.ON_THE_WAY, State.DECLINED])
def test_a_group_of_which_nobody_is_left_ends_and_says_so(state: State) -> None:
    group = replace(a_need(persons=(AUNT,), part_of=uid(1), apart=ids(GIRL)), case_id=uid(2), state=state, waitlisted=state is State.WAITING)
    turn = reconsider(group)
    assert turn.need.state is State.NONE
    assert turn.unmet is (state is State.WAITING)
    assert turn.cancel == ("no_longer_needed" if state in IN_FLIGHT else None)


def test_groups_may_be_made_anew_of_those_to_whom_nobody_said_yes() -> None:
    needs = divided(waits(*FAMILY), {}, [ids(MOTHER, GIRL), ids(AUNT), ids(BOY)])
    mother, aunt, boy = (group_id(uid(1), ids(*group)) for group in ((MOTHER, GIRL), (AUNT,), (BOY,)))
    needs[mother] = enter(needs[mother], State.ADMITTED)
    assert ids(*looking(needs[uid(1)], parts_of(needs).values())) == ids(AUNT, BOY)
    after = divided(needs[uid(1)], parts_of(needs), [ids(AUNT, BOY)])
    together = group_id(uid(1), ids(AUNT, BOY))
    assert after.keys() == {uid(1), aunt, boy, together}, "who is housed is left alone"
    assert [after[name].state for name in (aunt, boy, together)] == [State.NONE, State.NONE, State.WAITING]
    back = divided(after[uid(1)], parts_of(needs | after), [ids(AUNT), ids(BOY)])
    assert {name for name, need in back.items() if need.state is State.WAITING} == {aunt, boy}, "the same persons are the same group"


def test_a_group_to_which_somebody_comes_back_begins_anew() -> None:
    needs = divided(waits(*FAMILY), {}, [ids(MOTHER, AUNT), ids(GIRL, BOY)])
    pair = group_id(uid(1), ids(MOTHER, AUNT))
    needs[pair] = replace(needs[pair], persons=(MOTHER, GIRL, BOY), waitlisted=True)
    needs |= divided(replace(needs[uid(1)], persons=(MOTHER, GIRL, BOY)), parts_of(needs), [ids(MOTHER, GIRL, BOY)])
    assert (needs[pair].apart, needs[pair].state) == (ids(AUNT), State.NONE), "she is away"
    needs |= divided(replace(needs[uid(1)], persons=FAMILY), parts_of(needs), [ids(MOTHER, AUNT), ids(GIRL, BOY)])
    assert (needs[pair].state, needs[pair].waitlisted, needs[pair].members) == (State.WAITING, False, (MOTHER, AUNT))
    smaller = replace(needs[pair], apart=ids(MOTHER), waitlisted=True, review_at=START)
    again = divided(needs[uid(1)], parts_of(needs | {pair: smaller}), [ids(MOTHER, AUNT), ids(GIRL, BOY)])[pair]
    assert (again.waitlisted, again.review_at) == (False, None), "that they wait is said anew"


def test_who_said_no_because_of_their_number_may_be_asked_for_some_of_them() -> None:
    def declined(reason: str) -> Placement:
        return Placement(uuid4(), uid(1), uuid4(), Step.DECLINED, 1, FAMILY, START, reason=reason)

    near, large, full = declined("too_near"), declined("household_too_large"), declined("full")
    assert said_no([near, large, full]) == {near.shelter_id}
    needs = divided(waits(*FAMILY), {}, [ids(MOTHER, GIRL, BOY), ids(AUNT)], declined=said_no([near, large, full]))
    assert {need.declined for need in parts_of(needs).values()} == {frozenset({near.shelter_id})}


def test_groups_that_are_apart_for_safety_are_never_housed_in_one_home() -> None:
    needs = divided(waits(*FAMILY), {}, [ids(MOTHER, GIRL, BOY), ids(AUNT)], apart=True)
    aunt = needs[group_id(uid(1), ids(AUNT))].household(START)
    assert keeps_apart(a_home(sheltered=ids(MOTHER)), aunt).fact == "keep_apart"
    assert keeps_apart(a_home(), aunt).answer == "yes"
    assert follow(needs[group_id(uid(1), ids(AUNT))], replace(needs[uid(1)], keep_apart=frozenset({uid(77)}))).keep_apart == ids(
        MOTHER, GIRL, BOY
    ) | {uid(77)}


@given(partitions())
def test_groups_have_the_place_of_their_household_and_those_with_children_come_first(drawn: tuple[tuple[Person, ...], list[frozenset[UUID]]]) -> None:
    members, groups = drawn
    found = [need.household(START) for need in parts_of(divided(waits(*members), {}, groups)).values()]
    earlier, later = a_household(waited_hours=1), a_household(waited_hours=-1)
    order = in_order([later, *found, earlier])
    assert (order[0], order[-1]) == (earlier, later)
    grown = [all(person.adult for person in household.persons) for household in order[1:-1]]
    assert grown == sorted(grown)


def test_a_conflict_of_the_staff_with_a_case_holds_for_its_groups() -> None:
    needs = divided(waits(*FAMILY), {}, [ids(MOTHER, GIRL, BOY), ids(AUNT)])
    for need in parts_of(needs).values():
        assert keeps_apart(a_home(conflicts=frozenset({uid(1)})), need.household(START)).fact == "staff_conflict"


def test_a_group_is_not_another_one_because_somebody_else_joined() -> None:
    needs = divided(replace(waits(*FAMILY), reasons=(Refusal(uid(5), "P1", "not_enough_beds"),)), {}, [ids(MOTHER, GIRL, BOY), ids(AUNT)])
    aunt = needs[group_id(uid(1), ids(AUNT))]
    baby = a_child(age=0, id=uid(15))
    whole = learn(needs[uid(1)], Members(5, 5, (*FAMILY, baby)))
    assert follow(aunt, whole).members == aunt.members
    assert whole.members == (baby,), "people say where the baby belongs"
    later = Triage(6, START + timedelta(days=1), 6, FAMILY, "high", frozenset(), frozenset(), frozenset(), medical_gate=False, shelter_needed=True)
    assert follow(aunt, learn(whole, later)).risk == "high"
