"""The closed lists that notifications' forms offer, each code with its words."""

from collections.abc import Iterable, Sequence

from chassis.web.pages import words
from chassis.web.pages.visit import Visiting
from chassis.web.pages.words import Language
from contracts.areas import CITIES, DISTRICTS, DISTRICTS_OF

from notifications.pages.words import WORDS

Options = list[tuple[str, str]]
SHORT = ("Kabupaten Administrasi ", "Kota Administrasi ")
CITY = 5  # the length of a city's code: "31.71"


def options(language: Language, name: str, codes: Iterable[str]) -> Options:
    """The codes of one list, each with its words; a code without words is called by itself."""
    return [(str(code), said(language, name, str(code))) for code in codes]


def said(language: Language, name: str, code: str) -> str:
    """What a code of a list is called."""
    key = f"{name}.{code}"
    return words.said(WORDS, key, language) if key in WORDS else code


def cities(also: Sequence[str] = ()) -> Options:
    """Jakarta's cities, and other areas that are chosen already."""
    return [(code, area_name(code)) for code in (*CITIES, *(code for code in also if code not in CITIES))]


def districts() -> Options:
    """The kecamatan of Jakarta, city by city."""
    return [(code, f"{_short(CITIES[city])}: {DISTRICTS[code]}") for city in CITIES for code in DISTRICTS_OF[city]]


def area_name(code: str) -> str:
    """An area as people call it; the code itself where it is none of Jakarta's."""
    if code in CITIES:
        return _short(CITIES[code])
    return f"{DISTRICTS[code]}, {_short(CITIES[code[:CITY]])}" if code in DISTRICTS else code


def areas_entered(visit: Visiting) -> list[str]:
    """The areas that were chosen in a form: those of its list, and the one that was added."""
    return [*visit.fields("areas"), *visit.fields("district")]


def _short(name: str) -> str:
    for prefix in SHORT:
        name = name.removeprefix(prefix)
    return name
