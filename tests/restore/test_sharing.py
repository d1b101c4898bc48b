"""Intake loses its last hour: what was agreed, refused, restricted and shared in it is there again, and nothing that was closed is open."""

import pytest

from tests.flows.people import a_referral, feed, ok, persons, refer
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, rows, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
OFFICER = {"role": "intake_officer", "agency": "dppapp"}
TABLES = ("consent", "restriction", "disclosure")
KEPT = (
    *(f"SELECT t::text FROM {table} t ORDER BY 1" for table in TABLES),
    "SELECT agency, ended_at IS NULL, coalesce(reduced, false) FROM follow ORDER BY 1",
)


async def test_what_was_agreed_and_shared_in_the_lost_hour_is_there_again_and_what_was_closed_stays_closed(rig: Rig) -> None:
    await rig.start("intake")
    case = await refer(rig, a_referral("SHARED", shelter=False, persons=[{"role": "victim", "sex": "female", "age": 31, "name": "Canary Contoh"}]))
    (person,) = await persons(rig, case)

    async def agree(agency: str) -> str:
        body = {"persons": [person], "purpose": "health", "recipient": agency, "medium": "written", "text_version": "v1"}
        return ok(await rig.post("intake", f"/cases/{case}/consents", json=body, **OFFICER))[0]["consent_id"]

    async def disclose(agency: str) -> str:
        body = {"recipient": agency, "purpose": "health", "fields": ["name"]}
        return ok(await rig.post("intake", f"/cases/{case}/disclosures", json=body, **OFFICER))["disclosure_id"]

    earlier, kept_from = await agree("dinsos"), await agree("polda-ppa")
    withdrawn, restricted = await disclose("dinsos"), await disclose("polda-ppa")
    folder = await backed_up(rig, "intake")
    ok(await rig.post("intake", f"/consents/{earlier}/withdraw", **OFFICER))
    ok(await rig.post("intake", f"/persons/{person}/restrictions", json={"recipient": "polda-ppa", "ground": "perpetrator"}, **OFFICER))
    await agree("rs-lain")
    fresh = await disclose("rs-lain")
    await rig.settle()
    before = await rows(rig, "intake", *KEPT)
    heard = {agency: await feed(rig, agency) for agency in ("dppapp", "dinsos", "polda-ppa", "rs-lain")}

    await lose_since(rig, "intake", folder)

    assert await rows(rig, "intake", *KEPT) == before
    assert {agency: await feed(rig, agency) for agency in heard} == heard, "nothing is said twice to an agency"
    assert await tasks(rig, "intake") == []
    for agency, disclosure, status in (("dinsos", withdrawn, 410), ("polda-ppa", restricted, 410), ("rs-lain", fresh, 200)):
        assert (await rig.get("intake", f"/disclosures/{disclosure}", role="agency_system", agency=agency)).status_code == status
    await agrees_with_the_streams(rig, "intake")
    assert kept_from
    await rig.advance(days=31)
    assert (await rig.get("intake", f"/disclosures/{fresh}", role="agency_system", agency="rs-lain")).status_code == 410, "its clock runs again"
    assert (await feed(rig, "rs-lain"))[-2:] == ["agency.disclosure_ended.v1", "agency.stopped.v1"]
    await agrees_with_the_streams(rig, "intake")


async def test_an_export_that_was_ordered_in_the_lost_hour_is_ordered_and_can_be_fetched_again(rig: Rig) -> None:
    await rig.start("intake", "assessment")
    head = {"role": "supervisor", "agency": "dppapp"}
    case = await refer(rig, a_referral("EXPORT", shelter=False))
    person, *_ = await persons(rig, case)
    folders = {service: await backed_up(rig, service, rig.folder / service) for service in ("intake", "assessment")}
    request = ok(await rig.post("intake", f"/persons/{person}/requests", json={"right": "access"}, **head))["request_id"]
    ok(await rig.post("intake", f"/requests/{request}/export", **head))
    await rig.settle()
    before = ok(await rig.get("intake", f"/requests/{request}/export", **head))

    for service, folder in folders.items():
        await lose_since(rig, service, folder)

    assert ok(await rig.get("intake", f"/requests/{request}/export", **head)) == before
    assert before["awaited"] == ["notifications", "placement"]
    assert ok(await rig.get("assessment", f"/exports/{request}/{person}", **head))["case_id"] == str(case)
    for service in folders:
        await agrees_with_the_streams(rig, service)
