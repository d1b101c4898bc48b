"""A household that finds no bed together is housed in groups, through all four services; and what is known of it can be made again."""

from typing import Any
from uuid import UUID

import pytest
from chassis.rebuild import compare, rebuild
from ops.rebuild import replayable

from tests.flows import people
from tests.flows.people import ok
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)
WOMAN, GIRL, SISTER = 0, 1, 2


def a_family(reference: str) -> dict[str, Any]:
    """A woman with her daughter, and her grown sister."""
    sister = {"role": "victim", "sex": "female", "age": 24, "name": "Adik Contoh"}
    referral = people.a_referral(reference, shelter=True, risk="high")
    return referral | {"persons": [*referral["persons"], sister]}


async def members(rig: Rig, case_id: UUID) -> list[str]:
    """The three of them, by their ages."""
    found = ok(await rig.get("placement", f"/needs/{case_id}", role="supervisor"))["persons"]
    by_age = {person["age"]: person["person_id"] for person in found}
    return [by_age[31], by_age[5], by_age[24]]


async def split(rig: Rig, case_id: UUID) -> dict[str, Any]:
    """A supervisor lets the sister be housed apart from the woman and her daughter; all agree."""
    woman, girl, sister = await members(rig, case_id)
    agreed = [
        {"person_id": woman, "agreement": "own"},
        {"person_id": girl, "agreement": "own_view_and_consenter"},
        {"person_id": sister, "agreement": "own"},
    ]
    body = {"groups": [{"persons": [woman, girl]}, {"persons": [sister]}], "reason": "no_joint_place", "agreements": agreed}
    found: dict[str, Any] = ok(await rig.post("placement", f"/needs/{case_id}/split", json=body, role="supervisor"))
    await rig.settle()
    return found


async def placed(rig: Rig, case_id: UUID, person: str) -> dict[str, Any]:
    """The newest placement of a person's group."""
    found = ok(await rig.get("placement", f"/placements?case_id={case_id}", role="placement_officer"))
    return next(entry for entry in found if person in {member["person_id"] for member in entry["members"]})


async def groups(rig: Rig, case_id: UUID) -> list[str]:
    return sorted(group["state"] for group in ok(await rig.get("placement", f"/needs/{case_id}", role="supervisor"))["groups"])


async def stands(rig: Rig, case_id: UUID) -> tuple[str, set[str]]:
    """Where intake sees the case, and for what it waits."""
    (row,) = await rig.sql("intake", "SELECT state, waiting_for FROM case_file WHERE case_id = :case_id", case_id=case_id)
    return row.state, set(row.waiting_for)


