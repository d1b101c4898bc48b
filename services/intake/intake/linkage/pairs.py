"""What intake keeps to find the same person twice: encodings, keys, and pairs of persons that may be one; and the questions asked of them.

A module of its own beside `store`, because nothing else in intake needs these tables. A person's encoding is sealed under her own key, so
that whoever erases the key ends every comparison; the keys by which she is found are keyed hashes and go with `forget`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID, uuid5

from chassis import Transaction
from chassis.store.vault import FIND as WITH_KEY
from chassis.store.vault import Vault
from sqlalchemy import BigInteger, Index, Row, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from intake import store
from intake.linkage.likeness import MOST_OPENED, POPULAR, Key
from intake.store import MOMENT, Base

PAIR = UUID("0f0c5b0e-7c1f-5d52-8a57-6a2b8d1c9e40")
OPEN, LINKED, MERGED, NOT_SAME = "open", "linked", "merged", "not_same"
# New data must make a pair that people said is not one so much likelier (2^7: over a hundred times) before they are asked again.
ASKED_AGAIN_BITS = 7.0


class LikenessRow(Base, table=True):
    """What a person is compared by, sealed; and the keys she is under, so that these can be taken away again."""

    __tablename__: ClassVar[str] = "likeness"
    __table__: ClassVar[Table]
    person_id: UUID = Field(primary_key=True)
    sealed: bytes
    keys: list[int] = Field(sa_type=ARRAY(BigInteger))
    encoded_at: datetime = Field(sa_type=MOMENT)


class LikenessKeyRow(Base, table=True):
    """A person under one key: a keyed hash of what she may share with whoever is the same."""

    __tablename__: ClassVar[str] = "likeness_key"
    __table__: ClassVar[Table]
    key: int = Field(primary_key=True, sa_type=BigInteger)
    person_id: UUID = Field(primary_key=True)


class CandidateRow(Base, table=True):
    """Two persons that may be one, the older first; and what people decided about them, step by step."""

    __tablename__: ClassVar[str] = "candidate"
    __table_args__: ClassVar[tuple[Any, ...]] = (
        Index("ix_candidate_state", "state", "bits"),
        Index("ix_candidate_merged_first", "first", postgresql_where=text("state = 'merged'")),
        Index("ix_candidate_merged_second", "second", postgresql_where=text("state = 'merged'")),
    )
    __table__: ClassVar[Table]
    candidate_id: UUID = Field(primary_key=True)
    first: UUID
    second: UUID = Field(index=True)
    bits: float
    agree: list[str] = Field(sa_type=ARRAY(Text))
    differ: list[str] = Field(sa_type=ARRAY(Text))
    state: str
    judged_bits: float | None
    steps: list[dict[str, Any]] = Field(sa_type=JSONB)
    found_at: datetime = Field(sa_type=MOMENT)
    changed_at: datetime = Field(sa_type=MOMENT)


LIKENESS, CANDIDATES = LikenessRow.__table__, CandidateRow.__table__

MEMBERS = text("""
    SELECT p.*, c.area, c.opened_at FROM person p JOIN case_file c USING (case_id)
    WHERE p.case_id = ANY(CAST(:cases AS uuid[])) AND p.left_at IS NULL ORDER BY p.case_id, p.place""")
# Popular keys are left out: they tell nothing. Each other key counts the more, the fewer are under it; who shares most is opened.
FIND = text("""
    WITH held AS MATERIALIZED (
        SELECT probe.key, probe.words, h.person_id, count(*) OVER (PARTITION BY probe.key) AS holders
        FROM unnest(CAST(:keys AS bigint[]), CAST(:words AS boolean[])) AS probe (key, words)
        CROSS JOIN LATERAL (SELECT k.person_id FROM likeness_key k WHERE k.key = probe.key LIMIT :popular + 1) h),
    ranked AS (
        SELECT person_id, min(holders) FILTER (WHERE words) AS rarest, sum(1.0 / holders) AS telling FROM held
        WHERE holders <= :popular AND person_id <> :self GROUP BY person_id ORDER BY telling DESC, person_id LIMIT :opened)
    SELECT r.person_id, r.rarest, l.sealed, (SELECT max(holders) FROM held WHERE key = :phone) AS phones
    FROM ranked r JOIN likeness l USING (person_id) JOIN person p USING (person_id) WHERE p.case_id <> :case_id ORDER BY r.telling DESC, person_id""")
# The keys of before are those that the row names; only a person whose encoding changed is suggested anew.
DROP_KEYS = text("""
    DELETE FROM likeness_key k USING (SELECT person_id, unnest(keys) AS key FROM likeness WHERE person_id = ANY(CAST(:persons AS uuid[]))) AS old
    WHERE k.key = old.key AND k.person_id = old.person_id""")
DROP_LIKENESS = text("DELETE FROM likeness WHERE person_id = ANY(CAST(:persons AS uuid[]))")
DROP_OPEN = text("""
    DELETE FROM candidate WHERE state = 'open' AND (first = ANY(CAST(:persons AS uuid[])) OR second = ANY(CAST(:persons AS uuid[])))""")
DROP_PAIRS = text("DELETE FROM candidate WHERE first = ANY(CAST(:persons AS uuid[])) OR second = ANY(CAST(:persons AS uuid[]))")
KEEP = text("INSERT INTO likeness SELECT * FROM jsonb_populate_recordset(CAST(NULL AS likeness), CAST(:rows AS jsonb)) ON CONFLICT DO NOTHING")
KEEP_KEYS = text("""
    INSERT INTO likeness_key (key, person_id) SELECT unnest(keys), person_id FROM likeness WHERE person_id = ANY(CAST(:persons AS uuid[]))
    ORDER BY 1, 2 ON CONFLICT DO NOTHING""")
SUGGEST = text("""
    INSERT INTO candidate AS c SELECT * FROM jsonb_populate_recordset(CAST(NULL AS candidate), CAST(:rows AS jsonb)) ORDER BY candidate_id
    ON CONFLICT (candidate_id) DO UPDATE SET bits = excluded.bits, agree = excluded.agree, differ = excluded.differ,
        changed_at = CASE WHEN c.state = 'not_same' AND excluded.bits >= c.judged_bits + :again THEN excluded.changed_at ELSE c.changed_at END,
        state = CASE WHEN c.state = 'not_same' AND excluded.bits >= c.judged_bits + :again THEN 'open' ELSE c.state END""")
DECIDE = text("""
    UPDATE candidate SET state = :state, judged_bits = bits, changed_at = :now, steps = steps || CAST(:step AS jsonb) WHERE candidate_id = :candidate_id""")
# Everybody whom merges make one with these persons, over any number of pairs.
ONE = text("""
    WITH RECURSIVE one (person_id) AS (
        SELECT unnest(CAST(:persons AS uuid[]))
        UNION SELECT CASE WHEN c.first = one.person_id THEN c.second ELSE c.first END
        FROM one JOIN candidate c ON c.state = 'merged' AND (c.first = one.person_id OR c.second = one.person_id))
    SELECT person_id, case_id FROM one JOIN person USING (person_id) ORDER BY person_id""")
APART = text("""
    SELECT candidate_id FROM candidate
    WHERE state = 'not_same' AND first = ANY(CAST(:persons AS uuid[])) AND second = ANY(CAST(:persons AS uuid[])) LIMIT 1""")
SEEN = """
    SELECT c.*, a.case_id AS first_case, b.case_id AS second_case FROM candidate c
    JOIN person a ON a.person_id = c.first JOIN case_file ca ON ca.case_id = a.case_id
    JOIN person b ON b.person_id = c.second JOIN case_file cb ON cb.case_id = b.case_id
    WHERE (CAST(:everywhere AS boolean) OR (CAST(:agency AS text) IN (ca.reporting_agency, ca.responsible_agency)
        AND CAST(:agency AS text) IN (cb.reporting_agency, cb.responsible_agency)))"""
OF_PERSON = text(f"{SEEN} AND (c.first = :person_id OR c.second = :person_id) ORDER BY c.bits DESC, c.candidate_id LIMIT 50")
OF_STATE = text(f"{SEEN} AND c.state = :state ORDER BY c.bits DESC, c.candidate_id LIMIT :most")
ONE_OF_THEM = text(f"{SEEN} AND c.candidate_id = :candidate_id")
MEMBER = text("""
    SELECT p.person_id FROM person p JOIN case_file c USING (case_id)
    WHERE p.person_id = :person_id AND (CAST(:everywhere AS boolean) OR CAST(:agency AS text) IN (c.reporting_agency, c.responsible_agency))""")
AFTER = text("SELECT person_id FROM likeness WHERE person_id > :after ORDER BY person_id LIMIT :most")


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody who shares keys with a person that is looked for."""

    person_id: UUID
    rarest: int | None
    phones: int
    sealed: bytes


