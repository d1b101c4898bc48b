"""Routes as handlers: `@writes` is one transaction behind an Idempotency-Key, `@reads` one that may be audited.

Write them as `@router.post(...)`, `@writes("shelter_head")`, `async def accept(placement_id: UUID, tx: Transaction) -> ...`. A route
that many ask at once is `@writes_together("intake_officer", body=...)`, `async def report(asked: Sequence[Asked[...]], tx: Transaction)`.
"""

import asyncio
import functools
import inspect
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse, Response
from sqlalchemy import text

from chassis.envelope import Cause
from chassis.store.database import Database
from chassis.store.failures import Fault, fault_of
from chassis.store.transaction import Transaction
from chassis.web.identity import Identity, Principal
from chassis.web.problems import FieldProblem, RefusedError, not_found
from chassis.web.together import Together, Waiting, fingerprint_of, repeated

CLAIM = text("""
    INSERT INTO request (principal, key, fingerprint) VALUES (:principal, :key, :fingerprint)
    ON CONFLICT DO NOTHING RETURNING clock_timestamp()""")
EARLIER = text("SELECT fingerprint, status, answer FROM request WHERE principal = :principal AND key = :key")
ANSWER = text("UPDATE request SET status = :status, answer = :answer WHERE principal = :principal AND key = :key")
TRIES = 8
PURPOSE = r"^[a-z][a-z_]{0,39}$"
SHORTEST_OPEN_KEY = 16
R = TypeVar("R")
Route = Callable[..., Awaitable[Any]]


async def identified(request: Request, authorization: Annotated[str | None, Header()] = None) -> Principal:
    """The principal of a request."""
    identity: Identity = request.app.state.identity
    return await identity.principal(authorization)


Asker = Annotated[Principal, Depends(identified)]
# Who asks at a door that is open to everybody.
ANYBODY = Principal(UUID(int=0), frozenset({"public"}), "")


async def anybody() -> Principal:
    """The principal of a request that needs no token; one that is sent counts for nothing."""
    return ANYBODY


Unasked = Annotated[Principal, Depends(anybody)]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="unique per action; send the same again when no answer came"),
]
Why = Annotated[
    str | None,
    Header(alias="X-Purpose", pattern=PURPOSE, description="why you ask, as a code; it is kept with what you looked at"),
]


def writes(*roles: str) -> Callable[[Route], Route]:
    """Make a route a write for these roles. Its `tx` comes from here; what it returns is stored and answered again for the same key."""

    async def allowed(_request: Request, asker: Principal, key: str | None) -> str:
        require_role(asker, roles)
        return require_key(key)

    return functools.partial(_writing, allowed, Asker)


def writes_openly(before: Callable[[Request], Awaitable[None]]) -> Callable[[Route], Route]:
    """Make a route a write for everybody, without a token; the rest as `writes`. `before` may refuse, in a transaction of its own.

    All who ask share one name space of keys, so a key must be too long to be met by chance.
    """

    async def allowed(request: Request, _asker: Principal, key: str | None) -> str:
        if len(require_key(key)) < SHORTEST_OPEN_KEY:
            raise RefusedError(
                400, "this Idempotency-Key could be guessed: send a random one, as a UUID", [FieldProblem("Idempotency-Key", "too_short")]
            )
        await _attempt(lambda: before(request))
        return require_key(key)

    return functools.partial(_writing, allowed, Unasked)


def _writing(allowed: Callable[[Request, Principal, str | None], Awaitable[str]], asker: Any, route: Route) -> Route:
    @functools.wraps(route)
    async def endpoint(
        *, naungan_request: Request, naungan_asker: Principal, naungan_key: str | None, naungan_why: str | None, **arguments: Any
    ) -> Response:
        key = await allowed(naungan_request, naungan_asker, naungan_key)

        async def work(tx: Transaction) -> Any:
            tx.purpose = naungan_why
            return await route(**arguments, tx=tx)

        return await _attempt(lambda: _write(naungan_request, naungan_asker, key, work))

    return _with_signature(endpoint, route, naungan_asker=asker, naungan_key=Key, naungan_why=Why)


