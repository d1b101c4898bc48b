"""What notifications knows only from others' events, and what hangs on it: both can be made again from the stream."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from chassis import Transaction
from chassis.store.erasure import TOMBSTONES
from chassis.store.exports import ORDERS
from chassis.store.projection import Projection
from sqlalchemy import text

from notifications import handlers, store
from notifications.escalation.policies import policies

FILE = ("reported_by", "brought_by", "responsible", "risk", "triage_version", "worker", "worker_version", "ended")
OFFER = ("case_id", "unit", "offered_at", "answered", "claimed_until")
NO_POLICY = 0

# A case is reported once and brought to a door once, so nobody contradicts these two; the others go by version. How many steps of a ladder
# were told, and by which policy, is decided here, and notices depend on what was known when they were written: they are never made again.
PROJECTIONS = (
    Projection("case_file", ("case_id",), FILE, "case_id", seeds=("responsible_version", "end_version")),
    Projection("ladder", ("placement_id",), OFFER, "case_id", blank={"done": 0, "policy_version": NO_POLICY}),
    Projection("case_area", ("case_id",), ("reported_area", "triaged_area", "triage_version", "reported_on"), "case_id"),
    # Contacts of prevention that stopped are this service's own, and no fact tells of them.
    replace(TOMBSTONES, where="owner <> subject"),
    ORDERS,
)

# A lost ladder goes on after the steps that notices were written of, so that nobody is told one twice.
RESUME = text("""
    UPDATE ladder SET policy_version = CAST(:version AS integer),
        done = (SELECT count(DISTINCT source) FROM notice WHERE notice.placement_id = ladder.placement_id AND starts_with(source, notice.placement_id || '/'))
    WHERE policy_version = :none AND case_id = ANY(CAST(:cases AS uuid[]))""")


async def stand_anew(tx: Transaction, cases: Collection[UUID]) -> None:
    """Let the open notices of these cases follow what was put right, and time their open offers anew."""
    files = await store.files_of(tx, cases)
    await store.readdress(tx, list(files.values()), list(files.values()))
    held = await policies(tx)
    await tx.execute(RESUME, {"version": held.version_at(None), "none": NO_POLICY, "cases": list(cases)})
    handlers.set_clocks((await store.ladders(tx, (), open_of=cases)).values(), files, held, tx)
