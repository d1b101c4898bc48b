"""Personal data at rest: one key per person, wrapped by a key-encryption key, kept in a database apart from the data.

AES-256-GCM (NIST SP 800-38D) with the place of a value as associated data, so that a ciphertext moved to another person, table or
field does not open. Keys for a purpose (blind indexes, dead letters, fingerprints) are wrapped like those of persons, so that another
key-encryption key changes neither.
"""

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis.store.keyring import KeyRing, OneKey, UnknownKeyError, derived, read_key_file

__all__ = ["ErasedError", "KeyLostError", "Keys", "Vault", "derived", "read_key_file"]

CREATE = (
    """CREATE TABLE IF NOT EXISTS person_key (
        owner uuid PRIMARY KEY, wrapped bytea NOT NULL, kek text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())""",
    # The ledger of erasures: it outlives every key, and no restore makes an owner in it have one again.
    "CREATE TABLE IF NOT EXISTS erased (owner uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())",
    "CREATE TABLE IF NOT EXISTS purpose_key (purpose text PRIMARY KEY, wrapped bytea NOT NULL, kek text NOT NULL)",
)
ADD = text("""
    INSERT INTO person_key (owner, wrapped, kek) SELECT owner, wrapped, :kek
    FROM unnest(CAST(:owners AS uuid[]), CAST(:wrapped AS bytea[])) AS new (owner, wrapped) ON CONFLICT DO NOTHING RETURNING owner""")
ALONE = text("SELECT pg_advisory_xact_lock(hashtext('naungan vault'))")
ALL = {table: text(f"SELECT wrapped, kek FROM {table}") for table in ("person_key", "purpose_key")}  # noqa: S608 - constants
THERE = text("SELECT to_regclass(:table) IS NOT NULL")
FIND = text("""
    SELECT owner, wrapped, kek FROM person_key k
    WHERE owner = ANY(CAST(:owners AS uuid[])) AND NOT EXISTS (SELECT FROM erased e WHERE e.owner = k.owner)""")
ERASED = text("SELECT owner FROM erased WHERE owner = ANY(CAST(:owners AS uuid[])) ORDER BY owner")
# Keys are made side by side, but never beside an erasure, which would not see them.
MAKING = text("SELECT pg_advisory_xact_lock_shared(hashtext('naungan erasure'))")
ERASING = text("SELECT pg_advisory_xact_lock(hashtext('naungan erasure'))")
RECORD = text("INSERT INTO erased (owner) SELECT unnest(CAST(:owners AS uuid[])) ON CONFLICT DO NOTHING")
DESTROY = text("DELETE FROM person_key WHERE owner = ANY(CAST(:owners AS uuid[]))")
PURPOSES = text("SELECT purpose, wrapped, kek FROM purpose_key")
KEEP_PURPOSE = text("""
    INSERT INTO purpose_key (purpose, wrapped, kek) VALUES (:purpose, :wrapped, :kek) ON CONFLICT DO NOTHING""")
# A key that another replica or an erasure has in hand is left to it; what is left over is found by the next chunk.
OTHERS = text("SELECT owner, wrapped, kek FROM person_key WHERE kek <> :kek ORDER BY owner LIMIT :most FOR UPDATE SKIP LOCKED")
REWRAP = text("""
    UPDATE person_key k SET wrapped = new.wrapped, kek = :kek
    FROM unnest(CAST(:owners AS uuid[]), CAST(:wrapped AS bytea[])) AS new (owner, wrapped) WHERE k.owner = new.owner""")
OTHER_PURPOSES = text("SELECT purpose, wrapped, kek FROM purpose_key WHERE kek <> :kek ORDER BY purpose FOR UPDATE")
REWRAP_PURPOSE = text("UPDATE purpose_key SET wrapped = :wrapped, kek = :kek WHERE purpose = :purpose")
NONCE = 12
TRIED_AT_ONCE = 500
FINGERPRINT, LETTERS, INDEX = "fingerprint", "dead letters", "blind index"


