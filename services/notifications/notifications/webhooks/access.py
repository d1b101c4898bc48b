"""What becomes of an agency's webhooks when its access ends: they are disabled, and the log says why. What its feed says meanwhile is kept, as for
every disabled one, until somebody who is let in again enables them.
"""

import asyncio
from collections.abc import Collection
from functools import partial
from time import monotonic

import structlog
from chassis import Service, Transaction
from sqlalchemy import text

log = structlog.get_logger()

ACCESS_ENDED = "access_ended"
LOOK_EVERY = 0.5
STOP_EVERY = 5.0  # whoever enabled one meanwhile, or subscribed in the moment before
STOP = text("UPDATE subscription SET state = 'disabled' WHERE agency = ANY(CAST(:agencies AS text[])) AND state = 'active' RETURNING id")
# Whoever is sending one just now has nothing to say of it any more: the lease is gone.
HOLD_BACK = text("""
    UPDATE delivery SET last_reason = :reason, lease_token = NULL, lease_until = NULL, lease_owner = NULL
    WHERE state = 'pending' AND subscription_id = ANY(CAST(:ids AS uuid[]))""")


async def stop_with_access(service: Service) -> None:
    """Disable the webhooks of agencies that are let in no more, until this is cancelled."""
    done, at = frozenset[str](), 0.0
    while True:
        ended = service.access.ended
        if ended and (ended != done or monotonic() - at > STOP_EVERY):
            try:
                await service.database.run(partial(stop, agencies=ended))
            except Exception as error:  # noqa: BLE001 - the store may be away
                log.warning("webhooks_not_stopped", error=type(error).__name__)
            else:
                done, at = ended, monotonic()
        await asyncio.sleep(LOOK_EVERY)


async def stop(tx: Transaction, agencies: Collection[str]) -> None:
    """Disable the webhooks of these agencies, and hold back what waits for them."""
    stopped = [row.id for row in await tx.rows(STOP, {"agencies": sorted(agencies)})]
    if stopped:
        await tx.execute(HOLD_BACK, {"ids": stopped, "reason": ACCESS_ENDED})
        log.info("webhooks_stopped", reason=ACCESS_ENDED, subscriptions=len(stopped))
