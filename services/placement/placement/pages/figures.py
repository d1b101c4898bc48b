"""How full the houses were night by night, how placement did, and which needs went unmet; each also as a file."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from chassis.web.pages import Visit
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA, MONTHS, Language
from contracts.vocabulary import Risk
from fastapi import Query, Response

from placement import policy
from placement.api import indicators, nights, reasons, shelters
from placement.api.indicators import IndicatorsView
from placement.api.nights import NightsView
from placement.api.shelter_views import OccupancyRow
from placement.domain.ledger import Ending
from placement.pages import pages
from placement.pages.plot import plotted, short

router = pages.router
MOST_UNMET = 100
SECRET = "secret"  # noqa: S105 - the safe houses together


class Span(StrEnum):
    """How many days are looked back upon."""

    MONTH = "30"
    QUARTER = "90"
    YEAR = "365"


House = Annotated[str, Query(max_length=36)]


@router.get("/occupancy")
async def occupancy(visit: Visit, days: Span = Span.MONTH, house: House = "") -> Response:
    """How many slept in a house, or in all of them, night by night: as a plot, and the same numbers as a table."""
    rows: list[OccupancyRow] = await visit.ask(shelters.occupancy)
    seen: NightsView = await visit.ask(nights.nights, **_asked(visit, days, house))
    told = [night.people for night in seen.nights if night.people is not None]
    most = max(seen.nights, key=lambda night: night.people or 0, default=None)
    return visit.show(
        "occupancy.html",
        seen=seen,
        plot=plotted([night.people for night in seen.nights], seen.beds),
        named=_days(seen, visit),
        told=told,
        most=most,
        days=days,
        house=house,
        houses=_houses(rows, visit),
        spans=list(Span),
        figures=visit.who.has(*policy.SEE_INDICATORS),
    )


@router.get("/occupancy.csv")
async def occupancy_file(visit: Visit, days: Span = Span.MONTH, house: House = "") -> Response:
    """The same as a file."""
    found: Response = await visit.ask(nights.nights_csv, **_asked(visit, days, house))
    return found


@router.get("/indicators")
async def figures(visit: Visit, days: Span = Span.MONTH) -> Response:
    """Times to a bed, declines, stays, re-entries, unmet needs, and the rules that left somebody without any house."""
    seen: IndicatorsView = await visit.ask(indicators.indicators, **_days_of(visit, days))
    homes = {str(row.shelter_id): row.name for row in await visit.ask(shelters.occupancy) if row.shelter_id is not None}
    return visit.show("indicators.html", seen=seen, homes=homes, days=days, spans=list(Span), unmet=visit.who.has(*policy.SEE_WAITING))


@router.get("/indicators.csv")
async def figures_file(visit: Visit, days: Span = Span.MONTH) -> Response:
    """The same as a file."""
    found: Response = await visit.ask(indicators.indicators_csv, **_days_of(visit, days))
    found.headers["content-disposition"] = 'attachment; filename="indicators.csv"'
    return found


@router.get("/unmet")
async def unmet(visit: Visit, ended: Ending | None = None, risk: Risk | None = None) -> Response:
    """The ledger of needs that went unmet: those that still are, or by how they ended."""
    wanted = {"open": ended is None, "ended_as": ended, "risk": risk, "rule": None, "case_id": None, "since": None, "most": MOST_UNMET}
    found = await visit.ask(reasons.unmet_needs, **wanted)
    return visit.show("unmet.html", found=found, ended=ended, risk=risk, endings=list(Ending), risks=list(Risk), full=len(found) == MOST_UNMET)


def _days_of(visit: Visiting, days: Span) -> dict[str, object]:
    today = visit.now.astimezone(JAKARTA).date()
    return {"first": today - timedelta(days=int(days)), "to": today}


def _asked(visit: Visiting, days: Span, house: str) -> dict[str, object]:
    """What is asked of the route; a house that is none is one that is not there."""
    try:
        one = UUID(house) if house not in {"", SECRET} else None
    except ValueError:
        one = UUID(int=0)
    return {**_days_of(visit, days), "shelter_id": one, "secret": house == SECRET}


def _houses(rows: Sequence[OccupancyRow], visit: Visiting) -> list[tuple[str, str]]:
    """What may be looked at: a head's own houses, or all, each, and the secret ones together."""
    if not visit.who.has(*policy.FOR_EVERY_HOUSE):
        own = {unit.lower() for unit in visit.who.units}
        named = [(str(row.shelter_id), row.name or "") for row in rows if str(row.shelter_id) in own]
        return [("", visit.say("occupancy.own")), *named] if len(own) > 1 else []
    listed = [(str(row.shelter_id), row.name or "") for row in rows if row.shelter_id is not None]
    secret = [(SECRET, visit.say("beds.secret"))] if any(row.shelter_id is None for row in rows) or visit.who.has(policy.SUPERVISOR) else []
    return [("", visit.say("occupancy.all")), *secret, *sorted(listed, key=lambda entry: entry[1])]


def _days(seen: NightsView, visit: Visiting) -> Mapping[int, str]:
    """What stands under the marks of the plot, by the number of the night."""
    months = MONTHS[0 if visit.language is Language.INDONESIAN else 1]
    year = bool(seen.nights) and seen.nights[0].day.year != seen.nights[-1].day.year
    return {number: short(night.day, months[night.day.month - 1], year=year) for number, night in enumerate(seen.nights)}
