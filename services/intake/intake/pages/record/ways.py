"""How a case ends and goes on: she withdraws, it leaves the platform, nobody reaches her, it goes on; and where somebody sleeps who joined."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import not_found
from contracts.consents import Purpose
from contracts.grounds import EndReason, LegalBasis, OverrideReason, ReopenReason
from contracts.vocabulary import JoinerPlace
from fastapi import Response

from intake import policy
from intake.api import cases, casework, closing
from intake.api.bodies import EndBody, JoinerBody, ReferOutBody, ReopenBody
from intake.api.views import CaseView
from intake.pages import pages
from intake.pages.filled import beginning
from intake.pages.lists import options
from intake.pages.record import asking
from intake.pages.record.agencies import which
from intake.pages.record.asking import Asking, Question

router = pages.router


@router.get("/cases/{case_id}/withdraw")
async def ask_withdrawal(case_id: UUID, visit: Visit) -> Response:
    """Why everybody stops."""
    await asking.of_case(visit, case_id, *policy.WITHDRAW)
    return asking.show(visit, _withdrawal(case_id, visit))


@router.post("/cases/{case_id}/withdraw")
async def withdraw(case_id: UUID, visit: Sent) -> Response:
    """The survivor withdraws, or it was no case: everyone stops what they do for it."""
    done, body = f"cases/{case_id}?said=withdrawn", _told(visit, "reason")
    form = _withdrawal(case_id, visit)
    return await asking.send(visit, form, casework.withdraw, then=done, body=lambda: EndBody.model_validate(body), case_id=case_id)


@router.get("/cases/{case_id}/lost")
async def ask_lost(case_id: UUID, visit: Visit) -> Response:
    """Whether nobody can reach her any more."""
    await asking.of_case(visit, case_id, *policy.LOSE_CONTACT)
    return asking.show(visit, _plain(case_id, visit, "lost"))


@router.post("/cases/{case_id}/lost")
async def lose_contact(case_id: UUID, visit: Sent) -> Response:
    """Everyone stops, and some weeks later it is tried again."""
    done = f"cases/{case_id}?said=lost"
    return await asking.send(visit, _plain(case_id, visit, "lost"), closing.lose_contact, then=done, case_id=case_id)


@router.get("/cases/{case_id}/reopen")
async def ask_reopening(case_id: UUID, visit: Visit) -> Response:
    """Why the case goes on."""
    await asking.of_case(visit, case_id, *policy.REOPEN)
    return asking.show(visit, _reopening(case_id, visit))


@router.post("/cases/{case_id}/reopen")
async def reopen(case_id: UUID, visit: Sent) -> Response:
    """It goes on where its facts say, and is triaged anew."""
    done, body = f"cases/{case_id}?said=reopened", _told(visit, "reason")
    form = _reopening(case_id, visit)
    return await asking.send(visit, form, closing.reopen, then=done, body=lambda: ReopenBody.model_validate(body), case_id=case_id)


@router.get("/cases/{case_id}/refer-out")
async def ask_referral(case_id: UUID, visit: Visit) -> Response:
    """To whom outside the platform, why and on which basis."""
    await asking.of_case(visit, case_id, *policy.REFER_OUT)
    return asking.show(visit, await _referral(case_id, visit))


@router.post("/cases/{case_id}/refer-out")
async def refer_out(case_id: UUID, visit: Sent) -> Response:
    """The case leaves the platform: with the consent of each of the household, or for a reason that a supervisor answers for."""
    done, body = f"cases/{case_id}?said=referred_out", _told(visit, "reason", "agency", "purpose", "basis", "override")
    form = await _referral(case_id, visit)
    return await asking.send(visit, form, casework.refer_out, then=done, body=lambda: ReferOutBody.model_validate(body), case_id=case_id)


@router.get("/cases/{case_id}/household/{person_id}/place")
async def ask_place(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """Where somebody sleeps who joined a household that is in a shelter."""
    await asking.of_case(visit, case_id, *policy.CHANGE_HOUSEHOLD)
    return asking.show(visit, await _joiner(case_id, person_id, visit))


@router.post("/cases/{case_id}/household/{person_id}/place")
async def settle(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Say where."""
    done, body = f"cases/{case_id}?said=placed", _told(visit, "place")
    form = await _joiner(case_id, person_id, visit)
    return await asking.send(
        visit, form, casework.settle_joiner, then=done, body=lambda: JoinerBody.model_validate(body), case_id=case_id, person_id=person_id
    )


def _told(visit: Visiting, *names: str) -> dict[str, Any]:
    return {name: value for name in names if (value := visit.field(name))}


def _plain(case_id: UUID, visit: Visiting, what: str, questions: Iterable[Question] = (), *, grave: bool = True) -> Asking:
    """A form of the case itself whose words are under its name."""
    say = visit.say
    return Asking(
        title=say(f"ways.{what}"),
        action=f"cases/{case_id}/{what.replace('_', '-')}",
        back=f"cases/{case_id}",
        button=say(f"ways.{what}_do"),
        questions=tuple(questions),
        hint=say(f"ways.{what}_hint"),
        grave=grave,
    )


def _withdrawal(case_id: UUID, visit: Visiting) -> Asking:
    reasons = options("end", EndReason, visit.language)
    return _plain(case_id, visit, "withdraw", [Question("radios", "reason", visit.say("field.reason"), reasons)])


def _reopening(case_id: UUID, visit: Visiting) -> Asking:
    reasons = options("reopening", ReopenReason, visit.language)
    return _plain(case_id, visit, "reopen", [Question("radios", "reason", visit.say("field.reason"), reasons)], grave=False)


async def _referral(case_id: UUID, visit: Visiting) -> Asking:
    say, language = visit.say, visit.language
    decides = visit.who.has(*policy.SHARE_WITHOUT_CONSENT)
    without = [
        Question("radios", "basis", say("field.basis"), options("basis", LegalBasis, language)),
        Question("radios", "override", say("field.override"), options("override", OverrideReason, language), hint=say("ways.override_hint")),
    ]
    questions = [
        Question("radios", "reason", say("field.reason"), options("end", EndReason, language)),
        await which(visit, "agency", say("field.refer_to"), needed=False),
        Question("radios", "purpose", say("field.purpose"), options("purpose", Purpose, language)),
        *(without if decides else ()),
    ]
    begins = beginning(purpose=Purpose.CASE_WORK, basis=LegalBasis.CONSENT)
    case: CaseView = await visit.ask(cases.case, case_id=case_id, vault=visit.request.app.state.service.vault)
    called = {f"persons.{person.person_id}": asking.called(visit, person) for person in case.persons}
    return replace(_plain(case_id, visit, "refer_out", questions), begins=begins, called=called)


async def _joiner(case_id: UUID, person_id: UUID, visit: Visiting) -> Asking:
    case: CaseView = await visit.ask(cases.case, case_id=case_id, vault=visit.request.app.state.service.vault)
    who = next((person for person in case.persons if person.person_id == person_id), None)
    if who is None:
        raise not_found("person")
    places = Question("radios", "place", visit.say("joiner.place"), options("joiner_place", JoinerPlace, visit.language))
    return Asking(
        title=visit.say("joiner.title"),
        action=f"cases/{case_id}/household/{person_id}/place",
        back=f"cases/{case_id}",
        button=visit.say("household.save"),
        hint=asking.called(visit, who),
        questions=[places],
    )
