"""Each rule that says whether a home suits a household."""

from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from placement.domain import rules
from placement.domain.homes import Guest, Population, summary
from placement.domain.offers import Offer, Unplaceable, offer_home, offer_homes
from placement.domain.people import Person
from placement.domain.rooms import fit
from placement.domain.rules import refusal

from tests.placement.builders import a_child, a_home, a_household, a_person, a_room, a_woman, uid


def why(home: Any, household: Any) -> tuple[str, str] | None:
    found = refusal(home, household)
    return (found.rule, found.fact) if found else None


def test_a_home_that_suits_is_not_refused() -> None:
    assert why(a_home(), a_household()) is None


def test_a_full_home_is_never_offered() -> None:
    assert why(a_home(a_room(beds=1)), a_household(a_woman(), a_child())) == ("P1", "not_enough_beds")


def test_a_closed_home_is_never_offered() -> None:
    assert why(a_home(open=False), a_household()) == ("closed", "not_open")


@pytest.mark.parametrize(
    ("home", "person", "fact"),
    [
        ({}, a_person("male", 40), "sex_not_served"),
        ({}, a_person("male", 15), "sex_not_served"),
        ({}, a_person("unknown", 40), "sex_unknown"),
        ({"min_age": 18}, a_child(age=10), "age_not_served"),
        ({"max_age": 17}, a_woman(18), "age_not_served"),
        ({"max_age": 17}, a_person("female", None), "age_not_served"),
        ({"min_age": 18}, a_person("female", None, "child"), "age_not_served"),
    ],
)
def test_p2_sex_and_age_must_be_served(home: dict[str, Any], person: Person, fact: str) -> None:
    assert why(a_home(**home), a_household(person)) == ("P2", fact)


def test_p2_an_unknown_age_is_taken_as_what_the_role_says() -> None:
    assert why(a_home(min_age=18), a_household(a_person("female", None))) is None


def test_p2_an_unknown_sex_fits_where_both_are_served() -> None:
    assert why(a_home(sexes=frozenset({"female", "male"})), a_household(a_person("unknown", 40))) is None


def test_p3_a_boy_comes_with_his_mother_up_to_the_limit() -> None:
    assert why(a_home(boys_max_age=12), a_household(a_woman(), a_child("male", 12))) is None
    assert why(a_home(boys_max_age=12), a_household(a_woman(), a_child("male", 13))) == ("P3", "boy_too_old")
    assert why(a_home(boys_max_age=None), a_household(a_woman(), a_child("male", 3))) == ("P3", "no_boys")


def test_p3_a_boy_needs_no_limit_where_boys_are_served() -> None:
    home = a_home(sexes=frozenset({"female", "male"}), boys_max_age=None)
    assert why(home, a_household(a_woman(), a_child("male", 16))) is None


def test_p5_nobody_meets_whom_they_are_kept_apart_from() -> None:
    enemy, woman = uuid4(), a_woman()
    assert why(a_home(sheltered=frozenset({enemy})), a_household(woman, keep_apart=frozenset({enemy}))) == ("P5", "keep_apart")
    assert why(a_home(avoided=frozenset({woman.id})), a_household(woman)) == ("P5", "keep_apart"), "whichever of the two said so"


def test_p5_holds_between_two_households_of_one_batch() -> None:
    first, second = a_household(a_woman(), waited_hours=2), a_household(a_woman(), waited_hours=1)
    first = a_household(*first.persons, waited_hours=2, keep_apart=frozenset({second.persons[0].id}))
    decisions = offer_homes([a_home()], [second, first])
    assert isinstance(decisions[0], Offer)
    assert isinstance(decisions[1], Unplaceable)
    assert [reason.rule for reason in decisions[1].reasons] == ["P5"]


def test_p6_never_in_the_perpetrators_kecamatan() -> None:
    assert why(a_home(area="31.74.01"), a_household(perpetrator_areas=frozenset({"31.74.01"}))) == ("P6", "perpetrator_area")


def test_p7_a_safe_house_only_on_a_ground() -> None:
    home = a_home(grounds_required=True)
    assert why(home, a_household()) == ("P7", "no_ground")
    assert why(home, a_household(grounds=frozenset({"threat_to_life"}))) is None


@pytest.mark.parametrize("need", ["wheelchair", "sensory", "care"])
def test_p8_a_need_that_cannot_be_done_without_must_be_met(need: str) -> None:
    household = a_household(a_woman(needs=(need,)))
    assert why(a_home(a_room(accessible=True), accepts_needs=frozenset()), household) == ("P8", "need_not_met")
    assert why(a_home(a_room(accessible=True)), household) is None


