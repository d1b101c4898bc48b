"""An invented city for the matching: shelters with rooms, beds and guests, and households that wait. The same seed is the same city."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from placement.domain.homes import Guest, Home, Room
from placement.domain.people import Household, Person

AREAS = [f"31.{city}.{number:02d}" for city, most in ((71, 8), (72, 6), (73, 8), (74, 10), (75, 10)) for number in range(1, most + 1)]
KINDS = {"rumah_aman": 20, "psp_korban_kekerasan": 30, "panti_transit": 8, "shelter_lsm": 20, "rptc": 10, "panti_anak_pi": 6, "panti_anak_pa": 6}
BOTH = frozenset({"panti_transit", "rptc"})
CHILDREN = frozenset({"panti_anak_pi", "panti_anak_pa"})
BOYS = "panti_anak_pa"
EVERYTHING = frozenset({"wheelchair", "sensory", "care", "pregnant", "pregnant_late", "infant", "medication", "interpreter", "infectious"})


def _id(random: Random) -> UUID:
    return UUID(int=random.getrandbits(128))


def _chance(random: Random, share: float) -> bool:
    return random.random() < share


def homes(random: Random, count: int, beds: int, occupied: float) -> list[Home]:
    """So many shelters of so many beds each, of which this share is slept in."""
    return [_home(random, beds, occupied) for _ in range(count)]


def _home(random: Random, beds: int, occupied: float) -> Home:
    (kind,) = random.choices(list(KINDS), list(KINDS.values()))
    both = kind in BOTH
    rooms, left = list[Room](), beds
    while left > 0:
        rooms.append(_room(random, min(left, random.choice([2, 3, 4, 4, 6])), occupied, men=kind == BOYS or (both and _chance(random, 0.3))))
        left -= len(rooms[-1].free) + len(rooms[-1].guests)
    lowest, highest = (6, 17) if kind in CHILDREN else (0, 120)
    return Home(
        id=_id(random),
        kind=kind,
        secret=kind == "rumah_aman",
        area=random.choice(AREAS),
        sexes=frozenset({"female", "male"}) if both else frozenset({"male" if kind == BOYS else "female"}),
        min_age=lowest,
        max_age=highest,
        boys_max_age=None if both or kind in CHILDREN else random.choice([7, 12, 12, 15]),
        accepts_needs=EVERYTHING if _chance(random, 0.5) else EVERYTHING - {"infectious", "wheelchair"},
        grounds_required=kind == "rumah_aman",
        open=True,
        rooms=tuple(rooms),
        sheltered=frozenset(guest.person_id for room in rooms for guest in room.guests),
    )


def _room(random: Random, beds: int, occupied: float, *, men: bool) -> Room:
    slept_in = sum(_chance(random, occupied) for _ in range(beds))
    guests = tuple(Guest(_id(random), _id(random), "male" if men else "female", _chance(random, 0.2)) for _ in range(slept_in))
    free = tuple(sorted(_id(random) for _ in range(beds - slept_in)))
    return Room(_id(random), _chance(random, 0.6), _chance(random, 0.3), _chance(random, 0.08), free, guests)


def households(random: Random, count: int, now: datetime) -> list[Household]:
    """So many households that wait: most are a woman with up to four children."""
    return [_household(random, now - timedelta(minutes=number)) for number in range(count)]


def _household(random: Random, since: datetime) -> Household:
    persons = []
    if _chance(random, 0.85):
        (need,) = random.choices([(), ("wheelchair",), ("pregnant",), ("infectious",)], [90, 3, 5, 2])
        persons.append(Person(_id(random), "female", random.randint(18, 60), "victim", frozenset(need)))
    (children,) = random.choices([0, 1, 2, 3, 4], [40, 28, 20, 8, 4]) if persons else random.choices([1, 2], [80, 20])
    persons += [Person(_id(random), random.choice(["female", "female", "male"]), random.randint(0, 17), "child") for _ in range(children)]
    return Household(
        case_id=_id(random),
        persons=tuple(persons),
        waiting_since=since,
        grounds=frozenset({"threat_to_life"}) if _chance(random, 0.5) else frozenset(),
        perpetrator_areas=frozenset({random.choice(AREAS)}),
        risk=random.choices(["high", "medium", "low"], [20, 50, 30])[0],
        area=random.choice(AREAS),
    )


# -- as rows --------------------------------------------------------------------------------------------------------------------------

NEW_SHELTER = """
    INSERT INTO shelter (id, name, kind, secret, area, sexes, min_age, max_age, boys_max_age, accepts_needs, stay_review_days, grounds_required,
        open, version, address_sealed, phone_sealed)
    VALUES ($1, 'Rumah Contoh', $2, $3, $4, $5, $6, $7, $8, $9, 14, $10, true, 1, '', '')"""
NEW_PLACEMENT = """
    INSERT INTO placement (id, case_id, shelter_id, state, revision, members, offered_at, admitted_at, direct)
    VALUES ($1, $2, $3, 'admitted', 1, '[]', $4, $4, false)"""
NEW_STAY = """
    INSERT INTO stay (placement_id, person_id, bed_id, case_id, sex, small, during) VALUES ($1, $2, $3, $4, $5, $6, tstzrange($7, NULL))"""
NEW_NEED = """
    INSERT INTO need (case_id, version, household_version, revision, persons, risk, grounds, keep_apart, perpetrator_areas, medical_gate,
        shelter_needed, ended, state, waiting_since, declined, not_now, settled_version, waitlisted, reasons, area)
    VALUES ($1, 1, 1, 1, $2, $3, $4, '{}', $5, false, true, false, 'waiting', $6, '{}', '{}', 0, true, '[]', $7)"""
EMPTY = "TRUNCATE stay, agreement, placement, need, bed, room, shelter CASCADE; DELETE FROM clock"


async def write(store: Any, city: Sequence[Home], waiting: Sequence[Household], now: datetime) -> None:
    """Let a store of placement hold this city and this waiting list, and nothing else."""
    await store.execute(EMPTY)
    for home in city:
        plain = (home.id, home.kind, home.secret, home.area, sorted(home.sexes), home.min_age, home.max_age, home.boys_max_age)
        await store.execute(NEW_SHELTER, *plain, sorted(home.accepts_needs), home.grounds_required)
        rooms = [(room.id, home.id, room.family, room.accessible, room.isolation) for room in home.rooms]
        await store.executemany("INSERT INTO room (id, shelter_id, name, family, accessible, isolation) VALUES ($1, $2, 'A', $3, $4, $5)", rooms)
        # A guest's bed has the id of her placement.
        beds = [(bed, room.id) for room in home.rooms for bed in (*room.free, *(guest.case_id for guest in room.guests))]
        await store.executemany("INSERT INTO bed (id, room_id, out_of_service) VALUES ($1, $2, false)", beds)
        guests = [guest for room in home.rooms for guest in room.guests]
        await store.executemany(NEW_PLACEMENT, [(guest.case_id, guest.case_id, home.id, now) for guest in guests])
        stays = [(guest.case_id, guest.person_id, guest.case_id, guest.case_id, guest.sex, guest.small, now) for guest in guests]
        await store.executemany(NEW_STAY, stays)
    await store.executemany(NEW_NEED, [_need_row(household) for household in waiting])


def _need_row(household: Household) -> tuple[Any, ...]:
    persons = [{"id": str(p.id), "sex": p.sex, "age": p.age, "role": p.role, "needs": sorted(p.needs)} for p in household.persons]
    told = (sorted(household.grounds), sorted(household.perpetrator_areas), household.waiting_since, household.area)
    return household.case_id, persons, household.risk, *told
