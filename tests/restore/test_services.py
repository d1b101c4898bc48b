"""Services of plans when assessment or intake loses its last hour, and when what assessment heard of them is spoilt."""

import json

import pytest

from tests.flows import people
from tests.flows.people import ok
from tests.flows.test_rebuild import compared, rebuilt
from tests.flows.test_services import LEGAL, MIND, WORKER, answer, listed, planned, propose, share, stands, system
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, rows, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
SERVICES = "SELECT service_id, person_id, code, provider, status, own, reason, round_version, answer_version FROM service ORDER BY service_id"
WORDS = "SELECT event_id, service_id, version, passed_on, answer, reason FROM service_word ORDER BY event_id"
CLOCKS = "SELECT kind, subject, key FROM clock WHERE kind LIKE 'service%' ORDER BY kind, subject, key"
CASES = "SELECT case_id, state, risk, assessed_risk, plan_version, ARRAY(SELECT jsonb_object_keys(deadlines) ORDER BY 1) FROM assessment_case ORDER BY case_id"
DONE = "SELECT case_id, number, kind, band, flags, risk, rules, at FROM assessed ORDER BY case_id, number"


async def test_services_of_the_lost_hour_stand_where_they_stood_and_nobody_is_asked_or_told_twice(rig: Rig) -> None:
    await people.platform(rig)
    before, woman, ids = await planned(rig, (MIND, "dppapp"), (LEGAL, "polda-ppa"), reference="BEFORE")
    folder = await backed_up(rig, "assessment")
    await answer(rig, "dppapp", ids[MIND], {"answer": "declined", "reason": "provider_full"})
    await answer(rig, "dppapp", ids[MIND], {"answer": "accepted"})
    await share(rig, before, woman, "polda-ppa")
    ok(await rig.post("assessment", f"/services/{ids[LEGAL]}/answer", json={"answer": "delivered"}, **system("polda-ppa")))
    lost, _, new = await planned(rig, (MIND, "dppapp"), ("kesehatan", None), ("pendidikan", "polda-ppa"), reference="LOST")
    ok(await rig.post("assessment", f"/cases/{lost}/services/{new[MIND]}/end", json={"reason": "declined_by_survivor"}, **WORKER))
    await rig.settle()
    stood = await rows(rig, "assessment", SERVICES, WORDS, CLOCKS, CASES, DONE)
    said = await rows(rig, "intake", "SELECT id FROM outbox ORDER BY id")

    await lose_since(rig, "assessment", folder)

    assert await rows(rig, "assessment", SERVICES, WORDS, CLOCKS, CASES, DONE) == stood
    assert await rows(rig, "intake", "SELECT id FROM outbox ORDER BY id") == said
    assert sorted(missing for _, missing in await tasks(rig, "assessment")) == ["answers", "services_of_the_plan"]
    await agrees_with_the_streams(rig, "assessment")
    assert (await compared(rig, "assessment")).clean
    await answer(rig, "dppapp", ids[MIND], {"answer": "delivered"})
    assert {status for status, _ in (await stands(rig, before)).values()} == {"delivered"}


async def test_what_was_passed_on_in_intakes_lost_hour_is_neither_passed_on_nor_told_again(rig: Rig) -> None:
    await people.platform(rig)
    before, woman, ids = await planned(rig, (LEGAL, "polda-ppa"), reference="BEFORE")
    folder = await backed_up(rig, "intake")
    await share(rig, before, woman, "polda-ppa")
    await answer(rig, "polda-ppa", ids[LEGAL], {"answer": "accepted"})
    await propose(rig, before, woman, (LEGAL, "polda-ppa"), (MIND, "dppapp"))
    feeds = {agency: await people.feed(rig, agency) for agency in ("dppapp", "polda-ppa")}
    said = [kind for kind, _, _ in await rig.facts("intake") if ".service_" in kind and kind.startswith("case.")]
    stood = await listed(rig, before)

    await lose_since(rig, "intake", folder)

    assert {agency: sorted(await people.feed(rig, agency)) for agency in feeds} == {agency: sorted(told) for agency, told in feeds.items()}
    assert sorted(kind for kind, _, _ in await rig.facts("intake") if ".service_" in kind and kind.startswith("case.")) == sorted(said)
    assert await listed(rig, before) == stood
    await agrees_with_the_streams(rig, "intake")
    receipt = await answer(rig, "polda-ppa", ids[LEGAL], {"answer": "delivered"})
    assert receipt["type"] == "receipt.accepted.v1", json.dumps(receipt)
    assert (await stands(rig, before))[f"{LEGAL}@polda-ppa"][0] == "delivered"


async def test_a_word_on_a_service_that_is_spoilt_is_seen_put_right_and_followed(rig: Rig) -> None:
    await people.platform(rig)
    case_id, _, ids = await planned(rig, (MIND, "dppapp"))
    await answer(rig, "dppapp", ids[MIND], {"answer": "accepted"})
    await rig.sql("assessment", "DELETE FROM service_word")
    await rig.sql("assessment", "UPDATE service SET status = 'requested', answer_version = 0, heard_version = 0")
    assert [(entry.table, entry.lost) for entry in (await compared(rig, "assessment")).differences] == [("service_word", 2)]
    assert (await rebuilt(rig, "assessment")).after.clean
    assert await stands(rig, case_id) == {f"{MIND}@dppapp": ("accepted", "service_delivery")}
