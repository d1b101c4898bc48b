"""The routes of a person's rights (UU 27/2022): holds, erasure, what is kept of her, and requests with their clocks."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.rights import ErasureGround, HoldGround, HoldLifted, HoldSet, RightAnswered, RightKind, RightRefusal, RightRequested
from contracts.rights import RightAnswer as Answer
from contracts.vocabulary import ProblemCode
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from intake import casebook, policy, store
from intake.api.bodies import Body
from intake.casebook import Saying
from intake.domain import rights
from intake.opening import PERSONAL, Safe
from intake.rights import clocks, erasing, exporting, ordering, rows
from intake.rights.seeing import asker, may_be_told, seen_case, seen_person

ERASED = "this person was erased before"
HELD = "the law keeps this person's data: lift the hold when it has ended, or refuse the request"
LIFTED, ANSWERED = "this hold was lifted before", "this request was answered before"
AWAITED = "parts of the export that was ordered are not there yet: GET /requests/{request_id}/export says which"
UNDECIDED = "others of this case are left: say whether its texts, which may be their story too, stay"


class HoldBody(Body):
    """What is kept, and why."""

    person_id: UUID | None = Field(default=None, description="one person of the case; left out: the whole case")
    ground: HoldGround
    review_on: date = Field(description="when somebody looks again whether it still holds")


class HoldView(BaseModel):
    """A hold."""

    hold_id: UUID
    case_id: UUID
    person_id: UUID | None
    ground: HoldGround
    review_on: date
    set_at: datetime
    lifted_at: datetime | None


class ErasureBody(Body):
    """Why a person is erased, and what becomes of the texts of a case that others are in too."""

    ground: ErasureGround
    keep_texts: bool | None = Field(default=None, description="needed where others of the case are left; without others its texts go too")


class ReceiptView(BaseModel):
    """What the person is given: `sha256` is the hash of the other fields as JSON with sorted keys and without spaces, and is all that is said elsewhere."""

    person_id: UUID
    erased_at: datetime
    ground: ErasureGround
    texts: bool
    sha256: str


class ErasureView(BaseModel):
    """An erasure: a receipt for each id that she went by, as far as the asker may know of it."""

    receipts: list[ReceiptView]


class ErasedView(BaseModel):
    """How far an erasure is: `destroyed_at` is when intake's key was destroyed; the other services do the same within seconds."""

    person_id: UUID
    receipt: str
    ordered_at: datetime
    destroyed_at: datetime | None


class RequestBody(Body):
    """What a person, or who speaks for her, asks."""

    right: RightKind
    asked_at: AwareDatetime | None = Field(default=None, description="when she asked, if earlier than now: the time runs from then")


class AnswerBody(Body):
    """The answer to a request."""

    answer: Answer
    refusal: RightRefusal | None = Field(default=None, description="why it is refused; nothing else is")


class RequestView(BaseModel):
    """A request and its answer."""

    request_id: UUID
    person_id: UUID
    case_id: UUID
    right: RightKind
    asked_at: datetime
    due_at: datetime
    answer: Answer | None
    refusal: RightRefusal | None
    answered_at: datetime | None


Most = Annotated[int, Query(ge=1, le=500)]
router = APIRouter(tags=["rights"])


# -- holds ----------------------------------------------------------------------------------------------------------------------------


@router.post("/cases/{case_id}/holds", status_code=201)
@writes(*policy.HOLD)
async def hold(case_id: UUID, body: HoldBody, tx: Transaction) -> HoldView:
    """Let the law keep the data of a case, or of one person of it: neither an erasure nor retention touches it until somebody lifts this."""
    await seen_case(tx, case_id)
    await tx.lock([case_id])
    if body.person_id is not None and await erasing.case_of(tx, body.person_id) != case_id:
        raise RefusedError(422, "this person is not of this case: name one of its household, or nobody", [_wrong("person_id")])
    if body.review_on <= tx.now.date():
        raise RefusedError(422, "a hold is looked at again: name a day that is to come", [_wrong("review_on")])
    fact = HoldSet(hold_id=tx.new_id("hold", case_id), person_id=body.person_id, ground=body.ground, review_on=body.review_on)
    row = {**fact.model_dump(mode="json"), "case_id": case_id, "set_at": tx.now, "set_by": tx.principal.subject, "lifted_at": None, "lifted_by": None}
    await rows.add(tx, rows.ADD_HOLD, [row])
    tx.set_clock(clocks.HOLD_REVIEW, fact.hold_id, rows.review_time(body.review_on), cause=tx.cause_of(case_id))
    tx.audit("hold_set", body.person_id or case_id)
    await _say(tx, case_id, fact)
    return HoldView.model_validate(row)


