"""How a person is erased: decided once for all ids that merges make hers, said, and then nothing in the store can be opened or found any more.

The keys are destroyed by the chassis' clock after commit; what lies in the clear, but is hers (keyed hashes, encodings), goes with the decision.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis import Cause, Received, Transaction
from chassis.store import erasure
from chassis.store.erasure import Tombstone
from contracts.consents import DisclosureEnd
from contracts.rights import PersonErased

from intake.casebook import Saying
from intake.consents import holding, sharing
from intake.domain import rights
from intake.domain.rights import Erasing
from intake.handing_over import rows as handed_over
from intake.linkage import pairs
from intake.rights import rows

Receipt = dict[str, str | bool]


async def erase(tx: Transaction, person_id: UUID, ground: str, *, keep_texts: bool | None, cause: Cause) -> dict[UUID, Receipt]:
    """Erase a person in all her cases; what she is given of each of her ids. Raises as `domain.rights.erasing`."""
    members = await pairs.one(tx, [person_id])
    await tx.lock({*members, *members.values()})
    decided = rights.erasing(await rows.known(tx, members), keep_texts=keep_texts)
    receipts = {entry.person_id: rights.receipt(entry.person_id, tx.now, ground, texts=entry.texts) for entry in decided}
    said = [
        Saying(
            entry.case_id,
            PersonErased.model_validate(
                {"person_id": entry.person_id, "receipt": receipts[entry.person_id][1], "ground": ground, "texts": entry.texts}
            ),
            cause,
            key=str(entry.person_id),
        )
        for entry in decided
    ]
    await forget(tx, decided, {person: digest for person, (_, digest) in receipts.items()}, cause)
    shared = await holding.known(tx, members.values())
    over = [row for known in shared.values() for row in known.disclosures if row.ended_at is None and members.keys() & set(row.persons)]
    await sharing.settle(
        tx, members.values(), said, [row._asdict() | {"ended_at": tx.now, "ended_by": DisclosureEnd.PERSON_ERASED} for row in over], cause
    )
    return {person: {**given, "sha256": digest} for person, (given, digest) in receipts.items()}


async def forget(tx: Transaction, decided: Sequence[Erasing], receipts: Mapping[UUID, str], cause: Cause) -> None:
    """Take away what could be opened or found of these persons, and let their keys be destroyed; repeating it changes nothing."""
    persons, cases = [entry.person_id for entry in decided], sorted({entry.case_id for entry in decided})
    await pairs.forget(tx, persons)
    await tx.execute(rows.BLANK, {"persons": persons})
    await handed_over.forget(tx, persons)
    stones = {entry.person_id: (entry.case_id, receipts[entry.person_id]) for entry in decided}
    receipt_of = {entry.case_id: receipts[entry.person_id] for entry in decided}
    if ended := [entry.case_id for entry in decided if entry.texts]:
        await tx.execute(rows.BLANK_TEXTS, {"cases": ended})
        stones |= {case_id: (case_id, receipt_of[case_id]) for case_id in ended}
        suspects = await tx.rows(rows.BLANK_SUSPECTS, {"cases": ended})
        stones |= {row.suspect_id: (row.case_id, receipt_of[row.case_id]) for row in suspects}
    tasks = [*await tx.rows(rows.BLANK_TASKS, {"cases": cases}), *await tx.rows(rows.TASKS_OF, {"cases": cases})]
    stones |= {row.task_id: (row.case_id, receipt_of[row.case_id]) for row in tasks}
    tombstones = [Tombstone(owner, case_id, receipt, tx.now) for owner, (case_id, receipt) in stones.items()]
    await erasure.order(tx, tombstones, cause)


async def relearn(tx: Transaction, events: Collection[Received[PersonErased]]) -> None:
    """Erase again whom a store that was put back still holds, before it serves."""
    for event in sorted(events, key=lambda event: event.time):
        entry = Erasing(event.data.person_id, event.subject, event.data.texts)
        await forget(tx, [entry], {entry.person_id: event.data.receipt}, tx.cause_of(event.subject))


async def erased(tx: Transaction, persons: Collection[UUID]) -> dict[UUID, Any]:
    """The tombstones of these persons, as far as they are erased."""
    return await erasure.ordered(tx, persons)


async def blank_left_over(tx: Transaction, persons: Collection[UUID]) -> None:
    """Take away what a backup brought back of persons whose erasure only the ledger of keys remembers."""
    if persons:
        await pairs.forget(tx, persons)
        await tx.execute(rows.BLANK, {"persons": sorted(persons)})
        await handed_over.forget(tx, persons)


async def case_of(tx: Transaction, person_id: UUID) -> UUID | None:
    """The case of a person."""
    row = await tx.row(rows.OF_PERSON, {"persons": [person_id]})
    return None if row is None else row.case_id
