"""Who is still there, asked every night; and whom somebody of the staff must not meet."""

from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, not_found, reads, writes
from fastapi import APIRouter

from placement import policy
from placement.api import reach
from placement.api.inventory_views import CensusBody, CensusView, ConflictBody, Conflicts, ConflictView, ResidentRow, Residents
from placement.domain.nights import wrong_in
from placement.finding import timing
from placement.nights import hours_of
from placement.store import census, keeping, register

router = APIRouter()

NOT_EVERYBODY = "everyone who stays there is either present or absent, and nobody else is: see who"
NOT_NOW = "only the night that began last can be confirmed"


@router.get("/shelters/{shelter_id}/residents")
@reads(*policy.SEE_PLACEMENTS)
async def see_residents(shelter_id: UUID, tx: Transaction) -> Residents:
    """Who stays in a shelter, as ids with their beds, to be looked for at night."""
    await reach.own(tx, shelter_id)
    looked = await census.newest(tx, shelter_id)
    tx.audit("read", shelter_id, ["residents"])
    return Residents(
        shelter_id=shelter_id,
        night=hours_of(tx.settings).current(tx.now),
        confirmed_at=looked.confirmed_at if looked else None,
        residents=tuple(
            ResidentRow(person_id=row.person_id, bed_id=row.bed_id, room=row.room, since=row.since) for row in await census.residents(tx, shelter_id)
        ),
    )


@router.post("/shelters/{shelter_id}/census", status_code=201)
@writes(*policy.CONFIRM_NIGHT)
async def confirm_night(shelter_id: UUID, body: CensusBody, tx: Transaction) -> CensusView:
    """Say who slept there; 422 names whom it leaves out. Who was absent is looked into by people: nothing else follows from it."""
    await reach.own(tx, shelter_id)
    if body.night != hours_of(tx.settings).current(tx.now):
        raise RefusedError(422, NOT_NOW, [FieldProblem("night", "not_the_current_one")])
    await register.lock(tx, [shelter_id])
    here = [row.person_id for row in await census.residents(tx, shelter_id)]
    if problems := wrong_in(here, body.present, body.absent):
        raise RefusedError(422, NOT_EVERYBODY, [FieldProblem(name, code) for name, code in problems])
    await census.record(tx, shelter_id, body.night, body.present, body.absent)
    tx.audit("written", shelter_id, ["census"])
    return CensusView(shelter_id=shelter_id, night=body.night, present=len(body.present), absent=len(body.absent), confirmed_at=tx.now)


@router.get("/shelters/{shelter_id}/conflicts")
@reads(*policy.DECLARE_CONFLICT)
async def see_conflicts(shelter_id: UUID, tx: Transaction) -> Conflicts:
    """Whom somebody of this shelter's staff must not meet."""
    await reach.own(tx, shelter_id)
    tx.audit("read", shelter_id, ["staff_conflict"])
    return Conflicts(shelter_id=shelter_id, about=tuple(await keeping.conflicts(tx, shelter_id)))


@router.post("/shelters/{shelter_id}/conflicts", status_code=201)
@writes(*policy.DECLARE_CONFLICT)
async def declare_conflict(shelter_id: UUID, body: ConflictBody, tx: Transaction) -> ConflictView:
    """Somebody of the staff must not meet this person or case: it is not offered this shelter (P5). Who of the staff is not asked."""
    await reach.own(tx, shelter_id)
    await register.lock(tx, [shelter_id])
    await keeping.declare_conflict(tx, shelter_id, body.about)
    tx.audit("written", body.about, ["staff_conflict"])
    return ConflictView(shelter_id=shelter_id, about=body.about)


@router.post("/shelters/{shelter_id}/conflicts/{about}/end")
@writes(*policy.DECLARE_CONFLICT)
async def end_conflict(shelter_id: UUID, about: UUID, tx: Transaction) -> ConflictView:
    """That is over: the person or case may be offered this shelter."""
    await reach.own(tx, shelter_id)
    if not await keeping.end_conflict(tx, shelter_id, about):
        raise not_found("conflict")
    tx.audit("written", about, ["staff_conflict"])
    timing.set_round(tx)
    return ConflictView(shelter_id=shelter_id, about=about)
