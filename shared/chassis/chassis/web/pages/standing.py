"""How one service stands, for its operator: what keeps it from its work, what waits, and the messages that it set aside, to be driven again.

And all services on one page. They call each other never, so it is the operator's browser that asks each of them for its part: one that is down
shows as such, and takes nothing else with it. Every service has that page, so it is there as long as one of them is.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import text

from chassis.bus.watch import LAG
from chassis.store.transaction import Transaction
from chassis.web.pages.frame import Pages
from chassis.web.pages.visit import Sent, Visit, Visiting
from chassis.web.problems import RefusedError, not_found
from chassis.web.routes import reads, writes

if TYPE_CHECKING:
    from chassis.service import Service

MOST = 50
A_DAY = timedelta(days=1)
WAITS = text("""
    SELECT (SELECT count(*) FROM outbox_pending) AS unpublished, (SELECT min(since) FROM outbox_pending) AS oldest,
        (SELECT count(*) FROM clock WHERE due < :now) AS overdue, (SELECT min(due) FROM clock WHERE due < :now) AS first_due,
        (SELECT count(*) FROM dead_letter WHERE set_aside_at IS NOT NULL) AS letters,
        (SELECT count(*) FROM recovery_task WHERE done_at IS NULL) AS tasks,
        (SELECT count(*) FROM outbox WHERE id >= :since AND type LIKE '%.clock\\_missed.v%') AS missed""")
# Never a body, and of a personal channel no headers: they are sealed with it.
LETTERS = text("""
    SELECT id, stream, durable, route, reason, attempts, set_aside_at, redrive FROM dead_letter
    WHERE set_aside_at IS NOT NULL ORDER BY set_aside_at DESC LIMIT :most""")
REDRIVE = text("UPDATE dead_letter SET redrive = true WHERE id = :id AND set_aside_at IS NOT NULL RETURNING id")


class Letter(BaseModel, from_attributes=True):
    """A message that was set aside, without what it says."""

    id: UUID
    stream: str
    durable: str
    reason: str
    attempts: int
    set_aside_at: datetime
    redrive: bool


class Standing(BaseModel):
    """What waits in a service."""

    unpublished: int
    oldest: datetime | None
    overdue: int
    first_due: datetime | None
    letters: int
    tasks: int
    missed: int
    newest: list[Letter]


def add_standing(pages: Pages, *operators: str, beside: Sequence[str] = ()) -> None:
    """Give a service's pages the one that these roles look at, and one that shows it beside those of other services, by their addresses."""

    @reads(*operators)
    async def standing(tx: Transaction) -> Standing:
        (row,) = await tx.rows(WAITS, {"now": tx.now, "since": _first_id(tx.now - A_DAY)})
        letters = [Letter.model_validate(letter) for letter in await tx.rows(LETTERS, {"most": MOST})]
        return Standing.model_validate({**row._mapping, "newest": letters})  # noqa: SLF001 - a row's public name

    @writes(*operators)
    async def drive_again(letter_id: UUID, tx: Transaction) -> dict[str, str]:
        if await tx.row(REDRIVE, {"id": letter_id}) is None:
            raise not_found("letter")
        tx.audit("letter_redriven", letter_id)
        return {"letter_id": str(letter_id)}

    async def show(visit: Visiting, refused: RefusedError | None) -> Response:
        service: Service = visit.request.app.state.service
        found = await visit.ask(standing)
        deaf = service.watch.deaf if service.watch is not None else []
        missing, lag = await service.problems(), _lag(service.name)
        return visit.show("standing.html", refused=refused, found=found, name=service.name, missing=missing, lag=lag, deaf=deaf)

    @pages.router.get("/standing")
    async def see(visit: Visit) -> Response:
        return await show(visit, None)

    @pages.router.get("/standing/all")
    async def glance(visit: Visit) -> Response:
        if not visit.who.has(*operators):
            raise RefusedError(403, "your role does not allow this")
        return visit.show("standing_all.html", beside=[(path.split("/")[1], path) for path in beside])

    @pages.router.post("/standing/letters/{letter_id}")
    async def again(letter_id: UUID, visit: Sent) -> Response:
        return await visit.send(drive_again, then="standing?said=driven", again=show, letter_id=letter_id)


def _first_id(moment: datetime) -> UUID:
    """The first id that an event of this moment or later can have: ids begin with their time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _lag(service: str) -> list[tuple[str, int]]:
    """How many messages each of the service's durables has that it has not acknowledged, as of the last look."""
    samples = (sample for metric in LAG.collect() for sample in metric.samples if sample.labels.get("service") == service)
    return sorted((f"{sample.labels['stream']}/{sample.labels['durable']}", int(sample.value)) for sample in samples)
