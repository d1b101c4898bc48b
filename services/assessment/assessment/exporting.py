"""What assessment keeps of one person, for her: her answers, and what was concluded, planned and reached of it; nothing of others."""

import json
from typing import Any
from uuid import UUID

from chassis import Transaction
from chassis.store.vault import Vault
from sqlalchemy import text

from assessment import store

PLACE = "answer.sealed"
ANSWERS = text("SELECT instrument, version, sealed, changed_at FROM answer WHERE person_id = :person_id ORDER BY changed_at, instrument, version")
ALERTS = text("SELECT flag, at FROM alert WHERE case_id = :case_id AND person_id = :person_id ORDER BY at, flag")


async def part(tx: Transaction, vault: Vault | None, person_id: UUID, case_id: UUID) -> dict[str, Any]:
    """Her part of a case; answers whose key is gone are left out. The result of an assessment is her household's."""
    known = (await store.cases(tx, [case_id]))[case_id]
    done = await store.completion(tx, case_id)
    return {
        "state": known.state,
        "answers": await _answers(tx, vault, person_id),
        "alerts": [row._asdict() for row in await tx.rows(ALERTS, {"case_id": case_id, "person_id": person_id})],
        "result": None if done is None else {"band": done.band, "completed_at": done.completed_at},
        "plans": [
            {
                "version": row.version,
                "state": row.state,
                "outcome": row.outcomes.get(str(person_id)),
                "services": row.services,
                "proposed_at": row.proposed_at,
            }
            for row in await store.plans(tx, case_id)
        ],
        "reached": {"outcome": goal.outcome, "progress": goal.progress} if (goal := known.goals.get(person_id)) else None,
        "followups": [{"number": f.number, "due": f.due, "state": f.state, "result": f.result} for f in known.followups],
    }


async def _answers(tx: Transaction, vault: Vault | None, person_id: UUID) -> list[dict[str, Any]]:
    rows = await tx.rows(ANSWERS, {"person_id": person_id})
    if vault is None or not rows:
        return []
    keys = await vault.of([person_id])
    opened = [(row, keys.open_or_none(person_id, PLACE, row.sealed)) for row in rows]
    return [
        {"instrument": row.instrument, "version": row.version, "answers": json.loads(plain), "changed_at": row.changed_at}
        for row, plain in opened
        if plain is not None
    ]
