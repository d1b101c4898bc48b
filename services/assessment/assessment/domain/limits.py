"""How long the deadlines of a case are, unless the operator set them otherwise (DOMAIN.md sections 2.1 and 7)."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each deadline is, from its own start."""

    assignment: timedelta = timedelta(minutes=15)
    initial: timedelta = timedelta(hours=24)
    comprehensive: timedelta = timedelta(days=14)
    reassessment: timedelta = timedelta(days=90)
    reassess_soon: timedelta = timedelta(hours=24)
    escalate: timedelta = timedelta(hours=24)
    again: timedelta = timedelta(hours=24)
    service_answer: timedelta = timedelta(hours=72)
    service_answer_high_risk: timedelta = timedelta(hours=24)
    service_consent: timedelta = timedelta(hours=72)
    service_delivery: timedelta = timedelta(days=14)
    service_declined: timedelta = timedelta(hours=72)
    plan: timedelta = timedelta(days=14)
    outcome: timedelta = timedelta(days=30)
    grace: timedelta = timedelta(days=7)
    after_unsafe: timedelta = timedelta(days=7)
    tries: int = 3
    lost: timedelta = timedelta(days=3)
    review: timedelta = timedelta(days=90)
    stay: timedelta = timedelta(hours=1)
    followups: tuple[timedelta, ...] = tuple(timedelta(days=days) for days in (14, 30, 90, 180))
    followups_high_risk: tuple[timedelta, ...] = tuple(timedelta(days=days) for days in (7, 14, 21, 28, 90, 180))
