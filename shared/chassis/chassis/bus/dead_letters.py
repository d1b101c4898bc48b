"""Messages that failed by their own fault: counted, and in the end set aside with their reason, to be driven again later."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID

from nats.aio.msg import Msg
from sqlalchemy import Row, text

from chassis.envelope import Cause
from chassis.store.database import Database

COUNT = text("""
    INSERT INTO dead_letter (id, stream, durable, route, headers, body, sealed, stored_at, sequence, reason, attempts, set_aside_at)
    VALUES (:id, :stream, :durable, :route, :headers, :body, :sealed, :stored_at, :sequence, :reason, 1,
        CASE WHEN :most <= 1 THEN now() END)
    ON CONFLICT (id) DO UPDATE SET attempts = dead_letter.attempts + 1, reason = excluded.reason, redrive = false,
        set_aside_at = CASE WHEN dead_letter.attempts + 1 >= :most THEN coalesce(dead_letter.set_aside_at, now()) END
    RETURNING attempts, set_aside_at IS NOT NULL""")
HEAL = text("DELETE FROM dead_letter WHERE id = ANY(CAST(:ids AS uuid[]))")
# While releases run side by side, the older one sets aside what it has no reader for, on the durable that both pull from.
UNKNOWN = "ce-type: unknown_type"
ASKED = text("""
    SELECT * FROM dead_letter WHERE redrive
        OR (reason = :unknown AND set_aside_at IS NOT NULL AND CAST(headers AS jsonb) ->> 'ce-type' = ANY(CAST(:types AS text[])))
    ORDER BY first_failed_at LIMIT :most""")
# How pydantic names a code that is not on a list: a later release may have it there.
OF_CODES = text("""
    SELECT * FROM dead_letter WHERE NOT redrive AND set_aside_at IS NOT NULL AND stream = :stream AND durable = :durable AND reason LIKE '%: enum'
        AND id <> ALL(CAST(:looked_at AS uuid[]))
    ORDER BY first_failed_at LIMIT :most""")
KEEP = text("UPDATE dead_letter SET redrive = false, attempts = attempts + 1, reason = :reason WHERE id = :id")
# Whoever fails is set aside within minutes; a row that is older was left by a durable that was made anew, and its message went through.
ANY_FAILING = text("SELECT EXISTS (SELECT 1 FROM dead_letter WHERE set_aside_at IS NULL AND first_failed_at > now() - interval '1 day')")
WAITING = text("SELECT count(*) FROM dead_letter WHERE set_aside_at IS NOT NULL")


class Seal(Protocol):
    """Encrypts and opens a body of a personal channel."""

    def seal(self, plain: bytes, context: str) -> bytes:
        """Encrypt for storage under a context."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt what `seal` made under the same context."""


def identity_of(message: Msg, durable: str) -> UUID:
    """One id per stored message and durable, whatever its headers say."""
    stored = message.metadata.timestamp.astimezone(UTC)
    sequence = message.metadata.sequence.stream
    return Cause(f"{message.metadata.stream}|{durable}|{sequence}|{stored.isoformat()}", stored, "").derive(0, UUID(int=0), "dead")


class DeadLetters:
    """The dead-letter table of one service; `seal` encrypts bodies of personal streams, which are never stored in the clear."""

    def __init__(self, database: Database, seal: Seal | None, personal: frozenset[str]) -> None:
        self.database, self.seal, self.personal = database, seal, personal
        # Until a look at the table says otherwise: any message may have failed before, also one delivered for the first time to a durable made anew.
        self.failing = True

    async def count(self, message: Msg, durable: str, reason: str, most: int) -> tuple[int, bool]:
        """Record one more failure of a message: how many there were, and whether it is now set aside (after `most`)."""
        identity = identity_of(message, durable)
        stream, sealed = message.metadata.stream, message.metadata.stream in self.personal
        body, headers = message.data, json.dumps(message.headers or {})
        if sealed:
            if self.seal is None:
                error = f"stream {stream} is personal, but this service has no key to seal it with"
                raise RuntimeError(error)
            body, headers = self.seal.seal(json.dumps([headers, body.hex()]).encode(), str(identity)), "{}"
        async with self.database.engine.begin() as connection:
            attempts, aside = (
                await connection.execute(
                    COUNT,
                    {
                        "id": identity,
                        "stream": stream,
                        "durable": durable,
                        "route": message.subject,
                        "headers": headers,
                        "body": body,
                        "sealed": sealed,
                        "stored_at": message.metadata.timestamp,
                        "sequence": message.metadata.sequence.stream,
                        "reason": reason[:400],
                        "most": most,
                    },
                )
            ).one()
        return attempts, aside

    async def heal(self, ids: Sequence[UUID]) -> None:
        """Forget the failures of messages that went through after all."""
        async with self.database.engine.begin() as connection:
            await connection.execute(HEAL, {"ids": list(ids)})
            self.failing = bool((await connection.execute(ANY_FAILING)).scalar_one())

    async def asked(self, types: Iterable[str] = (), most: int = 100) -> Sequence[Row[Any]]:
        """Letters that an operator asked to drive again, and those that were set aside for being of one of these types."""
        async with self.database.engine.connect() as connection:
            return (await connection.execute(ASKED, {"unknown": UNKNOWN, "types": list(types), "most": most})).all()

    async def of_unknown_codes(self, stream: str, durable: str, looked_at: Iterable[UUID], most: int = 100) -> Sequence[Row[Any]]:
        """Letters of a durable that were set aside for a code that was on no list then, but for those that were looked at."""
        told = {"stream": stream, "durable": durable, "looked_at": list(looked_at), "most": most}
        async with self.database.engine.connect() as connection:
            return (await connection.execute(OF_CODES, told)).all()

    async def keep(self, letter: UUID, reason: str) -> None:
        """A driven letter failed again: it stays set aside, with the newest reason."""
        async with self.database.engine.begin() as connection:
            await connection.execute(KEEP, {"id": letter, "reason": reason[:400]})

    async def waiting(self) -> int:
        """How many are set aside."""
        async with self.database.engine.connect() as connection:
            return int((await connection.execute(WAITING)).scalar_one())

    def opened(self, letter: Row[Any]) -> tuple[dict[str, str], bytes]:
        """Headers and body of a letter, decrypted where it was sealed."""
        if not letter.sealed:
            return json.loads(letter.headers), letter.body
        if self.seal is None:
            error = "this service has no key to open a sealed letter with"
            raise RuntimeError(error)
        headers, body = json.loads(self.seal.open(letter.body, str(letter.id)))
        return json.loads(headers), bytes.fromhex(body)


def stored_at(letter: Row[Any]) -> datetime:
    """When the stream stored the message of a letter."""
    moment: datetime = letter.stored_at
    return moment
