"""A case whose household is housed in groups stands where its groups stand together, and no group's end is taken for the end of all."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake import shown
from intake.domain.standing import Fact, State, search_is_over, standing

from tests.intake.builders import START, facts

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
A, B = "group-a", "group-b"
PERSONS = {A: ["mother", "child"], B: ["son"]}
TRIAGE: dict[str, Any] = {"risk": "high", "shelter_needed": True, "responsible_agency": "dppapp"}


def told(*said: tuple[str, str | None] | tuple[str, str | None, dict[str, Any]]) -> list[Fact]:
    """A triaged case that was split, and what was said of its groups since, as (name, group, other codes)."""
    entries: list[tuple[str, dict[str, Any]]] = [
        ("intake.triaged", TRIAGE),
        ("placement.waitlisted", {}),
        ("placement.split_approved", {"group_ids": [A, B], "groups": [PERSONS[A], PERSONS[B]], "reason": "no_joint_place"}),
    ]
    for name, group, *more in said:
        admitted = {"persons": [{"person_id": person, "agreement": "own"} for person in PERSONS[group]]} if name == "admitted" and group else {}
        entries.append((f"placement.{name}", {"group_id": group, **admitted, **(more[0] if more else {})}))
    numbered = facts(*(name for name, _ in entries))
    return [Fact(fact.id, fact.producer, fact.version, fact.type, fact.at, codes) for fact, (_, codes) in zip(numbered, entries, strict=True)]


NO = {"reason": "survivor_declined", "triage_version": 1}
UNMET = {"triage_version": 1}
CASES: list[tuple[list[Any], State, set[str], bool]] = [
    ([], State.SHELTER_SOUGHT, {"offer"}, False),
    ([("offered", A), ("waitlisted", B)], State.WAITLISTED, {"free_bed", "shelter_answer"}, False),
    ([("accepted", A), ("offered", B)], State.OFFERED, {"shelter_answer", "departure"}, False),
    ([("admitted", A), ("waitlisted", B)], State.SHELTERED, {"assignment", "free_bed"}, False),
    ([("admitted", A), ("cancelled", B, NO)], State.SHELTERED, {"assignment"}, False),
    ([("cancelled", B, NO), ("admitted", A)], State.SHELTERED, {"assignment"}, False),
    ([("admitted", A), ("unmet", B, UNMET)], State.SHELTERED, {"assignment"}, False),
    ([("cancelled", A, NO), ("waitlisted", B)], State.WAITLISTED, {"free_bed"}, False),
    ([("waitlisted", A), ("unmet", B, UNMET)], State.WAITLISTED, {"free_bed"}, False),
    ([("unmet", B, UNMET), ("offered", B), ("cancelled", A, NO)], State.OFFERED, {"shelter_answer"}, False),
    ([("cancelled", A, NO), ("unmet", B, UNMET)], State.TRIAGED, {"assignment"}, True),
    ([("cancelled", A, {"reason": "household_changed", "triage_version": 1}), ("unmet", B, UNMET)], State.SHELTER_SOUGHT, {"offer"}, False),
    ([("no_show", A), ("unmet", B, UNMET)], State.SHELTER_SOUGHT, {"offer"}, False),
]


@pytest.mark.parametrize(("said", "state", "waits", "over"), CASES)
def test_a_case_stands_where_its_groups_stand_together(said: list[Any], state: State, waits: set[str], over: bool) -> None:
    known = told(*said)
    now = standing(known)
    assert (now.state, set(now.waiting_for), search_is_over(known)) == (state, waits, over)


@UNHURRIED
@given(st.sampled_from(CASES), st.data())
def test_it_does_not_matter_in_which_order_it_is_heard(case: tuple[list[Any], State, set[str], bool], data: st.DataObject) -> None:
    known = told(*case[0])
    mixed = data.draw(st.permutations(known + data.draw(st.lists(st.sampled_from(known), max_size=4))))
    assert (standing(mixed), search_is_over(mixed)) == (standing(known), search_is_over(known))


def test_who_left_while_others_wait_is_not_in_a_bed_and_the_others_are_still_sought_for() -> None:
    left = told(("admitted", A), ("waitlisted", B), ("left", A, {"persons": PERSONS[A]}))
    assert (standing(left).state, standing(left).inside) == (State.WAITLISTED, frozenset())


def test_a_new_triage_asks_again_for_who_said_no() -> None:
    known = told(("cancelled", A, NO), ("unmet", B, UNMET))
    again = Fact(known[0].id.__class__(int=99), "intake", 2, "case.intake.risk_changed.v1", known[-1].at, TRIAGE)
    assert not search_is_over([*known, again])
    assert standing([*known, again]).state == State.SHELTER_SOUGHT


def test_groups_that_are_made_anew_are_the_ones_that_count() -> None:
    anew = {"group_ids": ["all-together"], "groups": [[*PERSONS[A], *PERSONS[B]]], "reason": "own_wish"}
    known = told(("cancelled", A, NO), ("unmet", B, UNMET), ("split_approved", None, anew), ("waitlisted", "all-together"))
    assert (standing(known).state, search_is_over(known)) == (State.WAITLISTED, False)
    part = {"group_ids": ["son-alone"], "groups": [PERSONS[B]], "reason": "own_wish"}
    known = told(("admitted", A), ("split_approved", None, part), ("unmet", "son-alone", UNMET))
    assert (standing(known).state, standing(known).waiting_for, search_is_over(known)) == (State.SHELTERED, ("assignment",), False)


def test_some_who_move_elsewhere_from_their_beds_are_no_search() -> None:
    moves = {"groups": [["son"], ["mother"]], "reason": "own_wish", "group_ids": []}
    numbered = facts("intake.triaged", "placement.admitted", "placement.split_approved")
    codes = [TRIAGE, {"persons": [{"person_id": "mother"}, {"person_id": "son"}]}, moves]
    known = [Fact(fact.id, fact.producer, fact.version, fact.type, fact.at, code) for fact, code in zip(numbered, codes, strict=True)]
    assert (standing(known).state, standing(known).waiting_for) == (State.SHELTERED, ("assignment",))


def test_a_requester_sees_one_search_until_a_yes_and_then_that_it_goes_on_for_some() -> None:
    searching = told(("offered", A, {"placement_id": "p1"}), ("waitlisted", B))
    now = standing(searching)
    assert (shown.state(now.state), shown.waiting_for(now.waiting_for)) == (State.SHELTER_SOUGHT, ["offer"])
    assert [fact.type for fact in shown.facts(searching)] == ["case.intake.triaged.v1"]
    housed = told(("admitted", A, {"placement_id": "p1", "shelter_id": "s"}), ("offered", B, {"placement_id": "p2"}))
    assert [fact.type for fact in shown.facts(housed)] == ["case.intake.triaged.v1", "case.placement.admitted.v1"]
    assert shown.waiting_for(standing(housed).waiting_for) == ["assignment", "offer"]


def test_nobody_is_sought_for_who_left_the_household_and_whoever_joined_is_not_forgotten() -> None:
    def household(*persons: str) -> Fact:
        snapshot = {"persons": [{"person_id": person} for person in persons]}
        return Fact(UUID(int=98), "intake", 2, "case.intake.household_changed.v1", START, {"household": snapshot})

    known = told(("admitted", A), ("waitlisted", B))
    assert standing([*known, household("mother", "child")]).waiting_for == ("assignment",)
    assert standing([*known, household("mother", "child", "son")]).waiting_for == ("assignment", "free_bed")
    assert standing([*known, household("mother", "child", "baby")]).waiting_for == ("assignment", "offer")
    anew = {"group_ids": ["mother-and-son"], "groups": [["mother", "son"]], "reason": "own_wish"}
    regrouped = [*told(("waitlisted", A), ("split_approved", None, anew), ("waitlisted", "mother-and-son")), household("mother", "son")]
    assert standing(regrouped).waiting_for == ("free_bed",), "of the old group only the child was left, who is not there"
    ended = told(("cancelled", A, NO), ("unmet", B, UNMET))
    assert search_is_over([*ended, household("mother")])
    assert not search_is_over([*ended, household("mother", "baby")]), "nobody said no for the baby"
