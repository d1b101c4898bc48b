"""What the routes of offers and stays take and show: codes from closed lists, and nobody's name."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from contracts.vocabulary import (
    AgencyCode,
    AgeYears,
    Agreement,
    AreaCode,
    CancelReason,
    DeclineReason,
    Destination,
    HouseholdRole,
    Need,
    PpksCategory,
    Sex,
)
from pydantic import BaseModel, Field

from placement.api.bodies import Body
from placement.domain.homes import summary
from placement.domain.needs import Need as Waiting
from placement.domain.people import Person
from placement.domain.placements import Agreed, Placement

ByPeople = Literal[CancelReason.SURVIVOR_DECLINED, CancelReason.SURVIVOR_UNREACHABLE, CancelReason.NO_LONGER_NEEDED]


class DeclineBody(Body):
    """Why the head says no."""

    reason: DeclineReason


class CancelBody(Body):
    """Why people take an offer back."""

    reason: ByPeople


class AgreementBody(Body):
    """How one person agreed; a legal ground has an end date."""

    person_id: UUID
    agreement: Agreement
    legal_ground_until: date | None = None

    def agreed(self) -> Agreed:
        """In the domain's words."""
        return Agreed(self.person_id, self.agreement.value, self.legal_ground_until if self.agreement is Agreement.LEGAL_GROUND else None)


class AdmitBody(Body):
    """How each member of the household agreed."""

    agreements: tuple[AgreementBody, ...] = Field(max_length=30)


class LeaveBody(Body):
    """Who leaves by her own choice."""

    persons: frozenset[UUID] = Field(min_length=1, max_length=30)


class DischargeBody(LeaveBody):
    """Who goes, and where to."""

    destination: Destination


class ArrivedBody(Body):
    """A person at the door, and how she agreed to come in."""

    sex: Sex
    age: AgeYears | None = None
    role: HouseholdRole = HouseholdRole.VICTIM
    needs: frozenset[Need] = frozenset()
    agreement: Agreement
    legal_ground_until: date | None = None

    def person(self, person_id: UUID) -> Person:
        """In the domain's words."""
        return Person(person_id, self.sex.value, self.age, self.role.value, frozenset(need.value for need in self.needs))

    def agreed(self, person_id: UUID) -> Agreed:
        """In the domain's words."""
        return AgreementBody(person_id=person_id, agreement=self.agreement, legal_ground_until=self.legal_ground_until).agreed()


class AdmissionBody(Body):
    """People at a shelter's door whom nobody reported yet, and who brought them."""

    shelter_id: UUID
    persons: tuple[ArrivedBody, ...] = Field(min_length=1, max_length=30)
    brought_by: AgencyCode
    area: AreaCode
    ppks: PpksCategory | None = None


class MemberView(BaseModel):
    """A person of a placement: codes, no name."""

    person_id: UUID
    sex: str
    age: int | None
    role: str
    needs: tuple[str, ...]
    bed_id: UUID | None


class PlacementView(BaseModel):
    """An offer and what became of it; the members only for those who may see placements."""

    placement_id: UUID
    case_id: UUID
    shelter_id: UUID
    state: str
    offered_at: datetime
    hold_until: datetime | None
    arrive_by: datetime | None
    admitted_at: datetime | None
    review_on: date | None
    reason: str | None
    direct: bool
    members: tuple[MemberView, ...]

    @classmethod
    def of(cls, entry: Placement, beds: dict[UUID, UUID]) -> Self:
        """A placement with its beds (bed ids by person id); without beds nobody is named."""
        members = tuple(
            MemberView(person_id=p.id, sex=p.sex, age=p.age, role=p.role, needs=tuple(sorted(p.needs)), bed_id=beds.get(p.id)) for p in entry.members
        )
        names = set(cls.model_fields) - {"placement_id", "members", "state"}
        return cls(placement_id=entry.id, state=entry.state.value, members=members, **{name: getattr(entry, name) for name in names})


class RefusalView(BaseModel):
    """Why one shelter did not suit."""

    shelter_id: UUID
    rule: str
    fact: str


class NeedView(BaseModel):
    """A household that looks for a home."""

    case_id: UUID
    state: str
    risk: str
    persons: int
    waiting_since: datetime | None
    review_at: datetime | None
    refusals: dict[str, int]
    reasons: tuple[RefusalView, ...]

    @classmethod
    def of(cls, need: Waiting) -> Self:
        """A need as officers see it."""
        return cls(
            case_id=need.case_id,
            state=need.state.value,
            risk=need.risk,
            persons=len(need.persons),
            waiting_since=need.waiting_since,
            review_at=need.review_at,
            refusals=summary(need.reasons),
            # Secret shelters are one in the counts; rule by rule they are told in the explanation, to supervisors, and audited.
            reasons=tuple(RefusalView(shelter_id=entry.home, rule=entry.rule, fact=entry.fact) for entry in need.reasons if not entry.secret),
        )
