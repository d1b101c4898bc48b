"""What the routes of beds, closures, nights and conflicts take and show: ids, codes and times, and nobody's name."""

from datetime import date, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from placement.api.bodies import Body
from placement.api.shelter_views import ClosureKind, ClosureView
from placement.domain.beds import BedState, Standing


class BedBody(Body):
    """A bed to be added."""

    bed_id: UUID


class BedChange(Body):
    """Whether a bed may be used; out of service it may be from and until a time, otherwise from now and until somebody says so."""

    out_of_service: bool
    since: AwareDatetime | None = Field(default=None, alias="from")
    until: AwareDatetime | None = None


class UnitChoice(Body):
    """The unit that a room is in; none is the shelter's own population."""

    unit_id: UUID | None


class ClosureBody(Body):
    """Why a shelter takes nobody: closed, or full for the time being; who sleeps there stays."""

    kind: ClosureKind
    until: AwareDatetime | None = None


class CensusBody(Body):
    """Who slept in a shelter that night, and who was not there; everyone who stays there is in one of the two."""

    night: date
    present: frozenset[UUID] = Field(default=frozenset(), max_length=2000)
    absent: frozenset[UUID] = Field(default=frozenset(), max_length=2000)


class ConflictBody(Body):
    """A person or a case that somebody of the staff must not meet."""

    about: UUID


class BedRow(BaseModel):
    """One bed of the board; who has it, and by which placement, only for those who may see placements."""

    bed_id: UUID
    room_id: UUID
    room: str
    unit_id: UUID | None
    unit: str | None
    overflow: bool
    state: BedState
    until: datetime | None
    person_id: UUID | None = None
    placement_id: UUID | None = None
    to_look_into: bool | None = None

    @classmethod
    def of(cls, place: "Place", standing: Standing, *, absent: frozenset[UUID], named: bool) -> Self:
        """A bed as it is now; `absent` are those who were not found there last night."""
        use = standing.use
        missing = use is not None and use.inside and use.person_id in absent
        return cls(
            **place.model_dump(),
            state=standing.state,
            until=standing.until,
            person_id=use.person_id if use and named else None,
            placement_id=use.placement_id if use and named else None,
            to_look_into=missing if named else None,
        )


class Place(BaseModel, from_attributes=True):
    """Where a bed stands."""

    bed_id: UUID = Field(validation_alias="id")
    room_id: UUID
    room: str
    unit_id: UUID | None
    unit: str | None
    overflow: bool


class BedBoard(BaseModel):
    """The beds of a shelter with their states, what closes it, and when somebody last looked who is there."""

    shelter_id: UUID
    confirmed_at: datetime | None
    closures: tuple[ClosureView, ...]
    states: dict[BedState, int]
    beds: tuple[BedRow, ...]


class ResidentRow(BaseModel):
    """Somebody who stays in a shelter: an id and a bed."""

    person_id: UUID
    bed_id: UUID
    room: str
    since: datetime


class Residents(BaseModel):
    """Who stays in a shelter, and the night that may be confirmed now."""

    shelter_id: UUID
    night: date
    confirmed_at: datetime | None
    residents: tuple[ResidentRow, ...]


class CensusView(BaseModel):
    """A night that was confirmed."""

    shelter_id: UUID
    night: date
    present: int
    absent: int
    confirmed_at: datetime


class ConflictView(BaseModel):
    """A conflict of somebody of a shelter's staff, whoever it is."""

    shelter_id: UUID
    about: UUID


class Conflicts(BaseModel):
    """Whom somebody of a shelter's staff must not meet."""

    shelter_id: UUID
    about: tuple[UUID, ...]


class RowProblem(BaseModel):
    """What is wrong in one row of a file; rows are numbered as in a spreadsheet, the header being row 1."""

    row: int
    field: str
    code: str


class Added(BaseModel):
    """How much was new."""

    shelters: int
    units: int
    rooms: int
    beds: int


class ImportReport(BaseModel):
    """What a file added, or would add: nothing of a row with an error changed anything."""

    result: Literal["imported", "tried"]
    rows: int
    added: Added
    unchanged: int
    refused: int
    errors: tuple[RowProblem, ...]
