"""What intake keeps of safe contacts, which of them wait to be taken, and notifications' public keys."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from chassis import Transaction
from sqlalchemy import BigInteger, Row, Table, text
from sqlmodel import Field

from intake.store import MOMENT, Base

PLACE = "safe_contact.content"  # what a sealed content is bound to


class SafeContactRow(Base, table=True):
    """A person's own rules, sealed; without content she said stop, or what she said was lost with a store. A revision is never used twice."""

    __tablename__: ClassVar[str] = "safe_contact"
    __table__: ClassVar[Table]
    person_id: UUID = Field(primary_key=True)
    case_id: UUID = Field(index=True)
    revision: int = Field(sa_type=BigInteger)
    content: bytes | None
    stopped: bool
    asked_at: datetime = Field(sa_type=MOMENT)
    asked_by: UUID | None


class HandoverRow(Base, table=True):
    """A safe contact that notifications has not taken yet, since when, and whether somebody was told that this takes long."""

    __tablename__: ClassVar[str] = "handover"
    __table__: ClassVar[Table]
    person_id: UUID = Field(primary_key=True, foreign_key="safe_contact.person_id")
    since: datetime = Field(sa_type=MOMENT)
    attempts: int
    told_at: datetime | None = Field(sa_type=MOMENT)


class SealingKeyRow(Base, table=True):
    """A public key that notifications offered; what is handed over is sealed to the one made last."""

    __tablename__: ClassVar[str] = "sealing_key"
    __table__: ClassVar[Table]
    kid: str = Field(primary_key=True)
    subject: UUID
    public_key: str
    made_at: datetime = Field(sa_type=MOMENT)


OF_PERSON = text("""
    SELECT s.*, h.person_id IS NULL AS taken FROM safe_contact s LEFT JOIN handover h USING (person_id) WHERE s.person_id = :person_id""")
OF_PERSONS = text("SELECT person_id, stopped, asked_at FROM safe_contact WHERE person_id = ANY(CAST(:persons AS uuid[])) ORDER BY person_id")
KEEP = text("""
    INSERT INTO safe_contact (person_id, case_id, revision, content, stopped, asked_at, asked_by)
    VALUES (:person_id, :case_id, 1, :content, :stopped, :asked_at, :asked_by)
    ON CONFLICT (person_id) DO UPDATE SET revision = safe_contact.revision + 1, content = excluded.content, stopped = excluded.stopped,
        asked_at = excluded.asked_at, asked_by = excluded.asked_by
    RETURNING revision""")
KEEP_AGAIN = text("""
    INSERT INTO safe_contact (person_id, case_id, revision, content, stopped, asked_at) VALUES (:person_id, :case_id, :revision, NULL, :stopped, :asked_at)
    ON CONFLICT (person_id) DO UPDATE SET revision = excluded.revision, content = NULL, stopped = excluded.stopped, asked_at = excluded.asked_at,
        asked_by = NULL
    WHERE safe_contact.revision < excluded.revision RETURNING revision""")
REVISION = text("SELECT revision FROM safe_contact WHERE person_id = :person_id")
HAND_OVER = text("""
    INSERT INTO handover (person_id, since, attempts) SELECT person_id, :now, 0 FROM safe_contact WHERE person_id = ANY(CAST(:persons AS uuid[]))
    ON CONFLICT (person_id) DO UPDATE SET since = excluded.since, attempts = 0, told_at = NULL RETURNING person_id""")
WAITING = text("""
    SELECT h.person_id, s.case_id, s.revision, s.content, s.stopped, h.since, h.attempts, h.told_at
    FROM handover h JOIN safe_contact s USING (person_id) WHERE h.person_id = ANY(CAST(:persons AS uuid[])) ORDER BY h.person_id""")
ALL_WAITING = text("SELECT person_id FROM handover ORDER BY person_id")
TRIED = text("""
    UPDATE handover SET attempts = attempts + 1, told_at = CASE WHEN person_id = ANY(CAST(:told AS uuid[])) THEN CAST(:now AS timestamptz) ELSE told_at END
    WHERE person_id = ANY(CAST(:persons AS uuid[]))""")
# What was taken is an older revision when she changed her mind meanwhile: then the newer one still waits.
TAKEN = text("""
    DELETE FROM handover h USING safe_contact s, unnest(CAST(:persons AS uuid[]), CAST(:revisions AS bigint[])) AS taken (person_id, revision)
    WHERE h.person_id = taken.person_id AND s.person_id = taken.person_id AND s.revision <= taken.revision RETURNING h.person_id""")
FORGET = text("DELETE FROM handover WHERE person_id = ANY(CAST(:persons AS uuid[])) RETURNING person_id")
BLANK = text("UPDATE safe_contact SET content = NULL WHERE person_id = ANY(CAST(:persons AS uuid[]))")
KEEP_KEY = text("""
    INSERT INTO sealing_key (kid, subject, public_key, made_at) VALUES (:kid, :subject, :public_key, :made_at) ON CONFLICT (kid) DO NOTHING""")
NEWEST_KEY = text("SELECT kid, public_key FROM sealing_key ORDER BY made_at DESC, kid LIMIT 1")


async def waiting(tx: Transaction, persons: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Those of these persons whose safe contact is not taken yet, as it is now."""
    return await tx.rows(WAITING, {"persons": sorted(set(persons))})


async def hand_over(tx: Transaction, persons: Collection[UUID]) -> list[UUID]:
    """Let these persons' safe contacts wait until they are taken; those of them who have one."""
    return [row.person_id for row in await tx.rows(HAND_OVER, {"persons": sorted(persons), "now": tx.now})]


async def forget(tx: Transaction, persons: Collection[UUID]) -> None:
    """Keep nothing of these persons that could be opened, and hand nothing over."""
    await tx.execute(FORGET, {"persons": sorted(persons)})
    await tx.execute(BLANK, {"persons": sorted(persons)})
