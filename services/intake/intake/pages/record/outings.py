"""Outreach: which team is sent, and what it found, recorded at the door with one tap for the result and one for each person."""

from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import FieldProblem, RefusedError
from contracts.vocabulary import OutreachResult, StreetAgreement
from fastapi import Response

from intake import policy
from intake.api import cases, outreach
from intake.api.outreach import OutreachBody, ResultBody
from intake.api.views import CaseView
from intake.domain.standing import ENDED
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.household import in_the_form
from intake.pages.lists import options
from intake.pages.record import asking
from intake.pages.record.agencies import which
from intake.pages.record.asking import Asking, Question

router = pages.router
NOBODY_MET = OutreachResult.NOT_FOUND
# What a person says at the door, the most usual first; that nobody was met follows from the result.
SAID = [entry for entry in StreetAgreement if entry is not StreetAgreement.NOT_MET]


@router.get("/cases/{case_id}/outreach")
async def see_outings(case_id: UUID, visit: Visit) -> Response:
    """The teams that were sent, the newest first."""
    now = await asking.of_case(visit, case_id, *policy.SEE_CASES)
    found = await visit.ask(outreach.outings, case_id=case_id)
    out = bool(found) and found[-1].ended_at is None and now.state not in ENDED
    sends = visit.who.has(*policy.DISPATCH) and not out and now.state not in ENDED
    ends = visit.who.has(*policy.END_OUTREACH) and out
    people = {person.person_id: person for person in (await _case(case_id, visit)).persons}
    return visit.show("record/outings.html", case_id=case_id, found=found[::-1], sends=sends, ends=ends, people=people)


@router.get("/cases/{case_id}/outreach/send")
async def ask_team(case_id: UUID, visit: Visit) -> Response:
    """Which team goes."""
    await asking.of_case(visit, case_id, *policy.DISPATCH)
    return asking.show(visit, await _sending(case_id, visit))


@router.post("/cases/{case_id}/outreach/send")
async def send_team(case_id: UUID, visit: Sent) -> Response:
    """Send it; its clock goes by risk."""
    body, done = {"team": visit.field("team")}, f"cases/{case_id}?said=sent_out"
    form = await _sending(case_id, visit)
    return await asking.send(visit, form, outreach.dispatch, then=done, body=lambda: OutreachBody.model_validate(body), case_id=case_id)


@router.get("/cases/{case_id}/outreach/result")
async def ask_result(case_id: UUID, visit: Visit, result: OutreachResult | None = None) -> Response:
    """What the team found: first the result, then what each person said."""
    await asking.of_case(visit, case_id, *policy.END_OUTREACH)
    if result is None:
        return visit.show("record/result.html", case_id=case_id, results=options("result", OutreachResult, visit.language))
    return asking.show(visit, _result(await _case(case_id, visit), visit, result))


@router.post("/cases/{case_id}/outreach/result")
async def end(case_id: UUID, visit: Sent) -> Response:
    """Record it. Nobody is brought along without an agreement that holds.

    What is sent is read from the form alone: a team that came back sees the case no more, and may tap twice.
    """
    filled = Filled(visit.entered)
    said = {place: agreement for place in range(filled.persons) if (agreement := filled.one(f"persons.{place}.agreement"))}
    persons = [{"person_id": filled.one(f"persons.{place}.person_id"), "agreement": agreement} for place, agreement in said.items()]
    result = filled.one("result")

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        case = await _case(case_id, visit)
        shown = OutreachResult(result) if result in set(OutreachResult) else NOBODY_MET
        # The route counts those of whom something was said; the form has a place for everybody.
        return asking.show(visit, _result(case, visit, shown), _in_words(in_the_form(refused, list(said))) if refused else None)

    return await visit.send(
        outreach.end_outreach,
        then=f"cases/{case_id}?said=came_back" if visit.who.has(*policy.DISPATCH) else "queue?said=came_back",
        again=again,
        body=lambda: ResultBody.model_validate({"result": result, "persons": persons}),
        case_id=case_id,
    )


async def _sending(case_id: UUID, visit: Visiting) -> Asking:
    at, say = f"cases/{case_id}/outreach", visit.say
    team = await which(visit, "team", say("field.team"))
    return Asking(title=say("outing.send"), action=f"{at}/send", back=f"cases/{case_id}", button=say("outing.send"), questions=[team])


def _result(case: CaseView, visit: Visiting, result: OutreachResult) -> Asking:
    at, say = f"cases/{case.case_id}/outreach/result", visit.say
    met = [] if result is NOBODY_MET else case.persons
    words = options("agreement", SAID, visit.language)
    persons = [Question("radios", f"persons.{place}.agreement", asking.called(visit, person), words) for place, person in enumerate(met)]
    return Asking(
        title=say(f"result.{result}"),
        action=at,
        back=at,
        button=say("outing.save"),
        hint=say("outing.brought_hint") if result is OutreachResult.BROUGHT else say("outing.said_hint") if met else say("outing.not_found_hint"),
        carries={"result": [result], **{f"persons.{place}.person_id": [str(person.person_id)] for place, person in enumerate(met)}},
        questions=persons,
    )


def _in_words(refused: RefusedError) -> RefusedError:
    """The refusal of a bringing without anybody who agreed, as that."""
    problems = [FieldProblem("persons", "nobody_came") if problem == FieldProblem("persons", "missing") else problem for problem in refused.problems]
    return RefusedError(refused.status, refused.title, problems, **refused.members)


async def _case(case_id: UUID, visit: Visiting) -> CaseView:
    found: CaseView = await visit.ask(cases.case, case_id=case_id, vault=visit.request.app.state.service.vault)
    return found
