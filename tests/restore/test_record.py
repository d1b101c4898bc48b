"""Placement loses an hour of its record: what its facts still tell is kept as it was, and of what they do not tell people hear, item by item."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from contracts.grounds import EndReason
from contracts.intake import Withdrawn
from contracts.vocabulary import Risk

from tests.placement.builders import a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, admitted, agreements, ask, data, offer, one_bed, platform, said, state
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, rows, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)

LEDGER = "SELECT case_id, since, persons, risk, refusals::text, ended_at, ended_as, shelter_id FROM unmet_need ORDER BY case_id, since"
STEPS = "SELECT placement_id, step, at FROM placement_step ORDER BY placement_id, at, step"
KEPT = "SELECT id, overrides::text, re_entry, handover, members::text FROM placement ORDER BY id"
SUPERVISOR = {"role": "supervisor"}
OFFICER = {"role": "placement_officer"}


async def lose(rig: Rig, folder: Path) -> None:
    """Put placement back; nobody's matter is set aside or left unapplied by that."""
    await lose_since(rig, "placement", folder)
    assert await rig.sql("placement", "SELECT route, reason FROM dead_letter") == []
    assert not [missing for _, missing in await tasks(rig, "placement") if missing.startswith("not_applied")]
    await agrees_with_the_streams(rig, "placement")


async def gone(rig: Rig, placement: dict[str, Any]) -> None:
    await act(rig, placement, "leave", {"persons": [member["person_id"] for member in placement["members"]]})


async def test_the_ledger_of_unmet_needs_says_after_a_restore_what_it_said_before(rig: Rig) -> None:
    await platform(rig, one_bed(), cleaning_minutes=1)
    stay = await admitted(rig, await ask(rig))
    open_before = await ask(rig, risk=Risk.LOW)
    folder = await backed_up(rig, "placement")
    housed = await ask(rig, risk=Risk.HIGH, household=a_snapshot(a_member()))
    withdrawn = await ask(rig, household=a_snapshot(a_member(), a_member("female", 9, "child")))
    await rig.say(Withdrawn(reason=EndReason.REFUSED_SERVICE), subject=withdrawn, factversion=2)
    await gone(rig, stay)
    await rig.advance(minutes=2)
    await admitted(rig, housed)
    waits = await ask(rig)
    assert [await state(rig, case) for case in (open_before, housed, withdrawn, waits)] == ["waiting", "admitted", "ended", "waiting"]
    before = await rows(rig, "placement", LEDGER)
    assert len(before[0]) == 4
    assert {row[6] for row in before[0]} == {None, "housed", "withdrawn"}

    await lose(rig, folder)

    assert await rows(rig, "placement", LEDGER) == before


async def test_who_decided_out_of_order_which_rule_was_set_aside_and_when_each_step_was_taken_is_kept(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(2), boys_max_age=10)
    await platform(rig, shelter, cleaning_minutes=1)
    folder = await backed_up(rig, "placement")
    mother = a_member()
    again = await ask(rig, household=a_snapshot(mother))
    first = await offer(rig, again)
    await act(rig, first, "accept")
    await act(rig, first, "on-the-way", {"handover": "escort"}, **OFFICER)
    await act(rig, first, "admit", agreements(first))
    await gone(rig, first)
    await rig.advance(minutes=2)
    household = a_snapshot(mother, a_member("male", 14, "child"))
    case_id = await ask(rig, household=household)
    body = {"shelter_id": shelter["shelter_id"], "reason": "survivor_wish", "overrides": ["P3"]}
    assert (await rig.post("placement", f"/needs/{case_id}/offer", json=body, **SUPERVISOR)).status_code == 201
    await rig.settle()
    before = await rows(rig, "placement", KEPT, STEPS)

    await lose(rig, folder)

    assert await rows(rig, "placement", KEPT, STEPS) == before
    assert (await offer(rig, case_id))["overrides"] == ["by_hand:survivor_wish", "P3:survivor_wish"]
    await ask(rig, a_risk_change(household=household), case_id=case_id, version=2)
    assert await state(rig, case_id) == "offered", "the rule stays set aside"
    await admitted(rig, case_id)


