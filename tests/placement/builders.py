"""Homes, households and facts for the tests, with defaults that suit each other."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts import household as wire
from contracts.intake import HouseholdChanged, RiskChanged, Triage, Triaged
from contracts.vocabulary import HouseholdRole, Need, Risk, Sex, ShelterGround
from placement.domain.homes import Home, Room
from placement.domain.needs import Need as CaseNeed
from placement.domain.people import Household, Person

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = frozenset(need.value for need in Need)


def uid(number: int) -> UUID:
    return UUID(int=number)


def a_person(sex: str = "female", age: int | None = 30, role: str = "victim", needs: tuple[str, ...] = (), id: UUID | None = None) -> Person:
    return Person(id or uuid4(), sex, age, role, frozenset(needs))


def a_woman(age: int = 30, **more: Any) -> Person:
    return a_person("female", age, **more)


def a_child(sex: str = "female", age: int = 5, **more: Any) -> Person:
    return a_person(sex, age, "child", **more)


def a_household(*persons: Person, waited_hours: float = 0, **more: Any) -> Household:
    return Household(more.pop("case_id", uuid4()), persons or (a_woman(),), START - timedelta(hours=waited_hours), **more)


def a_room(beds: int = 4, *, family: bool = True, accessible: bool = False, isolation: bool = False, **more: Any) -> Room:
    return Room(more.pop("id", uuid4()), family, accessible, isolation, tuple(sorted(uuid4() for _ in range(beds))), **more)


def a_home(*rooms: Room, **changes: Any) -> Home:
    values: dict[str, Any] = {
        "id": uuid4(),
        "kind": "psp_korban_kekerasan",
        "secret": False,
        "area": "31.74.01",
        "sexes": frozenset({"female"}),
        "min_age": 0,
        "max_age": 120,
        "boys_max_age": 12,
        "accepts_needs": EVERYTHING,
        "grounds_required": False,
        "open": True,
        "rooms": rooms or (a_room(),),
    }
    return Home(**values | changes)


def a_need(**changes: Any) -> CaseNeed:
    values = {"case_id": uid(1), "version": 1, "household_version": 1, "revision": 1, "persons": (a_woman(),), "shelter_needed": True}
    return CaseNeed(**values | {"waiting_since": START} | changes)


# -- facts and bodies -----------------------------------------------------------------------------------------------------------------


def a_snapshot(*persons: wire.Person, revision: int = 1) -> wire.Household:
    return wire.Household(household_id=uuid4(), revision=revision, persons=persons or (a_member(),))


def a_member(sex: str = "female", age: int | None = 30, role: str = "victim", needs: tuple[str, ...] = (), id: UUID | None = None) -> wire.Person:
    return wire.Person(person_id=id or uuid4(), sex=Sex(sex), age=age, role=HouseholdRole(role), needs=tuple(Need(need) for need in needs))


def a_triage(kind: type[Triage] = Triaged, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "household": a_snapshot(),
        "area": "31.75.01",
        "risk": Risk.MEDIUM,
        "responsible_agency": "dinsos",
        "shelter_needed": True,
        "shelter_grounds": (ShelterGround.THREAT_TO_LIFE,),
        "due_at": START,
    }
    return kind(**values | changes)


def a_risk_change(**changes: Any) -> RiskChanged:
    made: RiskChanged = a_triage(RiskChanged, **changes)
    return made


def a_household_change(household: wire.Household) -> HouseholdChanged:
    return HouseholdChanged(household=household)


def a_room_body(beds: int = 4, **changes: Any) -> dict[str, Any]:
    room = {"room_id": str(uuid4()), "name": "A1", "family": True, "accessible": False, "isolation": False}
    return room | {"beds": [str(uuid4()) for _ in range(beds)]} | changes


def a_shelter_body(*rooms: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "shelter_id": str(uuid4()),
        "name": "Rumah Contoh",
        "kind": "psp_korban_kekerasan",
        "secret": False,
        "area": "31.74.01",
        "sexes": ["female"],
        "min_age": 0,
        "max_age": 120,
        "boys_max_age": 12,
        "accepts_needs": ["wheelchair", "infant"],
        "stay_review_days": 14,
        "grounds_required": False,
        "address": "Jalan Contoh Rahasia 7",
        "intake_phone": "+62 000 1111 2222",
        "rooms": list(rooms) or [a_room_body()],
    } | changes
