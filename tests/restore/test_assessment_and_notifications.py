"""Assessment and notifications lose their last hour: work goes on where it stood, and nobody is told twice."""

from datetime import timedelta

import pytest

from tests.flows.people import (
    PEKSOS,
    a_referral,
    a_shelter,
    admit,
    assess_and_plan,
    come_true,
    follow_up_and_close,
    offer_of,
    ok,
    persons,
    platform,
    refer,
    state,
)
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)

CASES = "SELECT case_id, state, worker_id, plan_version, goals, members FROM assessment_case ORDER BY case_id"
CLOCKS = "SELECT kind, subject, key FROM clock WHERE kind <> 'assignment' ORDER BY kind, subject, key"


async def test_assessments_plans_and_follow_ups_of_the_lost_hour_go_on_where_they_stood(rig: Rig) -> None:
    await platform(rig, a_shelter())
    before = await refer(rig, a_referral("BEFORE", shelter=False))
    folder = await backed_up(rig, "assessment")
    await assess_and_plan(rig, before, "services_at_home")
    sheltered = await refer(rig, a_referral("SHELTERED", shelter=True))
    await admit(rig, await offer_of(rig, sheltered), sheltered)
    new = await refer(rig, a_referral("NEW", shelter=False))
    members = await assess_and_plan(rig, new, "services_at_home")
    peksos = {"role": "peksos", "subject": PEKSOS}
    await come_true(rig, new, "services_at_home", *members)
    ok(await rig.post("assessment", f"/cases/{new}/followups/1/done", json={"result": "safe"}, **peksos))
    await rig.settle()
    stood, clocks = await rig.sql("assessment", CASES), await rig.sql("assessment", CLOCKS)
    followups = await rig.sql("assessment", "SELECT followups FROM assessment_case WHERE case_id = :case", case=new)

    await lose_since(rig, "assessment", folder)

    assert await rig.sql("assessment", CASES) == stood
    assert await rig.sql("assessment", CLOCKS) == clocks
    again = await rig.sql("assessment", "SELECT followups FROM assessment_case WHERE case_id = :case", case=new)
    assert [(f["number"], f["state"], f["result"]) for f in again[0].followups] == [
        (f["number"], f["state"], f["result"]) for f in followups[0].followups
    ]
    assert sorted(missing for _, missing in await tasks(rig, "assessment")) == ["answers"] * 2 + ["services_of_the_plan"] * 2
    await agrees_with_the_streams(rig, "assessment")
    await come_true(rig, before, "services_at_home", *await persons(rig, before))
    await follow_up_and_close(rig, before)
    assert await state(rig, before) == "closed"
    await agrees_with_the_streams(rig, "assessment")


async def test_nobody_is_told_twice_after_notifications_lost_its_last_hour(rig: Rig) -> None:
    await platform(rig, a_shelter())
    folder = await backed_up(rig, "notifications")
    case = await refer(rig, a_referral("OFFERED", shelter=True, risk="high"))
    await rig.advance(minutes=25)
    untriaged = await refer(rig, a_referral("UNTRIAGED", shelter=False, risk="low") | {"screen": None})
    missed = rig.services["intake"].settings.triage_low_hours
    await rig.advance(hours=missed, minutes=1)
    await rig.advance(minutes=rig.services["notifications"].settings.unacknowledged_minutes + 1)
    (head,) = await rig.sql("notifications", "SELECT * FROM notice WHERE kind = 'placement.offered'")
    ok(await rig.post("notifications", f"/inbox/{head.id}/acknowledge", json={}, role="shelter_head", units=[head.unit]))
    await rig.settle()
    ladder = "SELECT placement_id, answered, done FROM ladder ORDER BY placement_id"
    climbed = await rig.sql("notifications", ladder)
    assert climbed[0].done >= 2
    notices = await rig.sql("notifications", "SELECT id, source, recipient, acknowledged_at IS NOT NULL FROM notice ORDER BY source, recipient")
    said = await rig.sql("notifications", "SELECT type, count(*) FROM outbox GROUP BY type ORDER BY type")
    assert any(row.source.endswith("/reminder") for row in notices)

    await lose_since(rig, "notifications", folder)

    assert (
        await rig.sql("notifications", "SELECT id, source, recipient, acknowledged_at IS NOT NULL FROM notice ORDER BY source, recipient") == notices
    )
    assert await rig.sql("notifications", ladder) == climbed
    await rig.advance(minutes=rig.services["notifications"].settings.unacknowledged_minutes + 1)
    after = await rig.sql("notifications", "SELECT type, count(*) FROM outbox GROUP BY type ORDER BY type")
    assert after == said, "no step and no reminder is told again"
    assert await tasks(rig, "notifications") == []
    await agrees_with_the_streams(rig, "notifications")
    assert timedelta(0) < rig.services["notifications"].database.skew
    assert case != untriaged
