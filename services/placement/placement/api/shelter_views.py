"""What the routes of the register take and show: strict bodies with closed code lists, and views without addresses."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from contracts.vocabulary import (
    AgeYears,
    AreaCode,
    Need,
    RuleCode,
    Sex,
)
from pydantic import BaseModel, Field, model_validator
from sqlalchemy import Row

from placement.api.bodies import Body

Name = Annotated[str, Field(min_length=1, max_length=120)]
Band = Literal["available", "not_available"]


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
            # An offer that nobody said yes to yet shows only to those who place: it would tell who asked for it where it was not made.
            availability="available" if row.open and row.free + (0 if counted else row.offered) else "not_available",
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
