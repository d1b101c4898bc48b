"""Makes consents, restrictions and disclosures again of what intake said of them and its store lost: each fact holds all of its record.

What a restored store forgot must not open again what was closed: endings are learnt like beginnings, whichever of them the backup has.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from chassis import Received, Transaction
from contracts.consents import ConsentChanged, Disclosed, DisclosureEnded, Restricted

from intake.consents import records, sharing


async def learn(tx: Transaction, said: Mapping[UUID, Sequence[Received[Any]]]) -> None:
    """Keep what these lost facts say, by case; what has an end by time gets its clock again."""
    events = [event for some in said.values() for event in some]
    consents = _last(_row(event) for event in _of(events, ConsentChanged))
    restrictions = _last(_row(event) for event in _of(events, Restricted))
    made = _last(_row(event) | {"ended_at": None, "ended_by": None} for event in _of(events, Disclosed))
    await records.keep(tx, records.KEEP_CONSENTS, consents)
    await records.keep(tx, records.KEEP_RESTRICTIONS, restrictions)
    await records.keep(tx, records.KEEP_DISCLOSURES, made)
    for event in _of(events, DisclosureEnded):
        ended = {"disclosure_id": event.data.disclosure_id, "ended_at": event.time, "ended_by": event.data.reason}
        await tx.execute(records.END_DISCLOSURE, ended)
    cases = {event.subject for event in (*_of(events, ConsentChanged), *_of(events, Disclosed), *_of(events, DisclosureEnded))}
    rows = {"cases": sorted(cases)}
    kept = [[row._asdict() for row in await tx.rows(statement, rows)] for statement in (records.CONSENTS, records.DISCLOSURES)]
    sharing.set_clocks(tx, *kept)


def _of(events: Iterable[Received[Any]], kind: type[Any]) -> list[Received[Any]]:
    return [event for event in events if isinstance(event.data, kind)]


def _row(event: Received[Any]) -> dict[str, Any]:
    return {**event.data.model_dump(), "case_id": event.subject}


def _last(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of several words on one record the one that ended it; the first column of each is what names it."""
    found: dict[Any, dict[str, Any]] = {}
    for row in rows:
        name = next(iter(row.values()))
        if name not in found or row.get("ended_at") or row.get("lifted_at"):
            found[name] = row
    return list(found.values())
