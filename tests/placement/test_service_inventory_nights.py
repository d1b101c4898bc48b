"""Who is still there, asked every night, and whom the staff must not meet, on real servers."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import placement
from chassis.migrate import upgrade
from placement.store import register

from tests.placement.builders import a_member, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, admitted, ask, offer, platform
from tests.rig import Rig, Templates

MISSED = "shelter.census_missed.v1"


def head(shelter: dict[str, Any]) -> dict[str, Any]:
    return {"role": "shelter_head", "units": [shelter["shelter_id"]]}


async def residents(rig: Rig, shelter: dict[str, Any]) -> dict[str, Any]:
    answer = await rig.get("placement", f"/shelters/{shelter['shelter_id']}/residents", **head(shelter))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def confirm(rig: Rig, shelter: dict[str, Any], present: list[str], absent: list[str] | None = None, night: str | None = None) -> Any:
    body = {"night": night or (await residents(rig, shelter))["night"], "present": present, "absent": absent or []}
    return await rig.post("placement", f"/shelters/{shelter['shelter_id']}/census", json=body, **head(shelter))


async def missed(rig: Rig) -> list[tuple[str, str]]:
    return [(str(subject), body["night"]) for kind, subject, body in await rig.facts("placement") if kind == MISSED]


async def test_a_night_is_confirmed_when_everyone_who_stays_there_was_looked_for(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(3))
    await platform(rig, shelter)
    mother, child = a_member(), a_member("female", 4, "child")
    placement = await admitted(rig, await ask(rig, household=a_snapshot(mother, child)))
    here, there = str(mother.person_id), str(child.person_id)
    shown = await residents(rig, shelter)
    assert {row["person_id"]: row["bed_id"] for row in shown["residents"]} == {m["person_id"]: m["bed_id"] for m in placement["members"]}
    assert (set(shown["residents"][0]), shown["confirmed_at"]) == ({"person_id", "bed_id", "room", "since"}, None)
    stranger = str(uuid4())
    wrong = await confirm(rig, shelter, [here, stranger])
    assert wrong.status_code == 422
    assert {(e["field"], e["code"]) for e in wrong.json()["errors"]} == {(f"persons.{there}", "missing"), (f"persons.{stranger}", "not_here")}
    late = (date.fromisoformat(shown["night"]) - timedelta(days=1)).isoformat()
    assert (await confirm(rig, shelter, [here, there], night=late)).json()["errors"] == [{"field": "night", "code": "not_the_current_one"}]
    assert await rig.sql("placement", "SELECT 1 FROM census") == []
    answer = await confirm(rig, shelter, [here], [there])
    assert (answer.status_code, answer.json()["present"], answer.json()["absent"]) == (201, 1, 1)
    board = (await rig.get("placement", f"/shelters/{shelter['shelter_id']}/beds", **head(shelter))).json()
    assert {bed["person_id"]: bed["to_look_into"] for bed in board["beds"] if bed["person_id"]} == {here: False, there: True}
    assert {bed["placement_id"] for bed in board["beds"] if bed["person_id"]} == {placement["placement_id"]}
    assert {member["person_id"] for member in (await offer(rig, UUID(placement["case_id"])))["members"]} == {here, there}, "nothing else follows"
    assert (await confirm(rig, shelter, [here, there])).status_code == 201, "a later word replaces the earlier one"
    (row,) = await rig.sql("placement", "SELECT present, absent FROM census")
    assert (len(row.present), len(row.absent)) == (2, 0)
    looks = await rig.sql("placement", "SELECT fields FROM audit WHERE subject = :shelter AND action = 'written'", shelter=shelter["shelter_id"])
    assert [row.fields for row in looks].count("census") == 2


async def test_every_list_says_when_somebody_last_looked_and_the_secret_houses_say_it_together(rig: Rig) -> None:
    known, first, second = a_shelter_body(), a_shelter_body(secret=True), a_shelter_body(secret=True)
    await platform(rig, known, first, second)
    for shelter in (known, first):
        assert (await confirm(rig, shelter, [])).status_code == 201
    for path in ("/shelters", "/occupancy"):
        rows = {row["shelter_id"]: row["confirmed_at"] for row in (await rig.get("placement", path, role="operator")).json()}
        assert rows[known["shelter_id"]] is not None
        assert rows[None] is None, "one of them was never looked at"
    assert (await confirm(rig, second, [])).status_code == 201
    (together,) = [row for row in (await rig.get("placement", "/shelters", role="peksos")).json() if row["secret"]]
    assert together["confirmed_at"][14:19] == "00:00", "to the hour"
    exact = [row["confirmed_at"] for row in (await rig.get("placement", "/shelters", role="supervisor")).json() if row["secret"]]
    assert len(set(exact)) == 2


async def test_a_night_that_nobody_confirmed_is_said_once_and_the_next_is_asked_about(rig: Rig) -> None:
    looked, forgot, closed = a_shelter_body(), a_shelter_body(secret=True), a_shelter_body(open=False)
    await platform(rig, looked, forgot, closed)
    (due,) = await rig.sql("placement", "SELECT DISTINCT due FROM clock WHERE kind = 'census'")
    hours_left = (due.due - (await rig.sql("placement", "SELECT now()"))[0].now).total_seconds() / 3600
    night = (due.due - timedelta(hours=20)).date().isoformat()
    await rig.advance(hours=max(0, hours_left - 0.1))
    assert await missed(rig) == []
    assert (await residents(rig, looked))["night"] == night
    assert (await confirm(rig, looked, [])).status_code == 201
    await rig.advance(hours=0.2)
    assert await missed(rig) == [(forgot["shelter_id"], night)], "a closed house in which nobody stays is not asked about"
    await rig.advance(hours=1)
    assert len(await missed(rig)) == 1
    await rig.advance(hours=24)
    assert sorted(subject for subject, _ in (await missed(rig))[1:]) == sorted([looked["shelter_id"], forgot["shelter_id"]])
    clocks = await rig.sql("placement", "SELECT subject, count(*) AS n FROM clock WHERE kind = 'census' GROUP BY subject")
    assert sorted((str(row.subject), row.n) for row in clocks) == sorted((shelter["shelter_id"], 1) for shelter in (looked, forgot, closed))


async def test_a_house_that_no_clock_asks_about_is_asked_about_after_the_next_change(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    await rig.sql("placement", "DELETE FROM clock WHERE kind = 'census'")
    room = a_room_body(1)
    assert (await rig.post("placement", f"/shelters/{shelter['shelter_id']}/rooms", json=room, role="operator")).status_code == 201
    assert len(await rig.sql("placement", "SELECT 1 FROM clock WHERE kind = 'census'")) == 1


async def test_only_its_head_and_officers_see_and_confirm_who_stays(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    path = f"/shelters/{shelter['shelter_id']}"
    stranger = {"role": "shelter_head", "units": [str(uuid4())]}
    assert (await rig.get("placement", f"{path}/residents", **stranger)).status_code == 404
    assert (await rig.get("placement", f"{path}/residents", role="operator")).status_code == 403
    assert (await rig.post("placement", f"{path}/census", json={"night": "2026-01-01"}, role="operator")).status_code == 403
    assert (await rig.post("placement", f"{path}/census", json={"night": "2026-01-01"}, **stranger)).status_code == 404
    assert (await rig.post("placement", f"{path}/conflicts", json={"about": str(uuid4())}, **stranger)).status_code == 404
    assert (await rig.post("placement", f"{path}/conflicts", json={"about": str(uuid4())}, role="operator")).status_code == 403


async def test_whom_the_staff_must_not_meet_is_kept_until_it_is_over(rig: Rig) -> None:
    shelter, about = a_shelter_body(), str(uuid4())
    await platform(rig, shelter)
    path = f"/shelters/{shelter['shelter_id']}/conflicts"

    async def seen() -> set[UUID]:
        (home,) = await rig.services["placement"].database.run(register.homes)
        return set(home.conflicts)

    for _ in range(2):
        made = await rig.post("placement", path, json={"about": about}, **head(shelter))
        assert (made.status_code, made.json()) == (201, {"shelter_id": shelter["shelter_id"], "about": about})
    assert await seen() == {UUID(about)}
    assert (await rig.get("placement", path, role="supervisor")).json()["about"] == [about]
    assert (await rig.post("placement", f"{path}/{about}/end", role="placement_officer")).status_code == 200
    assert (await rig.post("placement", f"{path}/{about}/end", role="placement_officer")).status_code == 404
    assert await seen() == set()
    assert (await rig.post("placement", path, json={"about": about}, role="supervisor")).status_code == 201
    assert await seen() == {UUID(about)}
    written = await rig.sql(
        "placement", "SELECT 1 FROM audit WHERE fields = 'staff_conflict' AND subject = :about AND action = 'written'", about=about
    )
    assert len(written) == 4


async def test_who_left_need_not_be_looked_for(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    placement = await admitted(rig, await ask(rig))
    person = placement["members"][0]["person_id"]
    await act(rig, placement, "leave", {"persons": [person]})
    assert (await residents(rig, shelter))["residents"] == []
    assert (await confirm(rig, shelter, [person])).status_code == 422
    assert (await confirm(rig, shelter, [])).status_code == 201


async def test_shelters_of_the_release_before_are_asked_about_from_the_coming_night_on(templates: Templates) -> None:
    url, migrations = await templates.empty(), Path(placement.__file__).parent / "migrations"
    await upgrade(url, migrations, "0002")
    store = await asyncpg.connect(url)
    try:
        await store.execute(
            "INSERT INTO shelter (id, name, kind, secret, area, sexes, min_age, max_age, accepts_needs, stay_review_days, grounds_required, open, version,"
            " address_sealed, phone_sealed) VALUES ($1, 'A', 'rpsa', false, '31.74.01', '{female}', 0, 120, '{}', 14, false, true, 1, '', '')",
            shelter := uuid4(),
        )
        await upgrade(url, migrations)
        (clock,) = await store.fetch("SELECT subject, due, now() AS now FROM clock WHERE kind = 'census'")
    finally:
        await store.close()
    assert (clock["subject"], clock["due"].hour, clock["due"].minute) == (shelter, 2, 0), "nine in Jakarta"
    assert timedelta(hours=9) <= clock["due"] - clock["now"] <= timedelta(hours=33)
