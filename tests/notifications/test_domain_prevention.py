"""No small number can be read or computed from what is published of areas."""

from hypothesis import given
from hypothesis import strategies as st
from notifications.domain.prevention import LEAST, published

DISTRICTS = [f"31.{city}.{number:02}" for city in (71, 72, 73, 74) for number in range(1, 6)]
COUNTS = st.dictionaries(st.sampled_from(DISTRICTS), st.one_of(st.integers(0, 8), st.integers(0, 60)))


def test_small_cells_are_hidden_and_with_them_the_one_they_would_follow_from() -> None:
    found = published({"31.71.01": 20, "31.71.02": 3, "31.71.03": 9, "31.72.01": 30})
    assert found.districts == {"31.71.01": 20, "31.72.01": 30}, "of 32 only 20 is seen: 3 and 9 are hidden together"
    assert (found.cities, found.total) == ({"31.71": 32, "31.72": 30}, 62)


def test_of_a_city_with_few_cases_nothing_is_seen_and_another_city_hides_it() -> None:
    found = published({"31.71.01": 2, "31.72.01": 30, "31.73.01": 40})
    assert (found.cities, found.districts, found.total) == ({"31.73": 40}, {"31.73.01": 40}, 72)


def test_of_hardly_any_cases_nothing_is_seen() -> None:
    found = published({"31.71.01": 2, "31.72.01": 2})
    assert (found.districts, found.cities, found.total) == ({}, {}, None)


@given(COUNTS)
def test_what_is_hidden_in_any_sum_is_not_one_area_and_not_small(counts: dict[str, int]) -> None:
    found = published(counts)
    sums = [(found.total, found.cities, {district[:5] for district in counts})]
    sums += [
        (total, {d: n for d, n in found.districts.items() if d[:5] == city}, {d for d in counts if d[:5] == city})
        for city, total in found.cities.items()
    ]
    cells = dict(counts)
    for district, count in counts.items():
        cells[district[:5]] = cells.get(district[:5], 0) + count
    assert {area[:5] for area in found.districts} <= set(found.cities)
    for total, shown, there in sums:
        assert all(count >= LEAST and cells[area] == count for area, count in shown.items())
        if total is None:
            assert not shown
            continue
        hidden = [cells[area] for area in there if area not in shown and cells[area]]
        assert total == sum(shown.values()) + sum(hidden)
        assert not hidden or (sum(hidden) >= LEAST and len(hidden) > 1)
