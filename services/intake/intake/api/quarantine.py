"""What waits for a key or another release: operators list it and let it be tried again; what is in it nobody sees here."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import Transaction, not_found, reads, writes
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter, Query
from pydantic import BaseModel

from intake import policy
from intake.sealed import rows

router = APIRouter(prefix="/quarantine", tags=["operators"])


class HeldView(BaseModel):
    """A message that cannot be opened yet: whose it is, why, and since when."""

    id: UUID
    agency: str
    route: str
    reference: str | None
    field: str
    code: ProblemCode
    kid: str | None
    attempts: int
    stored_at: datetime
    held_at: datetime


class RedrivenView(BaseModel):
    """How many are tried again now."""

    redriven: int


@router.get("")
@reads(*policy.KEEP_QUARANTINE)
async def quarantine(tx: Transaction, *, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[HeldView]:
    """The messages that wait, the oldest first."""
    return [_view(row) for row in await tx.rows(rows.ALL, {"most": limit})]


@router.get("/{held_id}")
@reads(*policy.KEEP_QUARANTINE)
async def held(held_id: UUID, tx: Transaction) -> HeldView:
    """One of them."""
    return _view(await _row(tx, held_id))


@router.post("/redrive", status_code=202)
@writes(*policy.KEEP_QUARANTINE)
async def redrive_all(tx: Transaction) -> RedrivenView:
    """Let all be tried again, within a second. What still cannot be opened goes on waiting."""
    found = await tx.rows(rows.ALL, {"most": 10_000})
    await rows.wake(tx, [row.id for row in found])
    return RedrivenView(redriven=len(found))


@router.post("/{held_id}/redrive", status_code=202)
@writes(*policy.KEEP_QUARANTINE)
async def redrive(held_id: UUID, tx: Transaction) -> RedrivenView:
    """Let one be tried again."""
    await rows.wake(tx, [(await _row(tx, held_id)).id])
    return RedrivenView(redriven=1)


async def _row(tx: Transaction, held_id: UUID) -> Any:
    row = await tx.row(rows.ONE, {"id": held_id})
    if row is None:
        raise not_found("message")
    return row


def _view(row: Any) -> HeldView:
    return HeldView.model_validate({name: getattr(row, name) for name in HeldView.model_fields})
