"""What is kept of survivors: their rules, sealed, and the messages to them; ids, codes and times otherwise."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Row, Table, text
from sqlmodel import Field

from notifications.store import MOMENT, Base

PLACE = "survivor.content"  # what a sealed content is bound to
# A message waits (`planned`), is in hand (`claimed`), or ended; of `maybe_sent` nobody knows, and `officer` is what people do.
PLANNED, CLAIMED, SENT, MAYBE_SENT, FAILED, OFFICER, CANCELLED = "planned", "claimed", "sent", "maybe_sent", "failed", "officer", "cancelled"


class SurvivorRow(Base, table=True):
    """A survivor's rules: the newest revision that was heard of, and the one that is held; only when they are one is anything sent."""

    __tablename__: ClassVar[str] = "survivor"
    __table__: ClassVar[Table]
    person_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    announced: int = Field(sa_type=BigInteger)
    held: int = Field(sa_type=BigInteger)
    stopped: bool
    content: bytes | None


class MessageRow(Base, table=True):
    """One message to a survivor by one channel; a further `step` of the same source is for when the channel before failed. Its text is made when it is sent."""

    __tablename__: ClassVar[str] = "survivor_message"
    __table__: ClassVar[Table]
    id: UUID = Field(primary_key=True)
    source: str
    person_id: UUID
    case_id: UUID
    step: int
    channel: str | None
    purpose: str
    template: str
    version: int | None
    state: str
    reason: str | None
    due: datetime = Field(sa_type=MOMENT)
    not_after: datetime = Field(sa_type=MOMENT)
    attempts: int
    claim: UUID | None
    claimed_until: datetime | None = Field(sa_type=MOMENT)
    asked_by: UUID | None
    asked_at: datetime = Field(sa_type=MOMENT)
    ended_at: datetime | None = Field(sa_type=MOMENT)


class SealingOfferRow(Base, table=True):
    """A key of which intake was told."""

    __tablename__: ClassVar[str] = "sealing_offer"
    __table__: ClassVar[Table]
    kid: str = Field(primary_key=True)
    offered_at: datetime = Field(sa_type=MOMENT)


# Whoever decides about a person's messages, or changes her rules, takes her row first.
LOCK = text("SELECT * FROM survivor WHERE person_id = ANY(CAST(:persons AS uuid[])) ORDER BY person_id FOR UPDATE")
FIND = text("SELECT * FROM survivor WHERE person_id = :person_id")
HEAR = text("""
    INSERT INTO survivor (person_id, case_id, announced, held, stopped, content) VALUES (:person_id, :case_id, :announced, :held, :stopped, :content)
    ON CONFLICT (person_id) DO UPDATE SET case_id = excluded.case_id, announced = excluded.announced, held = excluded.held, stopped = excluded.stopped,
        content = excluded.content
    WHERE survivor.announced <= excluded.announced""")
LOSE = text("""
    INSERT INTO survivor (person_id, case_id, announced, held, stopped) VALUES (:person_id, :case_id, :revision, 0, false)
    ON CONFLICT (person_id) DO UPDATE SET announced = excluded.announced WHERE survivor.announced < excluded.announced RETURNING person_id""")
FORGET = text("UPDATE survivor SET content = NULL, held = 0, stopped = true WHERE person_id = ANY(CAST(:persons AS uuid[]))")
CANCEL = text("""
    UPDATE survivor_message SET state = 'cancelled', reason = :reason, ended_at = :now
    WHERE state = 'planned' AND (person_id = ANY(CAST(:persons AS uuid[])) OR case_id = ANY(CAST(:cases AS uuid[])))""")
ADD = text("""
    INSERT INTO survivor_message (id, source, person_id, case_id, step, channel, purpose, template, state, due, not_after, attempts, asked_by, asked_at)
    VALUES (:id, :source, :person_id, :case_id, :step, NULL, :purpose, :template, 'planned', :due, :not_after, 0, :asked_by, :now)
    ON CONFLICT DO NOTHING""")
# Her rules changed: what waits is looked at anew.
WAKE = text("UPDATE survivor_message SET due = :now WHERE person_id = :person_id AND state = 'planned' AND due > :now")
OPEN_LIKE = text("""
    SELECT * FROM survivor_message WHERE person_id = :person_id AND template = :template AND state IN ('planned', 'claimed') ORDER BY asked_at LIMIT 1""")
