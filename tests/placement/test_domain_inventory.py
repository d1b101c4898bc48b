"""The states of beds, the nights that are asked about, and what a file adds: pure rules."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement.domain.beds import Bed, BedState, Block, Standing, Use, counted, standing
from placement.domain.inventory import BedEntry, Entry, Line, Problem, Register, plan
from placement.domain.nights import Hours, wrong_in
from placement.domain.parameters import PARAMETERS, out_of_bounds

from tests.placement.builders import START, uid

NIGHT = Hours(time(23), time(9))
JAKARTA_23 = datetime(2026, 3, 1, 16, tzinfo=UTC)


def at(hours: float | None) -> datetime | None:
    return None if hours is None else START + timedelta(hours=hours)


def a_use(since: float = -1, until: float | None = None, *, inside: bool = True, person: int = 1) -> Use:
    return Use(uid(person), inside, START + timedelta(hours=since), at(until))


def a_block(since: float = -1, until: float | None = None, kind: BedState = BedState.CLEANING) -> Block:
    return Block(uid(9), kind, START + timedelta(hours=since), at(until))


# -- beds ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bed", "state", "until"),
    [
        (Bed(uid(1)), BedState.FREE, None),
        (Bed(uid(1), uses=(a_use(),)), BedState.OCCUPIED, None),
        (Bed(uid(1), uses=(a_use(-1, 1, inside=False),)), BedState.HELD, at(1)),
        (Bed(uid(1), uses=(a_use(-2, -1, inside=False),)), BedState.FREE, None),
        (Bed(uid(1), uses=(a_use(-2, 0, inside=False),)), BedState.FREE, None),
        (Bed(uid(1), blocks=(a_block(0, 1),)), BedState.CLEANING, at(1)),
        (Bed(uid(1), blocks=(a_block(2, 3, BedState.OUT_OF_SERVICE),)), BedState.FREE, at(2)),
        (Bed(uid(1), blocks=(a_block(-1, 4), a_block(-1, 2, BedState.OUT_OF_SERVICE))), BedState.OUT_OF_SERVICE, at(2)),
        (Bed(uid(1), blocks=(a_block(-1, 4), a_block(2, 3, BedState.OUT_OF_SERVICE))), BedState.CLEANING, at(2)),
        (Bed(uid(1), flagged=True, blocks=(a_block(-1, 4, BedState.OUT_OF_SERVICE),)), BedState.OUT_OF_SERVICE, None),
        (Bed(uid(1), flagged=True, uses=(a_use(),)), BedState.OCCUPIED, None),
    ],
)
def test_a_bed_is_in_one_state_until_it_is_known_to_be_in_another(bed: Bed, state: BedState, until: datetime | None) -> None:
    found = standing(bed, START)
    assert (found.state, found.until) == (state, until)


hours = st.integers(-6, 6)
ends = st.none() | st.integers(-6, 6)


def spans(kind: Any) -> Any:
    return st.lists(st.tuples(hours, ends).filter(lambda span: span[1] is None or span[1] > span[0]).map(lambda span: kind(*span)), max_size=3)


beds = st.builds(
    lambda flagged, uses, holds, cleaned, broken: Bed(uid(1), flagged, (*uses, *holds), (*cleaned, *broken)),
    st.booleans(),
    spans(a_use),
    spans(lambda since, until: a_use(since, until, inside=False)),
    spans(a_block),
    spans(lambda since, until: a_block(since, until, BedState.OUT_OF_SERVICE)),
)


@given(beds)
def test_a_bed_is_free_exactly_when_nobody_has_it_and_nothing_blocks_it(bed: Bed) -> None:
    taken = [span for span in (*bed.uses, *bed.blocks) if span.since <= START and (span.until is None or span.until > START)]
    assert (standing(bed, START).state is BedState.FREE) == (not taken and not bed.flagged)


@given(beds)
def test_who_sleeps_there_stays_whatever_blocks_the_bed(bed: Bed) -> None:
    sleeps = any(use.inside and use.since <= START and (use.until is None or use.until > START) for use in bed.uses)
    assert (standing(bed, START).state is BedState.OCCUPIED) == sleeps


@given(beds)
def test_a_state_lasts_until_it_says_and_not_longer(bed: Bed) -> None:
    found = standing(bed, START)
    last = found.until or START + timedelta(hours=20)
    moments = [START + timedelta(minutes=30 * step) for step in range(40)]
    assert all(standing(bed, moment).state is found.state for moment in moments if moment < last)
    if found.until:
        assert standing(bed, found.until).state is not found.state


def test_beds_are_counted_by_state() -> None:
    found = counted([Standing(BedState.FREE), Standing(BedState.FREE), Standing(BedState.HELD)])
    assert (found[BedState.FREE], found[BedState.HELD], found[BedState.CLEANING]) == (2, 1, 0)


# -- nights -------------------------------------------------------------------------------------------------------------------------------


def test_a_night_begins_at_its_hour_and_is_to_be_confirmed_in_the_morning() -> None:
    assert NIGHT.current(JAKARTA_23 - timedelta(seconds=1)) == date(2026, 2, 28)
    assert NIGHT.current(JAKARTA_23) == date(2026, 3, 1)
    assert NIGHT.deadline(date(2026, 3, 1)) == JAKARTA_23 + timedelta(hours=10)
    assert NIGHT.next_deadline(JAKARTA_23) == JAKARTA_23 + timedelta(hours=10)
    assert NIGHT.next_deadline(JAKARTA_23 + timedelta(hours=10)) == JAKARTA_23 + timedelta(hours=34)
    assert NIGHT.overdue(JAKARTA_23 + timedelta(hours=10)) == date(2026, 3, 1)
    assert NIGHT.overdue(JAKARTA_23 + timedelta(hours=9)) == date(2026, 2, 28)


def test_a_night_may_be_asked_about_in_the_same_evening() -> None:
    early = Hours(time(20), time(22))
    assert early.deadline(date(2026, 3, 1)) == datetime(2026, 3, 1, 15, tzinfo=UTC)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)), st.times(), st.times())  # noqa: DTZ001 - hypothesis wants them naive
def test_every_moment_lies_between_two_deadlines_a_day_apart(now: datetime, begins: time, by: time) -> None:
    rule = Hours(begins.replace(microsecond=0), by.replace(microsecond=0))
    before, after = rule.deadline(rule.overdue(now)), rule.next_deadline(now)
    assert before <= now < after
    assert after - before == timedelta(days=1)


def test_a_census_leaves_nobody_out_and_names_nobody_else() -> None:
    assert wrong_in([uid(1), uid(2)], [uid(1)], [uid(2)]) == []
    assert wrong_in([uid(1), uid(2)], [uid(1), uid(3)], [uid(1)]) == [
        (f"persons.{uid(2)}", "missing"),
        (f"persons.{uid(3)}", "not_here"),
        (f"persons.{uid(1)}", "in_both"),
    ]
    assert wrong_in([], [], []) == []


# -- parameters ---------------------------------------------------------------------------------------------------------------------------


def test_a_shelter_sets_only_known_values_within_their_bounds() -> None:
    assert out_of_bounds({name: known.most for name, known in PARAMETERS.items()}) == []
    assert out_of_bounds({"boys_max_age": 18, "favourites": 1}) == [("boys_max_age", "out_of_bounds"), ("favourites", "not_known")]


# -- files --------------------------------------------------------------------------------------------------------------------------------


def a_line(number: int = 2, *, shelter: int = 1, room: int = 2, bed: int | None = 3, unit: int | None = None, name: str = "A", **more: Any) -> Line:
    return Line(
        number,
        Entry(uid(shelter), {"name": name}),
        None if unit is None else Entry(uid(unit), {"name": "U"}, (uid(shelter),)),
        Entry(uid(room), {"name": more.get("room_name", "R")}, (uid(shelter), None if unit is None else uid(unit))),
        None if bed is None else BedEntry(uid(bed), uid(room), more.get("overflow", False)),
    )


def registered(*lines: Line) -> Register:
    return plan(Register(), lines, may_approve=True).added


def problems(*lines: Line, known: Register | None = None, may_approve: bool = True) -> list[tuple[int, str, str]]:
    found = plan(known or Register(), lines, may_approve=may_approve)
    return [(entry.row, entry.field, entry.code) for entry in found.problems]


def test_what_is_new_is_added_and_the_same_again_adds_nothing() -> None:
    lines = [a_line(2, bed=3, unit=8), a_line(3, bed=4, unit=8), a_line(4, room=5, bed=None)]
    first = plan(Register(), lines, may_approve=False)
    assert [len(part) for part in (first.added.shelters, first.added.units, first.added.rooms, first.added.beds)] == [1, 1, 2, 2]
    again = plan(first.added, lines, may_approve=False)
    assert (again.added, again.unchanged, again.problems) == (Register(), 3, [])


def test_a_bad_row_adds_nothing_and_the_good_ones_around_it_are_kept() -> None:
    found = plan(Register(), [a_line(2), a_line(3, shelter=1, name="B", room=6, bed=7), a_line(4, room=6, bed=7)], may_approve=False)
    assert found.problems == [Problem(3, "shelter_name", "differs")]
    assert (set(found.added.rooms), set(found.added.beds)) == ({uid(2), uid(6)}, {uid(3), uid(7)})


def test_what_the_register_says_otherwise_is_reported_and_not_written_over() -> None:
    known = registered(a_line(2))
    assert problems(a_line(2, name="B"), known=known) == [(2, "shelter_name", "differs")]
    assert problems(a_line(2, room_name="S", bed=None), known=known) == [(2, "room_name", "differs")]
    assert problems(a_line(2, shelter=9), known=known) == [(2, "room_id", "belongs_elsewhere")]
    assert problems(a_line(2, room=9), known=known) == [(2, "bed_id", "belongs_elsewhere")]
    assert problems(a_line(2, overflow=True), known=known) == [(2, "overflow", "differs")]


def test_a_bed_is_named_once_and_one_of_need_takes_somebody_who_answers_for_it() -> None:
    assert problems(a_line(2), a_line(3)) == [(3, "bed_id", "id_twice")]
    assert problems(a_line(2, overflow=True), may_approve=False) == [(2, "overflow", "approver_needed")]
    assert problems(a_line(2, overflow=True), known=registered(a_line(2, overflow=True)), may_approve=False) == []


def test_a_shelter_that_is_not_shown_takes_no_rows() -> None:
    known = registered(a_line(2))
    known.hidden = frozenset({uid(1)})
    assert problems(a_line(2), a_line(3, shelter=5, room=6, bed=7), known=known) == [(2, "shelter_id", "id_in_use")]


ids = st.integers(1, 4)
lines = st.lists(st.tuples(ids, ids, ids, st.sampled_from("AB"), st.booleans()), max_size=12)


def _lines(drawn: list[tuple[int, int, int, str, bool]]) -> list[Line]:
    return [
        a_line(number, shelter=shelter, room=10 + room, bed=20 + bed, name=name, overflow=overflow)
        for number, (shelter, room, bed, name, overflow) in enumerate(drawn, 2)
    ]


@given(lines, lines)
def test_whatever_is_sent_the_register_only_grows_and_stays_one_tree(first: Any, second: Any) -> None:
    known = registered(*_lines(first))
    found = plan(known, _lines(second), may_approve=True)
    for part in ("shelters", "rooms", "beds"):
        assert not getattr(known, part).keys() & getattr(found.added, part).keys()
    rooms = known.rooms | found.added.rooms
    assert all(bed.room in rooms for bed in found.added.beds.values())
    assert all(room.belongs_to[0] in known.shelters | found.added.shelters for room in found.added.rooms.values())
    refused = {entry.row for entry in found.problems}
    assert all(row < other for row, other in pairwise(sorted(refused)))
    assert isinstance(found.unchanged, int)
    assert found.unchanged + len(refused) <= len(second)


@given(lines)
def test_good_rows_sent_again_change_nothing(drawn: Any) -> None:
    first = plan(Register(), _lines(drawn), may_approve=True)
    good = [line for line in _lines(drawn) if line.number not in {entry.row for entry in first.problems}]
    again = plan(first.added, good, may_approve=False)
    assert (again.added, again.problems, again.unchanged) == (Register(), [], len(good))
