"""How an export is ordered of all services, and which of their parts can be fetched by now: all of it read from the facts of her cases.

Nothing of a part ever reaches intake. Her request, which has to be answered within three times 24 hours, is the order's clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from contracts.rights import EXPORTS_OPENED, ExportOrdered, RightKind
from sqlalchemy import text

from intake import casebook
from intake.casebook import Saying
from intake.linkage import pairs
from intake.rights import erasing

# The requests that an export answers.
ANSWERED_BY_EXPORT = frozenset({RightKind.ACCESS, RightKind.PORTABILITY})
OWN = "intake"
OF_REQUEST = text("""
    SELECT case_id, type, producer, at, codes->>'person_id' AS person_id, codes->>'until' AS until FROM case_fact
    WHERE case_id = ANY(CAST(:cases AS uuid[])) AND type = ANY(CAST(:types AS text[])) AND codes->>'request_id' = CAST(:request_id AS text)
    ORDER BY at, event_id""")
TYPES = [ExportOrdered.type, *(kind.type for kind in EXPORTS_OPENED)]


@dataclass(frozen=True, slots=True)
class Part:
    """One service's part of an export, for one id under which she is known; `since` is when it could first be fetched."""

    service: str
    person_id: UUID
    case_id: UUID
    since: datetime | None
    route: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """An export as far as it is; nothing in it means that it was not ordered."""

    until: datetime | None
    parts: tuple[Part, ...] = ()

    @property
    def awaited(self) -> tuple[Part, ...]:
        """The parts whose services have not answered the order yet."""
        return tuple(part for part in self.parts if part.since is None)


async def order(tx: Transaction, request: Any) -> None:
    """Order what is not ordered yet under this request, of every id that merges make hers; who is erased is left out."""
    members = await pairs.one(tx, [request.person_id])
    await tx.lock(members.values())
    gone = await erasing.erased(tx, members)
    have = {part.person_id for part in (await known(tx, request, members)).parts}
    until = max(request.due_at, tx.now) + tx.settings.span(days=tx.settings.export_days)
    new = {person: case_id for person, case_id in members.items() if person not in have and person not in gone}
    facts = {person: ExportOrdered(request_id=request.request_id, person_id=person, agency=tx.principal.agency, until=until) for person in new}
    await casebook.grow(
        tx, said=[Saying(new[person], fact, tx.cause_of(new[person]), key=f"{request.request_id}:{person}") for person, fact in facts.items()]
    )


async def known(tx: Transaction, request: Any, members: Mapping[UUID, UUID] | None = None) -> Ordered:
    """What was ordered under this request, of the ids that are hers now, and what can be fetched of it."""
    members = members if members is not None else await pairs.one(tx, [request.person_id])
    cases = sorted({*members.values(), request.case_id})
    rows = await tx.rows(OF_REQUEST, {"cases": cases, "types": TYPES, "request_id": str(request.request_id)})
    ordered = {UUID(row.person_id): row for row in rows if row.type == ExportOrdered.type and UUID(row.person_id) in members}
    opened = {(row.producer, UUID(row.person_id)): row.at for row in rows if row.type != ExportOrdered.type}
    parts = tuple(
        part
        for person, row in sorted(ordered.items())
        for part in (
            Part(OWN, person, row.case_id, row.at, f"/persons/{person}/export"),
            *(
                Part(kind.producer, person, row.case_id, opened.get((kind.producer, person)), f"/exports/{request.request_id}/{person}")
                for kind in EXPORTS_OPENED
            ),
        )
    )
    return Ordered(max((datetime.fromisoformat(row.until) for row in ordered.values()), default=None), parts)
