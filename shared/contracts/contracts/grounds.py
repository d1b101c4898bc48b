"""Why something is done with a case or its data: the closed lists of legal bases, overrides, and the reasons of ending, reopening and handing over."""

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


class EndReason(StrEnum):
    """Why a case ended or left the platform."""

    NEEDS_MET = "needs_met"
    TRANSFERRED = "transferred"
    REFUSED_SERVICE = "refused_service"
    MOVED_AWAY = "moved_away"
    MISSING = "missing"
    DIED = "died"
    NOT_ELIGIBLE = "not_eligible"
    INFORMATION_ONLY = "information_only"
    DUPLICATE = "duplicate"
    OTHER = "other"


class ClosureReturn(StrEnum):
    """Why a supervisor does not close a case that an officer proposed to close."""

    NEEDS_REMAIN = "needs_remain"
    UNSAFE = "unsafe"
    NOT_AGREED = "not_agreed"
    INCOMPLETE = "incomplete"
    OTHER_REASON = "other_reason"


class ReopenReason(StrEnum):
    """Why a case that had ended goes on."""

    NEW_INCIDENT = "new_incident"
    ASKED_AGAIN = "asked_again"
    FOUND_AGAIN = "found_again"
    UNSAFE_AGAIN = "unsafe_again"
    ENDED_BY_MISTAKE = "ended_by_mistake"


class HandoverReason(StrEnum):
    """Why another agency is to lead a case, or why it does not want to."""

    MOVED = "moved"
    OTHER_MANDATE = "other_mandate"
    BETTER_PLACED = "better_placed"
    CONFLICT_OF_INTEREST = "conflict_of_interest"
    OVERLOADED = "overloaded"
    NOT_COMPETENT = "not_competent"
