"""What operators see and do of the messages that a service set aside."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from ops.stores import executed, fetched

LIST = """
    SELECT id, stream, durable, route, reason, attempts, stored_at, set_aside_at, redrive FROM dead_letter
    WHERE set_aside_at IS NOT NULL ORDER BY set_aside_at"""
REDRIVE = "UPDATE dead_letter SET redrive = true WHERE set_aside_at IS NOT NULL AND ($1::uuid IS NULL OR id = $1)"


async def listed(url: str) -> Sequence[Any]:
    """The messages set aside in a store, oldest first; never their bodies."""
    return await fetched(url, LIST)


async def redrive(url: str, letter: UUID | None) -> int:
    """Ask the service to take one message, or all, through its handlers again; how many were asked for."""
    return await executed(url, REDRIVE, letter)