OF_PERSON = text("SELECT * FROM survivor_message WHERE person_id = :person_id ORDER BY asked_at DESC, step DESC LIMIT :most")
ONE = text("SELECT * FROM survivor_message WHERE id = :id FOR UPDATE")
DUE = text("SELECT id, person_id FROM survivor_message WHERE state = 'planned' AND due <= :now ORDER BY due LIMIT :most")
TAKE = text("""
    SELECT m.* FROM survivor_message m WHERE m.id = ANY(CAST(:ids AS uuid[])) AND m.state = 'planned' AND m.due <= :now ORDER BY m.id
    FOR UPDATE OF m SKIP LOCKED""")
TRIED = text("SELECT source, person_id, channel FROM survivor_message WHERE person_id = ANY(CAST(:persons AS uuid[])) AND channel IS NOT NULL")
LAST_SENT = text("""
    SELECT person_id, max(coalesce(ended_at, claimed_until)) AS at FROM survivor_message
    WHERE person_id = ANY(CAST(:persons AS uuid[])) AND state IN ('sent', 'maybe_sent', 'claimed') GROUP BY person_id""")
CLAIM = text("""
    UPDATE survivor_message SET state = 'claimed', channel = :channel, version = :version, attempts = attempts + 1, claim = :claim, claimed_until = :until
    WHERE id = :id""")
POSTPONE = text("UPDATE survivor_message SET due = :due WHERE id = :id")
END = text("UPDATE survivor_message SET state = :state, reason = :reason, ended_at = :now WHERE id = :id")
# What became of a claimed one; whoever was given up meanwhile may still say that it was sent after all.
RECORD = text("""
    UPDATE survivor_message SET state = :state, reason = :reason, due = coalesce(CAST(:due AS timestamptz), due),
        ended_at = CASE WHEN :state = 'planned' THEN NULL ELSE CAST(:now AS timestamptz) END
    WHERE id = :id AND claim = :claim AND (state = 'claimed' OR (state = 'maybe_sent' AND :state = 'sent')) RETURNING *""")
NEVER_ENDED = text("SELECT case_id FROM survivor_message WHERE state = 'claimed' AND claimed_until <= :now LIMIT 100")
GIVEN_UP = text("""
    UPDATE survivor_message SET state = 'maybe_sent', reason = 'never_ended', ended_at = :now WHERE id IN (
        SELECT id FROM survivor_message WHERE state = 'claimed' AND claimed_until <= :now ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING *""")
# After a restore nobody knows which of these were sent in the hour that was lost.
UNSURE = text("""
    UPDATE survivor_message SET state = 'maybe_sent', reason = 'store_restored', ended_at = :now WHERE state IN ('planned', 'claimed')
    RETURNING id, person_id""")
SENT_AFTER_ALL = text("UPDATE survivor_message SET state = 'sent', ended_at = :at WHERE id = :id AND state <> 'sent' RETURNING id")
STATES = text("""
    SELECT channel, state, reason, count(*) AS n, max(ended_at) AS last FROM survivor_message
    WHERE channel IS NOT NULL AND ended_at > :since GROUP BY channel, state, reason ORDER BY channel, state, reason""")
OFFER = text("INSERT INTO sealing_offer (kid, offered_at) VALUES (:kid, :now) ON CONFLICT DO NOTHING RETURNING kid")


async def locked(tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """The rows of these persons, locked in order; those who have none are not in it."""
    return {row.person_id: row for row in await tx.rows(LOCK, {"persons": sorted(set(persons))})}


async def cancel(tx: Transaction, reason: str, *, persons: Collection[UUID] = (), cases: Collection[UUID] = ()) -> None:
    """Send nothing more of what waits for these persons, or in these cases."""
    await tx.execute(CANCEL, {"reason": reason, "persons": sorted(persons), "cases": sorted(cases), "now": tx.now})


async def tried(tx: Transaction, persons: Sequence[UUID]) -> dict[tuple[str, UUID], frozenset[str]]:
    """By which channels each (source, person) was tried."""
    found: dict[tuple[str, UUID], set[str]] = {}
    for row in await tx.rows(TRIED, {"persons": list(persons)}):
        found.setdefault((row.source, row.person_id), set()).add(row.channel)
    return {key: frozenset(channels) for key, channels in found.items()}
