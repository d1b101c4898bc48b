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
    SELECT case_id, type, producer, at, CAST(codes->>'person_id' AS uuid) AS person_id, CAST(codes->>'officer_id' AS uuid) AS officer_id,
        CAST(codes->>'until' AS timestamptz) AS until
    FROM case_fact
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
    """Order, for the asker and some days, what is not ordered for her under this request: of every id that merges make the person's, but erased ones."""
    members = await pairs.one(tx, [request.person_id])
    await tx.lock(members.values())
    gone = await erasing.erased(tx, members)
    have = {told.person_id for told in await _told(tx, request, members) if told.officer_id == tx.principal.subject and told.until > tx.now}
    until = tx.now + tx.settings.span(days=tx.settings.export_days)
    said = [
        Saying(
            case_id,
            ExportOrdered(request_id=request.request_id, person_id=person, agency=tx.principal.agency, officer_id=tx.principal.subject, until=until),
            tx.cause_of(case_id),
            key=f"{request.request_id}:{person}",
        )
        for person, case_id in members.items()
        if person not in have and person not in gone
    ]
    await casebook.grow(tx, said=said)


async def known(tx: Transaction, request: Any) -> Ordered:
    """What was ordered under this request last, of the ids that are hers now, and what can be fetched of it."""
    told = await _told(tx, request, await pairs.one(tx, [request.person_id]))
    newest = {entry.person_id: entry for entry in told if entry.type == ExportOrdered.type}
    # A service that was put back takes the order again and says so again: what it said first counts.
    opened = {(entry.producer, entry.person_id, entry.until): entry.at for entry in reversed(told) if entry.type != ExportOrdered.type}
    parts = tuple(
        part
        for person, entry in sorted(newest.items())
        for part in (
            Part(OWN, person, entry.case_id, entry.at, f"/persons/{person}/export"),
            *(
                Part(
                    kind.producer, person, entry.case_id, opened.get((kind.producer, person, entry.until)), f"/exports/{request.request_id}/{person}"
                )
                for kind in EXPORTS_OPENED
            ),
        )
    )
    return Ordered(max((entry.until for entry in newest.values()), default=None), parts)


async def _told(tx: Transaction, request: Any, members: Mapping[UUID, UUID]) -> list[Any]:
    """What was said of this request's exports, the oldest first, of these persons alone."""
    cases = sorted({*members.values(), request.case_id})
    rows = await tx.rows(OF_REQUEST, {"cases": cases, "types": TYPES, "request_id": str(request.request_id)})
    return [row for row in rows if row.person_id in members]
