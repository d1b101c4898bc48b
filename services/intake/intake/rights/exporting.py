"""What a person is given of what intake keeps of her (UU PDP art. 7 and 13): machine-readable, hers alone, and without what would tell where a shelter is."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from chassis import Transaction
from chassis.store.vault import Keys, Vault
from contracts.intake import SuspectRecorded
from contracts.rights import EXPORTS_OPENED
from sqlalchemy import Row, text

from intake import shown, store
from intake.domain import rights
from intake.handing_over import rows as safe_contacts
from intake.linkage import pairs
from intake.opening import PERSONAL
from intake.rights import rows
from intake.store import Book

MOST_LOOKS = 5000
# Who is suspected is another person's data.
OF_OTHERS = frozenset({SuspectRecorded.type})
CODES = ("role", "sex", "age", "needs", "left_at")
OF_CASE = ("channel", "area", "area_kind", "violence_types", "ppks", "urgency", "occurred_at", "opened_at", "state", "reporting_agency")
# What she agreed to, with whom she was shared, and from whom she is kept.
SHARED = text("""
    SELECT 'consent' AS what, purpose, recipient, state, said_at AS since, coalesce(ended_at, expires_at) AS until FROM consent
    WHERE person_id = ANY(CAST(:persons AS uuid[]))
    UNION ALL SELECT 'disclosure', purpose, recipient, coalesce(ended_by, 'holds'), made_at, coalesce(ended_at, until) FROM disclosure
    WHERE persons && CAST(:persons AS uuid[])
    ORDER BY since""")
REQUESTS = text(
    "SELECT kind, asked_at, due_at, answer, refusal, answered_at FROM right_request WHERE person_id = ANY(CAST(:persons AS uuid[])) ORDER BY asked_at"
)
EVERYBODY = text("SELECT person_id, case_id FROM person WHERE case_id = ANY(CAST(:cases AS uuid[]))")
# What other services keep of her is fetched there, once it is ordered (`ordering`).
ELSEWHERE = tuple({"service": kind.producer, "route": "GET /exports/{request_id}/{person_id}", "role": "supervisor"} for kind in EXPORTS_OPENED)


async def export(tx: Transaction, vault: Vault, person_id: UUID, *, with_texts: bool) -> dict[str, Any]:
    """All that is kept of a person under all her ids; `with_texts` also the texts of cases that others are in too."""
    members = await pairs.one(tx, [person_id])
    persons = await tx.rows(rows.OF_PERSON, {"persons": sorted(members)})
    books = await store.books(tx, members.values())
    keys = await vault.of([*members, *books])
    household = await tx.rows(EVERYBODY, {"cases": sorted(books)})
    looked = await tx.rows(rows.LOOKED_AT, {"subjects": sorted({*members, *books}), "most": MOST_LOOKS})
    asked = await tx.rows(REQUESTS, {"persons": sorted(members)})
    return {
        "person_id": person_id,
        "known_as": [_person(row, keys) for row in persons],
        "cases": [_case(books[row.case_id], row.person_id, keys, household, with_texts=with_texts) for row in persons],
        "safe_contact": await _safe_contact(tx, keys, members),
        "shared": [row._asdict() for row in await tx.rows(SHARED, {"persons": sorted(members)})],
        "requests": [row._asdict() for row in asked],
        "looked_at": [row._asdict() for row in looked],
        "elsewhere": ELSEWHERE,
    }


async def _safe_contact(tx: Transaction, keys: Keys, members: Iterable[UUID]) -> list[dict[str, Any]]:
    """How she said that she may be reached, under each of her ids."""
    found = []
    for person_id in sorted(members):
        row = await tx.row(safe_contacts.OF_PERSON, {"person_id": person_id})
        if row is not None:
            plain = _opened(keys, person_id, safe_contacts.PLACE, row.content)
            found.append({"asked_at": row.asked_at, "stopped": row.stopped, "rules": None if plain is None else json.loads(plain)})
    return found


def _person(row: Row[Any], keys: Keys) -> dict[str, Any]:
    plain = {name: _opened(keys, row.person_id, f"person.{name}", getattr(row, name)) for name in PERSONAL}
    return {"person_id": row.person_id, **plain, **{name: getattr(row, name) for name in CODES}}


def _case(book: Book, person_id: UUID, keys: Keys, household: Sequence[Row[Any]], *, with_texts: bool) -> dict[str, Any]:
    case = book.case
    others = {str(row.person_id) for row in household if row.case_id == case.case_id and row.person_id != person_id}
    facts = sorted(shown.facts(book.facts), key=lambda fact: (fact.at, fact.id))
    told = [
        {"type": fact.type, "at": fact.at, "codes": rights.about(dict(fact.codes), str(person_id), others)}
        for fact in facts
        if fact.type not in shown.OF_TWO_CASES | shown.OF_EXPORTS
        and fact.type not in OF_OTHERS
        and fact.codes.get("person_id", str(person_id)) == str(person_id)
    ]
    open_texts = with_texts or not others
    texts = {name: _opened(keys, case.case_id, f"case_file.{name}", getattr(case, name)) if open_texts else None for name in ("narrative",)}
    return {"case_id": case.case_id, **{name: getattr(case, name) for name in OF_CASE}, **texts, "facts": told}


def _opened(keys: Keys, owner: UUID, place: str, sealed: bytes | None) -> str | None:
    return None if sealed is None else keys.open_or_none(owner, place, sealed)