@router.post("/holds/{hold_id}/lift")
@writes(*policy.HOLD)
async def lift(hold_id: UUID, tx: Transaction) -> HoldView:
    """The law keeps this data no longer."""
    row = await tx.row(rows.HOLD, asker(tx) | {"hold_id": hold_id})
    if row is None:
        raise not_found("hold")
    await tx.lock([row.case_id])
    if await tx.row(rows.LIFT, {"hold_id": hold_id, "now": tx.now, "by": tx.principal.subject}) is None:
        raise conflict(LIFTED, state="lifted")
    tx.cancel_clock(clocks.HOLD_REVIEW, hold_id)
    await tx.execute(store.SETTLE, {"case_id": row.case_id, "matter": clocks.HOLD_REVIEW})
    tx.audit("hold_lifted", row.person_id or row.case_id)
    await _say(tx, row.case_id, HoldLifted(hold_id=hold_id))
    return HoldView.model_validate({**row._asdict(), "lifted_at": tx.now})


@router.get("/holds")
@reads(*policy.HOLD)
async def holds(tx: Transaction, limit: Most = 100) -> list[HoldView]:
    """The holds on cases that you may see, the next to be looked at first."""
    return [HoldView.model_validate(row._asdict()) for row in await tx.rows(rows.HOLDS, asker(tx) | {"most": limit})]


# -- erasure --------------------------------------------------------------------------------------------------------------------------


@router.post("/persons/{person_id}/erasure", status_code=201)
@writes(*policy.ERASE)
async def erase_person(person_id: UUID, body: ErasureBody, tx: Transaction) -> ErasureView:
    """Erase a person for good, under every id that merges make hers: nothing that names her can be read again, here or from any backup.

    Codes (age, sex, what happened when) stay, and her household's case goes on.
    """
    await seen_person(tx, person_id)
    try:
        receipts = await erasing.erase(tx, person_id, body.ground, keep_texts=body.keep_texts, cause=tx.cause_of(person_id))
    except rights.HeldError:
        raise conflict(HELD, state="held") from None
    except rights.ErasedAlreadyError:
        raise conflict(ERASED, state="erased") from None
    except rights.TextsUndecidedError:
        raise RefusedError(422, UNDECIDED, [FieldProblem("keep_texts", ProblemCode.MISSING)]) from None
    for erased in receipts:
        tx.audit("person_erased", erased, PERSONAL)
    mine = [given for erased, given in receipts.items() if await _mine(tx, erased)]
    return ErasureView(receipts=[ReceiptView.model_validate(given) for given in mine])


@router.get("/persons/{person_id}/erasure")
@reads(*policy.ERASE)
async def erasure_of(person_id: UUID, tx: Transaction) -> ErasedView:
    """Whether a person was erased, and how far that is."""
    await seen_person(tx, person_id)
    stone = (await erasing.erased(tx, [person_id])).get(person_id)
    if stone is None:
        raise not_found("erasure")
    return ErasedView(person_id=person_id, receipt=stone.receipt, ordered_at=stone.ordered_at, destroyed_at=stone.destroyed_at)


# -- what is kept of her --------------------------------------------------------------------------------------------------------------


@router.get("/persons/{person_id}/export")
@reads(*policy.EXPORT)
async def export(person_id: UUID, vault: Safe, tx: Transaction, *, texts: bool = False) -> dict[str, Any]:
    """Everything that intake keeps of a person, for her: who she is, what happened, who looked; nothing of others, no shelter.

    The texts of a case that others are in too are left out, unless you say `texts=true` after reading them.
    """
    await may_be_told(tx, person_id)
    tx.audit("person_exported", person_id, [*PERSONAL, *(["narrative"] if texts else [])])
    return await exporting.export(tx, vault, person_id, with_texts=texts)


# -- requests -------------------------------------------------------------------------------------------------------------------------


