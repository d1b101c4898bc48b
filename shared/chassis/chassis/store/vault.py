"""Personal data at rest: one key per person, wrapped by a key-encryption key, kept in a database apart from the data.

AES-256-GCM (NIST SP 800-38D) with the place of a value as associated data, so that a ciphertext moved to another person, table or
field does not open; key wrap by RFC 3394.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

CREATE = text("""
    CREATE TABLE IF NOT EXISTS person_key (
        owner uuid PRIMARY KEY, wrapped bytea NOT NULL, kek text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())""")
# The ledger of erasures: it outlives every key, and no restore makes an owner in it have one again.
CREATE_LEDGER = text("CREATE TABLE IF NOT EXISTS erased (owner uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())")
ADD = text("""
    INSERT INTO person_key (owner, wrapped, kek) SELECT owner, wrapped, :kek
    FROM unnest(CAST(:owners AS uuid[]), CAST(:wrapped AS bytea[])) AS new (owner, wrapped) ON CONFLICT DO NOTHING RETURNING owner""")
ALL = text("SELECT wrapped FROM person_key")
FIND = text("""
    SELECT owner, wrapped FROM person_key k
    WHERE owner = ANY(CAST(:owners AS uuid[])) AND NOT EXISTS (SELECT FROM erased e WHERE e.owner = k.owner)""")
ERASED = text("SELECT owner FROM erased WHERE owner = ANY(CAST(:owners AS uuid[])) ORDER BY owner")
# Keys are made side by side, but never beside an erasure, which would not see them.
MAKING = text("SELECT pg_advisory_xact_lock_shared(hashtext('naungan erasure'))")
ERASING = text("SELECT pg_advisory_xact_lock(hashtext('naungan erasure'))")
RECORD = text("INSERT INTO erased (owner) SELECT unnest(CAST(:owners AS uuid[])) ON CONFLICT DO NOTHING")
DESTROY = text("DELETE FROM person_key WHERE owner = ANY(CAST(:owners AS uuid[]))")
NONCE = 12
KEY_BYTES = 32


class KeyLostError(Exception):
    """There is no key for this owner: it was erased, or never made."""


def read_key_file(path: Path) -> bytes:
    """The key-encryption key in a file, 32 bytes in hex. Raises ValueError when it is not that."""
    key = bytes.fromhex(path.read_text().strip())
    if len(key) != KEY_BYTES:
        message = f"{path}: the key-encryption key must be 32 bytes in hex"
        raise ValueError(message)
    return key


def derived(kek: bytes, purpose: str) -> bytes:
    """A key for one purpose, derived from the key-encryption key (HMAC-SHA-256 as in NIST SP 800-108)."""
    return hmac.new(kek, f"naungan|{purpose}".encode(), hashlib.sha256).digest()


class ErasedError(KeyLostError):
    """This owner was erased: there is no key any more, and none is ever made again."""


class Keys:
    """Opened keys of the owners that one piece of work concerns."""

    def __init__(self, keys: dict[UUID, bytes]) -> None:
        self._keys = keys

    def seal(self, owner: UUID, place: str, plain: str) -> bytes:
        """Encrypt a value of `owner` for one place (`table.field`)."""
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self._key(owner)).encrypt(nonce, plain.encode(), f"{owner}|{place}".encode())

    def open(self, owner: UUID, place: str, sealed: bytes) -> str:
        """Decrypt a value of `owner` from the same place. Raises KeyLostError, or InvalidTag when it was moved or changed."""
        return AESGCM(self._key(owner)).decrypt(sealed[:NONCE], sealed[NONCE:], f"{owner}|{place}".encode()).decode()

    def open_or_none(self, owner: UUID, place: str, sealed: bytes) -> str | None:
        """The same; None when the key is gone, as that of an erased person whose rows a backup brought back."""
        return self.open(owner, place, sealed) if owner in self._keys else None

    def _key(self, owner: UUID) -> bytes:
        try:
            return self._keys[owner]
        except KeyError:
            raise KeyLostError(str(owner)) from None


class Vault:
    """The key database of one service, and what is derived from its key-encryption key."""

    def __init__(self, engine: AsyncEngine, kek: bytes) -> None:
        self.engine = engine
        self._kek = kek
        self._letters = AESGCM(derived(kek, "dead letters"))
        self._index = derived(kek, "blind index")
        self._name = hashlib.sha256(derived(kek, "name")).hexdigest()[:16]

    async def prepare(self) -> None:
        """Make the tables that are missing."""
        async with self.engine.begin() as connection:
            await connection.execute(CREATE)
            await connection.execute(CREATE_LEDGER)

    async def new(self, owners: Iterable[UUID]) -> Keys:
        """Keys of owners, made and durable before any row that needs them; an owner who has one keeps it.

        Raises ErasedError when one of them was erased; none is made then.
        """
        wanted = sorted(set(owners))
        made = {owner: AESGCM.generate_key(256) for owner in wanted}
        wrapped = [aes_key_wrap(self._kek, key) for key in made.values()]
        if not wanted:
            return Keys({})
        async with self.engine.begin() as connection:
            await connection.execute(MAKING)
            if (gone := (await connection.execute(ERASED, {"owners": wanted})).scalars().first()) is not None:
                raise ErasedError(str(gone))
            added = (await connection.execute(ADD, {"owners": wanted, "wrapped": wrapped, "kek": self._name})).scalars().all()
        keys = {owner: made[owner] for owner in added}
        if len(keys) < len(wanted):
            keys |= await self._open(owner for owner in wanted if owner not in keys)
        return Keys(keys)

    async def of(self, owners: Iterable[UUID]) -> Keys:
        """Keys of those owners who have one."""
        return Keys(await self._open(owners))

    async def _open(self, owners: Iterable[UUID]) -> dict[UUID, bytes]:
        async with self.engine.connect() as connection:
            rows = (await connection.execute(FIND, {"owners": sorted(set(owners))})).all()
        return {owner: aes_key_unwrap(self._kek, wrapped) for owner, wrapped in rows}

    async def erased(self, owners: Iterable[UUID]) -> set[UUID]:
        """Those of these owners who were erased; who merely has no key, as when an older copy of the keys was put back, is not."""
        async with self.engine.connect() as connection:
            return set((await connection.execute(ERASED, {"owners": sorted(set(owners))})).scalars())

    async def prove(self) -> tuple[int, int]:
        """Try all keys with the key-encryption key: how many there are, and how many it does not open."""
        tried = failed = 0
        async with self.engine.connect() as connection:
            async for row in await connection.stream(ALL):
                tried += 1
                try:
                    aes_key_unwrap(self._kek, row.wrapped)
                except (InvalidUnwrap, ValueError):
                    failed += 1
        return tried, failed

    async def erase(self, owners: Iterable[UUID]) -> None:
        """Destroy the keys of owners for good and keep their ids in the ledger, both or neither; repeating it changes nothing."""
        gone = {"owners": sorted(set(owners))}
        async with self.engine.begin() as connection:
            await connection.execute(ERASING)
            await connection.execute(RECORD, gone)
            await connection.execute(DESTROY, gone)

    def blind(self, field: str, value: str) -> bytes:
        """A keyed hash by which equal values can be found without being stored."""
        return hmac.new(self._index, f"{field}|{value}".encode(), hashlib.sha256).digest()

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt a message that belongs to no person yet (a dead letter)."""
        nonce = os.urandom(NONCE)
        return nonce + self._letters.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made under the same context."""
        return self._letters.decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
