"""What placement knows only from others' events, and what hangs on it: both can be made again from the stream."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from chassis import Transaction
from chassis.store.projection import Projection

from placement import matching, store
from placement.domain.needs import Need, State, enter
from placement.domain.placements import LIVE, Step

BLANK = {
    "version": 0,
    "household_version": 0,
    "revision": 0,
    "persons": [],
    "risk": "medium",
    "grounds": [],
    "keep_apart": [],
    "perpetrator_areas": [],
    "medical_gate": False,
    "shelter_needed": False,
    "ended": False,
    "state": "none",
    "waiting_since": None,
    "declined": [],
    "not_now": [],
    "settled_version": 0,
    "waitlisted": False,
    "review_at": None,
    "reasons": [],
    "channel": None,
    "area": None,
    "part_of": None,
    "area_changes": 0,
}
TRIAGE = ("version", "risk", "grounds", "keep_apart", "perpetrator_areas", "medical_gate", "shelter_needed", "channel", "area")
HOUSEHOLD = ("household_version", "revision", "persons")

# A household let in at the door has a need before intake says anything of it: its persons and its need for a shelter are placement's own
# words until a triage or a household of intake replaces them, which the versions tell. `waiting_since` is set at the door too, and by a
# search that nobody asked for earlier, so it only begins with what the events say. The rest of a need (its state, who declined, what was
# settled, the waiting list's marks) are decisions of placement and of people; so are placements, stays and agreements.
PROJECTIONS = (
    Projection("need", ("case_id",), TRIAGE, "case_id", "version > 0", BLANK, ("waiting_since",)),
    Projection("need", ("case_id",), HOUSEHOLD, "case_id", "household_version > 0", BLANK),
    Projection("need", ("case_id",), ("ended",), "case_id", "ended", BLANK),
)


async def stand_anew(tx: Transaction, cases: Collection[UUID]) -> None:
    """Decide again on cases whose needs were put right; one whose row was lost goes on where its placements say it was."""
    known = await store.needs(tx, cases)
    told = {case_id: await _resumed(tx, need) if need.state is State.NONE else need for case_id, need in known.items()}
    await matching.take_up(tx, known, told)


async def _resumed(tx: Transaction, need: Need) -> Need:
    told = await store.placements(tx, shelters=None, state=None, case_id=need.case_id, most=20)
    # What only asked another shelter to take somebody over says nothing of where the household stands.
    newest = [entry for entry in told if entry.transfer_of is None or entry.state in {Step.ADMITTED, Step.ENDED}]
    if not newest:
        return need
    step, reason = newest[0].state, newest[0].reason
    if step in LIVE:
        return replace(need, state=State(step.value))
    ended_as = {Step.NO_SHOW: State.NO_SHOW, Step.ENDED: State.SETTLED}.get(step)
    if step is Step.CANCELLED:
        ended_as = {"survivor_declined": State.DECLINED, "survivor_unreachable": State.NO_SHOW}.get(reason or "")
    return need if ended_as is None else enter(need, ended_as)
