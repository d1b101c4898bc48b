"""Who asks for help, in demonstrations and load tests: invented households, drawn by seed from Jakarta's published figures.

Nobody in here exists (population_people says how). A few households carry a canary's name, phone, NIK and address, to be searched
for where personal data must not be.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any, Final, Literal

from contracts.areas import DISTRICTS_OF

from ops import population_figures as figures
from ops.population_people import ADULT, Body, children_of, family_of_child, person, phone, pick

Kind = Literal["violence", "street"]
Malformed = Literal["incomplete", "unreadable"] | None

CANARY_NAME: Final = "Kanarizal Wujudnihil"
CANARY_PHONE: Final = "+62 000 9999 0001"
CANARY_NIK: Final = "0099994101999999"  # in a draw of province 99 it begins with that; the rest is the same
CANARY_ADDRESS: Final = "Jalan Contoh Wujudnihil 999"
CANARY_SHARE: Final = 0.005
CANARY_SHARE_MALFORMED: Final = 0.2
PERSONAL_FIELDS: Final = frozenset({"callback", "narrative", "persons.name", "persons.nik", "persons.phone", "persons.address"})

AS_OF: Final = datetime(2026, 10, 1, 12, tzinfo=timezone(timedelta(hours=7)))
RESENT_WITHIN: Final = 40


@dataclass(frozen=True, slots=True)
class Submission:
    """One referral as an agency sends it, with what a test needs to know about it; `duplicate_of` is a position in the same draw.

    `story` says how the officers of a demonstration carry it on. Violence: family, rehabilitation, stays, refuses, no_show where
    shelter is needed, else home, information, referred_out, refuses. Street: other_region, family, rehabilitation where it is
    sought, else street (helped where found), other_region, not_found, refuses.
    """

    referral: Body
    agency: str
    door: Literal["nats", "http"]
    kind: Kind
    malformed: Malformed
    duplicate_of: int | None
    story: str


def draw_households(
    seed: int,
    count: int,
    *,
    shelter_share: float = 0.05,
    ppks_share: float = 0.25,
    duplicate_share: float = 0.08,
    malformed_share: float = 0.03,
    as_of: datetime = AS_OF,
    first_number: int = 1,
    nik_province: Literal["00", "99"] = "00",
) -> list[Submission]:
    """Draw so many submissions; a shorter draw of the same seed is the beginning of a longer one.

    `shelter_share` is of all households, of either kind. Two draws sent to one platform need numbers of their own:
    `first_number`. Neither province exists, but intake drops a NIK of province 00 as impossible and asks for it, while it keeps
    and matches one of 99. But for its NIKs, what is not malformed is complete.
    """
    drawn: list[Submission] = []
    originals: list[int] = []
    numbers = dict.fromkeys(figures.AGENCIES, first_number)
    for index in range(count):
        rng = Random(f"naungan:{seed}:{index}")  # noqa: S311 - a reproducible draw, not a secret
        if originals and rng.random() < duplicate_share:
            original = rng.choice(originals[-RESENT_WITHIN:])
            drawn.append(replace(drawn[original], referral=deepcopy(drawn[original].referral), duplicate_of=original))
            continue
        kind: Kind = "street" if rng.random() < ppks_share else "violence"
        sheltered = rng.random() < shelter_share
        agency = pick(rng, figures.STREET_AGENCIES if kind == "street" else figures.VIOLENCE_AGENCIES)
        told = street_contact if kind == "street" else violence_case
        body = told(rng, as_of, sheltered=sheltered)
        for someone in body["persons"]:
            if "nik" in someone:
                someone["nik"] = nik_province + someone["nik"][2:]
        body["reference"] = f"{agency.upper()}-{as_of.year}-{numbers[agency]:06d}"
        body["callback"] = f"Meja {agency}, {phone(rng)}"
        body["channel"] = pick(rng, figures.AGENCIES[agency].channels)
        numbers[agency] += 1
        malformed: Malformed = None
        if rng.random() < malformed_share:
            malformed = "unreadable" if rng.random() < 1 / 3 else "incomplete"
        if not originals or rng.random() < (CANARY_SHARE_MALFORMED if malformed else CANARY_SHARE):
            plant_canary(body, nik_province)
        if malformed:
            rng.choice(DAMAGE[malformed])(body)
        door: Literal["nats", "http"] = "nats" if rng.random() < figures.AGENCIES[agency].nats_share else "http"
        drawn.append(Submission(body, agency, door, kind, malformed, None, story_of(rng, kind, sheltered=sheltered)))
        originals.append(index)
    return drawn


def violence_case(rng: Random, as_of: datetime, *, sheltered: bool) -> Body:
    """A woman or child who suffered violence, with those who would come along, as an agency describes them."""
    victim = pick(rng, figures.VICTIMS)
    adult = victim == "woman"
    age = age_between(rng, [band for band in figures.AGE_BANDS if (band[0] >= ADULT) == adult])
    sex = "male" if victim == "boy" else "female"
    relation = pick(rng, figures.RELATIONS_OF_ADULTS if adult else figures.RELATIONS_OF_CHILDREN)
    types = violence_types(rng)
    area = district(rng, figures.CITY_CASES)
    urgency = pick(rng, figures.SHELTER_URGENCY if sheltered else figures.URGENCY)
    persons = [person(rng, as_of, "victim", sex, age)]
    if adult:
        persons += children_of(rng, as_of, age, figures.WOMAN_WITH_CHILDREN_SHARE if age in figures.MOTHERS_AGES else 0.0)
    else:
        persons += family_of_child(rng, as_of, age, relation)
    alone = not adult and len(persons) == 1
    victim_name = persons[0].get("name", "belum disebut")
    body: Body = {
        "urgency": urgency,
        "reporter": pick(rng, figures.REPORTERS if age >= figures.SPEAKS_FOR_HERSELF else figures.REPORTERS_OF_CHILDREN),
        "area": area,
        "area_kind": "home" if rng.random() < figures.AT_HOME_SHARE else "incident",
        "persons": persons,
        "violence_types": types,
        "narrative": f"Terlapor: {relation}. Tempat: {pick(rng, figures.PLACES)}. Korban: {victim_name}.",
    }
    if rng.random() < figures.PPKS_NAMED_SHARE:
        body["ppks"] = 18 if "trafficking" in types else 19 if adult else 6
    if rng.random() < figures.MOMENT_KNOWN_SHARE:
        body["occurred_at"] = (as_of - timedelta(hours=min(rng.expovariate(1 / 96), 8760))).isoformat(timespec="minutes")
    if sheltered or rng.random() < figures.SCREENED_SHARE:
        known = sheltered or rng.random() < figures.PERPETRATOR_DISTRICT_KNOWN_SHARE
        near = rng.random() < figures.PERPETRATOR_SAME_DISTRICT_SHARE
        body["screen"] = {
            "red_flags": red_flags(rng, persons[0], alone=alone) if urgency == "high" else [],
            "shelter_needed": sheltered,
            "shelter_grounds": shelter_grounds(rng, relation, types, alone=alone) if sheltered else [],
            "perpetrator_areas": [area if near else rng.choice(DISTRICTS_OF[area[:5]])] if known else [],
        }
    return body


def street_contact(rng: Random, as_of: datetime, *, sheltered: bool) -> Body:
    """A person met by street outreach, sometimes with children."""
    category = pick(rng, {code: group.weight for code, group in figures.STREET_GROUPS.items()})
    group = figures.STREET_GROUPS[category]
    sex = "female" if rng.random() < group.female_share else "male"
    age = rng.randint(*group.ages)
    main = person(rng, as_of, "victim" if age < ADULT else "other", sex, age)
    if rng.random() < group.acute_psychiatric_share:
        main["needs"] = [*main["needs"], "acute_psychiatric"]
    urgency = pick(rng, figures.SHELTER_URGENCY if sheltered else figures.STREET_URGENCY)
    alone = age < ADULT
    body: Body = {
        "urgency": urgency,
        "reporter": pick(rng, figures.STREET_REPORTERS),
        "area": district(rng, figures.STREET_CITIES),
        "area_kind": "found",
        "persons": [main, *children_of(rng, as_of, age, group.with_children_share)],
        "violence_types": [],
        "ppks": category,
        "narrative": f"Dijangkau di jalan: {main.get('name', 'tidak menyebut nama')}.",
    }
    if sheltered or rng.random() < figures.STREET_SCREENED_SHARE:
        grounds = ["unaccompanied_child"] if alone else ["homeless"]
        flags = ["child_alone"] if alone and urgency == "high" else []
        body["screen"] = {"red_flags": flags, "shelter_needed": sheltered, "shelter_grounds": grounds if sheltered else []}
    return body


def violence_types(rng: Random) -> list[str]:
    """At least one type, each as often as published: the chances allow for drawing again when none came up."""
    while True:
        found = [kind for kind, share in figures.VIOLENCE_SHARES.items() if rng.random() < share * figures.SOME_TYPE]
        if found:
            return found


def red_flags(rng: Random, victim: Body, *, alone: bool) -> list[str]:
    """What makes it urgent: some of the danger signs, and those that follow from the household itself."""
    found = {pick(rng, figures.RED_FLAGS) for _ in range(rng.randint(1, 3))}
    if {"pregnant", "pregnant_late"} & set(victim["needs"]):
        found.add("pregnancy")
    if alone:
        found.add("child_alone")
    return sorted(found)


def shelter_grounds(rng: Random, relation: str, types: list[str], *, alone: bool) -> list[str]:
    """Why home is not safe; never empty."""
    grounds = {
        "perpetrator_is_family": relation in figures.FAMILY_RELATIONS,
        "trafficked_out_of_region": "trafficking" in types,
        "unaccompanied_child": alone,
        "rejected_by_family": rng.random() < figures.REJECTED_BY_FAMILY_SHARE,
        "witness": rng.random() < figures.WITNESS_SHARE,
    }
    found = [ground for ground, holds in grounds.items() if holds]
    return ["threat_to_life", *found] if not found or rng.random() < figures.ALSO_THREATENED_SHARE else found


def story_of(rng: Random, kind: Kind, *, sheltered: bool) -> str:
    """How this household's case goes on."""
    if kind == "street":
        return pick(rng, figures.STREET_SHELTERED_STORIES if sheltered else figures.STREET_STORIES)
    return pick(rng, figures.SHELTERED_STORIES if sheltered else figures.HOME_STORIES)


