"""What is kept for all cases, on pages: programmes that are offered and changed, and instruments that are added, worded and published."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.assessment.test_domain_definitions import A
from tests.pages.test_assessment_pages import supervisor, worker
from tests.pages.visitor import Visitor
from tests.rig import Rig

TODAY = (datetime.now(UTC) + timedelta(hours=7)).date()
OFFER = {
    "kind": "skills_training", "name": "Tata boga", "provider": "dinsos", "area": "31.75.01", "places": "12", "begins_on": str(TODAY),
    "ends_on": str(TODAY + timedelta(days=60)), "first_session": f"{TODAY + timedelta(days=1)}T09:30", "how_many": "3", "days_apart": "7",
}  # fmt: skip


def operator(rig: Rig) -> Visitor:
    return Visitor(rig, "assessment", role="operator")


async def offered(rig: Rig) -> list[Any]:
    found: list[Any] = (await rig.get("assessment", "/programmes", role="supervisor")).json()
    return found


async def test_a_programme_is_offered_once_with_its_sessions(rig: Rig) -> None:
    await rig.start("assessment")
    head = supervisor(rig)
    assert "/programmes/new" in (await head.see("programmes")).text
    empty = await head.send("programmes/new", "/new")
    assert [name for name in (*OFFER,) if f'href="#{name}"' not in empty.text] == ["how_many", "days_apart"]
    assert "Pilih program apa" in empty.text
    backwards = await head.send("programmes/new", "/new", **{**OFFER, "ends_on": str(TODAY - timedelta(days=3))})
    assert "tidak berakhir sebelum mulai" in backwards.text
    assert 'href="#ends_on"' in backwards.text
    assert 'value="Tata boga"' in backwards.text
    assert 'href="#first_session"' in (await head.send("programmes/new", "/new", **{**OFFER, "how_many": "900"})).text
    form = await head.form("programmes/new", "/new")
    assert [(await head.post(form.action, {**form.fields, **OFFER})).status_code for _ in range(2)] == [303, 303]
    (known,) = await offered(rig)
    assert (known["places"], known["free"]) == (12, 12)
    first = datetime.fromisoformat(f"{OFFER['first_session']}+07:00")
    assert [datetime.fromisoformat(at) for at in known["sessions"]] == [first + timedelta(weeks=n) for n in range(3)]


async def test_of_what_is_offered_the_name_changes_and_places_and_sessions_are_added(rig: Rig) -> None:
    await rig.start("assessment")
    head = supervisor(rig)
    await head.send("programmes/new", "/new", **OFFER)
    (known,) = await offered(rig)
    at = f"programmes/{known['programme_id']}/edit"
    assert at in (await head.see("programmes")).text
    fewer = await head.send(at, "/edit", name="Tata boga", places="3")
    assert "tidak dapat dikurangi" in fewer.text
    wrong = await head.send(at, "/edit", name="x", places="14", **{"sessions.1": "besok"})
    assert 'href="#name"' in wrong.text
    assert 'href="#sessions.1"' in wrong.text
    late = await head.form(at, "/edit")
    done = await head.send(at, "/edit", name="Tata busana", places="14", **{"sessions.1": f"{TODAY + timedelta(days=30)}T10:00"})
    assert done.status_code == 303, done.text
    (known,) = await offered(rig)
    assert (known["name"], known["places"], len(known["sessions"])) == ("Tata busana", 14, 4)
    both = await head.post(late.action, {**late.fields, "name": "Tata rias", "places": "12"})
    assert both.status_code == 409
    assert '<td class="govuk-table__cell">Tata busana</td><td class="govuk-table__cell">Tata rias</td>' in both.text
    assert (await offered(rig)) == [known]


async def test_who_offers_nothing_is_not_asked_to(rig: Rig) -> None:
    await rig.start("assessment")
    await supervisor(rig).send("programmes/new", "/new", **OFFER)
    (known,) = await offered(rig)
    page = (await worker(rig).see("programmes")).text
    assert "Tata boga" in page
    assert "/programmes/new" not in page
    for path in ("programmes/new", f"programmes/{known['programme_id']}/edit"):
        assert (await worker(rig).see(path)).status_code == 403


# -- instruments --------------------------------------------------------------------------------------------------------------------------


async def test_a_version_is_checked_with_the_place_of_each_mistake_then_drafted_and_published(rig: Rig) -> None:
    await rig.start("assessment")
    keeper, at = operator(rig), "instruments/new"
    assert "tidak dapat" not in (await keeper.see("instruments")).text
    assert "bukan JSON" in (await keeper.send(at, "/new", definition="{")).text
    broken = json.loads(json.dumps(A))
    broken["items"][1]["values"] = [1, 1]
    del broken["sources"]
    wrong = await keeper.send(at, "/new", definition=json.dumps(broken))
    assert wrong.status_code == 422
    assert 'href="#definition"' in wrong.text
    assert ">sources</strong><br>harus ada" in wrong.text
    broken["sources"] = A["sources"]
    wrong = await keeper.send(at, "/new", definition=json.dumps(broken))
    assert f">items.1.values</strong> ({A['items'][1]['code']})<br>nilai-nilainya harus berbeda" in wrong.text
    assert A["title"] in wrong.text, "what was pasted is not lost"
    done = await keeper.send(at, "/new", definition=json.dumps(A))
    assert done.headers["location"] == "/pages/instruments/trial/1?said=drafted"
    page = "instruments/trial/1"
    assert "konsep: belum dipakai" in (await keeper.see(page)).text
    assert (await keeper.send(page, "/publish")).status_code == 303
    again = await keeper.send(at, "/new", definition=json.dumps(A))
    assert "naikkan nomor versinya" in again.text
    assert (await keeper.send(page, "/withdraw")).status_code == 303
    assert "ditarik" in (await keeper.see(page)).text


async def test_a_wording_is_loaded_whole_or_each_missing_text_is_named(rig: Rig) -> None:
    await rig.start("assessment")
    keeper, at = operator(rig), "instruments/gad7/1/wording/id"
    codes = [item["code"] for item in (await rig.get("assessment", "/instruments/gad7/1", role="operator")).json()["items"]]
    texts = {f"texts.{code}": f"Kalimat contoh {code}" for code in codes}
    part = dict(list(texts.items())[1:])
    wrong = await keeper.send(at, "/wording/id", source="Terjemahan contoh", **part)
    assert f'href="#texts.{codes[0]}"' in wrong.text
    assert "kata-katanya belum ada" in wrong.text
    assert f"Kalimat contoh {codes[1]}" in wrong.text
    assert 'href="#source"' in (await keeper.send(at, "/wording/id", **texts)).text
    assert (await keeper.send(at, "/wording/id", source="Terjemahan contoh", **texts)).status_code == 303
    known = (await rig.get("assessment", "/instruments", role="operator")).json()
    assert [entry["languages"] for entry in known if entry["code"] == "gad7"] == [["id"]]


async def test_who_keeps_no_instruments_reads_them_and_no_more(rig: Rig) -> None:
    await rig.start("assessment")
    page = await worker(rig).see("instruments/gad7/1")
    assert page.status_code == 200
    assert "/withdraw" not in page.text
    for path in ("instruments/new", "instruments/gad7/1/wording/id"):
        assert (await worker(rig).see(path)).status_code == 403
