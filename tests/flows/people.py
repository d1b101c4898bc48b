"""What people and agencies do in the flow tests, through the same doors as in life."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from ops import demo_outcomes
from tests.rig import NAMESPACE, Rig

PEKSOS = UUID("00000000-0000-4000-8000-00000000abcd")
AGREED = {"agreed": "alternative_consenter", "consenter": "court", "reason": "unable_to_decide"}
ALL = ("intake", "placement", "assessment", "notifications")


def ok(answer: Any) -> Any:
    """The body of an answer that must be a yes."""
    assert answer.is_success, (answer.status_code, answer.text)
    return answer.json() if answer.content else None


def a_shelter(*, beds: int = 4, family: bool = True, **changes: Any) -> dict[str, Any]:
    """A shelter in the shape of the seed file, with one room."""
    identity = uuid4()
    return {
        "shelter_id": str(identity),
        "name": f"Rumah Contoh {str(identity)[:4]}",
        "kind": "psp_korban_kekerasan",
        "secret": False,
        "area": "31.74.01",
        "sexes": ["female", "male"],
        "min_age": 0,
        "max_age": 120,
        "boys_max_age": 12,
        "accepts_needs": [],
        "stay_review_days": 30,
        "grounds_required": False,
        "address": "Jalan Contoh Aman 1",
        "intake_phone": "+62 000 0000 0001",
        "rooms": [
            {
                "room_id": str(uuid4()),
                "name": "A1",
                "family": family,
                "accessible": True,
                "isolation": False,
                "beds": [str(uuid5(NAMESPACE, f"{identity}{n}")) for n in range(beds)],
            }
        ],
    } | changes


def a_referral(reference: str, *, shelter: bool, risk: str = "medium", **changes: Any) -> dict[str, Any]:
    """A complete referral of a mother and her child."""
    return {
        "reference": reference,
        "urgency": risk,
        "callback": "+62 000 0000",
        "area": "31.75.01",
        "violence_types": ["fisik"],
        "persons": [
            {"role": "victim", "sex": "female", "age": 31, "name": "Canary Contoh"},
            {"role": "child", "sex": "female", "age": 5, "name": "Anak Contoh"},
        ],
        "narrative": "Canary Contoh tells her story",
        "screen": {"shelter_needed": shelter, "shelter_grounds": ["threat_to_life"] if shelter else []},
    } | changes


async def platform(rig: Rig, *shelters: dict[str, Any]) -> None:
    """All four services, one social worker, and these shelters."""
    await rig.start(*ALL)
    ok(await rig.put("assessment", f"/workers/{PEKSOS}", json={"agency": "dinsos"}, role="operator"))
    for shelter in shelters:
        ok(await rig.post("placement", "/shelters", json=shelter, role="operator"))
    await rig.settle()


async def refer(rig: Rig, referral: dict[str, Any], agency: str = "dppapp") -> UUID:
    """An agency's system refers over NATS; the case that it becomes."""
    await rig.publish(f"referral.{agency}.submitted.v1", json.dumps(referral).encode())
    await rig.settle()
    (row,) = await rig.sql(
        "intake", "SELECT case_id FROM submission WHERE agency = :agency AND reference = :reference", agency=agency, reference=referral["reference"]
    )
    case_id: UUID = row.case_id
    return case_id


async def offer_of(rig: Rig, case_id: UUID) -> dict[str, Any]:
    """The placement of a case as its officer sees it."""
    found = ok(await rig.get("placement", f"/placements?case_id={case_id}", role="placement_officer"))
    return max(found, key=lambda placement: placement["placement_id"])


async def admit(rig: Rig, placement: dict[str, Any], case_id: UUID) -> None:
    """The shelter's head says yes, the household comes and agrees, and is let in."""
    head = {"role": "shelter_head", "units": [placement["shelter_id"]]}
    path = f"/placements/{placement['placement_id']}"
    ok(await rig.post("placement", f"{path}/accept", json={}, **head))
    ok(await rig.post("placement", f"{path}/on-the-way", json={}, role="placement_officer"))
    agreements = [
        {"person_id": member["person_id"], "agreement": "own" if (member["age"] or 30) >= 18 else "own_view_and_consenter"}
        for member in placement["members"]
    ]
    ok(await rig.post("placement", f"{path}/admit", json={"agreements": agreements}, **head))
    await rig.settle()
    assert await state(rig, case_id) in {"sheltered", "assessment"}


