"""What operators see and do of agencies' messages that intake holds: whose they are, why, since when; never what is in them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ops.stores import executed, fetched

LIST = "SELECT id, agency, route, reference, field, code, kid, attempts, stored_at, held_at FROM held_message ORDER BY held_at, id"
# The clock by which intake tries a message again; it looks within a second.
REDRIVE = """
    INSERT INTO clock (kind, subject, key, id, due) SELECT 'held', id, '', gen_random_uuid(), clock_timestamp() FROM held_message
    WHERE $1::uuid IS NULL OR id = $1 ON CONFLICT (kind, subject, key) DO UPDATE SET due = excluded.due, attempts = 0"""


async def listed(url: str) -> Sequence[Any]:
    """The messages that intake holds, the oldest first."""
    return await fetched(url, LIST)


async def redrive(url: str, held: UUID | None) -> int:
    """Let intake try one message, or all, again; how many that are."""
    return await executed(url, REDRIVE, held)
