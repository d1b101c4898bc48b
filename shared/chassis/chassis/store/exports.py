"""Whose export was ordered of a service, and until when it may be fetched: each service answers for what it keeps, and nothing of it travels.

An order is another service's fact, kept as a set. Who may fetch is the officer who ordered, until the time of the order is over.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from sqlalchemy import text

from chassis.store import erasure
from chassis.store.projection import Projection
from chassis.store.transaction import Transaction
from chassis.web.problems import RefusedError, not_found

# What follows from others' facts alone; an order whose time is over is forgotten, and is no difference.
ORDERS = Projection("export_order", ("request_id", "person_id", "officer_id"), ("subject", "agency", "until"), "subject", where="until > now()")
MOST_LOOKS = 5000
KEEP = text("""
    INSERT INTO export_order (request_id, person_id, officer_id, subject, agency, until)
    SELECT DISTINCT ON (request, person, officer) * FROM unnest(CAST(:requests AS uuid[]), CAST(:persons AS uuid[]), CAST(:officers AS uuid[]),
        CAST(:subjects AS uuid[]), CAST(:agencies AS text[]), CAST(:untils AS timestamptz[])) AS o (request, person, officer, subject, agency, until)
    ORDER BY request, person, officer, until DESC
    ON CONFLICT (request_id, person_id, officer_id) DO UPDATE SET until = greatest(export_order.until, excluded.until)""")
FIND = text("SELECT * FROM export_order WHERE request_id = :request_id AND person_id = :person_id AND officer_id = :officer_id")
LOOKED_AT = text("""
    SELECT at, action, agency, roles, fields, purpose FROM audit WHERE subject = ANY(CAST(:subjects AS uuid[])) ORDER BY position LIMIT :most""")
OVER = "the time in which this part of the export could be fetched is over: let it be ordered anew"
ERASED = "this person was erased: there is nothing to be given any more"


@dataclass(frozen=True, slots=True)
class Order:
    """That somebody's export may be fetched by an officer of an agency until a time, and the subject (a case) under which she is known."""

    request_id: UUID
    person_id: UUID
    officer_id: UUID
    subject: UUID
    agency: str
    until: datetime


async def keep(tx: Transaction, orders: Sequence[Order]) -> None:
    """Keep these orders; of several of one officer the one that ends last counts, whichever came first."""
    columns = {
        "requests": [order.request_id for order in orders],
        "persons": [order.person_id for order in orders],
        "officers": [order.officer_id for order in orders],
        "subjects": [order.subject for order in orders],
        "agencies": [order.agency for order in orders],
        "untils": [order.until for order in orders],
    }
    await tx.execute(KEEP, columns)


async def ordered(tx: Transaction, request_id: UUID, person_id: UUID) -> Any:
    """The order that the asker gave. Raises 404 for one that is not there or another's, 410 when its time is over or the person was erased."""
    row: Any = await tx.row(FIND, {"request_id": request_id, "person_id": person_id, "officer_id": tx.principal.subject})
    if row is None or row.agency != tx.principal.agency:
        raise not_found("order")
    if row.until <= tx.now:
        raise RefusedError(HTTPStatus.GONE, OVER)
    if await erasure.ordered(tx, [person_id]):
        raise RefusedError(HTTPStatus.GONE, ERASED)
    return row


async def looked_at(tx: Transaction, subjects: Collection[UUID]) -> list[dict[str, Any]]:
    """Who looked at these subjects in this store, the first look first."""
    return [row._asdict() for row in await tx.rows(LOOKED_AT, {"subjects": sorted(subjects), "most": MOST_LOOKS})]
