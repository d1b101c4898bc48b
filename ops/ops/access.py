"""How the operator's commands reach a service's store, keys and bus: by its settings where they are set, else by an embedded platform's folder."""

import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nats
from chassis.store.kms import KmsPlace
from chassis.store.rings import KeySource
from nats.aio.client import Client

from ops import stores
from ops.platform import Secrets
from ops.processes import Remembered

OTHER_KEYS = ("KEY_ENCRYPTION_KEYS", "KMS_URL", "KMS_KEY", "KMS_TOKEN", "KMS_TOKEN_FILE", "KMS_MOUNT", "KMS_CA_FILE")


class UnreachableError(Exception):
    """There is no platform in the folder, and the settings do not say where one is."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where a service keeps its data, its keys and the key that opens them, and how it joins NATS."""

    service: str
    store: str
    keys: str
    key_file: Path | None
    nats: str
    user: str
    password: str
    environment_keys: str | None = None
    kms: KmsPlace | None = None
    nats_ca: str | None = None

    @property
    def key_source(self) -> KeySource:
        """Where the key-encryption keys are, as the service has them."""
        return KeySource(self.key_file, self.environment_keys, self.kms)


def access_of(service: str, data: Path, environment: Mapping[str, str] = os.environ) -> Access:
    """How to reach a service with its own credentials. Raises UnreachableError."""
    prefix = service.upper()
    wanted = {name: f"{prefix}_{name}" for name in ("DATABASE_URL", "KEYS_URL", "KEY_FILE", "NATS_URL", "NATS_USER", "NATS_PASSWORD")}
    told = {name: value for name, variable in wanted.items() if (value := _told(variable, environment))}
    told = _embedded(service, data) | told
    others = {name: _told(f"{prefix}_{name}", environment) for name in OTHER_KEYS}
    kms_url, environment_keys = others["KMS_URL"], others["KEY_ENCRYPTION_KEYS"]
    missing = [variable for name, variable in wanted.items() if name not in told and not (name == "KEY_FILE" and (kms_url or environment_keys))]
    if missing:
        message = f"no platform below {data}, and {', '.join(missing)} not set"
        raise UnreachableError(message)
    return Access(
        service,
        told["DATABASE_URL"],
        told["KEYS_URL"],
        Path(told["KEY_FILE"]) if "KEY_FILE" in told else None,
        told["NATS_URL"],
        told["NATS_USER"],
        told["NATS_PASSWORD"],
        environment_keys,
        _kms(kms_url, others) if kms_url else None,
        _told(f"{prefix}_NATS_CA_FILE", environment) or told.get("NATS_CA_FILE"),
    )


def _kms(url: str, told: Mapping[str, str | None]) -> KmsPlace:
    token_file, ca_file = told["KMS_TOKEN_FILE"], told["KMS_CA_FILE"]
    return KmsPlace(
        url,
        told["KMS_KEY"] or "naungan",
        told["KMS_TOKEN"] or "",
        Path(token_file) if token_file else None,
        told["KMS_MOUNT"] or "transit",
        Path(ca_file) if ca_file else None,
    )


def _told(variable: str, environment: Mapping[str, str]) -> str | None:
    """A setting, from the environment or, as the services read it, from a file of that name among the secrets."""
    secret = Path("/run/secrets") / variable.lower()
    return environment.get(variable) or (secret.read_text().strip() if secret.is_file() else None)


def _embedded(service: str, data: Path) -> dict[str, str]:
    if not (data / "secrets.json").exists() or not (data / "postgres" / "server.json").exists():
        return {}
    password = Secrets.read(data)[service]
    admin = f"postgresql://postgres@127.0.0.1:{Remembered(data / 'postgres').facts['port']}/postgres"
    broker = Remembered(data / "nats").facts
    trusted = {"NATS_CA_FILE": broker["ca"]} if broker.get("ca") else {}
    return trusted | {
        "DATABASE_URL": stores.url(admin, service, password),
        "KEYS_URL": stores.url(admin, service, password, f"{service}_keys"),
        "KEY_FILE": str(data / "keys" / f"{service}.kek"),
        "NATS_URL": f"{'tls' if trusted else 'nats'}://127.0.0.1:{broker['port']}",
        "NATS_USER": service,
        "NATS_PASSWORD": password,
    }


@contextlib.asynccontextmanager
async def joined(reached: Access) -> AsyncIterator[Client]:
    """A connection to NATS as that service, closed at the end; one that is lost is not made again."""

    async def quiet(_error: Exception) -> None:
        return

    client = await nats.connect(
        reached.nats.split(","),
        user=reached.user,
        password=reached.password,
        inbox_prefix=f"_INBOX_{reached.user}",
        allow_reconnect=False,
        connect_timeout=5,
        error_cb=quiet,
        tls=ssl.create_default_context(cafile=reached.nats_ca) if reached.nats_ca else None,
    )
    try:
        yield client
    finally:
        await client.close()
