"""How often somebody knocks at a public door: counted in the store, so that all replicas count together.

Who it was is kept only as a keyed hash of the address and the hour, and not longer than that hour and the next.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from chassis import Due, RefusedError, Transaction
from chassis.store.vault import Vault
from sqlalchemy import Table, text
from sqlmodel import Field

from intake.store import MOMENT, Base

FORGET = "knocks"
WINDOW = timedelta(hours=1)
EVERY_DOOR = UUID("00000000-0000-8000-8000-000000000006")


class KnockRow(Base, table=True):
    """How often one address, or one code, was heard of in one hour."""

    __tablename__: ClassVar[str] = "knock"
    __table__: ClassVar[Table]
    mark: bytes = Field(primary_key=True)
    since: datetime = Field(primary_key=True, sa_type=MOMENT)
    times: int


# What is lost with the power is a few counts; nobody waits for the disk on their account.
UNHURRIED = text("SET LOCAL synchronous_commit = off")
COUNT = text("""
    INSERT INTO knock (mark, since, times) SELECT mark, :since, 1 FROM unnest(CAST(:marks AS bytea[])) AS m (mark) ORDER BY mark
    ON CONFLICT (mark, since) DO UPDATE SET times = knock.times + 1 RETURNING mark, times""")
OLD = text("DELETE FROM knock WHERE since < :before")
OLD_TAKEN = text("DELETE FROM taken WHERE since < :before")


async def count(tx: Transaction, vault: Vault, knocks: Iterable[tuple[str, str, int]]) -> None:
    """Count these knocks (what for, by whom or for which code, how many an hour). Raises 429 when one of them is one too many."""
    since = tx.now.replace(minute=0, second=0, microsecond=0)
    most = {vault.blind("knock", f"{since.isoformat()}|{what}|{who}"): limit for what, who, limit in knocks}
    counted = await tx.rows(COUNT, {"since": since, "marks": sorted(most)})
    if any(row.times > most[bytes(row.mark)] for row in counted):
        wait = int((since + WINDOW - tx.now).total_seconds()) + 1
        raise RefusedError(429, "too many requests from here, or for this code: try again later", retry_after=wait)


async def forget(_due: Sequence[Due], tx: Transaction) -> None:
    """Who knocked, or sent how much (`rates`), before the last hour is forgotten."""
    for old in (OLD, OLD_TAKEN):
        await tx.execute(old, {"before": tx.now - 2 * WINDOW})
    tx.set_clock(FORGET, EVERY_DOOR, tx.now + WINDOW)
