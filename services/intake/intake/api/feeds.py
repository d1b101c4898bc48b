"""An agency's own feed over plain HTTP: where its cases stand and from which position to go on, what was said since, and events as they come."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from time import monotonic
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from chassis import Asker, FieldProblem, Principal, RefusedError, Transaction, reads
from chassis.store.database import Database
from contracts import catalogue
from contracts.agencies import AgencyEvent
from contracts.consents import Purpose
from contracts.grounds import EndReason
from contracts.services import ServiceCode
from contracts.vocabulary import Outcome, Risk
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AwareDatetime, BaseModel

from intake import policy
from intake.domain.followed import Followed, Heard, followed
from intake.following import numbering
from intake.following.bell import FeedBell

GONE = 410
POSITION = r"^\d{1,9}-\d{1,18}$"
PLACE = r"^\d{1,9}-\d{1,18}\.[0-9a-f-]{36}$"
TYPES = {kind.type for kind in catalogue.said_by("intake") if issubclass(kind, AgencyEvent)}
NOWHERE = UUID(int=0)
PAGE = 500

Types = Annotated[
    list[str],
    Query(description="only these, such as agency.sheltered.v1, again for each; all without it. That a feed or a disclosure ended comes always"),
]
Since = Annotated[AwareDatetime | None, Query(description="what was said from this time on; where a position is given it counts alone")]
After = Annotated[str | None, Query(pattern=POSITION, description="a `position` that you were given; left out: from the beginning")]


class AskedService(BaseModel):
    """A service that the agency is asked for."""

    service_id: UUID
    service: ServiceCode
    due_at: datetime


class HeldDisclosure(BaseModel):
    """What is disclosed to the agency, to be fetched."""

    disclosure_id: UUID
    purpose: Purpose
    until: datetime


class CaseView(BaseModel):
    """Where a case stands for the agency, from what it was told; null is what it did not hear. Events up to `version` are in it."""

    follow_id: UUID
    reference: str | None
    city: str | None
    state: str
    reason: EndReason | None
    risk: Risk | None
    responsible: str | None
    sheltered: bool
    outcomes: list[Outcome]
    services: list[AskedService]
    disclosures: list[HeldDisclosure]
    version: int
    changed_at: datetime


class SnapshotView(BaseModel):
    """A page of cases as of `position`, the same on each page; follow from there when `next` is null."""

    position: str
    cases: list[CaseView]
    next: str | None


class EventView(BaseModel):
    """An event and its position: a CloudEvent in structured mode, with `factversion` as it is numbered in its case."""

    position: str
    event: dict[str, Any]


class PageView(BaseModel):
    """Events in order, and from where to go on; `more` says that there are more already."""

    events: list[EventView]
    position: str
    more: bool


class Place(NamedTuple):
    """From where somebody follows."""

    epoch: int
    number: int
    since: datetime | None


def follower(asker: Asker) -> Principal:
    """Who may listen. Raises RefusedError for anybody who follows no cases."""
    if not asker.has(*policy.FOLLOW):
        raise RefusedError(403, "your role does not allow this")
    return asker


async def beginning(
    request: Request,
    *,
    after: After = None,
    since: Since = None,
    types: Types = [],  # noqa: B006 - FastAPI copies it
    last_event_id: Annotated[str | None, Header(pattern=POSITION)] = None,
) -> Place:
    """From where a listener begins; refused here, before anything is sent."""
    known_types(types)
    database: Database = request.app.state.database
    return await database.run(partial(place, position=last_event_id or after, since=since, field="after"))


async def place(tx: Transaction, position: str | None, since: datetime | None, field: str) -> Place:
    """A position as it is read. Raises RefusedError for one of a store that was put back from a backup since."""
    epoch = await numbering.epoch(tx)
    if position is None:
        return Place(epoch, 0, since)
    of, number = (int(part) for part in position.split("-"))
    if of != epoch:
        raise RefusedError(
            GONE, "the platform was restored since: take a snapshot, and follow from its position", [FieldProblem(field, "position_gone")]
        )
    return Place(epoch, number, None)


def known_types(types: Sequence[str]) -> None:
    """Refuse a filter that could never let anything through."""
    if unknown := [number for number, name in enumerate(types) if name not in TYPES]:
        raise RefusedError(422, "no such event in a feed: see the event catalogue", [FieldProblem(f"types.{n}", "unknown_code") for n in unknown])


def routes(bell: FeedBell) -> APIRouter:
    """The routes of a service with this bell."""
    router = APIRouter(tags=["feed"])

    @router.get("/feed/snapshot")
    @reads(*policy.FOLLOW)
    async def snapshot(
        tx: Transaction,
        cursor: Annotated[str | None, Query(pattern=PLACE, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    ) -> SnapshotView:
        """Where each of your agency's cases stands, from what its feed said up to `position`: replaying the feed up to there gives the same.

        A case whose feed has stopped is not in it. Drop what you have of a case that is not there.
        """
        await numbering.number(tx)
        agency = tx.principal.agency
        at, past = cursor.split(".") if cursor else (None, str(NOWHERE))
        here = await place(tx, at, None, "cursor")
        top = here.number if cursor else await numbering.newest(tx, agency)
        rows = await tx.rows(numbering.STANDING, {"agency": agency, "top": top, "past": UUID(past), "most": limit})
        cases = [_case(follow_id, list(said)) for follow_id, said in groupby(rows, lambda row: row.subject)]
        position = f"{here.epoch}-{top}"
        return SnapshotView(position=position, cases=cases, next=f"{position}.{cases[-1].follow_id}" if len(cases) == limit else None)

    @router.get("/feed")
    @reads(*policy.FOLLOW)
    async def page(
        tx: Transaction,
        after: After = None,
        since: Since = None,
        types: Types = [],  # noqa: B006 - FastAPI copies it
        limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
    ) -> PageView:
        """What your agency's feed said after a position or since a time, in the order in which it is given to everybody who asks."""
        known_types(types)
        await numbering.number(tx)
        here = await place(tx, after, since, "after")
        rows, last = await said_after(tx, here=here, agency=tx.principal.agency, types=types, most=limit + 1)
        shown, more = rows[:limit], len(rows) > limit
        events = [EventView(position=f"{here.epoch}-{row.number}", event=cloud_event(row)) for row in shown]
        return PageView(events=events, position=f"{here.epoch}-{shown[-1].number if more else last}", more=more)

    @router.get("/feed/events", response_class=EventSourceResponse)
    async def live(
        request: Request,
        who: Annotated[Principal, Depends(follower)],
        begins: Annotated[Place, Depends(beginning)],
        types: Types = [],  # noqa: B006 - FastAPI copies it
    ) -> AsyncIterator[ServerSentEvent]:
        """Each event of your agency's feed as it comes, with its position as the id: `Last-Event-ID` goes on after it.

        It ends after some minutes: connect again with a fresh token.
        """
        database: Database = request.app.state.database
        settings: Any = request.app.state.service.settings
        here, ends, looked = begins, monotonic() + 60 * settings.live_minutes, -1
        bell.listening += 1
        try:
            while (
                monotonic() < ends and not bell.closing() and not request.app.state.identity.ended(who.agency) and not await request.is_disconnected()
            ):
                if (newest := bell.newest.get(who.agency, 0)) == looked:
                    await bell.wait(max(0.0, min(1.0, ends - monotonic())))
                    continue
                looked, more = newest, True
                while more:
                    rows, last = await database.run(partial(said_after, here=here, agency=who.agency, types=types, most=PAGE))
                    for row in rows:
                        yield ServerSentEvent(data=cloud_event(row), event=row.type, id=f"{here.epoch}-{row.number}")
                    more = len(rows) == PAGE
                    here = here._replace(number=rows[-1].number if more else max(last, here.number))
        finally:
            bell.listening -= 1

    return router


async def said_after(tx: Transaction, *, here: Place, agency: str, types: Sequence[str], most: int) -> tuple[Any, int]:
    """What follows a place, and the number of what was said last."""
    top = await numbering.newest(tx, agency)
    asked = {"agency": agency, "top": top, "after": here.number, "since": here.since, "types": list(types), "always": numbering.ALWAYS, "most": most}
    return await tx.rows(numbering.AFTER, asked), top


def _case(follow_id: UUID, said: list[Any]) -> CaseView:
    now = followed(Heard(row.type.split(".")[1], row.factversion, row.time, json.loads(row.body)) for row in said)
    return CaseView.model_validate({"follow_id": follow_id, **asdict(now or Followed())})


def cloud_event(row: Any) -> dict[str, Any]:
    """An outbox row as a CloudEvent 1.0 in structured mode."""
    return {
        "specversion": "1.0",
        "id": str(row.id),
        "type": row.type,
        "source": "intake",
        "subject": str(row.subject),
        "time": row.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "factversion": row.factversion,
        "data": json.loads(row.body),
    }
