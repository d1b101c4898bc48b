"""What a recovery left to people, and where the stores are that a backup or a restore works on."""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.streams import SERVICES

from ops import stores
from ops.backup import Urls
from ops.platform import Secrets
from ops.processes import Remembered
from ops.servers import Postgres

SECRETS = Path("/run/secrets")


@contextlib.contextmanager
def reachable(data: Path) -> Iterator[None]:
    """Have the embedded Postgres below `data` run meanwhile, unless a platform runs there, or there is none."""
    if not (data / "secrets.json").exists():
        yield
        return
    with (data / "lock").open("w") as claim, contextlib.ExitStack() as stack:
        # A platform that runs holds the claim, and its Postgres answers.
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stack.enter_context(Postgres((data / "postgres").resolve()))
        yield


def urls(services: Iterable[str], data: Path) -> dict[str, Urls]:
    """Where these services keep rows and keys: by their settings, by the secrets of a compose deployment, or embedded below `data`.

    Raises LookupError when none of these says it, or there is no such service.
    """
    services = list(services)
    if strangers := sorted(set(services) - set(SERVICES)):
        message = f"no such service: {', '.join(strangers)}"
        raise LookupError(message)
    return {service: Urls(_url(service, "DATABASE_URL", service, data), _url(service, "KEYS_URL", f"{service}_keys", data)) for service in services}


def _url(service: str, setting: str, database: str, data: Path) -> str:
    if told := os.environ.get(f"{service.upper()}_{setting}"):
        return told
    own, admin = SECRETS / f"{service}_{setting.lower()}", SECRETS / "admin_url"
    if own.exists():
        return own.read_text().strip()
    if admin.exists():
        return stores.url(admin.read_text().strip(), service, (SECRETS / service).read_text().strip(), database)
    facts = Remembered(data / "postgres").facts if (data / "postgres").exists() else {}
    if "port" not in facts:
        message = f"no platform below {data}, and {service.upper()}_{setting} is not set"
        raise LookupError(message)
    return stores.url(f"postgresql://postgres@127.0.0.1:{facts['port']}/postgres", service, Secrets.read(data)[service], database)


async def listed(url: str) -> list[Any]:
    """What the recovery of this store left to people and is not settled, the oldest first."""
    return await stores.fetched(url, "SELECT * FROM recovery_task WHERE done_at IS NULL ORDER BY opened_at, subject, event_id, missing")


async def settle(url: str, event: UUID | None) -> int:
    """Say that one event's matters, or all, are settled; how many there were."""
    settled = "UPDATE recovery_task SET done_at = now() WHERE done_at IS NULL AND ($1::uuid IS NULL OR event_id = $1)"
    return await stores.executed(url, settled, event)
