"""What the routes of the register take and show: strict bodies with closed code lists, and views without addresses."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from contracts.vocabulary import (
    AgeYears,
    AreaCode,
    Need,
    RuleCode,
    Sex,
)
from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import Row

from placement.api.bodies import Body
from placement.domain.parameters import PARAMETERS, out_of_bounds
from placement.store.register import HIDDEN

Name = Annotated[str, Field(min_length=1, max_length=120)]
Band = Literal["available", "not_available"]
ClosureKind = Literal["closed", "full"]


class RoomFacts(Body):
    """What a room is."""

    name: Name
    family: bool = False
    accessible: bool = False
    isolation: bool = False


class RoomBody(RoomFacts):
    """A room to be added, with its beds, and the unit that it is in, if any."""

    room_id: UUID
    unit_id: UUID | None = None
    beds: tuple[UUID, ...] = Field(default=(), max_length=200)


class PopulationFacts(Body):
    """Whom a shelter or a unit serves; ages in years, `boys_max_age` for boys who come with a woman where men are not served."""

    sexes: frozenset[Literal[Sex.FEMALE, Sex.MALE]] = Field(min_length=1)
    min_age: AgeYears = 0
    max_age: AgeYears = 120
    boys_max_age: AgeYears | None = None

    @model_validator(mode="after")
    def ages_in_order(self) -> Self:
        """The youngest served is not older than the oldest."""
        if self.min_age > self.max_age:
            message = "min_age is above max_age"
            raise ValueError(message)
        return self

    def columns(self) -> dict[str, Any]:
        """As the register keeps it."""
        values = {name: getattr(self, name) for name in type(self).facts()}
        lists = {name: sorted(code.value for code in values[name]) for name in ("sexes", "accepts_needs") if name in values}
        return values | lists

    @classmethod
    def facts(cls) -> tuple[str, ...]:
        """The names of what is said, apart from ids and what is sealed."""
        return tuple(PopulationFacts.model_fields)


class ShelterFacts(PopulationFacts):
    """What a shelter is and whom it serves; `stay_review_days` until a stay is reviewed, `parameters` its own values of rules."""

    name: Name
    kind: RuleCode
    secret: bool = False
    area: AreaCode
    accepts_needs: frozenset[Need] = frozenset()
    stay_review_days: int = Field(ge=1, le=3650)
    grounds_required: bool = False
    open: bool = True
    parameters: dict[Annotated[str, Field(max_length=40)], int] = Field(default={}, max_length=len(PARAMETERS))

    @field_validator("kind")
    @classmethod
    def not_reserved(cls, kind: str) -> str:
        """One kind stands for all secret shelters."""
        if kind == HIDDEN:
            raise PydanticCustomError("reserved", "this kind stands for all secret shelters")
        return kind

    @field_validator("parameters")
    @classmethod
    def known_parameters(cls, values: dict[str, int]) -> dict[str, int]:
        """Only rules that may be set, within their bounds."""
        if problems := out_of_bounds(values):
            raise PydanticCustomError(f"parameter_{problems[0][1]}", "a parameter is not known or out of its bounds")
        return values

    @classmethod
    def facts(cls) -> tuple[str, ...]:
        """The names of what is said of a shelter."""
        return tuple(ShelterFacts.model_fields)


class UnitFacts(PopulationFacts):
    """What a unit of a shelter is, and whom it serves."""

    name: Name

    @classmethod
    def facts(cls) -> tuple[str, ...]:
        """The names of what is said of a unit."""
        return tuple(UnitFacts.model_fields)


class UnitBody(UnitFacts):
    """A unit to be added."""

    unit_id: UUID


class ShelterBody(ShelterFacts):
    """A shelter to be registered, with rooms and beds; address and phone are sealed and never answered but on their own route."""

    shelter_id: UUID
    address: str = Field(min_length=1, max_length=400)
    intake_phone: str = Field(min_length=1, max_length=40)
    units: tuple[UnitBody, ...] = Field(default=(), max_length=50)
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
    """A shelter in the list, and when somebody last looked who is there; all secret ones are one row of which only the band is told.

    `open` is whether it takes anybody now.
    """

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
    closed_as: ClosureKind | None = None
    free_beds: int | None = None
    confirmed_at: datetime | None = None

    @classmethod
    def of(cls, row: Row[Any], *, counted: bool) -> Self:
        """A row of the register; the number of free beds only for those who place."""
        names = set(cls.model_fields) - {"shelter_id", "availability", "free_beds"}
        known = {name: value for name, value in row._mapping.items() if name in names}  # noqa: SLF001 - SQLAlchemy's public name for it
        return cls(
            **known,
            shelter_id=row.id,
            # An offer that nobody said yes to yet shows only to those who place: it would tell who asked for it where it was not made.
            availability="available" if row.open and row.free + (0 if counted else row.offered) else "not_available",
            free_beds=row.free if counted else None,
        )


class OverflowView(BaseModel):
    """A bed for need only, and who answers for it."""

    bed_id: UUID
    approved_by: UUID
    approved_at: datetime


class RoomView(BaseModel):
    """A room with its beds."""

    room_id: UUID
    name: str
    family: bool
    accessible: bool
    isolation: bool
    unit_id: UUID | None = None
    beds: tuple[UUID, ...]
    out_of_service: tuple[UUID, ...] = ()
    overflow: tuple[OverflowView, ...] = ()

    @classmethod
    def of(cls, row: Row[Any], overflow: Iterable[Row[Any]]) -> Self:
        """A room of the register, with its beds of need."""
        names = set(cls.model_fields) - {"room_id", "overflow"}
        needed = tuple(OverflowView(bed_id=b.id, approved_by=b.overflow_approved_by, approved_at=b.overflow_approved_at) for b in overflow)
        return cls(room_id=row.id, overflow=needed, **{name: getattr(row, name) for name in names})


class UnitView(BaseModel):
    """A unit, and the version to name in `If-Match`."""

    unit_id: UUID
    shelter_id: UUID
    name: str
    sexes: tuple[str, ...]
    min_age: int
    max_age: int
    boys_max_age: int | None
    version: int

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """A unit of the register."""
        return cls(unit_id=row.id, **{name: getattr(row, name) for name in set(cls.model_fields) - {"unit_id"}})


class ClosureView(BaseModel):
    """Why a shelter takes nobody, and until when; no end is until somebody opens it."""

    closure_id: UUID
    kind: ClosureKind
    since: datetime
    until: datetime | None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """A closure of the register."""
        return cls(closure_id=row.id, kind=row.kind, since=row.since, until=row.until)


class ShelterView(ShelterFacts):
    """A shelter with its units and rooms, for those who keep or use the register; `open` is what its keepers say, whatever closes it now."""

    # Nobody, of a shelter that a restored store knows by its id only, until somebody says what it is.
    sexes: frozenset[Literal[Sex.FEMALE, Sex.MALE]] = frozenset()
    shelter_id: UUID
    version: int
    units: tuple[UnitView, ...]
    rooms: tuple[RoomView, ...]
    closures: tuple[ClosureView, ...] = ()
    confirmed_at: datetime | None = None


class AddressView(BaseModel):
    """Where a shelter is and how it is called; told by voice only, to who needs it."""

    shelter_id: UUID
    address: str
    intake_phone: str


class OccupancyRow(BaseModel):
    """How full a shelter is, and when somebody last looked; of the secret ones together a band, and numbers only for those who place."""

    kind: str
    availability: Band
    shelter_id: UUID | None = None
    name: str | None = None
    beds: int | None = None
    people: int | None = None
    held: int | None = None
    free: int | None = None
    out_of_service: int | None = None
    cleaning: int | None = None
    overflow: int | None = None
    closed_as: ClosureKind | None = None
    confirmed_at: datetime | None = None
