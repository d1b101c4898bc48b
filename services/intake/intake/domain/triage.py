"""How great the risk is at least, whether a bed is looked for, and who leads; pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

RISKS = ("low", "medium", "high")
# Violence that is never triaged as low: the law sets a deadline of three days for a police report (UU TPKS 41; UU TPPO).
GRAVE = frozenset({"seksual", "trafficking"})
# Red flags after which staying where one is cannot be called safe while nobody has asked.
UNSAFE_AT_HOME = frozenset({"strangulation", "weapon", "threat_to_kill", "perpetrator_has_access", "child_alone"})
# PPKS categories with full victim protection (DOMAIN 4.2, in bold).
VICTIM_CATEGORIES = frozenset({6, 7, 18, 19, 20, 23, 25})


def risk_floor(judged: str, red_flags: Collection[str], violence_types: Collection[str] = ()) -> str:
    """The risk that counts: a red flag makes it high, grave violence at least medium; a rule raises a person's judgement, never lowers it."""
    floor = "high" if red_flags else "medium" if GRAVE & set(violence_types) else "low"
    return max(judged, floor, key=RISKS.index)


def shelter_screened(answer: bool | None, grounds: Collection[str], red_flags: Collection[str]) -> bool:  # noqa: FBT001 - an answer
    """Whether to look for a bed when nobody triages in time: as answered; unanswered, when a ground or a red flag says it is not safe."""
    return bool(grounds or UNSAFE_AT_HOME & set(red_flags)) if answer is None else answer


def leads(violence_types: Collection[str], ppks: int | None, *, victims: str, ppks_agency: str) -> str:
    """The agency that leads: `victims` for victims of violence (and when nothing is known), `ppks_agency` for other people in need."""
    return victims if violence_types or ppks is None or ppks in VICTIM_CATEGORIES else ppks_agency


@dataclass(frozen=True, slots=True)
class Leads:
    """One line of the table of responsibility: for victims of violence or other people, in areas that begin so, an agency and its unit lead.

    Without an agency it is the usual one of the two.
    """

    agency: str | None = None
    unit: str | None = None
    victims: bool | None = None
    area: str = ""


def responsible(table: Iterable[Leads], violence_types: Collection[str], ppks: int | None, area: str) -> Leads | None:
    """The first line of the table that fits a case, or None."""
    victims = bool(violence_types) or ppks is None or ppks in VICTIM_CATEGORIES
    return next((line for line in table if line.victims in (None, victims) and area.startswith(line.area)), None)
