"""What can be, of what was submitted: areas and NIKs; pure."""

import re
from datetime import date

# Kecamatan per city in Jakarta (Kepmendagri 300.2.2-2138 of 2025; DOMAIN 3): codes count from 01.
KECAMATAN = {"31.01": 2, "31.71": 8, "31.72": 6, "31.73": 8, "31.74": 10, "31.75": 10}
PROVINCES = range(11, 98)
NIK = re.compile(r"(?!00)\d{6}(?P<day>[04][1-9]|[1256]\d|[37][01])(?P<month>0[1-9]|1[0-2])(?P<year>\d{2})(?!0000)\d{4}", re.ASCII)
OLDEST = 110
FEMALE = 40  # is added to the day of birth in a woman's NIK


def area_exists(code: str) -> bool:
    """Whether a kecamatan code is on the list; of other provinces only the province is checked."""
    city, kecamatan = code[:5], int(code[6:8])
    if code.startswith("31."):
        return 1 <= kecamatan <= KECAMATAN.get(city, 0)
    return int(code[:2]) in PROVINCES and kecamatan > 0


def nik_finding(nik: str, sex: str, age: int | None, today: date) -> str | None:
    """`impossible`, `differs` or None for a NIK of 16 digits (DOMAIN 3.1).

    Impossible: length, digits, calendar date, serial 0000, province 00. Differs: the declared sex or age (give or take a year) is another;
    that is a warning only, for a NIK is not issued anew when biodata are corrected.
    """
    found = NIK.fullmatch(nik)
    if found is None:
        return "impossible"
    day, month, year = int(found["day"]), int(found["month"]), int(found["year"])
    born = [moment for century in (1900, 2000) if (moment := _date(century + year, month, day % FEMALE)) is not None]
    ages = [today.year - b.year - ((today.month, today.day) < (b.month, b.day)) for b in born]
    possible = [years for years in ages if 0 <= years <= OLDEST]
    if not possible:
        return "impossible"
    other_sex = sex != "unknown" and (sex == "female") != (day > FEMALE)
    other_age = age is not None and all(abs(years - age) > 1 for years in possible)
    return "differs" if other_sex or other_age else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