def test_p8_a_wheelchair_needs_an_accessible_room() -> None:
    assert why(a_home(a_room(accessible=False)), a_household(a_woman(needs=("wheelchair",)))) == ("P8", "no_accessible_room")


def test_p9_hospital_first_is_offered_no_home_at_all() -> None:
    homes = [a_home(), a_home(), a_home(kind="panti_transit")]
    decision = offer_home(homes, a_household(medical_gate=True))
    assert isinstance(decision, Unplaceable)
    assert {reason.rule for reason in decision.reasons} == {"P9"}
    assert len(decision.reasons) == 3


def test_p9_an_infection_needs_an_isolation_room() -> None:
    household = a_household(a_woman(needs=("infectious",)))
    assert why(a_home(), household) == ("P9", "no_isolation_room")
    assert why(a_home(a_room(isolation=True), accepts_needs=frozenset()), household) == ("P9", "health_need_not_met")


def test_needs_that_any_home_can_meet_rule_none_out() -> None:
    household = a_household(a_woman(needs=("pregnant", "medication", "interpreter")), a_child(age=0, needs=("infant",)))
    assert why(a_home(accepts_needs=frozenset()), household) is None


def test_a_home_that_said_no_or_nothing_is_left_out() -> None:
    home = a_home()
    assert why(home, a_household(declined=frozenset({home.id}))) == ("declined", "declined_before")
    assert why(home, a_household(not_now=frozenset({home.id}))) == ("no_response", "no_answer_before")


def test_secret_homes_are_one_refusal_without_a_rule() -> None:
    homes = [a_home(secret=True, open=False), a_home(secret=True, area="31.71.01"), a_home(open=False), a_home(area="31.71.01")]
    decision = offer_home(homes, a_household(perpetrator_areas=frozenset({"31.71.01"})))
    assert isinstance(decision, Unplaceable)
    assert summary(decision.reasons) == {"P6": 1, "closed": 1, "secret": 1}


def test_somebody_who_has_a_bed_gets_no_second_one() -> None:
    woman = a_woman()
    decision = offer_home([a_home(), a_home(sheltered=frozenset({woman.id}))], a_household(woman, a_child()))
    assert isinstance(decision, Unplaceable)
    assert {(reason.rule, reason.fact) for reason in decision.reasons} == {("P1", "person_has_a_bed")}


# -- the order among those that suit ------------------------------------------------------------------------------------------------------


def test_a_specialised_home_comes_before_transit_then_the_tightest_fit_then_the_id() -> None:
    transit, large = a_home(a_room(1), kind="panti_transit"), a_home(a_room(4))
    tight, later = a_home(a_room(2), id=uid(1)), a_home(a_room(2), id=uid(2))

    def chosen(*homes: Any) -> Any:
        decision = offer_home(homes, a_household())
        assert isinstance(decision, Offer)
        return decision.home

    assert chosen(transit, large) == large.id
    assert chosen(transit, large, later) == later.id
    assert chosen(later, transit, tight, large) == tight.id


# -- rooms --------------------------------------------------------------------------------------------------------------------------------


def test_p4_a_mother_and_her_small_children_sleep_in_one_family_room() -> None:
    dormitory, small, family = a_room(8, family=False), a_room(2), a_room(4)
    mother, girl, boy = a_woman(), a_child(age=4), a_child("male", 2)
    beds = fit(a_home(dormitory, small, family), a_household(mother, girl, boy))
    assert beds is not None
    assert set(beds.values()) <= set(family.free)


def test_p4_a_woman_alone_leaves_the_family_room_to_families() -> None:
    dormitory, family = a_room(4, family=False), a_room(4)
    beds = fit(a_home(family, dormitory), a_household())
    assert beds is not None
    assert set(beds.values()) <= set(dormitory.free)


def test_p4_women_and_men_do_not_share_an_ordinary_room() -> None:
    both = frozenset({"female", "male"})
    couple = a_household(a_woman(), a_person("male", 40))
    assert fit(a_home(a_room(4, family=False), sexes=both), couple) is None
    assert fit(a_home(a_room(1, family=False), a_room(1, family=False), sexes=both), couple) is not None
    assert fit(a_home(a_room(2), sexes=both), couple) is not None


def test_p4_a_family_room_with_strangers_is_like_an_ordinary_one() -> None:
    stranger = Guest(uuid4(), uuid4(), "female", small=False)
    shared = a_home(a_room(3, guests=(stranger,)), sexes=frozenset({"female", "male"}))
    assert fit(shared, a_household(a_woman())) is not None
    assert fit(shared, a_household(a_woman(), a_child("male", 3))) is not None, "a small child sleeps with its mother"
    assert fit(shared, a_household(a_woman(), a_child("male", 9))) is None


