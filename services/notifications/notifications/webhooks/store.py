"""Tables of webhooks and the questions asked of them: subscriptions, and one delivery per event and subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import Transaction
from sqlalchemy import ARRAY, Row, Text, text
from sqlmodel import Field

from notifications import policy
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
    previous_secret: bytes | None
    previous_until: datetime | None = Field(sa_type=MOMENT)
    risks: list[str] = Field(sa_type=TEXTS)
    version: int


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
    lease_owner: UUID | None = None


class FeedEventRow(Base, table=True):
    """One event of an agency's feed, kept so that it can be sent again, also to who subscribes later."""

    __tablename__ = "feed_event"
    event_id: UUID = Field(primary_key=True)
    position: int = Field(sa_type=BIG)
    type: str
    agency: str
    city: str
    risk: str | None
    body: bytes
    follow_id: UUID
    version: int = Field(sa_type=BIG)
    heard_at: datetime = Field(sa_type=MOMENT)


class SenderRow(Base, table=True):
    """A replica that sends: what it has in hand is taken over as soon as it is not alive any more."""

    __tablename__ = "sender"
    id: UUID = Field(primary_key=True)
    alive_until: datetime = Field(sa_type=MOMENT)


class FollowRiskRow(Base, table=True):
    """The risk of a case as an agency last heard of it in what has gone from its feed."""

    __tablename__ = "follow_risk"
    follow_id: UUID = Field(primary_key=True)
    risk: str
    version: int = Field(sa_type=BIG)


class FeedHorizonRow(Base, table=True):
    """Up to where the feed has gone, in the one row that there is: who asks for it from before gets no half of it."""

    __tablename__ = "feed_horizon"
    one: bool = Field(primary_key=True)
    position: int = Field(sa_type=BIG)
    heard_at: datetime = Field(sa_type=MOMENT)


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
    risk: str | None = None


# An event for a subscription: its agency's, of a type, city and risk that it chose; a risk that nobody knows yet counts as chosen.
CHOSEN = """s.agency = e.agency AND (cardinality(s.cities) = 0 OR e.city = ANY(s.cities)) AND (e.type = ANY(CAST(:compulsory AS text[])) OR (
        (cardinality(s.types) = 0 OR e.type = ANY(s.types)) AND (cardinality(s.risks) = 0 OR coalesce(e.risk, (
            SELECT r.risk FROM (
                SELECT f.risk, f.version FROM feed_event f WHERE f.follow_id = e.follow_id AND f.risk IS NOT NULL
                UNION ALL SELECT k.risk, k.version FROM follow_risk k WHERE k.follow_id = e.follow_id) r ORDER BY r.version DESC LIMIT 1
        ), s.risks[1]) = ANY(s.risks))))
    AND NOT EXISTS (SELECT FROM feed_stop f WHERE f.follow_id = e.follow_id AND f.version > e.version)"""
NOT_STOPPED = "NOT EXISTS (SELECT FROM feed_stop f WHERE f.follow_id = d.follow_id AND f.version > d.version)"
SUBSCRIBE = text("""
    INSERT INTO subscription (id, agency, url, endpoint, types, cities, risks, secret, state, failed_in_a_row, created_at, created_by)
    VALUES (:id, :agency, :url, :endpoint, CAST(:types AS text[]), CAST(:cities AS text[]), CAST(:risks AS text[]), :secret, 'active', 0, :now, :by)""")
CHANGE = text("""
    UPDATE subscription SET url = :url, endpoint = :endpoint, types = CAST(:types AS text[]), cities = CAST(:cities AS text[]),
        risks = CAST(:risks AS text[]), version = version + 1
    WHERE id = :id""")
ROTATE = text("""
    UPDATE subscription SET previous_secret = CASE WHEN CAST(:until AS timestamptz) > :now THEN secret END, previous_until = :until, secret = :secret
    WHERE id = :id""")
