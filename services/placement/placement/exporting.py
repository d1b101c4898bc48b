"""What placement keeps of one person, for her: when a bed was looked for, and her stays; no shelter is named, and nobody else."""

from typing import Any
from uuid import UUID

from chassis import Transaction
from chassis.store.vault import Vault
from sqlalchemy import text

NEEDS = text("""
    SELECT shelter_needed, grounds, medical_gate, waiting_since, ended FROM need
    WHERE case_id = :case_id OR (part_of = :case_id AND persons @> jsonb_build_array(jsonb_build_object('id', CAST(CAST(:person_id AS uuid) AS text))))
    ORDER BY case_id""")
# What was only held for her is no stay.
STAYS = text("""
    SELECT lower(coalesce(s.in_it, s.during)) AS since, upper(coalesce(s.in_it, s.during)) AS until, s.ended_as, p.re_entry, a.agreement, a.legal_ground_until
    FROM stay s JOIN placement p ON p.id = s.placement_id LEFT JOIN agreement a ON a.placement_id = s.placement_id AND a.person_id = s.person_id
    WHERE s.person_id = :person_id AND p.admitted_at IS NOT NULL AND NOT isempty(coalesce(s.in_it, s.during)) ORDER BY since""")
ABSENCES = text("SELECT since, back_by, ended_at FROM absence WHERE person_id = :person_id ORDER BY since")


async def part(tx: Transaction, _vault: Vault | None, person_id: UUID, case_id: UUID) -> dict[str, Any]:
    """Her part of a case: placement has codes alone."""
    of = {"person_id": person_id, "case_id": case_id}
    kept = {"needs": NEEDS, "stays": STAYS, "absences": ABSENCES}
    return {name: [row._asdict() for row in await tx.rows(statement, of)] for name, statement in kept.items()}
