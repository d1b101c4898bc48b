"""Who is on call: the plan, a duty more, and one taken back."""

from functools import partial
from typing import Any
from uuid import UUID

from chassis import RefusedError, not_found
from chassis.web.pages import Sent, Visit
from chassis.web.pages.forms import Form, Question, as_moment, show
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import moment
from fastapi import Response

from notifications import policy
from notifications.api import escalation
from notifications.api.escalation import DutyBody, DutyView
from notifications.pages import pages
from notifications.pages.lists import options, said

router = pages.router
ROLES = ("shelter_head", "placement_officer", "supervisor")


@router.get("/on-call")
async def plan(visit: Visit) -> Response:
    """The duties that are not over."""
    found: list[DutyView] = await visit.ask(escalation.plan)
    return visit.show("duties.html", found=found)


@router.get("/on-call/new")
async def begin(visit: Visit) -> Response:
    """Put somebody on call."""
    return await _new(visit, None)


@router.post("/on-call/new")
async def add(visit: Sent) -> Response:
    """She is told by name in the steps that say so."""
    officer = str(visit.who.subject) if visit.field("who") == "me" else visit.field("officer")
    told: dict[str, Any] = {"role": visit.field("role"), "officer": officer, "unit": visit.field("unit"), "agency": visit.field("agency")}
    told |= {name: as_moment(visit.field(name)) for name in ("starts", "ends")}
    return await visit.send(escalation.add_duty, then="on-call?said=on_call", again=_new, body=lambda: DutyBody.model_validate(told))


@router.get("/on-call/{duty_id}/take-back")
async def really(duty_id: UUID, visit: Visit) -> Response:
    """Whether it is taken out of the plan."""
    return await _take_back(duty_id, visit, None)


@router.post("/on-call/{duty_id}/take-back")
async def take_back(duty_id: UUID, visit: Sent) -> Response:
    """Take it out; again changes nothing."""
    return await visit.send(escalation.take_back, then="on-call?said=off_call", again=partial(_take_back, duty_id), duty_id=duty_id)


async def _new(visit: Visiting, refused: RefusedError | None) -> Response:
    await visit.ask(escalation.plan)  # whose role may not plan gets no form
    everybody = visit.who.has(policy.ALL_AGENCIES)
    agency = [Question("line", "agency", visit.say("field.agency"), value=visit.who.agency)] if everybody else []
    questions = [
        Question("radios", "role", visit.say("duty.role"), options(visit.language, "role", ROLES)),
        *agency,
        Question("radios", "who", visit.say("duty.who"), options(visit.language, "duty", ("me", "other")), hint=visit.say("duty.who_hint")),
        Question("line", "officer", visit.say("field.officer"), hint=visit.say("duty.officer_hint")),
        Question("moment", "starts", visit.say("field.starts"), hint=visit.say("session.jakarta")),
        Question("moment", "ends", visit.say("field.ends"), hint=visit.say("duty.ends_hint")),
        Question("line", "unit", visit.say("field.unit"), hint=visit.say("duty.unit_hint")),
    ]
    return show(visit, Form(visit.say("duty.new"), questions, visit.say("duty.add"), "on-call/new", "on-call"), refused)


async def _take_back(duty_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    listed: list[DutyView] = await visit.ask(escalation.plan)
    found = next((one for one in listed if one.id == duty_id), None)
    if found is None:
        raise not_found("duty")
    caption = f"{said(visit.language, 'role', found.role)}, {moment(found.starts, visit.now, visit.language)}"
    title = visit.say("duty.take_back")
    return show(visit, Form(title, [], title, f"on-call/{duty_id}/take-back", "on-call", caption=caption, grave=True), refused)