def writes_together(*roles: str, body: Any) -> Callable[[Route], Route]:
    """Make a route a write for these roles whose concurrent requests, each with a `body` of this type, share a transaction.

    It gets them as `asked`, and returns for each what is answered, or a RefusedError, and then it must not have written anything for it.
    Its other parameters are parts of the service, the same for every request.
    """

    def decorate(route: Route) -> Route:
        @functools.wraps(route)
        async def endpoint(
            *,
            naungan_request: Request,
            naungan_asker: Principal,
            naungan_key: str | None,
            naungan_why: str | None,
            naungan_body: Any,
            **arguments: Any,
        ) -> Response:
            require_role(naungan_asker, roles)
            key, state = require_key(naungan_key), naungan_request.app.state
            together: Together | None = getattr(state, route.__name__, None)
            if together is None:
                status = naungan_request.scope["route"].status_code or HTTPStatus.OK
                together = Together(state.database, functools.partial(route, **arguments), status, _attempt)
                setattr(state, route.__name__, together)
            trace = naungan_request.headers.get("traceparent")
            fingerprint = fingerprint_of(naungan_request, await naungan_request.body())
            return await together.answer(Waiting(naungan_asker, key, fingerprint, trace, naungan_body, naungan_why))

        # Each request is answered with one element of what the route returns.
        return _with_signature(endpoint, route, dict[str, Any], naungan_key=Key, naungan_why=Why, naungan_body=body)

    return decorate


def require_key(key: str | None) -> str:
    """Refuse a write without an Idempotency-Key."""
    if not key:
        raise RefusedError(400, "send an Idempotency-Key, so that a retry cannot do it twice", [FieldProblem("Idempotency-Key", "missing")])
    return key


def reads(*roles: str) -> Callable[[Route], Route]:
    """Make a route a read for these roles; its transaction is committed too, because it may audit."""
    return functools.partial(_reading, lambda asker: require_role(asker, roles), Asker)


def reads_openly(route: Route) -> Route:
    """Make a route a read for everybody, without a token; its transaction is committed too, because it may count who asks."""
    return _reading(lambda _asker: None, Unasked, route)


def _reading(allowed: Callable[[Principal], None], asker: Any, route: Route) -> Route:
    @functools.wraps(route)
    async def endpoint(*, naungan_request: Request, naungan_asker: Principal, naungan_why: str | None, **arguments: Any) -> Any:
        allowed(naungan_asker)
        database: Database = naungan_request.app.state.database

        async def read() -> Any:
            async with database.transaction(naungan_asker) as tx:
                await tx.start()
                tx.purpose = naungan_why
                return await route(**arguments, tx=tx)

        return await _attempt(read)

    return _with_signature(endpoint, route, naungan_asker=asker, naungan_why=Why)


def require_role(asker: Principal, roles: tuple[str, ...]) -> None:
    """Refuse a principal that holds none of these roles."""
    if not asker.has(*roles):
        raise RefusedError(403, "your role does not allow this")


def _with_signature(endpoint: Route, route: Route, returns: Any = None, **extra: Any) -> Route:
    """Show FastAPI the route's own parameters without `tx` (and `asked`), and those that the endpoint needs."""
    own = [parameter for name, parameter in inspect.signature(route).parameters.items() if name not in {"tx", "asked"}]
    if "tx" not in inspect.signature(route).parameters:
        message = f"{route.__name__} takes no tx"
        raise TypeError(message)
    added = {"naungan_request": Request, "naungan_asker": Asker, **extra}
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [p.replace(kind=keyword) for p in own]
    for name, annotation in added.items():
        default = None if annotation in (Key, Why) else inspect.Parameter.empty
        parameters.append(inspect.Parameter(name, keyword, annotation=annotation, default=default))
    returns = returns or inspect.signature(route).return_annotation
    endpoint.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
    return endpoint


async def _attempt(work: Callable[[], Awaitable[R]]) -> R:
    """Try again after a conflict or a lost connection: the key makes that safe. Raises 503 when it goes on."""
    for attempt in range(1, TRIES + 1):
        try:
            return await work()
        except Exception as error:
            fault = fault_of(error)
            if fault is Fault.MESSAGE:
                raise
            if attempt == TRIES:
                raise RefusedError(503, "the store is busy or away; nothing was changed, try again with the same Idempotency-Key") from error
            await asyncio.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 - jitter
    raise AssertionError


async def _write(request: Request, asker: Principal, key: str, work: Callable[..., Awaitable[Any]]) -> Response:
    database: Database = request.app.state.database
    status = request.scope["route"].status_code or HTTPStatus.OK
    who = {"principal": str(asker.subject), "key": key}
    fingerprint = fingerprint_of(request, await request.body())
    async with database.transaction(asker) as tx:
        first = (await tx.execute(CLAIM, who | {"fingerprint": fingerprint})).scalar_one_or_none()
        if first is None:
            earlier = await tx.row(EARLIER, who)
            if earlier is None:
                raise not_found("request")
            answer = repeated(earlier, fingerprint)
            if isinstance(answer, RefusedError):
                raise answer
            return answer
        await tx.start(Cause(f"request|{asker.subject}|{key}", _as_utc(first), "", request.headers.get("traceparent")), first)
        response = JSONResponse(jsonable_encoder(await work(tx=tx)), status)
        await tx.execute(ANSWER, who | {"status": status, "answer": bytes(response.body).decode()})
    return response


def _as_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
