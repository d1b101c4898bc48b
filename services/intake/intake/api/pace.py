"""The route by which supervisors see how fast what waits for people is done: codes and times, no case and no person."""

from datetime import timedelta
from typing import Annotated

from chassis import Transaction, reads
from contracts.vocabulary import OfficerRole
from fastapi import APIRouter, Query
from pydantic import BaseModel

from intake import policy, timing
from intake.domain.record import MOVES

MOST = 300  # cases that are looked through, the newest: more would keep others waiting
router = APIRouter(tags=["cases"])


class PaceView(BaseModel):
    """How fast a matter was acted on: how often it was, the median, and what nine of ten did not exceed, in seconds."""

    matter: str
    role: OfficerRole
    times: int
    median_seconds: float
    nine_of_ten_seconds: float


@router.get("/pace")
@reads(*policy.SEE_PACE)
async def pace(tx: Transaction, days: Annotated[int, Query(ge=1, le=365)] = 30) -> list[PaceView]:
    """From when a matter became somebody's move until it was done, in the cases that your agency takes part in and that changed last."""
    found = await timing.paces(tx, tx.principal.agency, tx.now - timedelta(days=days), MOST)
    return [
        PaceView(
            matter=entry.matter,
            role=OfficerRole(MOVES[entry.matter].role),
            times=entry.times,
            median_seconds=entry.median.total_seconds(),
            nine_of_ten_seconds=entry.most.total_seconds(),
        )
        for entry in found
    ]
