"""What assessment keeps of one person, for her: her answers, and what was concluded, planned and reached of it; nothing of others."""

import json
from typing import Any
from uuid import UUID

from chassis import Transaction
from chassis.store.vault import Vault
from sqlalchemy import text

from assessment import plans, store

PLACE = "answer.sealed"
ANSWERS = text("SELECT instrument, version, sealed, changed_at FROM answer WHERE person_id = :person_id ORDER BY changed_at, instrument, version")
SERVICES = text("""
    SELECT code, provider, status, reason, requested_at, changed_at FROM service WHERE case_id = :case_id AND person_id = :person_id
    ORDER BY requested_at, code""")
STEPS = text("""
    SELECT step, codes, recorded_at FROM outcome_step WHERE case_id = :case_id AND person_id = :person_id ORDER BY position""")
PROGRAMMES = text("""
    SELECT p.kind, p.name, p.provider, p.begins_on, p.ends_on, e.stage, e.reason, e.certificate, e.independence, e.ended_at,
        (SELECT count(*) FROM attendance a WHERE a.enrolment_id = e.enrolment_id AND a.present) AS attended
    FROM enrolment e JOIN programme p USING (programme_id) WHERE e.case_id = :case_id AND e.person_id = :person_id ORDER BY p.begins_on, p.name""")
ALERTS = text("SELECT flag, at FROM alert WHERE case_id = :case_id AND person_id = :person_id ORDER BY at, flag")


async def part(tx: Transaction, vault: Vault | None, person_id: UUID, case_id: UUID) -> dict[str, Any]:
    """Her part of a case; answers whose key is gone are left out. The result of an assessment is her household's."""
    known = (await store.cases(tx, [case_id]))[case_id]
    done = await store.completion(tx, case_id)
    hers = {"case_id": case_id, "person_id": person_id}
    return {
        "state": known.state,
        "answers": await _answers(tx, vault, person_id),
        "alerts": [row._asdict() for row in await tx.rows(ALERTS, hers)],
        "result": None if done is None else {"band": done.band, "completed_at": done.completed_at},
        "plans": await _plans(tx, person_id, case_id),
        "comments": await _comments(tx, vault, person_id, case_id),
        "services": [row._asdict() for row in await tx.rows(SERVICES, hers)],
        "steps": [_step(row) for row in await tx.rows(STEPS, hers)],
        "programmes": [row._asdict() for row in await tx.rows(PROGRAMMES, hers)],
        "reached": {"outcome": goal.outcome, "progress": goal.progress} if (goal := known.goals.get(person_id)) else None,
        "followups": [{"number": f.number, "due": f.due, "state": f.state, "result": f.result} for f in known.followups],
    }


async def _plans(tx: Transaction, person_id: UUID, case_id: UUID) -> list[dict[str, Any]]:
    """Of each version what is hers: the outcome, what she said to it, her goals and services."""
    own = str(person_id)
    return [
        {
            "version": row.version,
            "state": row.state,
            "outcome": row.outcomes.get(own),
            "services": row.services,
            "proposed_at": row.proposed_at,
            **((row.persons or {}).get(own) or {}),
        }
        for row in await plans.plans(tx, case_id)
    ]


async def _comments(tx: Transaction, vault: Vault | None, person_id: UUID, case_id: UUID) -> list[dict[str, Any]]:
    if vault is None:
        return []
    found = await plans.comments(tx, vault, case_id)
    return [{"about": row.about, "at": row.at, "text": words} for row, words in found if row.person_id == person_id and words is not None]


def _step(row: Any) -> dict[str, Any]:
    """A step without the ids of others, such as who received her."""
    return {"step": row.step, "recorded_at": row.recorded_at, **{name: code for name, code in row.codes.items() if not name.endswith("_id")}}


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
