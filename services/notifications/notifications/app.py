"""Puts notifications together: the only place where its parts are wired."""

import sys
from pathlib import Path

import uvicorn
from chassis import Service, logs, migrate
from chassis.store.vault import Vault
from contracts import audit, catalogue, streams

from notifications import api, deliveries, handlers, relearn
from notifications.channels import officers
from notifications.settings import NotificationsSettings
from notifications.survivors import reminders, routes, sealing, sending, taking


def build(settings: NotificationsSettings) -> Service:
    """The service, not started. Raises RuntimeError without a key database: webhook secrets and survivors' rules are sealed.

    Raises ValueError naming the template that must not be sent, or is missing.
    """
    if reminders.TEMPLATE not in settings.templates.of("survivor"):
        message = f"templates_file: there is no template {reminders.TEMPLATE} for survivors"
        raise ValueError(message)

    def vault() -> Vault:
        assert service.vault is not None  # noqa: S101 - made with the service, for it has a key database
        return service.vault

    service = Service(
        name="notifications",
        settings=settings,
        inputs=taking.with_vault(handlers.inputs, vault),
        routers=[api.router, routes.router, officers.router],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("notifications")],
        order=catalogue.ORDER,
        said_on=streams.said_on("notifications"),
        personal_streams=frozenset({taking.STREAM}),
        workers=[deliveries.deliver, sealing.keep_keys, sending.send_messages, officers.send_emails],
        says={event.type: event for event in catalogue.said_by("notifications")},
        relearn=relearn.relearn,
        untold=taking.unsure,
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
