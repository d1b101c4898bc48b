"""Puts notifications together: the only place where its parts are wired."""

import sys
from pathlib import Path

import uvicorn
from chassis import Service, logs, migrate
from contracts import audit, catalogue, streams

from notifications import api, handlers, relearn
from notifications.settings import NotificationsSettings
from notifications.webhooks import sending


def build(settings: NotificationsSettings) -> Service:
    """The service, not started. Raises RuntimeError without a key database: webhook secrets are sealed."""
    service = Service(
        name="notifications",
        settings=settings,
        inputs=handlers.inputs,
        routers=[api.router],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("notifications")],
        order=catalogue.ORDER,
        said_on=streams.said_on("notifications"),
        workers=[sending.deliver],
        says={event.type: event for event in catalogue.said_by("notifications")},
        relearn=relearn.relearn,
        seal=audit.NotificationsSealed,
    )
    if service.vault is None:
        message = "set keys_url and key_file: the signing secrets of webhooks are sealed"
        raise RuntimeError(message)
    return service


def main() -> None:
    """Serve, or migrate the store when the first argument says so."""
    settings = NotificationsSettings()
    logs.configure(settings.log_level, "notifications")
    if sys.argv[1:] == ["migrate"]:
        migrate.upgrade_now(settings.database_url.get_secret_value(), Path(__file__).parent / "migrations")
        return
    uvicorn.run(build(settings).app(), host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=20)
