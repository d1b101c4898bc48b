"""A form of a few questions on a page of its own: what most things are that a worker records."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.web.pages.visit import Visiting
from chassis.web.problems import FieldProblem, RefusedError
from fastapi import Response


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `kind` is radios, checks, choose, date, number or line; `name` is the field as the route's refusals name it."""

    kind: str
    name: str
    title: str
    options: Sequence[tuple[str, str]] = ()
    value: Any = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its heading, its questions, what the button says, where it is sent, and where one goes back to."""

    title: str
    questions: Sequence[Question]
    button: str
    action: str
    back: str
    caption: str | None = None
    hint: str | None = None
    grave: bool = False


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
