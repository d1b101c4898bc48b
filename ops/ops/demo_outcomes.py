"""What an invented social worker records before an outcome comes true, and what an invented supervisor says to it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ops.demo_wire import Api

# Whose outcome waits for a supervisor: case and person.
Approvals = dict[tuple[str, str], None]
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


async def fulfil(api: Api, who: str, case_id: str, to_approve: Approvals) -> None:
    """The plan comes true, person by person, once everything that it asks for is recorded and approved."""
    where = f"/assessment/cases/{case_id}"
    ways = [way for way in await api.get(who, f"{where}/outcomes") or [] if way["progress"] != "reached"]
    for outcome in {way["outcome"] for way in ways if way["progress"] == "planned"}:
        group = [way for way in ways if (way["outcome"], way["progress"]) == (outcome, "planned")]
        await _prepare(api, (who, case_id), outcome, group, to_approve)
    for way in ways:
        if way["progress"] == "rehabilitating":
            await _rehabilitate(api, who, case_id, way["person_id"])


async def _prepare(api: Api, whose: tuple[str, str], outcome: str, ways: list[dict[str, Any]], to_approve: Approvals) -> None:
    """Record what is missing, let a supervisor approve what she must, and let it come true for those for whom nothing stands in the way."""
    who, case_id = whose
    where = f"/assessment/cases/{case_id}"
    left = {way["person_id"]: way["obstacles"] for way in ways}
    missing = {entry["field"] for found in left.values() for entry in found if entry["code"] == "missing"}
    kinds = [kind for kind in REQUIRED[outcome] if kind in missing]
    for body in preparations(outcome, left, kinds):
        answer = await api.call(who, "POST", f"{where}/preparations", body)
        left |= {way["person_id"]: way["obstacles"] for way in answer.json()} if answer.is_success else {}
    route = {"rehabilitation": "rehabilitation/start"}.get(outcome, "reunify" if outcome in HOMEWARD else "outcome")
    for person, obstacles in left.items():
        if not obstacles:
            await api.post(who, f"{where}/{route}", {"person_id": person})
        elif {entry["field"] for entry in obstacles} == {"approval"}:
            to_approve[case_id, person] = None


async def _rehabilitate(api: Api, who: str, case_id: str, person_id: str) -> None:
    """A place in a programme, its sessions, what came of it, and with that the end of the rehabilitation."""
    where = f"/assessment/cases/{case_id}"
    offered = {entry["programme_id"]: entry for entry in await api.get(who, "/assessment/programmes") or []}
    mine = [entry for entry in await api.get(who, f"{where}/enrolments") or [] if entry["person_id"] == person_id]
    if any(entry["stage"] == "completed" for entry in mine):
        await api.post(who, f"{where}/rehabilitation/complete", {"person_id": person_id})
        return
    going = next((entry for entry in mine if entry["stage"] == "enrolled"), None)
    if going is None:
        free = [programme for programme in offered if offered[programme]["free"] > 0]
        if free:
            chosen = Random(person_id).choice(sorted(free))  # noqa: S311 - a script, not a secret
            await api.post(who, f"{where}/enrolments", {"person_id": person_id, "programme_id": chosen})
        return
    enrolment = f"{where}/enrolments/{going['enrolment_id']}"
    for session, _ in enumerate(offered[going["programme_id"]]["sessions"], 1):
        await api.post(who, f"{enrolment}/attendance", {"session": session, "present": session > 1})
    await api.post(who, f"{enrolment}/complete", {"certificate": True, "independence": "mostly_independent"})
