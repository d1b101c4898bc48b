"""An offer between the yes and the arrival: more time, taken back, on its way, and whom those call who asked for it."""

from functools import partial
from typing import get_args
from uuid import UUID

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import Handover
from fastapi import Response

from placement import policy
from placement.api import placements
from placement.api.placement_views import ByPeople, CancelBody, ContactView, ExtendBody, OnTheWayBody
from placement.pages import pages

router = pages.router
MINUTES = (15, 30, 60, 120, 180, 360)
AT = "/placements/{placement_id}"


@router.get(AT + "/extend")
async def how_long(placement_id: UUID, visit: Visit) -> Response:
    """How much more time."""
    return await _extend(placement_id, visit, None)


@router.post(AT + "/extend")
async def extend(placement_id: UUID, visit: Sent) -> Response:
    """Give the answer, or those who are expected, more time."""
    return await visit.send(
        placements.extend,
        then=f"placements/{placement_id}?said=extended",
        again=partial(_extend, placement_id),
        body=lambda: ExtendBody.model_validate({"minutes": visit.field("minutes")}),
        placement_id=placement_id,
    )


@router.get(AT + "/cancel")
async def why_back(placement_id: UUID, visit: Visit) -> Response:
    """Why it is taken back."""
    return await _cancel(placement_id, visit, None)


@router.post(AT + "/cancel")
async def cancel(placement_id: UUID, visit: Sent) -> Response:
    """Take an offer back."""
    return await visit.send(
        placements.cancel,
        then=f"placements/{placement_id}?said=cancelled",
        again=partial(_cancel, placement_id),
        body=lambda: CancelBody.model_validate({"reason": visit.field("reason")}),
        placement_id=placement_id,
    )


@router.get(AT + "/on-the-way")
async def how_they_come(placement_id: UUID, visit: Visit) -> Response:
    """How the household comes to the shelter."""
    return await _on_the_way(placement_id, visit, None)


@router.post(AT + "/on-the-way")
async def on_the_way(placement_id: UUID, visit: Sent) -> Response:
    """The household left for the shelter."""
    return await visit.send(
        placements.on_the_way,
        then=f"placements/{placement_id}?said=on_the_way",
        again=partial(_on_the_way, placement_id),
        body=lambda: _how(visit),
        placement_id=placement_id,
    )


def _how(visit: Visiting) -> OnTheWayBody:
    """How they come: a system may leave it open, who is asked on a page says it."""
    if visit.field("handover") is None:
        raise RefusedError(422, "say how they come", [FieldProblem("handover", "missing")])
    return OnTheWayBody.model_validate({"handover": visit.field("handover")})


@router.get(AT + "/contact")
async def whom_to_call(placement_id: UUID, visit: Visit) -> Response:
    """Whom to call, with the number to tap; before the yes that there is nobody yet. What those who asked may do stands beside it."""
    may = {"back": policy.TAKE_BACK, "send_off": policy.SEND_OFF, "placement": policy.SEE_PLACEMENTS}
    can = {name for name, roles in may.items() if visit.who.has(*roles)}
    try:
        found: ContactView = await visit.ask(placements.whom_to_call, placement_id=placement_id)
    except RefusedError as refused:
        if "state" not in refused.members:
            raise
        return visit.show("contact.html", placement_id=placement_id, phone=None, state=refused.members["state"], can=can)
    return visit.show("contact.html", placement_id=placement_id, phone=found.phone, state=None, can=can)


async def _extend(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    options = [(str(minutes), visit.say("extend.minutes", number=minutes)) for minutes in MINUTES]
    return _ask(placement_id, visit, "extend", Question("radios", "minutes", visit.say("extend.title"), options), refused)


async def _cancel(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    options = [(reason.value, visit.say(f"cancel.{reason.value}")) for reason in get_args(ByPeople)]
    hint = visit.say("cancel.hint")
    return _ask(placement_id, visit, "cancel", Question("radios", "reason", visit.say("cancel.title"), options, hint=hint), refused)


async def _on_the_way(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    options = [(how.value, visit.say(f"handover.{how.value}")) for how in Handover]
    hint = visit.say("on_the_way.hint")
    return _ask(placement_id, visit, "on-the-way", Question("radios", "handover", visit.say("on_the_way.title"), options, hint=hint), refused)


def _ask(placement_id: UUID, visit: Visiting, action: str, question: Question, refused: RefusedError | None) -> Response:
    """A form of one question about a placement."""
    at, grave = f"placements/{placement_id}", action == "cancel"
    button = visit.say({"extend": "extend.do", "cancel": "cancel.do", "on-the-way": "act.on_the_way"}[action])
    return forms.show(visit, Form(question.title, [question], button, f"{at}/{action}", at, grave=grave), refused)
