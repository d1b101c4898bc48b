"""The routes by which a person's consent, or her no, is recorded, taken back and looked at.

It is kept person by person. Where a household speaks with one voice, one call records it for all whom the voice speaks for; each of them
may take back her own.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.consents import Alternative, ConsenterReason, ConsentMedium, ConsentState, GivenBy, LanguageCode, Purpose, TextVersion
from contracts.vocabulary import AgencyCode, OfficerRole, Relation
from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field

from intake import agencies, policy
from intake.api.bodies import Body
from intake.api.cases import seen
from intake.consents import holding, records, sharing
from intake.consents.holding import SHARING
from intake.domain import consent
from intake.domain.consent import Ages, Consenter
from intake.store import Book


class ConsentBody(Body):
    """What was said, by whom and how. A no is recorded too (`refused`): it counts against every earlier yes."""

    persons: tuple[UUID, ...] = Field(min_length=1, max_length=30, description="whom the voice speaks for")
    purpose: Purpose
    recipient: AgencyCode | None = Field(default=None, description="left out: every agency that serves this purpose")
    refused: bool = False
    said_at: AwareDatetime | None = Field(default=None, description="left out: now")
    expires_at: AwareDatetime | None = Field(default=None, description="left out: after the operator's default")
    given_by: GivenBy = GivenBy.SELF
    relation: Relation | None = Field(default=None, description="what the guardian, or who speaks instead, is to the person")
    consenter_id: UUID | None = Field(default=None, description="who speaks, when she or he has an id here")
    alternative: Alternative | None = None
    reason: ConsenterReason | None = Field(default=None, description="why no guardian was asked, or why an adult does not speak herself")
    assent: bool | None = Field(default=None, description="the child's own view")
    medium: ConsentMedium
    text_version: TextVersion
    language: LanguageCode = "ind"
    witness_id: UUID | None = None
    witness_role: OfficerRole | None = None


class ConsentView(BaseModel):
    """One consent; `holds` says whether something may be shared on it now."""

    consent_id: UUID
    case_id: UUID
    person_id: UUID
    purpose: Purpose
    recipient: str | None
    state: ConsentState
    said_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None
    given_by: GivenBy
    relation: Relation | None
    consenter_id: UUID | None
    alternative: Alternative | None
    reason: ConsenterReason | None
    assent: bool | None
    medium: ConsentMedium
    text_version: str
    language: str
    witness_id: UUID | None
    witness_role: OfficerRole | None
    recorded_by: UUID
    recorded_for: str
    holds: bool = False


HOLDS_NOT = "this consent does not hold"

router = APIRouter(tags=["consent"])


@router.post("/cases/{case_id}/consents", status_code=201)
@writes(*policy.RECORD_CONSENT)
async def record(case_id: UUID, body: ConsentBody, tx: Transaction) -> list[ConsentView]:
    """Record what was said, one row for each person that it was said for. For a child see the age guide: who may say it depends on her age."""
    book = await locked(tx, case_id)
    await agencies.require(tx, "recipient", body.recipient)
    await _check(tx, book, body)
    limit = tx.settings.span(days=tx.settings.consent_days)
    said_at = body.said_at or tx.now
    rest = body.model_dump(exclude={"persons", "refused", "said_at", "expires_at"})
    fixed = {
        "case_id": case_id,
        "state": ConsentState.REFUSED if body.refused else ConsentState.GIVEN,
        "said_at": said_at,
        "ended_at": None,
        "expires_at": None if body.refused else body.expires_at or said_at + limit,
        "recorded_by": tx.principal.subject,
        "recorded_for": tx.principal.agency,
    }
    rows = [{"consent_id": tx.new_id(f"consent:{person}", case_id), "person_id": person, **rest, **fixed} for person in dict.fromkeys(body.persons)]
    await records.keep(tx, records.KEEP_CONSENTS, rows)
    sharing.set_clocks(tx, consents=rows)
    for row in rows:
        tx.audit("consent_recorded", row["person_id"], ["consent"])
    await sharing.settle(tx, [case_id], [sharing.consent_said(tx, row) for row in rows])
    return [_view(row, not body.refused) for row in rows]


@router.post("/consents/{consent_id}/withdraw")
@writes(*policy.RECORD_CONSENT)
async def withdraw(consent_id: UUID, tx: Transaction) -> ConsentView:
    """Take a consent back: every disclosure that rests on it ends with this, and its agencies hear no more."""
    found = await tx.row(records.CONSENT, {"consent_id": consent_id})
    if found is None:
        raise not_found("consent")
    await locked(tx, found.case_id, "consent")
    row = await tx.row(records.CONSENT, {"consent_id": consent_id})
    if row is None or row.state != ConsentState.GIVEN:
        raise conflict(HOLDS_NOT, state=row.state if row else None)
    ended = row._asdict() | {"state": ConsentState.WITHDRAWN, "ended_at": tx.now}
    await records.keep(tx, records.KEEP_CONSENTS, [ended])
    tx.cancel_clock(SHARING, row.case_id, key=str(consent_id))
    tx.audit("consent_withdrawn", row.person_id, ["consent"])
    await sharing.settle(tx, [row.case_id], [sharing.consent_said(tx, ended)])
    return _view(ended, holds=False)


@router.get("/cases/{case_id}/consents")
@reads(*policy.RECORD_CONSENT)
async def consents(case_id: UUID, tx: Transaction) -> list[ConsentView]:
    """All that was said about sharing this case, oldest first."""
    book = await seen(tx, case_id)
    known = (await holding.known(tx, [case_id], [row.person_id for row in book.persons]))[case_id]
    kept = await records.hidden(tx, {row.person_id for row in known.consents})
    rows = [row for row in known.consents if row.person_id not in kept]
    for person in {row.person_id for row in rows}:
        tx.audit("consents_read", person, ["consent"])
    return [_view(row._asdict(), _holds(row, known, tx)) for row in rows]


async def locked(tx: Transaction, case_id: UUID, what: str = "case") -> Book:
    """A case whose sharing is to change, locked; also one that has ended. Raises 404 when the asker may not know of it."""
    try:
        await seen(tx, case_id)
        await tx.lock([case_id])
        return await seen(tx, case_id)
    except RefusedError:
        raise not_found(what) from None


async def _check(tx: Transaction, book: Book, body: ConsentBody) -> None:
    """Refuse what does not count: persons of another case, times that cannot be, somebody who may not speak for one of them. Raises 422."""
    settings = tx.settings
    members = {row.person_id: row for row in book.persons}
    kept = await records.hidden(tx, members)
    found: list[tuple[str, str]] = [
        (f"persons.{place}", "unknown_person") for place, person in enumerate(body.persons) if person not in members or person in kept
    ]
    said_at = body.said_at or tx.now
    if said_at > tx.now + timedelta(minutes=5):
        found.append(("said_at", "in_the_future"))
    if body.expires_at is not None and not tx.now < body.expires_at <= said_at + settings.span(days=settings.consent_most_days):
        found.append(("expires_at", "out_of_range"))
    if not found:
        consenter = Consenter(body.given_by, body.medium, body.assent, body.reason, body.alternative, body.relation, body.consenter_id)
        ages = Ages(settings.child_assents_age, settings.child_in_writing_age, settings.child_consents_age, settings.adult_age)
        for person in dict.fromkeys(body.persons):
            listed = [(r.requester_id, r.relation) for r in await records.restrictions_on(tx, [person]) if not r.recipient]
            # Anybody's no is heard, of whatever age she is; but not that of who is to learn nothing of her: it would keep help from her.
            found += [] if body.refused else consent.consenter_problems(members[person].age, consenter, ages)
            found += consent.on_the_list(consenter, listed)
    refuse("this consent does not count: correct these fields", found)


def refuse(title: str, found: list[tuple[str, str]]) -> None:
    """Refuse, naming each field and what is missing or wrong; nothing found is fine. Raises 422."""
    if found:
        raise RefusedError(422, title, [FieldProblem(field, code) for field, code in dict.fromkeys(found)])


def _holds(row: Any, known: holding.Known, tx: Transaction) -> bool:
    word = records.word(row)
    no_later = [other for other in known.words if other == word or not other.yes or other.ended]
    return word.yes and consent.agreed(no_later, row.person_id, row.purpose, row.recipient or "", tx.now)


def _view(row: dict[str, Any], holds: bool) -> ConsentView:  # noqa: FBT001 - a field of the view
    return ConsentView.model_validate({**row, "holds": holds})