SUBSCRIPTIONS = text("SELECT * FROM subscription WHERE CAST(:agency AS text) IS NULL OR agency = :agency ORDER BY created_at, id")
SUBSCRIPTION = text("SELECT * FROM subscription WHERE id = :id AND (CAST(:agency AS text) IS NULL OR agency = :agency) FOR UPDATE")
DELETE_SUBSCRIPTION = text("UPDATE subscription SET state = 'deleted', secret = NULL, previous_secret = NULL, previous_until = NULL WHERE id = :id")
GIVE_UP = text("""
    UPDATE delivery SET state = 'failed', last_reason = 'subscription_deleted', ended_at = :now
    WHERE subscription_id = :id AND state = 'pending' AND lease_token IS NULL""")
ENABLE = text("UPDATE subscription SET state = 'active', failed_in_a_row = 0 WHERE id = :id")
KEEP = text("""
    INSERT INTO feed_event (event_id, type, agency, city, body, follow_id, version, risk, heard_at)
    SELECT e.*, CAST(:now AS timestamptz) FROM unnest(CAST(:event_id AS uuid[]), CAST(:type AS text[]), CAST(:agency AS text[]), CAST(:city AS text[]),
        CAST(:body AS bytea[]), CAST(:follow_id AS uuid[]), CAST(:version AS bigint[]), CAST(:risk AS text[])) AS e
    ON CONFLICT (event_id) DO NOTHING""")
PLAN = text(f"""
    INSERT INTO delivery (subscription_id, event_id, type, body, state, due, attempts, created_at, follow_id, version)
    SELECT s.id, e.event_id, e.type, e.body, 'pending', :now, 0, :now, e.follow_id, e.version
    FROM feed_event e JOIN subscription s ON s.state <> 'deleted' AND {CHOSEN}
    WHERE e.event_id = ANY(CAST(:event_id AS uuid[]))
    ORDER BY e.event_id, s.id ON CONFLICT (subscription_id, event_id) DO NOTHING""")  # noqa: S608 - constants
# What is under way just now is not disturbed; whoever sends it sends it.
REPLAY = text(f"""
    WITH again AS (
        INSERT INTO delivery AS d (subscription_id, event_id, type, body, state, due, attempts, created_at, follow_id, version)
        SELECT s.id, e.event_id, e.type, e.body, 'pending', :now, 0, :now, e.follow_id, e.version
        FROM feed_event e JOIN subscription s ON s.id = :id AND {CHOSEN}
        WHERE e.position >= :position AND e.heard_at >= :since ORDER BY e.position
        ON CONFLICT (subscription_id, event_id) DO UPDATE SET state = 'pending', attempts = 0, due = excluded.due, ended_at = NULL
            WHERE d.state <> 'pending'
        RETURNING 1)
    SELECT count(*) AS many FROM again""")  # noqa: S608 - constants
HORIZON = text("SELECT position, heard_at FROM feed_horizon WHERE position >= :position AND heard_at >= :since")
REDRIVE_ALL = text(f"""
    WITH again AS (
        UPDATE delivery d SET state = 'pending', attempts = 0, due = :now, ended_at = NULL
        WHERE d.subscription_id = :id AND d.state = 'failed' AND {NOT_STOPPED} RETURNING 1)
    SELECT count(*) AS many FROM again""")  # noqa: S608 - constants
DELIVERIES = text("""
    SELECT d.*, f.position AS feed_position FROM delivery d LEFT JOIN feed_event f ON f.event_id = d.event_id
    WHERE d.subscription_id = :id AND d.position < coalesce(CAST(:before AS bigint), 9223372036854775807)
        AND (CAST(:state AS text) IS NULL OR d.state = :state)
    ORDER BY d.position DESC LIMIT :most""")
DELIVERY = text("""
    SELECT d.*, s.state AS subscription_state FROM delivery d JOIN subscription s ON s.id = d.subscription_id
    WHERE d.id = :id AND (CAST(:agency AS text) IS NULL OR s.agency = :agency) FOR UPDATE OF d""")
REDRIVE = text("""
    UPDATE delivery SET state = 'pending', attempts = 0, due = :now, ended_at = NULL WHERE id = :id
    RETURNING *, (SELECT position FROM feed_event f WHERE f.event_id = delivery.event_id) AS feed_position""")


