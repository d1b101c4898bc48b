"""Referrals as hostile or careless senders make them: bytes that are no JSON, and bodies that are nearly right."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.intake.builders import a_nik, a_person, a_referral

CANARY = "Kanarya Uji"  # with a space: no reference, which an agency writes itself and which is kept as it is, can be it
FIELDS = (*a_referral(), "ppks", "occurred_at", "screen", "reporter", "area_kind", "post", "heard_at", "follow_id", "$ref", "")
PERSON_FIELDS = (*a_person(), "nik", "needs", "")
TEXTS = st.sampled_from(
    [
        CANARY,
        "",
        " ",
        "\x00",
        f"{CANARY}\u0000",
        "\u202e" + CANARY,
        "\ud800",
        "x" * 401,
        "x" * 20001,
        f"{CANARY}' OR 1=1 --",
        "${jndi:x}",
        "31.71.99",
        "high",
    ]
)
CODES = st.sampled_from(
    [
        "high",
        "victim",
        "police",
        "public",
        "31.71.02",
        "31.99.99",
        "fisik",
        "weapon",
        "female",
        "2026-11-24T08:00:00",
        "0001-01-01",
        "NaN",
        "pos-31.75.01",
    ]
)
NUMBERS = st.one_of(st.integers(-3, 130), st.sampled_from([2**31, -(2**63), 10**30, 1e308, 0.5, -0.0]))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, CODES, st.just(a_nik(serial=0)), st.just(a_nik(province=32)))
VALUES = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(PERSON_FIELDS), inner, max_size=3)), max_leaves=4
)
PERSONS = st.lists(st.one_of(VALUES, st.dictionaries(st.sampled_from(PERSON_FIELDS), VALUES, max_size=4)), max_size=4)
SCREENS = st.dictionaries(st.sampled_from(["red_flags", "shelter_needed", "shelter_grounds", "perpetrator_areas", "x"]), VALUES, max_size=3)


NUMBERED = itertools.count()


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """One body: a referral of which some fields are missing, wrong or strange, and perhaps bytes that are broken on the way."""
    reference = f"H-{next(NUMBERED):08}"  # Hypothesis likes to draw what it drew before: no two are the same all the same
    referral: dict[str, Any] = a_referral(reference=reference, narrative=CANARY, callback=CANARY, persons=[a_person(name=CANARY, address=CANARY)])
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True)):
        referral[name] = draw(PERSONS if name == "persons" else SCREENS if name == "screen" else VALUES)
    for name in draw(st.lists(st.sampled_from(tuple(a_referral())), max_size=2)):
        referral.pop(name, None)
    raw = json.dumps(referral).encode()
    match draw(st.sampled_from([*["whole"] * 8, "cut", "overwritten", "nothing like it", "preceded"])):
        case "cut":
            return raw[: len(raw) - draw(st.integers(1, len(raw)))]
        case "overwritten":
            place = draw(st.integers(0, len(raw) - 1))
            return raw[:place] + draw(st.binary(max_size=4)) + raw[place + 1 :]
        case "nothing like it":
            return draw(
                st.sampled_from([b"", b"null", b"[]", b"[" * 3000, b'{"a":' * 40, b"\xff", b"{" * 5, CANARY.encode(), b'"' + CANARY.encode() + b'"'])
            )
        case "preceded":
            return draw(st.sampled_from([b"\xef\xbb\xbf", b" ", b"\x00"])) + raw
    return raw


AT_ONCE = 1000


def hostile(number: int) -> Iterator[bytes]:
    """So many hostile bodies, the same each time; a thousand at once, because Hypothesis remembers all that it drew in one run."""
    for chunk in range(0, number, AT_ONCE):
        yield from _some(chunk, min(AT_ONCE, number - chunk))


def _some(chunk: int, number: int) -> list[bytes]:
    found: list[bytes] = []

    @seed(chunk)
    @settings(max_examples=number, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(bodies())
    def gather(body: bytes) -> None:
        found.append(body)

    gather()
    return found
