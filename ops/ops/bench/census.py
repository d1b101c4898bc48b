"""Is every fact where it belongs, once? What lies in the stores is counted before and after, and compared with what was said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts import catalogue
from contracts.intake import Triaged
from nats.js import JetStreamContext

from ops.bench.bed import READERS, BenchError


@dataclass(frozen=True, slots=True)
class Census:
    """What lies in the stores: inbox rows by service, what the services stated by type, and what is not published or was set aside."""

    inboxes: Mapping[str, int]
    outboxes: Mapping[str, int]
    pending: int
    dead_letters: int

    @property
    def consumed(self) -> int:
        """Rows of all inboxes."""
        return sum(self.inboxes.values())

    @property
    def stated(self) -> int:
        """Rows of all outboxes."""
        return sum(self.outboxes.values())

    def complete_since(self, before: "Census", cases: int) -> bool:
        """Whether every new fact, the fed ones included, is in the inbox of each of its readers, and nothing is left to publish.

        Raises BenchError when an inbox holds more than was said to it.
        """
        if self.pending:
            return False
        said = {kind: count - before.outboxes.get(kind, 0) for kind, count in self.outboxes.items()}
        said[Triaged.type] = said.get(Triaged.type, 0) + cases
        missing = 0
        for service in READERS:
            expected = sum(count for kind, count in said.items() if service in catalogue.BY_TYPE[kind].read_by)
            difference = expected - (self.inboxes[service] - before.inboxes[service])
            if difference < 0:
                message = f"{service} has {-difference} facts that nobody said"
                raise BenchError(message)
            missing += difference
        return not missing


def floor_now() -> UUID:
    """The least id that anything caused from now on can have: ids are in time order."""
    return UUID(int=(int(datetime.now(UTC).timestamp() * 1000) - 1) << 80)


async def census(stores: Mapping[str, Any], floor: UUID) -> Census:
    """Count what lies in the stores since a floor (see `floor_now`): what a full store holds beside it costs nothing to count."""
    # Inboxes are counted before outboxes: what comes in between is then missing, never too much.
    inboxes = {service: await store.fetchval("SELECT count(*) FROM inbox WHERE event_id >= $1", floor) for service, store in stores.items()}
    outboxes: dict[str, int] = {}
    for store in stores.values():
        for kind, count in await store.fetch("SELECT type, count(*) FROM outbox WHERE id >= $1 GROUP BY type", floor):
            outboxes[kind] = outboxes.get(kind, 0) + count
    pending = [await store.fetchval("SELECT count(*) FROM outbox_pending") for store in stores.values()]
    letters = [await store.fetchval("SELECT count(*) FROM dead_letter") for store in stores.values()]
    return Census(inboxes, outboxes, sum(pending), sum(letters))


async def complete(js: JetStreamContext, stores: Mapping[str, Any], before: Census, cases: int, floor: UUID, *, some_fail: bool = False) -> bool:
    """Whether everything of `cases` good facts was carried; a message that fails stays with its reader, and is not waited for."""
    # Counting rows costs the database; the last reader in the chain tells when it is worth while.
    last = await js.consumer_info(Triaged.stream, f"{READERS[-1]}-main")
    if last.num_pending or (last.num_ack_pending and not some_fail):
        return False
    return (await census(stores, floor)).complete_since(before, cases)
