"""Puts notifications together: the only place where its parts are wired."""

import sys
from pathlib import Path

import uvicorn
from chassis import Service, logs, migrate
from chassis.web import exports
from contracts import audit, catalogue, streams

from notifications import api, exporting, handlers, policy, relearn, untold
from notifications.api import live
from notifications.api.live import Bell
from notifications.settings import NotificationsSettings
from notifications.webhooks import sending

STARTUP_FAILURE = 3  # as uvicorn itself ends then


def build(settings: NotificationsSettings, bell: Bell | None = None) -> Service:
    """The service, not started; `bell` is what live inboxes wait for. Raises RuntimeError without a key database: webhook secrets are sealed."""
    bell = bell or Bell()
    service = Service(
        name="notifications",
        settings=settings,
        inputs=handlers.inputs,
        routers=[api.router, live.routes(bell), exports.routes("notifications", exporting.part, policy.EXPORT)],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("notifications")],
        order=catalogue.ORDER,
        said_on=streams.said_on("notifications"),
        workers=[sending.deliver, bell.ring],
        says={event.type: event for event in catalogue.said_by("notifications")},
        relearn=relearn.relearn,
        untold=untold.untold,
        seal=audit.NotificationsSealed,
    )
    if service.vault is None:
        message = "set keys_url and a key-encryption key: the signing secrets of webhooks are sealed"
        raise RuntimeError(message)
    return service


def main() -> None:
    """Serve, or migrate the store when the first argument says so."""
    settings = NotificationsSettings()
    logs.configure(settings.log_level, "notifications")
    if sys.argv[1:] == ["migrate"]:
        migrate.upgrade_now(settings.database_url.get_secret_value(), Path(__file__).parent / "migrations")
        return
    bell = Bell()
    app = build(settings, bell).app()
    server = uvicorn.Server(
        uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=20)
    )
    bell.closing = lambda: server.should_exit  # an open inbox would keep a stopping server waiting
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
