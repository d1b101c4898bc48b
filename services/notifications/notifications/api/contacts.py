"""The door for people and organisations without an account who want to hear of prevention: ask, agree from the address itself, choose anew, stop.

Nothing that comes out says whether an address is known. Links in messages lead to pages with one button: what reads ahead presses none.
"""

import functools
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, client_address, not_found, reads, reads_openly, writes, writes_openly
from chassis.store.vault import Vault
from chassis.web.pages.visit import address
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from notifications import policy
from notifications.api.preferences import Place
from notifications.api.prevention import Audience, require_agency, session_of
from notifications.domain.contacts import as_written
from notifications.messages import Language
from notifications.prevention import contacts, words

router = APIRouter(tags=["prevention"])
By = Literal["email", "sms", "whatsapp"]
HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}


class AddressBody(BaseModel):
    """An address: an e-mail, or a number for SMS or WhatsApp."""

    model_config = ConfigDict(extra="forbid")

    channel: By
    address: str = Field(max_length=200)


class ContactBody(AddressBody):
    """Where to hear, in which language, of sessions for whom, and where; no area means everywhere."""

    language: Language = Language.INDONESIAN
    audiences: list[Audience] = Field(min_length=1, max_length=7)
    areas: list[Place] = Field(default_factory=list, max_length=300)


class ChoiceBody(BaseModel):
    """Of which sessions to hear from now on."""

    model_config = ConfigDict(extra="forbid")

    audiences: list[Audience] = Field(min_length=1, max_length=7)
    areas: list[Place] = Field(default_factory=list, max_length=300)


class AskedView(BaseModel):
    """The address is asked whether it agrees, unless it was today; nothing else is said."""

    asked: bool = True


class ContactView(BaseModel):
    """Where a contact stands: `asked` until somebody agrees from the address itself."""

    state: str


class OpenSession(BaseModel, from_attributes=True):
    """A session as everybody may read it."""

    title: str
    place: str
    area: str
    audiences: list[str]
    starts_at: datetime
    note: str
    cancelled_at: datetime | None


class ErasedView(BaseModel):
    """Whether there was such a contact; there is none now."""

    erased: bool


class CountView(BaseModel):
    """How many."""

    channel: str
    state: str
    count: int
    kind: str | None = None


async def vault_of(request: Request) -> Vault:
    """The vault of the service that answers this request."""
    vault: Vault = request.app.state.service.vault
    return vault


async def knocked(request: Request) -> None:
    """Count that somebody asks."""
    vault, origin = await vault_of(request), client_address(request, request.app.state.service.settings.proxies)
    await request.app.state.database.run(functools.partial(contacts.knock, vault=vault, origin=origin))


Safe = Annotated[Vault, Depends(vault_of)]


@router.post("/public/prevention/contacts", status_code=202)
@writes_openly(knocked)
async def ask_openly(body: ContactBody, vault: Safe, tx: Transaction) -> AskedView:
    """Ask to hear of sessions, without an account: a link comes to the address, and nothing else does before somebody follows it."""
    await contacts.ask(tx, vault, _wish(body, tx), openly=True)
    return AskedView()


@router.get("/public/prevention/confirm/{token}", status_code=303, response_class=RedirectResponse)
async def confirming(token: str, request: Request) -> RedirectResponse:
    """The link in the first message leads to its page; looking uses nothing up."""
    return _to_page(request, f"confirm/{quote(token, safe='')}")


@router.post("/public/prevention/confirm/{token}", response_class=HTMLResponse)
@reads_openly
async def confirm(token: str, tx: Transaction) -> HTMLResponse:
    """Agree to hear at this address; again changes nothing. A link that is over is a 410."""
    return _leaflet("confirmed") if await contacts.confirm(tx, token) else _leaflet("gone", status=410)


@router.get("/public/prevention/stop/{token}", status_code=303, response_class=RedirectResponse)
async def stopping(token: str, request: Request) -> RedirectResponse:
    """The link in every message leads to its page."""
    return _to_page(request, f"stop/{quote(token, safe='')}")


@router.post("/public/prevention/stop/{token}", response_class=HTMLResponse)
@reads_openly
async def stop(token: str, tx: Transaction) -> HTMLResponse:
    """Hear no more, and have the address erased; again changes nothing. An e-mail program's own button comes here too (RFC 8058)."""
    await contacts.stop_by(tx, token)
    return _leaflet("stopped")


