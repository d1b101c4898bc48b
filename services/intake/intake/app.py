"""Puts intake together; the only place where its parts meet."""

import sys
from pathlib import Path

import uvicorn
from chassis import Service, logs
from chassis.migrate import upgrade_now
from chassis.store.vault import Vault
from contracts import audit, catalogue, streams

from intake import api, handlers, rates, relearn
from intake.api import feeds, replays
from intake.following.bell import FeedBell, feed_bell
from intake.pages import routes as pages
from intake.reporting import public
from intake.sealed import keys
from intake.settings import IntakeSettings

STARTUP_FAILURE = 3  # as uvicorn itself ends then
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: IntakeSettings, bell: FeedBell | None = None) -> Service:
    """The service with these settings; `bell` is what listeners to a feed wait for.

    Raises ValueError without a key database: intake seals what it is told from the first row on.
    """
    if settings.keys_url is None:
        message = "intake needs INTAKE_KEYS_URL and a key-encryption key (INTAKE_KEY_FILE)"
        raise ValueError(message)

    bell = bell or feed_bell()

    def vault() -> Vault:
        assert service.vault is not None  # noqa: S101 - made with the service, for it has a key database
        return service.vault

    service = Service(
        name="intake",
        settings=settings,
        inputs=handlers.inputs_with(vault, lambda: service.client),
        routers=[*api.routers, feeds.routes(bell), pages.router],
        durables=[(durable.stream, durable.name) for durable in streams.durables_of("intake")],
        order=catalogue.ORDER,
        said_on=streams.said_on("intake"),
        personal_streams=frozenset({"REFERRALS"}),
        in_turns={"REFERRALS": (streams.LANE, rates.turns(lambda: service))},
        says={event.type: event for event in catalogue.said_by("intake")},
        workers=[keys.keep_keys, bell.ring, public.publish, replays.answer],
        relearn=relearn.relearn,
        seal=audit.IntakeSealed,
    )
    return service


def main() -> None:
    """Serve; or, as `migrate`, bring the store's schema up to date."""
    settings = IntakeSettings()
    if sys.argv[1:] == ["migrate"]:
        upgrade_now(settings.database_url.get_secret_value(), MIGRATIONS)
        return
    logs.configure(settings.log_level, "intake")
    bell = feed_bell()
    server = uvicorn.Server(
        uvicorn.Config(
            build(settings, bell).app(),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=20,
            proxy_headers=False,
        )
    )
    bell.closing = lambda: server.should_exit  # somebody who listens would keep a stopping server waiting
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
