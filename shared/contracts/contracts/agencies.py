"""The agencies' door: what an agency may submit, the receipt it gets, and the coarse copy of its cases that it may follow.

`Referral` is the only contract here that carries personal data; its stream is encrypted at rest, and a message is erased as soon as
intake has stored it. A receipt and a feed never say whether the person was known before.
"""

from datetime import datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Data, Event
from contracts.grounds import EndReason
from contracts.services import ServiceAnswer as Answer
from contracts.services import ServiceCode, ServiceReason
from contracts.vocabulary import (
    AgencyCode,
    AreaCode,
    AreaKind,
    Channel,
    CityCode,
    FieldPath,
    HouseholdRole,
    Need,
    Outcome,
    PostCode,
    PpksCategory,
    ProblemCode,
    RedFlag,
    ReporterRole,
    Risk,
    Sex,
    ShelterGround,
    ViolenceType,
)

Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9./_-]{0,63}$", description="the agency's own number for this case")]


class ReferredPerson(Data):
    """One person of the household, with what is known of her or him; everything but the role may be missing."""

    role: HouseholdRole = HouseholdRole.VICTIM
    name: str | None = Field(default=None, max_length=200)
    nik: str | None = Field(default=None, max_length=32, description="16 digits; optional always")
    sex: Sex = Sex.UNKNOWN
    age: int | None = Field(default=None, ge=0, le=120)
    phone: str | None = Field(default=None, max_length=40)
    address: str | None = Field(default=None, max_length=400)
    needs: tuple[Need, ...] = ()


class SafetyScreen(Data):
    """The short safety screen as the reporter answered it; intake's rule floor reads it."""

    red_flags: tuple[RedFlag, ...] = ()
    shelter_needed: bool | None = None
    shelter_grounds: tuple[ShelterGround, ...] = ()
    perpetrator_areas: tuple[AreaCode, ...] = ()


class Referral(Event):
    """An agency refers a household. Reference, urgency and a call-back are mandatory; whatever else is wrong or missing makes it incomplete."""

    type: ClassVar[str] = "referral.submitted.v1"
    stream: ClassVar[str] = "REFERRALS"
    producer: ClassVar[str] = "agency"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    reference: Reference
    urgency: Risk
    callback: str = Field(min_length=3, max_length=200, description="how the desk reaches the person who submits this")
    channel: Channel = Channel.AGENCY
    reporter: ReporterRole = ReporterRole.PROFESSIONAL
    area: AreaCode | None = None
    area_kind: AreaKind = AreaKind.INCIDENT
    persons: tuple[ReferredPerson, ...] = Field(default=(), max_length=30)
    violence_types: tuple[ViolenceType, ...] = ()
    ppks: PpksCategory | None = None
    occurred_at: datetime | None = None
    narrative: str | None = Field(default=None, max_length=20000)
    screen: SafetyScreen | None = None
    post: PostCode | None = None
    heard_at: datetime | None = Field(default=None, description="when the first person of the system heard of it; clocks run from then")

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """Referrals of all agencies; the second form is not used."""
        return "referral.*.submitted.v1", "referral.*.submitted.v1"


class ServiceAnswer(Event):
    """A provider answers a request for a service that its feed told it of; a decline says why."""

    type: ClassVar[str] = "referral.service_answered.v1"
    stream: ClassVar[str] = "REFERRALS"
    producer: ClassVar[str] = "agency"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    service_id: UUID
    answer: Answer
    reason: ServiceReason | None = None
    reference: Reference | None = Field(default=None, description="the provider's own number for this message; the receipt carries it again")

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """Answers of all agencies; the second form is not used."""
        return "referral.*.service_answered.v1", "referral.*.service_answered.v1"


class Problem(Data):
    """One field that is wrong or missing; never its value."""

    field: FieldPath
    code: ProblemCode