def test_p4_strangers_do_not_join_a_mixed_family() -> None:
    home = a_home(a_room(4), sexes=frozenset({"female", "male"}), boys_max_age=None)
    family, woman = a_household(a_woman(), a_person("male", 14), waited_hours=1), a_household()
    decisions = offer_homes([home], [family, woman])
    assert isinstance(decisions[0], Offer)
    assert isinstance(decisions[1], Unplaceable)
    assert [reason.rule for reason in decisions[1].reasons] == ["P4"]


def test_p4_enough_beds_in_rooms_that_do_not_fit_is_no_offer() -> None:
    decision = offer_home([a_home(a_room(1), a_room(1))], a_household(a_woman(), a_child(age=2)))
    assert isinstance(decision, Unplaceable)
    assert [(reason.rule, reason.fact) for reason in decision.reasons] == [("P4", "rooms_do_not_fit")]


def test_p4_a_grown_boy_in_a_home_for_women_sleeps_in_a_room_of_his_own_family() -> None:
    household = a_household(a_woman(), a_child("male", 10))
    assert fit(a_home(a_room(1, family=False), a_room(1, family=False)), household) is None
    assert fit(a_home(a_room(2)), household) is not None


def test_p9_an_infectious_mother_keeps_her_baby_and_her_daughter_sleeps_elsewhere() -> None:
    isolation, ordinary = a_room(3, isolation=True), a_room(2)
    mother, baby, daughter = a_woman(needs=("infectious",)), a_child(age=0), a_child(age=15)
    beds = fit(a_home(ordinary, isolation), a_household(mother, baby, daughter))
    assert beds is not None
    assert {beds[mother.id], beds[baby.id]} <= set(isolation.free)
    assert beds[daughter.id] in ordinary.free


def test_an_isolation_room_is_kept_for_infections() -> None:
    assert fit(a_home(a_room(3, isolation=True)), a_household()) is None


def test_a_wheelchair_gets_the_accessible_room() -> None:
    stairs, level = a_room(4), a_room(2, accessible=True)
    mother = a_woman(needs=("wheelchair",))
    beds = fit(a_home(stairs, level), a_household(mother, a_child()))
    assert beds is not None
    assert beds[mother.id] in level.free


# -- units, distance, carers, beds of need ------------------------------------------------------------------------------------------------

WOMEN = Population(frozenset({"female"}), boys_max_age=12)
FAMILIES = Population(frozenset({"female", "male"}))


def test_p3_a_boy_over_the_limit_goes_with_his_family_to_a_unit_that_takes_him() -> None:
    mother, boy = a_woman(), a_child("male", 13)
    ward, family = a_room(4, serves=WOMEN), a_room(2, serves=FAMILIES)
    assert why(a_home(ward), a_household(mother, boy)) == ("P3", "boy_too_old")
    home = a_home(ward, family)
    assert why(home, a_household(mother, boy)) is None
    beds = fit(home, a_household(mother, boy))
    assert beds is not None
    assert set(beds.values()) == set(family.free)


def test_p2_nobody_sleeps_in_a_room_whose_unit_does_not_serve_her() -> None:
    elderly = Population(frozenset({"female"}), 60)
    home = a_home(a_room(4, serves=elderly), a_room(1, serves=WOMEN))
    assert why(home, a_household(a_woman(30))) is None
    assert fit(home, a_household(a_woman(30), a_woman(40))) is None
    assert fit(home, a_household(a_woman(30), a_woman(70))) is not None
    assert why(a_home(a_room(4, serves=elderly)), a_household(a_woman(30))) == ("P2", "age_not_served")


def test_p3_a_supervisor_may_set_the_limit_aside_and_the_shelter_may_set_its_own() -> None:
    household = a_household(a_woman(), a_child("male", 14))
    assert why(a_home(), household) == ("P3", "boy_too_old")
    assert why(a_home(), replace(household, overrides=frozenset({"P3"}))) is None
    assert why(a_home(parameters={"boys_max_age": 14}), household) is None
    assert why(a_home(a_room(1)), replace(household, overrides=frozenset({"P1", "P3"}))) == ("P1", "not_enough_beds"), "no other rule is set aside"


def test_p5_somebody_of_the_staff_must_not_meet_her() -> None:
    woman = a_woman()
    household = a_household(woman)
    for about in (woman.id, household.case_id):
        assert why(a_home(conflicts=frozenset({about})), household) == ("P5", "staff_conflict")
    assert why(a_home(conflicts=frozenset({uuid4()})), household) is None


