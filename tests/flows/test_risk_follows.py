"""What an assessment comes to raises the risk at intake, and never lowers what people judged there."""

from typing import Any
from uuid import UUID

import pytest
from chassis.rebuild import rebuild
from ops.rebuild import replayable

from tests.flows import people
from tests.flows.people import PEKSOS, ok
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
OFFICER = {"role": "intake_officer", "agency": "dppapp"}
WORKER = {"role": "peksos", "subject": PEKSOS}


async def assess(rig: Rig, case_id: UUID, **said: Any) -> None:
    body = {"risk_view": {"band": "mild"}, "no_instrument_reason": "declined", **said}
    ok(await rig.post("assessment", f"/cases/{case_id}/complete", json=body, **WORKER))
    await rig.settle()


async def risks(rig: Rig, case_id: UUID) -> list[str]:
    """The risk as intake said it, one after the other; the last is the one that holds everywhere."""
    said = [f["risk"] for kind, subject, f in await rig.facts("intake") if subject == case_id and kind.split(".")[2] in {"triaged", "risk_changed"}]
    (held,) = await rig.sql("intake", "SELECT risk FROM case_file WHERE case_id = :c", c=case_id)
    (known,) = await rig.sql("assessment", "SELECT risk FROM assessment_case WHERE case_id = :c", c=case_id)
    assert held.risk == known.risk == said[-1]
    return said


async def test_an_assessment_raises_the_risk_and_never_lowers_it_and_says_nothing_twice(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("RISK", shelter=False))
    assert await risks(rig, case_id) == ["medium"]
    await assess(rig, case_id, risk="low")
    assert await risks(rig, case_id) == ["medium"]
    await assess(rig, case_id, risk="low", dangers=["weapon"], kind="reassessment")
    assert await risks(rig, case_id) == ["medium", "high"]
    assert await rig.sql("assessment", "SELECT 1 FROM clock WHERE kind = 'reassessment' AND due < now() + interval '30 days'") == [], "it knows"

    ok(await rig.post("intake", f"/cases/{case_id}/incidents", json={"violence_types": ["fisik"]}, **OFFICER))
    await rig.settle()
    assert len(await rig.sql("assessment", "SELECT 1 FROM clock WHERE kind = 'reassessment' AND due < now() + interval '2 days'")) == 1
    ok(await rig.post("intake", f"/cases/{case_id}/triage", json={"risk": "low", "shelter_needed": False}, **OFFICER))
    await rig.settle()
    assert await risks(rig, case_id) == ["medium", "high", "low"], "people of intake may judge otherwise"
    await rig.sql("intake", "DELETE FROM case_fact WHERE type = 'case.assessment.completed.v1'")
    assert (await rebuild(replayable("intake", rig.services["intake"].settings.database_url.get_secret_value()), rig.nats)).after.clean
    await rig.settle()
    assert await risks(rig, case_id) == ["medium", "high", "low"], "and what was raised once is not raised again"


async def test_a_raised_risk_leaves_the_judgement_of_a_new_incident_to_the_desk(rig: Rig) -> None:
    await people.platform(rig)
    case_id = await people.refer(rig, people.a_referral("RISK-2", shelter=False))
    ok(await rig.post("intake", f"/cases/{case_id}/incidents", json={"violence_types": ["fisik"]}, **OFFICER))
    await assess(rig, case_id, risk="high")
    assert await risks(rig, case_id) == ["medium", "high"]
    (waits,) = await rig.sql("intake", "SELECT waiting_for FROM case_file WHERE case_id = :c", c=case_id)
    assert "risk_review" in waits.waiting_for
