"""The inbox: what waits for somebody, the most urgent first; opened, taken up, or answered by asking for a call."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from chassis import RefusedError, not_found
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from contracts.places import page_of
from fastapi import APIRouter, Header, Response
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from notifications import policy
from notifications.api import answers, inbox, waiting
from notifications.api.live import InboxBell, notices
from notifications.domain.links import ANSWERABLE
from notifications.messages import Language
from notifications.pages import pages

router = pages.router
SHOWN = 50


@router.get("/inbox")
async def what_waits(visit: Visit) -> Response:
    """What waits, the most urgent first."""
    return await _inbox(visit, None)


@router.post("/inbox/{notice_id}/open")
async def open_it(notice_id: UUID, visit: Sent) -> Response:
    """Note that it was read, and go on to what it is about."""
    read = await visit.tell(inbox.read, notice_id=notice_id)
    return RedirectResponse(page_of(read["link"]), 303) if read["link"] else visit.go("inbox")


@router.post("/inbox/{notice_id}/take")
async def take(notice_id: UUID, visit: Sent) -> Response:
    """Take a notice up."""
    return await visit.send(inbox.acknowledge, then="inbox?said=taken", again=_inbox, notice_id=notice_id)


@router.get("/placements/{placement_id}")
async def about_a_request(placement_id: UUID, visit: Visit) -> Response:
    """Ask to be called about a request."""
    return await _call(placement_id, visit, None)


@router.post("/placements/{placement_id}/call")
async def call_me(placement_id: UUID, visit: Sent) -> Response:
    """Those who place are told to call; by the way of a link, as from a message, so that a double tap asks once."""
    try:
        notice_id = UUID(visit.field("notice") or "")
        made = await visit.tell(answers.make_link, part="link", notice_id=notice_id)
        body = answers.AnswerBody(answer=answers.Answer.CALL_ME)
        await visit.tell(answers.answer, part="answer", token=made["path"].rpartition("/")[2], body=body)
    except ValueError:
        raise not_found("notice") from None
    except RefusedError as refused:
        return await _call(placement_id, visit, refused)
    return visit.go("inbox", said="called")


@router.get("/answers/{token}")
async def from_a_message(token: str, visit: Visit) -> Response:
    """The link in a message leads, once its officer is logged in, to the very request; there it is answered."""
    opened = await visit.ask(answers.opened, token=token, lang=_language(visit))
    return RedirectResponse(page_of(f"/placement/placements/{opened.placement_id}"), 303)


def live(bell: InboxBell) -> APIRouter:
    """The inbox as it fills, for the page that is open; made with the service, for it listens to its bell."""
    made = pages.routes()

    @made.get("/inbox/live", response_class=EventSourceResponse)
    async def fills(visit: Visit, last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,18}$")] = None) -> AsyncIterator[ServerSentEvent]:
        since = int(last_event_id) if last_event_id else None
        if not visit.who.has(*policy.INBOX):
            raise RefusedError(403, "your role does not allow this")
        async with contextlib.aclosing(notices(bell, visit.request, visit.who, after=since, lang=_language(visit))) as coming:
            async for event in coming:
                yield ServerSentEvent(data="", event=event.event, id=event.id)  # that there is one; the page reads it again

    return made


async def _inbox(visit: Visiting, refused: RefusedError | None) -> Response:
    found = await visit.ask(waiting.waiting, placement_id=None, most=SHOWN, lang=_language(visit))
    return visit.show("inbox.html", refused=refused, found=found, answerable=ANSWERABLE)


async def _call(placement_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    found = await visit.ask(waiting.waiting, placement_id=placement_id, most=SHOWN, lang=_language(visit))
    asks = next((notice for notice in found.notices if notice.kind in ANSWERABLE), None)
    return visit.show("call.html", refused=refused, notice=asks, back=page_of(f"/placement/placements/{placement_id}"))


def _language(visit: Visiting) -> Language:
    return Language(visit.language.value)


__all__ = ["live", "router"]
