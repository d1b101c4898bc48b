"""The agencies' webhook subscriptions with their delivery log."""

import base64
import functools
import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis import FieldProblem, Principal, RefusedError, Service, Transaction, not_found, reads, writes
from contracts import catalogue
from contracts.vocabulary import AgencyCode, CityCode, Risk
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Row

from notifications import domain, policy
from notifications.channels import failing
from notifications.webhooks import access, stops, store

router = APIRouter()
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
DeliveryState = Literal["pending", "delivered", "failed"]
FEED = frozenset(event.type for event in catalogue.read_by("notifications", "AGENCIES"))


class SubscriptionBody(BaseModel):
    """Where and what to send; empty lists mean everything. Only an operator names the agency."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=8, max_length=2000)
    types: list[str] = Field(default_factory=list, max_length=50)
    cities: list[CityCode] = Field(default_factory=list, max_length=600)
    risks: list[Risk] = Field(default_factory=list, max_length=10)
    agency: AgencyCode | None = None


class RotateBody(BaseModel):
    """How long the secret before goes on signing beside the new one; none at all when it leaked."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(default=24, ge=0, le=168)


class ReplayBody(BaseModel):
    """From where the feed is sent again: a `feed_position` of the delivery log, a time, or both."""

    model_config = ConfigDict(extra="forbid")

    from_position: int = Field(default=0, ge=0)
    since: AwareDatetime | None = None


class SentAgainView(BaseModel):
    """How many events are sent again."""

    events: int


class SubscriptionView(BaseModel):
    """A subscription as it is seen later: without its secret."""

    id: UUID
    agency: str
    url: str
    types: list[str]
    cities: list[str]
    risks: list[str]
    version: int
    state: str
    failed_in_a_row: int
    created_at: datetime
    previous_until: datetime | None = None


class SubscribedView(SubscriptionView):
    """The answer to subscribing, the only one with the signing secret."""

    secret: str | None = None


class DeliveryView(BaseModel):
    """One event's way to one subscription."""

    id: UUID
    position: int
    feed_position: int | None
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
    await store.add_subscription(tx, id=identity, agency=agency, secret=keys.seal(identity, store.SECRET, _new_secret()), **_chosen(body))
    return _subscribed_view(await _own_subscription(identity, tx))


@router.put("/subscriptions/{subscription_id}")
@writes(*policy.SUBSCRIPTIONS)
async def change(
    subscription_id: UUID, body: SubscriptionBody, tx: Transaction, if_match: Annotated[str | None, Header()] = None
) -> SubscriptionView:
    """Choose another address or other events, from now on; send the version that you saw as If-Match, another one meanwhile is a 409 with both."""
    row = await _own_subscription(subscription_id, tx)
    if if_match is None:
        raise RefusedError(428, "send the version that you saw as If-Match", [FieldProblem("If-Match", "missing")])
    if (seen := if_match.strip().strip('"')) != str(row.version):
        raise RefusedError(409, "someone else changed this subscription", version=row.version, yours=seen[:20])
    if row.state == "deleted":
        raise RefusedError(409, "a deleted subscription stays deleted: subscribe anew", state=row.state)
    if body.agency not in {None, row.agency}:
        raise RefusedError(422, "a subscription stays its agency's", [FieldProblem("agency", "wrong_agency")])
    _check(body, tx)
    await store.change_subscription(tx, id=subscription_id, **_chosen(body))
    if domain.endpoint_of(body.url) != row.endpoint:
        await failing.forget(tx, failing.webhook(subscription_id))
    return _subscription_view(await _own_subscription(subscription_id, tx))


@router.post("/subscriptions/{subscription_id}/secret")
@with_secret
@writes(*policy.SUBSCRIPTIONS)
async def rotate(subscription_id: UUID, body: RotateBody, service: Here, tx: Transaction) -> SubscribedView:
    """Sign with a new secret, which the answer shows; the one before signs beside it for the overlap, so that no delivery is refused meanwhile."""
    row = await _own_subscription(subscription_id, tx)
    if row.state == "deleted":
        raise RefusedError(409, "a deleted subscription has no secret: subscribe anew", state=row.state)
    if body.overlap_hours and row.previous_until is not None and row.previous_until > tx.now:
        title = "the secret before this one still signs: wait until it ends, or send overlap_hours 0 to end all earlier ones now"
        raise RefusedError(409, title, [FieldProblem("overlap_hours", "still_in_use")], previous_until=row.previous_until.isoformat())
    assert service.vault is not None  # noqa: S101 - build() refuses to go without
    keys = await service.vault.of([subscription_id])
    until = tx.now + tx.settings.span(hours=body.overlap_hours)
    await store.rotate_secret(tx, subscription_id, keys.seal(subscription_id, store.SECRET, _new_secret()), until)
    return _subscribed_view(await _own_subscription(subscription_id, tx))


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
    await failing.forget(tx, failing.webhook(subscription_id))
    return _subscription_view(await _own_subscription(subscription_id, tx))


