"""The routes by which something of a case is shared with another agency: made, looked at, revoked, and fetched by the recipient alone."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from chassis.store.vault import Keys, Vault
from contracts.consents import DisclosedField, DisclosureEnd, DisclosureReceived, Purpose
from contracts.grounds import LegalBasis, OverrideReason
from contracts.vocabulary import AgencyCode, HouseholdRole, Need, Risk, Sex, ViolenceType
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import select

from intake import agencies, policy, store
from intake.api.bodies import Body
from intake.api.cases import open_case, seen
from intake.api.consents import locked, refuse
from intake.consents import holding, records, sharing
from intake.consents.sealing import KeyUnusableError, sealed
from intake.domain.consent import Share, end_of, lacking
from intake.opening import PERSONAL, Safe
from intake.store import FOLLOWS, PERSONS

GONE = 410
ENDED = "this disclosure has ended already"
CODES = ("sex", "age", "role", "needs")
OF_CASE = ("area", "violence_types", "ppks", "risk")


class DisclosureBody(Body):
    """What is to be shared, with whom, what for and why that is allowed."""

    recipient: AgencyCode
    purpose: Purpose
    fields: tuple[DisclosedField, ...] = Field(min_length=1)
    persons: tuple[UUID, ...] | None = Field(default=None, min_length=1, max_length=30, description="left out: the whole household")
    basis: LegalBasis = LegalBasis.CONSENT
    reason: OverrideReason | None = Field(default=None, description="why it is shared without consent; a supervisor answers for it")
    until: AwareDatetime | None = Field(default=None, description="left out: after the operator's default")


class DisclosureView(BaseModel):
    """A disclosure as those see it who made it. `override` says that it rests on no consent, and why."""

    disclosure_id: UUID
    case_id: UUID
    recipient: str
    purpose: Purpose
    persons: list[UUID]
    fields: list[DisclosedField]
    basis: LegalBasis
    override: OverrideReason | None
    until: datetime
    made_at: datetime
    made_by: UUID
    made_for: str
    holds: bool
    ended_at: datetime | None
    ended_by: DisclosureEnd | None


class ReceivedLine(BaseModel):
    """A disclosure in its recipient's list."""

    disclosure_id: UUID
    purpose: Purpose
    fields: list[DisclosedField]
    until: datetime
    made_at: datetime
    made_for: str


class DisclosedPerson(BaseModel):
    """Of a person what was disclosed, and nothing else; null is what nobody knows or what was erased."""

    name: str | None = None
    nik: str | None = None
    phone: str | None = None
    address: str | None = None
    sex: Sex | None = None
    age: int | None = None
    role: HouseholdRole | None = None
    needs: list[Need] | None = None


class DisclosedView(ReceivedLine):
    """What was disclosed; only the fields that `fields` names are filled."""

    persons: list[DisclosedPerson]
    area: str | None = None
    violence_types: list[ViolenceType] | None = None
    ppks: int | None = None
    risk: Risk | None = None
    narrative: str | None = None


class SealedView(BaseModel):
    """A disclosure that only its recipient can open."""

    disclosure_id: UUID
    jwe: str


router = APIRouter(tags=["disclosures"])