async def persons(rig: Rig, case_id: UUID) -> list[str]:
    """The members of a case's household."""
    return [row.person_id for row in await rig.sql("intake", "SELECT person_id::text FROM person WHERE case_id = :case_id", case_id=case_id)]


async def assess_and_plan(rig: Rig, case_id: UUID, outcome: str) -> list[str]:
    """The social worker assesses and proposes a plan, a supervisor approves it; the persons it is for."""
    peksos, members = {"role": "peksos", "subject": PEKSOS}, await persons(rig, case_id)
    answers = {f"phq9_{n}": 1 for n in range(1, 10)}
    ok(await rig.put("assessment", f"/cases/{case_id}/answers", json={"person_id": members[0], "instrument": "phq9", "answers": answers}, **peksos))
    judgement = {"risk_view": {"band": "moderate"}, "no_instrument_reason": "too_young"}
    ok(await rig.post("assessment", f"/cases/{case_id}/complete", json=judgement, **peksos))
    plan = {"outcomes": [{"person_id": person, "outcome": outcome, "agreement": AGREED} for person in members]}
    ok(await rig.post("assessment", f"/cases/{case_id}/plan", json=plan, **peksos))
    assert (await rig.post("assessment", f"/cases/{case_id}/plan/approve", json={}, **peksos)).status_code == 403, "nobody approves her own plan"
    ok(await rig.post("assessment", f"/cases/{case_id}/plan/approve", json={}, role="supervisor", agency="dinsos"))
    await rig.settle()
    return members


async def come_true(rig: Rig, case_id: UUID, outcome: str, *members: str) -> None:
    """All that the outcome asks for is recorded, a supervisor approves it, and it comes true for these persons."""
    peksos, supervisor = {"role": "peksos", "subject": PEKSOS}, {"role": "supervisor", "agency": "dinsos"}
    for body in demo_outcomes.preparations(outcome, members):
        ok(await rig.post("assessment", f"/cases/{case_id}/preparations", json=body, **peksos))
    for person in members:
        whom = {"person_id": person}
        ok(await rig.post("assessment", f"/cases/{case_id}/outcomes/approve", json={**whom, **demo_outcomes.APPROVAL}, **supervisor))
        if outcome == "rehabilitation":
            ok(await rig.post("assessment", f"/cases/{case_id}/rehabilitation/start", json=whom, **peksos))
            why = {**whom, "because": "provided_elsewhere"}
            ok(await rig.post("assessment", f"/cases/{case_id}/rehabilitation/complete", json=why, **supervisor))
        else:
            route = "reunify" if outcome in demo_outcomes.HOMEWARD else "outcome"
            ok(await rig.post("assessment", f"/cases/{case_id}/{route}", json=whom, **peksos))
    await rig.settle()


async def follow_up_and_close(rig: Rig, case_id: UUID) -> None:
    """All follow-ups are done in their time, and a supervisor closes the case."""
    peksos = {"role": "peksos", "subject": PEKSOS}
    for followup in ok(await rig.get("assessment", f"/cases/{case_id}/followups", **peksos)):
        now = datetime.now(UTC) + rig.services["assessment"].database.skew
        wait = datetime.fromisoformat(followup["due_at"]) - now
        await rig.advance(seconds=max(0.0, wait.total_seconds()) + 60)
        ok(await rig.post("assessment", f"/cases/{case_id}/followups/{followup['number']}/done", json={"result": "safe"}, **peksos))
    await rig.settle()
    assert await state(rig, case_id) == "ready_to_close"
    ok(await rig.post("intake", f"/cases/{case_id}/close", json={"reason": "needs_met"}, role="supervisor", agency="dppapp"))
    await rig.settle()


async def state(rig: Rig, case_id: UUID | str) -> str:
    """Where intake sees the case."""
    (row,) = await rig.sql("intake", "SELECT state FROM case_file WHERE case_id = :case_id", case_id=UUID(str(case_id)))
    return str(row.state)


async def feed(rig: Rig, agency: str) -> list[str]:
    """What an agency has heard, in order."""
    rows = await rig.sql(
        "intake", "SELECT type FROM outbox WHERE stream = 'AGENCIES' AND route LIKE :route ORDER BY position", route=f"agency.{agency}.%"
    )
    return [row.type for row in rows]
