"""Intake loses its last hour: agencies' feeds are whole again, a month is published once, and a lost number is asked of people."""

from datetime import timedelta
from uuid import UUID

import pytest

from tests.flows.people import a_referral, ok, refer
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
OFFICER = {"role": "intake_officer", "agency": "dppapp"}


async def numbered(rig: Rig, case: UUID, number: str) -> None:
    ok(await rig.put("intake", f"/cases/{case}/simfoni-number", json={"number": number}, **OFFICER))


async def heard(rig: Rig) -> list[str]:
    page = ok(await rig.get("intake", "/feed", **OFFICER))
    assert not page["more"]
    return [entry["event"]["id"] for entry in page["events"]]


async def published(rig: Rig) -> list[dict[str, object]]:
    return list((await rig.clients["intake"].get("/public/counts")).json())


async def test_feeds_are_whole_a_month_is_published_once_and_a_lost_number_is_asked_of_people(rig: Rig) -> None:
    await rig.start("intake", public_counts_seconds=0.05)
    case = await refer(rig, a_referral("KEPT", shelter=False))
    await numbered(rig, case, "PPA-1")
    ok(await rig.get("intake", "/feed", **OFFICER))
    folder = await backed_up(rig, "intake")
    await numbered(rig, case, "PPA-2")
    ok(await rig.post("intake", f"/cases/{case}/withdraw", json={"reason": "refused_service"}, **OFFICER))
    rig.services["intake"].database.skew += timedelta(days=32)

    async def once() -> bool:
        return len(await published(rig)) == 1

    await rig.until(once)
    await rig.settle()
    before, told = await heard(rig), await published(rig)
    position = ok(await rig.get("intake", "/feed", **OFFICER))["position"]
    (_, state) = await snapshot(rig)

    await lose_since(rig, "intake", folder)

    assert sorted(await heard(rig)) == sorted(before)
    assert (await snapshot(rig))[1] == state
    gone = await rig.get("intake", f"/feed?after={position}", **OFFICER)
    assert (gone.status_code, gone.json()["errors"]) == (410, [{"field": "after", "code": "position_gone"}])
    assert [entry["month"] for entry in await published(rig)] == [entry["month"] for entry in told]
    assert [entry["counts"] for entry in await published(rig)] == [entry["counts"] for entry in told]
    assert ("case.intake.simfoni_numbered.v1", "simfoni_number") in await tasks(rig, "intake")
    assert ok(await rig.get("intake", f"/cases/{case}/simfoni-number", **OFFICER))["number"] == "PPA-1"
    await agrees_with_the_streams(rig, "intake")


async def snapshot(rig: Rig) -> tuple[str, list[dict[str, object]]]:
    page = ok(await rig.get("intake", "/feed/snapshot", **OFFICER))
    return page["position"], page["cases"]
