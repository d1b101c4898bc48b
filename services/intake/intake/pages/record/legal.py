"""The law's steps of a case: what was done before police, courts and LPSK, which deadlines run, and recording the next one."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.visit import Visiting
from contracts.incidents import LegalStep
from contracts.intake import LegalStepRecorded
from fastapi import Response

from intake import policy
from intake.api import cases, casework, legal
from intake.api.bodies import LegalStepBody, PoliceReportBody
from intake.domain.duties import SETTLED_BY
from intake.domain.standing import ENDED
from intake.domain.workdays import JAKARTA
from intake.pages import pages
from intake.pages.filled import beginning
from intake.pages.lists import options
from intake.pages.record import asking
from intake.pages.record.asking import Asking, Question

router = pages.router
POLICE = "police_report"
OF_THE_LAW = (*SETTLED_BY, "protection_expiry")


@router.get("/cases/{case_id}/legal")
async def see_steps(case_id: UUID, visit: Visit) -> Response:
    """What was done and what is due by law."""
    now = await asking.of_case(visit, case_id, *policy.SEE_CASES)
    taken = [_days(fact.codes) for fact in await visit.ask(cases.timeline, case_id=case_id) if fact.type == LegalStepRecorded.type]
    writes = visit.who.has(*policy.RECORD_LEGAL_STEPS) and now.state not in ENDED
    due = [matter for matter in now.matters if matter.matter in OF_THE_LAW]
    police = all(step["code"] != POLICE for step in taken)
    return visit.show("record/legal.html", case_id=case_id, steps=taken[::-1], due=due, writes=writes, police=police)


@router.get("/cases/{case_id}/legal/step")
async def ask_step(case_id: UUID, visit: Visit) -> Response:
    """Which step was taken."""
    await asking.of_case(visit, case_id, *policy.RECORD_LEGAL_STEPS)
    return asking.show(visit, _step(case_id, visit))


@router.post("/cases/{case_id}/legal/step")
async def add_step(case_id: UUID, visit: Sent) -> Response:
    """Record it; the deadlines that follow are due by themselves."""
    told = {name: visit.field(name) for name in ("code", "on", "expires_on")}
    body = {name: value for name, value in told.items() if value}
    done = f"cases/{case_id}/legal?said=step"
    form = _step(case_id, visit)
    return await asking.send(visit, form, legal.record_step, then=done, body=lambda: LegalStepBody.model_validate(body), case_id=case_id)


@router.get("/cases/{case_id}/legal/police")
async def ask_police(case_id: UUID, visit: Visit) -> Response:
    """When the report to the police was made."""
    await asking.of_case(visit, case_id, *policy.RECORD_POLICE_REPORT)
    return asking.show(visit, _police(case_id, visit))


@router.post("/cases/{case_id}/legal/police")
async def add_police(case_id: UUID, visit: Sent) -> Response:
    """Record the report to the police."""
    moment = forms.as_moment(visit.field("reported_at"))
    done = f"cases/{case_id}/legal?said=step"
    return await asking.send(
        visit,
        _police(case_id, visit),
        casework.record_police_report,
        then=done,
        body=lambda: PoliceReportBody.model_validate({"reported_at": moment} if moment else {}),
        case_id=case_id,
    )


def _step(case_id: UUID, visit: Visiting) -> Asking:
    at, say = f"cases/{case_id}/legal", visit.say
    codes = [code for code in LegalStep if code != POLICE]
    today = visit.now.astimezone(JAKARTA).date().isoformat()
    return Asking(
        title=say("legal.step"),
        action=f"{at}/step",
        back=at,
        button=say("legal.save"),
        begins=beginning(on=today),
        questions=[
            Question("radios", "code", say("legal.code"), options("step", codes, visit.language)),
            Question("date", "on", say("field.on")),
            Question("date", "expires_on", say("field.expires_on"), hint=say("legal.expires_hint")),
        ],
    )


def _police(case_id: UUID, visit: Visiting) -> Asking:
    at, now = f"cases/{case_id}/legal", visit.now.astimezone(JAKARTA)
    return Asking(
        title=visit.say("legal.police"),
        action=f"{at}/police",
        back=at,
        button=visit.say("legal.save"),
        hint=visit.say("legal.police_hint"),
        begins=beginning(reported_at=now.strftime("%Y-%m-%dT%H:%M")),
        questions=[Question("moment", "reported_at", visit.say("field.reported_at"))],
    )


def _days(codes: Mapping[str, Any]) -> dict[str, Any]:
    """A step with its days as such."""
    days = {name: date.fromisoformat(codes[name]) for name in ("on", "expires_on") if codes.get(name)}
    return {**codes, **days}
