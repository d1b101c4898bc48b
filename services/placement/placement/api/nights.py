"""Occupancy over time: how many slept in a shelter, or in several together, night by night."""

import csv
import io
from collections.abc import Collection
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from chassis import Transaction, not_found, reads
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel

from placement import policy
from placement.api import reach
from placement.api.indicators import FEW, From, To, asked_for
from placement.api.visible import units
from placement.store import indicators as asked_of
from placement.store import keeping

router = APIRouter()

OfOne = Annotated[UUID | None, Query(description="one shelter; without it all that you may see together")]
OfSecret = Annotated[bool, Query(description="the secret shelters together, instead")]


class NightCount(BaseModel):
    """People who slept there on a night; none is said of secret shelters where so few could tell who."""

    day: date
    people: int | None


class NightsView(BaseModel):
    """Occupancy night by night, by the beds that are in service now; `confirmed_at` is when somebody last looked, in the shelter that waits longest."""

    first: date
    last: date
    shelter_id: UUID | None
    secret: bool
    as_of: datetime
    confirmed_at: datetime | None
    beds: int
    nights: tuple[NightCount, ...]


@router.get("/occupancy/nights")
@reads(*policy.SEE_OCCUPANCY)
async def nights(first: From, to: To, tx: Transaction, shelter_id: OfOne = None, *, secret: OfSecret = False) -> NightsView:
    """Who slept there on each night of these days, of a year at most. A head sees her own; secret shelters are told apart to supervisors only."""
    asked = asked_for(first, to)
    shelters, few = await _whose(tx, shelter_id, secret=secret)
    rows, looked = await asked_of.nights(tx, asked, shelters), await asked_of.looked(tx, shelters)
    return NightsView(
        first=first,
        last=to,
        shelter_id=shelter_id,
        secret=secret,
        as_of=tx.now,
        confirmed_at=looked.replace(minute=0, second=0, microsecond=0) if looked and few else looked,
        beds=rows[0].beds if rows else 0,
        nights=tuple(NightCount(day=row.day, people=None if few and row.people < FEW else row.people) for row in rows),
    )


@router.get("/occupancy/nights.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
@reads(*policy.SEE_OCCUPANCY)
async def nights_csv(first: From, to: To, tx: Transaction, shelter_id: OfOne = None, *, secret: OfSecret = False) -> Response:
    """The same as rows of day, people and beds; an empty cell is one that is not told."""
    asked = asked_for(first, to)
    shelters, few = await _whose(tx, shelter_id, secret=secret)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("day", "people", "beds"))
    rows = await asked_of.nights(tx, asked, shelters)
    writer.writerows((row.day, "" if few and row.people < FEW else row.people, row.beds) for row in rows)
    disposition = {"Content-Disposition": 'attachment; filename="occupancy.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=disposition)


async def _whose(tx: Transaction, shelter_id: UUID | None, *, secret: bool) -> tuple[Collection[UUID], bool]:
    """The shelters that are asked about, and whether small numbers of them are not told. 404 for those that somebody may not see apart."""
    everything, every_house = tx.principal.has(policy.SUPERVISOR), tx.principal.has(*policy.FOR_EVERY_HOUSE)
    if shelter_id is not None:
        row = await reach.own(tx, shelter_id)
        if row.secret and not everything and not reach.is_own_head(tx, shelter_id):
            raise not_found("shelter")
        return [row.id], False
    known = await keeping.shelters(tx, secret=True)
    if not every_house:
        own = units(tx)
        return [row.id for row in known if row.id in own], False
    if secret:
        return [row.id for row in known if row.secret], not everything
    return [row.id for row in known if everything or not row.secret], False
