"""What is past its time goes by itself, in small parts, and never under a hold: persons all of whose cases ended years ago, and what a desk is done with.

Each part that went is an audit row with counts. The keys of persons are destroyed as at any erasure; of a case that goes, codes stay for statistics.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from chassis import Due, Principal, Transaction
from chassis.store import erasure
from chassis.store.erasure import Tombstone
from contracts.rights import ErasureGround
from sqlalchemy import text

from intake.domain.rights import ErasureError
from intake.imports import files
from intake.linkage import pairs
from intake.opening import VaultOf
from intake.rights import erasing, rows

RETENTION = "retention"
EVERYTHING = UUID("00000000-0000-8000-8000-000000000008")
SYSTEM = Principal(UUID(int=0), frozenset({"system"}), "")
AT_ONCE = 50  # persons, or tasks times ten: so little that nobody waits for it
PAGE = 500
ENDED = "c.state IN ('closed', 'withdrawn', 'referred_out') AND c.changed_at < :before"
PAST = text(f"""
    SELECT p.person_id FROM person p JOIN case_file c USING (case_id)
    WHERE {ENDED} AND p.person_id > :after
        AND NOT EXISTS (SELECT FROM erased_owner e WHERE e.owner = p.person_id)
        AND NOT EXISTS (SELECT FROM legal_hold h
            WHERE h.case_id = p.case_id AND h.lifted_at IS NULL AND coalesce(h.person_id, p.person_id) = p.person_id)
    ORDER BY p.person_id LIMIT :most""")  # noqa: S608 - constants
NOT_PAST = text(f"SELECT c.case_id FROM case_file c WHERE c.case_id = ANY(CAST(:cases AS uuid[])) AND NOT ({ENDED}) LIMIT 1")  # noqa: S608
INDEXED = text("SELECT person_id FROM person WHERE nik_index IS NOT NULL AND person_id > :after ORDER BY person_id LIMIT :most")
DONE_WITH = text("""
    UPDATE desk_task SET content = NULL WHERE task_id IN (
        SELECT t.task_id FROM desk_task t WHERE t.content IS NOT NULL AND t.done_at < :before
            AND NOT EXISTS (SELECT FROM legal_hold h WHERE h.case_id = t.case_id AND h.lifted_at IS NULL)
        ORDER BY t.done_at, t.task_id LIMIT :most)
    RETURNING task_id, case_id""")
Read = Callable[[Callable[[Transaction], Awaitable[Any]]], Awaitable[Any]]


@dataclass
class Past:
    """Who is past her time; and who was erased, but came back with a backup."""

    persons: list[UUID] = field(default_factory=list)
    returned: set[UUID] = field(default_factory=set)


class Retention:
    """The clock of retention, with the vault that the service gives once it runs."""

    def __init__(self, vault: VaultOf) -> None:
        self._vault = vault

    async def look(self, _due: Sequence[Due], read: Read) -> Past:
        """Look through the store, page by page, while no transaction is open."""
        found, after = Past(), UUID(int=0)
        while len(found.persons) < AT_ONCE and (page := await read(_page(after))):
            found.persons += [person for person in page if await read(_all_past(person))]
            after = page[-1]
        del found.persons[AT_ONCE:]
        after = UUID(int=0)
        while some := [row.person_id for row in await read(_indexed(after))]:
            found.returned |= await self._vault().erased(some)
            after = some[-1]
        return found

    async def purge(self, due: Sequence[Due], tx: Transaction, found: Past) -> None:
        """Let a part go, and look again: at once while there is more, else tomorrow."""
        cause = due[-1].cause
        gone = 0
        for person_id in found.persons:
            if await _is_past(tx, person_id):
                gone += await _erase(tx, person_id, cause)
        await erasing.blank_left_over(tx, found.returned)
        tasks = await tx.rows(DONE_WITH, {"before": tx.now - timedelta(days=tx.settings.retain_desk_days), "most": AT_ONCE * 10})
        stones = [Tombstone(row.task_id, row.case_id or row.task_id, "", tx.now) for row in tasks]
        await erasure.order(tx, stones, cause)
        told = {"before": tx.now - timedelta(days=tx.settings.retain_import_days), "most": AT_ONCE * 100}
        lines, sent = len(await tx.rows(files.PAST_ROWS, told)), len(await tx.rows(files.PAST_FILES, told))
        if gone or tasks or found.returned or lines or sent:
            counts = {"persons": gone, "desk_contents": len(tasks), "returned_persons": len(found.returned), "import_rows": lines, "imports": sent}
            tx.audit("retention_purged", EVERYTHING, [f"{name}={count}" for name, count in counts.items()], by=SYSTEM)
        more = gone >= AT_ONCE or len(tasks) >= AT_ONCE * 10 or lines >= AT_ONCE * 100
        tx.set_clock(RETENTION, EVERYTHING, tx.now if more else tx.now + timedelta(days=1), cause=cause)


async def _erase(tx: Transaction, person_id: UUID, cause: Any) -> int:
    """Erase one of them; how many ids that were. A hold that came meanwhile keeps her."""
    try:
        return len(await erasing.erase(tx, person_id, ErasureGround.RETENTION_OVER, keep_texts=True, cause=cause))
    except ErasureError:
        return 0


def _before(tx: Transaction) -> datetime:
    before: datetime = tx.now - timedelta(days=365.25 * tx.settings.retain_case_years)
    return before


def _page(after: UUID) -> Callable[[Transaction], Awaitable[list[UUID]]]:
    async def page(tx: Transaction) -> list[UUID]:
        return [row.person_id for row in await tx.rows(PAST, {"before": _before(tx), "after": after, "most": PAGE})]

    return page


def _indexed(after: UUID) -> Callable[[Transaction], Awaitable[Any]]:
    return lambda tx: tx.rows(INDEXED, {"after": after, "most": PAGE * 10})


def _all_past(person_id: UUID) -> Callable[[Transaction], Awaitable[bool]]:
    return lambda tx: _is_past(tx, person_id)


async def _is_past(tx: Transaction, person_id: UUID) -> bool:
    """Whether all cases of a person, under all her ids, ended so long ago, and no hold keeps one of them."""
    members = await pairs.one(tx, [person_id])
    if any(known.held for known in await rows.known(tx, members)):
        return False
    return await tx.row(NOT_PAST, {"cases": sorted(set(members.values())), "before": _before(tx)}) is None
