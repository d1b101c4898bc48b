"""Which shelters somebody may act for or see, and what every change of the register brings about."""

from typing import Any
from uuid import UUID

from chassis import Transaction, not_found
from sqlalchemy import Row

from placement import nights, policy
from placement.finding import timing
from placement.store import keeping, register


async def known(tx: Transaction, shelter_id: UUID) -> Row[Any]:
    """A shelter; a secret one is not there for those who may not see it."""
    row = await register.shelter(tx, shelter_id)
    if row is None or (row.secret and not tx.principal.has(*policy.SEE_SECRET)):
        raise not_found("shelter")
    return row


async def own(tx: Transaction, shelter_id: UUID) -> Row[Any]:
    """A shelter that somebody acts for: a head for its own, secret or not, others for those they may see; 404 otherwise."""
    row = await register.shelter(tx, shelter_id)
    if row is None or not (is_own_head(tx, shelter_id) or (tx.principal.has(*policy.FOR_EVERY_HOUSE) and may_see(tx, row))):
        raise not_found("shelter")
    return row


def may_see(tx: Transaction, row: Row[Any]) -> bool:
    """Whether this shelter is shown to who asks."""
    return not row.secret or tx.principal.has(*policy.SEE_SECRET)


def is_own_head(tx: Transaction, shelter_id: UUID) -> bool:
    """Whether who asks is this shelter's head."""
    return tx.principal.has(policy.HEAD) and str(shelter_id) in {unit.lower() for unit in tx.principal.units}


async def bed_in_reach(tx: Transaction, bed_id: UUID, *, of_own: bool = False) -> Row[Any]:
    """A bed of a shelter that who asks may see, or acts for; 404 otherwise."""
    row = await keeping.bed(tx, bed_id)
    if row is None:
        raise not_found("bed")
    await (own if of_own else known)(tx, row.shelter_id)
    return row


async def register_changed(tx: Transaction) -> None:
    """The waiting list is tried on what is new. That a shelter was registered or changed is no secret of anybody's stay: it shows at once."""
    timing.set_round(tx)
    timing.set_availability(tx, at_once=True)
    await nights.ask_of_all(tx)
