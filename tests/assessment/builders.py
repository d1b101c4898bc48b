"""Cases and facts with defaults, for the tests of assessment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from assessment.domain import assignment, case, outcomes, plan
from assessment.domain.case import Case, Limits, Member
from assessment.domain.preparation import REQUIRED, Step, Taken
from contracts.household import Household, Person
from contracts.intake import Closed, HouseholdChanged, ReferredOut, RiskChanged, Triaged, Withdrawn
from contracts.placement import Admitted, AdmittedDirectly, Discharged, Left

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LIMITS = Limits()
CASE = UUID("00000000-0000-8000-8000-0000000000c1")
MOTHER, CHILD, AUNT = (UUID(int=n) for n in (0xA1, 0xA2, 0xA3))
WORKER, OTHER_WORKER, SUPERVISOR = (UUID(int=n) for n in (0xB1, 0xB2, 0xB3))
HOUSEHOLD, PLACEMENT, SHELTER = (UUID(int=n) for n in (0xD1, 0xD2, 0xD3))
AREA = "31.75.01"
AGES = {MOTHER: 31, CHILD: 6, AUNT: None}


# -- the domain's -----------------------------------------------------------------------------------------------------------------


def members(*persons: UUID) -> tuple[Member, ...]:
    return tuple(Member(person, AGES[person]) for person in persons or (MOTHER, CHILD))


def a_triage(version: int = 1, *persons: UUID, area: str = AREA, risk: str = "medium", shelter_needed: bool = False, **safety: Any) -> case.Triage:
    return case.Triage(version, members(*persons), area, risk, shelter_needed, **{"keep_apart": (), **safety})


CODES: dict[Step, dict[str, Any]] = {
    Step.HOME_VISIT: {"on": "2026-11-20", "finding": "suitable"},
    Step.RISK_RECHECK: {"on": "2026-11-21", "risk": "low"},
    Step.RECEIVER: {"receiver": "grandparent", "receiving_area": "31.74.04"},
    Step.CONSENT: {"agreed": True, "own_view": "agrees", "consenter": "guardian"},
    Step.REGION_ACCEPTANCE: {"body": "social_agency", "on": "2026-11-22"},
    Step.CARER_CHECK: {"on": "2026-11-22", "finding": "suitable", "review_days": 60},
    Step.INDEPENDENCE: {"income": "wage", "dwelling": "rented", "safety_plan": True},
    Step.BODY_ACCEPTANCE: {"body": "ngo", "on": "2026-11-22"},
}


def steps_for(outcome: str, *, without: Step | None = None, approved: dict[str, Any] | None = None, **changes: dict[str, Any]) -> list[Taken]:
    """Everything that an outcome asks for, recorded in order; `changes` by step, and an approval at the end."""
    far = {"receiver": {"receiver": "grandparent", "receiving_area": "32.01.01"}} if outcome == "return_to_other_region" else {}
    said = {**far, **changes}
    kinds = [step for step in REQUIRED[outcome] if step is not without]
    taken = [Taken(place, step, {**CODES[step], **said.get(step.value, {})}) for place, step in enumerate(kinds, 1)]
    return taken if approved is None else [*taken, Taken(len(taken) + 1, Step.APPROVAL, approved)]


def a_waiting_case(*persons: UUID, case_id: UUID = CASE, **triage: Any) -> Case:
    return case.advance(case.learn(Case(case_id), [a_triage(1, *persons, **triage)]), NOW, LIMITS)


def an_assigned_case(*persons: UUID, **triage: object) -> Case:
    return assignment.give(a_waiting_case(*persons, **triage), WORKER, NOW, LIMITS)[0]


def an_assessed_case(*persons: UUID, **triage: object) -> Case:
    return case.assessed(an_assigned_case(*persons, **triage))


def a_planned_case(outcomes: dict[UUID, str], **triage: object) -> Case:
    proposed, made = plan.propose(an_assessed_case(*outcomes, **triage), list(outcomes.items()), WORKER, NOW, LIMITS)
    return plan.approve(proposed, made, SUPERVISOR, NOW, LIMITS)


def a_monitored_case(**triage: object) -> Case:
    steps = steps_for("services_at_home", approved={})
    return outcomes.reach(a_planned_case({MOTHER: "services_at_home"}, **triage), MOTHER, steps, NOW, LIMITS)[0]


def without_times(known: Case) -> Case:
    return replace(known, deadlines=dict.fromkeys(sorted(known.deadlines), NOW))


# -- the contracts' ---------------------------------------------------------------------------------------------------------------


def a_household(*persons: UUID, revision: int = 1) -> Household:
    found = persons or (MOTHER, CHILD)
    return Household(
        household_id=HOUSEHOLD,
        revision=revision,
        persons=tuple(Person(person_id=p, sex="female", age=AGES[p], role="child" if p == CHILD else "victim") for p in found),
    )


def triaged(*persons: UUID, kind: type[Triaged | RiskChanged] = Triaged, **changes: object) -> Triaged | RiskChanged:
    fields = {"household": a_household(*persons), "area": AREA, "risk": "medium", "responsible_agency": "dppapp", "shelter_needed": False}
    return kind(**{**fields, "due_at": NOW, **changes})


def risk_changed(*persons: UUID, **changes: object) -> Triaged | RiskChanged:
    return triaged(*persons, kind=RiskChanged, **changes)


def household_changed(*persons: UUID) -> HouseholdChanged:
    return HouseholdChanged(household=a_household(*persons, revision=2))


def admitted(*persons: UUID) -> Admitted:
    agreed = [{"person_id": person, "agreement": "own"} for person in persons or (MOTHER, CHILD)]
    return Admitted(placement_id=PLACEMENT, shelter_id=SHELTER, persons=agreed, admitted_at=NOW, review_on=NOW.date() + timedelta(days=14))


def admitted_directly(*persons: UUID) -> AdmittedDirectly:
    agreed = [{"person_id": person, "agreement": "own"} for person in persons or (MOTHER, CHILD)]
    return AdmittedDirectly(
        placement_id=PLACEMENT,
        shelter_id=SHELTER,
        household=a_household(*persons),
        persons=agreed,
        brought_by="dinsos",
        area=AREA,
        admitted_at=NOW,
        review_on=NOW.date() + timedelta(days=14),
    )


def left(*persons: UUID) -> Left:
    return Left(placement_id=PLACEMENT, persons=persons or (MOTHER, CHILD))


def discharged(*persons: UUID) -> Discharged:
    return Discharged(placement_id=PLACEMENT, persons=persons or (MOTHER, CHILD), destination="family")


def withdrawn() -> Withdrawn:
    return Withdrawn(reason="refused_service")


def referred_out() -> ReferredOut:
    return ReferredOut(reason="transferred")


def closed() -> Closed:
    return Closed(reason="needs_met")
