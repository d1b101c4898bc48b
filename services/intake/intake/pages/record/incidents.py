"""The incidents of a case: what is known of each, another one, and corrections, of which two at once both see what the other entered."""

from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import FieldProblem, RefusedError, not_found
from contracts.incidents import Act, IncidentPlace, PerpetratorRelation
from contracts.vocabulary import ViolenceType
from fastapi import Response

from intake import policy
from intake.api import incidents
from intake.api.bodies import IncidentBody
from intake.api.incidents import IncidentView
from intake.domain.standing import ENDED
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import areas, options
from intake.pages.record import asking
from intake.pages.record.asking import Asking, Question

router = pages.router
NONE = "none"  # all questions were asked, and every answer was no


@router.get("/cases/{case_id}/incidents")
async def see_incidents(case_id: UUID, visit: Visit) -> Response:
    """All incidents of a case, the report's own first."""
    now = await asking.of_case(visit, case_id, *policy.SEE_CASES)
    return visit.show(
        "record/incidents.html",
        case_id=case_id,
        found=await _all(case_id, visit),
        area_name=asking.known_area,
        writes=visit.who.has(*policy.RECORD_INCIDENTS) and now.state not in ENDED,
    )


@router.get("/cases/{case_id}/incidents/new")
async def ask_incident(case_id: UUID, visit: Visit) -> Response:
    """Another incident."""
    await asking.of_case(visit, case_id, *policy.RECORD_INCIDENTS)
    return asking.show(visit, _form(case_id, visit))


@router.post("/cases/{case_id}/incidents/new")
async def add_incident(case_id: UUID, visit: Sent) -> Response:
    """Record it; the risk is then to be judged anew."""
    done = f"cases/{case_id}?said=incident"
    body, vault = _body(Filled(visit.entered)), visit.request.app.state.service.vault
    form = _form(case_id, visit)
    return await asking.send(
        visit, form, incidents.record_incident, then=done, body=lambda: IncidentBody.model_validate(body), case_id=case_id, vault=vault
    )


@router.get("/cases/{case_id}/incidents/{incident_id}")
async def ask_correction(case_id: UUID, incident_id: UUID, visit: Visit) -> Response:
    """What is known of an incident, to be corrected."""
    await asking.of_case(visit, case_id, *policy.RECORD_INCIDENTS)
    return asking.show(visit, _form(case_id, visit, await _one(case_id, incident_id, visit)))


@router.post("/cases/{case_id}/incidents/{incident_id}")
async def correct(case_id: UUID, incident_id: UUID, visit: Sent) -> Response:
    """Correct it; when somebody else did since the form was opened, both values are shown, and hers are still in the form."""
    known = await _one(case_id, incident_id, visit)
    try:
        body = read(lambda: IncidentBody.model_validate(_body(Filled(visit.entered), known)))
        vault = visit.request.app.state.service.vault
        await visit.tell(
            incidents.correct_incident, case_id=case_id, incident_id=incident_id, body=body, vault=vault, if_match=visit.field("version") or "0"
        )
    except RefusedError as refused:
        met = asking.conflicting(refused)
        form = _form(case_id, visit, known, None if met else visit.field("version"))
        return asking.show(visit, form, refused, asking.differing(visit, form, form.begins) if met else ())
    return visit.go(f"cases/{case_id}/incidents", said="corrected")


def _form(case_id: UUID, visit: Visiting, known: IncidentView | None = None, version: str | None = None) -> Asking:
    """The questions of an incident; of one that is known, with what is."""
    at, language = f"cases/{case_id}/incidents", visit.language
    acts = [*options("act_of", Act, language), (NONE, visit.say("act_of.none"))]
    return Asking(
        title=visit.say("incident.new" if known is None else "incident.correct"),
        action=f"{at}/new" if known is None else f"{at}/{known.incident_id}",
        back=at,
        button=visit.say("incident.save"),
        hint=visit.say("incident.hint") if known is None else None,
        begins=_begun(known) if known else asking.NOTHING,
        carries={"version": [version or str(known.version)]} if known else {},
        questions=[
            Question("date", "occurred_on", visit.say("field.occurred_on"), hint=visit.say("choose.optional")),
            Question("story", "narrative", visit.say("field.narrative"), hint=visit.say("incident.narrative_hint") if known else None),
            Question("checks", "violence_types", visit.say("report.violence"), options("violence", ViolenceType, language)),
            Question("radios", "place", visit.say("field.place"), options("place_of", IncidentPlace, language)),
            Question("choose", "area", visit.say("field.area"), areas(), needed=False),
            Question("radios", "relation", visit.say("field.relation"), options("relation", PerpetratorRelation, language)),
            Question("checks", "acts", visit.say("field.acts"), acts, hint=visit.say("incident.acts_hint")),
        ],
    )


def _begun(known: IncidentView) -> Filled:
    acts = [] if known.acts is None else [str(act) for act in known.acts] or [NONE]
    stands: dict[str, list[str | None]] = {
        "occurred_on": [known.occurred_on.isoformat() if known.occurred_on else None],
        "narrative": [known.narrative],
        "place": [known.place],
        "area": [known.area],
        "relation": [known.relation],
    }
    one = {name: tuple(str(value) for value in values if value) for name, values in stands.items()}
    return Filled({**one, "violence_types": tuple(map(str, known.violence_types)), "acts": tuple(acts)})


def _body(filled: Filled, known: IncidentView | None = None) -> dict[str, Any]:
    """The body of the route. Words that were not changed are left out, for those stay as they are."""
    body: dict[str, Any] = {name: value for name in ("occurred_on", "area", "place", "relation") if (value := filled.one(name)) is not None}
    acts = filled.all("acts")
    if NONE in acts and len(acts) > 1:
        raise RefusedError(422, "some of the acts or none of them", [FieldProblem("acts", "some_or_none")])
    if acts:
        body["acts"] = [act for act in acts if act != NONE]
    narrative = filled.one("narrative")
    if narrative and (known is None or narrative != (known.narrative or "").strip().replace("\r\n", "\n")):
        body["narrative"] = narrative
    return {**body, "violence_types": filled.all("violence_types")}


async def _all(case_id: UUID, visit: Visiting) -> list[IncidentView]:
    found: list[IncidentView] = await visit.ask(incidents.list_incidents, case_id=case_id, vault=visit.request.app.state.service.vault)
    return found


async def _one(case_id: UUID, incident_id: UUID, visit: Visiting) -> IncidentView:
    known = next((entry for entry in await _all(case_id, visit) if entry.incident_id == incident_id), None)
    if known is None:
        raise not_found("incident")
    return known
