"""Seals of the services' audit logs: each service keeps those of another, so that no log can be rewritten where it lies without a trace elsewhere."""

from typing import ClassVar

from pydantic import Field

from contracts.event import Event
from contracts.vocabulary import Sha256


class Sealed(Event):
    """The audit log of a service up to its row `number` hashes to `hash`; the subject stands for the log. `epoch` is that of its store."""

    stream: ClassVar[str] = "AUDIT"

    epoch: int = Field(ge=1)
    number: int = Field(ge=1)
    hash: Sha256

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """No seal is urgent; the second form is not used."""
        return cls.type, cls.type


class IntakeSealed(Sealed):
    """A seal of intake's log."""

    type: ClassVar[str] = "audit.intake.sealed.v1"
    producer: ClassVar[str] = "intake"
    read_by: ClassVar[tuple[str, ...]] = ("placement",)


class PlacementSealed(Sealed):
    """A seal of placement's log."""

    type: ClassVar[str] = "audit.placement.sealed.v1"
    producer: ClassVar[str] = "placement"
    read_by: ClassVar[tuple[str, ...]] = ("assessment",)


class AssessmentSealed(Sealed):
    """A seal of assessment's log."""

    type: ClassVar[str] = "audit.assessment.sealed.v1"
    producer: ClassVar[str] = "assessment"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)


class NotificationsSealed(Sealed):
    """A seal of notifications' log."""

    type: ClassVar[str] = "audit.notifications.sealed.v1"
    producer: ClassVar[str] = "notifications"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)
