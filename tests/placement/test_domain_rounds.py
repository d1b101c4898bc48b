"""A waiting list of any length is decided on in blocks, and nobody goes before somebody else because of it."""

import json
from collections.abc import Iterator, Sequence
from random import Random
from uuid import UUID

import pytest
from placement.domain import explain, rounds
from placement.domain.explain import How
from placement.domain.homes import Home, taken
from placement.domain.offers import Offer, offer_home
from placement.domain.people import Household, in_order
from placement.domain.rounds import Found, choose, decide, digest, unpacked
from placement.domain.seen import Listed
from placement.finding.solver import _within, matched

from tests.placement.builders import a_child, a_home, a_household, a_room, a_woman, uid
from tests.placement.test_domain_assign import a_crowded_city, a_small_instance


def listed(households: Sequence[Household], told: bool = True) -> list[Listed]:
    return [Listed(household, told, digest("[]")) for household in households]


def a_round(homes: Sequence[Home], waiting: Sequence[Listed], most: int) -> tuple[Found, bool]:
    """One round as the solver's process decides it."""
    block, more = choose(homes, waiting, most)
    return decide(homes, [entry for entry in waiting if entry.household.case_id in block], *_within(60)), more


def after(homes: Sequence[Home], offers: Sequence[Offer]) -> list[Home]:
    left = {home.id: home for home in homes}
    for offer in offers:
        left[offer.home] = taken(left[offer.home], offer.household, offer.beds)
    return list(left.values())


def all_rounds(homes: Sequence[Home], waiting: Sequence[Listed], most: int) -> Iterator[tuple[list[Home], list[Listed], Found]]:
    """Rounds until one says that the list does not go on: what each saw, and what it found."""
    left, wait = list(homes), list(waiting)
    for _ in range(len(waiting) + 1):
        found, more = a_round(left, wait, most)
        yield left, wait, found
        housed = {offer.household.case_id for offer in found.offers}
        left, wait = after(left, found.offers), [entry for entry in wait if entry.household.case_id not in housed]
        if not more:
            return
    pytest.fail("the rounds do not end")


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_block_houses_whom_the_whole_list_would_house_of_it_and_nobody_waits_for_whom_a_home_would_do(most: int) -> None:
    several = 0
    for number in range(7000, 7120):
        homes, households = a_small_instance(Random(number))
        rounds_made = list(all_rounds(homes, listed(households), most))
        several += len(rounds_made) > 1
        for left, wait, found in rounds_made:
            together = matched(left, [entry.household for entry in wait], 60)
            housed = {d.household.case_id for d in together.decisions if isinstance(d, Offer)}
            block = set(choose(left, wait, most)[0])
            assert found.proven
            assert {offer.household.case_id for offer in found.offers} == housed & block, "the first of the list, as if all were decided on"
        left, wait, found = rounds_made[-1]
        left = after(left, found.offers)
        waits = {entry.household.case_id for entry in wait} - {offer.household.case_id for offer in found.offers}
        for household in households:
            assert household.case_id not in waits or not isinstance(offer_home(left, household), Offer)
    assert several > 10, "lists are longer than a block"


def test_who_is_left_out_of_a_block_has_no_place_in_any_arrangement() -> None:
    left_out = 0
    for number in range(7200, 7300):
        homes, households = a_small_instance(Random(number))
        block, more = choose(homes, listed(households), 1)
        if more:
            continue
        housed = {d.household.case_id for d in matched(homes, households, 60).decisions if isinstance(d, Offer)}
        assert housed <= set(block)
        left_out += len(households) - len(block)
    assert left_out > 10


def test_a_large_household_at_the_head_hides_no_bed_from_a_single_woman_behind_it() -> None:
    home = a_home(a_room(1))
    large = [a_household(a_woman(), a_child(), a_child(), risk="high", waited_hours=n) for n in range(3)]
    alone = a_household(risk="low")
    found, more = a_round([home], listed([*large, alone]), 1)
    assert ([offer.household for offer in found.offers], more) == ([alone], False)


def test_who_was_not_told_yet_is_decided_on_and_told_whatever_the_homes() -> None:
    home = a_home(a_room(1), open=False)
    old, new = a_household(risk="high"), a_household(risk="low")
    waiting = [Listed(old, told=True, reasons=digest("[]")), Listed(new, told=False)]
    assert choose([home], waiting, 1) == ([new.case_id], False)
    found, _ = a_round([home], waiting, 1)
    assert [(line.case_id, line.told, line.counts) for line in found.lines] == [(new.case_id, False, {"closed": 1})]


def test_somebody_who_has_a_bed_already_keeps_nobody_from_being_decided_on() -> None:
    home, stays = a_home(a_room(2)), a_woman()
    home = after([home], [Offer(inside := a_household(stays), home.id, {stays.id: home.rooms[0].free[0]})])[0]
    twice, other = a_household(stays, risk="high"), a_household()
    assert inside.case_id != twice.case_id
    found, more = a_round([home], listed([twice, other]), 1)
    assert ([offer.household for offer in found.offers], more) == ([other], False)


def test_of_whom_nothing_changes_nothing_is_written() -> None:
    homes, households = a_crowded_city(Random(5), homes=3, households=40)
    ordered = in_order(households)
    first, _ = a_round(homes, listed(ordered), 100)
    left = after(homes, first.offers)
    wait = [
        Listed(h, True, digest(unpacked(line.reasons))) for h in ordered for line in first.lines if line.case_id == h.case_id and line.offer is None
    ]
    again, more = a_round(left, wait, 100)
    assert wait
    assert (list(again.lines), more) == ([], False)
    other = [Listed(wait[0].household, True, digest("[]")), *wait[1:]]
    assert [line.case_id for line in a_round(left, other, 100)[0].lines] == [wait[0].household.case_id]


def test_what_is_kept_of_a_round_gives_the_same_answers_without_those_of_whom_nothing_is_kept() -> None:
    asked = 0
    for number in range(7400, 7460):
        homes, households = a_small_instance(Random(number))
        waiting = listed(households)
        first, _ = a_round(homes, waiting, 100)
        kept = {line.case_id: line for line in first.lines}
        wait = [
            Listed(e.household, True, digest(unpacked(kept[e.household.case_id].reasons)) if e.household.case_id in kept else e.reasons)
            for e in waiting
        ]
        found, _ = a_round(homes, wait, 100)
        lines = {line.case_id: line for line in found.lines}
        asked += len(lines) < len(households)
        again = matched(homes, [entry.household for entry in wait if entry.household.case_id in lines], 60)
        assert again.proven
        for decision in again.decisions:
            line = lines[decision.household.case_id]
            assert (line.offer.home if line.offer else None) == (decision.home if isinstance(decision, Offer) else None)
            assert json.loads(unpacked(line.considered)) == explain.kept(decision.considered)
    assert asked > 10, "something is left out"


def test_the_homes_of_a_round_are_kept_by_what_was_seen_of_them() -> None:
    homes = [a_home(a_room(2), id=uid(n)) for n in (1, 2)]
    found = rounds.found_of(How.IN_TURN, homes, [])
    assert set(found.homes) == {explain.name_of(explain.text_of(home)) for home in homes}
    assert found.free == dict[UUID, int].fromkeys((uid(1), uid(2)), 2)
