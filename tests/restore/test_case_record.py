"""Intake loses an hour in which a case got incidents, suspects, legal steps and another life: what facts tell is there again, the rest is listed."""

from datetime import UTC, datetime, timedelta

import pytest
from chassis.rebuild import compare
from ops.rebuild import replayable

from tests.intake.test_service_cases import OFFICER, SUPERVISOR, open_case, triage
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
STANDS = """
    SELECT state, waiting_for, missed, settled, violence_types, responsible_agency, police_report_at IS NOT NULL AS reported FROM case_file
    ORDER BY case_id"""
INCIDENTS = "SELECT incident_id, occurred_on, area, place, relation, violence_types, core_type FROM incident ORDER BY incident_id"
SUSPECTS = "SELECT suspect_id, relation, age, areas, same_as, removed_at IS NULL AS live FROM suspect ORDER BY suspect_id"
CLOCKS = "SELECT kind, key FROM clock WHERE kind NOT IN ('likeness', 'doubles', 'safety', 'forget', 'desk') ORDER BY 1, 2"


async def test_incidents_suspects_steps_and_decisions_of_the_lost_hour_are_there_again_as_codes(rig: Rig) -> None:
    await rig.start("intake")
    case_id, other = await open_case(rig), await open_case(rig)
    await triage(rig, case_id)
    folder = await backed_up(rig, "intake")
    today = (datetime.now(UTC) + timedelta(hours=7)).date().isoformat()

    async def do(path, who=OFFICER, case=case_id, **body):
        answer = await rig.post("intake", f"/cases/{case}/{path}", json=body, **who)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    await do("incidents", acts=["penetration"], place="kos", relation="pacar_teman", narrative="Rahasia.")
    him = (await do("suspects", relation="pacar_teman", age=17, areas=["31.72.01"], name="Bagas"))["suspect_id"]
    gone = (await do("suspects", relation="tetangga"))["suspect_id"]
    await do(f"suspects/{gone}/remove")
    await do("legal-steps", code="police_report", on=today)
    await do("legal-steps", code="police_protection", on=today)
    await do("handover", SUPERVISOR, agency="dinsos", reason="moved")
    await do("handover/accept", {**SUPERVISOR, "agency": "dinsos"}, unit="sudinsos-pusat")
    await do("withdraw", case=other, reason="refused_service")
    await do("reopen", SUPERVISOR, case=other, reason="asked_again")
    await rig.settle()
    before = [await rig.sql("intake", query) for query in (STANDS, INCIDENTS, SUSPECTS, CLOCKS)]

    await lose_since(rig, "intake", folder)

    assert [await rig.sql("intake", query) for query in (STANDS, INCIDENTS, SUSPECTS, CLOCKS)] == before
    await agrees_with_the_streams(rig, "intake")
    assert {missing for _, missing in await tasks(rig, "intake")} >= {"incident_narrative", "suspect_identity"}
    url = rig.services["intake"].settings.database_url.get_secret_value()
    assert (await compare(replayable("intake", url), rig.nats)).clean
    (seen,) = (await rig.get("intake", f"/cases/{case_id}/suspects", **{**OFFICER, "agency": "dinsos"})).json()
    assert (seen["suspect_id"], seen["name"], seen["age_band"]) == (him, None, "13-17")
