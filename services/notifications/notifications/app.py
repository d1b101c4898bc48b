"""Puts notifications together: the only place where its parts are wired."""

import sys
from pathlib import Path

import uvicorn
from chassis import Service, logs, migrate
from chassis.store.vault import Vault
from chassis.web import exports
from contracts import audit, catalogue, streams

from notifications import aging, api, exporting, handlers, policy, relearn, untold
from notifications.api import live
from notifications.api.live import InboxBell, inbox_bell
from notifications.channels import failing, officers, phones
from notifications.pages import routes as pages
from notifications.prevention.sending import send_announcements
from notifications.settings import NotificationsSettings
from notifications.survivors import reminders, routes, sealing, taking
from notifications.survivors.sending import send_messages
from notifications.webhooks import access, sending

STARTUP_FAILURE = 3  # as uvicorn itself ends then


def build(settings: NotificationsSettings, bell: InboxBell | None = None) -> Service:
    """The service, not started; `bell` is what live inboxes wait for.

    Raises RuntimeError without a key database: webhook secrets and survivors' rules are sealed. Raises ValueError naming the template that must not
    be sent, or is missing.
    """
    if reminders.TEMPLATE not in settings.templates.of("survivor"):
        message = f"templates_file: there is no template {reminders.TEMPLATE} for survivors"
        raise ValueError(message)
    bell = bell or inbox_bell()

    def vault() -> Vault:
        assert service.vault is not None  # noqa: S101 - made with the service, for it has a key database
        return service.vault

    service = Service(
        name="notifications",
        settings=settings,
        inputs=taking.with_vault(handlers.inputs, vault),
        routers=[
            api.router,
            live.routes(bell),
            routes.router,
            officers.router,
            phones.router,
            *pages.routers(bell),
            exports.routes("notifications", exporting.part, policy.EXPORT),
        ],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("notifications")],
        order=catalogue.ORDER,
        said_on=streams.said_on("notifications"),
        personal_streams=frozenset({taking.STREAM}),
        workers=[
            sending.deliver,
            access.stop_with_access,
            bell.ring,
            sealing.keep_keys,
            send_messages,
            officers.send_emails,
            phones.send_texts,
            send_announcements,
            failing.watch,
        ],
        says={event.type: event for event in catalogue.said_by("notifications")},
        relearn=relearn.relearn,
        untold=untold.untold,
        forget=aging.forget,
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
    bell = inbox_bell()
    app = build(settings, bell).app()
    server = uvicorn.Server(
        uvicorn.Config(app, host=settings.host, port=settings.port, log_config=None, access_log=False, timeout_graceful_shutdown=20)
    )
    bell.closing = lambda: server.should_exit  # an open inbox would keep a stopping server waiting
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
