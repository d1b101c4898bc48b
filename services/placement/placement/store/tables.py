"""The tables of placement: shelters with their rooms and beds, what is needed, what was offered, and who stays."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSTZRANGE
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Base(SQLModel, registry=registry()):
    """The tables of this store and no other."""


metadata = Base.metadata
MOMENT: Any = DateTime(timezone=True)


def _list(kind: Any) -> Any:
    return Field(sa_column=Column(ARRAY(kind), nullable=False))


class ShelterRow(Base, table=True):
    """A shelter. Its address and phone are sealed with a key of its own."""

    __tablename__ = "shelter"
    id: UUID = Field(primary_key=True)
    name: str
    kind: str
    secret: bool
    area: str
    sexes: list[str] = _list(Text)
    min_age: int
    max_age: int
    boys_max_age: int | None
    accepts_needs: list[str] = _list(Text)
    stay_review_days: int
    grounds_required: bool
    open: bool
    version: int
    address_sealed: bytes = Field(sa_type=LargeBinary)
    phone_sealed: bytes = Field(sa_type=LargeBinary)


class RoomRow(Base, table=True):
    """A room of a shelter."""

    __tablename__ = "room"
    id: UUID = Field(primary_key=True)
    shelter_id: UUID = Field(foreign_key="shelter.id")
    name: str
    family: bool
    accessible: bool
    isolation: bool


class BedRow(Base, table=True):
    """A bed of a room; whether it is free is never stored."""

    __tablename__ = "bed"
    id: UUID = Field(primary_key=True)
    room_id: UUID = Field(foreign_key="room.id")
    out_of_service: bool


class AvailabilityRow(Base, table=True):
    """What was last said of a kind of shelter; all secret ones are the kind `secret`."""

    __tablename__ = "availability"
    kind: str = Field(primary_key=True)
    band: str


class NeedRow(Base, table=True):
    """What intake last said of a case, and where its household's search for a home stands."""

    __tablename__ = "need"
    case_id: UUID = Field(primary_key=True)
    version: int = Field(sa_type=BigInteger)
    household_version: int = Field(sa_type=BigInteger)
    revision: int = Field(sa_type=BigInteger)
    persons: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    risk: str
    grounds: list[str] = _list(Text)
    keep_apart: list[UUID] = _list(Uuid)
    perpetrator_areas: list[str] = _list(Text)
    medical_gate: bool
    shelter_needed: bool
    ended: bool
    state: str
    waiting_since: datetime | None = Field(sa_type=MOMENT)
    declined: list[UUID] = _list(Uuid)
    not_now: list[UUID] = _list(Uuid)
    settled_version: int = Field(sa_type=BigInteger)
    waitlisted: bool
    review_at: datetime | None = Field(sa_type=MOMENT)
    reasons: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    channel: str | None = None
    area: str | None = None
    part_of: UUID | None = None
    area_changes: int = 0
    apart: list[UUID] = _list(Uuid)
    kept_from: list[UUID] = _list(Uuid)
    end_version: int = Field(default=0, sa_type=BigInteger)


class PlacementRow(Base, table=True):
    """A home offered to a household, and what became of it."""

    __tablename__ = "placement"
    id: UUID = Field(primary_key=True)
    case_id: UUID
    shelter_id: UUID = Field(foreign_key="shelter.id")
    state: str
    revision: int = Field(sa_type=BigInteger)
    members: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    offered_at: datetime = Field(sa_type=MOMENT)
    hold_until: datetime | None = Field(sa_type=MOMENT)
    ladder_until: datetime | None = Field(sa_type=MOMENT)
    arrive_by: datetime | None = Field(sa_type=MOMENT)
    admitted_at: datetime | None = Field(sa_type=MOMENT)
    review_on: date | None
    reason: str | None
    direct: bool
    decided_by: UUID | None
    transfer_of: UUID | None = None
    part_of: UUID | None = None
    claimed_by: UUID | None = None
    claimed_until: datetime | None = Field(default=None, sa_type=MOMENT)
    recorded_by: UUID | None = None
    decided_at: datetime | None = Field(default=None, sa_type=MOMENT)
    handover: str | None = None
    decision_id: UUID | None = None
    overrides: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    re_entry: bool = False


class StayRow(Base, table=True):
    """A person in a bed, or a bed held for her: two that overlap, of one bed or of one person, are refused by the database."""

    __tablename__ = "stay"
    placement_id: UUID = Field(primary_key=True, foreign_key="placement.id")
    person_id: UUID = Field(primary_key=True)
    bed_id: UUID = Field(foreign_key="bed.id")
    case_id: UUID
    sex: str
    small: bool
    during: Any = Field(sa_column=Column(TSTZRANGE, nullable=False))
    ended_as: str | None
    in_it: Any = Field(default=None, sa_column=Column(TSTZRANGE, nullable=True))


class AgreementRow(Base, table=True):
    """How a person agreed to be admitted, and who recorded it."""

    __tablename__ = "agreement"
    placement_id: UUID = Field(primary_key=True, foreign_key="placement.id")
    person_id: UUID = Field(primary_key=True)
    agreement: str
    legal_ground_until: date | None
    recorded_by: UUID
    recorded_at: datetime = Field(sa_type=MOMENT)


def _table(row: Any) -> Table:
    table: Table = row.__table__
    return table


NEED, PLACEMENT, STAY = map(_table, (NeedRow, PlacementRow, StayRow))
