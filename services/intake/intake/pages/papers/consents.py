"""Consent: what she agreed to, a new yes or no, and taking one back, with what that stops said before she decides."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit, forms
from chassis.web.pages.visit import Visiting
from chassis.web.problems import RefusedError
from contracts.consents import Alternative, ConsenterReason, ConsentMedium, ConsentState, GivenBy
from contracts.grounds import LegalBasis
from contracts.vocabulary import OfficerRole
from fastapi import Response

from intake import policy
from intake.api import consents, disclosures
from intake.api.consents import ConsentBody, ConsentView
from intake.api.disclosures import DisclosureView
from intake.api.views import CaseView
from intake.pages import pages
from intake.pages.filled import Filled, beginning
from intake.pages.lists import options
from intake.pages.papers import asked

router = pages.router
FIELDS = (
    "purpose",
    "recipient",
    "given_by",
    "relation",
    "consenter_id",
    "alternative",
    "reason",
    "medium",
    "text_version",
    "language",
    "witness_role",
)
NAMED = (*FIELDS, "persons", "refused", "assent", "said_at", "expires_at")
ADULT = 18
REFUSED = {str(ConsentState.GIVEN): False, str(ConsentState.REFUSED): True}


@router.get("/cases/{case_id}/consents")
async def listed(case_id: UUID, visit: Visit) -> Response:
    """What was said about sharing this case."""
    case = await asked.case_of(visit, case_id, *policy.RECORD_CONSENT)
    found = await visit.ask(consents.consents, case_id=case_id)
    return visit.show("papers/consents.html", case=case, found=found[::-1], called=_called(visit, case))


@router.get("/cases/{case_id}/consents/new")
async def ask(case_id: UUID, visit: Visit) -> Response:
    """The form: for whom, what for, with whom, and what was said."""
    return await _form(case_id, visit, None)


@router.post("/cases/{case_id}/consents/new")
async def record(case_id: UUID, visit: Sent) -> Response:
    """Record what was said."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _form(case_id, visit, refused)

    filled = Filled(visit.entered)
    said = "consent_no" if filled.one("refused") == ConsentState.REFUSED else "consent_yes"
    return await visit.send(
        consents.record,
        then=f"cases/{case_id}/consents?said={said}",
        again=again,
        body=lambda: ConsentBody.model_validate(consent_body(filled)),
        case_id=case_id,
    )


@router.get("/cases/{case_id}/consents/{consent_id}/withdraw")
async def consider(case_id: UUID, consent_id: UUID, visit: Visit) -> Response:
    """What taking it back would stop, before she decides."""
    return await _withdrawal(case_id, consent_id, visit, None)


@router.post("/cases/{case_id}/consents/{consent_id}/withdraw")
async def withdraw(case_id: UUID, consent_id: UUID, visit: Sent) -> Response:
    """Take it back."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _withdrawal(case_id, consent_id, visit, refused)

    return await visit.send(consents.withdraw, then=f"cases/{case_id}/consents?said=consent_back", again=again, consent_id=consent_id)


def consent_body(filled: Filled) -> dict[str, Any]:
    """The body of the route, as far as it was entered."""
    body: dict[str, Any] = asked.filled_in(filled, *FIELDS) | {"persons": filled.all("persons")}
    # Nothing chosen is missing, and never a yes.
    body["refused"] = REFUSED.get(filled.one("refused") or "")
    if (assent := filled.one("assent")) in ("yes", "no"):
        body["assent"] = assent == "yes"
    moments = {"said_at": forms.as_moment(filled.one("said_at")), "expires_at": asked.until_end_of(filled.one("expires_at"))}
    return body | {name: moment for name, moment in moments.items() if moment is not None}


def stopped_by(consent: ConsentView, shared: Iterable[DisclosureView]) -> list[DisclosureView]:
    """The disclosures that end when this consent is taken back: that counts against every earlier yes for its purpose and recipient."""
    return [
        entry
        for entry in shared
        if entry.holds
        and entry.basis == LegalBasis.CONSENT
        and entry.purpose == consent.purpose
        and consent.person_id in entry.persons
        and consent.recipient in (None, entry.recipient)
    ]


async def _withdrawal(case_id: UUID, consent_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case = await asked.case_of(visit, case_id, *policy.RECORD_CONSENT)
    said = await visit.ask(consents.consents, case_id=case_id)
    consent = next((entry for entry in said if entry.consent_id == consent_id), None)
    if consent is None:
        raise RefusedError(404, "no such consent in this case")
    shared = await visit.ask(disclosures.disclosures, case_id=case_id)
    stops = stopped_by(consent, shared)
    goes_on = [entry for entry in shared if entry.holds and consent.person_id in entry.persons and entry not in stops]
    may = consent.state == ConsentState.GIVEN
    called = _called(visit, case)
    return visit.show(
        "papers/withdraw.html",
        refused=refused,
        case=case,
        consent=consent,
        stops=stops,
        goes_on=goes_on,
        may=may,
        called=called,
        key=asked.key_of(visit),
    )


async def _form(case_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    case = await asked.case_of(visit, case_id, *policy.RECORD_CONSENT)
    household = asked.people(visit, case.persons)
    filled = Filled(visit.entered) if visit.entered else _beginning(case)
    child = any(person.age is not None and person.age < ADULT for person in case.persons)
    names = {**asked.labels(visit, "consenting", NAMED), **asked.names_of("persons", household)}
    lists = {
        "persons": household,
        "purpose": asked.purposes(visit),
        "refused": options("consent_answer", REFUSED, visit.language),
        "given_by": options("given_by", GivenBy, visit.language),
        "relation": asked.relations(visit),
        "alternative": options("alternative", Alternative, visit.language),
        "reason": options("consenter_reason", ConsenterReason, visit.language),
        "assent": options("choose", ("yes", "no"), visit.language),
        "medium": options("medium", ConsentMedium, visit.language),
        "witness_role": options("officer", OfficerRole, visit.language),
    }
    return visit.show(
        "papers/consent.html",
        refused=asked.listed(refused, "persons", filled.all("persons"), household),
        names=names,
        case=case,
        filled=filled,
        lists=lists,
        child=child,
        agencies=await asked.recipients(visit),
        key=asked.key_of(visit),
    )


def _beginning(case: CaseView) -> Filled:
    """Where the household is one person, it is she; most speak for themselves, in Indonesian, of the text as it is."""
    alone = [str(case.persons[0].person_id)] if len(case.persons) == 1 else []
    return beginning(persons=alone, given_by=GivenBy.SELF, text_version="v1", language="ind")


def _called(visit: Visiting, case: CaseView) -> dict[UUID, str]:
    return {person.person_id: asked.called(visit, person) for person in case.persons}
