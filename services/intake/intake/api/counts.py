"""What anybody may read of past months, without a token: counts in which nobody is found."""

from datetime import datetime
from typing import Annotated

from chassis import Transaction, reads_openly
from contracts.public import Month, VictimCount
from fastapi import APIRouter, Query
from pydantic import BaseModel

from intake.reporting import public


class MonthView(BaseModel):
    """What was published of a month, as `public.victims_counted.v1` says it."""

    month: Month
    counts: list[VictimCount]
    said_at: datetime


router = APIRouter(tags=["public"])


@router.get("/public/counts")
@reads_openly
async def counts(tx: Transaction, months: Annotated[int, Query(ge=1, le=120)] = 12) -> list[MonthView]:
    """Victims of violence per city and sex of the months that were published, the newest first."""
    return [MonthView.model_validate(row._asdict()) for row in await tx.rows(public.PUBLISHED, {"most": months})]