@router.post("/public/prevention/choices/{token}")
@writes_openly(knocked)
async def choose(token: str, body: ChoiceBody, tx: Transaction) -> AskedView:
    """Hear of other sessions; `token` is the last part of the link by which a message is stopped."""
    if not await contacts.choose(tx, token, body.audiences, body.areas):
        raise RefusedError(404, "there is no such contact: ask to hear anew", [FieldProblem("token", "unknown")])
    return AskedView()


@router.get("/public/prevention/sessions/{session_id}", status_code=303, response_class=RedirectResponse)
async def session(session_id: UUID, request: Request) -> RedirectResponse:
    """The link to a session leads to its page."""
    return _to_page(request, f"sessions/{session_id}")


@reads_openly
async def open_session(session_id: UUID, tx: Transaction) -> OpenSession:
    """A session as everybody reads it who follows the link to it; its page asks this."""
    row = await tx.row(contacts.SESSION, {"id": session_id})
    if row is None:
        raise not_found("session")
    return OpenSession.model_validate(row)


@router.post("/prevention/contacts", status_code=201)
@writes(*policy.PREVENTION)
async def register(body: ContactBody, vault: Safe, tx: Transaction) -> ContactView:
    """Register the address of an organisation or a person that asked for it; it hears nothing before somebody there agrees."""
    require_agency(tx)
    state = await contacts.ask(tx, vault, _wish(body, tx))
    if state == contacts.STOPPED:
        raise RefusedError(409, "this address stopped hearing of sessions: it is not asked again so soon", [FieldProblem("address", "stopped")])
    return ContactView(state=state)


@router.post("/prevention/contacts/erase")
@writes(*policy.PREVENTION)
async def erase(body: AddressBody, vault: Safe, tx: Transaction) -> ErasedView:
    """Stop and erase an address for somebody who asked an officer to; again changes nothing."""
    require_agency(tx)
    return ErasedView(erased=await contacts.stop_at(tx, vault, body.channel, _address(body, tx)))


@router.get("/prevention/contacts")
@reads(*policy.PREVENTION)
async def counted(tx: Transaction) -> list[CountView]:
    """How many contacts there are; nobody reads an address."""
    require_agency(tx)
    return [_count(row) for row in await tx.rows(contacts.COUNTS)]


@router.get("/prevention/sessions/{session_id}/reach")
@reads(*policy.PREVENTION)
async def reach(session_id: UUID, tx: Transaction) -> list[CountView]:
    """What became of the messages about a session: `maybe_sent` is not sent again."""
    require_agency(tx)
    await session_of(session_id, tx)
    return [_count(row) for row in await tx.rows(contacts.REACH, {"id": session_id})]


def _wish(body: ContactBody, tx: Transaction) -> contacts.Wish:
    return contacts.Wish(body.channel, _address(body, tx), body.language, body.audiences, body.areas)


def _address(body: AddressBody, tx: Transaction) -> str:
    ways = {*tx.settings.gateways, *(["email"] if tx.settings.smtp else [])}
    if body.channel not in ways:
        raise RefusedError(422, "nothing can be sent that way here: choose another channel", [FieldProblem("channel", "not_available")])
    if (address := as_written(body.channel, body.address)) is None:
        raise RefusedError(422, "give an e-mail address, or a number as +62...", [FieldProblem("address", "invalid")])
    return address


def _count(row: Any) -> CountView:
    return CountView(channel=row.channel, state=row.state, count=row.many, kind=getattr(row, "kind", None))


def _to_page(request: Request, path: str) -> RedirectResponse:
    return RedirectResponse(address(request, f"public/prevention/{path}"), 303, HEADERS)


def _leaflet(text: str, status: int = 200) -> HTMLResponse:
    """Lines for programs that press a button themselves, the Indonesian first; people have pages."""
    said = "".join(f"<p>{line}</p>" for line in words.LEAFLETS[text])
    return HTMLResponse(
        f'<!doctype html><html lang="id"><head><meta charset="utf-8"><title>Info</title></head><body>{said}</body></html>', status, HEADERS
    )
