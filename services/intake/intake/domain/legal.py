"""Which deadlines the law sets for a case, from the steps that were taken; pure. All limits are defaults that an operator can change."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from intake.domain.incidents import DOMESTIC
from intake.domain.workdays import JAKARTA

SEXUAL, TRAFFICKING = "seksual", "trafficking"
CHILD = 18
PROTECTS = frozenset({"police_protection", "court_order"})
NOT_WANTED = "protection_not_wanted"
# UU TPKS 42: police protection lasts 14 days at most; UU PKDRT 16: 7 days; a court order one year (PKDRT 32).
LONGEST = {"police_protection": 14, "court_order": 365}
DOMESTIC_DAYS = 7


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was taken: what, on which day, and until when it holds."""

    code: str
    on: date
    expires_on: date | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each deadline of the law is, from the step before it; `reminders` are days before an end at which people are told."""

    protection: timedelta
    request: timedelta
    rehabilitation: timedelta = timedelta(days=7)
    reminders: tuple[int, ...] = (3, 1)


def sexual(violence_types: Collection[str]) -> bool:
    """Whether the law on sexual violence (UU TPKS) applies."""
    return SEXUAL in violence_types


def protected_by_law(violence_types: Collection[str], relations: Collection[str | None]) -> bool:
    """Whether the police are to protect: in sexual violence (UU TPKS 42) and violence within the family (UU PKDRT 16)."""
    return sexual(violence_types) or bool(DOMESTIC & set(relations))


def ends_on(step: Step, violence_types: Collection[str]) -> date | None:
    """Until when a protection holds: as was said, or as long as the law lets it."""
    if step.code not in PROTECTS or step.expires_on:
        return step.expires_on
    days = LONGEST[step.code]
    if step.code == "police_protection" and not sexual(violence_types):
        days = DOMESTIC_DAYS
    return step.on + timedelta(days=days)


def deadlines(step: Step, now: datetime, limits: Limits, *, by_law: bool, trafficked: bool = False) -> Mapping[str, datetime]:
    """Which deadlines begin with a step: after the report to the police their protection is due, after that the request to LPSK or a court.

    A victim of trafficking who asked for rehabilitation has it within seven days of asking (UU 21/2007 TPPO 52), whenever that was written down.
    """
    if step.code == "police_report" and by_law:
        return {"protection": now + limits.protection}
    if step.code == "police_protection":
        return {"protection_request": now + limits.request}
    if step.code == "rehabilitation_request" and trafficked:
        return {"rehabilitation": min(now, datetime.combine(step.on + timedelta(days=1), time(0), JAKARTA)) + limits.rehabilitation}
    return {}


def reminders(ends: date, today: date, limits: Limits) -> list[tuple[int, date]]:
    """When to tell people that a protection ends: (days left, day), and on the day after its end with 0; those days that are not past."""
    days = [(left, ends - timedelta(days=left)) for left in sorted(limits.reminders, reverse=True) if ends - timedelta(days=left) >= today]
    return [*days, (0, max(ends + timedelta(days=1), today))]


def morning(day: date) -> datetime:
    """Eight o'clock in Jakarta: when offices open and reminders are read."""
    return datetime.combine(day, time(8), JAKARTA)


def may_mediate(violence_types: Collection[str], suspect_ages: Collection[int | None], *, supervisor: bool) -> bool:
    """Sexual violence is never settled out of court, but a supervisor may let it when the perpetrator is a child (UU TPKS 23)."""
    if not sexual(violence_types):
        return True
    ages = list(suspect_ages)
    return supervisor and bool(ages) and all(age is not None and age < CHILD for age in ages)
