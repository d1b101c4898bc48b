"""What an officer who asks for a bed is shown of the search for it: nothing that depends on a secret house before somebody said yes.

A requester who saw whether, when or where an offer was made could find a secret house by asking again with other areas. So all of the
search is one state until a shelter's head accepted; what follows then is people's judgement. Supervisors and those who place see all.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from intake.domain.standing import Fact, Kind, State

# The search, whatever became of it so far.
SEARCHING = frozenset({State.SHELTER_SOUGHT, State.OFFERED, State.WAITLISTED})
WAITS_IN_SEARCH = frozenset({"offer", "shelter_answer", "free_bed"})
INTAKE, PLACEMENT = "intake", "placement"
# That a head was told, and when, says as much as the offer that she was told of.
HIDING = frozenset({PLACEMENT, "notifications"})
# What begins to be shown of a placement, and what is shown of it from then on.
YES = frozenset({Kind.ACCEPTED, Kind.ADMITTED, Kind.ADMITTED_DIRECTLY, "case.placement.transferred.v1"})
AFTERWARDS = YES | {Kind.ON_THE_WAY, Kind.NO_SHOW, Kind.CANCELLED, Kind.LEFT, Kind.DISCHARGED}
# What concerns a second case too: in the timeline of one it would tell that the person is known elsewhere.
OF_TWO_CASES = frozenset({"case.intake.merged.v1", "case.intake.unmerged.v1"})
# From whom somebody is kept, what she refused and with whom she is shared is shown on routes of its own, and never to whom she is kept from.
ABOUT_SHARING = frozenset(f"case.intake.{name}.v1" for name in ("consent_changed", "restricted", "disclosed", "disclosure_ended", "service_routed"))
NOT_IN_TIMELINE = OF_TWO_CASES | ABOUT_SHARING
KEPT_BACK = frozenset({"shelter_id", "refusals"})


def state(now: State) -> State:
    """The state of a case, the whole search being one."""
    return State.SHELTER_SOUGHT if now in SEARCHING else now


def states_like(asked: State) -> Collection[State]:
    """The states that look like this one."""
    return SEARCHING if asked in SEARCHING else {asked}


def waiting_for(matters: Iterable[str]) -> list[str]:
    """For what a case waits, the whole search being one matter."""
    return list(dict.fromkeys("offer" if matter in WAITS_IN_SEARCH else matter for matter in matters))


def line(values: Mapping[str, Any]) -> dict[str, Any]:
    """A case's row: while a bed is sought, it changed last when it was opened, because an offer would show in the time too."""
    searching = State(values["state"]) in SEARCHING
    coarse = {"state": state(State(values["state"])), "waiting_for": waiting_for(values["waiting_for"])}
    return {**values, **coarse, **({"changed_at": values["opened_at"]} if searching else {})}


def facts(known: Collection[Fact]) -> list[Fact]:
    """The facts of a case without what placement said before somebody said yes, which shelter it is, why no other, and who was told what."""
    first: dict[Any, int] = {}
    for fact in known:
        if fact.type in YES:
            first[_placement(fact)] = min(fact.version, first.get(_placement(fact), fact.version))
    return [_reduced(fact) for fact in known if fact.producer not in HIDING or _shows(fact, first)]


def codes(fact: Fact) -> dict[str, Any]:
    """The codes of a fact without which persons of other cases a suspect was found to be: that would tell that they are known elsewhere."""
    kept = {name: value for name, value in fact.codes.items() if name != "same_as" or fact.producer != INTAKE}
    if kept.get("named_keep_apart") is not None:
        kept["keep_apart"] = kept["named_keep_apart"]
    return kept


def _shows(fact: Fact, first: Mapping[Any, int]) -> bool:
    placed = _placement(fact)
    return fact.type in AFTERWARDS and placed in first and fact.version >= first[placed]


def _placement(fact: Fact) -> Any:
    return fact.codes.get("placement_id")


def _reduced(fact: Fact) -> Fact:
    if fact.producer != PLACEMENT:
        return fact
    return replace(fact, codes={name: value for name, value in fact.codes.items() if name not in KEPT_BACK})
