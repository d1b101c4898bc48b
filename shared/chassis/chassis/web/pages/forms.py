"""A form of a few questions on a page of its own: what most things are that an officer records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fastapi import Response

from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA
from chassis.web.problems import FieldProblem, RefusedError


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `kind` is radios, checks, choose, date, time, moment, number, words or line; `name` is the field as the route's refusals name it.

    `value` is what stands in it before anything was entered.
    """

    kind: str
    name: str
    title: str
    options: Sequence[tuple[str, str]] = ()
    value: Any = None
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its heading, its questions, what the button says, where it is sent, and where one goes back to.

    One question of radios that says what the form does is the heading itself, with what is `told` as its hint.

    `told` is what must be known before it is sent, `both` are rows of (label, stored, entered) after a conflict, `hidden` what it carries,
    `caption` what it is about.
    """

    title: str
    questions: Sequence[Question]
    button: str
    action: str
    back: str
    told: Sequence[str] = ()
    both: Sequence[tuple[str, str, str]] = ()
    hidden: Sequence[tuple[str, str]] = ()
    grave: bool = False
    caption: str | None = None


def show(visit: Visiting, form: Form, refused: RefusedError | None) -> Response:
    """The page of a form."""
    return visit.show("questions.html", refused=refused, asked=form, names={question.name: question.title for question in form.questions})


def as_moment(entered: str | None) -> datetime | str | None:
    """A day and hour by Jakarta's clock, as a form has it; what is none stays as it is, so that the route refuses it under its field's name."""
    try:
        moment = datetime.fromisoformat(entered or "")
    except ValueError:
        return entered
    return moment if moment.tzinfo else moment.replace(tzinfo=JAKARTA)


def as_entered(moment: datetime) -> str:
    """A moment as a form's field has it: by Jakarta's clock."""
    return moment.astimezone(JAKARTA).strftime("%Y-%m-%dT%H:%M")


def moment_in(visit: Visiting, name: str) -> datetime | None:
    """A day and hour that were entered, by Jakarta's clock; None where nothing was. Raises RefusedError for what is none."""
    entered = visit.field(name)
    try:
        return datetime.fromisoformat(entered).replace(tzinfo=JAKARTA) if entered else None
    except ValueError:
        raise RefusedError(422, "this is no day and hour", [FieldProblem(name, "invalid")]) from None


def date_in(visit: Visiting, name: str) -> date | None:
    """A day that was entered; None where nothing was. Raises RefusedError for what is none."""
    entered = visit.field(name)
    try:
        return date.fromisoformat(entered) if entered else None
    except ValueError:
        raise RefusedError(422, "this is no day", [FieldProblem(name, "invalid")]) from None
