"""The closed lists that intake's forms offer, each code with its words."""

from collections.abc import Iterable, Mapping

from chassis.web.pages.words import Language, said
from contracts.areas import CITIES, DISTRICTS, DISTRICTS_OF
from contracts.vocabulary import (
    AreaKind,
    Channel,
    HouseholdRole,
    Need,
    RedFlag,
    ReporterRole,
    Risk,
    Sex,
    ShelterGround,
    ViolenceType,
)

from intake.feed import UNKNOWN_AREA
from intake.pages.words import WORDS

Options = list[tuple[str, str]]
PPKS = range(1, 27)
# By whom a desk hears: not what agencies' systems and shelters' doors say of themselves.
HEARD = [entry for entry in Channel if entry not in (Channel.AGENCY, Channel.PLACEMENT)]
SHORT = ("Kabupaten Administrasi ", "Kota Administrasi ")


def lists(language: Language) -> Mapping[str, Options]:
    """Every list of the forms, by its name."""
    return {
        "urgency": options("report.urgency", Risk, language),
        "risk": options("risk", Risk, language),
        "violence": options("violence", ViolenceType, language),
        "ppks": options("ppks", map(str, PPKS), language),
        "area": areas(),
        "area_kind": options("area_kind", AreaKind, language),
        "role": options("role", HouseholdRole, language),
        "sex": options("sex", (Sex.FEMALE, Sex.MALE), language),
        "need": options("need", Need, language),
        "flag": options("flag", RedFlag, language),
        "ground": options("ground", ShelterGround, language),
        "reporter": options("reporter", ReporterRole, language),
        "channel": options("channel", HEARD, language),
        "shelter": options("choose", ("yes", "no", "unasked"), language),
        "yes_no": options("choose", ("yes", "no"), language),
    }


def options(name: str, codes: Iterable[str], language: Language) -> Options:
    """The codes of one list, each with its words."""
    return [(str(code), said(WORDS, f"{name}.{code}", language)) for code in codes]


def areas() -> Options:
    """The kecamatan of Jakarta, city by city."""
    return [(code, f"{_city(city)}: {DISTRICTS[code]}") for city in CITIES for code in DISTRICTS_OF[city]]


def area_name(code: str) -> str | None:
    """A kecamatan as people call it; the code itself where it is none of Jakarta's, None where it is not known."""
    if code == UNKNOWN_AREA:
        return None
    return f"{DISTRICTS[code]}, {_city(code[:5])}" if code in DISTRICTS else code


def _city(code: str) -> str:
    name = CITIES[code]
    for prefix in SHORT:
        name = name.removeprefix(prefix)
    return name
