"""What the routes take and show: strict bodies with closed code lists, and views without names or addresses."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
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
    RuleCode,
    Sex,
)
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Row

from placement.domain.homes import summary
from placement.domain.needs import Need as Waiting
from placement.domain.people import Person
from placement.domain.placements import Agreed, Placement

Name = Annotated[str, Field(min_length=1, max_length=120)]
ByPeople = Literal[CancelReason.SURVIVOR_DECLINED, CancelReason.SURVIVOR_UNREACHABLE, CancelReason.NO_LONGER_NEEDED]
Band = Literal["available", "not_available"]


class Body(BaseModel):
    """What a request says; fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# -- shelters -------------------------------------------------------------------------------------------------------------------------


class BedBody(Body):
    """A bed to be added."""

    bed_id: UUID


class BedChange(Body):
    """Whether a bed may be used."""

    out_of_service: bool


class RoomFacts(Body):
    """What a room is."""

    name: Name
    family: bool = False
    accessible: bool = False
    isolation: bool = False


class RoomBody(RoomFacts):
    """A room to be added, with its beds."""

    room_id: UUID
    beds: tuple[UUID, ...] = Field(default=(), max_length=200)


class ShelterFacts(Body):
    """Whom a shelter serves; ages in years, `stay_review_days` until a stay is reviewed."""

    name: Name
    kind: RuleCode
    secret: bool = False
    area: AreaCode
    sexes: frozenset[Literal[Sex.FEMALE, Sex.MALE]] = Field(min_length=1)
    min_age: AgeYears = 0
    max_age: AgeYears = 120
    boys_max_age: AgeYears | None = None
    accepts_needs: frozenset[Need] = frozenset()
    stay_review_days: int = Field(ge=1, le=3650)
    grounds_required: bool = False
    open: bool = True

    @model_validator(mode="after")
    def ages_in_order(self) -> Self:
        """The youngest served is not older than the oldest."""
        if self.min_age > self.max_age:
            message = "min_age is above max_age"
            raise ValueError(message)
        return self

    def columns(self) -> dict[str, Any]:
        """As the register keeps it."""
        values = self.model_dump(include=set(ShelterFacts.model_fields))
        lists = {name: sorted(code.value for code in values[name]) for name in ("sexes", "accepts_needs")}
        return values | lists


class ShelterBody(ShelterFacts):
    """A shelter to be registered, with rooms and beds; address and phone are sealed and never answered but on their own route."""

    shelter_id: UUID
    address: str = Field(min_length=1, max_length=400)
    intake_phone: str = Field(min_length=1, max_length=40)
    rooms: tuple[RoomBody, ...] = Field(default=(), max_length=200)


class ShelterChange(ShelterFacts):
    """A shelter as it is to be; address and phone stay when they are left out."""

    address: str | None = Field(default=None, min_length=1, max_length=400)
    intake_phone: str | None = Field(default=None, min_length=1, max_length=40)


class Registered(BaseModel):
    """What was registered, and the version to name in `If-Match`."""

    shelter_id: UUID
    version: int


class ShelterRow(BaseModel):
    """A shelter in the list; all secret ones are one row of which only the band is told."""

    kind: str
    availability: Band
    shelter_id: UUID | None = None
    name: str | None = None
    secret: bool = False
    area: str | None = None
    sexes: tuple[str, ...] | None = None
    min_age: int | None = None
    max_age: int | None = None
    boys_max_age: int | None = None
    accepts_needs: tuple[str, ...] | None = None
    grounds_required: bool | None = None
    open: bool | None = None
    version: int | None = None
    free_beds: int | None = None

    @classmethod
    def of(cls, row: Row[Any], *, counted: bool) -> Self:
        """A row of the register; the number of free beds only for those who place."""
        names = set(cls.model_fields) - {"shelter_id", "availability", "free_beds"}
        known = {name: value for name, value in row._mapping.items() if name in names}  # noqa: SLF001 - SQLAlchemy's public name for it
        return cls(
            **known,
            shelter_id=row.id,
            availability="available" if row.open and row.free else "not_available",
            free_beds=row.free if counted else None,
        )


class RoomView(BaseModel):
    """A room with its beds."""

    room_id: UUID
    name: str
    family: bool
    accessible: bool
    isolation: bool
    beds: tuple[UUID, ...]
    out_of_service: tuple[UUID, ...] = ()


class ShelterView(ShelterFacts):
    """A shelter with its rooms, for those who keep or use the register."""

    shelter_id: UUID
    version: int
    rooms: tuple[RoomView, ...]


class AddressView(BaseModel):
    """Where a shelter is and how it is called; told by voice only, to who needs it."""

    shelter_id: UUID
    address: str
    intake_phone: str


class OccupancyRow(BaseModel):
    """How full a shelter is; of the secret ones together a band, and numbers only for those who place."""

    kind: str
    availability: Band
    shelter_id: UUID | None = None
    name: str | None = None
    beds: int | None = None
    people: int | None = None
    held: int | None = None
    free: int | None = None
    out_of_service: int | None = None


# -- placements -----------------------------------------------------------------------------------------------------------------------


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
            reasons=tuple(RefusalView(shelter_id=entry.home, rule=entry.rule, fact=entry.fact) for entry in need.reasons),
        )
