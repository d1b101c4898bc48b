"""What an invented social worker records before an outcome comes true, and what an invented supervisor says to it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

WIB = timedelta(hours=7)
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "reunification": ("home_visit", "risk_recheck", "receiver", "consent"),
    "return_to_other_region": ("home_visit", "risk_recheck", "receiver", "consent", "region_acceptance"),
    "kin_or_foster_care": ("home_visit", "risk_recheck", "receiver", "consent", "carer_check"),
    "rehabilitation": ("consent",),
    "services_at_home": ("risk_recheck", "consent"),
    "independent_living": ("risk_recheck", "consent", "independence"),
    "referral_out": ("consent", "body_acceptance"),
}
HOMEWARD = frozenset({"reunification", "return_to_other_region", "kin_or_foster_care"})
# A supervisor who looked: nobody of the demo is in the area or is the receiver.
APPROVAL = {"area_reason": "perpetrator_detained", "another_person": True}


def step(kind: str, outcome: str) -> dict[str, Any]:
    """One step on the way to an outcome, as if everything were well."""
    today = {"on": str((datetime.now(UTC) + WIB).date())}
    far = outcome == "return_to_other_region"
    letter = {"body": "social_agency", "reference": "470/001-CONTOH", **today}
    said: Mapping[str, Mapping[str, Any]] = {
        "home_visit": {**today, "finding": "suitable"},
        "risk_recheck": {**today, "risk": "low"},
        "receiver": {
            "receiver": "grandparent" if outcome == "kin_or_foster_care" else "parent",
            "receiving_area": "32.01.01" if far else "31.74.04",
        },
        # A child's own view and who consents are taken from an adult's body too, so that nobody has to know who is a child.
        "consent": {"agreed": True, "own_view": "agrees", "consenter": "social_worker"},
        "region_acceptance": letter,
        "carer_check": {**today, "finding": "suitable", "review_days": 60},
        "independence": {"income": "wage", "dwelling": "rented", "safety_plan": True},
        "body_acceptance": letter,
    }
    return {"kind": kind, **said[kind]}


def preparations(outcome: str, persons: Iterable[str], kinds: Iterable[str] | None = None) -> list[dict[str, Any]]:
    """The bodies that record these steps (None: all that the outcome asks for): each for all at once, consent person by person."""
    everybody = list(persons)
    found: list[dict[str, Any]] = []
    for kind in REQUIRED[outcome] if kinds is None else kinds:
        groups = [[person] for person in everybody] if kind == "consent" else [everybody]
        found += [{"persons": group, "step": step(kind, outcome)} for group in groups]
    return found


def programme(kind: str) -> dict[str, Any]:
    """A programme of the demo; its days are fixed, so that a later demo offers the same again."""
    days = {"begins_on": "2026-01-05", "ends_on": "2035-12-28", "sessions": [f"2026-0{month}-05T02:00:00+00:00" for month in range(1, 5)]}
    return {"kind": kind, "provider": "dinsos", "area": "31.74.04", "name": f"Program contoh {kind}", "places": 40, **days}
