"""In which order is an agency's feed given over HTTP, so that who goes on from a position misses nothing and gets nothing twice?

An outbox row has its position before it is committed, so a lower one may become visible after a higher one. Each agency's feed is numbered
apart, once rows can be seen, under a lock: a number that was given is never followed by a smaller one. A module of its own because
everything that says "from here on" rests on it (decision 28).
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Index, SmallInteger, Table, text
from sqlmodel import Field

from intake.store import MOMENT, Base


class FeedEntryRow(Base, table=True):
    """The place of one event in the feed of its agency; what it says is in the outbox."""

    __tablename__: ClassVar[str] = "feed_entry"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        Index("ix_feed_entry_follow_id", "follow_id", "version"),
        Index("ix_feed_entry_agency", "agency", "follow_id"),
    )
    __table__: ClassVar[Table]
    agency: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    event_id: UUID = Field(unique=True)
    follow_id: UUID
    type: str
    version: int = Field(sa_type=BigInteger)
    said_at: datetime = Field(sa_type=MOMENT)


# Of the outbox's rows only those of agencies' feeds are numbered.
Index("outbox_agencies", Base.metadata.tables["outbox"].c.position, postgresql_where=text("stream = 'AGENCIES'"))


class FeedMarkRow(Base, table=True):
    """How far nothing can come any more: every outbox row up to `settled` is numbered, or was never committed.

    `seen` is what will be settled when all transactions before `bound` have ended.
    """

    __tablename__: ClassVar[str] = "feed_mark"
    __table__: ClassVar[Table]
    one: int = Field(primary_key=True, sa_type=SmallInteger)
    settled: int = Field(sa_type=BigInteger)
    seen: int = Field(sa_type=BigInteger)
    bound: int | None = Field(sa_type=BigInteger)


# In one statement, so that none takes long even when nobody has looked for a year.
MOST = 20_000
# That a feed or a disclosure has ended comes whatever was chosen: whoever does not hear of it goes on using what it may not.
ALWAYS = ["agency.stopped.v1", "agency.disclosure_ended.v1"]
LOCK = text("SELECT pg_advisory_xact_lock(hashtext('naungan feed'))")
# One statement, so one snapshot: what it takes for settled it has also seen. A writer has its transaction id before its position, so whoever
# holds a position up to `seen` has an id below any that is given to a transaction begun after `seen` was read: that is the bound. After a
# restore into another cluster ids may be smaller than a kept bound; then it is made anew.
NUMBER = text("""
    WITH mark AS (
        SELECT settled, seen, bound, CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS oldest FROM feed_mark),
    fresh AS (
        SELECT o.id, o.position, o.subject, o.type, o.factversion, o.time, split_part(o.route, '.', 2) AS agency
        FROM outbox o, mark WHERE o.stream = 'AGENCIES' AND o.position > mark.settled
            AND NOT EXISTS (SELECT FROM feed_entry e WHERE e.event_id = o.id)
        ORDER BY o.position LIMIT :most),
    found AS (SELECT count(*) AS many FROM fresh),
    ended AS (SELECT coalesce(mark.bound <= mark.oldest AND found.many < :most, false) AS all FROM mark, found),
    numbered AS (
        INSERT INTO feed_entry (agency, number, event_id, follow_id, type, version, said_at)
        SELECT f.agency, coalesce((SELECT max(e.number) FROM feed_entry e WHERE e.agency = f.agency), 0)
            + row_number() OVER (PARTITION BY f.agency ORDER BY f.position), f.id, f.subject, f.type, f.factversion, f.time
        FROM fresh f RETURNING 1),
    newest AS (SELECT coalesce(max(position), 0) AS position FROM outbox WHERE stream = 'AGENCIES')
    UPDATE feed_mark SET
        settled = CASE WHEN ended.all THEN mark.seen ELSE mark.settled END,
        seen = CASE WHEN ended.all THEN newest.position ELSE mark.seen END,
        bound = CASE
            WHEN ended.all OR mark.bound > CAST(CAST(pg_current_xact_id() AS text) AS bigint) THEN NULL
            ELSE coalesce(mark.bound, CAST(CAST(pg_current_xact_id() AS text) AS bigint)) END
    FROM mark, newest, found, ended
    WHERE mark.seen < newest.position OR mark.settled < mark.seen
    RETURNING found.many""")
EPOCH = text("SELECT epoch FROM store_epoch")
NEWEST = text("SELECT coalesce(max(number), 0) AS number FROM feed_entry WHERE agency = :agency")
NEWEST_OF_ALL = text("SELECT agency, max(number) AS number FROM feed_entry GROUP BY agency")
# What was said before a feed stopped is not given any more: its newest stop is the first that is still told of that case.
HEARD = """e.agency = :agency AND e.number <= :top AND NOT EXISTS (
        SELECT FROM feed_entry s WHERE s.follow_id = e.follow_id AND s.type = 'agency.stopped.v1' AND s.version > e.version)"""
AFTER = text(f"""
    SELECT e.number, o.* FROM feed_entry e JOIN outbox o ON o.id = e.event_id
    WHERE {HEARD} AND e.number > :after AND (CAST(:since AS timestamptz) IS NULL OR e.said_at >= :since)
        AND (cardinality(CAST(:types AS text[])) = 0 OR e.type = ANY(CAST(:types AS text[]) || CAST(:always AS text[])))
    ORDER BY e.number LIMIT :most""")  # noqa: S608 - constants
# A case whose newest word is its stop is left out: there is nothing to be known of it.
STANDING = text(f"""
    SELECT o.subject, o.type, o.factversion, o.time, o.body FROM feed_entry e JOIN outbox o ON o.id = e.event_id
    WHERE {HEARD} AND e.type <> 'agency.stopped.v1' AND e.follow_id IN (
        SELECT DISTINCT e.follow_id FROM feed_entry e
        WHERE {HEARD} AND e.type <> 'agency.stopped.v1' AND e.follow_id > :past ORDER BY e.follow_id LIMIT :most)
    ORDER BY o.subject, o.factversion""")  # noqa: S608 - constants


async def number(tx: Transaction, most: int = MOST) -> None:
    """Number what can be seen and has no number yet, so many at a time; the first thing that its transaction writes."""
    await tx.execute(LOCK)
    while (row := await tx.row(NUMBER, {"most": most})) is not None and row.many == most:
        continue


async def epoch(tx: Transaction) -> int:
    """The epoch of the store: positions of another one say nothing in this one."""
    return int((await tx.rows(EPOCH))[0].epoch)


async def newest(tx: Transaction, agency: str) -> int:
    """The number of what an agency was told last."""
    return int((await tx.rows(NEWEST, {"agency": agency}))[0].number)