async def add_subscription(tx: Transaction, **values: Any) -> None:
    """Store a new subscription; `secret` is sealed."""
    await tx.execute(SUBSCRIBE, values | {"now": tx.now, "by": tx.principal.subject})


async def change_subscription(tx: Transaction, **values: Any) -> None:
    """Let a subscription go on with another address or another choice, as its next version."""
    await tx.execute(CHANGE, values)


async def rotate_secret(tx: Transaction, subscription_id: UUID, secret: bytes, until: datetime) -> None:
    """Sign with a new secret, sealed; until then also with the one before."""
    await tx.execute(ROTATE, {"id": subscription_id, "secret": secret, "until": until, "now": tx.now})


async def subscriptions_of(tx: Transaction, agency: str | None) -> Sequence[Row[Any]]:
    """The subscriptions of an agency, or of all."""
    return await tx.rows(SUBSCRIPTIONS, {"agency": agency})


async def subscription(tx: Transaction, subscription_id: UUID, agency: str | None) -> Row[Any] | None:
    """A subscription, locked, if it is the agency's (or None for any agency)."""
    return await tx.row(SUBSCRIPTION, {"id": subscription_id, "agency": agency})


async def delete_subscription(tx: Transaction, subscription_id: UUID) -> None:
    """Send nothing there any more, and forget its secrets; what was not sent has failed, and stays to be seen."""
    await tx.execute(DELETE_SUBSCRIPTION, {"id": subscription_id})
    await tx.execute(GIVE_UP, {"id": subscription_id, "now": tx.now})


async def enable_subscription(tx: Transaction, subscription_id: UUID) -> None:
    """Send there again what has gathered."""
    await tx.execute(ENABLE, {"id": subscription_id})


async def plan_deliveries(tx: Transaction, events: Sequence[FeedEvent]) -> None:
    """Keep these events of the feed, and plan one delivery per event and subscription that asked for it, or has to hear it."""
    values = columns(FeedEvent, events)
    await tx.execute(KEEP, values | {"now": tx.now})
    await tx.execute(PLAN, {"event_id": values["event_id"], "now": tx.now, "compulsory": list(policy.FEED_COMPULSORY)})


async def gone_from(tx: Transaction, position: int, since: datetime) -> Row[Any] | None:
    """Up to where the feed has gone, if something of it would be missing from this place on."""
    return await tx.row(HORIZON, {"position": position, "since": since})


async def replay(tx: Transaction, subscription_id: UUID, position: int, since: datetime) -> int:
    """Send the feed again from a place on, as far as it is chosen and has not stopped, also what was never sent; how many events."""
    values = {"id": subscription_id, "position": position, "since": since, "now": tx.now, "compulsory": list(policy.FEED_COMPULSORY)}
    return int((await tx.rows(REPLAY, values))[0].many)


async def deliveries_of(tx: Transaction, subscription_id: UUID, before: int | None, state: str | None, most: int) -> Sequence[Row[Any]]:
    """The delivery log of a subscription, newest first, of all or of one state."""
    return await tx.rows(DELIVERIES, {"id": subscription_id, "before": before, "state": state, "most": most})


async def delivery(tx: Transaction, delivery_id: UUID, agency: str | None) -> Row[Any] | None:
    """A delivery, locked, with the state of its subscription, if it is the agency's (or None for any agency)."""
    return await tx.row(DELIVERY, {"id": delivery_id, "agency": agency})


async def redrive(tx: Transaction, delivery_id: UUID) -> Row[Any]:
    """Try a failed delivery again from the start."""
    return (await tx.rows(REDRIVE, {"id": delivery_id, "now": tx.now}))[0]


async def redrive_all(tx: Transaction, subscription_id: UUID) -> int:
    """Try every failed delivery of a subscription again, but for those of feeds that have stopped since; how many."""
    return int((await tx.rows(REDRIVE_ALL, {"id": subscription_id, "now": tx.now}))[0].many)