class KeyLostError(Exception):
    """There is no key for this owner: it was erased, or never made."""


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
    """The key database of one service, and its keys for a purpose. `kek` is a ring of key-encryption keys, or the only one."""

    def __init__(self, engine: AsyncEngine, kek: KeyRing | bytes) -> None:
        self.engine = engine
        self.ring: KeyRing = OneKey(kek) if isinstance(kek, bytes) else kek
        self._purposes: dict[str, bytes] = {}

    async def make_tables(self) -> None:
        """Make the tables that are missing."""
        async with self.engine.begin() as connection:
            await connection.execute(ALONE)
            for statement in CREATE:
                await connection.execute(text(statement))

    async def prepare(self) -> None:
        """Make the tables that are missing, and the keys for a purpose: at the first time as they were derived from the key-encryption key.

        Raises UnknownKeyError when no key-encryption key that is here opens those that were made before.
        """
        await self.make_tables()
        async with self.engine.begin() as connection:
            await connection.execute(ALONE)
            kept = await self._kept(connection)
            for purpose in {FINGERPRINT, LETTERS, INDEX} - kept.keys():
                made = self.ring.origin(purpose) or os.urandom(32)
                name, wrapped = await self.ring.wrap([made])
                await connection.execute(KEEP_PURPOSE, {"purpose": purpose, "wrapped": wrapped[0], "kek": name})
                kept[purpose] = made
        self._purposes = kept

    async def _kept(self, connection: AsyncConnection) -> dict[str, bytes]:
        rows = (await connection.execute(PURPOSES)).all()
        opened = await self.ring.unwrap([(row.kek, row.wrapped) for row in rows])
        return {row.purpose: key for row, key in zip(rows, opened, strict=True)}

    async def new(self, owners: Iterable[UUID]) -> Keys:
        """Keys of owners, made and durable before any row that needs them; an owner who has one keeps it.

        Raises ErasedError when one of them was erased; none is made then.
        """
        wanted = sorted(set(owners))
        if not wanted:
            return Keys({})
        made = {owner: AESGCM.generate_key(256) for owner in wanted}
        name, wrapped = await self.ring.wrap(list(made.values()))
        async with self.engine.begin() as connection:
            await connection.execute(MAKING)
            if (gone := (await connection.execute(ERASED, {"owners": wanted})).scalars().first()) is not None:
                raise ErasedError(str(gone))
            added = (await connection.execute(ADD, {"owners": wanted, "wrapped": wrapped, "kek": name})).scalars().all()
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
        keys = await self.ring.unwrap([(row.kek, row.wrapped) for row in rows])
        return {row.owner: key for row, key in zip(rows, keys, strict=True)}

    async def erased(self, owners: Iterable[UUID]) -> set[UUID]:
        """Those of these owners who were erased; who merely has no key, as when an older copy of the keys was put back, is not."""
        async with self.engine.connect() as connection:
            return set((await connection.execute(ERASED, {"owners": sorted(set(owners))})).scalars())

    async def prove(self) -> tuple[int, int, Mapping[str, int]]:
        """Try all keys: how many there are, how many do not open, and how many open by each key-encryption key (its name)."""
        tried, opened = 0, Counter[str]()
        async with self.engine.connect() as connection:
            for table, every in ALL.items():
                if not (await connection.execute(THERE, {"table": table})).scalar_one():
                    continue  # a service of the release before has no keys for a purpose
                async for rows in (await connection.stream(every)).partitions(TRIED_AT_ONCE):
                    tried += len(rows)
                    opened.update(await self._opening([(row.kek, row.wrapped) for row in rows]))
        return tried, tried - opened.total(), dict(opened)

    async def _opening(self, wrapped: Sequence[tuple[str, bytes]]) -> list[str]:
        """By what those of these keys were wrapped that open; each by itself only where not all do."""
        try:
            await self.ring.unwrap(wrapped)
        except UnknownKeyError:
            return [name for one in wrapped for name in await self._opening([one])] if len(wrapped) > 1 else []
        return [name for name, _ in wrapped]

    async def rewrap(self, most: int = 500) -> int:
        """Wrap a chunk of the keys that another key-encryption key wraps by the current one; how many there were.

        What they open is not touched, so that whoever reads or writes meanwhile notices nothing. Raises UnknownKeyError when one does not open.
        """
        name = await self.ring.current()
        async with self.engine.begin() as connection:
            rows = (await connection.execute(OTHERS, {"kek": name, "most": most})).all()
            keys = await self.ring.unwrap([(row.kek, row.wrapped) for row in rows])
            name, wrapped = await self.ring.wrap(keys) if keys else (name, [])
            await connection.execute(REWRAP, {"kek": name, "owners": [row.owner for row in rows], "wrapped": wrapped})
            purposes = (await connection.execute(OTHER_PURPOSES, {"kek": name})).all()
            keys = await self.ring.unwrap([(row.kek, row.wrapped) for row in purposes])
            name, wrapped = await self.ring.wrap(keys) if keys else (name, [])
            for row, again in zip(purposes, wrapped, strict=True):
                await connection.execute(REWRAP_PURPOSE, {"purpose": row.purpose, "wrapped": again, "kek": name})
        return len(rows) + len(purposes)

    async def close(self) -> None:
        """Let go of the key database and of what wraps."""
        await self.engine.dispose()
        await self.ring.close()

    async def erase(self, owners: Iterable[UUID]) -> None:
        """Destroy the keys of owners for good and keep their ids in the ledger, both or neither; repeating it changes nothing."""
        gone = {"owners": sorted(set(owners))}
        async with self.engine.begin() as connection:
            await connection.execute(ERASING)
            await connection.execute(RECORD, gone)
            await connection.execute(DESTROY, gone)

    def purpose(self, name: str) -> bytes:
        """The key for a purpose; before `prepare` that which a first start would make. Raises KeyLostError where there is none yet."""
        key = self._purposes.get(name) or self.ring.origin(name)
        if key is None:
            raise KeyLostError(name)
        return key

    def blind(self, field: str, value: str) -> bytes:
        """A keyed hash by which equal values can be found without being stored."""
        return hmac.new(self.purpose(INDEX), f"{field}|{value}".encode(), hashlib.sha256).digest()

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt a message that belongs to no person yet (a dead letter)."""
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self.purpose(LETTERS)).encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made under the same context."""
        return AESGCM(self.purpose(LETTERS)).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
