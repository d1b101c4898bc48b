"""What officers are shown of a case."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.incidents import AgeBand
from contracts.vocabulary import HouseholdRole, Need, Risk, Sex
from pydantic import BaseModel

from intake.domain.standing import State

MASK = "•••"


class CaseLine(BaseModel):
    """A case in a list."""

    case_id: UUID
    state: State
    waiting_for: list[str]
    missed: list[str]
    risk: Risk | None
    urgency: Risk
    reporting_agency: str
    responsible_agency: str
    channel: str
    area: str
    opened_at: datetime
    changed_at: datetime


class PersonView(BaseModel):
    """A member of the household; names and numbers masked for those who may not see them."""

    person_id: UUID
    role: HouseholdRole
    sex: Sex
    age: int | None
    needs: list[Need]
    age_band: AgeBand | None = None
    name: str | None
    nik: str | None
    phone: str | None
    address: str | None


class CaseView(CaseLine):
    """A case."""

    revision: int
    area_kind: str
    violence_types: list[str]
    ppks: int | None
    screen: dict[str, Any]
    occurred_at: datetime | None
    heard_at: datetime | None
    reporter: str | None
    post: str | None
    police_report_at: datetime | None
    narrative: str | None
    callback: str | None
    persons: list[PersonView]


class FactView(BaseModel):
    """One entry of a case's timeline; codes only."""

    type: str
    producer: str
    at: datetime
    codes: dict[str, Any]


class StandingView(BaseModel):
    """Where a case stands after what was just done."""

    case_id: UUID
    state: State
    waiting_for: list[str]
    risk: Risk | None
    revision: int
