"""What a door needs to know: how much it takes, and where a request comes from."""

from collections.abc import Callable, Coroutine, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.web.problems import FieldProblem, RefusedError, TooLargeError, too_large

NEIGHBOURHOOD = 64  # bits of an IPv6 address that one subscriber has


def limited_to(setting: str, *, known: bool = False) -> type[APIRoute]:
    """A route class whose routes take no larger bodies than the bytes that this setting of the service says: 413 before any more is read.

    With `known` only who has a token may send anything: 401 before the body is read at all.
    """

    class Limited(APIRoute):
        limits_itself = True

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def within(request: Request) -> Response:
                if known:
                    await request.app.state.identity.principal(request.headers.get("authorization"))
                await _read(request, getattr(request.app.state.service.settings, setting))
                return await handle(request)

            return within

    return Limited


def limited(routers: Sequence[APIRouter]) -> tuple[BaseRoute, ...]:
    """The routes among these that have a limit of their own."""
    return tuple(route for router in routers for route in router.routes if getattr(route, "limits_itself", False))


class LimitsBodies:
    """Middleware by which no route takes more than so many bytes, but its `own`, which say themselves how much they take: 413 before more is read."""

    def __init__(self, app: ASGIApp, most: int, own: Sequence[BaseRoute] = ()) -> None:
        self.app, self.most, self.own = app, most, own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and stop it where its body, as announced or as sent, is too large."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self.most and not self._limits_itself(scope):
            await too_large(self.most)(scope, receive, send)
            return
        size = 0

        async def within() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.most and not self._limits_itself(scope):
                raise TooLargeError(self.most)
            return message

        await self.app(scope, within, send)

    def _limits_itself(self, scope: Scope) -> bool:
        """Whether the route of a request has a limit of its own; asked only of what is larger than all others take."""
        return any(route.matches(scope)[0] is Match.FULL for route in self.own)


async def _read(request: Request, most: int) -> None:
    """Read the body piece by piece; it is then there for everybody who asks the request for it. Raises 413."""
    length = request.headers.get("content-length", "")
    pieces, size = list[bytes](), int(length) if length.isdigit() else 0
    if size <= most:
        size = 0
        async for piece in request.stream():
            pieces.append(piece)
            size += len(piece)
            if size > most:
                break
    if size > most:
        raise RefusedError(413, "this is too large for this door", [FieldProblem("body", "too_large")], most_bytes=most)
    request._body = b"".join(pieces)  # noqa: SLF001 - where the request itself keeps a body that was read


def client_address(request: Request, gateways: str) -> str:
    """Where a request comes from, as far as that is one subscriber: an IPv4 address, or the first half of an IPv6 one.

    `gateways` are the addresses and networks, with commas between them, that may say so for others: theirs is the last of `X-Forwarded-For`.
    What anybody else says there counts for nothing.
    """
    peer = request.client.host if request.client else ""
    told = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return _subscriber(told if told and _among(peer, gateways) else peer)


def _among(peer: str, gateways: str) -> bool:
    try:
        address = ip_address(peer)
        return any(address in ip_network(entry.strip(), strict=False) for entry in gateways.split(",") if entry.strip())
    except ValueError:
        return False


def _subscriber(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return text
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, NEIGHBOURHOOD), strict=False).network_address)
    return text
