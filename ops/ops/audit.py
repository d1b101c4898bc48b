"""Proves that nobody rewrote who looked at what: each service's audit log against its links, and against the seals that another service keeps."""

from collections.abc import Mapping, Sequence

from chassis.store.audit import Verdict, seals_of, verify
from chassis.store.database import create_engine
from contracts.catalogue import said_by
from contracts.streams import SERVICES
from rich.table import Table

# Which service keeps the seals of a service.
WITNESS = {service: event.read_by[0] for service in SERVICES for event in said_by(service) if event.stream == "AUDIT"}


async def verdicts(stores: Mapping[str, str], services: Sequence[str]) -> dict[str, Verdict]:
    """What is found of the logs of these services; `stores` are the URLs of all stores by service. Raises what an unreachable store does."""
    found: dict[str, Verdict] = {}
    for service in services:
        own, other = create_engine(stores[service], 1), create_engine(stores[WITNESS[service]], 1)
        try:
            found[service] = await verify(own, service, [*await seals_of(other, service), *await seals_of(own, service)])
        finally:
            await own.dispose()
            await other.dispose()
    return found


def as_table(found: Mapping[str, Verdict]) -> Table:
    """The verdicts, for a person."""
    table = Table("service", "rows", "found")
    for service, verdict in found.items():
        said = [*verdict.wrong[:20], *([f"and {len(verdict.wrong) - 20} more"] if len(verdict.wrong) > 20 else [])]  # noqa: PLR2004 - a screenful
        said += [f"a restore after epoch {epoch} took the log back from row {number} or later" for epoch, number in verdict.lost]
        table.add_row(service, f"{verdict.rows:,}", "\n".join(said) or "as it was written")
    return table