@router.post("/cases/{case_id}/disclosures", status_code=201)
@writes(*policy.DISCLOSE)
async def disclose(case_id: UUID, body: DisclosureBody, tx: Transaction) -> DisclosureView:
    """Share some fields with an agency, on the consent of everybody concerned. Without it a supervisor may, on another legal basis and with
    a reason that stays visible. Nothing overrides a restriction.
    """
    book = await open_case(tx, case_id)
    if body.basis is not LegalBasis.CONSENT and not tx.principal.has(*policy.SHARE_WITHOUT_CONSENT):
        raise RefusedError(403, "only a supervisor may share something without consent", [FieldProblem("basis", "supervisor_needed")])
    await agencies.require(tx, "recipient", body.recipient)
    members = [row.person_id for row in book.persons]
    until = body.until or tx.now + tx.settings.span(days=tx.settings.disclosure_days)
    persons = tuple(dict.fromkeys(body.persons or members))
    share = Share(body.recipient, body.purpose, persons, body.basis, until, tuple(dict.fromkeys(body.fields)), body.reason)
    known = (await holding.known(tx, [case_id], [*members, *persons]))[case_id]
    unseen, asker = await records.hidden(tx, [*members, *persons]), tx.principal.agency
    found = lacking(share, members=members, words=known.words, restricted=known.restricted, asker=asker, unseen=unseen, now=tx.now)
    if until > tx.now + tx.settings.span(days=tx.settings.disclosure_most_days):
        found.append(("until", "out_of_range"))
    refuse("this cannot be shared: see what is missing", found)
    row = {
        "disclosure_id": tx.new_id(f"disclosure:{share.recipient}", case_id),
        "case_id": case_id,
        "recipient": share.recipient,
        "purpose": share.purpose,
        "persons": share.persons,
        "fields": share.fields,
        "basis": share.basis,
        "override": share.override,
        "until": until,
        "made_at": tx.now,
        "made_by": tx.principal.subject,
        "made_for": tx.principal.agency,
        "ended_at": None,
        "ended_by": None,
    }
    await records.keep(tx, records.KEEP_DISCLOSURES, [row])
    sharing.set_clocks(tx, disclosures=[row])
    for person in persons:
        tx.audit("disclosed_without_consent" if share.override else "disclosed", person, share.fields)
    await sharing.settle(tx, [case_id], [sharing.disclosure_said(tx, row)])
    await _tell(tx, book, row)
    return DisclosureView.model_validate({**row, "holds": True})


@router.get("/cases/{case_id}/disclosures")
@reads(*policy.DISCLOSE)
async def disclosures(case_id: UUID, tx: Transaction) -> list[DisclosureView]:
    """With whom this case was ever shared, on what basis, and why each of them ended."""
    book = await seen(tx, case_id)
    known = (await holding.known(tx, [case_id], [row.person_id for row in book.persons]))[case_id]
    kept = await records.hidden(tx, {person for row in known.disclosures for person in row.persons})
    shown = [row for row in known.disclosures if row.recipient != tx.principal.agency and kept.isdisjoint(row.persons)]
    return [_view(tx, row, known, over=book.standing.ended) for row in shown]


@router.post("/disclosures/{disclosure_id}/revoke")
@writes(*policy.DISCLOSE)
async def revoke(disclosure_id: UUID, tx: Transaction) -> DisclosureView:
    """End a disclosure before its time."""
    found = await tx.row(records.DISCLOSURE, {"disclosure_id": disclosure_id})
    if found is None:
        raise not_found("disclosure")
    await locked(tx, found.case_id, "disclosure")
    row = await tx.row(records.DISCLOSURE, {"disclosure_id": disclosure_id})
    if row is None or row.ended_at is not None:
        raise conflict(ENDED, state="ended")
    ended = row._asdict() | {"ended_at": tx.now, "ended_by": DisclosureEnd.REVOKED}
    for person in row.persons:
        tx.audit("disclosure_revoked", person, row.fields)
    await sharing.settle(tx, [row.case_id], revoked=[ended])
    return DisclosureView.model_validate({**ended, "holds": False})


