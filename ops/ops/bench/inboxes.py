"""How long until one event is in ten thousand officers' inboxes, from its publication until the last of them can be read."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from time import perf_counter
from typing import Any
from uuid import UUID, uuid4

from chassis.bus.relay import publish_batch
from chassis.envelope import Cause, Emitted
from chassis.store.database import Database
from chassis.web.identity import Principal
from contracts.placement import Accepted
from notifications import store as inboxes
from notifications.settings import NotificationsSettings

from ops.bench import facts
from ops.bench.bed import AGENCY, Bed, BenchError, connected, database_of, processes, serving, until
from ops.bench.figures import Figure, Sizes, median

SERVICE, ROLE = "notifications", "supervisor"
KIND = "placement.accepted"
LOOKED_AT = 50


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """Several events, one after the other. Raises BenchError when an inbox lacks one or has one twice."""
    officers = [uuid4() for _ in range(sizes.inboxes)]
    seconds: list[float] = []
    async with connected(bed.store(SERVICE)) as store, processes(bed, "inboxes", {SERVICE: bed.service(SERVICE)}):
        await _choose(store, officers)
        await serving(bed, [SERVICE])
        triage = facts.triaged(1)
        await facts.feed(bed.client, [triage])
        await until(lambda: _there(store, triage.id, 0), "the case is not known")
        for _ in range(max(3, sizes.rounds)):
            event = accepted(triage.subject)
            began = perf_counter()
            await publish_batch(bed.client, Accepted.stream, [(event, str(event.id))])
            await until(lambda event=event: _there(store, event.id, len(officers)), "not everybody was told")  # type: ignore[misc]
            seconds.append(perf_counter() - began)
            say(f"{len(officers):,} inboxes: {seconds[-1]:.2f} s")
        async with database_of(bed, SERVICE, NotificationsSettings) as database:
            await _require_each(database, officers[:LOOKED_AT], len(seconds))
        await store.execute("DELETE FROM preference")
    found = Figure("inboxes", f"one event to {len(officers):,} inboxes, {len(seconds)} times")
    found.rows.append(("median / longest", f"{median(seconds):.2f} / {max(seconds):.2f} s"))
    found.goal("one event to all inboxes, longest, s", max(seconds), most=5)
    found.data = {"officers": len(officers), "seconds": seconds}
    return found


async def _choose(store: Any, officers: list[UUID]) -> None:
    now, nothing = datetime.now(UTC), list[str]()
    rows = [(one, 1, True, AGENCY, [ROLE], [KIND], nothing, nothing, nothing, False, "at_once", time(7, 30), 1, now) for one in officers]
    names = ("officer", "version", "current", "agency", "roles", "kinds", "muted", "areas", "risks", "own_cases", "pace", "digest_at",
             "policy_version", "chosen_at")  # fmt: skip
    await store.copy_records_to_table("preference", records=rows, columns=names)
    await store.execute("ANALYZE preference")


async def _there(store: Any, event_id: UUID, many: int) -> bool:
    """Whether the event was taken and so many officers were told of it; what is seen is committed."""
    taken = await store.fetchval("SELECT count(*) FROM inbox WHERE event_id = $1", event_id)
    return bool(taken) and await store.fetchval("SELECT count(*) FROM notice WHERE source = $1 AND officer IS NOT NULL", str(event_id)) >= many


async def _require_each(database: Database, officers: list[UUID], events: int) -> None:
    for officer in officers:
        who = Principal(officer, frozenset({ROLE}), AGENCY)

        async def mine(tx: Any, who: Principal = who) -> Any:
            return await inboxes.inbox_of(tx, who, unread=True, after=0, most=1000)

        seen = [row for row in await database.run(mine) if row.kind == KIND]
        if len(seen) != events:
            message = f"an inbox has {len(seen)} of {events} notices"
            raise BenchError(message)


def accepted(case: UUID) -> Emitted:
    """A shelter's yes for a case, said now."""
    now = datetime.now(UTC)
    fact = Accepted(placement_id=uuid4(), shelter_id=uuid4(), arrive_by=now + timedelta(hours=2))
    cause = Cause(f"bench|{fact.placement_id}", now, str(case))
    identity = cause.derive(1, case, fact.type)
    return Emitted(
        identity, fact.type, "placement", fact.stream, fact.route, case, now, 1, str(case), cause.name, None, fact.model_dump_json().encode()
    )
