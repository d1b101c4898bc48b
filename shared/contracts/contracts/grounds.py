"""Why something may be done with a person's data or case: the closed lists of legal bases and of reasons that somebody answers for."""

from enum import StrEnum


class LegalBasis(StrEnum):
    """Why something may be shared (UU PDP art. 20(2)); a basis other than consent is an override."""

    CONSENT = "consent"
    LEGAL_DUTY = "legal_duty"
    VITAL_INTEREST = "vital_interest"
    PUBLIC_DUTY = "public_duty"


class OverrideReason(StrEnum):
    """Why something is shared without consent; a supervisor answers for it."""

    DANGER_TO_LIFE = "danger_to_life"
    CHILD_IN_DANGER = "child_in_danger"
    UNABLE_TO_DECIDE = "unable_to_decide"
    POLICE_REPORT_DUTY = "police_report_duty"
    COURT_ORDER = "court_order"
    MISSING_PERSON = "missing_person"
