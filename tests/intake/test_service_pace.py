"""Time to act on real servers: each act is counted once, whatever is sent again, and supervisors read its median."""

from uuid import uuid4

import pytest
from contracts.assessment import RehabilitationStarted
from prometheus_client import REGISTRY

from tests.intake.builders import a_triage
from tests.intake.test_service_cases import OFFICER, STRANGER, SUPERVISOR, open_case, people
from tests.pages.visitor import Visitor


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


def counted(matter="triage", role="intake_officer"):
    return REGISTRY.get_sample_value("naungan_intake_acted_seconds_count", {"matter": matter, "role": role}) or 0


async def test_an_act_is_counted_once_after_retries_refusals_and_a_restart(intake):
    before = counted()
    case_id = await open_case(intake)
    path = f"/cases/{case_id}/triage"
    for _ in range(2):
        assert (await intake.post("intake", path, json=a_triage(), key="once", **OFFICER)).status_code == 200
    assert counted() == before + 1
    refused = await intake.post("intake", path, json=a_triage(perpetrator_areas=["99.99.99"]), **OFFICER)
    assert refused.status_code == 422
    # The service that comes up again on this store is asked once more.
    other = await intake.replicate("intake")
    assert (await intake.post(other, path, json=a_triage(), key="once", **OFFICER)).status_code == 200
    assert counted() == before + 1
    # Judging again what nobody waits for is no act.
    assert (await intake.post("intake", path, json=a_triage(), **OFFICER)).status_code == 200
    assert counted() == before + 1


async def test_what_another_service_did_is_counted_once_however_often_its_fact_comes(intake):
    before = counted("rehabilitation")
    case_id = await open_case(intake, violence_types=["trafficking"])
    step = {"code": "rehabilitation_request", "on": "2026-01-02"}
    assert (await intake.post("intake", f"/cases/{case_id}/legal-steps", json=step, **OFFICER)).status_code == 201
    (person,) = await people(intake, case_id)
    begun, same = RehabilitationStarted(person_id=person), uuid4()
    for _ in range(3):
        await intake.say(begun, subject=case_id, id=same)
        await intake.settle()
    assert counted("rehabilitation") == before + 1


async def test_what_the_clock_did_is_nobodys_act(intake):
    before = counted()
    case_id = await open_case(intake, urgency="high")
    await intake.advance(hours=1)
    assert (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).json()["risk"] == "high"
    assert counted() == before
    assert (await intake.get("intake", "/pace", **SUPERVISOR)).json() == []


async def test_a_report_that_the_desk_completed_is_counted_once(intake):
    before = counted("incomplete")
    await open_case(intake, area=None)
    (task,) = (await intake.get("intake", "/desk", **OFFICER)).json()
    done = [(await intake.post("intake", f"/desk/{task['task_id']}/done", **OFFICER)).status_code for _ in range(2)]
    assert (done, counted("incomplete") - before) == ([200, 409], 1)
    (pace,) = (await intake.get("intake", "/pace", **SUPERVISOR)).json()
    assert (pace["matter"], pace["times"]) == ("incomplete", 1)


async def test_a_supervisor_reads_the_medians_of_her_agencys_cases_and_nobody_else_does(intake):
    case_id = await open_case(intake)
    await intake.advance(minutes=40)
    await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(), **OFFICER)
    (pace,) = (await intake.get("intake", "/pace", **SUPERVISOR)).json()
    assert (pace["matter"], pace["role"], pace["times"]) == ("triage", "intake_officer", 1)
    assert 2400 <= pace["median_seconds"] < 3600
    assert (await intake.get("intake", "/pace", **STRANGER)).json() == []
    assert (await intake.get("intake", "/pace", **OFFICER)).status_code == 403
    page = await Visitor(intake, "intake", role="supervisor", agency="dppapp").see("pace")
    assert "Triase" in page.text
    assert "1 kali" in page.text
    assert str(case_id) not in page.text
