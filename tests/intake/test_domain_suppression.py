"""No count that is kept back follows from those that are published, and no small group either."""

from collections import Counter
from itertools import pairwise, product
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from intake.domain.simfoni import BANDS, CITIES, SEXES, VIOLENCE, Victim, persons, tables
from intake.domain.suppression import SMALL, TOTAL, Counts, counted, kept_back, together

ROWS, COLUMNS = ("a", "b", "c"), ("female", "male")


def a_table(counts: list[int]) -> Counts:
    entries = [cell for cell, count in zip(product(ROWS, COLUMNS), counts, strict=True) for _ in range(count)]
    return counted(ROWS, COLUMNS, entries, Counter(column for _, column in entries))


def equations(table: Counts) -> list[tuple[list[tuple[str, str]], tuple[str, str]]]:
    """What anybody knows: rows and columns add up to their totals."""
    rows = [([(row, column) for column in COLUMNS], (row, TOTAL)) for row in (*ROWS, TOTAL)]
    return rows + [([(row, column) for row in ROWS], (TOTAL, column)) for column in (*COLUMNS, TOTAL)]


def possible(table: Counts, kept: frozenset[tuple[str, str]]) -> dict[tuple[str, str], set[int]]:
    """For each cell that is kept back, values that agree with all that is shown; found by trying what is near the truth."""
    inner = [cell for cell in product(ROWS, COLUMNS) if cell in kept]
    found: dict[tuple[str, str], set[int]] = {cell: set() for cell in kept}
    for values in product(*(range(max(0, table.cells[cell] - 1), table.cells[cell] + 2) for cell in inner)):
        world = {**table.cells, **dict(zip(inner, values, strict=True))}
        for parts, total in equations(table):
            if total in kept:
                world[total] = sum(world[part] for part in parts)
        if all(sum(world[part] for part in parts) == world[total] for parts, total in equations(table)):
            for cell in kept:
                found[cell].add(world[cell])
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=6, max_size=6))
def test_whoever_calculates_finds_no_cell_that_is_kept_back(counts: list[int]) -> None:
    table = a_table(counts)
    kept = kept_back(table)
    assert {cell for cell, count in table.cells.items() if 0 < count < SMALL} <= kept
    assert all(len(values) > 1 for values in possible(table, kept).values())


@given(st.lists(st.integers(0, 40), min_size=6, max_size=6))
def test_what_a_line_keeps_back_is_no_small_group(counts: list[int]) -> None:
    table = a_table(counts)
    kept = kept_back(table)
    for parts, total in equations(table):
        hidden = [cell for cell in parts if cell in kept]
        assert total in kept or not hidden or sum(table.cells[cell] for cell in hidden) >= SMALL


def test_keeping_back_only_small_cells_would_not_be_enough() -> None:
    table = a_table([2, 9, 20, 30, 40, 50])
    assert kept_back(table) > {("a", "female")}
    assert possible(table, frozenset({("a", "female")})) == {("a", "female"): {2}}


def test_a_table_without_small_cells_is_published_whole() -> None:
    assert kept_back(a_table([5, 9, 0, 30, 40, 50])) == frozenset()


def a_victim(number: int, **known: object) -> Victim:
    values = {"sex": "female", "age": 30, "area": "31.71.01", "violence": ("fisik",), **known}
    return Victim(UUID(int=number), UUID(int=1000 + number), **values)  # type: ignore[arg-type]


VICTIMS = st.lists(
    st.builds(
        lambda sex, age, area, violence: {"sex": sex, "age": age, "area": area, "violence": tuple(violence)},
        st.sampled_from(SEXES),
        st.one_of(st.none(), st.integers(0, 90)),
        st.sampled_from([f"{city}.01" for city in CITIES[:-1]] + ["00.00.00"]),
        st.sets(st.sampled_from(VIOLENCE), min_size=1),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(VICTIMS)
def test_tables_of_the_same_people_keep_back_the_same_totals_and_lose_nobody(found: list[dict[str, object]]) -> None:
    counts = tables([a_victim(number, **known) for number, known in enumerate(found)])
    kept = together(counts)
    totals = [{cell for cell in cells if cell[0] == TOTAL} for cells in kept.values()]
    assert all(one == other for one, other in pairwise(totals))
    for name, rows in (("umur", BANDS), ("wilayah", CITIES)):
        assert sum(counts[name].cells[row, TOTAL] for row in rows) == len(found)
    assert all(not 0 < count < SMALL or cell in kept[name] for name, table in counts.items() for cell, count in table.cells.items())


def test_who_was_merged_is_counted_once_with_all_that_is_known_of_her() -> None:
    first, second, third = a_victim(1, age=None, violence=("fisik",)), a_victim(2, age=31, violence=("psikis",)), a_victim(3)
    (one, other) = persons([third, second, first], [(UUID(int=1), UUID(int=2))])
    assert (one.age, one.violence, other.person_id) == (31, ("fisik", "psikis"), UUID(int=3))
