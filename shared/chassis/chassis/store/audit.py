"""The audit log cannot be rewritten unnoticed: each row is linked to all before it by a hash, and another service keeps seals of the last one.

Who looked is written unchained with the work it belongs to, so that nobody waits; one chainer links the rows a moment later. A link hashes
the one before it and every column of its row (a hash chain as in Schneier and Kelsey, Secure Audit Logs, 1999). Rows and links are only ever added.
"""

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from prometheus_client import Gauge
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.envelope import Cause, Received
from chassis.settings import Settings
from chassis.store.database import Database
from chassis.store.transaction import Transaction

log = structlog.get_logger()

LINKED = Gauge("naungan_audit_linked", "Rows of the audit log that are linked", ["service"])

EVERY = 1.0
MOST = 1000
# No transaction is open for as long as this: what became visible later than that is not awaited by every look, only by the first of a process.
OLD = 3600.0
ROW = "a.position, a.at, a.principal, a.roles, a.agency, a.action, a.subject, a.fields, a.purpose"
TURN = text("SELECT pg_try_advisory_xact_lock(hashtext('naungan audit'))")
LAST = text("SELECT number, position, hash FROM audit_link ORDER BY number DESC LIMIT 1")
UNLINKED = text(f"""
    SELECT {ROW} FROM audit a WHERE a.position > :floor AND NOT EXISTS (SELECT FROM audit_link l WHERE l.position = a.position)
    ORDER BY a.position LIMIT :most""")  # noqa: S608 - constants
LINK = text("""
    INSERT INTO audit_link (number, position, hash, epoch)
    SELECT number, position, hash, :epoch FROM unnest(CAST(:numbers AS bigint[]), CAST(:positions AS bigint[]), CAST(:hashes AS bytea[]))
        AS new (number, position, hash)""")
SEALED = text("SELECT number FROM audit_seal WHERE service = :service AND epoch = :epoch ORDER BY number DESC LIMIT 1")
KEEP = text("""
    INSERT INTO audit_seal (service, epoch, number, hash)
    SELECT * FROM unnest(CAST(:services AS text[]), CAST(:epochs AS integer[]), CAST(:numbers AS bigint[]), CAST(:hashes AS bytea[]))
    ON CONFLICT DO NOTHING""")
EPOCH = text("SELECT epoch FROM store_epoch")
CHAIN = text(f"SELECT l.number, l.hash, l.epoch, {ROW} FROM audit_link l LEFT JOIN audit a ON a.position = l.position ORDER BY l.number")  # noqa: S608
LEFT_OUT = text("""
    SELECT count(*) FROM audit a WHERE a.at < clock_timestamp() - interval '1 minute'
        AND NOT EXISTS (SELECT FROM audit_link l WHERE l.position = a.position)""")
SEALS = text("SELECT epoch, number, hash FROM audit_seal WHERE service = :service ORDER BY epoch, number")


# -- the chain ------------------------------------------------------------------------------------------------------------------------


def beginning(service: str) -> bytes:
    """What the first row of a service's log is linked to."""
    return hashlib.sha256(f"naungan audit|{service}".encode()).digest()


def link(previous: bytes, number: int, row: Any) -> bytes:
    """The hash of a row (with the columns of the audit table) as the `number`-th of its log, after one that hashed to `previous`."""
    at: datetime = row.at
    said = [number, row.position, at.astimezone(UTC).isoformat(), row.principal, row.roles, row.agency, row.action, str(row.subject), row.fields]
    if row.purpose is not None:  # rows from before there was one hash as they did
        said.append(row.purpose)
    return hashlib.sha256(previous + json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()).digest()


def log_of(service: str) -> UUID:
    """The subject that stands for a service's audit log."""
    return uuid5(NAMESPACE_URL, f"naungan:audit:{service}")


