"""Each person's way to her outcome: what is recorded, what stands in the way, a supervisor's approval, and the outcome itself."""

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import partial
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.refusals import told
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA, day
from contracts.outcomes import AbandonReason, AreaReason, CompletedBecause, WhyNotFamily
from fastapi import Response
from pydantic import BaseModel

from assessment import policy
from assessment.api import cases, outcomes
from assessment.api.outcome_views import AbandonBody, ApprovalBody, CompleteRehabilitationBody, PersonBody, ReviewBody, WayView
from assessment.domain.case import KIN, REHABILITATION, Progress
from assessment.domain.preparation import HOMEWARD, REQUIRED, Step
from assessment.pages import pages
from assessment.pages.people import labels, options
from assessment.views import CaseDetail

router = pages.router
AT = "/cases/{case_id}/outcomes"


@router.get(AT)
async def ways(case_id: UUID, visit: Visit) -> Response:
    """How far each person is, and what is next for her."""
    return await show(case_id, visit, None)


async def show(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    """The outcomes of a case, also after something was refused."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    found: list[WayView] = await visit.ask(outcomes.ways, case_id=case_id)
    people = labels(seen.members, visit)
    found.sort(key=lambda way: [*people, way.person_id].index(way.person_id))
    own = seen.worker_id == visit.who.subject
    return visit.show(
        "outcomes.html",
        refused=refused,
        names=names(visit),
        seen=seen,
        people=people,
        found=found,
        steps={way.person_id: steps_of(way) for way in found},
        obstacles={way.person_id: _obstacles(way, visit) for way in found},
        own=own,
        supervises=visit.who.has(policy.SUPERVISOR) and not own,
        finish={way.person_id: act_of(way) for way in found},
        said_of=lambda step: _codes(step.codes, visit),
    )


def steps_of(way: WayView) -> list[str]:
    """What is recorded on a person's way: what her outcome asks for, and what it came to ask for by what was recorded."""
    asked = [step.value for step in REQUIRED[way.outcome]]
    return list(dict.fromkeys([*asked, *(entry.field for entry in way.obstacles if entry.field in [*Step] and entry.field != Step.APPROVAL)]))


def act_of(way: WayView) -> str | None:
    """What makes a person's outcome come true from where she is; None when it has."""
    if way.progress is Progress.REACHED:
        return None
    if way.outcome == REHABILITATION:
        return "complete" if way.progress is Progress.REHABILITATING else "start"
    return "hand_over" if way.outcome in HOMEWARD else "reach"


# By which route each of them is said, and what that takes.
ACTS: dict[str, tuple[Any, type[BaseModel]]] = {
    "hand_over": (outcomes.reunify, PersonBody),
    "start": (outcomes.start_rehabilitation, PersonBody),
    "complete": (outcomes.complete_rehabilitation, CompleteRehabilitationBody),
    "reach": (outcomes.reach, PersonBody),
}


@router.post(AT + "/{person_id}/done")
async def done(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """The outcome came true, or the rehabilitation began or is complete."""
    way = await find(case_id, person_id, visit)
    act = act_of(way) or "reach"
    told_of = {"person_id": person_id} | ({"because": visit.field("because")} if act == "complete" else {})
    route, kind = ACTS[act]
    return await visit.send(
        route,
        then=f"cases/{case_id}/outcomes?said=outcome_{act}",
        again=partial(show, case_id),
        body=lambda: kind.model_validate(told_of),
        case_id=case_id,
    )


async def find(case_id: UUID, person_id: UUID, visit: Visiting) -> WayView:
    """One person's way. Raises 404."""
    found: list[WayView] = await visit.ask(outcomes.ways, case_id=case_id)
    way = next((way for way in found if way.person_id == person_id), None)
    if way is None:
        raise not_found("person")
    return way


# -- forms ----------------------------------------------------------------------------------------------------------------------------


@router.get(AT + "/{person_id}/abandon")
async def why_not(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """Why what was planned for her is given up."""
    return await _abandon(case_id, person_id, visit, None)


@router.post(AT + "/{person_id}/abandon")
async def abandon(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Give it up: a new plan for her is due."""
    return await visit.send(
        outcomes.abandon,
        then=f"cases/{case_id}/outcomes?said=outcome_abandoned",
        again=partial(_abandon, case_id, person_id),
        body=lambda: AbandonBody.model_validate({"person_id": person_id, "reason": visit.field("reason")}),
        case_id=case_id,
    )


async def _abandon(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    question = Question("radios", "reason", visit.say("abandon.title"), options(visit, "abandon", AbandonReason))
    return await one(case_id, person_id, "abandon", [question], visit, refused=refused, grave=True)


@router.get(AT + "/{person_id}/review")
async def what_was_found(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """What people found when they looked again at a child's residential care, or at a carer."""
    return await _review(case_id, person_id, visit, None)


@router.post(AT + "/{person_id}/review")
async def review(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Record it."""
    return await visit.send(
        outcomes.review,
        then=f"cases/{case_id}/outcomes?said=outcome_reviewed",
        again=partial(_review, case_id, person_id),
        body=lambda: ReviewBody.model_validate({"person_id": person_id, "why": visit.field("why")}),
        case_id=case_id,
    )


async def _review(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    way = await find(case_id, person_id, visit)
    of_carer = way.outcome == KIN
    whys = [why for why in WhyNotFamily if why.startswith("carer") == of_carer]
    question = Question("radios", "why", visit.say("review.carer" if of_carer else "review.care"), options(visit, "why", whys))
    return await one(case_id, person_id, "review", [question], visit, refused=refused)


@router.get(AT + "/{person_id}/approve")
async def on_which_grounds(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """What a supervisor confirms when she approves."""
    return await _approve(case_id, person_id, visit, None)


@router.post(AT + "/{person_id}/approve")
async def approve(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """A supervisor approves that a person's outcome comes true as it is prepared."""
    told_of = {"person_id": person_id, "area_reason": visit.field("area_reason"), "another_person": visit.field("another_person") is not None}
    return await visit.send(
        outcomes.approve,
        then=f"cases/{case_id}/outcomes?said=outcome_approved",
        again=partial(_approve, case_id, person_id),
        body=lambda: ApprovalBody.model_validate(told_of),
        case_id=case_id,
    )


async def _approve(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    way = await find(case_id, person_id, visit)
    questions = []
    if "perpetrator_area" in way.needs_approval:
        questions.append(Question("radios", "area_reason", visit.say("approve.area"), options(visit, "area_reason", AreaReason)))
    if "perpetrator_relation" in way.needs_approval:
        confirm = [("yes", visit.say("approve.another_person"))]
        questions.append(Question("checks", "another_person", visit.say("approve.relation"), confirm))
    grounds = ", ".join(visit.say(f"ground.{ground}") for ground in way.needs_approval)
    known = visit.say("approve.hint", grounds=grounds) if grounds else visit.say("approve.none")
    return await one(case_id, person_id, "approve", questions, visit, refused=refused, title=visit.say("approve.title"), first=[known])


@router.get(AT + "/{person_id}/complete")
async def why_complete(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """Why a supervisor lets a rehabilitation be complete that is not by rule."""
    question = Question("radios", "because", visit.say("complete.title"), options(visit, "because", CompletedBecause))
    return await one(case_id, person_id, "done", [question], visit, refused=None, first=[visit.say("complete.hint")])


async def one(
    case_id: UUID,
    person_id: UUID,
    act: str,
    questions: list[Question],
    visit: Visiting,
    *,
    refused: RefusedError | None,
    title: str | None = None,
    first: Sequence[str] = (),
    grave: bool = False,
) -> Response:
    """A form about one person's outcome, called after its first question where it has no title of its own."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    person = labels(seen.members, visit).get(person_id)
    if person is None:
        raise not_found("person")
    at = f"cases/{case_id}/outcomes"
    form = Form(title or questions[0].title, questions, visit.say("act.save"), f"{at}/{person_id}/{act}", at, caption=person, told=first, grave=grave)
    return forms.show(visit, form, refused)


def names(visit: Visiting) -> dict[str, str]:
    """What the fields of a refusal are called on these pages: the steps."""
    return {step.value: visit.say(f"step.{step.value}") for step in Step}


def _obstacles(way: WayView, visit: Visiting) -> list[str]:
    """What stands in the way, in words."""
    if not way.obstacles:
        return []
    refused = RefusedError(422, "", [FieldProblem(entry.field, entry.code) for entry in way.obstacles])
    return [entry.text for entry in told(refused, pages.words, visit.language, names(visit))]


def _codes(codes: dict[str, Any], visit: Visiting) -> str:
    """What a step says, in words: codes of closed lists, days and districts."""
    found = []
    for name, value in codes.items():
        key = f"{name}.{value}"
        if isinstance(value, bool):
            found.append(f"{visit.say(f'field.{name}').lower()}: {visit.say('yes' if value else 'no')}")
        elif key in pages.words:
            found.append(visit.say(key))
        elif name == "on":
            found.append(day(datetime.combine(date.fromisoformat(value), time(12), JAKARTA), visit.language))
        elif not name.endswith("_id"):
            found.append(str(value))
    return ", ".join(found)
