"""What an assessment comes to: the worker judges, and the floor of rules under her judgement is shown before and after."""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from contracts.vocabulary import AssessmentFlag, Band, Risk
from fastapi import Response

from assessment.api import answers, cases, instruments
from assessment.domain import risk
from assessment.domain.case import State
from assessment.domain.reassessment import Kind
from assessment.domain.risk import Danger
from assessment.pages import pages
from assessment.pages.case import completed, vault
from assessment.pages.people import labels, officer, options
from assessment.views import AnswersView, CaseDetail, CompleteBody, NoInstrument

router = pages.router
SCREEN = "triage_screen"


@router.get("/cases/{case_id}/conclude")
async def judge(case_id: UUID, visit: Visit) -> Response:
    """The worker's judgement, beside what the answers so far come to."""
    return await _judge(case_id, visit, None)


@router.post("/cases/{case_id}/conclude")
async def conclude(case_id: UUID, visit: Sent) -> Response:
    """Complete the assessment."""
    return await visit.send(
        answers.complete,
        then=f"cases/{case_id}/assessments?said=concluded",
        again=partial(_judge, case_id),
        body=lambda: CompleteBody.model_validate(
            {
                "risk_view": {"band": visit.field("risk_view.band"), "flags": visit.fields("risk_view.flags")},
                "no_instrument_reason": visit.field("no_instrument_reason"),
                "kind": visit.field("kind"),
                "risk": visit.field("risk"),
                "dangers": visit.fields("dangers"),
            }
        ),
        case_id=case_id,
        vault=vault(visit),
    )


@router.get("/cases/{case_id}/assessments")
async def done(case_id: UUID, visit: Visit) -> Response:
    """The assessments that were completed, with what was judged and which rules raised it; the newest first."""
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    found = list(reversed(await completed(case_id, visit)))
    return visit.show(
        "assessments.html",
        seen=seen,
        found=found,
        people=labels(seen.members, visit),
        titles=await titles(visit),
        officer=lambda who: officer(who, visit),
        rule=lambda name: rule(name, visit),
    )


async def _judge(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    seen: CaseDetail = await visit.ask(cases.see_case, case_id=case_id)
    people = labels(seen.members, visit)
    given: list[AnswersView] = await visit.ask(answers.all_answers, case_id=case_id, vault=vault(visit))
    dangers = list(dict.fromkeys(_dangers(given)))
    flags = [flag for flag in AssessmentFlag if any(flag in entry.flags for entry in given)]
    band = max((entry.band for entry in given if entry.band), key=[*Band].index, default=Band.MINIMAL.value)
    floor = risk.judged(risk.LOW, dangers, flags, band)
    return visit.show(
        "conclude.html",
        refused=refused,
        names=_names(given, people, visit),
        seen=seen,
        people=people,
        given=given,
        titles=await titles(visit),
        floor=floor,
        rules=[rule(name, visit) for name in floor.rules],
        dangers=dangers,
        kinds=options(visit, "kind", _kinds(seen)),
        lists={
            "band": options(visit, "band", Band),
            "flags": options(visit, "flag", AssessmentFlag),
            "risk": options(visit, "risk", Risk),
            "dangers": options(visit, "danger", Danger),
            "no_instrument_reason": options(visit, "excuse", NoInstrument),
        },
    )


def _dangers(given: Iterable[AnswersView]) -> Iterable[str]:
    """What the safety screen says yes to that is a danger by itself."""
    for entry in given:
        for item in entry.items if entry.instrument == SCREEN else ():
            code = item.code.removeprefix("triage_")
            if item.answer and code in [*Danger]:
                yield code


def _kinds(seen: CaseDetail) -> list[Kind]:
    """Which assessments may be completed now; the route decides again."""
    if "comprehensive" not in seen.deadlines:
        return [Kind.REASSESSMENT]
    return [Kind.INITIAL, Kind.COMPREHENSIVE] if seen.state is State.ASSIGNED else [Kind.COMPREHENSIVE]


def _names(given: Iterable[AnswersView], people: dict[UUID, str], visit: Visiting) -> dict[str, str]:
    """What a missing answer is called: whose it is, and what was asked."""
    return {
        f"answers.{entry.person_id}.{item.code}": f"{people.get(entry.person_id, '')}, {item.label_id if visit.language.value == 'id' else item.label_en}"
        for entry in given
        for item in entry.items
    }


def rule(name: str, visit: Visiting) -> str:
    """A rule of the floor, in words: `danger_weapon`, `flag_self_harm`, `band_severe`."""
    kind, _, code = name.partition("_")
    return visit.say("rule.band", band=visit.say(f"band.{code}")) if kind == "band" else visit.say(f"{kind}.{code}")


async def titles(visit: Visiting) -> dict[str, str]:
    """What instruments are called, by code."""
    return {entry.code: entry.title for entry in await visit.ask(instruments.instruments)}
