"""What intake says of the register of agencies: who takes part, of what kind, with which units and for which areas; and who sends more than its share."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event import Event
from contracts.intake import IntakeEvent
from contracts.vocabulary import AgencyCode

AreaBeginning = Annotated[str, Field(pattern=r"^\d{2}(\.\d{2}){0,2}$", description="a province, city or district, by how its Kemendagri code begins")]


class AgencyKind(StrEnum):
    """What an agency is, among those that take part in Jakarta (DOMAIN 1 and 4.5)."""

    SOCIAL_AFFAIRS = "social_affairs"
    WOMEN_AND_CHILDREN = "women_and_children"
    POLICE = "police"
    HEALTH = "health"
    CALL_CENTRE = "call_centre"
    LEGAL_AID = "legal_aid"
    JUSTICE = "justice"
    WITNESS_PROTECTION = "witness_protection"
    SHELTER = "shelter"
    CIVIL_SOCIETY = "civil_society"
    OTHER = "other"


class AgencyRegistered(IntakeEvent):
    """An agency was put into the register, or changed in it; the subject is the agency. Its name is in the register alone."""

    type: ClassVar[str] = "case.intake.agency_registered.v1"

    code: AgencyCode
    version: int
    kind: AgencyKind
    units: tuple[AgencyCode, ...] = ()
    areas: tuple[AreaBeginning, ...] = ()
    active: bool


class AgencySlowed(IntakeEvent):
    """More came of an agency than is taken of it in a minute: what is more waits, or is asked to come later. Said once a day; the subject is the agency."""

    type: ClassVar[str] = "case.intake.agency_slowed.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    code: AgencyCode
    per_minute: int = Field(ge=1)


REGISTER: tuple[type[Event], ...] = (AgencyRegistered, AgencySlowed)
