"""What may be published of counts by area, so that no small number can be read or computed from it."""

from collections.abc import Mapping
from dataclasses import dataclass

CITY = 5  # the length of a city's code: "31.71"
LEAST = 5


@dataclass(frozen=True, slots=True)
class Published:
    """Counts that may be seen; an area that is not there has few cases, or none, or would give away another one that has few."""

    districts: Mapping[str, int]
    cities: Mapping[str, int]
    total: int | None


def published(counts: Mapping[str, int], least: int = LEAST) -> Published:
    """Counts by district, by city and in all, with small cells suppressed, and with them those from which they would follow.

    What is hidden in a sum that is shown is always more than one area, and together not small either.
    """
    by_city: dict[str, dict[str, int]] = {}
    for district, count in counts.items():
        by_city.setdefault(district[:CITY], {})[district] = count
    totals = {city: sum(cells.values()) for city, cells in by_city.items()}
    cities, total = _shown(totals, least)
    districts: dict[str, int] = {}
    for city in cities:
        districts |= _shown(by_city[city], least)[0]
    return Published(districts, cities, total)


def _shown(cells: Mapping[str, int], least: int) -> tuple[dict[str, int], int | None]:
    """The cells that may be seen beside their sum, and the sum, if it may be seen."""
    total = sum(cells.values())
    if total < least:
        return {}, None
    hidden = [count for count in cells.values() if 0 < count < least]
    shown = sorted(((count, name) for name, count in cells.items() if count >= least), reverse=True)
    while hidden and shown and (len(hidden) == 1 or sum(hidden) < least):
        hidden.append(shown.pop()[0])
    return {name: count for count, name in shown}, total
