"""Programmes of social rehabilitation: what is offered with which places, and who of a case takes part in what."""

from functools import partial
from uuid import UUID

from chassis import RefusedError, not_found
from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.forms import Form, Question
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import moment
from contracts.outcomes import Independence, WithdrawalReason
from fastapi import Response

from assessment import policy
from assessment.api import cases, programmes
from assessment.api.programmes import AttendanceBody, EnrolBody, EnrolmentView, FinishBody, ProgrammeView, WithdrawBody
from assessment.pages import pages
from assessment.pages.fields import chosen, yes_or_no
from assessment.pages.people import labels, options
from assessment.views import CaseDetail

router = pages.router
AT = "/cases/{case_id}/enrolments"
# The last reason is the platform's own.
LEAVES = [reason for reason in WithdrawalReason if reason is not WithdrawalReason.OUTCOME_ENDED]


@router.get("/programmes")
async def offered(visit: Visit) -> Response:
    """What is offered, and how many places are free."""
    return visit.show("programmes.html", found=await visit.ask(programmes.list_programmes), keeps=visit.who.has(*policy.KEEP_WORKERS))


@router.get(AT)
async def listed(case_id: UUID, visit: Visit) -> Response:
    """In what the persons of a case take part."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    found: list[EnrolmentView] = await visit.ask(programmes.list_enrolments, case_id=case_id)
    known = {entry.programme_id: entry for entry in await visit.ask(programmes.list_programmes)}
    own = seen.worker_id == visit.who.subject
    return visit.show("enrolments.html", seen=seen, found=found, known=known, people=labels(seen.members, visit), own=own)


@router.get(AT + "/new")
async def whom(case_id: UUID, visit: Visit) -> Response:
    """Who takes part in what."""
    return await _enrol(case_id, visit, None)


@router.post(AT + "/new")
async def enrol(case_id: UUID, visit: Sent) -> Response:
    """Enrol somebody."""
    return await visit.send(
        programmes.enrol,
        then=f"cases/{case_id}/enrolments?said=enrolled",
        again=partial(_enrol, case_id),
        body=lambda: EnrolBody.model_validate({"person_id": visit.field("person_id"), "programme_id": visit.field("programme_id")}),
        case_id=case_id,
    )


async def _enrol(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    offers: list[ProgrammeView] = await visit.ask(programmes.list_programmes)
    persons = [(str(member.person_id), people[member.person_id]) for member in seen.members if member.outcome]
    choices = [(str(entry.programme_id), _one(entry, visit)) for entry in offers if entry.free > 0]
    questions = [
        Question("radios", "person_id", visit.say("enrolments.who"), persons),
        Question("radios", "programme_id", visit.say("enrolments.which"), choices),
    ]
    at = f"cases/{case_id}/enrolments"
    told = [] if choices else [visit.say("programmes.none")]
    form = Form(visit.say("enrolments.enrol"), questions, visit.say("act.save"), f"{at}/new", at, told=told)
    return forms.show(visit, form, refused)


def _one(entry: ProgrammeView, visit: Visiting) -> str:
    free = visit.say("programmes.free", free=entry.free, places=entry.places)
    return f"{entry.name or visit.say(f'programme.{entry.kind}')} ({entry.provider}): {free}"


@router.get(AT + "/{enrolment_id}/attend")
async def who_was_there(case_id: UUID, enrolment_id: UUID, visit: Visit) -> Response:
    """Whether she was at a session."""
    return await _attend(case_id, enrolment_id, visit, None)


@router.post(AT + "/{enrolment_id}/attend")
async def attend(case_id: UUID, enrolment_id: UUID, visit: Sent) -> Response:
    """Record it."""
    session = visit.field("session")
    told = {"session": int(session) if session and session.isdecimal() else None, "present": chosen(visit, "present")}
    return await visit.send(
        programmes.attend,
        then=f"cases/{case_id}/enrolments?said=attended",
        again=partial(_attend, case_id, enrolment_id),
        body=lambda: AttendanceBody.model_validate(told),
        case_id=case_id,
        enrolment_id=enrolment_id,
    )


async def _attend(case_id: UUID, enrolment_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    mine, programme = await _mine(case_id, enrolment_id, visit)
    sessions = [
        (str(n), visit.say("enrolments.session_one", number=n, at=moment(at, visit.now, visit.language)))
        for n, at in enumerate(programme.sessions if programme else (), 1)
    ]
    questions = [
        Question("choose", "session", visit.say("enrolments.session"), sessions),
        Question("radios", "present", visit.say("enrolments.present"), yes_or_no(visit)),
    ]
    return await _form(case_id, "attend", questions, mine, visit, refused=refused)


@router.get(AT + "/{enrolment_id}/leave")
async def why_leave(case_id: UUID, enrolment_id: UUID, visit: Visit) -> Response:
    """Why she leaves it."""
    return await _leave(case_id, enrolment_id, visit, None)


@router.post(AT + "/{enrolment_id}/leave")
async def leave(case_id: UUID, enrolment_id: UUID, visit: Sent) -> Response:
    """Her place is free for others."""
    return await visit.send(
        programmes.withdraw,
        then=f"cases/{case_id}/enrolments?said=left",
        again=partial(_leave, case_id, enrolment_id),
        body=lambda: WithdrawBody.model_validate({"reason": visit.field("reason")}),
        case_id=case_id,
        enrolment_id=enrolment_id,
    )


async def _leave(case_id: UUID, enrolment_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    mine, _ = await _mine(case_id, enrolment_id, visit)
    question = Question("radios", "reason", visit.say("enrolments.why_leave"), options(visit, "leave", LEAVES))
    return await _form(case_id, "leave", [question], mine, visit, refused=refused)


@router.get(AT + "/{enrolment_id}/finish")
async def what_came_of_it(case_id: UUID, enrolment_id: UUID, visit: Visit) -> Response:
    """What came of the programme."""
    return await _finish(case_id, enrolment_id, visit, None)


@router.post(AT + "/{enrolment_id}/finish")
async def finish(case_id: UUID, enrolment_id: UUID, visit: Sent) -> Response:
    """She completed it."""
    told = {"certificate": chosen(visit, "certificate"), "independence": visit.field("independence")}
    return await visit.send(
        programmes.finish,
        then=f"cases/{case_id}/enrolments?said=finished",
        again=partial(_finish, case_id, enrolment_id),
        body=lambda: FinishBody.model_validate(told),
        case_id=case_id,
        enrolment_id=enrolment_id,
    )


async def _finish(case_id: UUID, enrolment_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    mine, _ = await _mine(case_id, enrolment_id, visit)
    questions = [
        Question("radios", "certificate", visit.say("enrolments.certificate"), yes_or_no(visit)),
        Question("radios", "independence", visit.say("enrolments.independence"), options(visit, "independence", Independence)),
    ]
    return await _form(case_id, "finish", questions, mine, visit, refused=refused)


async def _mine(case_id: UUID, enrolment_id: UUID, visit: Visiting) -> tuple[EnrolmentView, ProgrammeView | None]:
    found: list[EnrolmentView] = await visit.ask(programmes.list_enrolments, case_id=case_id)
    mine = next((entry for entry in found if entry.enrolment_id == enrolment_id), None)
    if mine is None:
        raise not_found("enrolment")
    offers: list[ProgrammeView] = await visit.ask(programmes.list_programmes)
    return mine, next((entry for entry in offers if entry.programme_id == mine.programme_id), None)


async def _form(
    case_id: UUID, act: str, questions: list[Question], mine: EnrolmentView, visit: Visiting, *, refused: RefusedError | None
) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    at = f"cases/{case_id}/enrolments"
    person = labels(seen.members, visit).get(mine.person_id)
    title = questions[0].title if act == "leave" else visit.say(f"enrolments.{act}")
    form = Form(title, questions, visit.say("act.save"), f"{at}/{mine.enrolment_id}/{act}", at, caption=person, grave=act == "leave")
    return forms.show(visit, form, refused)
