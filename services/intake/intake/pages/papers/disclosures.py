"""Disclosures: what of a case is shared with whom, sharing more, ending that; and what others share with the reader's agency."""

from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from chassis.web.routes import require_role
from contracts.consents import DisclosedField
from contracts.grounds import LegalBasis, OverrideReason
from fastapi import Response

from intake import policy
from intake.api import disclosures
from intake.api.disclosures import DisclosureBody
from intake.pages import pages
from intake.pages.filled import Filled, beginning
from intake.pages.lists import area_name, options
from intake.pages.papers import asked

router = pages.router
FIELDS = ("recipient", "purpose", "basis", "reason")
NAMED = (*FIELDS, "fields", "persons", "until")


@router.get("/cases/{case_id}/disclosures")
async def listed(case_id: UUID, visit: Visit) -> Response:
    """With whom this case is or was shared."""
    case = await asked.case_of(visit, case_id, *policy.DISCLOSE)
    found = await visit.ask(disclosures.disclosures, case_id=case_id)
    called = {person.person_id: asked.called(visit, person) for person in case.persons}
    return visit.show("papers/disclosures.html", case=case, found=found[::-1], called=called, goes_on=asked.goes_on(case))


@router.get("/cases/{case_id}/disclosures/new")
async def choose(case_id: UUID, visit: Visit) -> Response:
    """The form: to whom, what for, which parts, until when."""
    return await _form(case_id, visit, None)


@router.post("/cases/{case_id}/disclosures/new")
async def share(case_id: UUID, visit: Sent) -> Response:
    """Share it."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _form(case_id, visit, refused)

    filled = Filled(visit.entered)
    return await visit.send(
        disclosures.disclose,
        then=f"cases/{case_id}/disclosures?said=disclosed",
        again=again,
        body=lambda: DisclosureBody.model_validate(disclosure_body(filled)),
        case_id=case_id,
    )


@router.get("/cases/{case_id}/disclosures/{disclosure_id}/revoke")
async def consider(case_id: UUID, disclosure_id: UUID, visit: Visit) -> Response:
    """What ending it means, before it is ended."""
    return await _revocation(case_id, disclosure_id, visit, None)


@router.post("/cases/{case_id}/disclosures/{disclosure_id}/revoke")
async def revoke(case_id: UUID, disclosure_id: UUID, visit: Sent) -> Response:
    """End it."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _revocation(case_id, disclosure_id, visit, refused)

    return await visit.send(disclosures.revoke, then=f"cases/{case_id}/disclosures?said=revoked", again=again, disclosure_id=disclosure_id)


@router.get("/disclosures")
async def received(visit: Visit) -> Response:
    """What others share with the reader's agency now."""
    return visit.show("papers/received.html", found=await visit.ask(disclosures.received, limit=100))


@router.get("/disclosures/{disclosure_id}")
async def fetch(disclosure_id: UUID, visit: Visit) -> Response:
    """What was disclosed to the reader's agency; each look is on record."""
    found = await visit.ask(disclosures.fetch, disclosure_id=disclosure_id, vault=visit.request.app.state.service.vault)
    return visit.show("papers/fetched.html", found=found, area_name=area_name)


def disclosure_body(filled: Filled) -> dict[str, Any]:
    """The body of the route, as far as it was entered."""
    body: dict[str, Any] = asked.filled_in(filled, *FIELDS) | {"fields": filled.all("fields"), "persons": filled.all("persons")}
    until = asked.until_end_of(filled.one("until"))
    return body if until is None else body | {"until": until}


async def _form(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case = await asked.case_of(visit, case_id, *policy.DISCLOSE)
    household, parts = asked.people(visit, case.persons), options("part", DisclosedField, visit.language)
    everybody = [value for value, _ in household]
    filled = Filled(visit.entered) if visit.entered else beginning(persons=everybody, basis=LegalBasis.CONSENT)
    names = {**asked.labels(visit, "sharing", NAMED), **asked.names_of("persons", household), **asked.names_of("fields", parts)}
    lists = {
        "persons": household,
        "purpose": asked.purposes(visit),
        "fields": parts,
        "basis": options("basis", LegalBasis, visit.language),
        "reason": options("override", OverrideReason, visit.language),
    }
    return visit.show(
        "papers/disclosure.html",
        refused=asked.listed(asked.listed(refused, "persons", filled.all("persons"), household), "fields", filled.all("fields"), parts),
        names=names,
        case=case,
        filled=filled,
        lists=lists,
        overrides=visit.who.has(*policy.SHARE_WITHOUT_CONSENT),
        missing_consent=refused is not None and any(problem.code == "consent_missing" for problem in refused.problems),
        agencies=await asked.recipients(visit),
        key=asked.key_of(visit),
    )


async def _revocation(case_id: UUID, disclosure_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    require_role(visit.who, policy.DISCLOSE)
    made = await visit.ask(disclosures.disclosures, case_id=case_id)
    found = next((entry for entry in made if entry.disclosure_id == disclosure_id), None)
    if found is None:
        raise RefusedError(404, "no such disclosure of this case")
    return visit.show("papers/revoke.html", refused=refused, case_id=case_id, found=found, key=asked.key_of(visit))
