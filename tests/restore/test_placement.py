"""Placement loses its last hour: nobody gets a bed twice, nobody stands in two, and what nobody knows is listed for people."""

import json
from uuid import UUID

import pytest

from tests.flows.people import a_referral, a_shelter, admit, feed, offer_of, ok, persons, platform, refer, state
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, put_back, started, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)

BEDS = """
    SELECT bed_id::text, person_id::text, placement.state FROM stay JOIN placement ON placement.id = stay.placement_id
    WHERE NOT isempty(stay.during) AND (upper(stay.during) IS NULL OR upper(stay.during) > now() + interval '1 second')"""


async def beds(rig: Rig) -> list[tuple[str, str, str]]:
    """Who has which bed now, each bed and each person once."""
    found = [tuple(row) for row in await rig.sql("placement", BEDS)]
    assert len({bed for bed, _, _ in found}) == len(found), "a bed twice"
    assert len({person for _, person, _ in found}) == len(found), "a person in two beds"
    return found


async def test_stays_and_offers_of_the_lost_hour_are_there_again(rig: Rig) -> None:
    await platform(rig, *(a_shelter(beds=2) for _ in range(4)))
    before = await refer(rig, a_referral("BEFORE", shelter=True))
    folder = await backed_up(rig, "placement")
    await admit(rig, await offer_of(rig, before), before)
    inside = await refer(rig, a_referral("INSIDE", shelter=True))
    await admit(rig, await offer_of(rig, inside), inside)
    offered = await refer(rig, a_referral("OFFERED", shelter=True))
    gone = await refer(rig, a_referral("GONE", shelter=True))
    left = await offer_of(rig, gone)
    await admit(rig, left, gone)
    ok(await rig.post("placement", f"/placements/{left['placement_id']}/leave", json={"persons": await persons(rig, gone)}, role="placement_officer"))
    await rig.settle()
    known = {case: await offer_of(rig, case) for case in (before, inside, offered, gone)}
    occupied = sorted(person for _, person, _ in await beds(rig))
    heard = {agency: await feed(rig, agency) for agency in ("dppapp", "dinsos")}

    await lose_since(rig, "placement", folder)

    assert sorted(person for _, person, _ in await beds(rig)) == occupied
    for case, placement in known.items():
        again = await offer_of(rig, case)
        assert (again["placement_id"], again["state"], again["shelter_id"]) == (
            placement["placement_id"],
            placement["state"],
            placement["shelter_id"],
        )
        assert {m["person_id"] for m in again["members"]} == {m["person_id"] for m in placement["members"]}
    assert heard == {agency: await feed(rig, agency) for agency in heard}, "nothing is said twice to anybody"
    assert {missing for _, missing in await tasks(rig, "placement")} == {"bed_to_confirm", "explanation", "inventory"}
    await agrees_with_the_streams(rig, "placement")

    await admit(rig, await offer_of(rig, offered), offered)
    later = await refer(rig, a_referral("LATER", shelter=True))
    assert await state(rig, later) == "offered"
    await beds(rig)
    await agrees_with_the_streams(rig, "placement")


async def test_a_restored_store_is_closed_until_it_has_recovered(rig: Rig) -> None:
    await platform(rig, a_shelter())
    folder = await backed_up(rig, "placement")
    (epoch,) = await rig.sql("placement", "SELECT epoch FROM store_epoch")
    case = await refer(rig, a_referral("LOST", shelter=True))
    await put_back(rig, "placement", folder)
    placement = rig.services["placement"]
    nats_url, placement.settings.nats_url = placement.settings.nats_url, "nats://127.0.0.1:9"
    await placement.start()
    answer = await rig.post("placement", "/shelters", json=a_shelter(), role="operator")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert (await rig.clients["placement"].get("/livez")).status_code == 204
    ready = await rig.clients["placement"].get("/readyz")
    assert (ready.status_code, "the store was restored and is being brought up to date" in ready.json()["missing"]) == (503, True)
    assert await rig.sql("placement", "SELECT 1 FROM inbox WHERE subject = :case", case=case) == []
    await placement.stop()
    placement.settings.nats_url = nats_url
    rig.add("placement", placement.settings)
    await started(rig, "placement")
    ok(await rig.post("placement", "/shelters", json=a_shelter(), role="operator"))
    (now,) = await rig.sql("placement", "SELECT epoch, state FROM store_epoch")
    assert now.epoch > epoch.epoch
    assert now.state == "open"
    assert (await offer_of(rig, case))["state"] == "offered"


async def test_a_shelter_registered_in_the_lost_hour_is_listed_and_its_guests_wait_for_their_beds(rig: Rig) -> None:
    await platform(rig, a_shelter(beds=1))
    folder = await backed_up(rig, "placement")
    lost = a_shelter(beds=2)
    ok(await rig.post("placement", "/shelters", json=lost, role="operator"))
    await rig.settle()
    case = await refer(rig, a_referral("HOUSED", shelter=True))
    placement = await offer_of(rig, case)
    assert placement["shelter_id"] == lost["shelter_id"]
    await admit(rig, placement, case)

    await lose_since(rig, "placement", folder)

    assert {missing for _, missing in await tasks(rig, "placement")} >= {"shelter_unknown", "no_free_bed"}
    again = await offer_of(rig, case)
    assert (again["placement_id"], again["state"]) == (placement["placement_id"], "admitted")
    other = await refer(rig, a_referral("OTHER", shelter=True))
    assert await state(rig, other) == "waitlisted"
    facts = {name: value for name, value in lost.items() if name not in {"shelter_id", "rooms"}}
    noted = ok(await rig.get("placement", f"/shelters/{lost['shelter_id']}", role="placement_officer"))
    assert (noted["sexes"], noted["open"]) == ([], False), "it can be looked at before anybody says what it is"
    ok(await rig.put("placement", f"/shelters/{lost['shelter_id']}", json=facts | {"open": True}, role="placement_officer", If_Match="1"))
    ok(await rig.post("placement", f"/shelters/{lost['shelter_id']}/rooms", json=lost["rooms"][0], role="placement_officer"))
    await rig.advance(minutes=2)
    occupied = {person for _, person, _ in await beds(rig)}
    assert occupied >= set(await persons(rig, case)), "they have their beds again"
    assert json.dumps(sorted(occupied)) == json.dumps(sorted(set(await persons(rig, case)))), "and nobody else got one"
    assert UUID(str(case))
