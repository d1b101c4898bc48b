"""What intake says about the rights of a person whose data it keeps: holds, erasures, requests, and who looked without taking part.

UU 27/2022 (PDP) art. 5-13 and 31-43: what a person may ask, and that each request is answered within three times 24 hours.
"""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from contracts.event import Event
from contracts.intake import EVERYONE, IntakeEvent
from contracts.vocabulary import AccessReason, ErasureGround, HoldGround, RightAnswer, RightKind, RightRefusal, Sha256


class HoldSet(IntakeEvent):
    """The law keeps the data of a case, or of one person of it, from being erased until somebody lifts this."""

    type: ClassVar[str] = "case.intake.hold_set.v1"

    hold_id: UUID
    person_id: UUID | None = None
    ground: HoldGround
    review_on: date


class HoldLifted(IntakeEvent):
    """A hold ended."""

    type: ClassVar[str] = "case.intake.hold_lifted.v1"

    hold_id: UUID


class PersonErased(IntakeEvent):
    """A person was erased: destroy what opens her data, keep that she was erased, and take no data of hers again.

    `receipt` is the hash of the receipt that she was given; `texts` says whether the texts of this case went too.
    """

    type: ClassVar[str] = "case.intake.person_erased.v1"
    read_by: ClassVar[tuple[str, ...]] = EVERYONE

    person_id: UUID
    receipt: Sha256
    ground: ErasureGround
    texts: bool = False

    @property
    def urgent(self) -> bool:
        """An erasure is never kept waiting."""
        return True


class RightRequested(IntakeEvent):
    """A person of this case, or who speaks for her, asked for one of her rights; it is answered by `due_at`."""

    type: ClassVar[str] = "case.intake.right_requested.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    request_id: UUID
    person_id: UUID
    right: RightKind
    asked_at: datetime
    due_at: datetime


class RightAnswered(IntakeEvent):
    """A request was granted, or refused for a coded reason."""

    type: ClassVar[str] = "case.intake.right_answered.v1"

    request_id: UUID
    answer: RightAnswer
    refusal: RightRefusal | None = None


class GlassBroken(IntakeEvent):
    """An officer who takes no part in this case reads it, for this reason and until then; supervisors of its agency are told."""

    type: ClassVar[str] = "case.intake.glass_broken.v1"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    grant_id: UUID
    officer_id: UUID
    reason: AccessReason
    until: datetime

    @property
    def urgent(self) -> bool:
        """Whoever supervises the case hears of it at once."""
        return True


class GlassMended(IntakeEvent):
    """Such a grant was ended before its time."""

    type: ClassVar[str] = "case.intake.glass_mended.v1"

    grant_id: UUID


RIGHTS: tuple[type[Event], ...] = (HoldSet, HoldLifted, PersonErased, RightRequested, RightAnswered, GlassBroken, GlassMended)
