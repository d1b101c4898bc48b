"""Whose keys are destroyed: a tombstone per owner, written in the transaction that decided it; a clock destroys the key, however often it runs.

The tombstones are rows of the store, the ledger of erasures lies with the keys: each makes up for what a restore takes from the other.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.envelope import Cause
from chassis.inputs import Due
from chassis.store.database import Database
from chassis.store.projection import Projection
from chassis.store.transaction import Transaction
from chassis.store.vault import Vault

ERASE = "erase"
# What follows from others' facts alone: the tombstones of a service that only hears of erasures.
TOMBSTONES = Projection("erased_owner", ("owner", "subject"), ("receipt", "ordered_at"), "subject")
CHUNK = 5000
ORDER = text("""
    INSERT INTO erased_owner (owner, subject, receipt, ordered_at)
    SELECT * FROM unnest(CAST(:owners AS uuid[]), CAST(:subjects AS uuid[]), CAST(:receipts AS text[]), CAST(:moments AS timestamptz[]))
    ON CONFLICT DO NOTHING""")
DESTROYED = text("UPDATE erased_owner SET destroyed_at = :now WHERE owner = ANY(CAST(:owners AS uuid[])) AND destroyed_at IS NULL")
FIND = text("SELECT * FROM erased_owner WHERE owner = ANY(CAST(:owners AS uuid[])) ORDER BY owner, ordered_at DESC")
AFTER = text("SELECT DISTINCT owner FROM erased_owner WHERE owner > :after ORDER BY owner LIMIT :most")


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An owner of a key who is erased: with which subject, under which receipt (a hash), and when that was decided."""

    owner: UUID
    subject: UUID
    receipt: str
    at: datetime


async def order(tx: Transaction, tombstones: Sequence[Tombstone], cause: Cause | None = None) -> None:
    """Let these owners be erased, for this cause or each for that of its subject; who is already stays as she is."""
    columns = {
        "owners": [stone.owner for stone in tombstones],
        "subjects": [stone.subject for stone in tombstones],
        "receipts": [stone.receipt for stone in tombstones],
        "moments": [stone.at for stone in tombstones],
    }
    await tx.execute(ORDER, columns)
    for stone in tombstones:
        tx.set_clock(ERASE, stone.owner, tx.now, cause=cause or tx.cause_of(stone.subject))


async def ordered(tx: Transaction, owners: Collection[UUID]) -> dict[UUID, Any]:
    """The first tombstone of each of these owners, as far as there are any."""
    return {row.owner: row for row in await tx.rows(FIND, {"owners": sorted(owners)})} if owners else {}


class Eraser:
    """The clock that destroys keys, with the vault that the service has."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    async def destroy(self, due: Sequence[Due], _read: Callable[..., Awaitable[Any]]) -> None:
        """Destroy the keys; done before the clock is claimed, so that a crash in between does it again."""
        await self.vault.erase(clock.subject for clock in due)

    async def destroyed(self, due: Sequence[Due], tx: Transaction, _nothing: None) -> None:
        """Note that it is done."""
        await tx.execute(DESTROYED, {"now": tx.now, "owners": sorted(clock.subject for clock in due)})

    async def apply_all(self, database: Database) -> None:
        """Let the ledger of erasures hold all that the store has a tombstone of, whichever of the two was put back; before the store serves."""
        after = UUID(int=0)
        while owners := await self._chunk(database, after):
            if missing := set(owners) - await self.vault.erased(owners):
                await self.vault.erase(missing)
            after = owners[-1]

    async def _chunk(self, database: Database, after: UUID) -> list[UUID]:
        async with database.engine.connect() as connection:
            return list((await connection.execute(AFTER, {"after": after, "most": CHUNK})).scalars())
