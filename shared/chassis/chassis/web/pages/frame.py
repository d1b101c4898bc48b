"""The common frame of a service's pages: their router, what every answer carries, and how templates and words become a page."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader

from chassis.store.failures import ClosedStoreError
from chassis.store.vault import ErasedError
from chassis.web.pages import files
from chassis.web.pages.guard import local_path, protect, require_own_origin
from chassis.web.pages.refusals import told
from chassis.web.pages.session import COOKIE, LoginNeededError
from chassis.web.pages.visit import LANGUAGE, PREFIX, Visiting, address, entered_in, here, language_of, sessions
from chassis.web.pages.words import FRAME, JAKARTA, Language, Sentence, ago, day, moment, said, span
from chassis.web.problems import RefusedError

log = structlog.get_logger()

CALLBACK = "session/callback"
A_YEAR = 365 * 24 * 3600
To = Annotated[str, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation: a path through the gateway, its words, and the roles it is for."""

    path: str
    words: Sentence
    roles: frozenset[str]


class Pages:
    """The pages of one service. `package` holds its `templates`, `words` are its own beside the frame's, `home` is where a log-in leads."""

    def __init__(self, package: str, words: Mapping[str, Sentence], places: Sequence[Place], home: str) -> None:
        if doubled := words.keys() & FRAME.keys():
            message = f"these words are the frame's: {sorted(doubled)}"
            raise ValueError(message)
        self.words, self.places, self.home = {**FRAME, **words}, places, home
        components = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
        loader = ChoiceLoader([PackageLoader(package), PackageLoader(str(__package__)), components])
        self.environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self.route_class = _route_class(self)
        self.router = self.routes()
        self._add_own_routes()

    def routes(self) -> APIRouter:
        """A router for pages, where a service needs one that is made with it."""
        return APIRouter(prefix=PREFIX, route_class=self.route_class, include_in_schema=False)

    # -- rendering ------------------------------------------------------------------------------------------------------------------------

    def show(self, visit: Visiting, template: str, *, refused: RefusedError | None, names: Mapping[str, str], **values: Any) -> Response:
        """A page for who visits."""
        problems = told(refused, self.words, visit.language, names) if refused else ()
        shown = {"visit": visit, "problems": problems, "refused": refused, **values}
        said_now = visit.request.query_params.get("said", "")
        done = said(self.words, f"said.{said_now}", visit.language) if f"said.{said_now}" in self.words and refused is None else None
        return self._page(visit.request, template, refused.status if refused else 200, visit.now, {**shown, "done": done})

    def plain(self, request: Request, template: str, status: int, **values: Any) -> Response:
        """A page for somebody who may not be logged in."""
        return self._page(request, template, status, datetime.now(UTC), {"visit": None, "problems": (), "done": None, **values})

    def _page(self, request: Request, template: str, status: int, now: datetime, values: Mapping[str, Any]) -> Response:
        words, language, at = self.words, language_of(request), here(request)
        frame = {
            "t": partial(_said, words, language),
            "moment": lambda at: moment(at, now, language),
            "day": lambda at: day(at, language),
            "date": lambda on: day(datetime.combine(on, time(12), JAKARTA), language),
            "span": lambda seconds: span(words, seconds, language),
            "since": lambda at: ago(words, (now - at).total_seconds(), language),
            "left": lambda at: _left(words, (at - now).total_seconds(), language),
            "has": lambda key: key in words,
            "now": now,
            "language": language.value,
            "file": lambda name: address(request, f"static/{files.index()[name]}"),
            "path": partial(address, request),
            "here": at,
            "seen_at": _seen_at(request),
            "places": [place for place in self.places if values["visit"] is not None and values["visit"].who.has(*place.roles)],
            "login": address(request, "session/login", to=at),
        }
        return HTMLResponse(self.environment.get_template(template).render({**frame, **values}), status)

    # -- what every service's pages have ----------------------------------------------------------------------------------------------------

    def _add_own_routes(self) -> None:
        @self.router.get("/session/login")
        async def log_in(request: Request, to: To = "") -> Response:
            return await sessions(request).begin(request, address(request, CALLBACK), local_path(to, self.home))

        @self.router.get("/session/callback")
        async def logged_in(request: Request) -> Response:
            return await sessions(request).complete(request, address(request, CALLBACK), self.home)

        @self.router.post("/session/end")
        async def log_out(request: Request) -> Response:
            require_own_origin(request)
            return sessions(request).end(address(request, "session/ended"))

        @self.router.get("/session/ended")
        async def logged_out(request: Request) -> Response:
            return self.plain(request, "logged_out.html", 200, login=address(request, "session/login", to=self.home))

        @self.router.get("/language/{language}")
        async def choose_language(request: Request, language: Language, to: To = "") -> Response:
            response = RedirectResponse(local_path(to, self.home), 303)
            # On the device of somebody who is no officer nothing stays that tells of a visit.
            lasts = A_YEAR if COOKIE in request.cookies else None
            response.set_cookie(LANGUAGE, language.value, max_age=lasts, path="/", httponly=True, samesite="lax")
            return response

        @self.router.get("/static/{name}")
        async def static(name: str, request: Request) -> Response:
            return files.serve(name, request)


def _seen_at(request: Request) -> str:
    """The page that somebody looks at: of a form that was refused the one that it stands on."""
    referred = urlsplit(request.headers.get("referer", ""))
    return referred.path if request.method != "GET" and referred.path else here(request)


def _said(words: Mapping[str, Sentence], language: Language, key: str, **values: object) -> str:
    return said(words, key, language, **values)


def _left(words: Mapping[str, Sentence], seconds: float, language: Language) -> str:
    return said(words, "span.ahead" if seconds >= 0 else "span.over", language, span=span(words, seconds, language))


def _route_class(pages: Pages) -> type[APIRoute]:
    """Routes whose answers carry a page's headers, and whose refusals are pages too."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def visited(request: Request) -> Response:
                request.state.pages = pages
                try:
                    response = await handle(request)
                except LoginNeededError:
                    response = await _log_in_first(pages, request)
                except RequestValidationError:
                    response = _refuse(pages, request, RefusedError(404, "no such page"))
                except RefusedError as refused:
                    response = _refuse(pages, request, refused)
                except ClosedStoreError:
                    response = _refuse(pages, request, RefusedError(503, "the store is being brought up to date"))
                except ErasedError:
                    response = _refuse(pages, request, RefusedError(409, "erased"))
                except Exception as error:  # noqa: BLE001 - an officer is never left with a blank page
                    log.error("page_failed", error=type(error).__name__)
                    response = _refuse(pages, request, RefusedError(500, "an error of the platform"))
                return response if "immutable" in response.headers.get("cache-control", "") else protect(response)

            return visited

    return PageRoute


async def _log_in_first(pages: Pages, request: Request) -> Response:
    """Who looks is sent to log in; who sends keeps what she entered: the page holds it until she is back."""
    if request.method == "GET":
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(address(request, "session/login", to=here(request) + query), 303)
    require_own_origin(request)
    entered = await entered_in(request)
    return pages.plain(request, "resume.html", 401, entered=entered, login=address(request, "session/login", to=pages.home))


def _refuse(pages: Pages, request: Request, refused: RefusedError) -> Response:
    return pages.plain(request, "problem.html", refused.status, refused=refused, problems=told(refused, pages.words, language_of(request)))