class Chainer:
    """Links the rows of one service's audit log and seals the last one; of several replicas one does it at a time.

    `seal` makes the fact that says a seal, from its `epoch`, `number` and `hash` (hex).
    """

    def __init__(self, database: Database, service: str, seal: Any, settings: Settings) -> None:
        self.database, self.service, self.seal, self.every = database, service, seal, settings.seal_seconds
        self._floor = 0
        self._seen: deque[tuple[float, int]] = deque()
        self._sealed_at = monotonic()

    async def run(self) -> None:
        """Link what was written, each second, until cancelled."""
        while True:
            try:
                linked = await self.look()
            except Exception as error:  # noqa: BLE001 - the store may be away; the rows stay in it
                log.warning("audit_waits", service=self.service, error=type(error).__name__)
                linked = 0
            if linked < MOST:
                await asyncio.sleep(EVERY)

    async def look(self) -> int:
        """Link the rows that are not linked yet, and seal the last one when it is time; how many were linked."""
        if not await self._anything():
            return 0
        async with self.database.transaction() as tx:
            if not (await tx.execute(TURN)).scalar_one():
                return 0
            await tx.start()
            number, highest, last = await self._last(tx)
            rows = await tx.rows(UNLINKED, {"floor": self._floor, "most": MOST})
            hashes: list[bytes] = []
            for count, row in enumerate(rows, number + 1):
                hashes.append(last := link(last, count, row))
            if rows:
                numbers, positions = range(number + 1, number + len(rows) + 1), [row.position for row in rows]
                columns = {"numbers": list(numbers), "positions": positions, "hashes": hashes, "epoch": await self.database.epoch()}
                await tx.execute(LINK, columns)
                number, highest = number + len(rows), max(highest, *positions)
            if monotonic() - self._sealed_at >= self.every:
                self._sealed_at = monotonic()
                await self._say(tx, number, last)
        LINKED.labels(self.service).set(number)
        self._remember(highest)
        return len(rows)

    async def _anything(self) -> bool:
        """Whether a row waits for its link, or it is time to seal the last one: most looks end here."""
        if monotonic() - self._sealed_at >= self.every:
            return True
        async with self.database.engine.connect() as connection:
            return (await connection.execute(UNLINKED, {"floor": self._floor, "most": 1})).first() is not None

    async def _last(self, tx: Transaction) -> tuple[int, int, bytes]:
        row = await tx.row(LAST)
        return (row.number, row.position, row.hash) if row else (0, 0, beginning(self.service))

    async def _say(self, tx: Transaction, number: int, last: bytes) -> None:
        """Keep a seal and say it, unless this row is sealed already."""
        epoch = await self.database.epoch()
        sealed = await tx.row(SEALED, {"service": self.service, "epoch": epoch})
        if number > (sealed.number if sealed else 0):
            await tx.execute(KEEP, {"services": [self.service], "epochs": [epoch], "numbers": [number], "hashes": [last]})
            cause = Cause(f"audit|{self.service}|{number}", tx.now, "audit")
            tx.emit(self.seal(epoch=epoch, number=number, hash=last.hex()), log_of(self.service), cause=cause)

    def _remember(self, highest: int) -> None:
        """After an hour nothing can appear any more below what was linked then."""
        now = monotonic()
        if not self._seen or now - self._seen[-1][0] > OLD / 10:
            self._seen.append((now, highest))
        while self._seen and now - self._seen[0][0] > OLD:
            self._floor = self._seen.popleft()[1]


async def witness(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Keep the seals that another service said."""
    columns = {
        "services": [event.source for event in events],
        "epochs": [event.data.epoch for event in events],
        "numbers": [event.data.number for event in events],
        "hashes": [bytes.fromhex(event.data.hash) for event in events],
    }
    await tx.execute(KEEP, columns)


# -- verification ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seal:
    """What a witness keeps: in its `epoch` a log hashed to `hash` at its row `number`."""

    epoch: int
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of a log: how many rows are linked, what is wrong with them (each with the row's number), and what restores took away.

    `lost` are pairs of an epoch that a restore ended and the last row of it that a seal vouches for and the log has not.
    """

    rows: int
    wrong: tuple[str, ...] = ()
    lost: tuple[tuple[int, int], ...] = ()


async def seals_of(witness_store: AsyncEngine, service: str) -> list[Seal]:
    """The seals of a service that a store keeps."""
    async with witness_store.connect() as connection:
        return [Seal(*row) for row in (await connection.execute(SEALS, {"service": service})).all()]


async def verify(store: AsyncEngine, service: str, seals: Collection[Seal]) -> Verdict:
    """Link a service's whole log anew and compare it with its links and with the seals kept elsewhere; nothing is changed."""
    async with store.connect() as connection:
        epoch = (await connection.execute(EPOCH)).scalar_one()
        unlinked = (await connection.execute(LEFT_OUT)).scalar_one()
        async with connection.stream(CHAIN) as rows:
            verdict = await judge(service, rows, seals, epoch)
    if unlinked:
        verdict = Verdict(verdict.rows, (*verdict.wrong, f"{unlinked} rows are not linked"), verdict.lost)
    return verdict


async def judge(service: str, rows: AsyncIterator[Any], seals: Collection[Seal], epoch: int) -> Verdict:
    """The verdict on links and their rows in the order of their numbers, by the seals and the store's epoch."""
    wanted: dict[int, list[Seal]] = {}
    for seal in seals:
        wanted.setdefault(seal.number, []).append(seal)
    wrong: list[str] = []
    lost: list[Seal] = []
    last, number = beginning(service), 0
    async for row in rows:
        number += 1
        if row.number != number:
            wrong.append(f"row {number}: its link is gone")
            number = row.number
        if row.position is None:
            wrong.append(f"row {number}: it is gone")
        elif link(last, number, row) != row.hash:
            wrong.append(f"row {number}: it, or what came before it, was changed")
        last = row.hash
        seals_here = wanted.pop(number, [])
        lost += [seal for seal in seals_here if seal.epoch < row.epoch]
        wrong += [f"row {number}: not what was sealed" for seal in seals_here if seal.epoch >= row.epoch and seal.hash != row.hash]
    missing = [seal for left in wanted.values() for seal in left]
    wrong += [f"row {seal.number}: it was sealed, and the log ends at {number}" for seal in missing if seal.epoch >= epoch]
    lost += [seal for seal in missing if seal.epoch < epoch]
    return Verdict(number, tuple(wrong), tuple(sorted({seal.epoch: seal.number for seal in sorted(lost, key=lambda s: s.number)}.items())))
