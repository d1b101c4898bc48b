"""One origin for everything in the embedded default: a reverse proxy by first path segment."""

import argparse
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

# RFC 9110 section 7.6.1: these concern one connection only.
HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authorization", "host"})
INTERNAL = frozenset({"metrics"})


def application(upstreams: Mapping[str, str]) -> Starlette:
    """A proxy from `/<name>/...` to the upstream of that name; `/healthz` is good when all upstreams are ready."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=500, max_keepalive_connections=100)
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, connect=2), limits=limits, follow_redirects=False, trust_env=False) as client:
            app.state.client = client
            yield

    async def forward(request: Request) -> Response:
        name, rest = request.path_params["name"], request.path_params["rest"]
        if name not in upstreams or rest in INTERNAL:
            return _problem(404, "no such path")
        client: httpx.AsyncClient = request.app.state.client
        headers = {key: value for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP}
        headers["x-forwarded-prefix"] = f"/{name}"
        url = httpx.URL(f"{upstreams[name]}/{rest}", query=request.url.query.encode())
        try:
            answer = await client.send(client.build_request(request.method, url, headers=headers, content=await request.body()), stream=True)
        except httpx.TransportError:
            return _problem(502, f"{name} does not answer; nothing was lost, try again with the same Idempotency-Key")
        kept = {key: value for key, value in answer.headers.items() if key.lower() not in HOP_BY_HOP}
        return StreamingResponse(answer.aiter_raw(), answer.status_code, kept, background=_closing(answer))

    async def health(request: Request) -> Response:
        client: httpx.AsyncClient = request.app.state.client
        down = []
        for name, upstream in upstreams.items():
            path = "/identities" if name == "issuer" else "/readyz"
            try:
                ready = (await client.get(f"{upstream}{path}")).is_success
            except httpx.TransportError:
                ready = False
            down += [] if ready else [name]
        return _problem(503, f"not ready: {', '.join(down)}") if down else Response(status_code=204)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(routes=[Route("/healthz", health), Route("/{name}/{rest:path}", forward, methods=methods)], lifespan=lifespan)


def _closing(answer: httpx.Response) -> BackgroundTask:
    return BackgroundTask(answer.aclose)


def _problem(status: int, title: str) -> JSONResponse:
    return JSONResponse({"type": "about:blank", "title": title, "status": status}, status, media_type="application/problem+json")


def main() -> None:
    """Serve the gateway on loopback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--upstream", action="append", default=[], metavar="NAME=URL")
    options = parser.parse_args()
    upstreams = dict(entry.split("=", 1) for entry in options.upstream)
    uvicorn.run(application(upstreams), host="127.0.0.1", port=options.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
