"""The triage: the officer judges, the rule floor may raise it, and whoever judges sees that before it counts."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import RefusedError
from contracts.vocabulary import ViolenceType
from fastapi import Response

from intake.api import cases, casework
from intake.api.bodies import TriageBody
from intake.api.views import CaseView
from intake.domain.standing import TRIAGES
from intake.domain.triage import GRAVE, risk_floor
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import lists

router = pages.router
AREAS = 3  # districts of the perpetrator that the form has room for; those that were named stay


@router.get("/cases/{case_id}/triage")
async def judge(case_id: UUID, visit: Visit) -> Response:
    """The form, with what the safety screen says."""
    case = await _case(case_id, visit)
    facts = await visit.ask(cases.timeline, case_id=case_id)
    judged = next((fact.codes for fact in reversed(facts) if fact.type in TRIAGES), None)
    return _form(case, visit, begun(case.screen if judged is None else judged), None)


@router.post("/cases/{case_id}/triage")
async def triage(case_id: UUID, visit: Sent) -> Response:
    """Settle it; where a rule raises the risk that was judged, that is shown first."""
    case, filled = await _case(case_id, visit), Filled(visit.entered)
    try:
        body = read(lambda: TriageBody.model_validate(triage_body(filled)))
        counts = risk_floor(body.risk, body.red_flags, case.violence_types)
        if counts != body.risk and visit.field("floor") != counts:
            return _form(case, visit, filled, None, raised=counts)
        await visit.tell(casework.triage, case_id=case_id, body=body)
    except RefusedError as refused:
        return _form(case, visit, filled, refused)
    return visit.go(f"cases/{case_id}", said="triaged")


def begun(known: Mapping[str, Any]) -> Filled:
    """What the form begins with: the risk as it was judged last, or what the safety screen said of it."""
    shelter = {True: "yes", False: "no", None: ""}[known.get("shelter_needed")]
    # Of the districts those that people named: what follows from the suspects comes by itself.
    areas = known.get("named_areas") or ([] if "risk" in known else known.get("perpetrator_areas", []))
    fields: dict[str, list[str]] = {
        "risk": [known["risk"]] if known.get("risk") else [],
        "red_flags": known.get("red_flags", []),
        "shelter_needed": [shelter],
        "shelter_grounds": known.get("shelter_grounds", []),
        "medical_gate": ["yes"] if known.get("medical_gate") else [],
        **{f"perpetrator_areas.{place}": [area] for place, area in enumerate(areas[:AREAS])},
    }
    return Filled({name: tuple(values) for name, values in fields.items()})


def triage_body(filled: Filled) -> dict[str, Any]:
    """The body of the route, as far as it was entered."""
    body: dict[str, Any] = {name: value for name in ("risk",) if (value := filled.one(name)) is not None}
    if (shelter := filled.one("shelter_needed")) in ("yes", "no"):
        body["shelter_needed"] = shelter == "yes"
    areas = [area for place in range(AREAS) if (area := filled.one(f"perpetrator_areas.{place}")) is not None]
    return body | {
        "red_flags": filled.all("red_flags"),
        "shelter_grounds": filled.all("shelter_grounds"),
        "medical_gate": filled.one("medical_gate") == "yes",
        # Nothing entered: as they were named before, by whom ever.
        "perpetrator_areas": list(dict.fromkeys(areas)) or None,
    }


async def _case(case_id: UUID, visit: Visiting) -> CaseView:
    found: CaseView = await visit.ask(cases.case, case_id=case_id, vault=visit.request.app.state.service.vault)
    return found


def _form(case: CaseView, visit: Visiting, filled: Filled, refused: RefusedError | None, *, raised: str | None = None) -> Response:
    flags = [visit.say(f"flag.{flag}") for flag in filled.all("red_flags")]
    grave = [visit.say(f"violence.{kind}") for kind in ViolenceType if kind in GRAVE & set(case.violence_types)]
    names = {f"perpetrator_areas.{place}": visit.say("triage.area", number=place + 1) for place in range(AREAS)}
    return visit.show(
        "triage.html",
        refused=refused,
        names=names,
        case=case,
        filled=filled,
        lists=lists(visit.language),
        key=visit.field("key") or visit.fresh_key,
        raised=raised,
        why=flags or grave,
        areas=range(AREAS),
    )
