"""Break-glass: an officer reads a case that she takes no part in, in an emergency, for an hour; whoever supervises the case is told at once."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import Transaction, conflict, not_found, reads, writes
from contracts.rights import AccessReason, GlassBroken, GlassMended
from fastapi import APIRouter, Query
from pydantic import BaseModel

from intake import casebook, policy, shown, store
from intake.api import cases
from intake.api.bodies import Body
from intake.api.views import CaseView, FactView
from intake.casebook import Saying
from intake.opening import Safe
from intake.rights import rows
from intake.rights.seeing import asker


class GlassBody(Body):
    """Which case, and why."""

    case_id: UUID
    reason: AccessReason


class GlassView(BaseModel):
    """A grant: it ends at `until`, or when somebody ended it."""

    grant_id: UUID
    case_id: UUID
    officer: UUID
    agency: str | None
    reason: AccessReason
    broken_at: datetime
    until: datetime
    ended_at: datetime | None


TAKES_PART, ENDED = "your agency takes part in this case: read it as usual", "this grant has ended"
router = APIRouter(prefix="/break-glass", tags=["rights"])


@router.post("", status_code=201)
@writes(*policy.BREAK_GLASS)
async def break_glass(body: GlassBody, tx: Transaction) -> GlassView:
    """Read a case that your agency takes no part in, for an hour. Its supervisors are told at once, and each look is on record with this grant."""
    book = (await store.books(tx, [body.case_id]))[body.case_id]
    if book.case is None:
        raise not_found("case")
    if cases.takes_part(tx, book):
        raise conflict(TAKES_PART, state="takes_part")
    who, until = tx.principal, tx.now + tx.settings.span(minutes=tx.settings.break_glass_minutes)
    fact = GlassBroken(grant_id=tx.new_id("glass", body.case_id), officer_id=who.subject, reason=body.reason, until=until)
    row = {"grant_id": fact.grant_id, "case_id": body.case_id, "officer": who.subject, "agency": who.agency, "reason": body.reason}
    row |= {"broken_at": tx.now, "until": until, "ended_at": None}
    await rows.add(tx, rows.ADD_GLASS, [row])
    tx.audit("glass_broken", body.case_id, purpose=_purpose(fact.grant_id))
    await casebook.grow(tx, said=[Saying(body.case_id, fact, tx.cause_of(body.case_id))])
    return GlassView.model_validate(row)


@router.get("")
@reads(*policy.BREAK_GLASS)
async def grants(tx: Transaction, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[GlassView]:
    """Your own grants; for a supervisor also those of others on cases that her agency takes part in. The newest first."""
    return [GlassView.model_validate(row._asdict()) for row in await tx.rows(rows.GLASSES, _asker(tx) | {"most": limit})]


@router.get("/{grant_id}/case")
@reads(*policy.BREAK_GLASS)
async def case_through_glass(grant_id: UUID, vault: Safe, tx: Transaction) -> CaseView:
    """The case, as a desk that takes part in it sees it; of whom the asker is to learn nothing, not even this shows her."""
    row = await _open_grant(tx, grant_id)
    book = (await store.books(tx, [row.case_id]))[row.case_id]
    return await cases.read_on_record(tx, vault, book, purpose=_purpose(grant_id))


@router.get("/{grant_id}/timeline")
@reads(*policy.BREAK_GLASS)
async def timeline_through_glass(grant_id: UUID, tx: Transaction) -> list[FactView]:
    """What happened in the case, as a desk that takes part in it sees it."""
    row = await _open_grant(tx, grant_id)
    tx.audit("timeline_read", row.case_id, purpose=_purpose(grant_id))
    return cases.told(shown.facts(await store.facts_under(tx, [row.case_id])))


@router.post("/{grant_id}/end")
@writes(*policy.BREAK_GLASS)
async def mend(grant_id: UUID, tx: Transaction) -> GlassView:
    """End a grant before its time: your own, or as a supervisor of the case one of others."""
    row = await tx.row(rows.GLASS, _asker(tx) | {"grant_id": grant_id})
    if row is None:
        raise not_found("grant")
    await tx.lock([row.case_id])
    if row.until <= tx.now or await tx.row(rows.END_GLASS, {"grant_id": grant_id, "now": tx.now}) is None:
        raise conflict(ENDED, state="ended")
    tx.audit("glass_mended", row.case_id, purpose=_purpose(grant_id))
    await casebook.grow(tx, said=[Saying(row.case_id, GlassMended(grant_id=grant_id), tx.cause_of(row.case_id))])
    return GlassView.model_validate({**row._asdict(), "ended_at": tx.now})


async def _open_grant(tx: Transaction, grant_id: UUID) -> Any:
    """The asker's own grant, while it lasts; to everybody else, and afterwards, it does not exist. Raises 404."""
    row = await tx.row(rows.GLASS, _asker(tx) | {"grant_id": grant_id})
    if row is None or row.officer != tx.principal.subject or row.ended_at is not None or row.until <= tx.now:
        raise not_found("grant")
    return row


def _asker(tx: Transaction) -> dict[str, Any]:
    return asker(tx) | {"supervises": tx.principal.has(policy.SUPERVISOR), "officer": tx.principal.subject}


def _purpose(grant_id: UUID) -> str:
    return f"break_glass:{grant_id}"
