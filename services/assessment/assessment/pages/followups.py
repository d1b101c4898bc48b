"""Follow-ups: which are due, what they found, and what a supervisor decides when contact seems lost."""

from functools import partial
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from contracts.outcomes import LostDecision
from contracts.vocabulary import FollowupResult
from fastapi import Response

from assessment import policy
from assessment.api import cases, followups
from assessment.api.outcome_views import FollowupBody, LostBody
from assessment.domain.followups import UNDONE
from assessment.pages import pages
from assessment.pages.people import options
from assessment.views import CaseDetail

router = pages.router


@router.get("/cases/{case_id}/followups")
async def listed(case_id: UUID, visit: Visit) -> Response:
    """The follow-ups of a case: due, done, missed and lost."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    own = seen.worker_id == visit.who.subject
    decides = visit.who.has(policy.SUPERVISOR) and not own and "lost" in seen.deadlines
    return visit.show("followups.html", seen=seen, own=own, decides=decides, undone=UNDONE)


@router.get("/cases/{case_id}/followups/{number}")
async def what_was_found(case_id: UUID, number: int, visit: Visit) -> Response:
    """What a visit or call found."""
    return await _record(case_id, number, visit, None)


@router.post("/cases/{case_id}/followups/{number}")
async def record(case_id: UUID, number: int, visit: Sent) -> Response:
    """Record a follow-up, or a try that reached nobody."""
    return await visit.send(
        followups.followup_done,
        then=f"cases/{case_id}/followups?said=followed_up",
        again=partial(_record, case_id, number),
        body=lambda: FollowupBody.model_validate({"result": visit.field("result")}),
        case_id=case_id,
        number=number,
    )


async def _record(case_id: UUID, number: int, visit: Visiting, refused: RefusedError | None) -> Response:
    await visit.ask(cases.see_case, case_id=case_id)
    at = f"cases/{case_id}/followups"
    question = Question("radios", "result", visit.say("followup.title"), options(visit, "result", FollowupResult))
    form = Form(question.title, [question], visit.say("act.save"), f"{at}/{number}", at, told=[visit.say("followup.hint")])
    return forms.show(visit, form, refused)


@router.get("/cases/{case_id}/lost-contact")
async def how_on(case_id: UUID, visit: Visit) -> Response:
    """How it goes on with somebody whom nobody reached."""
    return await _lost(case_id, visit, None)


@router.post("/cases/{case_id}/lost-contact")
async def decide(case_id: UUID, visit: Sent) -> Response:
    """A supervisor decides that she is looked for again."""
    return await visit.send(
        followups.decide_on_lost_contact,
        then=f"cases/{case_id}/followups?said=looked_for",
        again=partial(_lost, case_id),
        body=lambda: LostBody.model_validate({"decision": visit.field("decision")}),
        case_id=case_id,
    )


async def _lost(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    await visit.ask(cases.see_case, case_id=case_id)
    question = Question("radios", "decision", visit.say("lost.title"), options(visit, "lost", LostDecision))
    at = f"cases/{case_id}/lost-contact"
    form = Form(question.title, [question], visit.say("act.save"), at, f"cases/{case_id}/followups", told=[visit.say("lost.hint")])
    return forms.show(visit, form, refused)
