"""Tables of webhooks and the questions asked of them: subscriptions, and one delivery per event and subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import ARRAY, Row, Text, text
from sqlmodel import Field

from notifications.store import BIG, MOMENT, Base, columns

TEXTS: Any = ARRAY(Text)
SECRET = "subscription.secret"  # noqa: S105 - the place that a sealed secret is bound to


class SubscriptionRow(Base, table=True):
    """An agency's webhook: `disabled` after failures (events are still kept for it), `deleted` for good."""

    __tablename__ = "subscription"
    id: UUID = Field(primary_key=True)
    agency: str
    url: str
    endpoint: str
    types: list[str] = Field(sa_type=TEXTS)
    cities: list[str] = Field(sa_type=TEXTS)
    secret: bytes | None
    state: str
    failed_in_a_row: int
    created_at: datetime = Field(sa_type=MOMENT)
    created_by: UUID


class DeliveryRow(Base, table=True):
    """One event for one subscription; `body` is the CloudEvent as it is sent, so that every try sends the same."""

    __tablename__ = "delivery"
    id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BIG)
    subscription_id: UUID
    event_id: UUID
    type: str
    body: bytes
    state: str
    due: datetime = Field(sa_type=MOMENT)
    attempts: int
    lease_token: UUID | None
    lease_until: datetime | None = Field(sa_type=MOMENT)
    last_status: int | None
    last_reason: str | None
    created_at: datetime = Field(sa_type=MOMENT)
    ended_at: datetime | None = Field(sa_type=MOMENT)
    follow_id: UUID | None = None
    version: int | None = Field(default=None, sa_type=BIG)


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One event of an agency's feed, as it is matched and sent."""

    event_id: UUID
    type: str
    agency: str
    city: str
    body: bytes
    follow_id: UUID
    version: int


SUBSCRIBE = text("""
    INSERT INTO subscription (id, agency, url, endpoint, types, cities, secret, state, failed_in_a_row, created_at, created_by)
    VALUES (:id, :agency, :url, :endpoint, CAST(:types AS text[]), CAST(:cities AS text[]), :secret, 'active', 0, :now, :by)""")
SUBSCRIPTIONS = text("SELECT * FROM subscription WHERE CAST(:agency AS text) IS NULL OR agency = :agency ORDER BY created_at, id")
SUBSCRIPTION = text("SELECT * FROM subscription WHERE id = :id AND (CAST(:agency AS text) IS NULL OR agency = :agency) FOR UPDATE")
DELETE_SUBSCRIPTION = text("UPDATE subscription SET state = 'deleted', secret = NULL WHERE id = :id")
GIVE_UP = text("""
    UPDATE delivery SET state = 'failed', last_reason = 'subscription_deleted', ended_at = :now
    WHERE subscription_id = :id AND state = 'pending' AND lease_token IS NULL""")
ENABLE = text("UPDATE subscription SET state = 'active', failed_in_a_row = 0 WHERE id = :id")
PLAN = text("""
    INSERT INTO delivery (subscription_id, event_id, type, body, state, due, attempts, created_at, follow_id, version)
    SELECT s.id, e.event_id, e.type, e.body, 'pending', :now, 0, :now, e.follow_id, e.version
    FROM unnest(CAST(:event_id AS uuid[]), CAST(:type AS text[]), CAST(:agency AS text[]), CAST(:city AS text[]), CAST(:body AS bytea[]),
        CAST(:follow_id AS uuid[]), CAST(:version AS bigint[])) AS e (event_id, type, agency, city, body, follow_id, version)
    JOIN subscription s ON s.agency = e.agency AND s.state <> 'deleted'
        AND (cardinality(s.types) = 0 OR e.type = ANY(s.types)) AND (cardinality(s.cities) = 0 OR e.city = ANY(s.cities))
    WHERE NOT EXISTS (SELECT FROM feed_stop f WHERE f.follow_id = e.follow_id AND f.version > e.version)
    ORDER BY e.event_id ON CONFLICT (subscription_id, event_id) DO NOTHING""")
DELIVERIES = text("""
    SELECT * FROM delivery WHERE subscription_id = :id AND position < coalesce(CAST(:before AS bigint), 9223372036854775807)
    ORDER BY position DESC LIMIT :most""")
DELIVERY = text("""
    SELECT d.*, s.state AS subscription_state FROM delivery d JOIN subscription s ON s.id = d.subscription_id
    WHERE d.id = :id AND (CAST(:agency AS text) IS NULL OR s.agency = :agency) FOR UPDATE OF d""")
REDRIVE = text("""
    UPDATE delivery SET state = 'pending', attempts = 0, due = :now, ended_at = NULL WHERE id = :id RETURNING *""")


async def add_subscription(tx: Transaction, **values: Any) -> None:
    """Store a new subscription; `secret` is sealed."""
    await tx.execute(SUBSCRIBE, values | {"now": tx.now, "by": tx.principal.subject})


async def subscriptions_of(tx: Transaction, agency: str | None) -> Sequence[Row[Any]]:
    """The subscriptions of an agency, or of all."""
    return await tx.rows(SUBSCRIPTIONS, {"agency": agency})


async def subscription(tx: Transaction, subscription_id: UUID, agency: str | None) -> Row[Any] | None:
    """A subscription, locked, if it is the agency's (or None for any agency)."""
    return await tx.row(SUBSCRIPTION, {"id": subscription_id, "agency": agency})


async def delete_subscription(tx: Transaction, subscription_id: UUID) -> None:
    """Send nothing there any more, and forget its secret; what was not sent has failed, and stays to be seen."""
    await tx.execute(DELETE_SUBSCRIPTION, {"id": subscription_id})
    await tx.execute(GIVE_UP, {"id": subscription_id, "now": tx.now})


async def enable_subscription(tx: Transaction, subscription_id: UUID) -> None:
    """Send there again what has gathered."""
    await tx.execute(ENABLE, {"id": subscription_id})


async def plan_deliveries(tx: Transaction, events: Sequence[FeedEvent]) -> None:
    """One delivery per event and subscription that asked for it."""
    await tx.execute(PLAN, columns(FeedEvent, events) | {"now": tx.now})


async def deliveries_of(tx: Transaction, subscription_id: UUID, before: int | None, most: int) -> Sequence[Row[Any]]:
    """The delivery log of a subscription, newest first."""
    return await tx.rows(DELIVERIES, {"id": subscription_id, "before": before, "most": most})


async def delivery(tx: Transaction, delivery_id: UUID, agency: str | None) -> Row[Any] | None:
    """A delivery, locked, with the state of its subscription, if it is the agency's (or None for any agency)."""
    return await tx.row(DELIVERY, {"id": delivery_id, "agency": agency})


async def redrive(tx: Transaction, delivery_id: UUID) -> Row[Any]:
    """Try a failed delivery again from the start."""
    return (await tx.rows(REDRIVE, {"id": delivery_id, "now": tx.now}))[0]
