"""One visit of an officer to a page: who she is, what she entered, and how the service's own routes are asked in her name."""

import hmac
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ValidationError

from chassis.web.identity import Principal
from chassis.web.pages.guard import require_own_form, token_of
from chassis.web.pages.session import Sessions
from chassis.web.pages.words import Language, said
from chassis.web.problems import FieldProblem, RefusedError
from chassis.web.routes import require_key

if TYPE_CHECKING:
    from chassis.web.pages.frame import Pages

PREFIX = "/pages"
MOST_FIELDS = 400
LANGUAGE = "naungan-language"
B = TypeVar("B", bound=BaseModel)
Again = Callable[["Visiting", RefusedError | None], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visiting:
    """A visit. `entered` are the fields of a form as they were sent, each with all its values; empty when a page is only looked at."""

    pages: "Pages"
    request: Request
    who: Principal
    language: Language
    now: datetime
    entered: Mapping[str, tuple[str, ...]]

    # -- what she entered ----------------------------------------------------------------------------------------------------------------

    def field(self, name: str) -> str | None:
        """What was entered in a field; None where nothing was."""
        return next((value for value in self.entered.get(name, ()) if value), None)

    def fields(self, name: str) -> tuple[str, ...]:
        """All that was chosen under one name."""
        return tuple(value for value in self.entered.get(name, ()) if value)

    def say(self, key: str, **values: object) -> str:
        """A sentence of the service's catalogue, in her language."""
        return said(self.pages.words, key, self.language, **values)

    # -- asking the service ---------------------------------------------------------------------------------------------------------------

    async def ask(self, route: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
        """What a `@reads` route of this service answers her. Raises RefusedError, as it does."""
        return await route(**self._as_a_request(route), **arguments)

    async def tell(self, route: Callable[..., Awaitable[Any]], *, part: str = "", **arguments: Any) -> Any:
        """Do what a `@writes` route of this service does, under the key that her form carries; what it answers, as JSON.

        A form that does several things names each `part`. Raises RefusedError, as the route does.
        """
        key = require_key(self.field("key")) + (f":{part}" if part else "")
        answer: Response = await route(**self._as_a_request(route), naungan_key=key, **arguments)
        return json.loads(bytes(answer.body)) if answer.body else None

    async def send(
        self, route: Callable[..., Awaitable[Any]], *, then: str, again: Again, body: Callable[[], BaseModel] | None = None, **arguments: Any
    ) -> Response:
        """Do what a form asks of a `@writes` route: on success go on to `then`, on refusal show the page `again`, with what is wrong."""
        try:
            given: dict[str, Any] = {"body": read(body)} if body is not None else {}
            await self.tell(route, **given, **arguments)
        except RefusedError as refused:
            return await again(self, refused)
        return self.go(then)

    def _as_a_request(self, route: Callable[..., Any]) -> dict[str, Any]:
        told = {"naungan_request": self.request, "naungan_asker": self.who, "naungan_why": None}
        return {name: value for name, value in told.items() if name in inspect.signature(route).parameters}

    # -- answering ------------------------------------------------------------------------------------------------------------------------

    def go(self, path: str, **query: str) -> Response:
        """Go on to another page of this service; `said` names a sentence that is shown there."""
        return RedirectResponse(self.path(path, **query), 303)

    def path(self, path: str, **query: str) -> str:
        """The address of a page of this service."""
        return address(self.request, path, **query)

    def show(self, template: str, *, refused: RefusedError | None = None, names: Mapping[str, str] | None = None, **values: Any) -> Response:
        """A page; with a refusal also what is wrong, first of all, each field as `names` calls it on this page."""
        return self.pages.show(self, template, refused=refused, names=names or {}, **values)

    @property
    def token(self) -> str:
        """What a form of hers carries, so that nobody else can send it."""
        return token_of(form_key(self.request), self.who, self.now)

    @property
    def fresh_key(self) -> str:
        """The Idempotency-Key of a form that is shown now."""
        return str(uuid4())


def read(body: Callable[[], B]) -> B:
    """What a form says, as the body that a route takes. Raises RefusedError naming each field, as the route itself would."""
    try:
        return body()
    except ValidationError as error:
        places = [FieldProblem(".".join(str(part) for part in entry["loc"]) or "body", _code(entry["type"])) for entry in error.errors()]
        raise RefusedError(422, "some fields are missing or wrong: correct them and send again", places) from None


def _code(kind: str) -> str:
    return "missing" if kind in {"missing", "none_required"} or kind.endswith("_type") else "invalid"


async def _visit(request: Request, entered: Mapping[str, tuple[str, ...]]) -> Visiting:
    pages: Pages = request.state.pages
    who = await sessions(request).principal(request)
    now = datetime.now(UTC) + request.app.state.database.skew
    return Visiting(pages, request, who, language_of(request), now, entered)


async def looking(request: Request) -> Visiting:
    """A visit that only looks. Raises LoginNeededError."""
    return await _visit(request, {})


async def sending(request: Request) -> Visiting:
    """A visit with a form that was entered here. Raises LoginNeededError, or RefusedError for one that another site sent."""
    visit = await _visit(request, await entered_in(request))
    require_own_form(request, form_key(request), visit.who, visit.field("token") or "", visit.now)
    return visit


async def entered_in(request: Request) -> dict[str, tuple[str, ...]]:
    """The fields of a sent form. Raises RefusedError for a body that is none."""
    body, kind = await request.body(), request.headers.get("content-type", "")
    try:
        if kind.startswith("multipart/form-data"):
            pairs = _parts(kind, body)
        else:
            pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise RefusedError(400, "this is no form", [FieldProblem("body", "invalid")]) from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value.strip().replace("\r\n", "\n"))
    return {name: tuple(values) for name, values in found.items()}


def _parts(kind: str, body: bytes) -> list[tuple[str, str]]:
    """The fields of a form with a file. What of a file is no UTF-8 is replaced: the page says so to who chose it."""
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body)
    parts = list(whole.iter_parts())
    if len(parts) > MOST_FIELDS:
        raise ValueError(len(parts))
    named = [(part.get_param("name", header="content-disposition"), part.get_payload(decode=True)) for part in parts]
    return [(name, value.decode(errors="replace")) for name, value in named if isinstance(name, str) and isinstance(value, bytes)]


def language_of(request: Request) -> Language:
    """The language somebody chose on this device: Indonesian first."""
    return Language.ENGLISH if request.cookies.get(LANGUAGE) == Language.ENGLISH else Language.INDONESIAN


def sessions(request: Request) -> Sessions:
    """The sessions of the service that answers this request, made once."""
    state = request.app.state
    if not hasattr(state, "sessions"):
        state.sessions = Sessions(state.service.settings, state.identity)
    found: Sessions = state.sessions
    return found


def form_key(request: Request) -> bytes:
    """The key of the tokens in this service's forms; every replica has it."""
    return hmac.new(request.app.state.service.fingerprint_key, b"forms", sha256).digest()


def address(request: Request, path: str, **query: str) -> str:
    """The address of a page of the service that answers this request."""
    asked = f"?{urlencode(query)}" if query else ""
    return f"{request.scope.get('root_path', '')}{PREFIX}/{path}{asked}"


def here(request: Request) -> str:
    """The path of a request as the browser knows it."""
    root = request.scope.get("root_path", "")
    return f"{root}{request.scope['path'].removeprefix(root)}"


Visit = Annotated[Visiting, Depends(looking)]
Sent = Annotated[Visiting, Depends(sending)]
