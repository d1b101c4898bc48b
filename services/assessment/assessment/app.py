"""Puts the assessment service together; the only place where it is wired."""

import uvicorn
from chassis import Service, logs
from chassis.web import exports
from contracts import audit, catalogue, streams

from assessment import api, exporting, handlers, policy, relearn
from assessment.pages import routes as pages
from assessment.settings import AssessmentSettings


def build(settings: AssessmentSettings) -> Service:
    """The service with its inputs, routes and durables, not started."""
    return Service(
        name="assessment",
        settings=settings,
        inputs=handlers.inputs,
        routers=[*api.routers, pages.router, exports.routes("assessment", exporting.part, *policy.EXPORT)],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("assessment")],
        order=catalogue.ORDER,
        said_on=streams.said_on("assessment"),
        says={event.type: event for event in catalogue.said_by("assessment")},
        relearn=relearn.relearn,
        seal=audit.AssessmentSealed,
    )


def main() -> None:
    """Serve until told to stop."""
    settings = AssessmentSettings()
    logs.configure(settings.log_level, "assessment")
    uvicorn.run(build(settings).app(), host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=20)