class Receipt(Event):
    """The answer to one submission: only a receipt, and never a broker's acknowledgement, means that intake has it."""

    stream: ClassVar[str] = "RECEIPTS"
    producer: ClassVar[str] = "intake"

    agency: AgencyCode
    reference: Reference | None = None
    service_id: UUID | None = Field(default=None, description="of an answer to a request for a service: which one")

    @property
    def route(self) -> str:
        """The agency's own subject."""
        return f"receipt.{self.agency}.{self.type.split('.', 1)[1]}"


class ReceiptAccepted(Receipt):
    """The case is open; follow it on `agency.<agency>.>` under this follow id."""

    type: ClassVar[str] = "receipt.accepted.v1"

    follow_id: UUID
    warnings: tuple[Problem, ...] = Field(default=(), description="what is odd and was taken as it is; nothing has to be done")


class ReceiptIncomplete(Receipt):
    """The case is open, and a desk will ask for these fields; or send the reference again under a new number with them."""

    type: ClassVar[str] = "receipt.incomplete.v1"

    follow_id: UUID
    problems: tuple[Problem, ...] = Field(min_length=1)


class ReceiptRejected(Receipt):
    """Nothing was opened: correct these fields and submit again."""

    type: ClassVar[str] = "receipt.rejected.v1"

    problems: tuple[Problem, ...] = Field(min_length=1)


class AgencyEvent(Event):
    """One coarse fact about a case that this agency takes part in; the envelope's subject is the agency's own follow id."""

    stream: ClassVar[str] = "AGENCIES"
    producer: ClassVar[str] = "intake"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    agency: AgencyCode
    city: CityCode

    @property
    def route(self) -> str:
        """The agency's own subject."""
        return f"agency.{self.agency}.{self.type.split('.', 1)[1]}"

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """This fact for every agency; the second form is not used."""
        subject = f"agency.*.{cls.type.split('.', 1)[1]}"
        return subject, subject


class CaseOpened(AgencyEvent):
    """The case is open; `reference` is the agency's own number when it referred the case."""

    type: ClassVar[str] = "agency.opened.v1"

    reference: Reference | None = None


class CaseTriaged(AgencyEvent):
    """The case was triaged; `responsible` says which agency leads."""

    type: ClassVar[str] = "agency.triaged.v1"

    risk: Risk
    responsible: AgencyCode


class ShelterSought(AgencyEvent):
    """A safe bed is being sought."""

    type: ClassVar[str] = "agency.shelter_sought.v1"


class Sheltered(AgencyEvent):
    """The household is in a safe place; which one is never said."""

    type: ClassVar[str] = "agency.sheltered.v1"


class ShelterEnded(AgencyEvent):
    """The stay ended."""

    type: ClassVar[str] = "agency.shelter_ended.v1"


class AssessmentBegan(AgencyEvent):
    """A social worker has the case."""

    type: ClassVar[str] = "agency.assessment_began.v1"


class CaseAssessed(AgencyEvent):
    """The assessment is complete."""

    type: ClassVar[str] = "agency.assessed.v1"


class CasePlanned(AgencyEvent):
    """A plan was approved."""

    type: ClassVar[str] = "agency.planned.v1"


class ServiceAsked(AgencyEvent):
    """Your agency is asked for a service for somebody of this case: answer with its `service_id`, by a message or by HTTP."""

    type: ClassVar[str] = "agency.service_requested.v1"

    service_id: UUID
    service: ServiceCode
    due_at: datetime


class ServiceOver(AgencyEvent):
    """Your agency is not asked for this service any more. Why is never said."""

    type: ClassVar[str] = "agency.service_ended.v1"

    service_id: UUID


class OutcomeReached(AgencyEvent):
    """The plan came true for a person."""

    type: ClassVar[str] = "agency.outcome_reached.v1"

    outcome: Outcome


class FollowedUp(AgencyEvent):
    """A follow-up took place."""

    type: ClassVar[str] = "agency.followed_up.v1"


class CaseEnded(AgencyEvent):
    """The case ended; nothing more comes under this follow id unless it is opened again."""

    type: ClassVar[str] = "agency.ended.v1"

    reason: EndReason


class CaseReopened(AgencyEvent):
    """A case that had ended goes on, under the same follow id."""

    type: ClassVar[str] = "agency.reopened.v1"
