"""Prevention by pages: announced and counted by its agency, heard of by who asked, and by who has no account through the links in messages."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from notifications.pages.words import WORDS

from tests.notifications.doors import Gateway, through
from tests.notifications.test_contacts import path_in, quiet
from tests.notifications.test_service_prevention import DPPAPP, a_session
from tests.pages.visitor import OWN, Forms, Visitor
from tests.rig import Rig

S = "notifications"
QUICK = {"message_poll_seconds": 0.05, "links_url": "https://n.test", "prevention_opens": "00:00", "prevention_closes": "23:59:59"}
FIELDS = {
    "title": "child_rights",
    "place": "rptra",
    "area": "31.71.01",
    "audiences": ["forum_anak"],
    "note": "Bawa topi",
    "starts_at": "2027-01-04T10:00",
}
WISH = {"channel": "sms", "address": "0811-0000-055", "audiences": ["forum_anak"], "areas": ["31.71"], "language": "id"}


async def sessions(rig: Rig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await rig.get(S, "/prevention/sessions", role="agency_system")).json()
    return found


async def openly(rig: Rig, path: str, **fields: Any) -> httpx.Response:
    """Somebody without an account fills in the form of a page and sends it."""
    page = await rig.clients[S].get(f"/pages/{path}")
    assert page.status_code == 200, page.text
    assert "data-leave" in page.text, "the way out stands on each"
    (form,) = Forms(page.text).found
    return await rig.clients[S].post(form.action, data={**form.fields, **fields}, headers=OWN)


async def test_a_session_is_announced_once_called_off_and_its_notice_opens_it(rig: Rig) -> None:
    await rig.start(S)
    desk, peksos = Visitor(rig, S, **DPPAPP), Visitor(rig, S, role="peksos")
    await peksos.send("prevention/opt-in", "/opt-in", audiences=["forum_anak"], areas=["31.71"], district="31.74.03")
    told = (await rig.get(S, "/prevention/opt-in", role="peksos")).json()
    assert told == {"told": True, "audiences": ["forum_anak"], "areas": ["31.71", "31.74.03"]}
    form = await desk.form("prevention/sessions/new", "/new")
    assert [(await desk.post(form.action, {**form.fields, **FIELDS})).status_code for _ in range(2)] == [303, 303]
    (made,) = await sessions(rig)
    assert (made["starts_at"], made["note"]) == ("2027-01-04T03:00:00Z", "Bawa topi")
    opened = await peksos.send("inbox", "/open")
    assert opened.headers["location"] == f"/notifications/pages/prevention/sessions/{made['id']}"
    page = await peksos.see(f"prevention/sessions/{made['id']}")
    assert "Bawa topi" in page.text
    assert WORDS["session.cancel"][0] not in page.text
    assert (await peksos.see("prevention/sessions/new")).status_code == 403
    await desk.send(f"prevention/sessions/{made['id']}/cancel", "/cancel")
    assert "DIBATALKAN" in (await peksos.see("prevention/sessions")).text
    await peksos.send("prevention/opt-in", "/stop")
    assert not (await rig.get(S, "/prevention/opt-in", role="peksos")).json()["told"]


@pytest.mark.parametrize(
    ("fields", "named"), [({"starts_at": "2020-01-01T08:00"}, "#starts_at"), ({"audiences": ""}, "#audiences"), ({"title": ""}, "#title")]
)
async def test_what_is_wrong_with_a_session_is_named(rig: Rig, fields: dict[str, Any], named: str) -> None:
    await rig.start(S)
    page = await Visitor(rig, S, **DPPAPP).send("prevention/sessions/new", "/new", **{**FIELDS, **fields})
    assert page.status_code == 422
    assert f'href="{named}"' in page.text
    assert "Bawa topi" in page.text, "what was entered stays"
    assert await sessions(rig) == []


async def test_who_came_is_counted_when_it_is_over_and_reports_by_area_are_shown(rig: Rig) -> None:
    await rig.start(S)
    desk = Visitor(rig, S, **DPPAPP, language="en")
    soon = a_session(starts_at=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    session = (await rig.post(S, "/prevention/sessions", json=soon, **DPPAPP)).json()["id"]
    early = await desk.send(f"prevention/sessions/{session}/attendance", "/attendance", people="3", children="1")
    assert early.status_code == 409
    await rig.advance(hours=2)
    assert "Count who came" in (await desk.see(f"prevention/sessions/{session}")).text
    wrong = await desk.send(f"prevention/sessions/{session}/attendance", "/attendance", people="3", children="9")
    assert 'href="#children"' in wrong.text
    await desk.send(f"prevention/sessions/{session}/attendance", "/attendance", people="30", children="9")
    assert "30 people, 9 children" in (await desk.see("prevention/sessions")).text
    assert "too few reports" in (await desk.see("prevention/statistics")).text
    other = Visitor(rig, S, role="supervisor", agency="dinsos")
    assert (await other.see("prevention/statistics")).status_code == 403


async def test_who_has_no_account_asks_agrees_reads_chooses_and_stops_by_the_links_in_messages(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    asked = await openly(rig, "public/prevention/contacts", **WISH)
    assert WORDS["open.asked"][0] in asked.text
    assert "set-cookie" not in asked.headers
    await quiet(rig)
    link = path_in(gateway.messages[0]["text"], "confirm")
    landed = await rig.clients[S].get(link)
    confirm = landed.headers["location"].removeprefix("/pages/")
    assert WORDS["open.confirmed"][0] in (await openly(rig, confirm)).text
    await rig.post(S, "/prevention/sessions", json=a_session(), **DPPAPP)
    await quiet(rig)
    text = gateway.messages[1]["text"]
    read = await rig.clients[S].get(path_in(text, "sessions"), follow_redirects=True)
    assert "Hak anak" in read.text
    token = path_in(text, "stop").rsplit("/", 1)[1]
    assert 'href="#audiences"' in (await openly(rig, f"public/prevention/choices/{token}")).text
    assert WORDS["open.chosen"][0] in (await openly(rig, f"public/prevention/choices/{token}", audiences=["students"])).text
    assert [row.audiences for row in await rig.sql(S, "SELECT audiences FROM prevention_contact")] == [["students"]]
    assert WORDS["open.stopped"][0] in (await openly(rig, f"public/prevention/stop/{token}")).text
    assert [row.state for row in await rig.sql(S, "SELECT state FROM prevention_contact")] == ["stopped"]
    assert WORDS["open.stopped"][0] in (await openly(rig, f"public/prevention/stop/{token}")).text, "again says the same"
    gone = await openly(rig, confirm)
    assert gone.status_code == 410
    assert (await rig.clients[S].get(f"/pages/public/prevention/sessions/{uuid4()}")).status_code == 404


async def test_the_public_is_refused_in_words_limited_and_heard_from_our_pages_only(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"), prevention_asks_here=3)
    wrong = await openly(rig, "public/prevention/contacts", **{**WISH, "address": "nobody"})
    assert wrong.status_code == 422
    assert 'href="#address"' in wrong.text
    assert 'value="nobody"' in wrong.text
    foreign = await rig.clients[S].post("/pages/public/prevention/contacts", data=WISH, headers={**OWN, "sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    answers = [(await openly(rig, "public/prevention/contacts", **{**WISH, "address": f"0811-0000-05{n}"})).status_code for n in range(3)]
    assert answers == [200, 200, 429]
    assert len(await rig.sql(S, "SELECT 1 FROM prevention_contact")) == 2


async def test_an_officer_registers_and_erases_an_address_that_nobody_reads(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    desk = Visitor(rig, S, **DPPAPP)
    done = await desk.send("prevention/contacts/new", "/new", **WISH)
    assert done.headers["location"].endswith("said=registered")
    page = await desk.see("prevention/contacts")
    assert WORDS["contact.asked"][0] in page.text
    assert "055" not in page.text
    gone = await desk.send("prevention/contacts/erase", "/erase", channel="sms", address="0811-0000-055")
    assert gone.headers["location"].endswith("said=erased")
    assert (await desk.send("prevention/contacts/erase", "/erase", channel="sms", address="0811-0000-056")).headers["location"].endswith("not_there")
    assert UUID(str((await rig.sql(S, "SELECT id FROM prevention_contact WHERE state = 'stopped'"))[0].id))
