"""What placement knows only from others' events, and what hangs on it: both can be made again from the stream."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from chassis import Transaction
from chassis.store.erasure import TOMBSTONES
from chassis.store.exports import ORDERS
from chassis.store.projection import Projection
from contracts.vocabulary import SplitReason

from placement import store
from placement.domain.needs import Need, State, enter
from placement.domain.placements import LIVE, Step
from placement.domain.split import divided, follow
from placement.finding import matching
from placement.store import groups
from placement.store.groups import Approved

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
    "apart": [],
    "kept_from": [],
    "end_version": 0,
}
TRIAGE = ("version", "risk", "grounds", "keep_apart", "perpetrator_areas", "medical_gate", "shelter_needed", "channel", "area")
HOUSEHOLD = ("household_version", "revision", "persons")

# A household let in at the door has a need before intake says anything of it: its persons and its need for a shelter are placement's own
# words until a triage or a household of intake replaces them, which the versions tell. `waiting_since` is set at the door too, and by a
# search that nobody asked for earlier, so it only begins with what the events say. The rest of a need (its state, who declined, what was
# settled, the waiting list's marks) are decisions of placement and of people; so are placements, stays and agreements, and into which groups a
# household was split. The need of a group says of its case what the need of the whole says, so it is made again from that.
PROJECTIONS = (
    Projection("need", ("case_id",), TRIAGE, "case_id", "version > 0 AND part_of IS NULL", BLANK, ("waiting_since",)),
    Projection("need", ("case_id",), HOUSEHOLD, "case_id", "household_version > 0 AND part_of IS NULL", BLANK),
    Projection("need", ("case_id",), ("ended",), "case_id", "(ended OR end_version > 0) AND part_of IS NULL", BLANK, ("end_version",)),
    TOMBSTONES,
    ORDERS,
)


async def stand_anew(tx: Transaction, cases: Collection[UUID]) -> None:
    """Decide again on cases whose needs were put right; one whose row was lost goes on where its placements, and splits, say it was."""
    known = await groups.households(tx, cases)
    told = dict(known)
    for case_id, splits in (await groups.splits(tx, cases)).items():
        told |= _split_again(known, case_id, splits)
    for need_id, need in told.items():
        followed = follow(need, told[need.part_of]) if need.part_of else need
        told[need_id] = await _resumed(tx, followed) if _lost(known.get(need_id)) and not followed.split else followed
    await matching.take_up(tx, known, told)


def _lost(need: Need | None) -> bool:
    return need is None or need.state is State.NONE


def _split_again(known: Mapping[UUID, Need], case_id: UUID, splits: Sequence[Approved]) -> dict[UUID, Need]:
    """The needs of a household that are lost, as the splits that were approved make them; what of it is there stays as it is."""
    told = {case_id: known[case_id]}
    for approved in splits:
        parts = {need_id: need for need_id, need in told.items() if need_id != case_id}
        persons = [group.persons for group in approved.groups]
        told |= divided(told[case_id], parts, persons, apart=approved.reason == SplitReason.SAFETY.value)
    return {need_id: known.get(need_id) or replace(need, state=State.NONE) for need_id, need in told.items()} | {
        case_id: replace(known[case_id], apart=told[case_id].apart)
    }


async def _resumed(tx: Transaction, need: Need) -> Need:
    told = await store.placements(tx, shelters=None, state=None, case_id=need.case_id, most=20)
    # What only asked another shelter to take somebody over says nothing of where the household stands.
    newest = [e for e in told if e.case_id == need.case_id and (e.transfer_of is None or e.state in {Step.ADMITTED, Step.ENDED})]
    if not newest:
        return need
    step, reason = newest[0].state, newest[0].reason
    if step in LIVE:
        return replace(need, state=State(step.value))
    ended_as = {Step.NO_SHOW: State.NO_SHOW, Step.ENDED: State.SETTLED}.get(step)
    if step is Step.CANCELLED:
        ended_as = {"survivor_declined": State.DECLINED, "survivor_unreachable": State.NO_SHOW}.get(reason or "")
    return need if ended_as is None else enter(need, ended_as)
