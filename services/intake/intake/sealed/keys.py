"""The keys to which agencies seal what they send: made here, published by their public half, and destroyed when no message to them can be waiting.

They are keys for a purpose in the vault, so that they are backed up, proved and wrapped anew with all others: what is sealed to a lost one is a call for
help that nobody can read. A new one is published only when a copy of the keys has had time to take it along; the ones before go on opening.
"""

import asyncio
import functools
import hashlib
import itertools
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from chassis import Cause, Service, Transaction
from chassis.store.keyring import UnknownKeyError
from chassis.store.vault import ALONE, KEEP_PURPOSE, Vault
from contracts import streams
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey
from sqlalchemy import text

from intake.sealed import rows
from intake.settings import IntakeSettings

log = structlog.get_logger()

LOOK_EVERY = 30.0
PURPOSE, FORM = "referrals sealed to ", "%Y%m%dT%H%M%SZ"
ALL = text("SELECT purpose, wrapped, kek FROM purpose_key WHERE purpose LIKE :like ORDER BY purpose DESC")
DESTROY = text("DELETE FROM purpose_key WHERE purpose = ANY(CAST(:purposes AS text[]))")
HELD_TO = text("SELECT DISTINCT kid FROM held_message WHERE kid IS NOT NULL")


@dataclass(frozen=True, slots=True)
class SealingKey:
    """One key; its name begins with when it was made."""

    kid: str
    private: OKPKey

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return datetime.strptime(self.kid.split("-")[0], FORM).replace(tzinfo=UTC)

    @property
    def public(self) -> dict[str, Any]:
        """Its public half, as a JWK (RFC 7517, RFC 8037)."""
        return {**self.private.as_dict(private=False), "kid": self.kid, "use": "enc", "alg": "ECDH-ES"}


async def known(vault: Vault) -> list[SealingKey]:
    """The keys that open, the newest first."""
    async with vault.engine.connect() as connection:
        rows = (await connection.execute(ALL, {"like": f"{PURPOSE}%"})).all()
    found: list[SealingKey] = []
    for row in rows:
        try:
            (opened,) = await vault.ring.unwrap([(row.kek, row.wrapped)])
        except UnknownKeyError:
            log.warning("sealing_key_does_not_open", kid=row.purpose.removeprefix(PURPOSE))
            continue
        found.append(SealingKey(row.purpose.removeprefix(PURPOSE), _jwk(opened)))
    return found


def published(keys: Sequence[SealingKey], now: datetime, lead: timedelta) -> SealingKey | None:
    """The key to seal to (of `keys`, the newest first): the newest that is old enough to be in a copy of the keys, else the oldest there is."""
    return next((key for key in keys if now - key.made_at >= lead), keys[-1] if keys else None)


def retired(keys: Sequence[SealingKey], now: datetime, lead: timedelta, grace: timedelta) -> list[SealingKey]:
    """The keys (of `keys`, the newest first) whose successor has been published for so long that nobody seals to them any more."""
    return [key for successor, key in itertools.pairwise(keys) if now - successor.made_at >= lead + grace]


async def make(vault: Vault, now: datetime, *, unless_since: datetime | None = None) -> str | None:
    """Make a key, durable when this returns; its name. None when there is one that was made since then."""
    async with vault.engine.begin() as connection:
        await connection.execute(ALONE)
        newest = (await connection.execute(ALL, {"like": f"{PURPOSE}%"})).first()
        if newest is not None and unless_since is not None and newest.purpose >= f"{PURPOSE}{unless_since:{FORM}}":
            return None
        made = X25519PrivateKey.generate().private_bytes_raw()
        kid = f"{now:{FORM}}-{hashlib.sha256(_public(made)).hexdigest()[:8]}"
        name, (wrapped,) = await vault.ring.wrap([made])
        await connection.execute(KEEP_PURPOSE, {"purpose": f"{PURPOSE}{kid}", "wrapped": wrapped, "kek": name})
    return kid


async def destroy(vault: Vault, kids: Sequence[str]) -> None:
    """Destroy keys for good."""
    async with vault.engine.begin() as connection:
        await connection.execute(DESTROY, {"purposes": [f"{PURPOSE}{kid}" for kid in kids]})


def _public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _jwk(private: bytes) -> OKPKey:
    told = {"x": _public(private), "d": private}
    return OKPKey.import_key({"kty": "OKP", "crv": "X25519", **{name: urlsafe_b64encode(raw).decode().rstrip("=") for name, raw in told.items()}})


# -- the loop that looks after them ----------------------------------------------------------------------------------------------------------


async def look_after(service: Service) -> None:
    """Make a key when the newest is too old or none opens, and destroy those that are retired, once."""
    settings, vault = cast("IntakeSettings", service.settings), service.vault
    assert vault is not None  # noqa: S101 - build() refuses to go without
    now = datetime.now(UTC)
    keys = await known(vault)
    # One that does not open any more is as good as none: what is sealed from now on must be readable.
    since = now - timedelta(days=settings.sealing_key_days) if keys else None
    if (kid := await make(vault, now, unless_since=since)) is not None:
        log.info("sealing_key_made", kid=kid)
    lead, grace = timedelta(hours=settings.sealing_lead_hours), timedelta(days=settings.sealing_grace_days)
    gone = [key.kid for key in retired(keys, now, lead, grace)]
    held_to = await service.database.run(functools.partial(_try_held, kids={key.kid for key in keys}))
    if gone and await _nothing_waits(service):
        await destroy(vault, [kid for kid in gone if kid not in held_to])


async def _try_held(tx: Transaction, kids: set[str]) -> set[str]:
    """Let what may be opened now be tried again; the keys to which messages are held."""
    for held_id in await rows.ready(tx, kids):
        await rows.wake(tx, [held_id], Cause(f"held|{held_id}|{rows.release()}", tx.now, ""))
    return {row.kid for row in await tx.rows(HELD_TO)}


async def _nothing_waits(service: Service) -> bool:
    """Whether intake has taken all that agencies sent: whatever still lies in the stream may be sealed to any key."""
    if service.client is None or not service.client.is_connected:
        return False
    for durable in streams.durables_of("intake"):
        if durable.stream == "REFERRALS":
            info = await service.client.jetstream(timeout=5).consumer_info(durable.stream, durable.name)
            if info.num_pending or info.num_ack_pending:
                return False
    return True


async def keep_keys(service: Service) -> None:
    """Look after the keys until this is cancelled."""
    while True:
        try:
            await look_after(service)
        except Exception as error:  # noqa: BLE001 - the key database or the bus may be away
            log.warning("sealing_keys_wait", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(LOOK_EVERY)


async def to_publish(vault: Vault, now: datetime, lead: timedelta) -> list[dict[str, Any]]:
    """The public half of the key to seal to; nothing while there is none."""
    key = published(await known(vault), now, lead)
    return [key.public] if key else []
