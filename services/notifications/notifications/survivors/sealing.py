"""The keys to which intake seals what it hands over: made here, offered by their public half, and destroyed when a newer one has been offered for a while.

They lie in the key database, wrapped by the key-encryption key, in a table that no backup copies: what was sealed to a lost one is sent again.
"""

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

import structlog
from chassis import Cause, Service, Transaction
from chassis.store.keyring import UnknownKeyError
from chassis.store.vault import Vault
from contracts.handover import SEALING_SUBJECT, SealingKeyOffered
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from joserfc.jwk import OKPKey
from sqlalchemy import Row, text

from notifications.settings import NotificationsSettings
from notifications.survivors import rows

log = structlog.get_logger()

LOOK_EVERY = 30.0
CREATE = text("""
    CREATE TABLE IF NOT EXISTS sealing_key (kid text PRIMARY KEY, wrapped bytea NOT NULL, kek text NOT NULL, made_at timestamptz NOT NULL DEFAULT now())""")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('naungan sealing keys'))")
ALL = text("SELECT kid, wrapped, kek, made_at, now() - made_at AS age FROM sealing_key ORDER BY made_at DESC, kid")
ONE = text("SELECT wrapped, kek FROM sealing_key WHERE kid = :kid")
KEEP = text("INSERT INTO sealing_key (kid, wrapped, kek) VALUES (:kid, :wrapped, :kek) RETURNING made_at")
DESTROY = text("DELETE FROM sealing_key WHERE kid = ANY(CAST(:kids AS text[]))")


@dataclass(frozen=True, slots=True)
class Public:
    """The public half of a key."""

    kid: str
    key: str
    made_at: datetime


def _public(private: bytes) -> str:
    return urlsafe_b64encode(X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()).decode().rstrip("=")


def _key(kid: str, private: bytes) -> OKPKey:
    secret = urlsafe_b64encode(private).decode().rstrip("=")
    return OKPKey.import_key({"kty": "OKP", "crv": "X25519", "x": _public(private), "d": secret, "kid": kid})


async def private(vault: Vault, kid: str) -> OKPKey | None:
    """A key by its name; None when it is destroyed, lost or does not open."""
    async with vault.engine.connect() as connection:
        row = (await connection.execute(ONE, {"kid": kid})).first()
    opened = await _opened(vault, row)
    return None if opened is None else _key(kid, opened)


async def current(vault: Vault, age: timedelta, grace: timedelta) -> Public:
    """The key that counts: the newest, or a new one when there is none that opens and is younger than `age`. What a newer one replaced `grace` ago goes."""
    async with vault.engine.begin() as connection:
        await connection.execute(ALONE)
        await connection.execute(CREATE)
        kept = (await connection.execute(ALL)).all()
        newest = kept[0] if kept else None
        opened = await _opened(vault, newest)
        # A key that does not open is of no use to anybody; one is retired when its successor is old enough.
        gone = [row.kid for row, successor in zip(kept[1:], kept, strict=False) if successor.age >= grace]
        if newest is not None and opened is None:
            gone.append(newest.kid)
        await connection.execute(DESTROY, {"kids": gone})
        if newest is not None and opened is not None and newest.age < age:
            return Public(newest.kid, _public(opened), newest.made_at)
        made = X25519PrivateKey.generate().private_bytes_raw()
        name, (wrapped,) = await vault.ring.wrap([made])
        kid = hashlib.sha256(_public(made).encode()).hexdigest()[:16]
        made_at = (await connection.execute(KEEP, {"kid": kid, "wrapped": wrapped, "kek": name})).scalar_one()
        return Public(kid, _public(made), made_at)


async def _opened(vault: Vault, row: Row[Any] | None) -> bytes | None:
    if row is None:
        return None
    try:
        return (await vault.ring.unwrap([(row.kek, row.wrapped)]))[0]
    except UnknownKeyError:
        return None


async def offer(tx: Transaction, public: Public) -> None:
    """Tell intake of a key, once per store: one that forgot that it did tells it again."""
    if await tx.row(rows.OFFER, {"kid": public.kid, "now": tx.now}) is None:
        return
    fact = SealingKeyOffered(kid=public.kid, public_key=public.key, made_at=public.made_at)
    tx.emit(fact, SEALING_SUBJECT, key=public.kid, cause=Cause(f"sealing key|{public.kid}", public.made_at, ""))


async def keep_keys(service: Service) -> None:
    """Look after the keys until this is cancelled."""
    settings = cast("NotificationsSettings", service.settings)
    assert service.vault is not None  # noqa: S101 - build() refuses to go without
    age, grace = timedelta(days=settings.sealing_key_days), timedelta(hours=settings.sealing_key_grace_hours)
    while True:
        try:
            await service.database.run(partial(offer, public=await current(service.vault, age, grace)))
        except Exception as error:  # noqa: BLE001 - the store or the key database may be away
            log.warning("sealing_keys_wait", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(LOOK_EVERY)