@router.post("/subscriptions/{subscription_id}/enable")
@writes(*policy.SUBSCRIPTIONS)
async def enable(subscription_id: UUID, service: Here, tx: Transaction) -> SubscriptionView:
    """Send again to a subscription that failures, or the end of its agency's access, disabled, beginning with what has gathered since."""
    row = await _own_subscription(subscription_id, tx)
    if service.access.has_ended(row.agency):
        ended = (FieldProblem("agency", access.ACCESS_ENDED),)
        raise RefusedError(409, "the access of this agency has ended: it is to be let in again first", ended, state=access.ACCESS_ENDED)
    if row.state != "disabled":
        raise RefusedError(409, "only a disabled subscription can be enabled", state=row.state)
    await store.enable_subscription(tx, subscription_id)
    return _subscription_view(await _own_subscription(subscription_id, tx))


@router.get("/subscriptions/{subscription_id}/deliveries")
@reads(*policy.SUBSCRIPTIONS)
async def deliveries(
    subscription_id: UUID, tx: Transaction, before: Annotated[int | None, Query(ge=1)] = None, state: DeliveryState | None = None
) -> list[DeliveryView]:
    """The delivery log of a subscription, newest first; `before` is the last position of the page before."""
    await _own_subscription(subscription_id, tx)
    return [_delivery_view(row) for row in await store.deliveries_of(tx, subscription_id, before, state, tx.settings.inbox_page)]


@router.post("/subscriptions/{subscription_id}/redrive")
@writes(*policy.SUBSCRIPTIONS)
async def redrive_all(subscription_id: UUID, tx: Transaction) -> SentAgainView:
    """Try all failed deliveries again, each under its old webhook-id; not those of a feed that has stopped since."""
    _require_active(await _own_subscription(subscription_id, tx))
    return SentAgainView(events=await store.redrive_all(tx, subscription_id))


@router.post("/subscriptions/{subscription_id}/replay")
@writes(*policy.SUBSCRIPTIONS)
async def replay(subscription_id: UUID, body: ReplayBody, tx: Transaction) -> SentAgainView:
    """Send the feed again from a place on, each event under its old webhook-id, also what came before this subscription did.

    From a place that is not kept any more it is a 410 that names the first that is.
    """
    _require_active(await _own_subscription(subscription_id, tx))
    if not body.from_position and body.since is None:
        problems = [FieldProblem("from_position", "missing"), FieldProblem("since", "missing")]
        raise RefusedError(422, "say from where: a position, a time, or both", problems)
    since = body.since or BEGINNING
    if (gone := await store.gone_from(tx, body.from_position, since)) is not None:
        kept = (gone.heard_at + A_MOMENT).isoformat()
        field = FieldProblem("since" if body.since else "from_position", "not_kept")
        title = f"the feed is not kept so long: send since {kept}, and ask for the state of older cases"
        raise RefusedError(410, title, [field], kept_since=kept, kept_from_position=gone.position + 1)
    return SentAgainView(events=await store.replay(tx, subscription_id, body.from_position, since))


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


def _require_active(row: Row[Any]) -> None:
    if row.state != "active":
        raise RefusedError(409, "nothing is sent to this subscription: enable it, or subscribe anew", state=row.state)


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _chosen(body: SubscriptionBody) -> dict[str, Any]:
    lists = {name: sorted(set(getattr(body, name))) for name in ("types", "cities", "risks")}
    return {"url": body.url, "endpoint": domain.endpoint_of(body.url), **lists}


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


def _subscribed_view(row: Row[Any]) -> SubscribedView:
    return SubscribedView(**_subscription_view(row).model_dump())


def _delivery_view(row: Row[Any]) -> DeliveryView:
    return DeliveryView(**{name: getattr(row, name) for name in DeliveryView.model_fields})
