"""What the tests of assessment do to the running service, and what they see of it."""

from typing import Any
from uuid import UUID, uuid4

import httpx
from assessment.domain.preparation import REQUIRED

from tests.assessment.builders import CODES, MOTHER, SUPERVISOR, WORKER, triaged
from tests.rig import Rig

SAID = "case.assessment."
JUDGED = {"risk_view": {"band": "moderate"}}


async def act(
    rig: Rig, case_id: UUID, action: str, body: Any = None, *, subject: UUID = WORKER, role: str = "peksos", method: str = "POST"
) -> httpx.Response:
    return await rig.send(method, "assessment", f"/cases/{case_id}/{action}", json=body, role=role, subject=subject)


async def decide(rig: Rig, case_id: UUID, action: str = "approve", body: Any = None, subject: UUID = SUPERVISOR) -> httpx.Response:
    return await act(rig, case_id, f"plan/{action}", body, subject=subject, role="supervisor")


async def answer(rig: Rig, case_id: UUID, answers: dict[str, Any], person: UUID = MOTHER, **who: Any) -> httpx.Response:
    return await act(rig, case_id, "answers", {"person_id": str(person), "instrument": "phq9", "answers": answers}, method="PUT", **who)


async def see(rig: Rig, case_id: UUID, path: str = "", *, role: str = "supervisor", subject: UUID = SUPERVISOR) -> httpx.Response:
    return await rig.get("assessment", f"/cases/{case_id}{path}", role=role, subject=subject)


async def add_worker(rig: Rig, worker: UUID = WORKER, role: str = "operator", **changes: Any) -> httpx.Response:
    return await rig.put("assessment", f"/workers/{worker}", json={"agency": "dinsos", **changes}, role=role)


async def said(rig: Rig, case_id: UUID) -> list[str]:
    return [kind.removeprefix(SAID).removesuffix(".v1") for kind, subject, _ in await rig.facts("assessment") if subject == case_id]


async def data(rig: Rig, case_id: UUID, name: str) -> list[dict[str, Any]]:
    return [found for kind, subject, found in await rig.facts("assessment") if subject == case_id and kind == f"{SAID}{name}.v1"]


async def state(rig: Rig, case_id: UUID) -> str:
    rows = await rig.sql("assessment", "SELECT state FROM assessment_case WHERE case_id = :c", c=case_id)
    return str(rows[0].state)


async def a_started_case(rig: Rig, *persons: UUID, **triage: Any) -> UUID:
    """A case at home that has a worker; the service is started and has one worker."""
    await rig.start("assessment")
    assert (await add_worker(rig)).status_code == 200
    case_id = uuid4()
    await rig.say(triaged(*persons, **triage), subject=case_id)
    await rig.settle()
    return case_id


async def a_planned_case(rig: Rig, outcomes: dict[UUID, str], **triage: Any) -> UUID:
    case_id = await a_started_case(rig, *outcomes, **triage)
    body = {**JUDGED, "no_instrument_reason": "declined"}
    assert (await act(rig, case_id, "complete", body)).status_code == 200
    assert (await act(rig, case_id, "plan", plan_of(outcomes))).status_code == 201
    assert (await decide(rig, case_id)).status_code == 200
    return case_id


# What counts as agreement whatever her age, for tests that are about something else.
AGREED = {"agreed": "alternative_consenter", "consenter": "court", "reason": "unable_to_decide"}


def plan_of(outcomes: dict[UUID, str], *services: str) -> dict[str, Any]:
    persons = [{"person_id": str(person), "outcome": outcome, "agreement": AGREED} for person, outcome in outcomes.items()]
    return {"outcomes": persons, "services": list(services)}


def errors(response: httpx.Response) -> dict[str, str]:
    assert response.status_code == 422, response.text
    return {entry["field"]: entry["code"] for entry in response.json()["errors"]}


def refused_in(state_name: str, response: httpx.Response) -> bool:
    return response.status_code == 409 and response.json()["state"] == state_name


def home(person: UUID = MOTHER) -> dict[str, Any]:
    return {"person_id": str(person)}


async def prepare(rig: Rig, case_id: UUID, person: UUID = MOTHER, *kinds: str, **changes: dict[str, Any]) -> list[httpx.Response]:
    """Record everything that the person's outcome asks for, or these steps of it; `changes` by kind of step."""
    ways = (await see(rig, case_id, "/outcomes")).json()
    outcome = next(way["outcome"] for way in ways if way["person_id"] == str(person))
    answers = []
    for step in REQUIRED[outcome]:
        if kinds and step not in kinds:
            continue
        reference = {"reference": "470/12-A"} if step in {"region_acceptance", "body_acceptance"} else {}
        area = {"receiving_area": "32.01.01"} if step == "receiver" and outcome == "return_to_other_region" else {}
        said = {"kind": step.value, **CODES[step], **reference, **area, **changes.get(step, {})}
        answers.append(await act(rig, case_id, "preparations", {"persons": [str(person)], "step": said}))
    return answers


async def prepared(rig: Rig, case_id: UUID, *persons: UUID) -> None:
    for person in persons or (MOTHER,):
        for answer in await prepare(rig, case_id, person):
            assert answer.status_code == 201, answer.text


async def approve_outcome(rig: Rig, case_id: UUID, person: UUID = MOTHER, *, subject: UUID = SUPERVISOR, **body: Any) -> httpx.Response:
    return await act(rig, case_id, "outcomes/approve", {"person_id": str(person), **body}, role="supervisor", subject=subject)
