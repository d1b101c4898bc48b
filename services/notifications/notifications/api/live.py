"""The officers' inbox as it fills: server-sent events, which every replica gives, whichever of them wrote the notice."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial
from time import monotonic
from typing import Annotated, Any

import structlog
from chassis import Asker, Principal, RefusedError, Transaction
from chassis.store.database import Database
from chassis.web.bell import Bell
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlalchemy import text

from notifications import policy, store
from notifications.api.inbox import notice_view
from notifications.messages import Language

log = structlog.get_logger()

NEWEST = text("SELECT coalesce(max(position), 0) AS position FROM notice")


InboxBell = Bell[int]


def inbox_bell() -> InboxBell:
    """The bell of the inboxes that are open at this replica: rings when there is a newer notice."""
    return Bell(newest_position, 0, "live_poll_seconds")


async def newest_position(tx: Transaction) -> int:
    """The position of what was seen last; they are committed in their order."""
    return int((await tx.rows(NEWEST))[0].position)


def officer(asker: Asker) -> Principal:
    """Who may listen. Raises RefusedError for anybody without an inbox."""
    if not asker.has(*policy.INBOX):
        raise RefusedError(403, "your role does not allow this")
    return asker


async def notices(bell: InboxBell, request: Request, who: Principal, *, after: int | None, lang: Language) -> AsyncGenerator[ServerSentEvent]:
    """What somebody is told from a position on, or from now on, as it comes; it ends after some minutes."""
    database: Database = request.app.state.database
    settings: Any = request.app.state.service.settings
    seen = after if after is not None else await database.run(newest_position)
    ends, looked = monotonic() + 60 * settings.live_minutes, -1
    bell.listening += 1
    try:
        while monotonic() < ends and not bell.closing() and not request.app.state.identity.ended(who.agency) and not await request.is_disconnected():
            if bell.newest == looked:
                await bell.wait(1)
                continue
            looked = bell.newest
            while rows := await database.run(partial(store.inbox_of, who=who, unread=None, after=seen, most=settings.inbox_page)):
                for row in rows:
                    yield ServerSentEvent(data=notice_view(row, lang), event="notice", id=str(row.position))
                seen = rows[-1].position
    finally:
        bell.listening -= 1


def routes(bell: InboxBell) -> APIRouter:
    """The routes of a service with this bell."""
    router = APIRouter()

    @router.get("/inbox/live", response_class=EventSourceResponse)
    async def live(
        request: Request,
        who: Annotated[Principal, Depends(officer)],
        *,
        after: Annotated[int | None, Query(ge=0)] = None,
        last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None,
        lang: Language = Language.INDONESIAN,
    ) -> AsyncIterator[ServerSentEvent]:
        """Each notice as it comes, with its position as the event's id.

        It begins after `Last-Event-ID` or `after`, or with what comes from now on, and ends after some minutes: connect again with a fresh token.
        """
        since = int(last_event_id) if last_event_id else after
        async with contextlib.aclosing(notices(bell, request, who, after=since, lang=lang)) as coming:
            async for event in coming:
                yield event

    return router
