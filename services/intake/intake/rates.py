"""How much of one sender is taken in a minute: counted in the store, so that all replicas count together, in portions, so that few messages wait for it.

What is too much is not lost: over NATS it waits in the broker, over HTTP its sender is asked to come later. Who sent how much is forgotten within hours.
"""

import asyncio
import math
from collections.abc import Callable
from datetime import datetime
from functools import partial
from time import monotonic
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

import structlog
from chassis import Asker, Cause, Principal, RefusedError, Service, Transaction
from chassis.bus.turns import May
from contracts.register import AgencySlowed
from fastapi import Depends, Request
from prometheus_client import Counter
from sqlalchemy import Table, text
from sqlmodel import Field

from intake import knocks, policy
from intake.settings import IntakeSettings
from intake.store import MOMENT, Base

log = structlog.get_logger()

SLOWED = Counter("naungan_agency_slowed", "Turns and requests that were put off because more came of one sender than is taken in a minute", ["door"])
PORTIONS = 20  # into how many the share of a minute is cut; what one replica has left of its own is for no other
NATS, HTTP, IMPORTS, OFFICER = "nats", "http", "imports", "officer"
LATER = "more was sent from here than is taken in a minute: send the same again after Retry-After seconds; nothing was changed"


class TakenRow(Base, table=True):
    """How much of one sender (an agency, or an officer's id) was taken at one door in one minute."""

    __tablename__: ClassVar[str] = "taken"
    __table__: ClassVar[Table]
    sender: str = Field(primary_key=True)
    door: str = Field(primary_key=True)
    since: datetime = Field(primary_key=True, sa_type=MOMENT)
    times: int


CLAIM = text("""
    WITH minute AS (SELECT date_trunc('minute', CAST(:now AS timestamptz)) AS since),
    claimed AS (
        INSERT INTO taken (sender, door, since, times) SELECT CAST(:sender AS text), CAST(:door AS text), since, CAST(:times AS integer) FROM minute
        WHERE CAST(:times AS integer) <= CAST(:most AS integer)
        ON CONFLICT (sender, door, since) DO UPDATE SET times = taken.times + excluded.times WHERE taken.times + excluded.times <= CAST(:most AS integer) RETURNING 1)
    SELECT EXISTS (SELECT FROM claimed) AS given, extract(epoch FROM since + interval '1 minute' - CAST(:now AS timestamptz)) AS seconds FROM minute""")


# Once a day: the row lies at the end of the day, so that it is not forgotten before.
TOLD = text("""
    INSERT INTO taken (sender, door, since, times) VALUES (:sender, 'told', date_trunc('day', CAST(:now AS timestamptz)) + interval '1 day', 1)
    ON CONFLICT DO NOTHING RETURNING since""")
OF_AGENCIES = uuid5(NAMESPACE_URL, "naungan:agencies-slowed")


class Rates:
    """What one replica has claimed of the minute, and what is left of that."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._left: dict[tuple[str, str], tuple[int, float]] = {}
        self._one_claims = asyncio.Lock()

    async def take(self, sender: str, door: str, count: int, most: int) -> tuple[int, float]:
        """Take up to `count` of a sender's `most` in this minute: how many are given, and where that is none for how many seconds it has to wait.

        Nobody is held up because nothing can be counted: who asks meets then what keeps the store from answering.
        """
        try:
            async with self._one_claims:  # many who ask at once would each claim a portion, and use up the minute between them
                left, until = self._left.get((sender, door), (0, 0.0))
                if left >= count and monotonic() < until:
                    self._left[sender, door] = (left - count, until)
                    return count, 0.0
                return await self._claim(sender, door, count, most)
        except Exception as error:  # noqa: BLE001 - the store may be away, or closed
            log.warning("not_counted", door=door, error=type(error).__name__)
            return count, 0.0

    async def _claim(self, sender: str, door: str, count: int, most: int) -> tuple[int, float]:
        portion, wait = max(count, most // PORTIONS), 0.0
        while portion:
            given, wait = await self.service.database.run(partial(_claim, sender=sender, door=door, times=portion, most=most))
            if given:
                self._left[sender, door] = (max(0, portion - count), monotonic() + wait)
                return min(count, portion), 0.0
            portion = min(count, portion - 1) if portion > count else portion // 2
        SLOWED.labels(door).inc()
        if door in {NATS, HTTP}:
            await self.service.database.run(partial(_tell, agency=sender, most=most))
        return 0, wait

    def of_agency(self, agency: str) -> int:
        """How many of an agency are taken in a minute."""
        settings: IntakeSettings = self.service.settings  # type: ignore[assignment]  # intake is built with its own
        return self.service.access.rates.get(agency, settings.agency_per_minute)

    async def turn(self, agency: str, count: int) -> tuple[int, float]:
        """How many messages of an agency are taken now over NATS, and for how many seconds they have to wait where none is."""
        return await self.take(agency, NATS, count, self.of_agency(agency))

    async def ask(self, who: Principal, settings: IntakeSettings) -> float:
        """For how many seconds a request has to wait: an agency's systems together, an officer by herself, so that no system stands in her way."""
        if who.has(policy.AGENCY_SYSTEM):
            return (await self.take(who.agency, HTTP, 1, self.of_agency(who.agency)))[1]
        return (await self.take(str(who.subject), OFFICER, 1, settings.officer_per_minute))[1]


async def _claim(tx: Transaction, **asked: object) -> tuple[bool, float]:
    await tx.execute(knocks.UNHURRIED)
    row = (await tx.rows(CLAIM, {**asked, "now": tx.now}))[0]
    return bool(row.given), float(row.seconds)


async def _tell(tx: Transaction, agency: str, most: int) -> None:
    """Tell operators, the first time on a day."""
    row = await tx.row(TOLD, {"sender": agency, "now": tx.now})
    if row is not None:
        cause = Cause(f"slowed|{agency}|{row.since.isoformat()}", tx.now, "")
        tx.emit(AgencySlowed(code=agency, per_minute=most), uuid5(OF_AGENCIES, agency), cause=cause)


def turns(service_of: Callable[[], Service]) -> May:
    """Who may have a turn over NATS, for a service that is not made yet."""
    made: list[Rates] = []

    async def may(agency: str, count: int) -> tuple[int, float]:
        if not made:
            made.append(Rates(service_of()))
        return await made[0].turn(agency, count)

    return may


def _of(request: Request) -> Rates:
    state = request.app.state
    if not hasattr(state, "rates"):
        state.rates = Rates(state.service)
    rates: Rates = state.rates
    return rates


def _refuse(wait: float) -> None:
    if wait > 0:
        raise RefusedError(429, LATER, retry_after=math.ceil(wait))


async def in_time(request: Request, who: Asker) -> None:
    """Refuse a message of somebody who sent too many in this minute. Raises 429."""
    _refuse(await _of(request).ask(who, request.app.state.service.settings))


async def few_files(request: Request, who: Asker) -> None:
    """Refuse a file of an agency that sent too many in this minute. Raises 429."""
    _refuse((await _of(request).take(who.agency, IMPORTS, 1, request.app.state.service.settings.imports_per_minute))[1])


InTime, FewFiles = Depends(in_time), Depends(few_files)
