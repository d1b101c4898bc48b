"""What is known of a case ends the same in any order, and what follows from it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, permutations
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement.domain.needs import (
    Again,
    Members,
    Need,
    Over,
    State,
    Triage,
    Word,
    after_cancel,
    declined_by,
    enter,
    learn,
    no_answer,
    out_of_bed,
    reconsider,
)
from placement.domain.placements import (
    MOVES,
    Agreed,
    ClaimedError,
    Placement,
    Said,
    Step,
    WrongStateError,
    admit,
    claim,
    destination_of_outcome,
    destination_of_return,
    missing_agreements,
    move,
    prolonged,
    warnings,
    wrong_time,
)

from tests.placement.builders import START, a_child, a_home, a_household, a_need, a_room, a_woman, uid

WOMEN = tuple(a_woman(id=uid(n + 100)) for n in range(4))


def a_word(version: int, **changes: object) -> Triage:
    values = {
        "version": version,
        "at": START + timedelta(minutes=version),
        "revision": version,
        "persons": WOMEN[: 1 + version % 3],
        "risk": "high" if version % 2 else "low",
        "grounds": frozenset({str(version)}),
        "keep_apart": frozenset({uid(version)}),
        "perpetrator_areas": frozenset(),
        "medical_gate": version % 3 == 0,
        "shelter_needed": True,
    }
    return Triage(**values | changes)  # type: ignore[arg-type]


@st.composite
def a_story(draw: st.DrawFn) -> list[Word]:
    words: list[Word] = []
    for version in range(1, draw(st.integers(1, 6)) + 1):
        kind = draw(st.sampled_from(["triage", "triage", "members", "over", "again"]))
        if kind == "triage":
            words.append(a_word(version, shelter_needed=draw(st.booleans())))
        elif kind == "members":
            words.append(Members(version, version, WOMEN[version % 3 :]))
        else:
            words.append(Over(version) if kind == "over" else Again(version))
    return words


def heard(words: list[Word]) -> Need:
    need = Need(uid(1))
    for word in words:
        need = reconsider(learn(need, word)).need
    return need


@given(a_story(), st.randoms(use_true_random=False), st.data())
def test_any_order_and_repetition_of_what_intake_says_ends_in_the_same_need(words: list[Word], random: Random, data: st.DataObject) -> None:
    again = words + data.draw(st.lists(st.sampled_from(words), max_size=3))
    random.shuffle(again)
    assert heard(again) == heard(words)


def test_all_orders_of_one_story_end_the_same() -> None:
    words: list[Word] = [a_word(1), Members(2, 2, WOMEN[:3]), a_word(3, shelter_needed=False), a_word(4), Members(5, 5, WOMEN[:1])]
    ends = {heard(list(order)) for order in permutations(words)}
    assert len(ends) == 1
    (end,) = ends
    assert (end.state, end.persons, end.version, end.household_version) == (State.WAITING, WOMEN[:1], 4, 5)
    assert end.waiting_since == START + timedelta(minutes=1), "the place in the waiting list is that of the first time it was asked for"


def test_a_case_that_ended_starts_nothing_although_its_triage_comes_later() -> None:
    assert heard([Over(), a_word(1), Members(2, 2, WOMEN)]).state is State.ENDED


def test_a_reopened_case_looks_for_a_home_only_when_somebody_asks_anew():
    asked: list[Word] = [a_word(1), Over(2), Again(3)]
    assert heard(asked).state is State.SETTLED, "what was asked for before its end is not looked for any more"
    assert heard([*asked, a_word(4)]).state is State.WAITING
    assert heard([*asked, a_word(4), Over(5)]).state is State.ENDED


@pytest.mark.parametrize("state", [State.OFFERED, State.ACCEPTED, State.ON_THE_WAY])
def test_the_offer_of_a_case_that_ended_is_taken_back_although_both_words_come_together(state: State):
    turn = reconsider(learn(learn(a_need(state=state), Over(8)), Again(9)))
    assert (turn.need.state, turn.cancel) == (State.SETTLED, "case_ended")


def test_persons_said_twice_are_one() -> None:
    assert heard([a_word(1, persons=(WOMEN[0], WOMEN[0]))]).persons == (WOMEN[0],)


@pytest.mark.parametrize("state", [State.OFFERED, State.ACCEPTED, State.ON_THE_WAY])
def test_an_ended_case_takes_its_offer_back(state: State) -> None:
    turn = reconsider(a_need(state=state, ended=True))
    assert (turn.need.state, turn.cancel) == (State.ENDED, "case_ended")


@pytest.mark.parametrize("state", [State.OFFERED, State.ACCEPTED, State.ON_THE_WAY])
def test_an_offer_that_is_not_needed_any_more_is_taken_back(state: State) -> None:
    turn = reconsider(a_need(state=state, shelter_needed=False))
    assert (turn.need.state, turn.cancel) == (State.NONE, "no_longer_needed")


@pytest.mark.parametrize("state", [State.OFFERED, State.ACCEPTED])
@pytest.mark.parametrize("why", [{"changed": True}, {"still_suits": False}])
def test_an_offer_for_a_household_that_changed_is_made_again(state: State, why: dict[str, bool]) -> None:
    turn = reconsider(a_need(state=state), **why)
    assert (turn.need.state, turn.cancel) == (State.WAITING, "household_changed")


@pytest.mark.parametrize("state", [State.ON_THE_WAY, State.ADMITTED, State.NO_SHOW])
def test_who_is_on_the_way_or_in_or_missing_is_left_to_people(state: State) -> None:
    need = a_need(state=state)
    assert reconsider(need, changed=True).need == need
    assert reconsider(need, changed=True).cancel is None


def test_a_stay_does_not_end_with_its_case_but_the_case_with_the_stay() -> None:
    need = reconsider(a_need(state=State.ADMITTED, ended=True)).need
    assert need.state is State.ADMITTED
    assert out_of_bed(need).state is State.ENDED
    assert out_of_bed(replace(need, ended=False)).state is State.SETTLED


def test_a_need_that_ends_while_it_waits_is_unmet() -> None:
    waiting = a_need(state=State.WAITING, waitlisted=True)
    assert reconsider(replace(waiting, ended=True)).unmet
    assert reconsider(replace(waiting, shelter_needed=False)).unmet
    assert not reconsider(waiting).unmet


def test_a_survivor_who_said_no_is_asked_again_only_when_intake_asks_again_and_keeps_her_place() -> None:
    need = enter(a_need(state=State.OFFERED, version=5), State.DECLINED)
    assert reconsider(need).need.state is State.DECLINED
    again = reconsider(learn(need, a_word(6))).need
    assert again.state is State.WAITING
    assert again.waiting_since == START


def test_where_a_need_goes_when_people_take_an_offer_back() -> None:
    assert after_cancel("survivor_declined") is State.DECLINED
    assert after_cancel("survivor_unreachable") is State.NO_SHOW
    assert after_cancel("no_longer_needed") is State.SETTLED


def test_who_said_no_is_remembered_for_good_and_who_said_nothing_until_the_review() -> None:
    home, need = uuid4(), a_need(state=State.OFFERED)
    assert declined_by(need, home, for_good=True).declined == {home}
    assert declined_by(need, home, for_good=False).not_now == {home}
    assert no_answer(need, home).not_now == {home}
    assert no_answer(need, home).state is State.WAITING


# -- placements ---------------------------------------------------------------------------------------------------------------------------


def a_placement(state: Step = Step.OFFERED) -> Placement:
    return Placement(uid(9), uid(1), uid(2), state, 1, WOMEN[:1], START)


def test_a_placement_goes_only_where_it_may_from_where_it_is() -> None:
    for to, allowed in MOVES.items():
        for state in Step:
            if state in allowed:
                assert move(a_placement(state), to).state is to
            else:
                with pytest.raises(WrongStateError):
                    move(a_placement(state), to)


def test_the_main_path() -> None:
    path = [Step.OFFERED, Step.ACCEPTED, Step.ON_THE_WAY, Step.ADMITTED, Step.ENDED]
    for state, to in pairwise(path):
        assert move(a_placement(state), to).state is to


def test_the_day_of_review_is_a_day_in_jakarta() -> None:
    evening = datetime(2026, 3, 1, 20, tzinfo=UTC)
    inside = admit(a_placement(Step.ACCEPTED), Said(uid(1), START, uid(2)), evening)
    assert (inside.review_on, inside.admitted_at) == (date(2026, 3, 2), START)
    assert (inside.decided_by, inside.decided_at, inside.recorded_by) == (uid(1), START, uid(2))


TODAY = date(2026, 1, 1)


@pytest.mark.parametrize("how", ["own", "legal_ground"])
def test_an_adult_agrees_for_herself(how: str) -> None:
    woman = a_woman()
    assert missing_agreements([woman], [Agreed(woman.id, how, TODAY + timedelta(days=3))], TODAY) == []


@pytest.mark.parametrize("how", ["own_view_and_consenter", "alternative_consenter"])
def test_nobody_agrees_for_an_adult(how: str) -> None:
    woman = a_woman()
    assert missing_agreements([woman], [Agreed(woman.id, how)], TODAY) == [(str(woman.id), "agreement_not_for_adults")]


def test_a_child_needs_more_than_its_own_word() -> None:
    child = a_child(age=17)
    assert missing_agreements([child], [Agreed(child.id, "own")], TODAY) == [(str(child.id), "agreement_not_for_children")]
    assert missing_agreements([child], [Agreed(child.id, "own_view_and_consenter")], TODAY) == []


def test_everyone_agrees_and_nobody_else() -> None:
    woman, child, stranger = a_woman(), a_child(), uuid4()
    problems = missing_agreements([woman, child], [Agreed(woman.id, "own"), Agreed(stranger, "own")], TODAY)
    assert problems == [(str(child.id), "agreement_missing"), (str(stranger), "not_a_member")]


def test_a_legal_ground_has_an_end_to_come() -> None:
    woman = a_woman()
    field = f"{woman.id}.legal_ground_until"
    assert missing_agreements([woman], [Agreed(woman.id, "legal_ground")], TODAY) == [(field, "missing")]
    assert missing_agreements([woman], [Agreed(woman.id, "legal_ground", TODAY)], TODAY) == [(field, "not_in_the_future")]


def test_where_a_person_went() -> None:
    assert destination_of_return("parent", "31.71.01") == "family"
    assert destination_of_return("grandparent", "31.71.01") == "kin_or_foster"
    assert destination_of_return("parent", "32.01.01") == "other_region"
    assert destination_of_outcome("independent_living") == "independent"
    assert destination_of_outcome("services_at_home") == "family"


# -- who is on an answer, and more time ---------------------------------------------------------------------------------------------------

ME, OTHER = uid(901), uid(902)
HELD = START + timedelta(minutes=90)


def an_offer(**more: object) -> Placement:
    return replace(a_placement(Step.OFFERED), hold_until=HELD, ladder_until=HELD, **more)  # type: ignore[arg-type]


def test_a_claim_keeps_the_beds_and_everybody_else_away_until_it_runs_out() -> None:
    late = START + timedelta(minutes=85)
    claimed = claim(an_offer(), ME, late, late + timedelta(minutes=10))
    assert (claimed.claimed_by, claimed.claimed_until, claimed.hold_until) == (ME, late + timedelta(minutes=10), late + timedelta(minutes=10))
    with pytest.raises(ClaimedError) as refused:
        claim(claimed, OTHER, late, late + timedelta(minutes=10))
    assert (refused.value.by, refused.value.until) == (ME, claimed.claimed_until)
    assert claim(claimed, ME, late, late + timedelta(minutes=12)).claimed_until == late + timedelta(minutes=12)
    after = late + timedelta(minutes=10)
    assert claim(claimed, OTHER, after, after + timedelta(minutes=10)).claimed_by == OTHER
    assert claim(an_offer(), ME, START, START + timedelta(minutes=10)).hold_until == HELD, "never shorter than it was"


@pytest.mark.parametrize("state", [state for state in Step if state is not Step.OFFERED])
def test_only_an_offer_can_be_claimed(state: Step) -> None:
    with pytest.raises(WrongStateError):
        claim(replace(an_offer(), state=state), ME, START, HELD)


def test_more_time_is_counted_from_now_when_the_time_is_over() -> None:
    half = timedelta(minutes=30)
    assert prolonged(an_offer(), START, half).hold_until == HELD + half
    assert prolonged(an_offer(), HELD + half, half).hold_until == HELD + 2 * half
    expected = replace(a_placement(Step.ON_THE_WAY), arrive_by=HELD)
    assert prolonged(expected, START, half).arrive_by == HELD + half
    with pytest.raises(WrongStateError):
        prolonged(a_placement(Step.ADMITTED), START, half)


def test_nothing_is_decided_in_the_future_or_before_the_offer() -> None:
    assert wrong_time(START, START, START) is None
    assert wrong_time(HELD, START, START) == "in_the_future"
    assert wrong_time(START, HELD, START + timedelta(minutes=1)) == "before_the_offer"


def test_the_rules_that_speak_against_who_is_inside_are_named_once_and_a_full_home_is_none() -> None:
    home = a_home(a_room(0), boys_max_age=10, grounds_required=True, open=False)
    household = a_household(a_woman(), a_child("male", 12))
    assert warnings(home, household, fits=True) == ("closed", "P7", "P3")
    assert warnings(home, household, fits=False)[-1] == "P4"
    assert warnings(a_home(), a_household(a_woman()), fits=True) == ()
