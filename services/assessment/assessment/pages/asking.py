"""Instruments item by item: which there are for a person, one question a page, and what the answers come to so far."""

from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, not_found
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from fastapi import Response

from assessment.api import answers, cases, instruments
from assessment.definitions import Definition
from assessment.domain.reassessment import ASKING
from assessment.pages import pages
from assessment.pages.case import vault
from assessment.pages.people import labels
from assessment.register import Stage
from assessment.views import AnswersBody, AnswersView, CaseDetail, InstrumentView, ItemView

router = pages.router
AT = "/cases/{case_id}/persons/{person_id}/instruments"


@router.get(AT)
async def which(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The instruments by which a person may be asked, those first with which somebody began."""
    seen, person = await _person(case_id, person_id, visit)
    age = next(member.age for member in seen.members if member.person_id == person_id)
    given: list[AnswersView] = await visit.ask(answers.all_answers, case_id=case_id, vault=vault(visit))
    begun = [entry for entry in given if entry.person_id == person_id]
    known: list[InstrumentView] = await visit.ask(instruments.instruments)
    titles = {(entry.code, entry.version): entry.title for entry in known}
    newest = {entry.code: entry for entry in known if entry.stage is Stage.PUBLISHED}
    others = [entry for code, entry in sorted(newest.items()) if code not in {one.instrument for one in begun} and _fits(entry, age)]
    training = visit.request.app.state.service.settings.training
    return visit.show(
        "instruments.html",
        seen=seen,
        person_id=person_id,
        person=person,
        begun=begun,
        titles=titles,
        others=others,
        training=training,
        asks=_asks(seen, visit),
    )


@router.get(AT + "/{code}")
async def sheet(case_id: UUID, person_id: UUID, code: str, visit: Visit) -> Response:
    """All answers of a person to an instrument, what is left to ask, and what it comes to."""
    seen, person = await _person(case_id, person_id, visit)
    found, definition = await _asked(case_id, person_id, code, visit)
    return visit.show("sheet.html", seen=seen, person=person, found=found, definition=definition, unanswered=_left(found), asks=_asks(seen, visit))


@router.get(AT + "/{code}/next")
async def resume(case_id: UUID, person_id: UUID, code: str, visit: Visit) -> Response:
    """Go on where she was."""
    found, _ = await _asked(case_id, person_id, code, visit)
    return visit.go(_after(case_id, found, None))


@router.get(AT + "/{code}/{item}")
async def question(case_id: UUID, person_id: UUID, code: str, item: str, visit: Visit) -> Response:
    """One question."""
    return await _question(case_id, person_id, code, item, visit, refused=None)


@router.post(AT + "/{code}/{item}")
async def answer(case_id: UUID, person_id: UUID, code: str, item: str, visit: Sent) -> Response:
    """Save one answer, and go on to the next question; an answer that somebody else changed meanwhile is not overwritten unasked."""
    try:
        before, _ = await _asked(case_id, person_id, code, visit)
        value, was = _number(visit, "answer"), _number(visit, "was", needed=False)
        body = {"person_id": person_id, "instrument": code, "answers": {item: value}, "seen": {item: was}}
        told: Any = await visit.tell(answers.save_answers, case_id=case_id, body=read(lambda: AnswersBody.model_validate(body)), vault=vault(visit))
    except RefusedError as refused:
        return await _question(case_id, person_id, code, item, visit, refused=refused)
    raised = [flag for flag in told["flags"] if flag not in before.flags]
    after, _ = await _asked(case_id, person_id, code, visit)
    return visit.go(_after(case_id, after, item), **({"said": f"alert_{raised[0]}"} if raised else {}))


async def _question(case_id: UUID, person_id: UUID, code: str, item: str, visit: Visiting, *, refused: RefusedError | None) -> Response:
    seen, person = await _person(case_id, person_id, visit)
    found, definition = await _asked(case_id, person_id, code, visit)
    one = next((entry for entry in found.items if entry.code == item), None)
    if one is None:
        raise not_found("item")
    codes = [entry.code for entry in found.items if entry.asked]
    place = codes.index(item) if item in codes else None
    alert = next((entry for entry in definition.alerts if entry.item == item), None)
    text, language = _wording(one, visit)
    choices = [(str(value), choice.id if visit.language == "id" else choice.en) for value, choice in zip(one.values, one.choices, strict=True)]
    both = None
    if refused is not None and "changed" in refused.members:
        shown = dict(choices)
        both = [(text, shown.get(str(one.answer), ""), shown.get(visit.field("answer") or "", ""))]
    return visit.show(
        "item.html",
        refused=refused,
        names={f"answers.{item}": text},
        seen=seen,
        person=person,
        found=found,
        definition=definition,
        item=one,
        text=text,
        language_of_text=language,
        choices=choices,
        both=both,
        place=None if place is None else place + 1,
        of=len(codes),
        back=codes[place - 1] if place else None,
        alert=alert,
        alert_from=None if alert is None else dict(choices).get(str(alert.at_least), alert.at_least),
        asks=_asks(seen, visit),
    )


def _number(visit: Visiting, name: str, *, needed: bool = True) -> int | None:
    value = visit.field(name)
    if value is None and not needed:
        return None
    if value is None or not value.lstrip("-").isdecimal():
        raise RefusedError(422, "an answer is missing", [FieldProblem(name, "missing")])
    return int(value)


def _wording(item: ItemView, visit: Visiting) -> tuple[str, str]:
    """A question in the reader's language where its wording is loaded in it, else in the one that is; else our own label."""
    worded = {language.value: text for language, text in item.text.items()}
    for language in (visit.language.value, *worded):
        if language in worded:
            return worded[language], language
    return (item.label_id if visit.language == "id" else item.label_en), visit.language.value


def _left(found: AnswersView) -> list[str]:
    """The questions that are asked and have no answer."""
    return [item.code for item in found.items if item.asked and item.answer is None]


def _after(case_id: UUID, found: AnswersView, item: str | None) -> str:
    """Where it goes on: the next question without an answer after this one, any other without one, or the whole sheet."""
    codes, left = [entry.code for entry in found.items], _left(found)
    later = [code for code in left if item is None or codes.index(code) > codes.index(item)]
    at = f"cases/{case_id}/persons/{found.person_id}/instruments/{found.instrument}"
    following = next(iter(later or left), None)
    return at if following is None else f"{at}/{following}"


def _fits(entry: InstrumentView, age: int | None) -> bool:
    return age is None or entry.minimum_age <= age <= entry.maximum_age


def _asks(seen: CaseDetail, visit: Visiting) -> bool:
    return seen.worker_id == visit.who.subject and seen.state in ASKING


async def _person(case_id: UUID, person_id: UUID, visit: Visiting) -> tuple[CaseDetail, str]:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    if person_id not in people:
        raise not_found("person")
    return seen, people[person_id]


async def _asked(case_id: UUID, person_id: UUID, code: str, visit: Visiting) -> tuple[AnswersView, Definition]:
    found: AnswersView = await visit.ask(answers.see_answers, case_id=case_id, person_id=person_id, vault=vault(visit), instrument=code)
    definition: Definition = await visit.ask(instruments.instrument, code=found.instrument, version=found.version)
    return found, definition
