"""A household that looks for a bed is split into groups, each of which looks for its own from then on. The caller has locked the case."""

from collections.abc import Mapping
from uuid import UUID

from chassis import Transaction
from contracts import placement as facts
from contracts.vocabulary import CancelReason, SplitReason

from placement import store
from placement.domain.needs import Need
from placement.domain.placements import Step
from placement.domain.split import divided, said_no
from placement.finding import matching
from placement.store import groups
from placement.store.groups import Approved


async def split(tx: Transaction, known: Mapping[UUID, Need], approved: Approved) -> None:
    """Let the groups look for beds at once; `known` are the needs of the case. The same groups again change nothing.

    What was offered to those who are put into groups, and nobody said yes to, is taken back: it was asked for others than they are now.
    """
    whole = known[approved.case_id]
    parts = {need_id: need for need_id, need in known.items() if need.part_of}
    before = await store.placements(tx, shelters=None, state=Step.DECLINED.value, case_id=whole.case_id, most=1000)
    persons = [group.persons for group in approved.groups]
    after = divided(whole, parts, persons, declined=said_no(before), apart=approved.reason == SplitReason.SAFETY.value)
    if not after:
        return
    live = await store.live(tx, after)
    open_offers = [(offer, CancelReason.HOUSEHOLD_CHANGED.value) for offer in live.values() if offer.state is Step.OFFERED]
    await matching.take_back(tx, open_offers, dict.fromkeys(after, whole.version), by=tx.principal.subject)
    await groups.keep(tx, approved)
    fresh = [need for need in after.values() if need.part_of and need.apart in persons]
    told = tuple(tuple(sorted(need.apart)) for need in fresh)
    fact = facts.SplitApproved(groups=told, reason=SplitReason(approved.reason), group_ids=tuple(need.case_id for need in fresh))
    tx.emit(fact, whole.case_id, key=str(approved.id))
    tx.audit("split", whole.case_id, ["household"])
    await matching.search(tx, known, after)
