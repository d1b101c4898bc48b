"""The social workers on pages: their load, leave, hours, limit and skills, and conflicts, for supervisors, operators and each worker herself."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.assessment.builders import AUNT, MOTHER, OTHER_WORKER, WORKER
from tests.assessment.calls import a_started_case, add_worker
from tests.pages.test_assessment_pages import supervisor, worker
from tests.pages.visitor import Visitor
from tests.rig import Rig

AT = f"workers/{WORKER}"
TODAY = (datetime.now(UTC) + timedelta(hours=7)).date()


async def entry(rig: Rig, worker_id: UUID = WORKER) -> Any:
    return (await rig.get("assessment", f"/workers/{worker_id}", role="supervisor")).json()


def operator(rig: Rig) -> Visitor:
    return Visitor(rig, "assessment", role="operator")


async def test_who_has_too_much_or_is_away_comes_first(rig: Rig) -> None:
    case_id = await a_started_case(rig, MOTHER)
    await add_worker(rig, OTHER_WORKER, most_cases=9)
    page = (await supervisor(rig).see("workers")).text
    assert page.index(f"workers/{OTHER_WORKER}") < page.index(f"workers/{WORKER}"), "who has least room first"
    assert "1 kasus terbuka dari paling banyak 20" in page
    today = TODAY.isoformat()
    done = await supervisor(rig).send(f"{AT}/leaves", "/leaves", **{"leaves.0.first": today, "leaves.0.last": today})
    assert done.status_code == 303, done.text
    await rig.settle()
    assert str(case_id) in (await worker(rig, OTHER_WORKER).see("queue")).text, "what she did not begin with goes to another"
    await add_worker(rig, WORKER, active=False)
    await add_worker(rig, OTHER_WORKER, leaves=[{"first": today, "last": today}])
    page = (await operator(rig).see("workers")).text
    assert page.index(f"workers/{OTHER_WORKER}") < page.index(f"workers/{WORKER}")
    assert "<strong>cuti sampai" in page
    assert "Kasusnya tidak ditangani siapa pun" in (await supervisor(rig).see(f"workers/{OTHER_WORKER}")).text


async def test_an_operator_registers_a_worker_once(rig: Rig) -> None:
    await rig.start("assessment")
    wrong = await operator(rig).send("workers/new", "/new", worker_id="siti", agency="dinsos")
    assert 'href="#worker_id"' in wrong.text
    assert 'value="siti"' in wrong.text
    assert 'href="#agency"' in (await operator(rig).send("workers/new", "/new", worker_id=str(WORKER))).text
    assert (await operator(rig).send("workers/new", "/new", worker_id=str(WORKER), agency="dinsos")).headers["location"].startswith(f"/pages/{AT}")
    await add_worker(rig, WORKER, most_cases=3)
    twice = await operator(rig).send("workers/new", "/new", worker_id=str(WORKER), agency="dppapp")
    assert (twice.status_code, "sudah terdaftar" in twice.text) == (409, True)
    assert (await entry(rig))["most_cases"] == 3, "nobody is written over"


async def test_part_by_part_an_entry_is_changed_and_the_rest_of_it_stays(rig: Rig) -> None:
    await rig.start("assessment")
    hours = [{"weekday": 0, "begins": "08:00:00", "ends": "16:00:00"}]
    await add_worker(rig, WORKER, shifts=hours, leaves=[{"first": "2030-01-02", "last": "2030-01-05"}])
    head = supervisor(rig)
    work = {
        "active": "yes",
        "agency": "dinsos",
        "most_cases": "7",
        "skills": ["children"],
        "areas": ["31.74.04", "31.71.01"],
        "languages": "ind, JAV",
    }
    assert (await head.send(f"{AT}/edit", "/edit", **work)).status_code == 303
    kept = await entry(rig)
    assert {name: kept[name] for name in ("most_cases", "skills", "areas", "languages", "shifts")} == {
        "most_cases": 7, "skills": ["children"], "areas": ["31.71.01", "31.74.04"], "languages": ["ind", "jav"], "shifts": hours,
    }  # fmt: skip
    night = {"shifts.0.weekday": "0", "shifts.0.begins": "08:00", "shifts.0.ends": "16:00", "shifts.2.weekday": "4", "shifts.2.begins": "22:00"}
    wrong = await head.send(f"{AT}/shifts", "/shifts", **night)
    assert 'href="#shifts.2.ends"' in wrong.text, "the row that she filled in"
    over = await head.send(f"{AT}/shifts", "/shifts", **night, **{"shifts.2.ends": "06:00"})
    assert 'href="#shifts.2.weekday"' in over.text
    assert "melewati tengah malam" in over.text
    assert (await head.send(f"{AT}/shifts", "/shifts", **night, **{"shifts.2.ends": "23:59"})).status_code == 303
    assert (await head.send(f"{AT}/leaves", "/leaves")).status_code == 303, "an emptied row takes the leave back"
    kept = await entry(rig)
    assert (kept["leaves"], [shift["weekday"] for shift in kept["shifts"]], kept["most_cases"]) == ([], [0, 4], 7)
    page = (await head.see(AT)).text
    for words in ("Gambir, Pasar Minggu", "Senin 08:00 sampai 16:00; Jumat 22:00 sampai 23:59", "anak", "ind, jav"):
        assert words in page, words
    bad = await head.send(f"{AT}/edit", "/edit", **{**work, "most_cases": "0", "languages": "Indonesian"})
    assert 'href="#most_cases"' in bad.text
    assert 'href="#languages"' in bad.text


async def test_two_who_change_an_entry_both_see_both_values(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER, most_cases=5)
    head = supervisor(rig)
    form = await head.form(f"{AT}/edit", "/edit")
    await add_worker(rig, WORKER, most_cases=9)
    mine = {"active": "yes", "agency": "dinsos", "most_cases": "6"}
    both = await head.post(form.action, {**form.fields, **mine})
    assert both.status_code == 409
    assert '<td class="govuk-table__cell">9</td><td class="govuk-table__cell">6</td>' in both.text
    assert (await entry(rig))["most_cases"] == 9
    fresh = both.text.rpartition('name="version" value="')[2].partition('"')[0]
    again = await head.form(f"{AT}/edit", "/edit")
    assert again.fields["version"] == fresh
    assert (await head.post(again.action, {**again.fields, **mine})).status_code == 303
    assert (await entry(rig))["most_cases"] == 6


async def test_a_worker_sees_her_own_entry_and_declares_a_conflict_that_a_supervisor_ends(rig: Rig) -> None:
    await rig.start("assessment")
    await add_worker(rig, WORKER)
    mine = worker(rig)
    assert f"/pages/{AT}" in (await mine.see("queue")).text
    page = (await mine.see(AT)).text
    assert "Supervisor Anda yang mengubah data ini." in page
    assert f"{AT}/edit" not in page
    for path in ("workers", "workers/new", f"{AT}/edit", f"{AT}/leaves", f"{AT}/shifts"):
        assert (await mine.see(path)).status_code == 403, path
    assert (await worker(rig, OTHER_WORKER).see(AT)).status_code == 404
    assert 'href="#about"' in (await mine.send(f"{AT}/conflicts/new", "/new", about="tetangga")).text
    pasted = f"https://naungan.example/intake/pages/cases/{AUNT}?x=1"
    assert (await mine.send(f"{AT}/conflicts/new", "/new", about=pasted)).status_code == 303
    assert [one["about"] for one in (await entry(rig))["conflicts"]] == [str(AUNT)]
    assert "/conflicts/end" not in (await mine.see(AT)).text
    hidden = (await operator(rig).see(AT)).text
    assert str(AUNT)[-4:].upper() not in hidden, "an operator is not told of conflicts"
    assert (await operator(rig).see(f"{AT}/conflicts/new")).status_code == 403
    assert (await supervisor(rig).send(AT, "/conflicts/end")).status_code == 303
    assert (await entry(rig))["conflicts"] == []
