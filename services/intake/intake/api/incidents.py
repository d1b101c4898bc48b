"""The routes by which officers record what happened: the incidents of a case. The report itself is the first, under the id of its case."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import Keys, Vault
from contracts.incidents import Act, CoreType, IncidentPlace, PerpetratorRelation
from contracts.intake import IncidentRecorded
from contracts.vocabulary import ProblemCode, ViolenceType
from fastapi import APIRouter, Header
from pydantic import BaseModel

from intake import casebook, policy
from intake.api.bodies import IncidentBody
from intake.api.cases import open_case, seen, standing_view, takes_part
from intake.api.views import MASK, StandingView
from intake.casebook import Saying
from intake.consents.records import somebody_hidden
from intake.domain.incidents import core_type, simfoni_place, with_implied
from intake.domain.legal import sexual
from intake.domain.submitted import area_exists
from intake.domain.workdays import JAKARTA
from intake.opening import Safe
from intake.store import Book
from intake.violence import incidents
from intake.violence.incidents import SEALED_AS

CHANGED_MEANWHILE = "somebody else corrected this incident since you read it"
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version that was read; left out: whatever is stored is written over")]
router = APIRouter(prefix="/cases", tags=["cases"])


class IncidentView(BaseModel):
    """One incident; `core_type` is computed from the GBVIMS questions, `simfoni_place` is the place as SIMFONI counts it.

    `acts` are those questions that were answered with yes, for whom may read what was told; None when nobody asked them.
    """

    incident_id: UUID
    occurred_on: date | None
    area: str | None
    place: IncidentPlace | None
    simfoni_place: str | None
    relation: PerpetratorRelation | None
    violence_types: list[ViolenceType]
    core_type: CoreType | None
    recorded_at: datetime
    narrative: str | None
    acts: list[Act] | None = None
    version: int = 1


class IncidentSaid(StandingView):
    """An incident was recorded; where its case stands then."""

    incident_id: UUID


@router.get("/{case_id}/incidents")
@reads(*policy.SEE_CASES)
async def list_incidents(case_id: UUID, vault: Safe, tx: Transaction) -> list[IncidentView]:
    """The incidents of a case, the report's own first; what was told of each is masked for those who may not read it."""
    book = await seen(tx, case_id)
    rows = {row.incident_id: row for row in await incidents.of_case(tx, case_id)}
    keys = None
    if tx.principal.has(*policy.SEE_NAMES) and takes_part(tx, book) and not await somebody_hidden(tx, case_id):
        tx.audit("incidents_read", case_id, ["narrative"])
        keys = await vault.of([case_id])
    known = incidents.newest(case_id, book.facts)
    times = incidents.versions(case_id, book.facts)
    return [_view(book, UUID(incident), fact, rows.get(UUID(incident)), keys, version=times[incident]) for incident, fact in known.items()]


@router.post("/{case_id}/incidents", status_code=201)
@writes(*policy.RECORD_INCIDENTS)
async def record_incident(case_id: UUID, body: IncidentBody, vault: Safe, tx: Transaction) -> IncidentSaid:
    """Record another incident: the risk is to be judged anew, and what the law asks for it is due."""
    book = await open_case(tx, case_id)
    return await _record(tx, vault, book, tx.new_id("incident", case_id), body, correction=False)


@router.put("/{case_id}/incidents/{incident_id}")
@writes(*policy.RECORD_INCIDENTS)
async def correct_incident(
    case_id: UUID, incident_id: UUID, body: IncidentBody, vault: Safe, tx: Transaction, *, if_match: IfMatch = None
) -> IncidentSaid:
    """Correct or complete what is known of an incident; the first one is the report, under the id of the case.

    409 with both values when somebody else corrected it since the version in `If-Match`. Answers and words that are left out stay as they are.
    """
    book = await open_case(tx, case_id)
    known = incidents.newest(case_id, book.facts).get(str(incident_id))
    if known is None:
        raise not_found("incident")
    _check_version(if_match, incidents.versions(case_id, book.facts)[str(incident_id)], known.codes, body)
    if body.acts is None:
        answered = next((row.acts for row in await incidents.of_case(tx, case_id) if row.incident_id == incident_id), None)
        body = body.model_copy(update={"acts": answered})
    return await _record(tx, vault, book, incident_id, body, correction=True)


