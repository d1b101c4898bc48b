"""Cases and facts with defaults, for the tests of assessment."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from assessment.domain import assignment, case, plan
from assessment.domain.case import Case, Limits, Member
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


def a_triage(version: int = 1, *persons: UUID, area: str = AREA, risk: str = "medium", shelter_needed: bool = False) -> case.Triage:
    return case.Triage(version, members(*persons), area, risk, shelter_needed)


def a_waiting_case(*persons: UUID, case_id: UUID = CASE, **triage: object) -> Case:
    return case.advance(case.learn(Case(case_id), [a_triage(1, *persons, **triage)]), NOW, LIMITS)


def an_assigned_case(*persons: UUID, **triage: object) -> Case:
    return assignment.give(a_waiting_case(*persons, **triage), WORKER, NOW, LIMITS)[0]


def an_assessed_case(*persons: UUID, **triage: object) -> Case:
    return case.assessed(an_assigned_case(*persons, **triage))


def a_planned_case(outcomes: dict[UUID, str], **triage: object) -> Case:
    proposed, made = plan.propose(an_assessed_case(*outcomes, **triage), list(outcomes.items()), WORKER, NOW, LIMITS)
    return plan.approve(proposed, made, SUPERVISOR, NOW, LIMITS)


def a_monitored_case(**triage: object) -> Case:
    return plan.reach(a_planned_case({MOTHER: "services_at_home"}, **triage), MOTHER, NOW, LIMITS)[0]


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
