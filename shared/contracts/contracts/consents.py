"""What intake says about consent, disclosures and restrictions, and the closed lists these are made of.

A module of its own beside `intake`, because whoever reviews what may be shared with whom reads this file alone. Ids and codes only: that
somebody refused is data, why in her own words stays with people. Sources: UU PDP 27/2022 art. 20 (legal bases), 22-26 (consent, children),
33 (a refused access), 41 (restriction); the age guide of DOMAIN 2.2.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.agencies import AgencyEvent
from contracts.grounds import LegalBasis, OverrideReason
from contracts.intake import IntakeEvent
from contracts.vocabulary import AgencyCode, OfficerRole, Relation

TextVersion = Annotated[str, Field(pattern=r"^v[0-9][0-9.]{0,11}$", description="the version of the consent text that was read or shown")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{3}$", description="ISO 639-3 code of the language it was explained in, signed ones too")]


class Purpose(StrEnum):
    """What something is shared for (services of SIMFONI, Perpres 55/2024)."""

    CASE_WORK = "case_work"
    HEALTH = "health"
    PSYCHOLOGICAL = "psychological"
    LEGAL_AID = "legal_aid"
    LAW_ENFORCEMENT = "law_enforcement"
    SHELTER = "shelter"
    REHABILITATION = "rehabilitation"
    REINTEGRATION = "reintegration"
    EDUCATION = "education"
    CIVIL_DOCUMENTS = "civil_documents"
    RESTITUTION = "restitution"
    NATIONAL_RECORDING = "national_recording"


class ConsentState(StrEnum):
    """What a person, or whoever speaks for her, says; and how a yes ended."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ConsentMedium(StrEnum):
    """How it was said."""

    WRITTEN = "written"
    VERBAL_RECORDED = "verbal_recorded"
    VERBAL_WITNESSED = "verbal_witnessed"
    ELECTRONIC = "electronic"
    SIGN_LANGUAGE = "sign_language"


class GivenBy(StrEnum):
    """Who said it: the person herself, her parent or guardian, or somebody in their place."""

    SELF = "self"
    GUARDIAN = "guardian"
    ALTERNATIVE = "alternative"


class Alternative(StrEnum):
    """Who may speak in the place of a guardian."""

    OTHER_GUARDIAN = "other_guardian"
    TRUSTED_ADULT = "trusted_adult"
    PEKSOS = "peksos"
    COURT = "court"


class ConsenterReason(StrEnum):
    """Why a guardian was not asked, or somebody speaks for an adult."""

    GUARDIAN_IS_SUSPECT = "guardian_is_suspect"
    GUARDIAN_UNSAFE = "guardian_unsafe"
    GUARDIAN_UNREACHABLE = "guardian_unreachable"
    NO_GUARDIAN = "no_guardian"
    UNABLE_TO_DECIDE = "unable_to_decide"
    COURT_ORDER = "court_order"


class DisclosedField(StrEnum):
    """What may be shared: of each person, and (the last five) of the case. Where somebody is sheltered is on no list."""

    NAME = "name"
    NIK = "nik"
    PHONE = "phone"
    ADDRESS = "address"
    SEX = "sex"
    AGE = "age"
    ROLE = "role"
    NEEDS = "needs"
    AREA = "area"
    VIOLENCE_TYPES = "violence_types"
    PPKS = "ppks"
    RISK = "risk"
    NARRATIVE = "narrative"


class DisclosureEnd(StrEnum):
    """Why a disclosure ended."""

    REVOKED = "revoked"
    CONSENT_ENDED = "consent_ended"
    RESTRICTED = "restricted"
    EXPIRED = "expired"
    CASE_ENDED = "case_ended"
    PERSON_ERASED = "person_erased"


class RestrictionGround(StrEnum):
    """Why somebody is not to learn anything of a person (UU PDP art. 41), or gets no access (art. 33)."""

    ENDANGERS_PERSON = "endangers_person"
    ENDANGERS_OTHERS = "endangers_others"
    PERPETRATOR = "perpetrator"
    CONTACT_WITH_PERPETRATOR = "contact_with_perpetrator"
    OWN_WISH = "own_wish"
    CONTESTED_DATA = "contested_data"
    COURT_ORDER = "court_order"


class ConsentChanged(IntakeEvent):
    """A consent was given or refused, or ended; all of its record, so that any of these facts alone is enough."""

    type: ClassVar[str] = "case.intake.consent_changed.v1"

    consent_id: UUID
    person_id: UUID
    purpose: Purpose
    recipient: AgencyCode | None = Field(default=None, description="left out: every agency that serves this purpose")
    state: ConsentState
    said_at: datetime
    ended_at: datetime | None = None
    expires_at: datetime | None = None
    given_by: GivenBy
    relation: Relation | None = None
    consenter_id: UUID | None = None
    alternative: Alternative | None = None
    reason: ConsenterReason | None = None
    assent: bool | None = None
    medium: ConsentMedium
    text_version: TextVersion
    language: LanguageCode
    witness_id: UUID | None = None
    witness_role: OfficerRole | None = None
    recorded_by: UUID
    recorded_for: AgencyCode

    @property
    def urgent(self) -> bool:
        """A withdrawal is never kept waiting, and none of these overtakes another."""
        return True


class Restricted(IntakeEvent):
    """Somebody is not to learn anything of a person: an agency, or a person such as a parent who asks; `lifted_at` says that this is over."""

    type: ClassVar[str] = "case.intake.restricted.v1"

    restriction_id: UUID
    person_id: UUID
    recipient: AgencyCode | None = None
    requester_id: UUID | None = None
    relation: Relation | None = None
    ground: RestrictionGround
    set_at: datetime
    set_by: UUID
    set_for: AgencyCode
    lifted_at: datetime | None = None
    lifted_by: UUID | None = None

    @property
    def urgent(self) -> bool:
        """Everybody's reads obey it at once."""
        return True


class Disclosed(IntakeEvent):
    """Something of a case was shared with an agency: which fields and why, never what they say."""

    type: ClassVar[str] = "case.intake.disclosed.v1"

    disclosure_id: UUID
    recipient: AgencyCode
    purpose: Purpose
    persons: tuple[UUID, ...] = Field(min_length=1, max_length=30)
    fields: tuple[DisclosedField, ...] = Field(min_length=1)
    basis: LegalBasis
    override: OverrideReason | None = None
    until: datetime
    made_at: datetime
    made_by: UUID
    made_for: AgencyCode


class DisclosureEnded(IntakeEvent):
    """A disclosure holds no longer."""

    type: ClassVar[str] = "case.intake.disclosure_ended.v1"

    disclosure_id: UUID
    recipient: AgencyCode
    reason: DisclosureEnd

    @property
    def urgent(self) -> bool:
        """What is not to be read any more is not read any more."""
        return True


class DisclosureReceived(AgencyEvent):
    """Something of this case was disclosed to your agency: fetch it under its id, as long as it holds."""

    type: ClassVar[str] = "agency.disclosed.v1"

    disclosure_id: UUID
    purpose: Purpose
    until: datetime


class DisclosureOver(AgencyEvent):
    """A disclosure to your agency holds no longer: do not use what you fetched any more. Why is never said."""

    type: ClassVar[str] = "agency.disclosure_ended.v1"

    disclosure_id: UUID


class FollowStopped(AgencyEvent):
    """Your agency takes part in this case no longer: nothing more comes under this follow id, unless that begins again. Why is never said."""

    type: ClassVar[str] = "agency.stopped.v1"
