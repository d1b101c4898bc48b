"""The waiting list as the rounds read and write it: one text per household (`domain.seen` reads it), and nothing that is not needed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import Row, text

from placement.domain.rounds import Line, unpacked

PAGE = 250
# What decides where a household is housed, and whether it was told that it waits: the same text for as long as that is the same.
TOLD = """json_build_object('case_id', case_id, 'persons', persons, 'waiting_since', waiting_since, 'grounds', grounds, 'keep_apart', keep_apart,
    'perpetrator_areas', perpetrator_areas, 'medical_gate', medical_gate, 'declined', declined, 'not_now', not_now, 'risk', risk, 'channel', channel,
    'area', area, 'area_changes', area_changes, 'waitlisted', waitlisted, 'part_of', part_of, 'apart', apart)::text"""
LISTED = text(f"""
    SELECT case_id, told, md5(told)::uuid AS mark FROM (
        SELECT case_id, {TOLD} AS told FROM need
        WHERE state = 'waiting' AND case_id > CAST(:after AS uuid) ORDER BY case_id LIMIT CAST(:page AS integer)) AS listed
    ORDER BY case_id""")  # noqa: S608 - constants
UNSEEN = text(f"""
    SELECT case_id, {TOLD} AS told FROM need
    WHERE state = 'waiting' AND md5({TOLD})::uuid NOT IN (SELECT unnest(CAST(:marks AS uuid[])))""")  # noqa: S608 - constants
WAITING = text("SELECT case_id FROM need WHERE state = 'waiting'")
AMONG = text("SELECT case_id FROM need WHERE state = 'waiting' AND case_id = ANY(CAST(:cases AS uuid[]))")
SUBJECTS = text("SELECT DISTINCT coalesce(part_of, case_id) AS subject FROM need WHERE case_id = ANY(CAST(:cases AS uuid[]))")
REASONS = text("SELECT case_id, md5(reasons::text) AS digest FROM need WHERE case_id = ANY(CAST(:cases AS uuid[]))")
SAY_WHY = text("""
    UPDATE need SET reasons = CAST(why.reasons AS jsonb), waitlisted = true, review_at = coalesce(why.review_at, need.review_at),
        waiting_since = coalesce(need.waiting_since, CAST(:now AS timestamptz))
    FROM unnest(CAST(:cases AS uuid[]), CAST(:reasons AS text[]), CAST(:reviews AS timestamptz[])) AS why (case_id, reasons, review_at)
    WHERE need.case_id = why.case_id""")


async def listed(tx: Transaction) -> list[Row[Any]]:
    """Everybody who waits (case_id, told, mark), in no order; read in pages, between which others are answered."""
    found: list[Row[Any]] = []
    after = UUID(int=0)
    while page := await tx.rows(LISTED, {"after": after, "page": PAGE}):
        found += page
        after = page[-1].case_id
    return found


async def unseen(tx: Transaction, marks: Collection[UUID]) -> Sequence[Row[Any]]:
    """Who waits (case_id, told) and bears none of these marks: who came since they were read, or is not as she was."""
    return await tx.rows(UNSEEN, {"marks": list(marks)})


async def waiting(tx: Transaction, among: Collection[UUID] | None = None) -> set[UUID]:
    """The cases that wait: all, or those of these."""
    return {row.case_id for row in (await tx.rows(WAITING) if among is None else await tx.rows(AMONG, {"cases": list(among)}))}


async def subjects(tx: Transaction, cases: Collection[UUID]) -> set[UUID]:
    """What is to be locked before these needs are written: of a group of a split household the case of the whole."""
    return {row.subject for row in await tx.rows(SUBJECTS, {"cases": list(cases)})}


async def reasons_of(tx: Transaction, cases: Iterable[UUID]) -> dict[UUID, str]:
    """The digests (`rounds.digest`) of the reasons that are kept of these cases, by case id."""
    asked, found = list(cases), dict[UUID, str]()
    for start in range(0, len(asked), PAGE):
        found |= {row.case_id: row.digest for row in await tx.rows(REASONS, {"cases": asked[start : start + PAGE]})}
    return found


async def say_why(tx: Transaction, lines: Sequence[Line], reviews: Mapping[UUID, datetime]) -> None:
    """Let these cases wait for the reasons of their lines, with the next review of those who are told only now."""
    values = {"cases": [line.case_id for line in lines], "reasons": [unpacked(line.reasons) for line in lines]}
    await tx.execute(SAY_WHY, values | {"now": tx.now, "reviews": [reviews.get(line.case_id) for line in lines]})
