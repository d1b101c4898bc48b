"""Which agency leads a case: it is asked of another one, which takes the case or does not; until then that one sees codes only."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError, not_found
from contracts.grounds import HandoverReason
from fastapi import Response

from intake import policy
from intake.api import agencies, handover
from intake.api.bodies import DeclineBody, HandoverBody, TakeOverBody
from intake.api.handover import HandoverView
from intake.pages import pages
from intake.pages.lists import options
from intake.pages.record import asking
from intake.pages.record.agencies import which
from intake.pages.record.asking import Asking, Question

router = pages.router


@router.get("/handovers")
async def see_handovers(visit: Visit) -> Response:
    """The cases that your agency is asked to lead."""
    return visit.show("record/handovers.html", found=await visit.ask(handover.handovers))


@router.get("/handovers/{case_id}")
async def see_handover(case_id: UUID, visit: Visit) -> Response:
    """One of them: what is known of it as codes, and the answer."""
    return await _asked(case_id, visit, None)


@router.post("/handovers/{case_id}/accept")
async def accept(case_id: UUID, visit: Sent) -> Response:
    """Your agency leads it from now on, and sees all of it."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _asked(case_id, visit, refused)

    unit = visit.field("unit")
    return await visit.send(
        handover.accept,
        then=f"cases/{case_id}?said=taken_over",
        again=again,
        body=lambda: TakeOverBody.model_validate({"unit": unit}),
        case_id=case_id,
    )


@router.get("/handovers/{case_id}/decline")
async def ask_decline(case_id: UUID, visit: Visit) -> Response:
    """Why your agency does not take it."""
    await _one(case_id, visit)
    return asking.show(visit, _why(visit, "handover.decline", f"handovers/{case_id}/decline", f"handovers/{case_id}"))


@router.post("/handovers/{case_id}/decline")
async def decline(case_id: UUID, visit: Sent) -> Response:
    """It does not; who led it still does."""
    form = _why(visit, "handover.decline", f"handovers/{case_id}/decline", f"handovers/{case_id}")
    return await _say_no(case_id, visit, form, "queue?said=declined")


@router.get("/cases/{case_id}/handover")
async def ask_agency(case_id: UUID, visit: Visit) -> Response:
    """Which agency is to lead, and why."""
    await asking.of_case(visit, case_id, *policy.HAND_OVER)
    return asking.show(visit, await _proposal(case_id, visit))


@router.post("/cases/{case_id}/handover")
async def propose(case_id: UUID, visit: Sent) -> Response:
    """Ask it; yours leads until it accepts."""
    told = {name: value for name in ("agency", "reason") if (value := visit.field(name))}
    form, done = await _proposal(case_id, visit), f"cases/{case_id}?said=asked_over"
    return await asking.send(visit, form, handover.propose, then=done, body=lambda: HandoverBody.model_validate(told), case_id=case_id)


@router.get("/cases/{case_id}/handover/withdraw")
async def ask_withdrawal(case_id: UUID, visit: Visit) -> Response:
    """Why the request is taken back."""
    await asking.of_case(visit, case_id, *policy.HAND_OVER)
    return asking.show(visit, _why(visit, "handover.withdraw", f"cases/{case_id}/handover/withdraw", f"cases/{case_id}"))


@router.post("/cases/{case_id}/handover/withdraw")
async def withdraw(case_id: UUID, visit: Sent) -> Response:
    """Take it back; your agency goes on leading."""
    form = _why(visit, "handover.withdraw", f"cases/{case_id}/handover/withdraw", f"cases/{case_id}")
    return await _say_no(case_id, visit, form, f"cases/{case_id}?said=asked_back")


async def asked(case_id: UUID, visit: Visiting) -> bool:
    """Whether her agency is asked to lead a case, and hers is the answer."""
    return visit.who.has(*policy.HAND_OVER) and any(view.case_id == case_id for view in await visit.ask(handover.handovers))


async def _say_no(case_id: UUID, visit: Visiting, form: Asking, done: str) -> Response:
    body = {"reason": reason} if (reason := visit.field("reason")) else {}
    return await asking.send(visit, form, handover.decline, then=done, body=lambda: DeclineBody.model_validate(body), case_id=case_id)


def _why(visit: Visiting, key: str, action: str, back: str) -> Asking:
    reasons = Question("radios", "reason", visit.say("field.reason"), options("handover_reason", HandoverReason, visit.language))
    return Asking(title=visit.say(key), action=action, back=back, button=visit.say(key), questions=[reasons])


async def _proposal(case_id: UUID, visit: Visiting) -> Asking:
    say = visit.say
    return Asking(
        title=say("handover.propose"),
        action=f"cases/{case_id}/handover",
        back=f"cases/{case_id}",
        button=say("handover.ask"),
        hint=say("handover.hint"),
        questions=[
            await which(visit, "agency", say("field.agency"), but=visit.who.agency),
            Question("radios", "reason", say("field.reason"), options("handover_reason", HandoverReason, visit.language)),
        ],
    )


async def _asked(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    asked = await _one(case_id, visit)
    register = await visit.ask(agencies.list_agencies)
    units: list[str] = next((entry.units for entry in register.agencies if entry.code == visit.who.agency), [])
    return visit.show("record/handover.html", refused=refused, asked=asked, units=units, filled=asking.entered(visit))


async def _one(case_id: UUID, visit: Visiting) -> HandoverView:
    asked: HandoverView | None = next((view for view in await visit.ask(handover.handovers) if view.case_id == case_id), None)
    if asked is None:
        raise not_found("handover")
    return asked
