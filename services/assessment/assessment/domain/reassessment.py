"""One assessment after the other: the first look within a day, the comprehensive one, and those that follow as long as the case is open."""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from assessment.domain.case import ASSESSED, Case, Limits, State, StateError, require, without
from assessment.domain.risk import rank


class Kind(StrEnum):
    """Which assessment it is."""

    INITIAL = "initial"
    COMPREHENSIVE = "comprehensive"
    REASSESSMENT = "reassessment"


# In which states a worker who has the case may ask the persons.
ASKING = frozenset({State.ASSIGNED, *ASSESSED})


def fresh(case: Case) -> bool:
    """Whether what is answered now belongs to a new assessment: the comprehensive one is complete."""
    return case.state in ASSESSED and "comprehensive" not in case.deadlines


def concluded(case: Case, kind: Kind, risk: str | None, now: datetime, limits: Limits) -> Case:
    """An assessment of this kind is complete: its deadline is met, and the next one is set. `risk` is what it came to, if it says.

    The comprehensive one is the first look too, where none was before. In monitoring the follow-ups take the place of later assessments.
    Raises StateError for an initial one of a case that was assessed, a second comprehensive one, or a re-assessment before it.
    """
    done: tuple[str, ...]
    if kind is Kind.INITIAL:
        require(case, State.ASSIGNED)
        done = ("initial",)
    elif kind is Kind.COMPREHENSIVE:
        if fresh(case):
            raise StateError(case.state)
        require(case, *ASKING)
        done = ("initial", "comprehensive", "reassessment")
    else:
        if not fresh(case):
            raise StateError(case.state)
        done = ("reassessment",)
    known = max(risk, case.risk, key=rank)
    deadlines = without(case.deadlines, *done)
    if kind is not Kind.INITIAL and case.state is not State.MONITORING:
        deadlines["reassessment"] = now + limits.reassessment
    state = State.ASSESSED if case.state is State.ASSIGNED else case.state
    missed = {clock: count for clock, count in case.missed.items() if clock not in done}
    return replace(case, state=state, deadlines=deadlines, missed=missed, assessed_risk=known, incident_seen=case.incident_version)
