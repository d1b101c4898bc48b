"""Recording a step on the way to an outcome: a form for each kind of step, for several persons at once where the same is true of them."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from chassis import RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from contracts.outcomes import BodyKind, ConsentAbsence, Consenter, Dwelling, Finding, Income, OwnView
from contracts.vocabulary import Relation, Risk
from fastapi import Response

from assessment.api import cases, outcomes
from assessment.api.outcome_views import PreparationBody, WayView
from assessment.domain.case import Progress
from assessment.domain.preparation import Step
from assessment.pages import pages
from assessment.pages.fields import chosen, moved, yes_or_no
from assessment.pages.people import labels, options
from assessment.views import CaseDetail

router = pages.router
AT = "/cases/{case_id}/outcomes/{person_id}/steps/{step}"

# What each step asks: the field, how, and of which list.
ASKED: Mapping[Step, tuple[tuple[str, str, type[StrEnum] | None], ...]] = {
    Step.HOME_VISIT: (("on", "date", None), ("finding", "radios", Finding)),
    Step.RISK_RECHECK: (("on", "date", None), ("risk", "radios", Risk)),
    Step.RECEIVER: (("receiver", "radios", Relation), ("receiving_area", "line", None)),
    Step.CONSENT: (
        ("agreed", "yes_no", None),
        ("own_view", "choose", OwnView),
        ("consenter", "choose", Consenter),
        ("absence", "choose", ConsentAbsence),
    ),
    Step.REGION_ACCEPTANCE: (("body", "radios", BodyKind), ("on", "date", None), ("reference", "line", None)),
    Step.CARER_CHECK: (("on", "date", None), ("finding", "radios", Finding), ("review_days", "number", None)),
    Step.INDEPENDENCE: (("income", "radios", Income), ("dwelling", "radios", Dwelling), ("safety_plan", "yes_no", None)),
    Step.BODY_ACCEPTANCE: (("body", "radios", BodyKind), ("on", "date", None), ("reference", "line", None)),
}
HINTED = frozenset({"receiving_area", "reference", "own_view", "consenter", "absence", "review_days"})


@router.get(AT)
async def what_was_found(case_id: UUID, person_id: UUID, step: Step, visit: Visit) -> Response:
    """What is to be recorded."""
    return await _form(case_id, person_id, step, visit, None)


@router.post(AT)
async def record(case_id: UUID, person_id: UUID, step: Step, visit: Sent) -> Response:
    """Record it."""
    said = {name: value for name, kind, _ in ASKED.get(step, ()) if (value := _value(name, kind, visit)) is not None}
    chosen_too = () if step is Step.CONSENT else visit.fields("persons")
    persons = chosen_too or (str(person_id),)
    return await visit.send(
        outcomes.prepare,
        then=f"cases/{case_id}/outcomes?said=step",
        again=partial(_form, case_id, person_id, step),
        body=lambda: PreparationBody.model_validate({"persons": persons, "step": {"kind": step.value, **said}}),
        case_id=case_id,
    )


def _value(name: str, kind: str, visit: Visiting) -> Any:
    at = f"step.{name}"
    if kind == "yes_no":
        return chosen(visit, at)
    value = visit.field(at)
    return int(value) if kind == "number" and value is not None and value.isdecimal() else value


async def _form(case_id: UUID, person_id: UUID, step: Step, visit: Visiting, refused: RefusedError | None) -> Response:
    if step not in ASKED:
        raise not_found("step")
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    found: list[WayView] = await visit.ask(outcomes.ways, case_id=case_id)
    people = labels(seen.members, visit)
    way = next((way for way in found if way.person_id == person_id), None)
    if way is None:
        raise not_found("person")
    stored: dict[str, Any] = next((entry.codes for entry in way.steps if entry.step == step), {})
    questions = [_question(name, kind, listed, stored, visit) for name, kind, listed in ASKED[step]]
    same = [other.person_id for other in found if other.outcome == way.outcome and other.progress is Progress.PLANNED]
    if step is not Step.CONSENT and len(same) > 1:
        questions.append(_persons(same, person_id, people, visit))
    at = f"cases/{case_id}/outcomes"
    title = visit.say(f"step.{step.value}").capitalize()
    form = Form(title, questions, visit.say("act.save"), f"{at}/{person_id}/steps/{step.value}", at, caption=people.get(person_id))
    return forms.show(visit, form, moved(refused, f"step.{step.value}.", "step."))


def _question(name: str, kind: str, listed: type[StrEnum] | None, stored: Mapping[str, Any], visit: Visiting) -> Question:
    title, hint = visit.say(f"field.{name}"), visit.say(f"hint.{name}") if name in HINTED else None
    at, value = f"step.{name}", stored.get(name)
    if kind == "yes_no":
        return Question("radios", at, title, yes_or_no(visit), None if value is None else "yes" if value else "no", hint)
    return Question(kind, at, title, options(visit, name, listed) if listed else (), value, hint)


def _persons(same: Collection[UUID], person_id: UUID, people: Mapping[UUID, str], visit: Visiting) -> Question:
    choices = [(str(person), label) for person, label in people.items() if person in same]
    return Question("checks", "persons", visit.say("steps.persons"), choices, [str(person_id)])
