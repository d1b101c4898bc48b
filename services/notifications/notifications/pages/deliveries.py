"""What went to the systems that subscribe, what did not, and trying it again; for operators."""

from functools import partial
from uuid import UUID

from chassis import RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from fastapi import Response

from notifications.api import subscriptions
from notifications.pages import pages
from notifications.pages.subscriptions import chosen, one

router = pages.router
STATES = ("failed", "pending", "delivered")


@router.get("/subscriptions")
async def overview(visit: Visit) -> Response:
    """All subscriptions, and which were disabled."""
    return visit.show("subscriptions.html", found=await visit.ask(subscriptions.subscriptions))


@router.get("/subscriptions/{subscription_id}/deliveries")
async def log(subscription_id: UUID, visit: Visit) -> Response:
    """The delivery log of a subscription, the newest first."""
    return await _log(subscription_id, visit, None)


@router.post("/subscriptions/{subscription_id}/redrive")
async def redrive_all(subscription_id: UUID, visit: Sent) -> Response:
    """Try all that failed again."""
    then = f"subscriptions/{subscription_id}/deliveries?said=redriven"
    return await visit.send(subscriptions.redrive_all, then=then, again=partial(_log, subscription_id), subscription_id=subscription_id)


@router.post("/subscriptions/{subscription_id}/deliveries/{delivery_id}")
async def redrive(subscription_id: UUID, delivery_id: UUID, visit: Sent) -> Response:
    """Try one that failed again."""
    then = f"subscriptions/{subscription_id}/deliveries?said=redriven"
    return await visit.send(subscriptions.redrive, then=then, again=partial(_log, subscription_id), delivery_id=delivery_id)


@router.post("/subscriptions/{subscription_id}/enable")
async def enable(subscription_id: UUID, visit: Sent) -> Response:
    """Send again to a subscription that failures disabled."""
    then, service = f"subscriptions/{subscription_id}/deliveries?said=enabled", visit.request.app.state.service
    again = partial(_log, subscription_id)
    return await visit.send(subscriptions.enable, then=then, again=again, service=service, subscription_id=subscription_id)


async def _log(subscription_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    asked = visit.request.query_params
    before, state = asked.get("before", ""), asked.get("state")
    found = await visit.ask(
        subscriptions.deliveries,
        subscription_id=subscription_id,
        before=int(before) if before.isdecimal() and before.isascii() and len(before) < len(str(2**63)) else None,
        state=state if state in STATES else None,
    )
    whole = await one(subscription_id, visit)
    more = found[-1].position if len(found) >= visit.request.app.state.service.settings.inbox_page else None
    rows = chosen(visit, whole.model_dump())
    return visit.show("deliveries.html", refused=refused, found=found, subscription=whole, rows=rows, more=more, state=state, states=STATES)
