"""What is known of who asks for help in Jakarta: the published figures that households are drawn from, each with its source.

Tags as in DOMAIN.md: [F:n] published source n of its section 12, [DER] arithmetic on those, [REC] its suggestion for demo data,
[OWN] an assumption of this file, because no figure was found. Weights need not sum to one; a SHARE is a probability.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

Weights = Mapping[str, float]

# --- where -------------------------------------------------------------------------------------------------------------------
CITY_CASES: Final[Weights] = {"31.75": 536, "31.73": 462, "31.74": 440, "31.72": 362, "31.71": 228, "31.01": 13}  # 2024 [F:85]
# About 80 P3S staff in each kota [F:10,88].
STREET_CITIES: Final[Weights] = {"31.71": 80, "31.72": 80, "31.73": 80, "31.74": 80, "31.75": 80}
PLACES: Final[Weights] = {  # 2025, per cent, the rest is "lainnya" [F:45]
    "rumah": 56.3, "jalan": 6.7, "kos": 6.3, "sekolah": 5.9, "kontrakan": 4.4, "hotel": 4.3, "tempat lain": 16.1,
}  # fmt: skip
PERPETRATOR_DISTRICT_KNOWN_SHARE: Final = 0.40  # where no shelter is sought; where it is, always [OWN]
PERPETRATOR_SAME_DISTRICT_SHARE: Final = 0.75  # [OWN]
AT_HOME_SHARE: Final = 0.20  # the area told is where she lives, not where it happened [OWN]

# --- who ---------------------------------------------------------------------------------------------------------------------
VICTIMS: Final[Weights] = {"woman": 892, "girl": 797, "boy": 352}  # 2024 [F:85]
AGE_BANDS: Final[Mapping[tuple[int, int], float]] = {  # SIMFONI 2024, per cent [DER F:44]; the last band is open, cut at 85
    (0, 5): 7.1, (6, 12): 20.3, (13, 17): 35.2, (18, 24): 11.6, (25, 44): 21.1, (45, 59): 4.2, (60, 85): 0.5,
}  # fmt: skip
MOTHERS_AGES: Final = range(20, 51)
WOMAN_WITH_CHILDREN_SHARE: Final = 0.45  # of women of these ages [OWN]
CHILDREN_WITH_HER: Final[Mapping[int, float]] = {1: 0.50, 2: 0.33, 3: 0.13, 4: 0.04}  # [OWN]
CHILD_WITH_CARER_SHARE: Final = 0.55  # [OWN]; lower when a parent is the perpetrator
CHILD_WITH_CARER_SHARE_PARENT: Final = 0.30  # [OWN]
SIBLING_SHARE: Final = 0.25  # of child victims [OWN]
SIBLING_IS_VICTIM_SHARE: Final = 0.50  # [OWN], near 34,561 victims in 31,953 cases [F:44]
NO_NIK_SHARE: Final = 0.30  # [REC]
NIK_BIRTH_DATE_DIFFERS_SHARE: Final = 0.05  # [REC]; a warning only

# --- what --------------------------------------------------------------------------------------------------------------------
VIOLENCE_SHARES: Final[Weights] = {  # of victims; each may suffer several: 1.39 on average [DER]
    "psikis": 1059 / 2182, "seksual": 901 / 2182, "fisik": 894 / 2182, "eksploitasi": 109 / 2182,  # Jakarta 2025 [F:86]
    "penelantaran": 72 / 2182, "trafficking": 471 / 34561,  # the last nationally, 2024 [F:44]; Jakarta does not list it
}  # fmt: skip
RELATIONS: Final[Weights] = {  # of the perpetrator, SIMFONI 2024, per cent [DER F:44]
    "pacar/teman": 21.7, "suami/istri": 18.9, "orang tua": 13.6, "tetangga": 9.0, "keluarga/saudara": 6.5, "guru": 3.5,
    "majikan": 0.5, "rekan kerja": 0.8, "lainnya": 14.1, "tidak diketahui": 11.3,
}  # fmt: skip
ADULT_ONLY_RELATIONS: Final = frozenset({"suami/istri", "majikan", "rekan kerja"})  # [OWN]
CHILD_ONLY_RELATIONS: Final = frozenset({"orang tua", "guru"})  # [OWN]
FAMILY_RELATIONS: Final = frozenset({"suami/istri", "orang tua", "keluarga/saudara"})
NEEDS_SHARES: Final[Weights] = {  # of adults; the elderly, infants and street contacts differ in code [OWN]
    "wheelchair": 0.015, "sensory": 0.015, "care": 0.010, "medication": 0.040, "infectious": 0.008, "interpreter": 0.010,
}  # fmt: skip
PREGNANCY_AGES: Final = range(18, 46)
PREGNANCY_SHARES: Final[Weights] = {"pregnant": 0.04, "pregnant_late": 0.015, "": 0.945}  # of women of these ages [OWN]
ELDERLY: Final = 60
ELDERLY_CARE_SHARE: Final = 0.20  # [OWN]
REJECTED_BY_FAMILY_SHARE: Final = 0.08  # of those who seek shelter, as the next two [OWN]
WITNESS_SHARE: Final = 0.04  # [OWN]
ALSO_THREATENED_SHARE: Final = 0.50  # threat to life beside another ground [OWN]


class StreetGroup(NamedTuple):
    """How often a PPKS category is met on the street, and who that is [OWN: only totals are published, F:88]."""

    weight: float
    ages: tuple[int, int]
    female_share: float
    with_children_share: float = 0.0
    acute_psychiatric_share: float = 0.02


STREET_GROUPS: Final[Mapping[int, StreetGroup]] = {  # key: category of Permensos 8/2012 [F:11]
    1: StreetGroup(2, (0, 4), 0.5),
    2: StreetGroup(4, (5, 17), 0.4),
    4: StreetGroup(17, (6, 17), 0.3),
    8: StreetGroup(9, (60, 85), 0.45),
    9: StreetGroup(9, (18, 65), 0.35, 0.0, 0.60),
    10: StreetGroup(3, (18, 45), 0.8),
    11: StreetGroup(23, (18, 70), 0.35, 0.12, 0.08),
    12: StreetGroup(19, (18, 70), 0.55, 0.20),
    13: StreetGroup(9, (18, 65), 0.35, 0.15),
    20: StreetGroup(2, (20, 50), 0.8),
    23: StreetGroup(3, (20, 60), 1.0, 0.40),
}

# --- how it is told ----------------------------------------------------------------------------------------------------------
CHANNELS: Final[Weights] = {"pos_pengaduan": 1093, "walk_in_upt": 505, "hotline_wa": 293}  # of the UPT, Jan-Oct 2025 [F:9]
REPORTERS: Final[Weights] = {"self": 34, "family": 30, "neighbour": 10, "professional": 22, "anonymous": 4}  # [OWN]
SPEAKS_FOR_HERSELF: Final = 12  # the age from which a victim may be the reporter [OWN]
REPORTERS_OF_CHILDREN: Final[Weights] = {who: weight for who, weight in REPORTERS.items() if who != "self"}
STREET_REPORTERS: Final[Weights] = {"professional": 88, "neighbour": 8, "anonymous": 4}  # [OWN]
SCREENED_SHARE: Final = 0.85  # of violence cases: the safety screen was asked [OWN]
STREET_SCREENED_SHARE: Final = 0.40  # [OWN]
PPKS_NAMED_SHARE: Final = 0.50  # of violence cases [OWN]
MOMENT_KNOWN_SHARE: Final = 0.70  # of violence cases [OWN]
URGENCY: Final[Weights] = {"high": 20, "medium": 45, "low": 35}  # [OWN]
SHELTER_URGENCY: Final[Weights] = {"high": 60, "medium": 40}  # [OWN]
STREET_URGENCY: Final[Weights] = {"high": 5, "medium": 25, "low": 70}  # [OWN]
RED_FLAGS: Final[Weights] = {  # when urgency is high; the pregnancy and child-alone flags follow from the household [OWN]
    "perpetrator_has_access": 30, "escalation": 25, "threat_to_kill": 20, "separation": 10, "weapon": 8, "strangulation": 7,
    "suicidal": 8,
}  # fmt: skip
UNKNOWN_SHARES: Final[Weights] = {"name": 0.03, "age": 0.04, "phone": 0.35, "address": 0.20}  # but a victim's age [OWN]


class Agency(NamedTuple):
    """An agency that refers: the share of its submissions that come over NATS, and the channels people reach it by."""

    nats_share: float
    channels: Weights


AGENCIES: Final[Mapping[str, Agency]] = {  # the demo's agencies; [OWN], but for the channels of the UPT
    "dppapp": Agency(0.85, CHANNELS),
    "dinsos": Agency(0.90, {"p3s_outreach": 88, "call_112": 5, "rptra": 4, "ngo_lsm": 3}),
    "polda-ppa": Agency(0.80, {"police": 1}),
    "rs-harapan": Agency(0.30, {"hospital": 1}),
}
VIOLENCE_AGENCIES: Final[Weights] = {"dppapp": 75, "polda-ppa": 13, "rs-harapan": 8, "dinsos": 4}  # [OWN]
STREET_AGENCIES: Final[Weights] = {"dinsos": 1}  # [OWN]

# --- how it goes on ----------------------------------------------------------------------------------------------------------
SHELTERED_STORIES: Final[Weights] = {  # of those housed 80 % go home, 12 % move on, 8 % stay [REC, F:2]; the last two [OWN]
    "family": 72, "rehabilitation": 11, "stays": 7, "refuses": 6, "no_show": 4,
}  # fmt: skip
HOME_STORIES: Final[Weights] = {"home": 80, "information": 8, "referred_out": 5, "refuses": 7}  # [OWN]
STREET_SHELTERED_STORIES: Final[Weights] = {"other_region": 60, "family": 20, "rehabilitation": 20}  # 60 % not local [F:16]
STREET_STORIES: Final[Weights] = {"street": 55, "other_region": 20, "not_found": 15, "refuses": 10}  # [OWN]

# --- words that stand for names: syllables, joined at random into names of nobody ---------------------------------------------
STARTS: Final = (
    "Sa", "Ri", "De", "Wi", "Nu", "Ra", "Lis", "Ti", "Me", "Yu", "Ha", "Fi", "Gu", "Ja", "Ka", "Lu", "Mar", "No", "Pu", "Zu",
)  # fmt: skip
TWO_NAMES_SHARE: Final = 0.60  # [OWN]
MIDDLES: Final = ("ri", "ma", "lu", "na", "ni", "sa", "ra", "ta", "di", "ya", "ha", "mi", "ndo", "rma", "wa", "zi")
FEMALE_ENDS: Final = ("ti", "wati", "yah", "sari", "ni", "nah", "lia", "ningsih", "rah", "yanti")
MALE_ENDS: Final = ("to", "no", "di", "wan", "man", "din", "yo", "rul", "mat", "ndra")
STREETS: Final = (
    "Anggur", "Beringin", "Cempaka", "Delima", "Enau", "Flamboyan", "Gandaria", "Jati", "Kenanga", "Mahoni", "Nangka", "Rambutan",
)  # fmt: skip


def some_type(shares: Iterable[float]) -> float:
    """The chance that any of the types comes up at all when each is drawn at its share times this chance."""
    shares, some = tuple(shares), 1.0
    for _ in range(200):
        none = 1.0
        for share in shares:
            none *= 1 - share * some
        some = 1 - none
    return some


def relations(*, adult: bool) -> Weights:
    """The perpetrator's relation for adult or child victims, such that both together are as published."""
    allowed, barred = ADULT_ONLY_RELATIONS, CHILD_ONLY_RELATIONS
    share = VICTIMS["woman"] / sum(VICTIMS.values())
    if not adult:
        allowed, barred, share = barred, allowed, 1 - share
    total = sum(RELATIONS.values())
    own = {relation: RELATIONS[relation] / total / share for relation in sorted(allowed)}
    common = {relation: weight for relation, weight in RELATIONS.items() if relation not in allowed | barred}
    rest = (1 - sum(own.values())) / sum(common.values())
    return own | {relation: weight * rest for relation, weight in common.items()}


SOME_TYPE: Final = some_type(VIOLENCE_SHARES.values())
RELATIONS_OF_ADULTS: Final = relations(adult=True)
RELATIONS_OF_CHILDREN: Final = relations(adult=False)
