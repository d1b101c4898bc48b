"""The routes by which somebody is kept from learning anything of a person, and a refused access is recorded (UU PDP art. 41, 33)."""

from datetime import datetime
from typing import Any
from uuid import UUID

from chassis import RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.consents import RestrictionGround
from contracts.vocabulary import AgencyCode, Relation
from fastapi import APIRouter
from pydantic import BaseModel

from intake import agencies, policy
from intake.api.bodies import Body
from intake.api.cases import seen
from intake.api.consents import refuse
from intake.consents import records, sharing
from intake.linkage import pairs


class AccessBody(Body):
    """Somebody who asked for a person's data, by id or by what he or she is to the person; and why it was refused."""

    requester_id: UUID | None = None
    relation: Relation | None = None
    ground: RestrictionGround


class RestrictionBody(Body):
    """Who is to learn nothing: an agency (`recipient`), or a person by id or relation. Exactly one of the three."""

    recipient: AgencyCode | None = None
    requester_id: UUID | None = None
    relation: Relation | None = None
    ground: RestrictionGround


class RestrictionView(BaseModel):
    """One entry of a person's do-not-disclose-to list."""

    restriction_id: UUID
    person_id: UUID
    recipient: str | None
    requester_id: UUID | None
    relation: Relation | None
    ground: RestrictionGround
    set_at: datetime
    set_by: UUID
    set_for: str
    lifted_at: datetime | None
    lifted_by: UUID | None


class RefusalView(BaseModel):
    """One access that was refused."""

    refusal_id: UUID
    person_id: UUID
    requester_id: UUID | None
    relation: Relation | None
    ground: RestrictionGround
    refused_at: datetime
    refused_by: UUID
    refused_for: str


class ListView(BaseModel):
    """Who is to learn nothing of a person, lifted ones included; and whose access was refused."""

    restrictions: list[RestrictionView]
    refused: list[RefusalView]


WHO = ("recipient", "requester_id", "relation")
LIFTED = "this restriction was lifted already"

router = APIRouter(tags=["restrictions"])


@router.post("/persons/{person_id}/restrictions", status_code=201)
@writes(*policy.RESTRICT)
async def restrict(person_id: UUID, body: RestrictionBody, tx: Transaction) -> RestrictionView:
    """Keep somebody from learning anything of a person: at once an agency's disclosures of her end, it hears no more of her cases, and her
    name, numbers and story are masked for its officers. It holds also for whom a merge makes one with her.
    """
    row, cases = await _locked(tx, person_id)
    named = [name for name in WHO if getattr(body, name) is not None]
    found = [(name, "exactly_one") for name in named or WHO if len(named) != 1]
    found += [("recipient", "own_agency")] if body.recipient == tx.principal.agency else []
    if not found:
        await agencies.require(tx, "recipient", body.recipient, ended_too=True)
    refuse("name exactly one who is to learn nothing, and another agency than your own", found)
    new = {
        "restriction_id": tx.new_id(f"restriction:{body.recipient}", row.case_id),
        "case_id": row.case_id,
        "person_id": person_id,
        **body.model_dump(),
        "set_at": tx.now,
        "set_by": tx.principal.subject,
        "set_for": tx.principal.agency,
        "lifted_at": None,
        "lifted_by": None,
    }
    await records.keep(tx, records.KEEP_RESTRICTIONS, [new])
    tx.audit("restricted", person_id, ["restriction"])
    await sharing.settle(tx, cases, [sharing.restriction_said(tx, new)])
    return RestrictionView.model_validate(new)


@router.post("/restrictions/{restriction_id}/lift")
@writes(*policy.LIFT_RESTRICTION)
async def lift(restriction_id: UUID, tx: Transaction) -> RestrictionView:
    """Take somebody off the list. What ended stays ended: a disclosure is made anew; an agency with a grant of its own hears what it missed."""
    found = await tx.row(records.RESTRICTION, {"restriction_id": restriction_id})
    if found is None:
        raise not_found("restriction")
    _, cases = await _locked(tx, found.person_id, "restriction")
    row: Any = await tx.row(records.RESTRICTION, {"restriction_id": restriction_id})
    if row.lifted_at is not None:
        raise conflict(LIFTED, state="lifted")
    lifted = row._asdict() | {"lifted_at": tx.now, "lifted_by": tx.principal.subject}
    await records.keep(tx, records.KEEP_RESTRICTIONS, [lifted])
    tx.audit("restriction_lifted", row.person_id, ["restriction"])
    await sharing.settle(tx, cases, [sharing.restriction_said(tx, lifted)])
    return RestrictionView.model_validate(lifted)


@router.get("/persons/{person_id}/restrictions")
@reads(*policy.RESTRICT)
async def restrictions(person_id: UUID, tx: Transaction) -> ListView:
    """Who is to learn nothing of a person, and whose access was refused. Whoever is on the list does not see it."""
    await _person(tx, person_id)
    tx.audit("restrictions_read", person_id, ["restriction"])
    kept, refused = [await tx.rows(question, {"person_id": person_id}) for question in (records.RESTRICTIONS, records.REFUSALS)]
    return ListView(
        restrictions=[RestrictionView.model_validate(row._asdict()) for row in kept],
        refused=[RefusalView.model_validate(row._asdict()) for row in refused],
    )


@router.post("/persons/{person_id}/access-refusals", status_code=201)
@writes(*policy.RESTRICT)
async def refuse_access(person_id: UUID, body: AccessBody, tx: Transaction) -> RefusalView:
    """Record that somebody asked for a person's data and did not get them, because that would endanger her or others (UU PDP art. 33)."""
    row = await _person(tx, person_id)
    nobody = body.requester_id is None and body.relation is None
    refuse("name who asked, by id or relation", [(name, "one_needed") for name in WHO[1:] if nobody])
    new = {
        "refusal_id": tx.new_id(f"refusal:{body.requester_id}", row.case_id),
        "case_id": row.case_id,
        "person_id": person_id,
        **body.model_dump(),
        "refused_at": tx.now,
        "refused_by": tx.principal.subject,
        "refused_for": tx.principal.agency,
    }
    await records.keep(tx, records.REFUSE_ACCESS, [new])
    tx.audit("access_refused", person_id, ["restriction"])
    return RefusalView.model_validate(new)


async def _person(tx: Transaction, person_id: UUID, what: str = "person") -> Any:
    """A person of a case that the asker may know of. To an agency that is to learn nothing of her she does not exist. Raises 404."""
    row = await tx.row(records.PERSON, {"person_id": person_id})
    if row is None:
        raise not_found(what)
    try:
        await seen(tx, row.case_id)
    except RefusedError:
        raise not_found(what) from None
    if await records.hidden(tx, [person_id]):
        raise not_found(what)
    return row


async def _locked(tx: Transaction, person_id: UUID, what: str = "person") -> tuple[Any, list[UUID]]:
    """The same, with her cases locked: also those of whom merges make one with her."""
    await _person(tx, person_id, what)
    cases = sorted(set((await pairs.one(tx, [person_id])).values()))
    await tx.lock(cases)
    return await _person(tx, person_id, what), cases
