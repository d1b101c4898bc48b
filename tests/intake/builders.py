"""Builders with defaults for intake's tests."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts import assessment, placement
from contracts.household import Household, Person
from intake.domain.standing import Fact

START = datetime(2026, 11, 1, 8, tzinfo=UTC)
SHELTER = UUID(int=77)
CODES: dict[str, dict[str, Any]] = {
    "triaged": {"risk": "high", "shelter_needed": True, "responsible_agency": "dppapp"},
    "risk_changed": {"risk": "low", "shelter_needed": False, "responsible_agency": "dppapp"},
    "outreach_dispatched": {"team": "dinsos"},
    "outreach_ended": {"result": "brought"},
    "cancelled": {"reason": "survivor_declined"},
    "admitted": {"persons": [{"person_id": "mother", "agreement": "own"}, {"person_id": "child", "agreement": "own"}]},
    "admitted_directly": {"persons": [{"person_id": "mother", "agreement": "own"}]},
    "left": {"persons": ["mother"]},
    "discharged": {"persons": ["mother", "child"], "destination": "family"},
    "completed": {"band": "mild"},
    "plan_approved": {"version": 1, "outcomes": [{"person_id": p, "outcome": "reunification"} for p in ("mother", "child")]},
    "reunified": {"person_id": "mother", "receiver": "parent", "receiving_area": "31.71.01"},
    "outcome_reached": {"person_id": "child", "outcome": "services_at_home"},
    "rehabilitation_started": {"person_id": "mother"},
    "rehabilitation_completed": {"person_id": "mother"},
    "outcome_abandoned": {"person_id": "child", "reason": "unsafe"},
    "followup_due": {"number": 1},
    "followup_done": {"number": 1, "last": False},
    "followup_missed": {"number": 1, "last": True},
    "closed": {"reason": "needs_met"},
    "withdrawn": {"reason": "refused_service"},
    "clock_missed": {"clock": "triage"},
    "incident_recorded": {"incident_id": "one", "violence_types": ["fisik"], "correction": False},
    "joiner_settled": {"person_id": "baby", "place": "with_household"},
    "legal_step_recorded": {"code": "police_protection", "on": "2026-11-01", "expires_on": "2026-11-15"},
    "closure_proposed": {"reason": "needs_met", "proposed_by": "officer"},
    "closure_returned": {"reason": "needs_remain"},
    "contact_lost": {"reason": "missing"},
    "reopened": {"reason": "new_incident"},
    "responsibility_proposed": {"agency": "dinsos", "from_agency": "dppapp", "reason": "moved"},
    "responsibility_declined": {"agency": "dinsos", "reason": "overloaded"},
    "responsibility_transferred": {"agency": "dinsos"},
    "assigned": {"worker_id": "peksos"},
}


def facts(*names: str, **codes: dict[str, Any]) -> list[Fact]:
    """Facts in the order said, as `producer.name`; `codes` replace the defaults of a name."""
    found: list[Fact] = []
    for n, name in enumerate(names):
        producer, short = name.split(".")
        version = 1 + sum(fact.producer == producer for fact in found)
        found.append(
            Fact(
                UUID(int=n + 1), producer, version, f"case.{name}.v1", START + timedelta(minutes=n), {**CODES.get(short, {}), **codes.get(short, {})}
            )
        )
    return found


def a_nik(*, born: date = date(1990, 5, 17), sex: str = "female", province: int = 99, serial: int = 1) -> str:
    """A NIK of the right form that nobody has: there is no province 99. Serial 0 and province 0 are no NIK at all."""
    return f"{province:02}7101{born.day + (40 if sex == 'female' else 0):02}{born.month:02}{born.year % 100:02}{serial:04}"


def a_person(**known: Any) -> dict[str, Any]:
    """A victim as an agency describes her."""
    return {"role": "victim", "name": "Sekar Ayu", "sex": "female", "age": 36, "phone": "0813-0000-0000", "address": "Gang Melati 3", **known}


def a_referral(**known: Any) -> dict[str, Any]:
    """A complete referral without a screen."""
    body = {
        "reference": f"T-{uuid4().hex[:12]}",
        "urgency": "medium",
        "callback": "Bripka Rudi, 0812-1111-2222",
        "channel": "police",
        "area": "31.71.02",
        "persons": [a_person()],
        "violence_types": ["fisik"],
        "narrative": "Dipukul di rumah kontrakan.",
    }
    return {name: value for name, value in {**body, **known}.items() if value is not None}


def a_body(**known: Any) -> bytes:
    """A complete referral as bytes."""
    return json.dumps(a_referral(**known)).encode()


def a_triage(**known: Any) -> dict[str, Any]:
    """What an officer settles."""
    return {"risk": "medium", "shelter_needed": False, **known}


def an_admission(case_people: list[UUID]) -> placement.Admitted:
    """The household is in."""
    return placement.Admitted(
        placement_id=UUID(int=5),
        shelter_id=SHELTER,
        persons=tuple(placement.PersonAgreement(person_id=p, agreement="own") for p in case_people),
        admitted_at=datetime.now(UTC),
        review_on=date(2026, 12, 24),
    )


def at_the_door(**known: Any) -> placement.AdmittedDirectly:
    """Someone already at the door was let in."""
    person = uuid4()
    fields: dict[str, Any] = {
        "placement_id": uuid4(),
        "shelter_id": SHELTER,
        "household": Household(household_id=uuid4(), revision=1, persons=(Person(person_id=person, sex="female", age=30, role="victim"),)),
        "persons": (placement.PersonAgreement(person_id=person, agreement="own"),),
        "brought_by": "dinsos",
        "area": "31.73.01",
        "ppks": 11,
        "admitted_at": datetime.now(UTC),
        "review_on": date(2026, 12, 24),
    }
    return placement.AdmittedDirectly(**{**fields, **known})


def an_offer(people: list[UUID]) -> placement.Offered:
    """Beds are held."""
    return placement.Offered(
        placement_id=UUID(int=5), shelter_id=SHELTER, persons=tuple(people), hold_until=datetime.now(UTC) + timedelta(minutes=90)
    )


def a_refusal() -> placement.Cancelled:
    """The survivor said no."""
    return placement.Cancelled(placement_id=UUID(int=5), shelter_id=SHELTER, reason="survivor_declined")


def a_plan(people: list[UUID]) -> assessment.PlanApproved:
    """Everyone goes home."""
    return assessment.PlanApproved(version=1, outcomes=tuple(assessment.PersonOutcome(person_id=p, outcome="reunification") for p in people))
