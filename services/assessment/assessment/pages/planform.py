"""A plan between the form and the route: what was entered for each person, where the route's refusals stand on the form, and a plan in words."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import JAKARTA, Language, day

from assessment.pages.fields import rows

ROWS = 20
AGREEMENT = ("agreed", "own_view", "consenter", "reason")
GOAL = ("code", "target", "measure")
SERVICE = ("code", "provider")


def entered(visit: Visiting, persons: Sequence[UUID]) -> tuple[dict[str, Any], dict[str, str]]:
    """The body of a proposed plan, and for each place in it the field of the form; persons without an outcome are left out."""
    outcomes: list[dict[str, Any]] = []
    places: dict[str, str] = {}
    for person in persons:
        at = f"outcomes.{person}"
        places[at] = f"{at}.outcome"
        places[f"{at}.agreement"] = f"{at}.agreement.agreed"
        if (outcome := visit.field(f"{at}.outcome")) is None:
            continue
        index = len(outcomes)
        agreement = {name: value for name in AGREEMENT if (value := visit.field(f"{at}.agreement.{name}")) is not None}
        goals = rows(visit, f"{at}.goals", GOAL, ROWS)
        services = rows(visit, f"{at}.services", SERVICE, ROWS)
        for kind, filled in (("goals", goals), ("services", services)):
            for n, (row, _) in enumerate(filled):
                # The route counts the rows that were filled in, the form all of them; and a row as a whole is called by its first field.
                for start in (at, f"outcomes.{index}"):
                    places[f"{start}.{kind}.{n}"] = f"{at}.{kind}.{row}.code"
                    places |= {f"{start}.{kind}.{n}.{name}": f"{at}.{kind}.{row}.{name}" for name in (*GOAL, *SERVICE)}
        places |= {f"outcomes.{index}.agreement.{name}": f"{at}.agreement.{name}" for name in AGREEMENT}
        places |= {f"outcomes.{index}.outcome": f"{at}.outcome", f"{at}.services": f"{at}.services.0.code"}
        one = {"person_id": person, "outcome": outcome, "goals": [goal for _, goal in goals], "services": [service for _, service in services]}
        outcomes.append({**one, "agreement": agreement} if agreement else one)
    return {"outcomes": outcomes}, places


def rows_shown(visit: Visiting, at: str, names: Sequence[str], stored: int) -> int:
    """How many rows of this kind a form shows: those that are stored and two more, and never fewer than were filled in."""
    filled = [n for n, _ in rows(visit, at, names, ROWS)]
    return min(ROWS, max(stored + 2, max(filled, default=0) + 1))


def shown(part: Mapping[str, Any], visit: Visiting) -> list[tuple[str, str]]:
    """One person's part of a plan in words, as pairs of what it is and what it says."""
    agreement = part.get("agreement") or {}
    lists = {"agreed": "agreed", "own_view": "own_view", "consenter": "consenter", "reason": "not_agreed"}
    said = [_word(visit, words, agreement[name]) for name, words in lists.items() if agreement.get(name)]
    found = [
        (visit.say("plan.outcome"), _word(visit, "outcome", part.get("outcome"))),
        (visit.say("plan.agreement"), ", ".join(said)),
        (visit.say("plan.goals"), "; ".join(_goal(goal, visit) for goal in part.get("goals", ()))),
        (visit.say("plan.services"), "; ".join(_service(service, visit) for service in part.get("services", ()))),
    ]
    return [(name, text) for name, text in found if text]


def _word(visit: Visiting, words: str, code: str | None) -> str:
    key = f"{words}.{code}"
    return visit.say(key) if key in visit.pages.words else ""


def _goal(goal: Mapping[str, Any], visit: Visiting) -> str:
    measure = _word(visit, "measure", goal.get("measure"))
    return visit.say("plan.goal", goal=_word(visit, "goal", goal.get("code")), until=_day(goal.get("target", ""), visit.language), measure=measure)


def _service(service: Mapping[str, Any], visit: Visiting) -> str:
    provider = service.get("provider") or visit.who.agency
    return visit.say("plan.service", service=_word(visit, "service", service.get("code")), provider=provider)


def _day(value: str, language: Language) -> str:
    try:
        return day(datetime.combine(date.fromisoformat(value), time(12), JAKARTA), language)
    except ValueError:
        return value
