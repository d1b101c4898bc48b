"""What intake says about the rights of a person whose data it keeps: holds, erasures, requests, and who looked without taking part.

UU 27/2022 (PDP) art. 5-13 and 31-43: what a person may ask, and that each request is answered within three times 24 hours.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from contracts.event import Event
from contracts.intake import EVERYONE, IntakeEvent
from contracts.vocabulary import AgencyCode, Sha256


class HoldGround(StrEnum):
    """Why the law keeps data from being erased (UU PDP art. 15: law enforcement, public order, other laws)."""

    INVESTIGATION = "investigation"
    COURT = "court"
    CLAIM = "claim"
    STATE_AUDIT = "state_audit"
    OTHER_LAW = "other_law"


class ErasureGround(StrEnum):
    """Why a person is erased (UU PDP art. 8 and 43-44)."""

    PERSON_ASKED = "person_asked"
    GUARDIAN_ASKED = "guardian_asked"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    PURPOSE_ENDED = "purpose_ended"
    UNLAWFUL = "unlawful"
    RETENTION_OVER = "retention_over"


class RightKind(StrEnum):
    """What a person may ask (UU PDP art. 5-13)."""

    ACCESS = "access"
    CORRECTION = "correction"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    PORTABILITY = "portability"


class RightAnswer(StrEnum):
    """How a request was answered."""

    GRANTED = "granted"
    REFUSED = "refused"


class RightRefusal(StrEnum):
    """Why a request was refused (UU PDP art. 15 and 33: what would endanger, tell of others, or stand against the law)."""

    ENDANGERS_PERSON = "endangers_person"
    ENDANGERS_OTHERS = "endangers_others"
    OTHERS_DATA = "others_data"
    LEGAL_HOLD = "legal_hold"
    NOT_IDENTIFIED = "not_identified"
    NOT_ENTITLED = "not_entitled"


class AccessReason(StrEnum):
    """Why an officer reads a case that she takes no part in."""

    DANGER_TO_LIFE = "danger_to_life"
    SURVIVOR_AT_DESK = "survivor_at_desk"
    COLLEAGUE_AWAY = "colleague_away"
    LEGAL_ORDER = "legal_order"
    SYSTEM_FAULT = "system_fault"


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


class ExportOrdered(IntakeEvent):
    """A person of this case asked for what is kept of her: each service lets the officer who ordered that fetch its own part until then.

    Nothing of the part itself is ever said. `request_id` is her request, which has to be answered in time.
    """

    type: ClassVar[str] = "case.intake.export_ordered.v1"
    read_by: ClassVar[tuple[str, ...]] = ("placement", "assessment", "notifications")

    request_id: UUID
    person_id: UUID
    agency: AgencyCode
    officer_id: UUID
    until: datetime


class ExportOpened(Event):
    """A service has the order: its part of the person's export can be fetched there until then."""

    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    request_id: UUID
    person_id: UUID
    until: datetime


class PlacementExportOpened(ExportOpened):
    """Placement's part of an export can be fetched."""

    type: ClassVar[str] = "case.placement.export_opened.v1"
    producer: ClassVar[str] = "placement"


class AssessmentExportOpened(ExportOpened):
    """Assessment's part of an export can be fetched."""

    type: ClassVar[str] = "case.assessment.export_opened.v1"
    producer: ClassVar[str] = "assessment"


class NotificationsExportOpened(ExportOpened):
    """Notifications' part of an export can be fetched."""

    type: ClassVar[str] = "case.notifications.export_opened.v1"
    producer: ClassVar[str] = "notifications"


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


EXPORTS_OPENED: tuple[type[Event], ...] = (PlacementExportOpened, AssessmentExportOpened, NotificationsExportOpened)
RIGHTS: tuple[type[Event], ...] = (HoldSet, HoldLifted, PersonErased, RightRequested, ExportOrdered, RightAnswered, GlassBroken, GlassMended)
