"""Whose rights an asker may look after: those of persons of cases that her agency takes part in; the desk agency's supervisors look after all."""

from typing import Any
from uuid import UUID

from chassis import Transaction, not_found
from sqlalchemy import select

from intake import policy, store
from intake.consents import records
from intake.linkage import pairs
from intake.store import CASES


def asker(tx: Transaction) -> dict[str, Any]:
    """The asker, as the statements of `rows` and `pairs` want it."""
    who = tx.principal
    return {"agency": who.agency, "everywhere": who.has(policy.SUPERVISOR) and who.agency == tx.settings.desk_agency}


async def seen_person(tx: Transaction, person_id: UUID) -> None:
    """Nothing, when the asker may know of this person. Raises 404 otherwise."""
    if await tx.row(pairs.MEMBER, asker(tx) | {"person_id": person_id}) is None:
        raise not_found("person")


async def may_be_told(tx: Transaction, person_id: UUID) -> None:
    """Nothing, when all that is kept of a person may be given to the asker; 404 also where she, or her agency, is to learn nothing of that person."""
    await seen_person(tx, person_id)
    if await records.hidden(tx, await pairs.one(tx, [person_id])):
        raise not_found("person")


async def seen_case(tx: Transaction, case_id: UUID) -> Any:
    """The row of a case that the asker may know of. Raises 404."""
    mine = CASES.c.case_id == case_id
    row = await tx.row(select(CASES).where(mine if asker(tx)["everywhere"] else mine & store.sees(tx.principal.agency)))
    if row is None:
        raise not_found("case")
    return row
