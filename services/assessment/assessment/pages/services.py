"""The services of a plan: what was asked of which provider, the answers, and what a worker does about them."""

from functools import partial
from uuid import UUID

from chassis import RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from fastapi import Response

from assessment.api import cases, services
from assessment.api.bodies import AnswerBody, EndBody, ProviderBody, ServiceView
from assessment.domain.services import ENDS, OVER, TOLD, Answer, Reason
from assessment.pages import pages
from assessment.pages.people import labels, options
from assessment.views import CaseDetail

router = pages.router
AT = "/cases/{case_id}/services"
# What a provider may give as a reason; the last ones are the platform's own.
DECLINES = [reason for reason in Reason if reason not in {Reason.ASKED_ELSEWHERE, Reason.PLAN_CHANGED}]


@router.get(AT)
async def listed(case_id: UUID, visit: Visit) -> Response:
    """The services of a case, what waits for somebody first."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    found: list[ServiceView] = await visit.ask(services.list_services, case_id=case_id)
    found.sort(key=lambda one: (one.due_at is None, one.due_at or one.changed_at, one.service_id))
    own = seen.worker_id == visit.who.subject
    return visit.show("services.html", seen=seen, people=labels(seen.members, visit), found=found, own=own, over=OVER, told=TOLD)


@router.get(AT + "/{service_id}/answer")
async def what_they_said(case_id: UUID, service_id: UUID, visit: Visit) -> Response:
    """What a provider said otherwise than by its system."""
    return await _answer(case_id, service_id, visit, None)


@router.post(AT + "/{service_id}/answer")
async def record_answer(case_id: UUID, service_id: UUID, visit: Sent) -> Response:
    """Record it."""
    return await visit.send(
        services.record_answer,
        then=f"cases/{case_id}/services?said=service_answered",
        again=partial(_answer, case_id, service_id),
        body=lambda: AnswerBody.model_validate({"answer": visit.field("answer"), "reason": visit.field("reason")}),
        case_id=case_id,
        service_id=service_id,
    )


@router.get(AT + "/{service_id}/end")
async def why_not(case_id: UUID, service_id: UUID, visit: Visit) -> Response:
    """Why nobody is asked for it any more."""
    return await _end(case_id, service_id, visit, None)


@router.post(AT + "/{service_id}/end")
async def end(case_id: UUID, service_id: UUID, visit: Sent) -> Response:
    """Ask for it no more."""
    return await visit.send(
        services.end,
        then=f"cases/{case_id}/services?said=service_ended",
        again=partial(_end, case_id, service_id),
        body=lambda: EndBody.model_validate({"reason": visit.field("reason")}),
        case_id=case_id,
        service_id=service_id,
    )


@router.get(AT + "/{service_id}/ask")
async def whom_else(case_id: UUID, service_id: UUID, visit: Visit) -> Response:
    """Which other agency is asked."""
    return await _ask(case_id, service_id, visit, None)


@router.post(AT + "/{service_id}/ask")
async def ask_another(case_id: UUID, service_id: UUID, visit: Sent) -> Response:
    """Ask it."""
    return await visit.send(
        services.ask_another,
        then=f"cases/{case_id}/services?said=service_asked",
        again=partial(_ask, case_id, service_id),
        body=lambda: ProviderBody.model_validate({"provider": visit.field("provider")}),
        case_id=case_id,
        service_id=service_id,
    )


async def _answer(case_id: UUID, service_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    questions = [
        Question("radios", "answer", visit.say("services.answer"), options(visit, "answer", Answer)),
        Question("choose", "reason", visit.say("services.why_declined"), options(visit, "service_reason", DECLINES)),
    ]
    return await _form("answer", questions, case_id, service_id, visit, refused=refused)


async def _end(case_id: UUID, service_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    ends = [reason for reason in Reason if reason in ENDS]
    question = Question("radios", "reason", visit.say("services.why_end"), options(visit, "service_reason", ends))
    return await _form("end", [question], case_id, service_id, visit, refused=refused)


async def _ask(case_id: UUID, service_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    question = Question("line", "provider", visit.say("services.provider"), hint=visit.say("plan.provider_hint"))
    return await _form("ask", [question], case_id, service_id, visit, refused=refused)


async def _form(kind: str, questions: list[Question], case_id: UUID, service_id: UUID, visit: Visiting, *, refused: RefusedError | None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    found: list[ServiceView] = await visit.ask(services.list_services, case_id=case_id)
    one = next((entry for entry in found if entry.service_id == service_id), None)
    if one is None:
        raise not_found("service")
    who = labels(seen.members, visit).get(one.person_id, "")
    caption = f"{who}: {visit.say('plan.service', service=visit.say(f'service.{one.code}'), provider=one.provider)}"
    at = f"cases/{case_id}/services"
    title = questions[0].title if kind == "end" else visit.say(f"services.{kind}_title")
    form = Form(title, questions, visit.say("act.save"), f"{at}/{service_id}/{kind}", at, caption=caption, grave=kind == "end")
    return forms.show(visit, form, refused)
