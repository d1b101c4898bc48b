"""How high a risk is: what a person judges, and a floor of rules that may raise it and never lowers it (DOMAIN.md 6, end)."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

RISKS = LOW, MEDIUM, HIGH = ("low", "medium", "high")
SEVERE = "severe"


def rank(risk: str | None) -> int:
    """How high a risk is; one that nobody named is below all."""
    return RISKS.index(risk) if risk in RISKS else -1


class Danger(StrEnum):
    """Facts of the safety screen; each alone puts the risk at high."""

    STRANGULATION = "strangulation"
    WEAPON = "weapon"
    THREAT_TO_KILL = "threat_to_kill"
    ESCALATION = "escalation"
    SEPARATION = "separation"
    PREGNANCY = "pregnancy"
    PERPETRATOR_HAS_ACCESS = "perpetrator_has_access"
    SUICIDAL = "suicidal"
    CHILD_ALONE = "child_alone"


# What an instrument or the worker flagged, and the least risk that goes with it.
FLAGS = {"self_harm": HIGH, "child_at_risk": MEDIUM, "severe_distress": MEDIUM}
# The least risk that goes with the overall band.
BANDS = {SEVERE: MEDIUM}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the risk came to, what the worker judged by herself, and the rules that raised it above that."""

    risk: str
    judged: str
    rules: tuple[str, ...] = ()


def judged(own: str, dangers: Collection[str], flags: Collection[str], band: str) -> Judgement:
    """The worker's own judgement, raised by the floor where that is higher."""
    floors = {f"danger_{danger}": HIGH for danger in dangers}
    floors |= {f"flag_{flag}": FLAGS[flag] for flag in flags if flag in FLAGS}
    floors |= {f"band_{band}": BANDS[band]} if band in BANDS else {}
    risk = max([own, *floors.values()], key=rank)
    rules = tuple(sorted(rule for rule, least in floors.items() if rank(least) > rank(own)))
    return Judgement(risk, own, rules)
