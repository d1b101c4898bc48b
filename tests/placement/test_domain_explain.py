"""What is kept of a decision gives the same answer again, and says of every home what stood in the way."""

import json
from random import Random
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from placement import words
from placement.domain import explain
from placement.domain.assign import match
from placement.domain.explain import Band, Decision, How, Outcome
from placement.domain.homes import Considered, Guest, Home, Population, Verdict
from placement.domain.offers import Offer, Unplaceable, offer_homes
from placement.domain.people import Household, Person
from placement.domain.rules import NO, RULES_VERSION, refusal
from placement.words import Language

from tests.placement.builders import START, a_child, a_home, a_household, a_person, a_room, a_woman, uid
from tests.placement.test_domain_offers import some_homes, some_households


def through_json(value: object) -> dict[str, object]:
    text = explain.text_of(value) if isinstance(value, Home) else json.dumps(explain.plain(value))
    found: dict[str, object] = json.loads(text)
    return found


def a_decision(homes: list[Home], answer: Offer | Unplaceable) -> Decision:
    """As it comes back from where it is kept."""
    considered = explain.considered_of(json.loads(json.dumps(explain.kept(answer.considered))))
    names = tuple(explain.name_of(explain.text_of(home)) for home in homes)
    chosen = answer.home if isinstance(answer, Offer) else None
    return Decision(uid(1), answer.household.case_id, START, RULES_VERSION, answer.household, names, considered, chosen)


@settings(max_examples=60, deadline=None)
@given(some_homes(), some_households(), st.randoms(use_true_random=False), st.sampled_from([How.IN_TURN, How.TOGETHER]))
def test_what_is_kept_gives_the_same_answer_again(homes: list[Home], households: list[Household], random: Random, how: How) -> None:
    decided = offer_homes(homes, households) if how is How.IN_TURN else match(homes, households).decisions
    kept_homes = [explain.home_of(through_json(home)) for home in homes]
    kept_households = [explain.household_of(through_json(household)) for household in households]
    random.shuffle(kept_homes)
    random.shuffle(kept_households)
    for answer in decided:
        again = explain.rerun(how, kept_homes, kept_households, answer.household.case_id)
        assert again == answer
        assert explain.same(a_decision(homes, answer), again)


@settings(max_examples=60, deadline=None)
@given(some_homes(), some_households())
def test_every_home_is_told_and_nothing_is_chosen_against_a_rule(homes: list[Home], households: list[Household]) -> None:
    for answer in offer_homes(homes, households):
        assert {entry.home for entry in answer.considered} == {home.id for home in homes}
        chosen = answer.home if isinstance(answer, Offer) else None
        outcomes = [explain.outcome(entry, chosen) for entry in answer.considered]
        assert outcomes.count(Outcome.CHOSEN) == isinstance(answer, Offer)
        if isinstance(answer, Unplaceable):
            assert set(outcomes) <= {Outcome.REFUSED}, "nobody waits while a home would suit"
            assert all(set(refusing(entry)) >= {r.rule for r in answer.reasons if r.home == entry.home} for entry in answer.considered)


@settings(max_examples=60, deadline=None)
@given(some_homes(), some_households())
def test_every_rule_has_words_in_both_languages(homes: list[Home], households: list[Household]) -> None:
    for answer in offer_homes(homes, households):
        for verdict in (verdict for entry in explain.that_mattered(answer.considered) for verdict in entry.verdicts):
            known = words.COST if verdict.cost else words.NO
            assert (verdict.rule, verdict.fact) in known, "no rule is told by its code"
            told = {language: words.of_rule(verdict.rule, verdict.fact, verdict.cost, language) for language in Language}
            assert len(set(told.values())) == 2
            assert not any("{" in sentence for sentence in told.values()), told


def refusing(entry: Considered) -> list[str]:
    return [verdict.rule for verdict in entry.verdicts if verdict.answer == NO]


def test_the_same_home_is_kept_once_and_a_changed_one_anew() -> None:
    room = a_room(2, id=uid(7))
    home = a_home(room, id=uid(1), accepts_needs=frozenset({"wheelchair", "infant"}), parameters={"b": 1, "a": 2})
    like = a_home(room, id=uid(1), accepts_needs=frozenset({"infant", "wheelchair"}), parameters={"a": 2, "b": 1})
    other = a_home(room, id=uid(1), accepts_needs=frozenset({"infant"}), parameters={"a": 2, "b": 1})
    assert explain.name_of(explain.text_of(home)) == explain.name_of(explain.text_of(like)) != explain.name_of(explain.text_of(other))


def test_everything_a_decision_saw_is_kept() -> None:
    room = a_room(2, serves=Population(frozenset({"male"}), 18, 60, 12), guests=(Guest(uid(1), uid(2), "male", small=False),))
    home = a_home(room, conflicts=frozenset({uid(3)}), avoided=frozenset({uid(4)}), sheltered=frozenset({uid(1)}), parameters={"P3": 10})
    assert explain.home_of(through_json(home)) == home
    boy = a_child("male", 13)
    household = a_household(
        a_woman(), boy, area="31.71.01", channel="hospital", risk="high", overrides=frozenset({"P3"}), declined=frozenset({uid(5)}), withheld="x"
    )
    assert explain.household_of(through_json(household)) == household