def district(rng: Random, cities: Mapping[str, float]) -> str:
    """A kecamatan: the city as published, any of its kecamatan."""
    return rng.choice(DISTRICTS_OF[pick(rng, cities)])


def age_between(rng: Random, bands: list[tuple[int, int]]) -> int:
    """An age within these bands, as often as published."""
    return rng.randint(*pick(rng, {band: figures.AGE_BANDS[band] for band in bands}))


def plant_canary(body: Body, nik_province: str) -> None:
    """Make this household findable wherever its personal data should not be."""
    number = nik_province + CANARY_NIK[2:]
    body["persons"][0] |= {"name": CANARY_NAME, "phone": CANARY_PHONE, "nik": number, "address": CANARY_ADDRESS}
    body["narrative"] += f" Hubungi {CANARY_NAME}, {CANARY_PHONE}, NIK {number}."


def first_person(**wrong: Any) -> Callable[[Body], None]:
    """Damage: these fields of the first person are wrong."""
    return lambda body: body["persons"][0].update(wrong)


DAMAGE: Final[Mapping[str, tuple[Callable[[Body], object], ...]]] = {
    "incomplete": (  # what may be wrong or missing: the case is opened and a desk asks
        lambda body: body.pop("area"),
        lambda body: body.update(area="31.79.01"),
        lambda body: body.update(area="Cakung"),
        lambda body: body.update(persons=[]),
        lambda body: body.update(violence_types=["kekerasan"]),
        lambda body: body.update(ppks=27),
        first_person(age=199),
        first_person(nik="0012014101900000"),
        first_person(nik="00120141019"),
        first_person(sex="P"),
        lambda body: body.pop("narrative"),
    ),
    "unreadable": (  # what must be there: reference, urgency and call-back
        lambda body: body.pop("urgency"),
        lambda body: body.update(urgency="segera"),
        lambda body: body.pop("callback"),
        lambda body: body.update(callback=""),
        lambda body: body.pop("reference"),
        lambda body: body.update(reference=f"# {body['reference']}"),
    ),
}
