"""What the forms of assessment have in common: yes or no, rows of fields, and where a refusal belongs on the form."""

from collections.abc import Mapping, Sequence
from typing import Any

from chassis.web.pages.visit import Visiting
from chassis.web.problems import FieldProblem, RefusedError


def yes_or_no(visit: Visiting) -> list[tuple[str, str]]:
    """The two answers."""
    return [("yes", visit.say("yes")), ("no", visit.say("no"))]


def chosen(visit: Visiting, name: str) -> bool | None:
    """What was answered with yes or no; None where nothing was."""
    return {"yes": True, "no": False}.get(visit.field(name) or "")


def moved(refused: RefusedError | None, before: str, after: str) -> RefusedError | None:
    """The same refusal with fields called as on the form: what a body's part is called is not on it."""
    if refused is None:
        return None
    problems = [
        FieldProblem(entry.field.replace(before, after, 1) if entry.field.startswith(before) else entry.field, entry.code)
        for entry in refused.problems
    ]
    return RefusedError(refused.status, refused.title, problems, **refused.members)


def relocated(refused: RefusedError, places: Mapping[str, str]) -> RefusedError:
    """The same refusal, each problem at the field of the form."""
    problems = [FieldProblem(places.get(entry.field, entry.field), entry.code) for entry in refused.problems]
    return RefusedError(refused.status, refused.title, problems, **refused.members)


def rows(visit: Visiting, at: str, names: Sequence[str], most: int = 20) -> list[tuple[int, dict[str, str]]]:
    """The rows of a form that were filled in, each with its number: its fields are called `<at>.<number>.<name>`."""
    found = [(n, {name: value for name in names if (value := visit.field(f"{at}.{n}.{name}")) is not None}) for n in range(most)]
    return [(n, row) for n, row in found if row]


def places_of(at: str, told: Sequence[tuple[int, Any]], names: Sequence[str]) -> dict[str, str]:
    """Where the form has what the route refuses: the route counts the rows that were filled in, the form all of them."""
    found: dict[str, str] = {}
    for index, (row, _) in enumerate(told):
        found |= {f"{at}.{index}": f"{at}.{row}.{names[0]}", **{f"{at}.{index}.{name}": f"{at}.{row}.{name}" for name in names}}
    return found
