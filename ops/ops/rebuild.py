"""Which part of each service's store can be made again from the stream, and by which of its handlers: for `naungan rebuild` and the doctor."""

import importlib
from pathlib import Path
from typing import Any

from chassis.rebuild import Difference, Rebuilt, Replayable, compare, rebuild
from chassis.settings import Settings
from contracts import catalogue, streams

from ops import stores
from ops.access import Access, joined

STREAM = "CASES"
# A replay opens no keys and believes no tokens.
UNUSED = {"issuer": "unused", "jwks_url": "unused", "keys_url": "postgresql://unused", "key_file": Path("unused"), "pool": 2}


def replayable(service: str, database_url: str) -> Replayable:
    """What it takes to compare and rebuild the store of a service at `database_url`; its limits are read from its own environment."""
    handlers, projections = (importlib.import_module(f"{service}.{name}") for name in ("handlers", "projections"))
    filters = [subject for durable in streams.durables_of(service) if durable.stream == STREAM for subject in durable.filters]
    return Replayable(
        service=service,
        settings=_settings(service, database_url),
        inputs=handlers.inputs,
        order=catalogue.ORDER,
        stream=STREAM,
        subjects=filters,
        migrations=stores.migrations(service),
        projections=projections.PROJECTIONS,
        stand=projections.stand_anew,
    )


def _settings(service: str, database_url: str) -> Settings:
    kind: Any = getattr(importlib.import_module(f"{service}.settings"), f"{service.capitalize()}Settings")
    settings: Settings = kind(database_url=database_url, **UNUSED)
    return settings


async def run(reached: Access, *, only_compare: bool = False) -> Rebuilt:
    """Rebuild a service's projections with its own credentials, or only compare them. Raises ShadowError when neither can be done now."""
    what = replayable(reached.service, reached.store)
    async with joined(reached) as client:
        return Rebuilt((), await compare(what, client)) if only_compare else await rebuild(what, client)


def as_text(result: Rebuilt) -> str:
    """What was done and what is left, line by line: counts and ids, never values."""
    after = result.after
    lines = [f"{after.service}: {after.replayed} events replayed"]
    lines += [f"put right: {described(entry)}" for entry in result.repaired]
    lines += [f"differs: {described(entry)}" for entry in after.differences]
    if after.lacking:
        ids = ", ".join(map(str, after.lacking_ids))
        lines.append(f"left alone: subjects of {after.lacking} events that were taken and are not in the stream ({ids}, ...)")
    return "\n".join(lines if after.differences else [*lines, "no difference is left"])


def described(difference: Difference) -> str:
    """One projection's differences in a line."""
    what = f"{difference.lost} rows lost, {difference.unexplained} unexplained, {difference.changed} changed"
    return f"{difference.table} ({', '.join(difference.columns)}): {what}; {', '.join(map(str, difference.subjects))}"
