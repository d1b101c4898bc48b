"""When a need counts as unmet, how that ends, and when a case may be looking for a secret house."""

from dataclasses import replace
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement.domain import ledger, probing
from placement.domain.homes import Refusal
from placement.domain.ledger import Ending
from placement.domain.needs import State, enter
from placement.domain.probing import Limits

from tests.placement.builders import START, a_need, uid

WAITING = a_need(state=State.WAITING)
LISTED = a_need(state=State.WAITING, waitlisted=True, reasons=(Refusal(uid(1), "P1", "not_enough_beds"), Refusal(uid(2), "P6", "x", secret=True)))


def test_a_line_begins_when_a_household_is_put_on_the_waiting_list_with_the_reasons_counted() -> None:
    line = ledger.line(WAITING, LISTED)
    assert line is not None
    assert (line.refusals, line.persons, line.ended_as, line.only_if_begun) == ({"P1": 1, "secret": 1}, 1, None, False)


def test_nothing_is_said_of_a_household_that_just_looks_or_is_offered_a_home() -> None:
    assert ledger.line(a_need(), WAITING) is None
    assert ledger.line(LISTED, enter(LISTED, State.OFFERED)) is None
    assert ledger.line(a_need(state=State.ADMITTED), a_need(state=State.SETTLED)) is None


@pytest.mark.parametrize(
    ("before", "after", "how"),
    [
        (State.ON_THE_WAY, State.ADMITTED, Ending.HOUSED),
        (State.WAITING, State.ENDED, Ending.WITHDRAWN),
        (State.NO_SHOW, State.ENDED, Ending.WITHDRAWN),
        (State.NO_SHOW, State.SETTLED, Ending.LOST),
        (State.WAITING, State.SETTLED, Ending.SETTLED),
        (State.WAITING, State.NONE, Ending.SETTLED),
        (State.OFFERED, State.DECLINED, Ending.DECLINED),
    ],
)
def test_a_line_ends_as_the_need_ends(before: State, after: State, how: Ending) -> None:
    line = ledger.line(a_need(state=before), a_need(state=after))
    assert line is not None
    assert line.ended_as is how
    assert line.only_if_begun == (before not in ledger.LOOKING or how in {Ending.HOUSED, Ending.DECLINED}), (
        "an offer that was not needed is no unmet need"
    )


def test_a_line_that_began_always_ends_or_the_need_is_still_looked_after() -> None:
    going_on = {State.WAITING, State.OFFERED, State.ACCEPTED, State.ON_THE_WAY, State.NO_SHOW}
    for before, after in product(going_on, State):
        ended = ledger.ending(a_need(state=before), a_need(state=after))
        assert (ended is None) == (after in going_on), (before, after)


# -- areas that change --------------------------------------------------------------------------------------------------------------------

LIMITS = Limits(changes=3, areas=6)


def test_naming_areas_for_the_first_time_is_no_change() -> None:
    assert probing.changes([frozenset({"31.71.01"})]) == 0
    assert probing.changes([frozenset({"31.71.01"}), frozenset({"31.71.01"})]) == 0
    assert probing.changes([frozenset(), frozenset({"a"}), frozenset(), frozenset({"b"})]) == 3


@given(st.lists(st.frozensets(st.sampled_from("abc"), max_size=2), max_size=4))
def test_the_order_in_which_versions_are_heard_does_not_matter(named: list[frozenset[str]]) -> None:
    versions = list(enumerate(named))
    assert {probing.changes([areas for _, areas in sorted(heard)]) for heard in permutations(versions)} == {probing.changes(named)}


@pytest.mark.parametrize(
    ("areas", "changes", "why"),
    [(6, 3, None), (7, 0, probing.TOO_MANY), (1, 4, probing.CHANGED), (7, 4, probing.CHANGED)],
)
def test_secret_houses_are_left_out_above_either_limit(areas: int, changes: int, why: Any) -> None:
    assert probing.withheld({f"31.71.{n:02}" for n in range(areas)}, changes, LIMITS) == why


def test_a_supervisor_is_told_once_for_each_further_change() -> None:
    told = [probing.suspected(before, after, LIMITS) for before, after in [(2, 3), (3, 4), (4, 4), (4, 5), (5, 0), (0, 4)]]
    assert told == [False, True, False, True, False, True]


def test_a_lost_fact_tells_a_line_again_with_its_own_time_rules_and_shelter() -> None:
    waiting = enter(a_need(waitlisted=False), State.WAITING)
    listed = ledger.retold(waiting, replace(waiting, waitlisted=True), START, {"P1": 2}, None)
    assert listed is not None
    assert (listed.at, listed.line.refusals, listed.line.ended_as, listed.line.only_if_begun) == (START, {"P1": 2}, None, False)
    accepted = enter(a_need(), State.ACCEPTED)
    housed = ledger.retold(accepted, enter(accepted, State.ADMITTED), START, {}, uid(7))
    assert housed is not None
    assert (housed.line.ended_as, housed.shelter_id, housed.line.only_if_begun) == (Ending.HOUSED, uid(7), True)
    gone = ledger.retold(accepted, enter(accepted, State.DECLINED), START, {}, uid(7))
    assert gone is not None
    assert gone.shelter_id is None, "who said no is housed nowhere"
    assert ledger.retold(accepted, accepted, START, {}, None) is None
