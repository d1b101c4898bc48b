"""Precise refusals: RFC 9457 problem details that name each field and what to do, and never echo a value."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from chassis.store.failures import ClosedStoreError
from chassis.store.vault import ErasedError
from chassis.web.identity import AccessEndedError, IssuerAwayError, NotIdentifiedError

log = structlog.get_logger()


# How every answer that is none of a route's own looks, in a service's OpenAPI document.
PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Refused: problem details (RFC 9457) that name each field",
        "content": {
            "application/problem+json": {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "errors": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["field", "code"],
                                "properties": {"field": {"type": "string"}, "code": {"type": "string"}},
                            },
                        },
                    },
                }
            }
        },
    }
}


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field, as a code."""

    field: str
    code: str


ACCESS_ENDED = (FieldProblem("agency", "access_ended"),)


class RefusedError(Exception):
    """A request that is understood and refused; nothing changes."""

    def __init__(self, status: int, title: str, problems: Sequence[FieldProblem] = (), **members: Any) -> None:
        super().__init__(title)
        self.status, self.title, self.problems, self.members = status, title, tuple(problems), members


def not_found(what: str) -> RefusedError:
    """404; also for what the principal may not know of, so that absent and denied look the same."""
    return RefusedError(404, f"no such {what}")


def conflict(title: str, **members: Any) -> RefusedError:
    """409: the state does not allow it; `members` say which state."""
    return RefusedError(409, title, **members)


class TooLargeError(HTTPException):
    """A body is larger than its route takes. An HTTPException, because FastAPI lets no other failure of reading a body through as it is."""

    def __init__(self, most: int) -> None:
        super().__init__(413, "this is too large for this door")
        self.most = most


def too_large(most: int) -> JSONResponse:
    """413: what is sent is larger than `most` bytes."""
    return problem(413, "this is too large for this door", [FieldProblem("body", "too_large")], most_bytes=most)


def problem(status: int, title: str, problems: Sequence[FieldProblem] = (), **members: Any) -> JSONResponse:
    """A problem-details response."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, **members}
    if problems:
        body["errors"] = [{"field": entry.field, "code": entry.code} for entry in problems]
    headers = {"Retry-After": "2"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    if "retry_after" in members:
        headers["Retry-After"] = str(members["retry_after"])
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _page_of(request: Request) -> str | None:
    """The page beside what a browser asked for, as a link in a message says it: `/x/y` of systems is `/pages/x/y` of people."""
    if request.method != "GET" or "authorization" in request.headers or not request.headers.get("accept", "").startswith("text/html"):
        return None
    root = request.scope.get("root_path", "")
    path = f"/pages{request.scope['path'].removeprefix(root)}"
    known = any(route.matches({**request.scope, "path": path, "root_path": ""})[0] is Match.FULL for route in request.app.routes)
    return f"{root}{path}" if known else None


def _stranger(request: Request, error: NotIdentifiedError) -> Response:
    """How somebody is answered who is not let in: a browser by the page where one logs in."""
    if isinstance(error, AccessEndedError):
        return problem(403, str(error), ACCESS_ENDED)
    if (page := _page_of(request)) is not None:
        return RedirectResponse(page, 303)
    response = problem(401, str(error))
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def answer_with_problems(app: FastAPI) -> None:
    """Let every failure of this app end as a problem."""

    @app.exception_handler(RefusedError)
    async def refused(_request: Request, error: RefusedError) -> JSONResponse:
        return problem(error.status, error.title, error.problems, **error.members)

    @app.exception_handler(ClosedStoreError)
    async def closed(_request: Request, _error: ClosedStoreError) -> JSONResponse:
        return problem(503, "the store was restored and is being brought up to date; nothing was changed, try again with the same Idempotency-Key")

    @app.exception_handler(ErasedError)
    async def erased(_request: Request, error: ErasedError) -> JSONResponse:
        title = "this person, or these texts, were erased: nothing of the kind is kept again; send only what is about others"
        return problem(409, title, [FieldProblem("person_id", "erased")], state="erased", owner=str(error))

    @app.exception_handler(NotIdentifiedError)
    async def not_identified(request: Request, error: NotIdentifiedError) -> Response:
        return _stranger(request, error)

    @app.exception_handler(IssuerAwayError)
    async def issuer_away(_request: Request, error: IssuerAwayError) -> JSONResponse:
        return problem(503, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        places = [FieldProblem(".".join(str(part) for part in entry["loc"][1:]) or "body", str(entry["type"])) for entry in error.errors()]
        return problem(422, "some fields are missing or wrong: correct them and send again", places)

    @app.exception_handler(TooLargeError)
    async def larger(_request: Request, error: TooLargeError) -> JSONResponse:
        return too_large(error.most)

    @app.exception_handler(HTTPException)
    async def http(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail))

    @app.exception_handler(Exception)
    async def failed(_request: Request, error: Exception) -> JSONResponse:
        log.error("request_failed", error=type(error).__name__)
        return problem(500, "an error of the platform; nothing was changed, try again with the same Idempotency-Key")
