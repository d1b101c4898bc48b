"""The escalation policy, version by version, and who is on call."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from chassis import FieldProblem, Principal, RefusedError, Transaction, not_found, reads, writes
from contracts.vocabulary import AgencyCode
from fastapi import APIRouter, Header
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Row

from notifications import policy
from notifications.escalation import duties, policies
from notifications.escalation.policies import EscalationPolicy

router = APIRouter()
LONGEST_DUTY = timedelta(days=31)


class PolicyView(BaseModel):
    """One version: the first is the operator's file, which holds for everything before the second."""

    version: int
    valid_from: datetime | None
    made_by: UUID | None
    policy: EscalationPolicy


class DutyBody(BaseModel):
    """Who is on call for a role of an agency, of one unit or of all; only an operator names the agency."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["shelter_head", "placement_officer", "supervisor"]
    officer: UUID
    unit: UUID | None = None
    agency: AgencyCode | None = None
    starts: AwareDatetime
    ends: AwareDatetime


class DutyView(BaseModel):
    """A duty in the plan."""

    id: UUID
    role: str
    agency: str
    unit: UUID | None
    officer: UUID
    starts: datetime
    ends: datetime
    taken_back_at: datetime | None


@router.get("/escalation/policies")
@reads(*policy.ON_CALL)
async def versions(tx: Transaction) -> list[PolicyView]:
    """All versions of the policy, the one that holds now last."""
    made = {row.version: row.made_by for row in await policies.stored(tx)}
    return [
        PolicyView(version=version, valid_from=since, made_by=made.get(version), policy=body)
        for version, body, since in (await policies.policies(tx)).versions
    ]


@router.post("/escalation/policies", status_code=201)
@writes(*policy.ESCALATION)
async def add(body: EscalationPolicy, tx: Transaction, if_match: Annotated[str | None, Header()] = None) -> PolicyView:
    """Let a policy hold for offers made from now on; what climbs already goes on as it began. Send the version that you saw as If-Match."""
    if if_match is None or not (seen := if_match.strip().strip('"')).isdigit():
        raise RefusedError(428, "send the version that you saw as If-Match", [FieldProblem("If-Match", "missing")])
    version = await policies.add(tx, body, int(seen))
    if version is None:
        newest = (await policies.policies(tx)).versions[-1][0]
        raise RefusedError(409, "somebody else changed the policy", version=newest, yours=seen[:20])
    return PolicyView(version=version, valid_from=tx.now, made_by=tx.principal.subject, policy=body)


@router.get("/on-call")
@reads(*policy.ON_CALL)
async def plan(tx: Transaction) -> list[DutyView]:
    """The duties of the agency that are not over; an operator sees all agencies'."""
    return [_view(row) for row in await duties.planned(tx, _scope(tx.principal))]


@router.post("/on-call", status_code=201)
@writes(*policy.ON_CALL)
async def add_duty(body: DutyBody, tx: Transaction) -> DutyView:
    """Put somebody on call: steps that say so tell her by name, beside all who hold the role."""
    agency = body.agency or tx.principal.agency
    if agency != tx.principal.agency and _scope(tx.principal) is not None:
        raise RefusedError(403, "an agency plans its own duties", [FieldProblem("agency", "wrong_agency")])
    if body.ends <= body.starts or body.ends <= tx.now:
        raise RefusedError(422, "a duty ends after it begins, and later than now", [FieldProblem("ends", "too_early")])
    if body.ends - body.starts > LONGEST_DUTY:
        raise RefusedError(422, "a duty lasts a month at most: plan several", [FieldProblem("ends", "too_late")])
    identity = tx.new_id("duty")
    await duties.add(tx, id=identity, **body.model_dump() | {"agency": agency})
    return await _seen(identity, tx)


@router.delete("/on-call/{duty_id}")
@writes(*policy.ON_CALL)
async def take_back(duty_id: UUID, tx: Transaction) -> DutyView:
    """Take a duty out of the plan; again changes nothing."""
    await _seen(duty_id, tx)
    await duties.take_back(tx, duty_id)
    return await _seen(duty_id, tx)


async def _seen(duty_id: UUID, tx: Transaction) -> DutyView:
    row = await duties.one(tx, duty_id, _scope(tx.principal))
    if row is None:
        raise not_found("duty")
    return _view(row)


def _scope(who: Principal) -> str | None:
    return None if who.has(policy.ALL_AGENCIES) else who.agency


def _view(row: Row[Any]) -> DutyView:
    return DutyView(**{name: getattr(row, name) for name in DutyView.model_fields})
