"""Structured logs: static event names, ids and codes as keywords, and nothing that was not allowed by name."""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

# Only these keywords are ever written. Whoever needs another adds it here and says why it cannot hold personal data.
ALLOWED = frozenset({
    "event", "level", "timestamp", "service", "error", "durable", "stream", "kind", "events", "fault", "route", "status", "delay",
    "seconds", "port", "url", "name", "pid", "code", "reason", "case_id", "placement_id", "count", "step", "signal", "database", "logger",
})  # fmt: skip


def only_allowed(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Drop every keyword that is not allowed by name; say that something was dropped, never what."""
    kept = {name: value for name, value in entry.items() if name in ALLOWED}
    if len(kept) < len(entry):
        kept["reason"] = kept.get("reason", "keywords dropped: not on the allow-list")
    return kept


def configure(level: str, service: str) -> None:
    """One JSON line per entry on standard output, for our own loggers and for the libraries'."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, only_allowed, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Library messages may quote values (SQL parameters, payloads): only their level and origin are kept.
    handler = logging.StreamHandler()
    handler.setFormatter(_OriginOnly())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class _OriginOnly(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """The origin of a library's log record, without its message."""
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        name = structlog.processors.JSONRenderer()
        return str(name(None, "", {"event": "library_log", "logger": record.name, "level": record.levelname.lower(), "error": error}))