async def _record(tx: Transaction, vault: Vault, book: Book, incident_id: UUID, body: IncidentBody, *, correction: bool) -> IncidentSaid:
    """Keep an incident, say its codes, and let what follows from it be due."""
    _check(tx, body)
    case_id = book.case.case_id
    types = with_implied([str(kind) for kind in body.violence_types], body.acts)
    codes = body.model_dump(mode="json", exclude={"acts", "narrative"}) | {"violence_types": types, "core_type": core_type(body.acts)}
    narrative = (await vault.new([case_id])).seal(case_id, SEALED_AS, body.narrative) if body.narrative else None
    row = {**codes, "incident_id": incident_id, "case_id": case_id, "acts": body.acts, "narrative": narrative, "recorded_at": tx.now}
    await incidents.keep(tx, row)
    tx.audit("incident_written", case_id, ["narrative"] if body.narrative else [])
    fact = IncidentRecorded.model_validate({**codes, "incident_id": incident_id, "correction": correction})
    now = (await casebook.grow(tx, said=[Saying(case_id, fact, tx.cause_of(case_id))]))[case_id]
    await _count(tx, book)
    return IncidentSaid(**standing_view(tx, book, now).model_dump(), incident_id=incident_id)


async def _count(tx: Transaction, book: Book) -> None:
    """Let the case have the violence types of all its incidents; the first sexual one is to be reported to the police (UU TPKS 41)."""
    case_id = book.case.case_id
    types = await incidents.count_violence(tx, case_id, (await open_case(tx, case_id)).facts)
    if sexual(types) and not sexual(book.case.violence_types) and book.case.police_report_at is None:
        tx.set_clock("police_report", case_id, tx.now + tx.settings.span(hours=tx.settings.police_report_hours))


def _check_version(if_match: str | None, version: int, codes: Any, body: IncidentBody) -> None:
    """Refuse to write over what the writer has not seen; what was told in words is in neither value. Raises 409."""
    if if_match is not None and if_match.strip('W/"') != str(version):
        shown = ("occurred_on", "area", "place", "relation", "violence_types")
        sent = body.model_dump(mode="json", include=set(shown))
        raise conflict(CHANGED_MEANWHILE, version=version, current={name: codes.get(name) for name in shown}, sent=sent)


def _check(tx: Transaction, body: IncidentBody) -> None:
    """Refuse what cannot be. Raises 422 naming each field."""
    wrong = [FieldProblem("area", ProblemCode.NOT_IN_AREA_LIST)] if body.area and not area_exists(body.area) else []
    if body.occurred_on and body.occurred_on > tx.now.astimezone(JAKARTA).date():
        wrong.append(FieldProblem("occurred_on", ProblemCode.INVALID))
    if wrong:
        raise RefusedError(422, "this incident cannot be taken: correct these fields", wrong)


def _view(book: Book, incident_id: UUID, fact: Any, row: Any, keys: Keys | None, *, version: int) -> IncidentView:
    """One incident; the words of the first are the report's, until an officer writes others."""
    case, codes = book.case, fact.codes
    sealed, place = (row.narrative, SEALED_AS) if row and row.narrative else (None, "")
    if sealed is None and incident_id == case.case_id:
        sealed, place = case.narrative, "case_file.narrative"
    told = None if sealed is None else MASK if keys is None else keys.open_or_none(case.case_id, place, sealed)
    occurred = codes.get("occurred_on") or (codes.get("occurred_at") or "")[:10] or None
    return IncidentView(
        incident_id=incident_id,
        occurred_on=occurred,
        area=codes.get("area"),
        place=codes.get("place"),
        simfoni_place=simfoni_place(codes.get("place")),
        relation=codes.get("relation"),
        violence_types=codes.get("violence_types", ()),
        core_type=codes.get("core_type"),
        recorded_at=fact.at,
        narrative=told,
        acts=row.acts if row and keys is not None else None,
        version=version,
    )
