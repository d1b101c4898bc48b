"""What intake hands over to notifications about a survivor's safe contact (DESIGN section 3), sealed, and what both say about it.

A module of its own because whoever reviews which personal facts leave intake reads this file alone. Only `SafeContact` is personal, and it travels
only inside `ContactHandedOver.sealed` (JWE, RFC 7516); everything else is ids, revisions and keys that may be public. Source of the rules: DOMAIN section 8.
"""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from contracts.event import Data, Event
from contracts.intake import IntakeEvent

KeyId = Annotated[str, Field(pattern=r"^[a-z0-9]{16}$", description="by what a sealing key is known")]
PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$", description="an X25519 public key (RFC 8037) in base64url")]
Jwe = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}$", max_length=40_000, description="a compact JWE (RFC 7516)")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="as 08:30, in her own time zone")]
# The subject of what is said of notifications' sealing keys, which are of no case.
SEALING_SUBJECT = UUID("5ea11ab1-e000-8000-8000-000000000001")


class ContactChannel(StrEnum):
    """How a survivor can be reached; a call is made by people, never by the platform."""

    SMS = "sms"
    WHATSAPP = "whatsapp"
    EMAIL = "email"
    CALL = "call"


class Zone(StrEnum):
    """Indonesia's time zones; none has summer time."""

    WIB = "wib"
    WITA = "wita"
    WIT = "wit"


class Weekday(IntEnum):
    """Days as ISO 8601 numbers them."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7


class Reminder(StrEnum):
    """What she may agree to be reminded of without anybody asking for it."""

    FOLLOWUP = "followup"
    APPOINTMENT = "appointment"


class MessageLanguage(StrEnum):
    """The languages of messages."""

    INDONESIAN = "id"
    ENGLISH = "en"


class SafeHours(Data):
    """When a channel is safe: from `begins` to `ends` on these days; where `ends` is not later, to the next day's `ends`."""

    days: tuple[Weekday, ...] = Field(min_length=1, max_length=7)
    begins: TimeOfDay
    ends: TimeOfDay


class SafeChannel(Data):
    """A way that she marked as safe, and when; `address` is a number in E.164 or an e-mail address."""

    channel: ContactChannel
    address: str
    hours: tuple[SafeHours, ...]


class SafeContact(Data):
    """A survivor's own rules as she gave them: the channels in the order in which she wants them tried. Personal: only ever sealed."""

    person_id: UUID
    case_id: UUID
    revision: int = Field(ge=1)
    channels: tuple[SafeChannel, ...] = ()
    zone: Zone = Zone.WIB
    code_word: str | None = None
    voicemail: bool = False
    language: MessageLanguage = MessageLanguage.INDONESIAN
    reminders: tuple[Reminder, ...] = ()
    asked_at: AwareDatetime


class ContactHandedOver(Event):
    """A revision of a person's safe contact, on its way until it is taken. Nothing in `sealed`: she said stop, or what she said was lost."""

    type: ClassVar[str] = "handover.notifications.contact_given.v1"
    stream: ClassVar[str] = "HANDOVER"
    producer: ClassVar[str] = "intake"
    read_by: ClassVar[tuple[str, ...]] = ("notifications",)

    person_id: UUID
    case_id: UUID
    revision: int = Field(ge=1)
    stopped: bool = False
    sealed: Jwe | None = None

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """None is more urgent than another; the second form is not used."""
        return cls.type, cls.type


class SafeContactChanged(IntakeEvent):
    """A person's safe contact has a new revision, or she wants no message any more; what it says is not in here."""

    type: ClassVar[str] = "case.intake.safe_contact_changed.v1"

    person_id: UUID
    revision: int = Field(ge=1)
    stopped: bool = False
    asked_at: datetime


class HandoverEvent(Event):
    """What notifications says of what is handed over to it."""

    producer: ClassVar[str] = "notifications"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)


class SealingKeyOffered(HandoverEvent):
    """What is handed over is sealed to this key from now on; the one made last counts. The subject is `SEALING_SUBJECT`."""

    type: ClassVar[str] = "case.notifications.sealing_key_offered.v1"

    kid: KeyId
    public_key: PublicKey
    made_at: datetime


class HandoverTaken(HandoverEvent):
    """A person's safe contact up to this revision is kept here: it need not be sent again."""

    type: ClassVar[str] = "case.notifications.handover_taken.v1"

    person_id: UUID
    revision: int = Field(ge=1)


class HandoverAsked(HandoverEvent):
    """What was handed over of a person was lost here: send it again."""

    type: ClassVar[str] = "case.notifications.handover_asked.v1"

    person_id: UUID
