"""Placement loses an hour in which a household was split: its groups are the same again, each with its beds, its clock and nobody twice."""

from typing import Any

import pytest
from chassis.rebuild import compare
from ops.rebuild import replayable

from tests.flows.people import a_shelter, admit, ok, platform, refer
from tests.flows.test_split import a_family, groups, members, placed, split
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
NEEDS = "SELECT case_id, part_of, state, apart, declined, kept_from FROM need ORDER BY case_id"
SLEPT = "SELECT person_id::text, placement_id::text FROM stay WHERE ended_as IS NULL AND during @> clock_timestamp() ORDER BY 1"
CLOCKS = "SELECT kind, key FROM clock WHERE subject = :case ORDER BY 1, 2"


@pytest.mark.parametrize("known_before", ["whole", "split"])
async def test_groups_of_the_lost_hour_live_and_wait_where_they_did(rig: Rig, known_before: str) -> None:
    await platform(rig, a_shelter(beds=2))
    case_id = await refer(rig, a_family("LOST"))
    folder = await backed_up(rig, "placement") if known_before == "whole" else None
    await split(rig, case_id)
    folder = folder or await backed_up(rig, "placement")
    woman, girl, sister = await members(rig, case_id)
    await admit(rig, await placed(rig, case_id, woman), case_id)
    needs, slept = await rig.sql("placement", NEEDS), await rig.sql("placement", SLEPT)
    clocks = await rig.sql("placement", CLOCKS, case=case_id)
    assert {row.person_id for row in slept} == {woman, girl}

    await lose_since(rig, "placement", folder)

    assert await rig.sql("placement", NEEDS) == needs
    assert await rig.sql("placement", SLEPT) == slept
    assert await rig.sql("placement", CLOCKS, case=case_id) == clocks
    assert ("split_agreements" in {missing for _, missing in await tasks(rig, "placement")}) is (known_before == "whole")
    await agrees_with_the_streams(rig, "placement")
    url = rig.services["placement"].settings.database_url.get_secret_value()
    assert (await compare(replayable("placement", url), rig.nats)).clean
    assert len(ok(await rig.get("placement", f"/needs/{case_id}", role="supervisor"))["splits"]) == 1

    ok(await rig.post("placement", "/shelters", json=a_shelter(beds=1), role="operator"))
    await rig.settle()
    offer = await placed(rig, case_id, sister)
    await admit(rig, offer, case_id)
    assert await groups(rig, case_id) == ["admitted", "admitted"]
    for person in (woman, sister):
        entry: dict[str, Any] = await placed(rig, case_id, person)
        persons = [member["person_id"] for member in entry["members"]]
        ok(await rig.post("placement", f"/placements/{entry['placement_id']}/leave", json={"persons": persons}, role="placement_officer"))
        await rig.settle()
    assert await rig.sql("placement", CLOCKS, case=case_id) == []
