"""How placement did, on real servers: from rows alone, and nothing of a secret shelter for who may not know it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from placement.domain.placements import JAKARTA

from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, admitted, ask, offer, platform
from tests.rig import Rig


def days(rig: Rig, before: int = 0) -> str:
    now = datetime.now(UTC) + rig.services["placement"].database.skew
    today = now.astimezone(JAKARTA).date()
    return f"?from={today - timedelta(days=before)}&to={today}"


async def figures(rig: Rig, before: int = 0, role: str = "supervisor") -> Any:
    answer = await rig.get("placement", f"/indicators{days(rig, before)}", role=role)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_times_declines_and_the_rules_that_block_everyone(rig: Rig) -> None:
    first, second = a_shelter_body(name="Panti A"), a_shelter_body(name="Panti B", kind="panti_transit")
    await platform(rig, first, second)
    case_id = await ask(rig, household=a_snapshot(a_member(), a_member("female", 3, "child")))
    await rig.advance(minutes=10)
    await act(rig, await offer(rig, case_id), "decline", {"reason": "cannot_meet_needs"})
    await rig.advance(minutes=5)
    placement = await offer(rig, case_id)
    assert placement["state"] == "offered"
    await act(rig, placement, "accept")
    blocked = await ask(rig, household=a_snapshot(a_member("male", 40)))
    assert blocked
    found = await figures(rig, before=1)
    times = {entry["name"]: entry for entry in found["times"]}
    assert times["need_to_offer"]["n"] == 1
    assert times["need_to_offer"]["median"] < 60
    assert 890 < times["need_to_acceptance"]["median"] < 1000
    assert 290 < times["offer_to_acceptance"]["median"] < 400
    assert "need_to_bed" not in times
    assert found["declines"] == [{"reason": "cannot_meet_needs", "n": 1}]
    assert found["blocking"] == [{"rule": "P2", "households": 1}]
    assert (found["unmet"]["needs"], found["unmet"]["housed_later"]) == (1, 0)


async def test_nights_stays_re_entries_and_unmet_bed_nights(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(2))
    await platform(rig, shelter)
    woman = a_member()
    case_id = await ask(rig, household=a_snapshot(woman))
    placement = await admitted(rig, case_id)
    waiting = await ask(rig, household=a_snapshot(a_member("male", 30)))
    await rig.advance(days=3)
    await act(rig, placement, "leave", {"persons": [str(woman.person_id)]})
    again = await ask(rig, household=a_snapshot(woman))
    await admitted(rig, again)
    await rig.advance(days=1)
    found = await figures(rig, before=6)
    slept = {night["day"]: (night["people"], night["utilisation"], night["suspicion"]) for night in found["occupancy"]}
    assert [people for people, _, _ in slept.values()].count(1) == 4
    assert len(slept) == 6, "tonight is not over yet"
    assert set(slept.values()) == {(0, 0.0, "low"), (1, 0.5, "low")}
    (stay,) = found["stays"]
    assert (stay["shelter_id"], stay["n"]) == (shelter["shelter_id"], 1)
    assert 2.9 < stay["days"] < 3.1
    assert found["re_entries"] == {"admissions": 2, "again": 1}
    assert found["unmet"] == {"needs": 1, "bed_nights": 4, "housed_later": 0}
    assert waiting


async def test_secret_shelters_are_one_row_for_all_but_supervisors_without_small_numbers(rig: Rig) -> None:
    safe = [a_shelter_body(a_room_body(4), secret=True, kind="rumah_aman", name=name) for name in ("Melati", "Mawar")]
    await platform(rig, *safe, a_shelter_body(a_room_body(1), name="Panti A", sexes=["male"], boys_max_age=None))
    case_id = await ask(rig)
    await act(rig, await offer(rig, case_id), "decline", {"reason": "too_near"})
    await admitted(rig, case_id)
    await rig.advance(days=1)
    officer, supervisor = await figures(rig, 1, role="placement_officer"), await figures(rig, 1)
    assert {night["name"] for night in supervisor["occupancy"]} == {"Melati", "Mawar", "Panti A"}
    assert {night["name"] for night in officer["occupancy"]} == {"secret", "Panti A"}
    assert {(night["people"], night["beds"]) for night in officer["occupancy"] if night["name"] == "secret"} == {(None, 8)}
    assert supervisor["declines"] == [{"reason": "too_near", "n": 1}]
    assert officer["declines"] == [{"reason": "secret", "n": None}]
    assert all(entry["median"] is None for entry in officer["times"]), "few times are single stories"
    assert not any(shelter["shelter_id"] in str(officer) for shelter in safe)
    for _ in range(4):
        await admitted(rig, await ask(rig))
    await rig.advance(days=1)
    assert 5 in {night["people"] for night in (await figures(rig, 1, role="operator"))["occupancy"] if night["name"] == "secret"}


async def test_the_indicators_come_as_a_table_too(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    await admitted(rig, await ask(rig))
    await rig.advance(days=1)
    answer = await rig.get("placement", f"/indicators.csv{days(rig, 1)}", role="operator")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["indicator", "shelter", "day", "name", "value"]
    assert {row[0] for row in rows[1:]} == {"times", "occupancy", "re_entries", "unmet"}
    assert ["re_entries", "", "", "admissions", "1"] in rows
    assert {UUID(row[1]) for row in rows if row[0] == "occupancy"} == {UUID(shelter["shelter_id"])}


async def test_what_cannot_be_asked_is_refused_by_its_field(rig: Rig) -> None:
    await platform(rig)
    for query, field in [("?from=2026-02-02&to=2026-02-01", "to"), ("?from=2025-01-01&to=2026-02-01", "to"), ("?to=2026-02-01", "from")]:
        answer = await rig.get("placement", f"/indicators{query}", role="supervisor")
        assert answer.status_code == 422
        assert field in {error["field"] for error in answer.json()["errors"]}, answer.text
    for role in ("intake_officer", "outreach", "agency_system", "shelter_head", "peksos"):
        assert (await rig.get("placement", f"/indicators{days(rig)}", role=role)).status_code == 403
