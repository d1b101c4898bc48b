"""Builders of what others say, with defaults."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts import agencies, assessment, intake, placement
from contracts.household import Household, Person

LATER = datetime(2030, 1, 1, tzinfo=UTC)
PERSON = UUID(int=77)


def a_household() -> Household:
    return Household(household_id=UUID(int=78), revision=1, persons=(Person(person_id=PERSON, sex="female", age=30, role="victim"),))


def reported(**fields: Any) -> intake.Reported:
    defaults = {
        "household": a_household(), "channel": "walk_in_upt", "reporter": "self", "agency": "dinsos", "area": "31.71.01",
        "area_kind": "home", "urgency": "low", "recorded_at": datetime.now(UTC),
    }  # fmt: skip
    return intake.Reported(**{**defaults, **fields})


def triaged(kind: type[intake.Triage] = intake.Triaged, **fields: Any) -> intake.Triage:
    defaults = {
        "household": a_household(), "area": "31.71.01", "risk": "low", "responsible_agency": "dinsos", "shelter_needed": True, "due_at": LATER,
    }  # fmt: skip
    return kind(**{**defaults, **fields})


def offered(placement_id: UUID, shelter_id: UUID) -> placement.Offered:
    return placement.Offered(placement_id=placement_id, shelter_id=shelter_id, persons=(PERSON,), hold_until=LATER)


def claimed(placement_id: UUID, shelter_id: UUID, until: datetime) -> placement.Claimed:
    return placement.Claimed(placement_id=placement_id, shelter_id=shelter_id, claimed_until=until)


def answer(kind: type[placement.OfferEvent], placement_id: UUID, shelter_id: UUID) -> placement.OfferEvent:
    more: dict[type, dict[str, Any]] = {
        placement.Declined: {"reason": "full"},
        placement.Cancelled: {"reason": "no_longer_needed"},
        placement.Accepted: {"arrive_by": LATER},
        placement.Admitted: {"persons": ({"person_id": PERSON, "agreement": "own"},), "admitted_at": LATER, "review_on": LATER.date()},
    }
    return kind(placement_id=placement_id, shelter_id=shelter_id, **more.get(kind, {}))


def assigned(worker: UUID, kind: Any = assessment.Assigned) -> Any:
    return kind(worker_id=worker, due_at=LATER)


def alert() -> assessment.AlertRaised:
    return assessment.AlertRaised(flag="self_harm", person_id=PERSON)


def sheltered(agency: str = "dinsos", city: str = "31.71") -> agencies.Sheltered:
    return agencies.Sheltered(agency=agency, city=city)


def ago(**parts: float) -> datetime:
    return datetime.now(UTC) - timedelta(**parts)


def ids(count: int) -> list[UUID]:
    return [uuid4() for _ in range(count)]