def pair_id(one: UUID, other: UUID) -> UUID:
    """The id of a pair: the same whoever of the two is found first."""
    return uuid5(PAIR, f"{min(one, other)}|{max(one, other)}")


async def members(tx: Transaction, cases: Iterable[UUID]) -> Sequence[Row[Any]]:
    """The persons of these cases, with the area and the time of their report."""
    return await tx.rows(MEMBERS, {"cases": sorted(set(cases))})


async def near(tx: Transaction, person_id: UUID, case_id: UUID, probes: Sequence[Key]) -> list[Met]:
    """Who of other cases shares keys with a person, the most telling first; never more than are opened."""
    parameters = {
        "keys": [probe.hash for probe in probes],
        "words": [probe.about == "name" for probe in probes],
        "phone": next((probe.hash for probe in probes if probe.about == "phone"), None),
    }
    rows = await tx.rows(FIND, parameters | {"self": person_id, "case_id": case_id, "popular": POPULAR, "opened": MOST_OPENED})
    return [Met(row.person_id, row.rarest, row.phones or 0, row.sealed) for row in rows]


async def keep(tx: Transaction, rows: Sequence[Mapping[str, Any]], nothing: Collection[UUID] = ()) -> None:
    """Keep encodings in the place of earlier ones; of `nothing` there is none any more. What is open about them is asked anew."""
    persons = {"persons": sorted({*nothing, *(row["person_id"] for row in rows)})}
    for statement in (DROP_OPEN, DROP_KEYS, DROP_LIKENESS):
        await tx.execute(statement, persons)
    await store.apply(tx, KEEP, rows)
    await tx.execute(KEEP_KEYS, persons)


async def suggest(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Suggest pairs; what people decided stays, unless they said `not the same` and the new score is far above the one they judged."""
    await store.apply(tx, SUGGEST, rows, again=ASKED_AGAIN_BITS)


async def forget(tx: Transaction, persons: Collection[UUID]) -> None:
    """Take away everything by which these persons could be found or told to be someone; an erasure calls this, and it may be repeated."""
    if persons:
        for statement in (DROP_PAIRS, DROP_KEYS, DROP_LIKENESS):
            await tx.execute(statement, {"persons": sorted(persons)})


async def with_keys(vault: Vault, persons: Iterable[UUID]) -> set[UUID]:
    """Those of these persons who have a key and are not erased; no key is opened."""
    async with vault.engine.connect() as connection:
        return {row.owner for row in await connection.execute(WITH_KEY, {"owners": sorted(set(persons))})}


async def one(tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, UUID]:
    """Everybody whom merges make one with these persons, themselves among them: person to case. The smallest id is the one they go by."""
    return {row.person_id: row.case_id for row in await tx.rows(ONE, {"persons": sorted(set(persons))})}
