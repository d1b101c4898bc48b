"""The record of a case: its facts in the order in which one led to the other, for what it waits, since when and whose move that is; pure."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from intake.domain.standing import Fact, Kind, standing

LEADS, TEAM, ASKED, OWN = "leads", "team", "asked", "own"


@dataclass(frozen=True, slots=True)
class Move:
    """Whose move a matter is: the role, of which agency (the leading one, the team that was sent, the one that was asked, or its service's own), which
    service keeps its clock, and the facts that say when it is due, with the field.
    """

    role: str
    whose: str
    kept_by: str
    due: Mapping[str, str]


def _intake(role: str, whose: str = LEADS, **due: str) -> Move:
    return Move(role, whose, "intake", {f"case.intake.{name}.v1": field for name, field in due.items()})


def _elsewhere(service: str, role: str, **due: str) -> Move:
    return Move(role, OWN, service, {f"case.{service}.{name}.v1": field for name, field in due.items()})


# Every matter that a case can wait for; an entry without facts that tell when it is due has a clock of intake's.
MOVES: Mapping[str, Move] = {
    "triage": _intake("intake_officer"),
    "outreach": _intake("outreach", TEAM, outreach_dispatched="due_at"),
    "risk_review": _intake("intake_officer"),
    "joiner": _intake("intake_officer"),
    "closure": _intake("supervisor"),
    "closure_approval": _intake("supervisor"),
    "transfer_answer": _intake("supervisor", ASKED),
    "police_report": _intake("intake_officer"),
    "protection": _intake("intake_officer"),
    "protection_request": _intake("intake_officer"),
    "protection_expiry": _intake("intake_officer"),
    "rehabilitation": _intake("intake_officer"),
    "incomplete": _intake("intake_officer"),
    "offer": _elsewhere("placement", "placement_officer"),
    "free_bed": _elsewhere("placement", "placement_officer", waitlisted="review_at"),
    "shelter_answer": _elsewhere("placement", "shelter_head", offered="hold_until", extended="hold_until"),
    "departure": _elsewhere("placement", "placement_officer", accepted="arrive_by"),
    "arrival": _elsewhere("placement", "shelter_head", accepted="arrive_by"),
    "assignment": _elsewhere("assessment", "supervisor"),
    "assessment": _elsewhere("assessment", "peksos", assigned="due_at", reassigned="due_at"),
    "plan": _elsewhere("assessment", "peksos"),
    "outcome": _elsewhere("assessment", "peksos"),
    "followup": _elsewhere("assessment", "peksos", followup_due="due_at"),
}


# Facts that can change for what a case waits.
MOVING = frozenset(Kind) - {Kind.CLOCK_MISSED, Kind.LEGAL_STEP_RECORDED}


def in_telling_order(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once: after the one that caused it, else by time, then id. Services' clocks may differ; what led to what does not."""
    once = {fact.id: fact for fact in facts}
    causes = {fact.id: cause for fact in once.values() if (cause := _uuid(fact.causation)) in once and cause != fact.id}
    effects: dict[UUID, list[Fact]] = {}
    for effect_id, cause in causes.items():
        if cause is not None:
            effects.setdefault(cause, []).append(once[effect_id])
    ready = [(fact.at, fact.id) for fact in once.values() if fact.id not in causes]
    heapq.heapify(ready)
    ordered: list[Fact] = []
    while ready:
        fact = once[heapq.heappop(ready)[1]]
        ordered.append(fact)
        for effect in effects.get(fact.id, ()):
            heapq.heappush(ready, (effect.at, effect.id))
    told = {fact.id for fact in ordered}
    # A circle of causes cannot be, but nothing of a case is left out for it.
    return ordered + sorted((fact for fact in once.values() if fact.id not in told), key=lambda fact: (fact.at, fact.id))


def waiting_since(facts: Iterable[Fact]) -> dict[str, datetime]:
    """For what a case waits, and since when without a break, as its facts tell it in their order."""
    told = in_telling_order(facts)
    since: dict[str, datetime] = {}
    begun = set(standing(told).waiting_for)
    # From the end backwards: what waits now mostly began not long ago, and a case may have been offered many homes.
    for length in range(len(told), 0, -1):
        if length < len(told) and told[length].type in MOVING:
            begun &= set(standing(told[:length]).waiting_for)
        if not begun:
            break
        since |= dict.fromkeys(begun, told[length - 1].at)
    return since


def due_by_facts(matter: str, facts: Sequence[Fact]) -> str | None:
    """When a matter is due, as the newest fact says that tells it."""
    kinds = MOVES[matter].due
    told = [fact for fact in in_telling_order(facts) if fact.type in kinds]
    return told[-1].codes.get(kinds[told[-1].type]) if told else None


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None
