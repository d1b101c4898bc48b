"""The site's queue: sealed messages until the receipt has come, and the receipts, in one SQLite file that survives the power.

A message is known by the hash of its bytes, which is also its `Nats-Msg-Id`: however often it is handed over, it is one message.
"""

import hashlib
import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.edge.words import State

TABLES = (
    """CREATE TABLE IF NOT EXISTS message (
        id TEXT PRIMARY KEY, reference TEXT NOT NULL, body BLOB, state TEXT NOT NULL, queued_at REAL NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS message_due ON message (due) WHERE body IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS message_reference ON message (reference)",
    "CREATE TABLE IF NOT EXISTS receipt (id TEXT PRIMARY KEY, reference TEXT NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, at REAL NOT NULL)",
    "CREATE INDEX IF NOT EXISTS receipt_reference ON receipt (reference)",
)
FIRST_AGAIN, LAST_AGAIN = 15.0, 600.0
KEPT = 90 * 86400.0  # how long the site knows what became of a message
HELD = "receipt.held.v1"  # the one receipt after which another comes


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is to be handed over."""

    id: str
    body: bytes = field(repr=False)
    tries: int


class Queue:
    """The queue of one site. Everything that it is told is on the disk when the call returns."""

    def __init__(self, path: Path, most: int = 100_000) -> None:
        self.most = most
        self.base = sqlite3.connect(path, isolation_level=None)
        path.chmod(0o600)
        self.base.execute("PRAGMA journal_mode = WAL")
        self.base.execute("PRAGMA synchronous = FULL")
        for statement in TABLES:
            self.base.execute(statement)

    def close(self) -> None:
        """Let go of the file."""
        self.base.close()

    def keep(self, reference: str, body: bytes) -> State | None:
        """Keep a message; how far it has come, for it may be here already. None when the queue is full."""
        name = hashlib.sha256(body).hexdigest()
        (waiting,) = self.base.execute("SELECT count(*) FROM message WHERE body IS NOT NULL").fetchone()
        known = self.base.execute("SELECT state FROM message WHERE id = ?", (name,)).fetchone()
        if known is None and waiting >= self.most:
            return None
        now = time.time()
        row = (name, reference, body, State.QUEUED, now, now)
        self.base.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING", row)
        return State(known[0]) if known else State.QUEUED

    def due(self, most: int) -> Sequence[Waiting]:
        """The messages that are to be handed over now, the oldest first: those that never were, and those without a receipt since long."""
        asked = "SELECT id, body, tries FROM message WHERE body IS NOT NULL AND due <= ? ORDER BY queued_at, id LIMIT ?"
        return [Waiting(*row) for row in self.base.execute(asked, (time.time(), most))]

    def handed_over(self, messages: Sequence[Waiting]) -> None:
        """The platform's broker has these; without a receipt they are handed over again, each time later."""
        now = time.time()
        rows = [(State.RECEIVED, State.HANDED_OVER, now + min(LAST_AGAIN, FIRST_AGAIN * 2.0 ** min(one.tries, 10)), one.id) for one in messages]
        self.base.execute("BEGIN")
        self.base.executemany(
            "UPDATE message SET state = CASE WHEN state = ?1 THEN state ELSE ?2 END, tries = tries + 1, due = ?3 WHERE id = ?4", rows
        )
        self.base.execute("COMMIT")

    def receive(self, receipts: Sequence[tuple[str, str, dict[str, Any]]]) -> None:
        """Keep receipts (id, type, data) of what was sent from here; with the real one the message itself goes. Others' are left alone."""
        self.base.execute("BEGIN")
        for name, kind, data in receipts:
            reference, now = data.get("reference") or "", time.time()
            mine = self.base.execute("SELECT 1 FROM message WHERE reference = ?", (reference,)).fetchone()
            if mine is None:
                continue
            self.base.execute("INSERT INTO receipt VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", (name, reference, kind, json.dumps(data), now))
            # Held: the real receipt is still to come, and until then the message is kept here too.
            body = "" if kind == HELD else ", body = NULL"
            later = now + LAST_AGAIN
            self.base.execute(f"UPDATE message SET state = ?, due = ?{body} WHERE reference = ?", (State.RECEIVED, later, reference))  # noqa: S608 - constants
        self.base.execute("DELETE FROM message WHERE body IS NULL AND queued_at < ?", (time.time() - KEPT,))
        self.base.execute("DELETE FROM receipt WHERE at < ?", (time.time() - KEPT,))
        self.base.execute("COMMIT")

    def status(self, reference: str) -> tuple[State | None, list[dict[str, Any]]]:
        """How far what was sent under a reference has come, and its receipts in order."""
        found = self.base.execute("SELECT state FROM message WHERE reference = ? ORDER BY queued_at DESC LIMIT 1", (reference,)).fetchone()
        receipts = self.base.execute("SELECT type, data FROM receipt WHERE reference = ? ORDER BY at, id", (reference,)).fetchall()
        return State(found[0]) if found else None, [{"type": kind, **json.loads(data)} for kind, data in receipts]

    def counts(self) -> dict[str, int]:
        """How many messages have come how far."""
        return dict(self.base.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())
