"""Each followed person's path through the services: a code for the person, and what happened to her when. No personal data is in it."""

from typing import Any

from rich.console import Console
from rich.table import Table

from ops.demo_actors import ENDED
from ops.demo_scenes import FOLLOWED, Stage, timeline

# What is said of the whole case and so is a part of everybody's way; the rest names its persons.
OF_ALL = frozenset({"reported", "triaged", "assigned", "completed", "plan_approved", "followup_done", "followup_missed", *ENDED})
OF_ONE = frozenset(
    {
        "admitted",
        "admitted_directly",
        "transferred",
        "left",
        "discharged",
        "reunified",
        "rehabilitation_started",
        "rehabilitation_completed",
        "outcome_reached",
        "outcome_abandoned",
    }
)
Path = list[tuple[str, str]]


async def paths(stage: Stage) -> dict[tuple[int, str], Path]:
    """By scene and person: the times and states of her way, as the timeline of her case tells them."""
    found: dict[tuple[int, str], Path] = {}
    for number in FOLLOWED:
        case_id = stage.tracked.get(number, "")
        if stage.scenes[number - 1].left_out or case_id not in stage.script.lines:
            continue
        facts = await timeline(stage, case_id)
        persons = {person: None for fact in facts for person in _persons(fact["codes"])}
        for person in persons:
            found[number, person] = [(fact["at"], _state(fact, person)) for fact in facts if _concerns(fact, person)]
    return found


def show(console: Console, found: dict[tuple[int, str], Path]) -> None:
    """Print the paths; a person's code is the end of her id."""
    table = Table("scene", "person", "path", title="Each followed person's path", title_justify="left")
    for (number, person), path in found.items():
        table.add_row(str(number), person[-6:], " > ".join(f"{at[11:19]} {state}" for at, state in path))
    console.print(table)


def unfinished(found: dict[tuple[int, str], Path]) -> list[str]:
    """Paths that do not lead to the end of their case."""
    return [f"scene {number}, {person[-6:]}" for (number, person), path in found.items() if not path or path[-1][1] not in ENDED]


def _kind(fact: dict[str, Any]) -> str:
    parts = str(fact["type"]).split(".")
    return parts[2] if parts[0] == "case" else ""


def _concerns(fact: dict[str, Any], person: str) -> bool:
    kind = _kind(fact)
    return kind in OF_ALL or (kind in OF_ONE and person in _persons(fact["codes"]))


def _state(fact: dict[str, Any], person: str) -> str:
    codes, kind = fact["codes"], _kind(fact)
    if kind == "plan_approved":
        planned = {entry["person_id"]: entry["outcome"] for entry in codes.get("outcomes", [])}
        return f"planned: {planned.get(person, 'nothing')}"
    if kind == "assigned" and codes.get("reentry"):
        return f"assigned anew (return {codes['reentry']})"
    return {"completed": "assessed"}.get(kind, kind)


def _persons(codes: dict[str, Any]) -> list[str]:
    """The ids of the persons whom a fact names."""
    named = codes.get("persons", [])
    ids = [entry["person_id"] if isinstance(entry, dict) else entry for entry in named]
    return [*ids, *([codes["person_id"]] if codes.get("person_id") else []), *(entry["person_id"] for entry in codes.get("outcomes", []))]
