"""Reports as a table, one per row: which columns there are, what a row's cells say, and to which column a problem belongs; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

MANDATORY = ("reference", "urgency", "callback")
CASE = ("channel", "reporter", "post", "heard_at", "area", "area_kind", "violence_types", "ppks", "occurred_at", "narrative")
SCREEN = ("red_flags", "shelter_needed", "shelter_grounds", "perpetrator_areas")
PERSON = ("role", "name", "nik", "sex", "age", "phone", "address", "needs")
MOST_PERSONS = 6
PERSONS = tuple(f"{field}_{number}" for number in range(1, MOST_PERSONS + 1) for field in PERSON)
COLUMNS = (*MANDATORY, *CASE, *SCREEN, *PERSONS)
LISTS = frozenset({"violence_types", "red_flags", "shelter_grounds", "perpetrator_areas", "needs"})
BETWEEN = "|"
ANSWERS = {"ya": True, "tidak": False, "yes": True, "no": False, "true": True, "false": False}
# What a spreadsheet takes for a formula has an apostrophe before it, which is none of its own.
FORMULA = ("=", "+", "-", "@")


def body_of(cells: Mapping[str, str]) -> tuple[dict[str, Any], list[int]]:
    """A row as a referral, without what its empty cells do not say; and the number of each person in the columns."""
    said = {column: value for column, cell in cells.items() if (value := cell.strip())}
    body: dict[str, Any] = {name: _value(name, said[name]) for name in (*MANDATORY, *CASE) if name in said}
    screen = {name: _value(name, said[name]) for name in SCREEN if name in said}
    numbers = [n for n in range(1, MOST_PERSONS + 1) if any(f"{field}_{n}" in said for field in PERSON)]
    persons = [{field: _value(field, said[f"{field}_{n}"]) for field in PERSON if f"{field}_{n}" in said} for n in numbers]
    return {**body, **({"screen": screen} if screen else {}), **({"persons": persons} if persons else {})}, numbers


def column_of(path: str, numbers: Sequence[int]) -> str:
    """The column to which a field of a referral belongs, given the numbers of its persons."""
    first, *rest = path.split(".")
    if first == "screen" and rest:
        return rest[0]
    if first == "persons":
        number = numbers[int(rest[0])] if rest and int(rest[0]) < len(numbers) else 1
        return f"{rest[1] if len(rest) > 1 else PERSON[0]}_{number}"
    return first


def wrong_columns(header: Sequence[str]) -> list[tuple[str, str]]:
    """What keeps a first row from naming the columns: (column, `missing`, `not_known` or `column_twice`); a column that is not known is not repeated."""
    missing = [(name, "missing") for name in MANDATORY if name not in header]
    twice = [(name, "column_twice") for name in COLUMNS if header.count(name) > 1]
    return missing + twice + [(f"column {place}", "not_known") for place, name in enumerate(header, 1) if name not in COLUMNS]


def _value(name: str, cell: str) -> Any:
    if name in LISTS:
        return [part for piece in cell.split(BETWEEN) if (part := piece.strip())]
    if name == "shelter_needed":
        return ANSWERS.get(cell.lower(), cell)
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
