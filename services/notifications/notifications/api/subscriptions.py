"""The agencies' webhook subscriptions with their delivery log."""

import base64
import functools
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, Principal, RefusedError, Service, Transaction, not_found, reads, writes
from contracts import catalogue
from contracts.vocabulary import AgencyCode, CityCode
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from notifications import domain, policy
from notifications.webhooks import stops, store

router = APIRouter()
FEED = frozenset(event.type for event in catalogue.read_by("notifications", "AGENCIES"))


class SubscriptionBody(BaseModel):
    """Where and what to send; empty lists mean everything. Only an operator names the agency."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=8, max_length=2000)
    types: list[str] = Field(default_factory=list, max_length=50)
    cities: list[CityCode] = Field(default_factory=list, max_length=600)
    agency: AgencyCode | None = None


class SubscriptionView(BaseModel):
    """A subscription as it is seen later: without its secret."""

    id: UUID
    agency: str
    url: str
    types: list[str]
    cities: list[str]
    state: str
    failed_in_a_row: int
    created_at: datetime


class SubscribedView(SubscriptionView):
    """The answer to subscribing, the only one with the signing secret."""

    secret: str | None = None


class DeliveryView(BaseModel):
    """One event's way to one subscription."""

    id: UUID
    position: int
    subscription_id: UUID
    event_id: UUID
    type: str
    state: str
    attempts: int
    due: datetime
    last_status: int | None
    last_reason: str | None
    created_at: datetime
    ended_at: datetime | None


def the_service(request: Request) -> Service:
    """The service that answers."""
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(the_service)]
Endpoint = Callable[..., Awaitable[Any]]


def with_secret(route: Endpoint) -> Endpoint:
    """Add the signing secret to the answer on its way out.

    The answer that is stored for a repeated Idempotency-Key must not hold the secret in the clear, so it is opened from its seal each time.
    """

    @functools.wraps(route)
    async def endpoint(**arguments: Any) -> Response:
        answer: Response = await route(**arguments)
        service: Service = arguments["service"]
        body = json.loads(bytes(answer.body))
        row = await service.database.run(functools.partial(store.subscription, subscription_id=UUID(body["id"]), agency=None))
        if row is not None and row.secret is not None and service.vault is not None:
            body["secret"] = (await service.vault.of([row.id])).open(row.id, store.SECRET, row.secret)
        return JSONResponse(body, answer.status_code)

    return endpoint


@router.post("/subscriptions", status_code=201)
@with_secret
@writes(*policy.SUBSCRIPTIONS)
async def subscribe(body: SubscriptionBody, service: Here, tx: Transaction) -> SubscribedView:
    """Subscribe a webhook to an agency's feed; the secret in the answer verifies its signatures and is never shown again."""
    agency = _agency_of(tx.principal, body.agency)
    _check(body, tx)
    identity = tx.new_id("subscription")
    assert service.vault is not None  # noqa: S101 - build() refuses to go without
    keys = await service.vault.new([identity])
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    types, cities = sorted(set(body.types)), sorted(set(body.cities))
    await store.add_subscription(
        tx,
        id=identity,
        agency=agency,
        url=body.url,
        endpoint=domain.endpoint_of(body.url),
        types=types,
        cities=cities,
        secret=keys.seal(identity, store.SECRET, secret),
    )
    return SubscribedView(id=identity, agency=agency, url=body.url, types=types, cities=cities, state="active", failed_in_a_row=0, created_at=tx.now)


@router.get("/subscriptions")
@reads(*policy.SUBSCRIPTIONS)
async def subscriptions(tx: Transaction) -> list[SubscriptionView]:
    """The agency's subscriptions, deleted ones too; an operator sees all agencies'."""
    return [_subscription_view(row) for row in await store.subscriptions_of(tx, _scope(tx.principal))]


@router.delete("/subscriptions/{subscription_id}")
@writes(*policy.SUBSCRIPTIONS)
async def unsubscribe(subscription_id: UUID, tx: Transaction) -> SubscriptionView:
    """Send nothing there any more; its delivery log stays. Again changes nothing."""
    await _own_subscription(subscription_id, tx)
    await store.delete_subscription(tx, subscription_id)
    return _subscription_view(await _own_subscription(subscription_id, tx))


@router.post("/subscriptions/{subscription_id}/enable")
@writes(*policy.SUBSCRIPTIONS)
async def enable(subscription_id: UUID, tx: Transaction) -> SubscriptionView:
    """Send again to a subscription that failures disabled, beginning with what has gathered since."""
    row = await _own_subscription(subscription_id, tx)
    if row.state != "disabled":
        raise RefusedError(409, "only a disabled subscription can be enabled", state=row.state)
    await store.enable_subscription(tx, subscription_id)
    return _subscription_view(await _own_subscription(subscription_id, tx))


@router.get("/subscriptions/{subscription_id}/deliveries")
@reads(*policy.SUBSCRIPTIONS)
async def deliveries(subscription_id: UUID, tx: Transaction, before: Annotated[int | None, Query(ge=1)] = None) -> list[DeliveryView]:
    """The delivery log of a subscription, newest first; `before` is the last position of the page before."""
    await _own_subscription(subscription_id, tx)
    return [_delivery_view(row) for row in await store.deliveries_of(tx, subscription_id, before, tx.settings.inbox_page)]


@router.post("/deliveries/{delivery_id}/redrive")
@writes(*policy.SUBSCRIPTIONS)
async def redrive(delivery_id: UUID, tx: Transaction) -> DeliveryView:
    """Try a failed delivery again from the start, under its old webhook-id."""
    row = await store.delivery(tx, delivery_id, _scope(tx.principal))
    if row is None:
        raise not_found("delivery")
    if row.state != "failed" or row.subscription_state != "active":
        title = "only a failed delivery of an active subscription can be sent again"
        raise RefusedError(409, title, state=row.state, subscription=row.subscription_state)
    if await stops.stopped(tx, row):
        raise RefusedError(409, "this agency's feed of the case has stopped since", state=stops.STOPPED)
    return _delivery_view(await store.redrive(tx, delivery_id))


def _scope(who: Principal) -> str | None:
    """The agency whose subscriptions somebody may see; None is all."""
    return None if who.has(policy.ALL_AGENCIES) else who.agency


def _agency_of(who: Principal, named: str | None) -> str:
    agency = named or who.agency
    if who.has(policy.ALL_AGENCIES):
        if named is None:
            raise RefusedError(422, "name the agency whose feed is sent", [FieldProblem("agency", "missing")])
    elif not who.agency or agency != who.agency:
        raise RefusedError(403, "an agency subscribes to its own feed only", [FieldProblem("agency", "wrong_agency")])
    return agency


def _check(body: SubscriptionBody, tx: Transaction) -> None:
    problems = [FieldProblem(f"types.{place}", "unknown_code") for place, kind in enumerate(body.types) if kind not in FEED]
    if code := domain.url_problem(body.url, tx.settings.webhook_allow):
        problems.append(FieldProblem("url", code))
    if problems:
        raise RefusedError(422, "some fields are wrong: correct them and send again", problems)


async def _own_subscription(subscription_id: UUID, tx: Transaction) -> Row[Any]:
    row = await store.subscription(tx, subscription_id, _scope(tx.principal))
    if row is None:
        raise not_found("subscription")
    return row


def _subscription_view(row: Row[Any]) -> SubscriptionView:
    return SubscriptionView(**{name: getattr(row, name) for name in SubscriptionView.model_fields})


def _delivery_view(row: Row[Any]) -> DeliveryView:
    return DeliveryView(**{name: getattr(row, name) for name in DeliveryView.model_fields})
