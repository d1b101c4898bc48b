"""A household's way told again from its own facts ends where it stood; beds given anew are nobody else's."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement.domain.needs import State, after_cancel, declined_by, enter, no_answer, out_of_bed
from placement.domain.people import Household, Person
from placement.domain.placements import LIVE, ByHand, Placement, Step, move
from placement.domain.relearn import Answering, Bedless, Book, Entering, Going, Moving, Offering, Relocating, Suspecting, Word, beds_anew, retell

from tests.placement.builders import START, a_child, a_home, a_need, a_room, a_woman

UNTIL = START + timedelta(hours=2)
STEPS = ("accept", "send", "enter", "decline", "full", "expire", "cancel", "no_show", "leave_one", "leave", "offer")


class Life:
    """A household as the service moves it, and what the service said of each step."""

    def __init__(self) -> None:
        self.need = enter(a_need(persons=(a_woman(), a_child())), State.WAITING)
        self.placements: dict[UUID, Placement] = {}
        self.inside: set[UUID] = set()
        self.words: list[Word] = []
        self.now = START
        self.offer()

    @property
    def live(self) -> Placement | None:
        return next((entry for entry in self.placements.values() if entry.state in LIVE), None)

    def offer(self) -> None:
        if self.live is None and self.need.state is State.WAITING:
            made = Placement(uuid4(), self.need.case_id, uuid4(), Step.OFFERED, self.need.revision, self.need.persons, self.now, hold_until=UNTIL)
            self.placements[made.id] = made
            self.need = enter(self.need, State.OFFERED)
            self.words.append(Offering(made.id, made.shelter_id, self.now, UNTIL, tuple(p.id for p in self.need.persons)))

    def step(self, name: str) -> None:
        self.now += timedelta(minutes=1)
        if (live := self.live) is None:
            self.offer()
        elif live.state is Step.ADMITTED:
            if name in {"leave_one", "leave"}:
                self._leave(live, 1 if name == "leave_one" else len(self.inside))
        else:
            self._go_on(live, name)

    def _go_on(self, live: Placement, name: str) -> None:
        match name, live.state:
            case "accept", Step.OFFERED:
                self._move(live, Step.ACCEPTED, State.ACCEPTED, until=UNTIL)
            case "send", Step.ACCEPTED:
                self._move(live, Step.ON_THE_WAY, State.ON_THE_WAY)
            case "enter", (Step.ACCEPTED | Step.ON_THE_WAY):
                self.placements[live.id] = replace(move(live, Step.ADMITTED), admitted_at=self.now, review_on=UNTIL.date())
                self.need, self.inside = enter(self.need, State.ADMITTED), {person.id for person in live.members}
                self.words.append(Entering(live.id, live.shelter_id, self.now, tuple(p.id for p in live.members), UNTIL.date()))
            case (("decline" | "full"), Step.OFFERED):
                reason = "full" if name == "full" else "too_near"
                self._end(live, Step.DECLINED, reason)
                self.need = declined_by(self.need, live.shelter_id, for_good=name == "decline")
            case "expire", Step.OFFERED:
                self._end(live, Step.EXPIRED)
                self.need = no_answer(self.need, live.shelter_id)
            case "cancel", (Step.OFFERED | Step.ACCEPTED | Step.ON_THE_WAY):
                self._end(live, Step.CANCELLED, "survivor_declined")
                self.need = enter(self.need, after_cancel("survivor_declined"))
            case "no_show", (Step.ACCEPTED | Step.ON_THE_WAY):
                self._move(live, Step.NO_SHOW, State.NO_SHOW)

    def _move(self, live: Placement, to: Step, state: State, until: object = None) -> None:
        self.placements[live.id] = replace(move(live, to), arrive_by=until or live.arrive_by)
        self.need = enter(self.need, state)
        self.words.append(Moving(live.id, live.shelter_id, self.now, to, None, until))

    def _end(self, live: Placement, to: Step, reason: str | None = None) -> None:
        self.placements[live.id] = replace(live, state=to, reason=reason)
        self.words.append(Moving(live.id, live.shelter_id, self.now, to, reason))

    def _leave(self, live: Placement, count: int) -> None:
        going = tuple(sorted(self.inside))[:count]
        self.inside -= set(going)
        self.words.append(Going(live.id, going, "left"))
        if not self.inside:
            self.placements[live.id] = move(live, Step.ENDED)
            self.need = out_of_bed(self.need)


@given(st.lists(st.sampled_from(STEPS), max_size=25), st.data())
def test_a_life_told_again_from_any_moment_ends_where_it_stood(steps: list[str], data: st.DataObject) -> None:
    life = Life()
    kept = data.draw(st.integers(0, len(steps)))
    for step in steps[:kept]:
        life.step(step)
    backup = Book(life.need, dict(life.placements), dict.fromkeys(life.inside, life.live.id) if life.live else {})
    told = len(life.words)
    for step in steps[kept:]:
        life.step(step)
    book = backup
    for word in life.words[told:]:
        book, missing = retell(book, word)
        assert missing is None
    assert book.need == life.need
    assert {entry.id: replace(entry, decided_by=None) for entry in book.placements.values()} == life.placements
    assert set(book.inside) == life.inside
    live = book.live
    assert (live and live.id) == (life.live and life.live.id)
    if live and live.state is Step.ADMITTED:
        assert {person.id for person in book.residents(live)} == life.inside


def a_stay(*members: Person) -> tuple[Book, Placement]:
    """A household that lives in a home, as the store knew it."""
    need = enter(a_need(persons=members), State.ADMITTED)
    stay = Placement(uuid4(), need.case_id, uuid4(), Step.ADMITTED, need.revision, members, START, admitted_at=START, review_on=UNTIL.date())
    return Book(need, {stay.id: stay}, dict.fromkeys((person.id for person in members), stay.id)), stay


def told(book: Book, *words: Word) -> Book:
    for word in words:
        book, missing = retell(book, word)
        assert missing is None
    return book


def ids(members: tuple[Person, ...]) -> tuple[UUID, ...]:
    return tuple(person.id for person in members)


@pytest.mark.parametrize("answer", [None, Step.ACCEPTED, Step.DECLINED, Step.EXPIRED, Step.CANCELLED])
def test_who_was_only_to_move_stays_where_she_is_whatever_was_answered(answer: Step | None) -> None:
    book, stay = a_stay(a_woman(), a_child())
    asked = Offering(uuid4(), uuid4(), START, UNTIL, ids(stay.members), leaving=stay.id)
    after = told(book, asked, *([Answering(asked.placement_id, answer)] if answer else []))
    assert (after.need, after.inside, after.standing) == (book.need, book.inside, (stay,))
    assert after.placements[asked.placement_id].transfer_of == stay.id
    assert after.placements[asked.placement_id].asks_to_move is (answer in {None, Step.ACCEPTED})


@pytest.mark.parametrize("known", [True, False])
def test_who_moved_lives_in_the_new_home_alone_even_when_nothing_else_is_known_of_it(known: bool) -> None:
    book, stay = a_stay(a_woman(), a_child())
    asked = Offering(uuid4(), uuid4(), START, UNTIL, ids(stay.members), leaving=stay.id)
    moved = Relocating(asked.placement_id, asked.shelter_id, stay.id, UNTIL, ids(stay.members), UNTIL.date())
    after = told(book, *([asked, Answering(asked.placement_id, Step.ACCEPTED)] if known else []), moved)
    (new,) = after.standing
    assert (new.id, new.state, new.transfer_of, new.members) == (asked.placement_id, Step.ADMITTED, stay.id, stay.members)
    assert after.placements[stay.id].state is Step.ENDED
    assert after.need.state is State.ADMITTED
    assert set(after.inside.values()) == {new.id}
    assert {(home, how) for home, _, how in after.gone} == {(stay.id, "transferred")}
    assert after.residents(new) == stay.members
    left = told(after, Going(new.id, ids(stay.members), "left"))
    assert (left.need.state, left.standing) == (State.SETTLED, ())


def test_of_a_household_that_was_moved_apart_both_stays_go_on_until_the_last_one_goes() -> None:
    book, stay = a_stay(a_woman(), a_woman())
    mother, daughter = ids(stay.members)
    moved = Relocating(uuid4(), uuid4(), stay.id, UNTIL, (daughter,), UNTIL.date())
    after = told(book, moved)
    assert {(entry.id, ids(after.residents(entry))) for entry in after.standing} == {(stay.id, (mother,)), (moved.placement_id, (daughter,))}
    one = told(after, Going(stay.id, (mother,), "left"))
    assert (one.need.state, [entry.id for entry in one.standing]) == (State.ADMITTED, [moved.placement_id])
    assert told(one, Going(moved.placement_id, (daughter,), "left")).need.state is State.SETTLED


def test_leaving_a_placement_nobody_knows_is_for_people() -> None:
    book = Book(a_need())
    assert retell(book, Going(uuid4(), (uuid4(),), "left")) == (book, "placement_unknown")


def test_a_household_that_stood_at_the_door_is_known_from_the_fact_alone() -> None:
    members = (a_woman(), a_child())
    word = Entering(uuid4(), uuid4(), START, tuple(person.id for person in members), UNTIL.date(), members)
    book, missing = retell(Book(a_need(version=0, household_version=0, revision=0, persons=(), shelter_needed=False, waiting_since=None)), word)
    assert missing is None
    assert book.need.state is State.ADMITTED
    assert book.need.persons == members
    assert book.residents(book.live) == members


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.sampled_from(LIVE)), max_size=8),
)
def test_beds_given_anew_are_free_and_given_once_and_those_who_live_there_come_first(sizes: list[int], wanting: list[tuple[int, int, Step]]) -> None:
    homes = [a_home(a_room(size)) for size in sizes]
    bedless = []
    for number, (where, size, state) in enumerate(wanting):
        home = homes[where % len(homes)]
        members = tuple(a_woman() if n == 0 else a_child() for n in range(size))
        made = Placement(uuid4(), uuid4(), home.id, state, 1, members, START + timedelta(minutes=number))
        bedless.append(Bedless(made, Household(made.case_id, members, START)))
    given_beds = beds_anew(homes, bedless)
    assert given_beds.keys() == {entry.placement.id for entry in bedless}
    used = [bed for beds in given_beds.values() if beds for bed in beds.values()]
    assert len(used) == len(set(used)), "a bed twice"
    for entry in bedless:
        home = next(home for home in homes if home.id == entry.placement.shelter_id)
        free = {bed for room in home.rooms for bed in room.free}
        if beds := given_beds[entry.placement.id]:
            assert set(beds.values()) <= free, "of its own shelter, and free"
            assert beds.keys() == {person.id for person in entry.household.persons}
    rank = (Step.ADMITTED, Step.ON_THE_WAY, Step.ACCEPTED, Step.OFFERED)
    for home in homes:
        order = sorted(
            (entry for entry in bedless if entry.placement.shelter_id == home.id),
            key=lambda entry: (rank.index(entry.placement.state), entry.placement.offered_at),
        )
        housed = [given_beds[entry.placement.id] is not None for entry in order]
        assert housed == sorted(housed, reverse=True), "nobody is housed after one for whom there was no bed"
        if order and sum(len(room.free) for room in home.rooms) >= len(order[0].household.persons):
            assert housed[0], "who comes first is not left out while there are beds"


def test_what_people_said_of_an_offer_is_told_again() -> None:
    need, offer = enter(a_need(), State.WAITING), uuid4()
    by_hand = ByHand("survivor_wish", ("P3",))
    words: list[Word] = [
        Offering(offer, uuid4(), START, UNTIL, tuple(person.id for person in need.persons), by_hand=by_hand),
        Moving(offer, uuid4(), START, Step.ACCEPTED, until=UNTIL),
        Moving(offer, uuid4(), START, Step.ON_THE_WAY, handover="escort"),
        Entering(offer, uuid4(), START, tuple(person.id for person in need.persons), UNTIL.date(), re_entry=True),
    ]
    book = Book(need)
    for word in words:
        book, missing = retell(book, word)
        assert missing is None
    told = book.placements[offer]
    assert (told.overrides, told.set_aside) == (("by_hand:survivor_wish", "P3:survivor_wish"), {"P3"})
    assert (told.handover, told.re_entry, told.state) == ("escort", True, Step.ADMITTED)


def test_a_suspicion_that_was_told_is_not_told_again_and_never_made_smaller() -> None:
    book, _ = retell(Book(a_need(area_changes=2)), Suspecting(5))
    assert book.need.area_changes == 5
    book, _ = retell(book, Suspecting(4))
    assert (book.need.area_changes, book.need.state) == (5, State.NONE)
