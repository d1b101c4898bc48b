"""What can be, of what was submitted: areas, posts, NIKs, and numbers in a text; pure."""

import re
from datetime import date

# Kecamatan per city in Jakarta (Kepmendagri 300.2.2-2138 of 2025; DOMAIN 3): codes count from 01.
KECAMATAN = {"31.01": 2, "31.71": 8, "31.72": 6, "31.73": 8, "31.74": 10, "31.75": 10}
PROVINCES = frozenset({*range(11, 20), 21, *range(31, 37), 51, 52, 53, *range(61, 66), *range(71, 77), 81, 82, *range(91, 98)})
JAKARTA = "31"
NIK = re.compile(r"(?!00)\d{6}(?P<day>[04][1-9]|[1256]\d|[37][01])(?P<month>0[1-9]|1[0-2])(?P<year>\d{2})(?!0000)\d{4}", re.ASCII)
OLDEST = 110
FEMALE = 40  # is added to the day of birth in a woman's NIK
# Sixteen digits, or a number that begins as Indonesian ones do, written closely or with what people put in between.
DIGIT = re.compile(r"\d", re.ASCII)
NIK_LIKE = re.compile(r"(?<!\d)\d(?:[ .-]?\d){15}(?!\d)", re.ASCII)
PHONE_LIKE = re.compile(r"(?<![\d])(?:\+ ?62|62|0)[ .()-]{0,2}[2-9](?:[ .()-]{0,2}\d){6,11}(?!\d)", re.ASCII)


def area_exists(code: str) -> bool:
    """Whether a kecamatan code is on the list; of other provinces only the province is checked."""
    city, kecamatan = code[:5], int(code[6:8])
    if code.startswith("31."):
        return 1 <= kecamatan <= KECAMATAN.get(city, 0)
    return int(code[:2]) in PROVINCES and kecamatan > 0


def numbers_in(text: str) -> tuple[str, ...]:
    """`nik`, `phone`: what a free text seems to hold that belongs into a field of its own, where it is sealed per person and can be masked."""
    if DIGIT.search(text) is None:
        return ()
    without = NIK_LIKE.sub(" ", text)
    return (*(("nik",) if without != text else ()), *(("phone",) if PHONE_LIKE.search(without) else ()))


def post_area(post: str) -> str:
    """The district in the code of a receiving post."""
    return post.split("-")[1]


def nik_finding(nik: str, sex: str, age: int | None, today: date) -> str | None:
    """The gravest of `nik_findings`, or None."""
    return next(iter(nik_findings(nik, sex, age, today)), None)


def nik_findings(nik: str, sex: str, age: int | None, today: date) -> tuple[str, ...]:
    """What is wrong or odd with a NIK of 16 digits, the gravest first (DOMAIN 3.1).

    `impossible`, and then nothing else: length, digits, calendar date, serial 0000, province 00. The others are warnings only. `differs`: the
    declared sex or age (give or take a year) is another, for a NIK is not issued anew when biodata are corrected. `unknown_district`: not on
    the list of districts, as old ones are. `not_jakarta`: first registered elsewhere.
    """
    found = NIK.fullmatch(nik)
    if found is None:
        return ("impossible",)
    day, month, year = int(found["day"]), int(found["month"]), int(found["year"])
    born = [moment for century in (1900, 2000) if (moment := _date(century + year, month, day % FEMALE)) is not None]
    ages = [today.year - b.year - ((today.month, today.day) < (b.month, b.day)) for b in born]
    possible = [years for years in ages if 0 <= years <= OLDEST]
    if not possible:
        return ("impossible",)
    other_sex = sex != "unknown" and (sex == "female") != (day > FEMALE)
    other_age = age is not None and all(abs(years - age) > 1 for years in possible)
    district = f"{nik[:2]}.{nik[2:4]}.{nik[4:6]}"
    odd = {"differs": other_sex or other_age, "unknown_district": not area_exists(district), "not_jakarta": not nik.startswith(JAKARTA)}
    return tuple(name for name, holds in odd.items() if holds)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
