"""Placement loses an hour in which somebody was to move, or moved: she has one bed, where she lives, and nobody else has it."""

from typing import Any

import pytest

from tests.flows.people import a_referral, a_shelter, admit, offer_of, ok, persons, platform, refer
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since, tasks
from tests.rig import Rig

pytestmark = pytest.mark.timeout(300)

IN_BED = """
    SELECT person_id::text, placement_id::text FROM stay
    WHERE ended_as IS NULL AND coalesce(in_it, during) @> clock_timestamp() AND NOT isempty(during)"""
HELD = "SELECT count(*) AS n FROM stay WHERE during && tstzrange(clock_timestamp(), NULL)"


async def post(rig: Rig, placement: dict[str, Any], action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    found: dict[str, Any] = ok(
        await rig.post("placement", f"/placements/{placement['placement_id']}/{action}", json=body or {}, role="placement_officer")
    )
    await rig.settle()
    return found


def agreed(transfer: dict[str, Any]) -> dict[str, Any]:
    """Everyone agreed to move."""
    adult = {True: "own", False: "own_view_and_consenter"}
    return {"agreements": [{"person_id": m["person_id"], "agreement": adult[(m["age"] or 30) >= 18]} for m in transfer["members"]]}


async def slept(rig: Rig) -> dict[str, str]:
    """In which placement each person sleeps."""
    found = [(row.person_id, row.placement_id) for row in await rig.sql("placement", IN_BED)]
    assert len(dict(found)) == len(found), "a person in two beds"
    return dict(found)


@pytest.mark.parametrize("known_before", ["nothing", "accepted"])
async def test_who_moved_in_the_lost_hour_lives_in_the_new_home_alone(rig: Rig, known_before: str) -> None:
    await platform(rig, a_shelter(beds=3), a_shelter(beds=3))
    case = await refer(rig, a_referral("MOVED", shelter=True))
    stay = await offer_of(rig, case)
    await admit(rig, stay, case)
    folder = await backed_up(rig, "placement") if known_before == "nothing" else None
    transfer = await post(rig, stay, "transfer")
    await post(rig, transfer, "accept")
    folder = folder or await backed_up(rig, "placement")
    await post(rig, transfer, "move", agreed(transfer))
    people = await persons(rig, case)

    await lose_since(rig, "placement", folder)

    assert await slept(rig) == dict.fromkeys(people, transfer["placement_id"])
    (row,) = await rig.sql("placement", HELD)
    assert row.n == len(people), "no bed is kept in the old home"
    again = await offer_of(rig, case)
    assert (again["placement_id"], again["state"], again["shelter_id"]) == (transfer["placement_id"], "admitted", transfer["shelter_id"])
    assert {missing for _, missing in await tasks(rig, "placement")} <= {"bed_to_confirm", "explanation", "inventory"}
    kinds = await rig.sql("placement", "SELECT kind, key FROM clock WHERE subject = :case AND kind <> 'legal_ground'", case=case)
    assert [(row.kind, row.key) for row in kinds] == [("stay_review", transfer["placement_id"])]
    await agrees_with_the_streams(rig, "placement")
    await post(rig, again, "leave", {"persons": people})
    assert await slept(rig) == {}


async def test_who_was_to_move_stays_where_she_is_and_people_ask_again(rig: Rig) -> None:
    await platform(rig, a_shelter(beds=3), a_shelter(beds=3))
    case = await refer(rig, a_referral("ASKED", shelter=True))
    stay = await offer_of(rig, case)
    await admit(rig, stay, case)
    people = await persons(rig, case)
    folder = await backed_up(rig, "placement")
    transfer = await post(rig, stay, "transfer")
    await post(rig, transfer, "accept")

    await lose_since(rig, "placement", folder)

    assert await slept(rig) == dict.fromkeys(people, stay["placement_id"])
    (row,) = await rig.sql("placement", HELD)
    assert row.n == len(people)
    assert "transfer_to_repeat" in {missing for _, missing in await tasks(rig, "placement")}
    await agrees_with_the_streams(rig, "placement")
    again = await post(rig, stay, "transfer")
    await post(rig, again, "accept")
    await post(rig, again, "move", agreed(again))
    assert await slept(rig) == dict.fromkeys(people, again["placement_id"])
