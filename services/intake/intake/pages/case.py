"""The case: where it stands, whose move each matter is, who they are as far as the reader may see it, with whom it is shared, what happened so far."""

from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from contracts.grounds import ClosureReturn, EndReason
from fastapi import Response

from intake import policy
from intake.api import cases, closing, consents, desk, disclosures, incidents, outreach, record
from intake.api.bodies import EndBody, ReturnClosureBody
from intake.api.record import RecordView
from intake.api.views import MASK, CaseView
from intake.domain.standing import ENDED
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import area_name, options
from intake.pages.queue import problem_words
from intake.pages.record import offers, transfers

router = pages.router
NOT_FOUND = 404
NEWEST = 12  # facts of the timeline that are shown at once


@router.get("/cases/{case_id}")
async def see(case_id: UUID, visit: Visit) -> Response:
    """The case; for an agency that is asked to lead it, and sees nothing else of it yet, what it is asked."""
    try:
        return await _see(case_id, visit, None)
    except RefusedError as refused:
        if refused.status == NOT_FOUND and await transfers.asked(case_id, visit):
            return visit.go(f"handovers/{case_id}")
        raise


@router.post("/cases/{case_id}/arrived")
async def arrived(case_id: UUID, visit: Sent) -> Response:
    """The outreach team is there."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _see(case_id, visit, refused)

    body = outreach.ArrivalBody
    return await visit.send(outreach.arrive, then=f"cases/{case_id}?said=arrived", again=again, body=body, case_id=case_id)


@router.get("/cases/{case_id}/close")
async def why_close(case_id: UUID, visit: Visit) -> Response:
    """Why the case ends."""
    return _reason(case_id, visit, None, "close")


@router.post("/cases/{case_id}/close")
async def close(case_id: UUID, visit: Sent) -> Response:
    """A supervisor closes it; an officer proposes that."""
    closes = visit.who.has(*policy.CLOSE)

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return _reason(case_id, visit, refused, "close")

    return await visit.send(
        closing.close if closes else closing.propose_closure,
        then=f"cases/{case_id}?said={'closed' if closes else 'proposed'}",
        again=again,
        body=lambda: EndBody.model_validate({"reason": visit.field("reason")}),
        case_id=case_id,
    )


@router.get("/cases/{case_id}/return")
async def why_return(case_id: UUID, visit: Visit) -> Response:
    """Why the case does not end."""
    return _reason(case_id, visit, None, "return")


@router.post("/cases/{case_id}/return")
async def give_back(case_id: UUID, visit: Sent) -> Response:
    """A supervisor does not close what was proposed."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return _reason(case_id, visit, refused, "return")

    return await visit.send(
        closing.return_closure,
        then=f"cases/{case_id}?said=returned",
        again=again,
        body=lambda: ReturnClosureBody.model_validate({"reason": visit.field("reason")}),
        case_id=case_id,
    )


def _reason(case_id: UUID, visit: Visiting, refused: RefusedError | None, what: str) -> Response:
    """The one question of why."""
    reasons = options("end", EndReason, visit.language) if what == "close" else options("return", ClosureReturn, visit.language)
    closes = visit.who.has(*policy.CLOSE)
    return visit.show(
        "reason.html", refused=refused, filled=Filled(visit.entered), case_id=case_id, reasons=reasons, what=what, closes=closes, key=visit.fresh_key
    )


async def _see(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    vault = visit.request.app.state.service.vault
    case: CaseView = await visit.ask(cases.case, case_id=case_id, vault=vault)
    now: RecordView = await visit.ask(record.record, case_id=case_id)
    facts = (await visit.ask(cases.timeline, case_id=case_id))[::-1]
    told = await visit.ask(incidents.list_incidents, case_id=case_id, vault=vault)
    return visit.show(
        "case.html",
        refused=refused,
        case=case,
        record=now,
        incidents=told,
        newest=facts[:NEWEST],
        earlier=facts[NEWEST:],
        masked=_masked(case, visit),
        can=_can(case, now, visit),
        offers=await offers.offers(case, now, visit),
        area_name=area_name,
        short=short,
        **(await _of_the_desk(case_id, visit)),
    )


def _masked(case: CaseView, visit: Visiting) -> str | None:
    """The key of why names, or some of them, are not shown here."""
    if visit.who.has(*policy.SEE_NAMES):
        return None
    shown = {case.callback, *(value for person in case.persons for value in (person.name, person.address))}
    return "case.to_find" if shown - {None, MASK} else "case.masked"


async def _of_the_desk(case_id: UUID, visit: Visiting) -> dict[str, Any]:
    """What desks see beside the case: with whom it is shared on which word, and what is missing in its report."""
    if not visit.who.has(*policy.DESK):
        return {"consents": None, "disclosures": None, "wrong": []}
    tasks = await visit.ask(desk.desk, done=False, limit=500, case_id=case_id)
    return {
        "consents": await visit.ask(consents.consents, case_id=case_id),
        "disclosures": await visit.ask(disclosures.disclosures, case_id=case_id),
        "wrong": [(task.task_id, problem_words(visit, task.problems)) for task in tasks],
    }


def short(kind: str) -> str:
    """The key of a fact's words: `case.intake.reported.v1` is `fact.intake.reported`."""
    key = f"fact.{kind.removeprefix('case.').rpartition('.')[0]}"
    return key if key in pages.words else "fact.other"


def _can(case: CaseView, now: RecordView, visit: Visiting) -> frozenset[str]:
    """What this officer may do about a case as it stands; the routes decide again."""
    goes_on, waits = case.state not in ENDED, {matter.matter for matter in now.matters}
    allowed = {
        "triage": (case.risk is None, policy.TRIAGE),
        "retriage": (case.risk is not None, policy.TRIAGE),
        "household": (True, policy.CHANGE_HOUSEHOLD),
        "close": (True, policy.CLOSE),
        "propose": ("closure_approval" not in waits and not visit.who.has(*policy.CLOSE), policy.PROPOSE_CLOSURE),
        "return": ("closure_approval" in waits, policy.CLOSE),
        "arrived": (case.reporting_agency == visit.who.agency or "outreach" in waits, (policy.OUTREACH,)),
    }
    return frozenset(name for name, (fits, roles) in allowed.items() if goes_on and fits and visit.who.has(*roles))
