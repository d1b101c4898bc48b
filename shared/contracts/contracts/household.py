"""Who belongs together: the snapshot of a household that events carry."""

from uuid import UUID

from pydantic import Field

from contracts.event import Data
from contracts.vocabulary import AgeYears, HouseholdRole, Need, Sex


class Person(Data):
    """One member, as little as a placement needs to know; the name stays in intake's vault."""

    person_id: UUID
    sex: Sex
    age: AgeYears | None = None
    role: HouseholdRole
    needs: tuple[Need, ...] = ()


class Household(Data):
    """All who are to be placed together; the higher revision is the newer snapshot."""

    household_id: UUID
    revision: int = Field(ge=1)
    persons: tuple[Person, ...] = Field(min_length=1, max_length=30)
