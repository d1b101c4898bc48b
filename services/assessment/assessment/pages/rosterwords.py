"""A worker's entry as people read it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA, day
from contracts.areas import DISTRICTS


def said_of(name: str, value: Any, visit: Visiting) -> str:
    """One field of a worker's entry, as JSON has it, in words."""
    found = HOW[name](value, visit) if name in HOW else str(value or "")
    return found or visit.say(EMPTY.get(name, "none"), number=visit.request.app.state.service.settings.caseload)


def _day(value: str, visit: Visiting) -> str:
    return day(datetime.combine(date.fromisoformat(value), time(12), JAKARTA), visit.language)


def _leave(leave: Mapping[str, str], visit: Visiting) -> str:
    return visit.say("worker.from_to", first=_day(leave["first"], visit), last=_day(leave["last"], visit))


def _shift(shift: Mapping[str, Any], visit: Visiting) -> str:
    on = visit.say(f"weekday.{shift['weekday']}")
    return f"{on} {visit.say('worker.from_to', first=shift['begins'][:5], last=shift['ends'][:5])}"


HOW: Mapping[str, Callable[[Any, Visiting], str]] = {
    "active": lambda value, visit: visit.say("yes" if value else "no"),
    "areas": lambda value, _: ", ".join(DISTRICTS.get(code, code) for code in value or ()),
    "skills": lambda value, visit: ", ".join(visit.say(f"skill.{code}") for code in value or ()),
    "languages": lambda value, _: ", ".join(value or ()),
    "leaves": lambda value, visit: "; ".join(_leave(leave, visit) for leave in value or ()),
    "shifts": lambda value, visit: "; ".join(_shift(shift, visit) for shift in value or ()),
}
EMPTY = {"areas": "worker.all_areas", "skills": "skill.none", "shifts": "worker.always", "most_cases": "worker.as_all"}
