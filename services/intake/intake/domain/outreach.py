"""Outreach: which teams were sent, arrived and reported, and what keeps a result from being taken; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from intake.domain.standing import Fact, in_order

DISPATCHED, ARRIVED, ENDED = (f"case.intake.outreach_{name}.v1" for name in ("dispatched", "arrived", "ended"))
BROUGHT, NOT_FOUND = "brought", "not_found"
OWN = "agreed"
# With what a person may be brought along; a child below the age of consent not by its own word alone (DOMAIN 2.2).
CONSENTED = frozenset({OWN, "by_guardian", "alternative_consenter", "legal_ground"})


@dataclass(frozen=True, slots=True)
class Outing:
    """One team's way, as far as it has come."""

    team: str
    dispatched_at: datetime
    due_at: str
    arrived_at: str | None = None
    ended_at: str | None = None
    result: str | None = None
    persons: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What is recorded of one person."""

    person_id: UUID
    agreement: str


def outings(facts: Iterable[Fact]) -> list[Outing]:
    """The outings of a case, in the order of their beginnings, from the set of its facts."""
    found: list[Outing] = []
    for fact in in_order(fact for fact in facts if fact.producer == "intake"):
        codes = fact.codes
        if fact.type == DISPATCHED:
            found.append(Outing(codes["team"], fact.at, codes["due_at"]))
        elif fact.type == ARRIVED and found:
            found[-1] = replace(found[-1], arrived_at=codes["arrived_at"], due_at=codes["due_at"])
        elif fact.type == ENDED and found:
            ended_at = codes.get("ended_at") or fact.at.isoformat()
            found[-1] = replace(found[-1], ended_at=ended_at, result=codes["result"], persons=tuple(codes.get("persons", ())))
    return found


def completed(result: str, said: Sequence[Said], household: Iterable[UUID]) -> list[Said]:
    """What is recorded of every person of the household: of whom nothing was said, why nobody knows."""
    named = {entry.person_id for entry in said}
    silent = "not_met" if result == NOT_FOUND else "not_asked"
    return [*said, *(Said(person_id, silent) for person_id in household if person_id not in named)]


def refusals(result: str, said: Sequence[Said], ages: Mapping[UUID, int | None], consent_age: int) -> list[tuple[str, str]]:
    """What keeps a result from being taken, by field. `ages` are those of the household.

    Nobody is brought along without an agreement that holds: whoever was brought agreed, and for a child below the age of consent
    somebody else did; whoever did not agree stayed, and at least one person came.
    """
    found = [(f"persons.{n}.person_id", "not_in_household") for n, entry in enumerate(said) if entry.person_id not in ages]
    found += [(f"persons.{n}.person_id", "twice") for n, entry in enumerate(said) if _earlier(said[:n], entry)]
    if result == BROUGHT:
        found += [
            (f"persons.{n}.agreement", "needs_consenter")
            for n, entry in enumerate(said)
            if entry.agreement == OWN and (age := ages.get(entry.person_id)) is not None and age < consent_age
        ]
        if not any(entry.agreement in CONSENTED for entry in said):
            found.append(("persons", "missing"))
    return found


def _earlier(before: Collection[Said], entry: Said) -> bool:
    return any(other.person_id == entry.person_id for other in before)