def test_p6_another_city_is_far_and_the_islands_are_far_from_everything() -> None:
    def fact(home: Any, area: str | None) -> tuple[str, str]:
        verdict = rules.near_enough(home, a_household(area=area))
        return verdict.answer, verdict.fact

    assert fact(a_home(area="31.74.01"), "31.74.09") == ("yes", "near")
    assert fact(a_home(area="31.74.01"), "31.71.01") == ("cost", "far")
    assert fact(a_home(area="31.01.01"), "31.01.02") == ("cost", "far")
    assert fact(a_home(area="31.74.01"), None) == ("yes", "area_not_known")
    assert fact(a_home(area="31.74.01", parameters={"too_far": rules.FAR_REFUSES}), "31.71.01") == ("no", "too_far")
    assert fact(a_home(area="31.74.01", parameters={"too_far": rules.NEVER_FAR}), "31.71.01") == ("yes", "distance_does_not_count")


def chosen(household: Any, *homes: Any) -> Any:
    decision = offer_home(homes, household)
    assert isinstance(decision, Offer)
    return decision.home


def test_p10_a_child_without_carer_goes_to_kin_or_foster_first_however_far() -> None:
    home, foster = a_home(area="31.74.01"), a_home(area="31.71.01", kind="foster")
    child = a_household(a_child(age=9), area="31.74.01")
    assert chosen(child, home, foster) == foster.id
    assert chosen(a_household(a_woman(), a_child(age=9), area="31.74.01"), home, foster) == home.id


def test_the_parts_of_the_cost_are_ordered() -> None:
    overflow = a_room(2)
    need = a_home(replace(overflow, overflow=frozenset(overflow.free)), area="31.74.01")
    transit, far, near = a_home(kind="panti_transit", area="31.74.01"), a_home(area="31.71.01"), a_home(a_room(8), area="31.74.01")
    apart = a_home(a_room(1), a_room(1), area="31.74.01", boys_max_age=None)
    family = a_household(a_woman(), a_child(age=9), area="31.74.01")
    order = [need, transit, far, apart, near]
    for worse, better in pairwise(order):
        assert chosen(family, worse, better) == better.id


def test_p16_a_bed_of_need_is_taken_last_in_a_room_too() -> None:
    room = a_room(3)
    room = replace(room, overflow=frozenset(room.free[:1]))
    beds = fit(a_home(room), a_household(a_woman(), a_child()))
    assert beds is not None
    assert set(beds.values()) == set(room.free[1:])


def test_every_home_says_what_every_rule_said_and_the_sum_of_its_costs() -> None:
    closed, transit = a_home(open=False, area="31.71.01"), a_home(kind="panti_transit", secret=True, area="31.74.01")
    decision = offer_home([closed, transit], a_household(a_woman(), perpetrator_areas=frozenset({"31.71.01"}), area="31.74.01"))
    assert isinstance(decision, Offer)
    considered = {entry.home: entry for entry in decision.considered}
    refused = [(verdict.rule, verdict.fact) for verdict in considered[closed.id].verdicts if verdict.answer == "no"]
    assert refused == [("closed", "not_open"), ("P6", "perpetrator_area")], "not only the first"
    assert considered[transit.id].secret
    costs = {verdict.rule: verdict.cost for verdict in considered[transit.id].verdicts if verdict.answer == "cost"}
    assert costs == {"transit": rules.IN_TRANSIT, "P4": rules.UNSUITED_ROOM}
    assert {verdict.version for entry in decision.considered for verdict in entry.verdicts} == {rules.RULES_VERSION}


def test_the_household_of_five_is_placed_whole_where_it_can_be_and_every_other_shelter_says_what_stood_in_the_way() -> None:
    grandmother = a_woman(70, needs=("wheelchair",))
    family = a_household(a_woman(35), a_child("male", 13), a_child(age=9), a_child(age=4), grandmother, area="31.74.01")
    women = a_home(a_room(6, accessible=True))
    stairs = a_home(a_room(6), boys_max_age=15)
    full = a_home(a_room(4, accessible=True), boys_max_age=15)
    level = a_home(a_room(3), a_room(3, accessible=True, serves=FAMILIES), boys_max_age=15)
    refused = offer_home([women, stairs, full], family)
    assert isinstance(refused, Unplaceable)
    facts = {reason.home: (reason.rule, reason.fact) for reason in refused.reasons}
    assert facts == {women.id: ("P3", "boy_too_old"), stairs.id: ("P8", "no_accessible_room"), full.id: ("P1", "not_enough_beds")}
    offer = offer_home([women, stairs, full, level], family)
    assert isinstance(offer, Offer)
    assert offer.home == level.id
    assert offer.beds[grandmother.id] in level.rooms[1].free
