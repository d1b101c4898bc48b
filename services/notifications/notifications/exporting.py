"""What notifications keeps that concerns one person, for her: who was told of her case, when, and by whom it was taken up; codes alone."""

from typing import Any
from uuid import UUID

from chassis import Transaction
from chassis.store.vault import Vault
from sqlalchemy import text

# Notices of the search for a bed would tell where a secret house is to be looked for.
NOTICES = text("""
    SELECT kind, urgency, role, agency, clock, occurred_at, created_at, acknowledged_at FROM notice
    WHERE case_id = :case_id AND placement_id IS NULL AND kind NOT LIKE 'placement.%' ORDER BY position LIMIT :most""")
MOST = 5000


async def part(tx: Transaction, _vault: Vault | None, _person_id: UUID, case_id: UUID) -> dict[str, Any]:
    """What was told to officers of her case."""
    return {"notices": [row._asdict() for row in await tx.rows(NOTICES, {"case_id": case_id, "most": MOST})]}
