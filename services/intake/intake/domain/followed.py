"""Where does a case stand for an agency that heard these events of it? A fold over its feed, newest word last.

What a dashboard makes of its feed by replaying it, the snapshot says at once: both follow these rules, and a test holds them together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# The word of each event for where the case is; `triaged` is said again whenever the risk changes, and moves only a case that was just opened.
STEPS: Mapping[str, str] = {
    "opened": "open",
    "reopened": "open",
    "shelter_sought": "shelter_sought",
    "sheltered": "sheltered",
    "shelter_ended": "shelter_ended",
    "assessment_began": "assessment",
    "assessed": "assessed",
    "planned": "planned",
    "outcome_reached": "outcome_reached",
    "followed_up": "followed_up",
    "ended": "ended",
}
SHELTERED: Mapping[str, bool] = {"sheltered": True, "shelter_ended": False, "ended": False}


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of the feed: its type without `agency.` and version, its number of the case, when and what it said."""

    name: str
    version: int
    at: datetime
    data: Mapping[str, Any]


@dataclass(slots=True)
class Followed:
    """Where a case stands for an agency; None is what it did not hear."""

    state: str = "open"
    reference: str | None = None
    city: str | None = None
    risk: str | None = None
    responsible: str | None = None
    sheltered: bool = False
    reason: str | None = None
    outcomes: list[str] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)
    disclosures: list[dict[str, Any]] = field(default_factory=list)
    version: int = 0
    changed_at: datetime | None = None


def followed(events: Iterable[Heard]) -> Followed | None:
    """Where the case of these events stands; None when nothing was heard, or when its last word is that the feed stopped.

    Any order and repetition of the events gives the same.
    """
    now: Followed | None = None
    for event in sorted({event.version: event for event in events}.values(), key=lambda event: event.version):
        if event.name == "stopped":
            now = None
            continue
        now = now or Followed()
        _hear(now, event)
    return now


def _hear(now: Followed, event: Heard) -> None:
    name, data = event.name, event.data
    now.version, now.changed_at, now.city = event.version, event.at, data["city"]
    now.reference = data.get("reference") or now.reference
    now.sheltered = SHELTERED.get(name, now.sheltered)
    if name in STEPS:
        now.state = STEPS[name]
        now.reason = data.get("reason")
    elif name == "triaged":
        now.risk, now.responsible = data["risk"], data["responsible"]
        now.state = "triaged" if now.state == "open" else now.state
    if name == "outcome_reached":
        now.outcomes = sorted({*now.outcomes, data["outcome"]})
    now.services = _held(now.services, event, ("service_id", "service", "due_at"), begins="service_requested")
    now.disclosures = _held(now.disclosures, event, ("disclosure_id", "purpose", "until"), begins="disclosed")


def _held(held: list[dict[str, Any]], event: Heard, fields: tuple[str, ...], *, begins: str) -> list[dict[str, Any]]:
    """What is asked of, or disclosed to, the agency now: the newest word on each, by the first of its fields."""
    key, data = fields[0], event.data
    if key not in data:
        return held
    others = [entry for entry in held if entry[key] != data[key]]
    return [*others, {name: data[name] for name in fields}] if event.name == begins else others