# -- a household of five ------------------------------------------------------------------------------------------------------------------


def five(**changes: object) -> Household:
    """A mother, a boy of 13, girls of 9 and 4, and a grandmother in a wheelchair."""
    family = [a_woman(36), a_child("male", 13), a_child("female", 9), a_child("female", 4), a_person("female", 67, "other", ("wheelchair",))]
    return a_household(*family, **changes)


def told(home: Home, household: Household) -> tuple[str, list[tuple[str, str]]]:
    (answer,) = offer_homes([home], [household])
    (entry,) = answer.considered
    outcome = explain.outcome(entry, answer.home if isinstance(answer, Offer) else None)
    return outcome.value, [(verdict.rule, verdict.fact) for verdict in entry.verdicts if verdict.answer == NO]


def test_a_household_of_five_is_placed_whole_where_it_can_be() -> None:
    home = a_home(a_room(5, accessible=True), boys_max_age=15)
    (answer,) = offer_homes([home], [five()])
    assert isinstance(answer, Offer)
    assert answer.beds.keys() == {person.id for person in answer.household.persons}
    assert told(home, answer.household) == ("chosen", [])


def test_where_the_five_cannot_be_placed_each_home_tells_all_that_stood_in_the_way() -> None:
    fits = a_room(5, accessible=True)
    assert told(a_home(fits, boys_max_age=12), five()) == ("refused", [("P3", "boy_too_old")])
    assert told(a_home(a_room(5), boys_max_age=15), five()) == ("refused", [("P8", "no_accessible_room")])
    small = a_home(a_room(4, accessible=True), boys_max_age=12, accepts_needs=frozenset())
    assert told(small, five()) == ("refused", [("P3", "boy_too_old"), ("P8", "need_not_met"), ("P1", "not_enough_beds")])
    near = a_home(fits, boys_max_age=15, grounds_required=True)
    assert told(near, five(perpetrator_areas=frozenset({near.area}))) == ("refused", [("P7", "no_ground"), ("P6", "perpetrator_area")])
    parted = a_home(a_room(3, accessible=True, family=False), a_room(2, family=False), boys_max_age=15)
    assert told(parted, five()) == ("refused", [("P4", "rooms_do_not_fit")])


def test_the_later_of_two_households_is_told_that_the_beds_were_gone() -> None:
    home = a_home(a_room(1))
    first, second = a_household(waited_hours=2), a_household(waited_hours=1)
    answers = offer_homes([home], [second, first])
    assert isinstance(answers[0], Offer)
    assert [(v.rule, v.fact) for v in answers[1].considered[0].verdicts if v.answer == NO] == [("P1", "not_enough_beds")]


# -- secret homes -------------------------------------------------------------------------------------------------------------------------


def seen(*rules: str) -> Considered:
    return Considered(uid(1), tuple(Verdict(rule, 1, NO, "x") for rule in rules), secret=True)


def test_of_secret_homes_only_a_band_is_told() -> None:
    assert explain.band([seen("P6"), seen()]) is Band.AVAILABLE
    assert explain.band([seen("P6"), seen("P1", "closed")]) is Band.NOT_AVAILABLE
    assert explain.band([seen("P6"), seen("P1", "P3"), seen("declined")]) is Band.NOT_SUITABLE


def test_a_secret_home_is_left_out_where_it_is_withheld_and_an_open_one_is_not() -> None:
    household = a_household(withheld="areas_changed_often")
    secret, open_one = a_home(secret=True), a_home()
    found = refusal(secret, household)
    assert found is not None
    assert (found.rule, found.fact) == ("withheld", "areas_changed_often")
    assert refusal(open_one, household) is None
    (answer,) = offer_homes([secret, open_one], [household])
    assert isinstance(answer, Offer)
    assert answer.home == open_one.id


# -- words --------------------------------------------------------------------------------------------------------------------------------


def test_the_language_is_what_is_asked_for_then_what_the_browser_prefers_then_indonesian() -> None:
    assert words.language_of(Language.ENGLISH, "id") is Language.ENGLISH
    assert words.language_of(None, "fr, en-GB;q=0.8, id;q=0.4") is Language.ENGLISH
    assert words.language_of(None, "id-ID,en;q=0.9") is Language.INDONESIAN
    assert words.language_of(None, "en;q=0, fr") is Language.INDONESIAN
    assert words.language_of(None, "en;q=many") is Language.INDONESIAN
    assert words.language_of(None, None) is Language.INDONESIAN


def test_a_rule_without_words_is_named_by_its_code() -> None:
    assert words.of_rule("P99", "new", 0, Language.ENGLISH) == "Rule P99 stood in the way of this home."
    assert words.of_rule("P99", "new", 3, Language.INDONESIAN) == "Menurut aturan P99, rumah lain didahulukan."


def test_people_are_named_by_nothing_but_their_ids() -> None:
    person = Person(UUID(int=1), "female", 30)
    assert set(through_json(person)) == {"id", "sex", "age", "role", "needs"}
