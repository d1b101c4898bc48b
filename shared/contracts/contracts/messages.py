"""What an agency may say beside a new case: any message sealed to intake's public key, and what it says of a case later.

A module of its own because who writes a client against sealed or later messages reads this file alone. `agencies.Referral` is the new case itself.
"""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.agencies import Problem, Receipt, Reference, ReferredPerson
from contracts.event import Event
from contracts.vocabulary import Risk, Sha256

# The same form as what intake hands over (contracts.handover.Jwe), as long as the longest body that is read.
SealedData = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}$", max_length=500_000, description="a compact JWE (RFC 7516)")]
MediaType = Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9][a-z0-9.+-]{0,79}$", description="as application/pdf")]


class AgencyMessage(Event):
    """Something that an agency says on its own subjects."""

    stream: ClassVar[str] = "REFERRALS"
    producer: ClassVar[str] = "agency"
    read_by: ClassVar[tuple[str, ...]] = ("intake",)

    @classmethod
    def filters(cls) -> tuple[str, str]:
        """This kind of message from all agencies; the second form is not used."""
        root, rest = cls.type.split(".", 1)
        return f"{root}.*.{rest}", f"{root}.*.{rest}"


class SealedMessage(AgencyMessage):
    """Any message of an agency whose data nobody but intake can read. `cty` of the JWE's header is the type of the message inside, left out a
    new referral; `iss`, if it is there, the agency's code; `kid` the key, one of those that intake publishes (ECDH-ES, A256GCM).
    """

    type: ClassVar[str] = "referral.sealed.v1"

    sealed: SealedData
    reference: Reference | None = Field(default=None, description="the same as inside, if you like: a receipt carries it where nothing can be opened")


class LaterMessage(AgencyMessage):
    """What an agency says of a case that it referred or takes part in: `to` is its own reference of that case, or `follow_id` says which."""

    reference: Reference = Field(description="the agency's own number for this message; the same again is the same message")
    to: Reference | None = None
    follow_id: UUID | None = None


class Addition(LaterMessage):
    """The agency knows more of a case. A desk looks at it: what is on file is not overwritten."""

    type: ClassVar[str] = "referral.added.v1"

    urgency: Risk | None = None
    callback: str | None = Field(default=None, min_length=3, max_length=200)
    persons: tuple[ReferredPerson, ...] = Field(default=(), max_length=30)
    narrative: str | None = Field(default=None, max_length=20000)


class WithdrawalReason(StrEnum):
    """Why an agency takes its referral back."""

    SENT_IN_ERROR = "sent_in_error"
    REPORTED_TWICE = "reported_twice"
    SURVIVOR_DECLINES = "survivor_declines"
    HELPED_ELSEWHERE = "helped_elsewhere"


class Withdrawal(LaterMessage):
    """The agency takes its referral back. No case ends by that: a desk decides."""

    type: ClassVar[str] = "referral.withdrawn.v1"

    reason: WithdrawalReason
    narrative: str | None = Field(default=None, max_length=20000)


class AttachmentKind(StrEnum):
    """What a document is."""

    VISUM = "visum"
    POLICE_REPORT = "police_report"
    COURT_ORDER = "court_order"
    MEDICAL_RECORD = "medical_record"
    PSYCHOLOGICAL_REPORT = "psychological_report"
    PHOTO = "photo"
    LETTER = "letter"
    OTHER = "other"


class Attachment(LaterMessage):
    """The agency keeps a document of a case: what it is, its number there, and the hash by which it is known again. The document stays there."""

    type: ClassVar[str] = "referral.attached.v1"

    kind: AttachmentKind
    document: Reference = Field(description="the number under which the agency keeps it")
    sha256: Sha256
    media_type: MediaType | None = None
    size: int | None = Field(default=None, ge=0, description="in bytes")


LATER: tuple[type[LaterMessage], ...] = (Addition, Withdrawal, Attachment)


class ReceiptHeld(Receipt):
    """The message is kept, and nothing has been opened yet: an operator has to do something. The real receipt follows; there is nothing to send
    again. When it is urgent, call.
    """

    type: ClassVar[str] = "receipt.held.v1"

    problems: tuple[Problem, ...] = Field(min_length=1)
