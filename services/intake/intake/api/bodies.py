"""What officers send about a case."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from contracts.consents import Purpose
from contracts.grounds import ClosureReturn, EndReason, HandoverReason, LegalBasis, OverrideReason, ReopenReason
from contracts.incidents import Act, IncidentPlace, LegalStep, PerpetratorRelation
from contracts.vocabulary import AgencyCode, AgeYears, AreaCode, HouseholdRole, JoinerPlace, Need, RedFlag, Risk, Sex, ShelterGround, ViolenceType
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
    responsible_unit: AgencyCode | None = Field(default=None, description="left out: by the agency's table")
    keep_apart: tuple[UUID, ...] | None = Field(default=None, description="whom you name beside the suspects; left out: as named before")
    perpetrator_areas: tuple[AreaCode, ...] | None = Field(default=None, description="which you name beside the suspects'; left out: as named before")
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
    """Why the case leaves the platform, for whom, and on which basis its persons are handed on."""

    agency: AgencyCode | None = None
    purpose: Purpose = Field(default=Purpose.CASE_WORK, description="to which each of the household consented")
    basis: LegalBasis = LegalBasis.CONSENT
    override: OverrideReason | None = Field(default=None, description="why it is done without consent; a supervisor answers for it")


# Without a bound a moment may lie before all that a store can keep, once it is turned to UTC.
Moment = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC))]


class PoliceReportBody(Body):
    """When the report to the police was made."""

    reported_at: Moment


class IncidentBody(Body):
    """One incident. `acts` are the GBVIMS questions that are answered with yes: left out when nobody asked them."""

    occurred_on: date | None = None
    area: AreaCode | None = None
    place: IncidentPlace | None = None
    relation: PerpetratorRelation | None = None
    violence_types: tuple[ViolenceType, ...] = ()
    acts: tuple[Act, ...] | None = None
    narrative: str | None = Field(default=None, max_length=20000, description="left out: as it is")


class SuspectBody(Body):
    """A suspect; a personal field that is left out stays as it is."""

    relation: PerpetratorRelation
    age: AgeYears | None = None
    areas: tuple[AreaCode, ...] = Field(default=(), max_length=10, description="the districts where he or she lives, works or waits")
    same_as: tuple[UUID, ...] = Field(default=(), max_length=20, description="persons of other cases whom he or she is known to be")
    name: str | None = Field(default=None, max_length=200)
    nik: str | None = Field(default=None, max_length=16)
    address: str | None = Field(default=None, max_length=400)


class JoinerBody(Body):
    """Where somebody sleeps who joined a household that is in a shelter."""

    place: JoinerPlace


class LegalStepBody(Body):
    """What was done, on which day, and until when it holds; without a day of its end a protection holds as long as the law lets it."""

    code: LegalStep
    on: date
    expires_on: date | None = None


class ReturnClosureBody(Body):
    """Why the case is not closed."""

    reason: ClosureReturn


class ReopenBody(Body):
    """Why the case goes on."""

    reason: ReopenReason


class HandoverBody(Body):
    """Which agency is to lead, and why."""

    agency: AgencyCode
    reason: HandoverReason


class TakeOverBody(Body):
    """Which unit of yours takes the case."""

    unit: AgencyCode | None = None


class DeclineBody(Body):
    """Why your agency does not take the case."""

    reason: HandoverReason
