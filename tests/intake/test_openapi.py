"""Whatever is sent to intake's routes, none answers with an error of its own, and every answer is as its OpenAPI document says.

NAUNGAN_SCHEMATHESIS=500 is how many examples a route gets in the long form.
"""

import asyncio
import contextlib
import os
import random
import time
import unittest
import uuid

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from joserfc import jwt
from ops.processes import free_port
from ops.supervise import wait_ready
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.intake.builders import a_person, a_referral

EXAMPLES = int(os.environ.get("NAUNGAN_SCHEMATHESIS", "5"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ROLES = ["operator", "shelter_head", "intake_officer", "supervisor", "outreach", "agency_system", "peksos", "placement_officer"]


def a_token(rig, *roles):
    now = int(time.time())
    claims = {"iss": rig.issuer.url, "aud": "naungan", "sub": str(uuid.UUID(int=7)), "roles": list(roles), "agency": "dppapp", "exp": now + 7200}
    return jwt.encode({"alg": "ES256", "kid": "test"}, claims, rig.issuer.key)


def walk(url, rig, known):
    """Ask every route of the document, half of the paths being of what is there: which statuses each route gave, and what was wrong."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    tokens = [a_token(rig, *ROLES), a_token(rig, "intake_officer", "supervisor")]
    choice, asked, wrong = random.Random(7), {}, {}

    def ask(case):
        for parameter, value in known.items():
            if parameter in (case.path_parameters or {}) and choice.random() < 0.5:
                case.path_parameters[parameter] = value
        headers = {"Authorization": f"Bearer {choice.choice(tokens)}", "Idempotency-Key": str(uuid.UUID(int=choice.getrandbits(128)))}
        response = case.call(headers=headers)
        asked.setdefault(case.operation.label, set()).add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    seldom = settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            try:
                seldom(given(case=operation.as_strategy(mode))(ask))()
            except (Unsatisfiable, pytest.skip.Exception, unittest.SkipTest):
                continue  # what takes nothing can be given nothing wrong
            except Exception as error:
                wrong[operation.label] = f"{error!r} {getattr(error, 'exceptions', '')}"[:2000]
    return asked, wrong


@contextlib.asynccontextmanager
async def served(service):
    """A started service behind a real port of its own."""
    port = free_port()
    config = uvicorn.Config(service.app(), host="127.0.0.1", port=port, lifespan="off", log_level="error", proxy_headers=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await wait_ready(f"http://127.0.0.1:{port}/livez", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await serving


@pytest.mark.servers
@pytest.mark.timeout(300 + EXAMPLES * 30)
async def test_every_route_of_intake_answers_as_its_document_says(rig):
    await rig.start("intake", public_reports_per_hour=2**31, public_status_per_hour=2**31, public_code_per_hour=2**31, live_minutes=0.005)
    for _ in range(2):
        case = (await rig.post("intake", "/reports", json=a_referral(persons=[a_person()], area=None), role="intake_officer", agency="dppapp")).json()
    task, _ = await rig.sql("intake", "SELECT task_id FROM desk_task")
    person, _ = await rig.sql("intake", "SELECT person_id FROM person")
    await rig.settle()
    (candidate,) = await rig.sql("intake", "SELECT candidate_id FROM candidate")
    known = {
        "case_id": case["case_id"],
        "follow_id": case["follow_id"],
        "task_id": str(task.task_id),
        "person_id": str(person.person_id),
        "candidate_id": str(candidate.candidate_id),
    }
    async with served(rig.services["intake"]) as url:
        asked, wrong = await asyncio.to_thread(walk, url, rig, known)
    assert wrong == {}
    assert len(asked) > 30, "the document names intake's routes"
    assert {200, 404, 422} <= set().union(*asked.values()), f"routes are reached: {asked}"
    assert await rig.sql("intake", "SELECT 1 FROM request WHERE status = 0") == [], "nothing is half done"
