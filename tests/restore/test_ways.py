"""Assessment loses its last hour while people are on the way to their outcomes: each step, place and try stands as it stood."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ops import demo_outcomes
from tests.flows.people import (
    PEKSOS,
    a_referral,
    a_shelter,
    assess_and_plan,
    come_true,
    offer_of,
    ok,
    platform,
    refer,
)
from tests.flows.people import admit as let_in
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(400)

ROWS = {
    "cases": "SELECT case_id, state, worker_id, plan_version, deceased, reentry, safety FROM assessment_case ORDER BY case_id",
    "goals": "SELECT case_id, person, goal ->> 'outcome', goal ->> 'progress' FROM assessment_case, jsonb_each(goals) AS g (person, goal) ORDER BY 1, 2",
    "follow-ups": """
        SELECT case_id, f ->> 'number', f ->> 'state', f ->> 'result', f ->> 'tries' FROM assessment_case, jsonb_array_elements(followups) AS f
        ORDER BY 1, 2""",
    "steps": "SELECT case_id, person_id, step, codes, over FROM outcome_step ORDER BY position",
    "programmes": "SELECT programme_id, kind, places, begins_on, ends_on FROM programme",
    "enrolments": "SELECT enrolment_id, person_id, place, stage, certificate, independence, reason FROM enrolment ORDER BY 1",
    "attendance": "SELECT enrolment_id, session, present FROM attendance ORDER BY 1, 2",
    "clocks": "SELECT kind, subject, key FROM clock WHERE kind <> 'assignment' ORDER BY kind, subject, key",
}
WHO = {"role": "peksos", "subject": PEKSOS}
SUPERVISOR = {"role": "supervisor", "agency": "dinsos"}


async def test_steps_programmes_and_what_was_given_up_of_the_lost_hour_stand_as_they_stood(rig: Rig) -> None:
    await platform(rig, a_shelter())
    rehabilitated = await refer(rig, a_referral("W-1", shelter=False))
    folder = await backed_up(rig, "assessment")
    today, programme = datetime.now(UTC).date(), uuid4()
    days = {"begins_on": str(today), "ends_on": str(today + timedelta(days=90)), "sessions": [str(datetime.now(UTC))]}
    body = {"kind": "education", "provider": "dinsos", "area": "31.74.04", "name": "Paket B", "places": 2, **days}
    ok(await rig.put("assessment", f"/programmes/{programme}", json=body, role="operator"))
    mother, child = await assess_and_plan(rig, rehabilitated, "rehabilitation")
    where = f"/cases/{rehabilitated}"
    for prepared in demo_outcomes.preparations("rehabilitation", [mother, child]):
        ok(await rig.post("assessment", f"{where}/preparations", json=prepared, **WHO))
    ok(await rig.post("assessment", f"{where}/rehabilitation/start", json={"person_id": mother}, **WHO))
    for person in (mother, child):
        ok(await rig.post("assessment", f"{where}/enrolments", json={"person_id": person, "programme_id": str(programme)}, **WHO))
    first = next(e for e in ok(await rig.get("assessment", f"{where}/enrolments", **WHO)) if e["person_id"] == mother)
    ok(await rig.post("assessment", f"{where}/enrolments/{first['enrolment_id']}/attendance", json={"session": 1, "present": True}, **WHO))
    came = {"certificate": True, "independence": "independent"}
    ok(await rig.post("assessment", f"{where}/enrolments/{first['enrolment_id']}/complete", json=came, **WHO))
    ok(await rig.post("assessment", f"{where}/reviews", json={"person_id": child, "why": "no_kin_known"}, **WHO))
    ok(await rig.post("assessment", f"{where}/outcomes/abandon", json={"person_id": child, "reason": "unsafe"}, **WHO))

    monitored = await refer(rig, a_referral("W-2", shelter=True))
    await let_in(rig, await offer_of(rig, monitored), monitored)
    await come_true(rig, monitored, "kin_or_foster_care", *await assess_and_plan(rig, monitored, "kin_or_foster_care"))
    for _ in range(3):
        ok(await rig.post("assessment", f"/cases/{monitored}/followups/1/done", json={"result": "not_reached"}, **WHO))
    ok(await rig.post("assessment", f"/cases/{monitored}/lost-contact", json={"decision": "try_again"}, **SUPERVISOR))
    ok(await rig.post("assessment", f"/cases/{monitored}/followups/2/done", json={"result": "not_reached"}, **WHO))
    await rig.settle()
    stood = {name: await rig.sql("assessment", rows) for name, rows in ROWS.items()}
    assert all(stood.values())

    await lose_since(rig, "assessment", folder)

    assert {name: await rig.sql("assessment", rows) for name, rows in ROWS.items()} == stood
    missing = sorted(missing for _, missing in await tasks(rig, "assessment"))
    assert missing == ["answers"] * 2 + ["name_of_the_programme"] + ["services_of_the_plan"] * 2
    await agrees_with_the_streams(rig, "assessment")
    ok(await rig.post("assessment", f"{where}/rehabilitation/complete", json={"person_id": mother}, **WHO))
