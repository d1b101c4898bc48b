"""After the outcomes: follow-ups, tries that reached nobody, and what a supervisor decides when contact seems lost."""

from uuid import UUID

from chassis import Transaction, reads, writes
from contracts.outcomes import FollowupResumed
from fastapi import APIRouter

from assessment import decisions, policy
from assessment.api.cases import changed, owned, refusing, seen
from assessment.api.outcome_views import FollowupBody, LostBody
from assessment.domain import followups
from assessment.views import CaseView, FollowupView

router = APIRouter()


@router.get("/cases/{case_id}/followups")
@reads(*policy.SEE_CASES)
async def list_followups(case_id: UUID, tx: Transaction) -> list[FollowupView]:
    """The follow-ups of a case."""
    known = await seen(case_id, tx)
    tx.audit("read", case_id, ["followups"])
    return [FollowupView.of(followup) for followup in known.followups]


@router.post("/cases/{case_id}/followups/{number}/done")
@writes(*policy.FOLLOW_UP)
async def followup_done(case_id: UUID, number: int, body: FollowupBody, tx: Transaction) -> CaseView:
    """Record a follow-up, on its day or before; after an unsafe one another comes soon. `not_reached` is a try: after several a supervisor decides."""
    before = await owned(case_id, tx)
    with refusing():
        after, said = followups.done(before, number, body.result.value, tx.now, decisions.limits(tx))
    decisions.say(tx, case_id, said)
    return await changed(tx, before, after, "followups")


@router.post("/cases/{case_id}/lost-contact")
@writes(*policy.DECIDE_PLAN)
async def decide_on_lost_contact(case_id: UUID, body: LostBody, tx: Transaction) -> CaseView:
    """A supervisor lets somebody whom nobody reached be looked for again: another follow-up comes soon. That she is lost for good is said to intake."""
    await tx.lock([case_id])
    before = await seen(case_id, tx)
    limits = decisions.limits(tx)
    with refusing():
        after = followups.try_again(before, limits.after_unsafe, tx.now)
    tx.emit(FollowupResumed(decision=body.decision, decided_by=tx.principal.subject), case_id)
    return await changed(tx, before, after, "followups")
