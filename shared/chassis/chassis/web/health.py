"""Whether a service lives, whether it can do its work, and its figures."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis.web.problems import problem

if TYPE_CHECKING:
    from chassis.service import Service


def health_routes(service: "Service") -> APIRouter:
    """`/livez`, `/readyz` and `/metrics` of a service."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", status_code=204, summary="Alive")
    async def livez() -> Response:
        """204 while all loops run; restart the process otherwise."""
        return Response(status_code=204) if service.alive else problem(503, "a loop of this service has ended")

    @router.get("/readyz", status_code=204, summary="Ready")
    async def readyz() -> Response:
        """204 when store and bus answer and all durables are bound; 503 says what is missing."""
        found = await service.problems()
        return problem(503, "not ready", missing=found) if found else Response(status_code=204)

    @router.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        """Figures for Prometheus; no ids, no personal data. For the inside only: what came through a gateway gets nothing."""
        if "x-forwarded-for" in request.headers:
            return problem(404, "no such path")
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