async def test_an_explanation_that_the_restore_lost_is_listed_and_who_asks_is_told_so(rig: Rig) -> None:
    await platform(rig, one_bed(), one_bed())
    kept = await ask(rig)
    first = await offer(rig, kept)
    folder = await backed_up(rig, "placement")
    await act(rig, first, "decline", {"reason": "full"})
    lost = await ask(rig)
    second = await offer(rig, lost)

    await lose(rig, folder)

    asked = await rig.get("placement", f"/placements/{second['placement_id']}/explanation", **OFFICER)
    assert (asked.status_code, asked.json()["code"]) == (404, "lost_by_a_restore"), asked.text
    assert (await rig.get("placement", f"/needs/{lost}/explanation", **OFFICER)).json()["code"] == "lost_by_a_restore"
    head = {"role": "shelter_head", "units": [second["shelter_id"]]}
    assert (await rig.get("placement", f"/placements/{second['placement_id']}/explanation", **head)).json()["code"] == "lost_by_a_restore"
    assert "code" not in (await rig.get("placement", f"/needs/{lost}/explanation", **head)).json(), "whom it does not concern learns nothing"
    of_kept = (await rig.get("placement", f"/placements/{first['placement_id']}/explanation", **OFFICER)).json()
    assert (of_kept["answer"], of_kept["later_lost_at"]) == ("offered", None)
    newest = (await rig.get("placement", f"/needs/{kept}/explanation", **OFFICER)).json()
    assert (newest["answer"], newest["later_lost_at"] is None) == ("offered", False), "it is not the last one"
    listed = await rig.sql("placement", "SELECT type, subject FROM recovery_task WHERE missing = 'explanation'")
    assert {(row.type, row.subject) for row in listed} == {("case.placement.offered.v1", lost), ("case.placement.offered.v1", kept)}


async def test_every_house_is_listed_to_be_confirmed_even_if_nothing_was_said_in_the_lost_hour(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    folder = await backed_up(rig, "placement")
    path, room = f"/shelters/{shelter['shelter_id']}", shelter["rooms"][0]
    assert (await rig.post("placement", f"{path}/closures", json={"kind": "full"}, **OFFICER)).status_code == 201
    assert (await rig.post("placement", f"{path}/conflicts", json={"about": str(UUID(int=7))}, **OFFICER)).status_code == 201
    more = {"bed_id": str(UUID(int=8))}
    assert (await rig.post("placement", f"/rooms/{room['room_id']}/overflow-beds", json=more, **SUPERVISOR)).status_code == 201
    await rig.settle()

    await lose(rig, folder)

    listed = await rig.sql("placement", "SELECT type, subject FROM recovery_task WHERE missing = 'inventory'")
    assert [(row.type, row.subject) for row in listed] == [("store_restored", UUID(shelter["shelter_id"]))]
    await lose(rig, await backed_up(rig, "placement"))
    again = await rig.sql("placement", "SELECT count(*) AS n FROM recovery_task WHERE missing = 'inventory'")
    assert again[0].n == 2, "each restore asks anew"


async def test_a_bed_that_somebody_left_in_the_lost_hour_is_cleaned_before_it_is_given(rig: Rig) -> None:
    await platform(rig, one_bed())
    stay = await admitted(rig, await ask(rig))
    folder = await backed_up(rig, "placement")
    await gone(rig, stay)

    await lose(rig, folder)

    later = await ask(rig)
    assert await state(rig, later) == "waiting"
    await rig.advance(minutes=61)
    assert await state(rig, later) == "offered"


async def test_nobody_is_told_again_of_a_missed_night_or_of_a_case_that_asks_about_ever_other_areas(rig: Rig) -> None:
    shelter = a_shelter_body(secret=True, kind="rumah_aman", area="31.71.01")
    await platform(rig, shelter)
    folder = await backed_up(rig, "placement")
    household = a_snapshot()
    case_id = await ask(rig, household=household, perpetrator_areas=("31.72.01",))
    for version, area in enumerate(("31.72.02", "31.72.03", "31.72.04", "31.72.05"), 2):
        await ask(rig, a_risk_change(household=household, perpetrator_areas=(area,)), case_id=case_id, version=version)
    await rig.advance(hours=36)
    told = await said(rig, case_id)
    nights = [body for kind, _, body in await rig.facts("placement") if kind == "shelter.census_missed.v1"]
    assert (told.count("probing_suspected"), len(nights) > 0) == (1, True)

    await lose(rig, folder)

    assert (await said(rig, case_id)).count("probing_suspected") == 1
    assert [body for kind, _, body in await rig.facts("placement") if kind == "shelter.census_missed.v1"] == nights
    assert len(await data(rig, case_id, "waitlisted")) == told.count("waitlisted")
