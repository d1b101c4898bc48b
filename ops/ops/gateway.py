"""One origin for everything in the embedded default: a reverse proxy by first path segment, which keeps nothing of what passes."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import unquote

import httpx
import uvicorn
from contracts.places import HOME
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

# RFC 9110 section 7.6.1: these concern one connection only.
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authenticate", "proxy-authorization"}
)
# Only this gateway says where a request came from: what the sender claims is dropped.
FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-real-ip"})
INTERNAL = frozenset({"metrics"})
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# Shorter than uvicorn keeps an idle connection (5 s), so that a request is not sent on one that is just being closed.
KEEP_ALIVE = 3.0


class Raw(httpx.AsyncByteStream):
    """A request body that is passed on while it comes in."""

    def __init__(self, request: Request) -> None:
        self.request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The chunks as they come."""
        async for chunk in self.request.stream():
            if chunk:
                yield chunk


def application(upstreams: Mapping[str, str]) -> Starlette:
    """A proxy from `/<name>/...` to the upstream of that name; `/healthz` is good when all upstreams are ready."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=500, max_keepalive_connections=100, keepalive_expiry=KEEP_ALIVE)
        timeout = httpx.Timeout(60, connect=2)
        async with httpx.AsyncClient(timeout=timeout, limits=limits, follow_redirects=False, trust_env=False) as client:
            # The client's jar would keep one person's cookies and send them with everybody's requests.
            client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            app.state.client = client
            yield

    async def forward(request: Request) -> Response:
        name = request.path_params["name"]
        # The path goes on as it was sent: decoding it would turn an escaped `?`, `#` or `/` into a real one.
        path = request.scope["raw_path"].removeprefix(f"/{name}".encode()) or b"/"
        segments = [segment for segment in unquote(path.decode("latin-1")).replace("?", "/").replace("#", "/").split("/") if segment]
        if name not in upstreams or {".", ".."} & set(segments) or (segments and segments[0] in INTERNAL):
            return _problem(404, "no such path")
        client: httpx.AsyncClient = request.app.state.client
        query = request.scope["query_string"]
        url = httpx.URL(upstreams[name]).copy_with(raw_path=path + (b"?" + query if query else b""))
        has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
        try:
            asked = client.build_request(request.method, url, headers=_onward(request, name), content=Raw(request) if has_body else None)
            answer = await client.send(asked, stream=True)
        except httpx.TimeoutException as error:
            late = not isinstance(error, httpx.ConnectTimeout)
            return _problem(504 if late else 502, f"{name} does not answer; try again with the same Idempotency-Key")
        except httpx.TransportError:
            return _problem(502, f"{name} does not answer; try again with the same Idempotency-Key")
        passed = StreamingResponse(_body(answer), answer.status_code)
        dropped = HOP_BY_HOP | _named(answer.headers.get("connection"))
        passed.raw_headers = [(key.lower(), value) for key, value in answer.headers.raw if key.decode("latin-1").lower() not in dropped]
        return passed

    async def health(request: Request) -> Response:
        client: httpx.AsyncClient = request.app.state.client

        async def ready(name: str) -> bool:
            try:
                return (await client.get(f"{upstreams[name]}/{'identities' if name == 'issuer' else 'readyz'}", timeout=5)).is_success
            except httpx.TransportError:
                return False

        found = await asyncio.gather(*(ready(name) for name in upstreams))
        down = [name for name, fine in zip(upstreams, found, strict=True) if not fine]
        return _problem(503, f"not ready: {', '.join(down)}") if down else Response(status_code=204)

    async def home(_request: Request) -> Response:
        return RedirectResponse(HOME, 303)

    return Starlette(routes=[Route("/", home), Route("/healthz", health), Route("/{name}/{rest:path}", forward, methods=METHODS)], lifespan=lifespan)


def _named(connection: str | None) -> frozenset[str]:
    """The headers that a Connection header declares to be of one hop."""
    return frozenset(entry.strip().lower() for entry in (connection or "").split(","))


def _onward(request: Request, name: str) -> list[tuple[bytes, bytes]]:
    """The headers that go on, repeated ones included, and who asked for what under which name."""
    dropped = HOP_BY_HOP | FORWARDED | _named(request.headers.get("connection"))
    kept = [(key, value) for key, value in request.headers.raw if key.decode("latin-1") not in dropped]
    told = {
        "x-forwarded-for": request.client.host if request.client else "",
        "x-forwarded-host": request.headers.get("host", ""),
        "x-forwarded-proto": request.url.scheme,
        "x-forwarded-prefix": f"/{name}",
    }
    return kept + [(key.encode(), value.encode("latin-1")) for key, value in told.items()]


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """What the upstream answers, as it comes; its connection is given back also when the asker goes away."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def _problem(status: int, title: str) -> JSONResponse:
    return JSONResponse({"type": "about:blank", "title": title, "status": status}, status, media_type="application/problem+json")


def main() -> None:
    """Serve the gateway on loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", action="append", default=[], metavar="NAME=URL")
    options = parser.parse_args()
    upstreams = dict(entry.split("=", 1) for entry in options.upstream)
    # This is the edge: uvicorn must not believe what a sender on loopback says of its own address.
    # And `httptools` loses the body of a request that offers HTTP/2 by an upgrade, as each of Java's client does where there is no TLS.
    uvicorn.run(application(upstreams), host="127.0.0.1", port=options.port, http="h11", log_config=None, access_log=False, proxy_headers=False)


if __name__ == "__main__":
    main()
