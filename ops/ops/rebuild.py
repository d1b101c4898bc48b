"""Which part of each service's store can be made again from the stream, and by which of its handlers: for `naungan rebuild` and the doctor."""

import importlib
from pathlib import Path
from typing import Any

from chassis.rebuild import Replayable
from chassis.settings import Settings
from contracts import catalogue, streams

from ops import stores

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
