"""What others say of a case, in the domain's words."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from assessment.domain.safety import Known

if TYPE_CHECKING:
    from assessment.domain.case import Member


@dataclass(frozen=True, slots=True)
class Triage:
    """A triage, or the facts of someone let in at the door (version 0: older than anything intake says; risk and need not known yet)."""

    version: int
    members: "tuple[Member, ...]"
    area: str
    risk: str | None = None
    shelter_needed: bool | None = None
    keep_apart: tuple[UUID, ...] | None = None
    perpetrator_areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Perpetrator:
    """What is known of a suspect, or of who did what happened in an incident."""

    about: UUID
    known: Known
    suspect: bool


@dataclass(frozen=True, slots=True)
class Household:
    """A household snapshot."""

    version: int
    members: "tuple[Member, ...]"


@dataclass(frozen=True, slots=True)
class Entered:
    """Persons were admitted to a shelter, or moved from one to another."""

    version: int
    persons: tuple[UUID, ...]
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """Persons left a shelter, were discharged, or died there."""

    version: int
    persons: tuple[UUID, ...]
    died: bool = False


@dataclass(frozen=True, slots=True)
class Incident:
    """Another incident was recorded."""

    version: int


@dataclass(frozen=True, slots=True)
class Over:
    """Intake ended the case."""

    version: int = 1


@dataclass(frozen=True, slots=True)
class Again:
    """Intake reopened the case."""

    version: int


Told = Triage | Perpetrator | Household | Entered | Gone | Incident | Over | Again
