"""Puts the placement service together; the only place where it is wired."""

import uvicorn
from chassis import Service, logs
from chassis.web import exports
from contracts import audit, catalogue, streams

from placement import api, exporting, handlers, policy, relearn, retold
from placement.pages import routes as pages
from placement.settings import PlacementSettings


def build(settings: PlacementSettings) -> Service:
    """The service with its inputs, routes and durables, not started."""
    return Service(
        name="placement",
        settings=settings,
        inputs=handlers.inputs,
        routers=[*api.routers, pages.router, exports.routes("placement", exporting.part, *policy.EXPORT)],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("placement")],
        order=catalogue.ORDER,
        said_on=streams.said_on("placement"),
        says={event.type: event for event in catalogue.said_by("placement")},
        relearn=relearn.relearn,
        seal=audit.PlacementSealed,
        untold=retold.untold,
    )


def main() -> None:
    """Serve until told to stop."""
    settings = PlacementSettings()
    logs.configure(settings.log_level, "placement")
    uvicorn.run(build(settings).app(), host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=20)
