"""Whose access has ended, and how much others may send: what an operator decides of agencies, as every replica of every service is told it.

One message says the whole of it, and the newest counts: a replica that missed some needs no other than the last.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from contracts.event import Data, Event
from contracts.vocabulary import AgencyCode


class AgencyRate(Data):
    """How many messages and requests of one agency are taken in a minute."""

    agency: AgencyCode
    per_minute: Annotated[int, Field(ge=1, le=1_000_000)]


class AccessListed(Event):
    """Who comes in no more, by whichever token and door, and whose rate is another than the usual one."""

    type: ClassVar[str] = "access.listed.v1"
    stream: ClassVar[str] = "ACCESS"
    producer: ClassVar[str] = "operator"

    ended: tuple[AgencyCode, ...] = ()
    rates: tuple[AgencyRate, ...] = ()


ACCESS: tuple[type[Event], ...] = (AccessListed,)
