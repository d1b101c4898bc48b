"""The routes of the register of agencies: who takes part, and how an operator keeps that."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from chassis import FieldProblem, RefusedError, Transaction, conflict, not_found, reads, writes
from contracts.register import AgencyKind, AgencyRegistered, AreaBeginning
from contracts.vocabulary import AgencyCode, ProblemCode
from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from intake import agencies, policy, store
from intake.api.bodies import Body

CHANGED_MEANWHILE = "somebody else changed this entry since you read it"
router = APIRouter(prefix="/agencies", tags=["agencies"])
IfMatch = Annotated[str | None, Header(alias="If-Match", description="the version that was read; left out for an agency that is new")]


class AgencyBody(Body):
    """An agency's entry, as it is to be from now on."""

    name: str = Field(min_length=2, max_length=200)
    kind: AgencyKind
    units: tuple[AgencyCode, ...] = Field(default=(), max_length=200, description="of cases that it leads; left out: any")
    areas: tuple[AreaBeginning, ...] = Field(default=(), max_length=200, description="that it serves; left out: all")
    active: bool = Field(default=True, description="an agency that takes part no more is kept: cases name it")


class AgencyView(BaseModel):
    """An agency that takes part. Of one whom only the settings name nothing but its code and units is known."""

    code: str
    name: str | None = None
    kind: AgencyKind | None = None
    units: list[str]
    areas: list[str] = []
    active: bool
    version: int = 0
    leads: bool = Field(default=False, description="named by the operator's settings: it leads cases")


class RegisterView(BaseModel):
    """The register. As long as nobody keeps it (`kept` is false) no code is refused; `unregistered` reported and are not in it."""

    kept: bool
    agencies: list[AgencyView]
    unregistered: list[str] = Field(default=[], description="for operators and supervisors")


class VersionView(AgencyView):
    """An entry as it was from a time on."""

    changed_at: datetime
    changed_by: UUID | None


@router.get("")
@reads(*policy.SEE_REGISTER)
async def list_agencies(tx: Transaction) -> RegisterView:
    """All agencies that take part, with their units, areas and kinds."""
    rows = {row.code: row._asdict() for row in await tx.rows(agencies.NEWEST)}
    found, leading = await agencies.register(tx), agencies.by_settings(tx.settings)
    shown = [
        AgencyView.model_validate(
            {**rows.get(code, {}), "code": code, "units": sorted(entry.units), "active": entry.active, "leads": code in leading}
        )
        for code, entry in sorted(found.entries.items())
    ]
    reported = await tx.rows(agencies.REPORTED) if tx.principal.has(*policy.SEE_UNREGISTERED) else ()
    return RegisterView(kept=found.kept, agencies=shown, unregistered=[row.agency for row in reported if row.agency not in found.entries])


@router.get("/{code}/versions")
@reads(*policy.KEEP_REGISTER)
async def versions(code: AgencyCode, tx: Transaction) -> list[VersionView]:
    """What an agency's entry was when, the newest first."""
    found = await tx.rows(agencies.VERSIONS, {"code": code})
    if not found:
        raise not_found("agency")
    return [VersionView.model_validate(row._asdict()) for row in found]


@router.put("/{code}")
@writes(*policy.KEEP_REGISTER)
async def put_agency(code: AgencyCode, body: AgencyBody, tx: Transaction, if_match: IfMatch = None) -> AgencyView:
    """Put an agency into the register, or write its entry anew; 409 with both values when somebody else changed it since the version in `If-Match`."""
    now: Any = await tx.row(agencies.VERSIONS, {"code": code})
    agency_id = now.agency_id if now else tx.new_id(f"agency:{code}")
    await tx.lock([agency_id])
    now = await tx.row(agencies.VERSIONS, {"code": code})
    _check_version(now, body, if_match)
    version = now.version + 1 if now else 1
    row = {"code": code, "version": version, "agency_id": agency_id, **body.model_dump(mode="json"), "changed_at": tx.now}
    await store.apply(tx, agencies.ADD, [row | {"changed_by": tx.principal.subject}])
    fact = AgencyRegistered.model_validate({name: value for name, value in row.items() if name in AgencyRegistered.model_fields})
    tx.emit(fact, agency_id, key=str(version))
    return AgencyView.model_validate({**row, "leads": code in agencies.by_settings(tx.settings)})


def _check_version(now: Any, body: AgencyBody, if_match: str | None) -> None:
    if now is not None and if_match is None:
        raise RefusedError(428, "send If-Match with the version that you read", [FieldProblem("If-Match", ProblemCode.MISSING)])
    if if_match is not None and if_match.strip('W/"') != str(now.version if now else 0):
        current = {name: getattr(now, name) for name in AgencyBody.model_fields} if now else None
        raise conflict(CHANGED_MEANWHILE, version=now.version if now else 0, current=current, sent=body.model_dump(mode="json"))