@router.post("/persons/{person_id}/requests", status_code=201)
@writes(*policy.TAKE_RIGHTS)
async def request(person_id: UUID, body: RequestBody, tx: Transaction) -> RequestView:
    """Take what a person asks; it is to be answered within three times 24 hours."""
    await seen_person(tx, person_id)
    asked = body.asked_at or tx.now
    if not tx.now - timedelta(days=30) <= asked <= tx.now:
        raise RefusedError(422, "she asked in the last thirty days, and not later than now", [_wrong("asked_at")])
    case_id = await erasing.case_of(tx, person_id)
    if case_id is None:
        raise not_found("person")
    due = asked + tx.settings.span(hours=tx.settings.rights_hours)
    fact = RightRequested(request_id=tx.new_id("right", person_id), person_id=person_id, right=body.right, asked_at=asked, due_at=due)
    row = {**fact.model_dump(mode="json"), "kind": body.right, "case_id": case_id, "taken_by": tx.principal.subject}
    await rows.add(tx, rows.ADD_REQUEST, [{**row, "answer": None, "refusal": None, "answered_at": None, "answered_by": None}])
    tx.set_clock(clocks.RIGHT_REQUEST, fact.request_id, max(due, tx.now), cause=tx.cause_of(person_id))
    tx.audit("right_requested", person_id)
    await _say(tx, case_id, fact)
    return RequestView.model_validate({**row, "answer": None, "refusal": None, "answered_at": None})


@router.get("/requests")
@reads(*policy.SEE_RIGHTS)
async def requests(tx: Transaction, person_id: UUID | None = None, *, done: bool = False, limit: Most = 100) -> list[RequestView]:
    """The requests about persons of your cases that wait for an answer (`done`: all), the next due first."""
    found = await tx.rows(rows.REQUESTS, asker(tx) | {"person_id": person_id, "done": done, "most": limit})
    return [_request_view(row) for row in found]


@router.get("/requests/{request_id}")
@reads(*policy.SEE_RIGHTS)
async def request_of(request_id: UUID, tx: Transaction) -> RequestView:
    """A request about a person of your cases, and its answer."""
    row = await tx.row(rows.REQUEST, asker(tx) | {"request_id": request_id})
    if row is None:
        raise not_found("request")
    return _request_view(row)


@router.post("/requests/{request_id}/answer")
@writes(*policy.ANSWER_RIGHTS)
async def answer(request_id: UUID, body: AnswerBody, tx: Transaction) -> RequestView:
    """Grant a request, once what it asks is done; or refuse it for a coded reason, which stays on record."""
    row = await tx.row(rows.REQUEST, asker(tx) | {"request_id": request_id})
    if row is None:
        raise not_found("request")
    if (body.answer is Answer.REFUSED) != (body.refusal is not None):
        raise RefusedError(422, "say why when you refuse, and only then", [_wrong("refusal")])
    if body.answer is Answer.GRANTED and row.kind in ordering.ANSWERED_BY_EXPORT and (await ordering.known(tx, row)).awaited:
        raise conflict(AWAITED, state="parts_awaited")
    await tx.lock([request_id, row.case_id])
    answered = {"answer": body.answer, "refusal": body.refusal, "now": tx.now, "by": tx.principal.subject}
    if await tx.row(rows.ANSWER, {"request_id": request_id, **answered}) is None:
        raise conflict(ANSWERED, state="answered")
    tx.cancel_clock(clocks.RIGHT_REQUEST, request_id)
    await tx.execute(store.SETTLE, {"case_id": row.case_id, "matter": clocks.RIGHT_REQUEST})
    tx.audit(f"right_{body.answer}", row.person_id)
    await _say(tx, row.case_id, RightAnswered(request_id=request_id, answer=body.answer, refusal=body.refusal))
    return _request_view(row).model_copy(update={"answer": body.answer, "refusal": body.refusal, "answered_at": tx.now})


async def _say(tx: Transaction, case_id: UUID, fact: Any) -> None:
    await casebook.grow(tx, said=[Saying(case_id, fact, tx.cause_of(case_id))])


async def _mine(tx: Transaction, person_id: UUID) -> bool:
    try:
        await seen_person(tx, person_id)
    except RefusedError:
        return False
    return True


def _request_view(row: Any) -> RequestView:
    return RequestView.model_validate({**row._asdict(), "right": row.kind})


def _wrong(field: str) -> FieldProblem:
    return FieldProblem(field, ProblemCode.INVALID)
