"""What anybody may read: counts per city and month, in which nobody is found. No case, no agency and no day is in them."""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event import Data, Event
from contracts.vocabulary import CityCode, Sex

Month = Annotated[str, Field(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="a month of Jakarta's calendar")]


class VictimCount(Data):
    """One count; a city or sex that is left out means all of them, city 00.00 that nobody knows it."""

    city: CityCode | None = None
    sex: Sex | None = None
    victims: int | None = Field(default=None, ge=0, description="null is kept back, so that nobody is found by it")


class VictimsCounted(Event):
    """The victims of violence of whom a month's reports told, said once when it is over; counts under `small` are kept back, and others that would tell them."""

    type: ClassVar[str] = "public.victims_counted.v1"
    stream: ClassVar[str] = "PUBLIC"
    producer: ClassVar[str] = "intake"

    month: Month
    small: int = Field(ge=1)
    counts: tuple[VictimCount, ...]


PUBLISHED: tuple[type[Event], ...] = (VictimsCounted,)
