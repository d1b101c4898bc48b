"""A form as a few questions: what is asked, what it begins with, and what both officers entered when two changed one thing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from chassis.web.routes import require_role
from contracts.areas import DISTRICTS
from fastapi import Response
from pydantic import BaseModel

from intake.api import record
from intake.api.record import RecordView
from intake.api.views import MASK, PersonView
from intake.pages.filled import Filled
from intake.pages.lists import Options, area_name

CONFLICT = 409
NOTHING = Filled({})
Both = Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: `kind` is radios, checks, choose, text, number, date, moment or story. `needed` is false where it may be left open."""

    kind: str
    name: str
    title: str
    options: Options = field(default_factory=list)
    hint: str | None = None
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Asking:
    """A form: what it is called, where it is sent, where the way back leads, its questions, and what it carries unseen."""

    title: str
    action: str
    back: str
    button: str
    questions: Sequence[Question] = ()
    begins: Filled = NOTHING
    hint: str | None = None
    carries: Mapping[str, Sequence[str]] = field(default_factory=dict)
    grave: bool = False
    called: Mapping[str, str] = field(default_factory=dict)  # what a refusal may name that is no question


def show(visit: Visiting, form: Asking, refused: RefusedError | None = None, both: Both = ()) -> Response:
    """The form as it begins, or with what was entered in it; after a conflict under a new key, for it is another thing to send now."""
    filled = Filled(visit.entered) if visit.entered else form.begins
    key = visit.fresh_key if both else visit.field("key") or visit.fresh_key
    names = {**form.called, **{question.name: question.title for question in form.questions}}
    return visit.show("record/form.html", refused=refused, names=names, shown=form, filled=filled, key=key, both=both)


def entered(visit: Visiting) -> Filled:
    """What stands in a form that begins empty."""
    return Filled(visit.entered)


async def send(
    visit: Visiting, form: Asking, route: Callable[..., Awaitable[Any]], *, then: str, body: Callable[[], BaseModel] | None = None, **arguments: Any
) -> Response:
    """Do what the form asks of a route; refused, it is shown again with what is wrong."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return show(visit, form, refused)

    return await visit.send(route, then=then, again=again, body=body, **arguments)


async def of_case(visit: Visiting, case_id: UUID, *roles: str) -> RecordView:
    """Where a case stands, for a page that these roles have a use for. Raises RefusedError: 403 for others, 404 for whom the case does not exist."""
    require_role(visit.who, roles)
    found: RecordView = await visit.ask(record.record, case_id=case_id)
    return found


def conflicting(refused: RefusedError) -> bool:
    """Whether somebody else changed what a form was about since it was opened."""
    return refused.status == CONFLICT and "version" in refused.members


def differing(visit: Visiting, form: Asking, stored: Filled) -> list[tuple[str, str, str]]:
    """Where what is stored now and what was entered differ, question by question, in words."""
    entered = Filled(visit.entered)
    rows = [(question, stored.all(question.name), entered.all(question.name)) for question in form.questions]
    return [
        (question.title, in_words(visit, question, theirs), in_words(visit, question, yours))
        for question, theirs, yours in rows
        if sorted(theirs) != sorted(yours)
    ]


def in_words(visit: Visiting, question: Question, values: Sequence[str]) -> str:
    """An answer as people read it."""
    known = dict(question.options)
    return ", ".join(known.get(value, value) for value in values) or visit.say("frame.unknown")


def known_area(code: str | None) -> str | None:
    """A district as people call it, None where nobody knows it."""
    return area_name(code) if code and code in DISTRICTS else code


def called(visit: Visiting, person: PersonView) -> str:
    """A person as a form calls her: by name for whom may see it, and else by what her role may see."""
    known = [person.name if person.name and person.name != MASK else None, visit.say(f"role.{person.role}").lower(), visit.say(f"sex.{person.sex}")]
    words = ", ".join(word for word in known if word)
    age = f", {person.age}" if person.age is not None else ""
    return f"{words[:1].upper()}{words[1:]}{age}"
