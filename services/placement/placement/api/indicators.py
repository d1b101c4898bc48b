"""How placement did: times to a bed, declines, occupancy, stays, re-entries, unmet needs, and rules that block everyone."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from chassis import FieldProblem, RefusedError, Transaction, reads
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy import Row

from placement import policy
from placement.domain.placements import JAKARTA
from placement.store import indicators as asked_of
from placement.store.indicators import Asked
from placement.store.register import HIDDEN

router = APIRouter()

MOST_DAYS = 366
# Fewer than this could tell who: such a cell is left empty where it is about secret shelters and the reader may not know them.
FEW = 5
# HUD: a bed utilisation outside of these suggests that the records are wrong, usually that exits are missing (DOMAIN.md section 5).
LOW, HIGH = 0.65, 1.05

From = Annotated[date, Query(alias="from", description="the first day, in Jakarta")]
To = Annotated[date, Query(description="the last day, in Jakarta")]


class TimesView(BaseModel):
    """How long one part of the way to a bed took, in seconds."""

    name: str
    n: int
    median: float | None
    p90: float | None


class DeclinesView(BaseModel):
    """How often heads said no; of secret shelters one row without a reason."""

    reason: str
    n: int | None


class NightView(BaseModel):
    """People who slept in a shelter on a day, by the beds it has; `suspicion` says that the records of it are probably wrong."""

    day: date
    shelter_id: str
    name: str
    people: int | None
    beds: int | None
    utilisation: float | None
    suspicion: Literal["low", "high"] | None


class StaysView(BaseModel):
    """Stays that ended, and how many days they lasted on average."""

    shelter_id: str
    n: int | None
    days: float | None


class ReEntriesView(BaseModel):
    """Admissions, and how many were of somebody who had left a shelter within the 90 days before."""

    admissions: int
    again: int


class UnmetNeedsView(BaseModel):
    """Needs that were unmet, the nights that their persons spent without a bed, and how many got one later."""

    needs: int
    bed_nights: int
    housed_later: int


class BlockingView(BaseModel):
    """A rule that alone refused every open home, and for how many households."""

    rule: str
    households: int


class IndicatorsView(BaseModel):
    """How placement did from the first day to the last."""

    first: date
    last: date
    times: tuple[TimesView, ...]
    declines: tuple[DeclinesView, ...]
    occupancy: tuple[NightView, ...]
    stays: tuple[StaysView, ...]
    re_entries: ReEntriesView
    unmet: UnmetNeedsView
    blocking: tuple[BlockingView, ...]


@router.get("/indicators")
@reads(*policy.SEE_INDICATORS)
async def indicators(first: From, to: To, tx: Transaction) -> IndicatorsView:
    """The indicators of these days. Secret shelters are one row for everyone but supervisors, with no number below five."""
    return await _of(tx, asked_for(first, to))


@router.get("/indicators.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
@reads(*policy.SEE_INDICATORS)
async def indicators_csv(first: From, to: To, tx: Transaction) -> Response:
    """The same as rows of indicator, shelter, day, name and value."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("indicator", "shelter", "day", "name", "value"))
    writer.writerows(_cells(await _of(tx, asked_for(first, to))))
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


def asked_for(first: date, last: date) -> Asked:
    """The time from the first day to the last. Raises RefusedError for one that is none, or longer than a year."""
    if last < first:
        raise RefusedError(422, "the last day is before the first", [FieldProblem("to", "before_from")])
    if (last - first).days >= MOST_DAYS:
        raise RefusedError(422, "ask for a year at most", [FieldProblem("to", "too_far")])
    since = datetime.combine(first, time(), JAKARTA)
    return Asked(first, last, since, datetime.combine(last, time(), JAKARTA) + timedelta(days=1))