async def test_a_family_is_housed_in_two_shelters_and_each_goes_her_own_way(rig: Rig) -> None:
    first, second = people.a_shelter(beds=2), people.a_shelter(beds=1)
    await people.platform(rig, first)
    case_id = await people.refer(rig, a_family("S-1"))
    assert await stands(rig, case_id) == ("waitlisted", {"free_bed"})
    await split(rig, case_id)
    woman, girl, sister = await members(rig, case_id)
    assert (await groups(rig, case_id), await stands(rig, case_id)) == (["offered", "waiting"], ("waitlisted", {"free_bed", "shelter_answer"}))

    await people.admit(rig, await placed(rig, case_id, woman), case_id)
    assert await stands(rig, case_id) == ("assessment", {"assessment", "free_bed"}), "help begins for all, and a bed is still sought for one"
    (row,) = await rig.sql("assessment", "SELECT stays FROM assessment_case WHERE case_id = :case", case=case_id)
    assert {person for person, stay in row.stays.items() if stay["inside"]} == {woman, girl}
    inbox = ok(await rig.get("notifications", "/inbox", role="placement_officer"))["notices"]
    assert {"placement.split_approved", "placement.waitlisted"} <= {notice["kind"] for notice in inbox if notice["case_id"] == str(case_id)}

    ok(await rig.post("placement", "/shelters", json=second, role="operator"))
    await rig.settle()
    offer = await placed(rig, case_id, sister)
    assert offer["shelter_id"] == second["shelter_id"]
    await rig.advance(minutes=11)
    told = {(row.role, row.unit) for row in await rig.sql("notifications", "SELECT role, unit::text FROM notice WHERE kind LIKE 'ladder%'")}
    assert told == {("shelter_head", second["shelter_id"])}, "the ladder is the one of her own offer"
    body = {"reason": "survivor_declined"}
    ok(await rig.post("placement", f"/placements/{offer['placement_id']}/cancel", json=body, role="placement_officer"))
    await rig.settle()
    assert await stands(rig, case_id) == ("assessment", {"assessment"}), "her no ends her own search"
    assert [kind for kind, _, _ in await rig.facts("intake") if kind == "case.intake.risk_changed.v1"] == [], "and nobody else's"
    assert await groups(rig, case_id) == ["admitted", "declined"]

    await people.assess_and_plan(rig, case_id, "reunification")
    await people.come_true(rig, case_id, "reunification", woman, girl, sister)
    (held,) = await rig.sql("placement", "SELECT count(*) AS n FROM stay WHERE NOT isempty(during) AND upper(during) IS NULL")
    assert (held.n, await groups(rig, case_id)) == (0, ["declined", "settled"]), "the stay ended with the outcome"
    await people.follow_up_and_close(rig, case_id)
    assert (await people.state(rig, case_id), await groups(rig, case_id)) == ("closed", ["ended", "ended"])
    assert (await people.feed(rig, "dppapp"))[-1] == "agency.ended.v1"


async def test_when_every_group_says_no_the_family_is_helped_at_home(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter(beds=2), people.a_shelter(beds=1))
    case_id = await people.refer(rig, a_family("S-2"))
    await split(rig, case_id)
    woman, _, sister = await members(rig, case_id)
    for person in (woman, sister):
        assert (await stands(rig, case_id))[0] != "assessment"
        path = f"/placements/{(await placed(rig, case_id, person))['placement_id']}/cancel"
        ok(await rig.post("placement", path, json={"reason": "survivor_declined"}, role="placement_officer"))
        await rig.settle()
    assert await stands(rig, case_id) == ("assessment", {"assessment"})
    assert await groups(rig, case_id) == ["none", "none"]


async def test_a_split_household_is_made_again_as_it_was(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter(beds=2), people.a_shelter(beds=1))
    case_id = await people.refer(rig, a_family("S-3"))
    await split(rig, case_id)
    woman, _, _ = await members(rig, case_id)
    await people.admit(rig, await placed(rig, case_id, woman), case_id)
    for service in people.ALL:
        assert (await compare(_replayable(rig, service), rig.nats)).clean, service
    own = "SELECT case_id, part_of, state, apart, kept_from, persons, risk, waiting_since FROM need ORDER BY case_id"
    before, said = await rig.sql("placement", own), len(await rig.facts("placement"))
    clocks = await rig.sql("placement", "SELECT kind, key FROM clock WHERE subject = :case ORDER BY 1, 2", case=case_id)
    stays = await rig.sql("placement", "SELECT placement_id, person_id, during FROM stay ORDER BY 1, 2")
    for lost in ("UPDATE need SET risk = 'low', persons = '[]' WHERE part_of IS NULL", "DELETE FROM need"):
        await rig.sql("placement", lost)
        assert (await rebuild(_replayable(rig, "placement"), rig.nats)).after.clean
        await rig.settle()
        assert await rig.sql("placement", own) == before
        assert await rig.sql("placement", "SELECT placement_id, person_id, during FROM stay ORDER BY 1, 2") == stays
        assert await rig.sql("placement", "SELECT kind, key FROM clock WHERE subject = :case ORDER BY 1, 2", case=case_id) == clocks
        assert len(await rig.facts("placement")) == said, "nothing is said again"
        assert await groups(rig, case_id) == ["admitted", "offered"]


def _replayable(rig: Rig, service: str) -> Any:
    return replayable(service, rig.services[service].settings.database_url.get_secret_value())
