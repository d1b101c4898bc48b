"""A plan as agreed with the persons it is for: what each said to it, her goals, and which services it may ask of whom."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from assessment.domain.case import Member

ADULT, CONSENTS = 18, 15  # from which age a child's own yes counts alone (DOMAIN.md 2.2)


class Agreed(StrEnum):
    """How somebody agreed to her plan, or that she did not."""

    AGREED = "agreed"
    OWN_VIEW_AND_CONSENTER = "own_view_and_consenter"
    ALTERNATIVE_CONSENTER = "alternative_consenter"
    NOT_AGREED = "not_agreed"


class OwnView(StrEnum):
    """What a child says to the plan; an objection is kept and shown, and a consenter's yes does not hide it."""

    AGREES = "agrees"
    OBJECTS = "objects"
    NOT_ABLE = "not_able"


class Consenter(StrEnum):
    """Who says yes beside a child, or in the place of somebody who cannot."""

    GUARDIAN = "guardian"
    OTHER_GUARDIAN = "other_guardian"
    TRUSTED_ADULT = "trusted_adult"
    PEKSOS = "peksos"
    COURT = "court"


class NotAgreed(StrEnum):
    """Why there is no agreement, or why somebody else's was needed or not asked for."""

    REFUSED = "refused"
    UNABLE_TO_DECIDE = "unable_to_decide"
    NOT_REACHED = "not_reached"
    UNSAFE_TO_ASK = "unsafe_to_ask"
    TOO_YOUNG = "too_young"
    GUARDIAN_IS_SUSPECT = "guardian_is_suspect"
    NO_GUARDIAN = "no_guardian"


class GoalCode(StrEnum):
    """What a person and her worker want to reach."""

    SAFETY = "safety"
    NO_CONTACT = "no_contact_with_perpetrator"
    HEALTH = "health"
    MENTAL_HEALTH = "mental_health"
    LEGAL_PROTECTION = "legal_protection"
    SCHOOLING = "schooling"
    CIVIL_DOCUMENTS = "civil_documents"
    INCOME = "income"
    HOUSING = "housing"
    FAMILY_TIES = "family_ties"
    PARENTING = "parenting"
    DAILY_LIVING = "daily_living"
    SOCIAL_SUPPORT = "social_support"


class Measure(StrEnum):
    """How it is told that a goal is reached."""

    OWN_WORD = "own_word"
    OBSERVED = "observed"
    DOCUMENT = "document"
    INSTRUMENT = "instrument"
    PROVIDER_REPORT = "provider_report"


class GoalProgress(StrEnum):
    """How far a goal is."""

    UNDER_WAY = "under_way"
    STUCK = "stuck"
    REACHED = "reached"
    DROPPED = "dropped"


class Finding(StrEnum):
    """What a review of the plan found."""

    ON_TRACK = "on_track"
    CHANGE_NEEDED = "change_needed"
    UNSAFE = "unsafe"


class Decision(StrEnum):
    """What a case conference decided."""

    PLAN_SUPPORTED = "plan_supported"
    PLAN_TO_CHANGE = "plan_to_change"
    MORE_INFORMATION = "more_information"
    URGENT_MEASURES = "urgent_measures"
    TRANSFER_ADVISED = "transfer_advised"
    CLOSURE_ADVISED = "closure_advised"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What was said, by whom beside the person, and why there is none."""

    agreed: str
    own_view: str | None = None
    consenter: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PersonPlan:
    """The plan for one person: agreement, goals (code and target day), and what is asked of whom (service and provider)."""

    agreement: Agreement | None
    goals: Sequence[tuple[str, date]] = ()
    services: Sequence[tuple[str, str]] = ()


def problems(members: Collection[Member], plans: Mapping[UUID, PersonPlan], today: date) -> list[tuple[str, str]]:
    """What is wrong with a plan as agreed: pairs of field and code; strangers are `plan.propose`'s to refuse."""
    ages = {member.person_id: member.age for member in members}
    found: list[tuple[str, str]] = []
    for person, plan in plans.items():
        if person not in ages:
            continue
        where = f"outcomes.{person}"
        if plan.agreement is None:
            found.append((f"{where}.agreement", "missing"))
        else:
            found += [(f"{where}.agreement.{field}", code) for field, code in _agreement(plan.agreement, ages[person])]
            if plan.services and (plan.agreement.agreed, plan.agreement.reason) == (Agreed.NOT_AGREED, NotAgreed.REFUSED):
                found.append((f"{where}.services", "person_refused"))
        found += [(f"{where}.goals.{n}.target", "in_the_past") for n, (_, target) in enumerate(plan.goals) if target < today]
        found += [(f"{where}.goals.{n}", "duplicate") for n in _doubles([code for code, _ in plan.goals])]
        found += [(f"{where}.services.{n}", "duplicate") for n in _doubles(list(plan.services))]
    return found


def _agreement(said: Agreement, age: int | None) -> list[tuple[str, str]]:
    """Why this agreement does not count for somebody of this age; whose age nobody knows is taken for an adult."""
    child = age is not None and age < ADULT
    if said.agreed == Agreed.AGREED and age is not None and age < CONSENTS:
        return [("agreed", "child_cannot_alone")]
    if said.agreed == Agreed.OWN_VIEW_AND_CONSENTER and not child:
        return [("agreed", "adult_decides_herself")]
    needed = {
        Agreed.AGREED: ("reason",) if child else (),  # why no guardian was asked
        Agreed.OWN_VIEW_AND_CONSENTER: ("own_view", "consenter"),
        Agreed.ALTERNATIVE_CONSENTER: ("consenter", "reason"),
        Agreed.NOT_AGREED: ("reason",),
    }
    return [(name, "missing") for name in needed[Agreed(said.agreed)] if getattr(said, name) is None]


def _doubles(entries: Sequence[object]) -> list[int]:
    return [place for place, entry in enumerate(entries) if entry in entries[:place]]