@router.get("/disclosures")
@reads(*policy.FETCH_DISCLOSURE)
async def received(tx: Transaction, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[ReceivedLine]:
    """What is disclosed to your agency now, the newest first."""
    rows = await tx.rows(records.TO_AGENCY, {"agency": tx.principal.agency, "now": tx.now, "most": limit})
    known = await holding.known(tx, {row.case_id for row in rows})
    books = await store.books(tx, {row.case_id for row in rows})
    return [
        ReceivedLine.model_validate(row._asdict())
        for row in rows
        if not _why_not(tx, row, known[row.case_id], over=books[row.case_id].standing.ended)
    ]


@router.get("/disclosures/{disclosure_id}")
@reads(*policy.FETCH_DISCLOSURE)
async def fetch(disclosure_id: UUID, vault: Safe, tx: Transaction) -> DisclosedView:
    """What was disclosed to your agency under this id, as it is now, as long as the disclosure holds. Each look is on record."""
    return await _fetched(tx, vault, disclosure_id)


@router.get("/disclosures/{disclosure_id}/sealed")
@reads(*policy.FETCH_DISCLOSURE)
async def fetch_sealed(disclosure_id: UUID, vault: Safe, tx: Transaction) -> SealedView:
    """The same, sealed to the public key that the operator registered for your agency: a compact JWE whose plaintext is that JSON."""
    content = (await _fetched(tx, vault, disclosure_id)).model_dump_json().encode()
    try:
        return SealedView(disclosure_id=disclosure_id, jwe=sealed(content, tx.settings.agency_keys_file, tx.principal.agency))
    except KeyUnusableError:
        raise RefusedError(409, "no public key of your agency is registered that can be used: ask the operator") from None


async def _fetched(tx: Transaction, vault: Vault, disclosure_id: UUID) -> DisclosedView:
    """What a disclosure to the asker's agency says now. Raises 404 when there is none, and 410 when it holds no longer."""
    row = await tx.row(records.DISCLOSURE, {"disclosure_id": disclosure_id})
    if row is None or row.recipient != tx.principal.agency:
        raise not_found("disclosure")
    book = (await store.books(tx, [row.case_id]))[row.case_id]
    known = (await holding.known(tx, [row.case_id]))[row.case_id]
    if _why_not(tx, row, known, over=book.standing.ended) or await records.hidden(tx, row.persons):
        raise RefusedError(GONE, "this disclosure has ended: do not use what you fetched any more")
    keys = await vault.of([row.case_id, *row.persons])
    people = await tx.rows(select(PERSONS).where(PERSONS.c.person_id.in_(row.persons)).order_by(PERSONS.c.place))
    for person in people:
        tx.audit(f"disclosure_fetched:{row.purpose}", person.person_id, row.fields)
    persons = [_person(person, row.fields, keys) for person in people]
    return DisclosedView.model_validate({**row._asdict(), **_of_case(book.case, row.fields, keys), "persons": persons})


async def _tell(tx: Transaction, book: store.Book, row: dict[str, Any]) -> None:
    """Let the recipient know what it may fetch, under the follow id that it has by now."""
    case_id = book.case.case_id
    mine = (FOLLOWS.c.case_id == case_id) & (FOLLOWS.c.agency == row["recipient"])
    follow: Any = await tx.row(select(FOLLOWS).where(mine))
    fields = {"agency": row["recipient"], "city": book.case.area[:5], "disclosure_id": row["disclosure_id"]}
    told = DisclosureReceived.model_validate({**fields, "purpose": row["purpose"], "until": row["until"]})
    tx.emit(told, follow.follow_id, key=str(row["disclosure_id"]), cause=tx.cause_of(case_id))


def _why_not(tx: Transaction, row: Any, known: holding.Known, *, over: bool) -> str | None:
    return row.ended_by or end_of(records.share(row), known.words, known.restricted, tx.now, ended=over)


def _view(tx: Transaction, row: Any, known: holding.Known, *, over: bool) -> DisclosureView:
    why = _why_not(tx, row, known, over=over)
    return DisclosureView.model_validate({**row._asdict(), "ended_by": why, "holds": why is None})


def _person(row: Any, fields: list[str], keys: Keys) -> dict[str, Any]:
    """A person's disclosed fields; what is sealed is opened for these alone."""
    sealed = {name: value for name in PERSONAL if name in fields and (value := getattr(row, name)) is not None}
    plain = {name: keys.open_or_none(row.person_id, f"person.{name}", value) for name, value in sealed.items()}
    return {**{name: getattr(row, name) for name in CODES if name in fields}, **plain}


def _of_case(case: Any, fields: list[str], keys: Keys) -> dict[str, Any]:
    found = {name: getattr(case, name) for name in OF_CASE if name in fields}
    if "narrative" in fields and case.narrative is not None:
        found["narrative"] = keys.open_or_none(case.case_id, "case_file.narrative", case.narrative)
    return found
