"""What intake knows only from others' events, and what hangs on it: both can be made again from the stream."""

from collections.abc import Collection
from uuid import UUID

from chassis import Transaction
from chassis.store.projection import Projection

from intake import casebook

FACT = ("case_id", "producer", "factversion", "type", "at", "codes")

# Intake's own facts are in the same table, but they are decisions. Where a case stands follows from both together, so it is not compared
# but derived again; a case opened at a shelter's door is opened by an event, but people write on in it.
PROJECTIONS = (
    Projection("case_fact", ("event_id",), FACT, "case_id", "producer <> 'intake'", seeds=("causation",)),
    Projection("sealing_key", ("kid",), ("subject", "public_key", "made_at"), "subject"),
    Projection("availability", ("subject",), ("kind", "availability", "factversion"), "subject"),
)


async def stand_anew(tx: Transaction, cases: Collection[UUID]) -> None:
    """Let these cases stand where their facts say, now that these were put right."""
    await casebook.grow(tx, again=cases)
