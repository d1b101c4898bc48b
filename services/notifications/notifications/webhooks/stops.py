"""What happens to webhooks when an agency's feed of a case stops: what waits for it, perhaps for days, is not sent any more.

A module of its own because it is the whole of what notifications owes to a withdrawn consent. A feed may begin again under the same follow
id: only what was said before the stop is held back, whichever of the two arrives first.
"""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from chassis import Received, Transaction
from contracts.agencies import AgencyEvent
from contracts.consents import FollowStopped
from sqlalchemy import BigInteger, Table, text
from sqlmodel import Field

from notifications.store import Base

STOPPED = "stopped"


class FeedStopRow(Base, table=True):
    """The newest stop of a follow id: what was said under it before this version is not sent."""

    __tablename__: ClassVar[str] = "feed_stop"
    __table__: ClassVar[Table]
    follow_id: UUID = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)


KEEP = text("""
    INSERT INTO feed_stop (follow_id, version)
    SELECT follow_id, max(version) FROM unnest(CAST(:follows AS uuid[]), CAST(:versions AS bigint[])) AS s (follow_id, version)
    GROUP BY follow_id ORDER BY follow_id
    ON CONFLICT (follow_id) DO UPDATE SET version = greatest(feed_stop.version, excluded.version)""")
# Whoever is sending one just now has nothing to say of it any more: the lease is gone.
HOLD_BACK = text("""
    UPDATE delivery d SET state = 'failed', last_reason = 'stopped', ended_at = :now, lease_token = NULL, lease_until = NULL
    FROM feed_stop s WHERE s.follow_id = ANY(CAST(:follows AS uuid[])) AND d.follow_id = s.follow_id AND d.version < s.version AND d.state = 'pending'""")
IS_STOPPED = text("SELECT 1 FROM feed_stop WHERE follow_id = :follow_id AND version > :version")


async def keep(tx: Transaction, events: Iterable[Received[AgencyEvent]]) -> None:
    """Keep the stops among these events, and hold back what waits from before them."""
    stops = [event for event in events if isinstance(event.data, FollowStopped)]
    if stops:
        follows = [event.subject for event in stops]
        await tx.execute(KEEP, {"follows": follows, "versions": [event.factversion for event in stops]})
        await tx.execute(HOLD_BACK, {"follows": follows, "now": tx.now})


async def stopped(tx: Transaction, delivery: Any) -> bool:
    """Whether the feed of which a delivery is part stopped after it was said."""
    if delivery.follow_id is None:
        return False
    return await tx.row(IS_STOPPED, {"follow_id": delivery.follow_id, "version": delivery.version}) is not None