async def _of(tx: Transaction, asked: Asked) -> IndicatorsView:
    everything = tx.principal.has(policy.SUPERVISOR)
    again, unmet = await asked_of.re_entries(tx, asked), await asked_of.unmet(tx, asked)
    return IndicatorsView(
        first=asked.first,
        last=asked.last,
        times=tuple(_times(row, told=everything or row.n >= FEW) for row in await asked_of.times(tx, asked)),
        declines=_declines(await asked_of.declines(tx, asked), everything=everything),
        occupancy=_nights(await asked_of.occupancy(tx, asked), everything=everything),
        stays=_stays(await asked_of.stays(tx, asked), everything=everything),
        re_entries=ReEntriesView(admissions=again.admissions, again=again.again),
        unmet=UnmetNeedsView(needs=unmet.needs, bed_nights=unmet.bed_nights, housed_later=unmet.housed_later),
        blocking=tuple(BlockingView(rule=r.rule, households=r.households) for r in await asked_of.blocking(tx, asked, secret=everything)),
    )


# -- what of it is shown --------------------------------------------------------------------------------------------------------------


def _times(row: Row[Any], *, told: bool) -> TimesView:
    """Few of them are single stories, which may be of a secret shelter."""
    median, p90 = (round(row.median, 1), round(row.p90, 1)) if told else (None, None)
    return TimesView(name=row.name, n=row.n, median=median, p90=p90)


def _declines(rows: Sequence[Row[Any]], *, everything: bool) -> tuple[DeclinesView, ...]:
    counted: dict[str, int] = {}
    for row in rows:
        reason = HIDDEN if row.secret and not everything else row.reason
        counted[reason] = counted.get(reason, 0) + row.n
    return tuple(DeclinesView(reason=reason, n=_if_many(n) if reason == HIDDEN else n) for reason, n in sorted(counted.items()))


def _nights(rows: Sequence[Row[Any]], *, everything: bool) -> tuple[NightView, ...]:
    shown = [_night(row.day, str(row.id), row.name, row.people, row.beds) for row in rows if everything or not row.secret]
    if not everything:
        together: dict[date, list[Row[Any]]] = {}
        for row in rows:
            if row.secret:
                together.setdefault(row.day, []).append(row)
        for day, night in together.items():
            people = _if_many(sum(row.people for row in night))
            shown.append(_night(day, HIDDEN, HIDDEN, people, sum(row.beds for row in night)))
    return tuple(sorted(shown, key=lambda night: (night.day, night.shelter_id)))


def _night(day: date, shelter_id: str, name: str, people: int | None, beds: int) -> NightView:
    share = round(people / beds, 3) if beds and people is not None else None
    suspicion: Literal["low", "high"] | None = None if share is None else "low" if share < LOW else "high" if share > HIGH else None
    return NightView(day=day, shelter_id=shelter_id, name=name, people=people, beds=beds, utilisation=share, suspicion=suspicion)


def _stays(rows: Sequence[Row[Any]], *, everything: bool) -> tuple[StaysView, ...]:
    shown = [StaysView(shelter_id=str(row.id), n=row.n, days=round(float(row.days), 2)) for row in rows if everything or not row.secret]
    secret = [] if everything else [row for row in rows if row.secret]
    if secret:
        n = _if_many(sum(row.n for row in secret))
        days = round(sum(float(row.days) * row.n for row in secret) / n, 2) if n else None
        shown.append(StaysView(shelter_id=HIDDEN, n=n, days=days))
    return tuple(shown)


def _if_many(n: int) -> int | None:
    return n if n >= FEW else None


def _cells(view: IndicatorsView) -> Iterable[tuple[Any, ...]]:
    """The same view as rows of a table; an empty value is one that is not told."""
    for entry in view.times:
        yield from (("times", "", "", f"{entry.name}.{name}", getattr(entry, name)) for name in ("n", "median", "p90"))
    yield from (("declines", "", "", entry.reason, entry.n) for entry in view.declines)
    for night in view.occupancy:
        names = ("people", "beds", "utilisation", "suspicion")
        yield from (("occupancy", night.shelter_id, night.day, name, getattr(night, name)) for name in names)
    for stay in view.stays:
        yield from (("stays", stay.shelter_id, "", name, getattr(stay, name)) for name in ("n", "days"))
    yield from (("re_entries", "", "", name, value) for name, value in view.re_entries)
    yield from (("unmet", "", "", name, value) for name, value in view.unmet)
    yield from (("blocking", "", "", entry.rule, entry.households) for entry in view.blocking)
