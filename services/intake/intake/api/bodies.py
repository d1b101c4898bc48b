"""What officers send about a case."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from contracts.vocabulary import (
    AgencyCode,
    AgeYears,
    AreaCode,
    EndReason,
    HouseholdRole,
    Need,
    RedFlag,
    Risk,
    Sex,
    ShelterGround,
)
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Body(BaseModel):
    """A body: nothing but its fields."""

    model_config = ConfigDict(extra="forbid")


class TriageBody(Body):
    """What a triage settles."""

    risk: Risk
    red_flags: tuple[RedFlag, ...] = ()
    shelter_needed: bool
    shelter_grounds: tuple[ShelterGround, ...] = ()
    responsible_agency: AgencyCode | None = Field(default=None, description="left out: as it is, or by the kind of case")
    keep_apart: tuple[UUID, ...] = ()
    perpetrator_areas: tuple[AreaCode, ...] = ()
    medical_gate: bool = False


class MemberBody(Body):
    """A member of the household; a personal field that is left out stays as it is."""

    person_id: UUID | None = Field(default=None, description="left out for someone who joins")
    role: HouseholdRole
    sex: Sex
    age: AgeYears | None = None
    needs: tuple[Need, ...] = ()
    name: str | None = Field(default=None, max_length=200)
    nik: str | None = Field(default=None, max_length=16)
    phone: str | None = Field(default=None, max_length=40)
    address: str | None = Field(default=None, max_length=400)


class HouseholdBody(Body):
    """All who belong to the household now; who is not in it has left it."""

    persons: tuple[MemberBody, ...] = Field(min_length=1, max_length=30)


class EndBody(Body):
    """Why the case ends."""

    reason: EndReason


class ReferOutBody(EndBody):
    """Why the case leaves the platform, and for whom."""

    agency: AgencyCode | None = None


# Without a bound a moment may lie before all that a store can keep, once it is turned to UTC.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC))]


class PoliceReportBody(Body):
    """When the report to the police was made."""

    reported_at: Moment
