"""What notifications says about the notices it sent."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.event import Event
from contracts.vocabulary import NoticeChannel, OfficerRole


class NoticeEvent(Event):
    """One step of one notice."""

    producer: ClassVar[str] = "notifications"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    notice_id: UUID


class Delivered(NoticeEvent):
    """A notice reached its recipient's system."""

    type: ClassVar[str] = "case.notifications.delivered.v1"

    channel: NoticeChannel


class Failed(NoticeEvent):
    """A notice could not be delivered and is not tried again by itself."""

    type: ClassVar[str] = "case.notifications.failed.v1"

    channel: NoticeChannel


class Acknowledged(NoticeEvent):
    """An officer acknowledged a notice."""

    type: ClassVar[str] = "case.notifications.acknowledged.v1"


class Escalated(NoticeEvent):
    """Nobody acted in time; the next step of the ladder was told."""

    type: ClassVar[str] = "case.notifications.escalated.v1"

    step: int = Field(ge=1)
    role: OfficerRole
