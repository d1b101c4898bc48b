"""A form of a few questions on a page of its own: what most things are that a worker records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA
from chassis.web.problems import FieldProblem, RefusedError
from fastapi import Response


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `kind` is radios, checks, choose, date, moment, number, words or line; `name` is the field as the route's refusals name it."""

    kind: str
    name: str
    title: str
    options: Sequence[tuple[str, str]] = ()
    value: Any = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its heading, its questions, what the button says, where it is sent, and where one goes back to.

    `hidden` goes with it unseen; `both` is what is stored now beside what was entered, where somebody else was first.
    """

    title: str
    questions: Sequence[Question]
    button: str
    action: str
    back: str
    caption: str | None = None
    hint: str | None = None
    grave: bool = False
    hidden: Sequence[tuple[str, str]] = ()
    both: Sequence[tuple[str, str, str]] = ()


def ask(visit: Visiting, form: Form, refused: RefusedError | None) -> Response:
    """The page of a form."""
    return visit.show("one_form.html", refused=refused, form_shown=form, names={question.name: question.title for question in form.questions})


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


def wall(at: datetime) -> str:
    """A time as a form's field has it: by Jakarta's clock."""
    return at.astimezone(JAKARTA).strftime("%Y-%m-%dT%H:%M")


def clocked(value: str | None) -> datetime | str | None:
    """A time by Jakarta's clock as it was entered; what is none stays as it is, for the route to refuse."""
    try:
        return datetime.fromisoformat(value).replace(tzinfo=JAKARTA) if value else None
    except ValueError:
        return value
