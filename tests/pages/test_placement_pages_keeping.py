"""Keeping a house by its pages: rooms, units, beds, closures, conflicts, a new house with its address, and the inventory as a file."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from chassis.web.pages.visit import entered_in
from starlette.requests import Request

from tests.pages.visitor import OWN, Visitor
from tests.placement.builders import a_room_body, a_shelter_body
from tests.placement.steps import act, admitted, ask, offer, platform
from tests.rig import Rig


async def a_house(rig: Rig, *rooms: dict[str, Any], **changes: Any) -> tuple[str, Visitor]:
    shelter = a_shelter_body(*rooms, **changes)
    await platform(rig, shelter)
    return f"shelters/{shelter['shelter_id']}", Visitor(rig, "placement", language="en", role="placement_officer")


async def seen(rig: Rig, at: str) -> Any:
    return (await rig.get("placement", f"/{at}", role="placement_officer")).json()


async def test_a_room_with_its_beds_is_added_once_changed_and_removed_when_it_is_empty(rig: Rig) -> None:
    at, officer = await a_house(rig, a_room_body(1, name="A1"))
    nameless = await officer.send(f"{at}/rooms/new", "/rooms/new", beds="many")
    assert (nameless.status_code, 'href="#beds"' in nameless.text or 'href="#name"' in nameless.text) == (422, True)
    form = await officer.form(f"{at}/rooms/new", "/rooms/new")
    entered = {**form.fields, "name": "B2", "features": ["family", "isolation"], "beds": "2"}
    answers = [await officer.post(form.action, entered) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303], answers[0].text
    rooms = {room["name"]: room for room in (await seen(rig, at))["rooms"]}
    assert (len(rooms), len(rooms["B2"]["beds"])) == (2, 2)
    assert (rooms["B2"]["family"], rooms["B2"]["accessible"], rooms["B2"]["isolation"]) == (True, False, True)
    room = f"{at}/rooms/{rooms['B2']['room_id']}"
    assert (await officer.send(f"{room}/edit", "/edit", name="B3", features=["accessible"])).status_code == 303
    page = await officer.see(room)
    assert ("Room B3" in page.text, "for wheelchairs" in page.text, "/remove" in page.text) == (True, True, False)
    assert (await officer.send(room, f"{room}/beds")).status_code == 303
    for bed in (await seen(rig, at))["rooms"][1]["beds"]:
        assert (await officer.send(f"{at}/beds/{bed}", "/remove")).status_code == 303
    gone = await officer.send(room, f"{room}/remove")
    assert gone.status_code == 303, gone.text
    assert [room["name"] for room in (await seen(rig, at))["rooms"]] == ["A1"]


async def test_two_who_change_a_unit_at_once_both_see_both_values(rig: Rig) -> None:
    at, officer = await a_house(rig)
    values = {"name": "Putri", "sexes": ["female"], "min_age": "6", "max_age": "18", "boys_max_age": ""}
    wrong = await officer.send(f"{at}/units/new", "/units/new", **{**values, "sexes": [], "min_age": "19"})
    assert (wrong.status_code, 'href="#sexes"' in wrong.text) == (422, True)
    assert (await officer.send(f"{at}/units/new", "/units/new", **values)).status_code == 303
    (unit,) = (await seen(rig, at))["units"]
    path = f"{at}/units/{unit['unit_id']}/edit"
    other = Visitor(rig, "placement", language="en", role="operator", subject=uuid4())
    first, second = await officer.form(path, "/edit"), await other.form(path, "/edit")
    assert (await officer.post(first.action, {**first.fields, **values, "max_age": "17"})).status_code == 303
    refused = await other.post(second.action, {**second.fields, **values, "max_age": "16"})
    assert refused.status_code == 409
    row = refused.text.split('<th scope="row"')[1].split("</tr>")[0]
    assert ("17" in row, "16" in row) == (True, True)
    unwise = await officer.send(path, "/edit", **{**values, "min_age": "18", "max_age": "6"})
    assert "The youngest age is not above the oldest" in unwise.text
    room = (await seen(rig, at))["rooms"][0]
    assert (await officer.send(f"{at}/rooms/{room['room_id']}/edit", "/edit", name="A1", unit_id=unit["unit_id"])).status_code == 303
    assert (await seen(rig, at))["rooms"][0]["unit_id"] == unit["unit_id"]


async def test_a_bed_is_taken_out_of_use_put_back_and_cleaned(rig: Rig) -> None:
    at, officer = await a_house(rig, a_room_body(1))
    head = Visitor(rig, "placement", role="shelter_head", units=[at.removeprefix("shelters/")])
    (bed,) = (await seen(rig, at))["rooms"][0]["beds"]
    path = f"{at}/beds/{bed}"
    past = await officer.send(f"{path}/out", "/out", until="2020-01-01T10:00")
    assert (past.status_code, 'href="#until"' in past.text) == (422, True)
    assert (await officer.send(f"{path}/out", "/out", until="2099-01-01T10:00")).status_code == 303
    out = await officer.see(path)
    assert ("Out of service" in out.text, f"{path}/back" in out.text) == (True, True)
    assert f"{path}/back" not in (await head.see(path)).text, "who heads a house does not keep its beds"
    assert (await officer.send(path, "/back")).status_code == 303
    placement = await admitted(rig, await ask(rig))
    taken = await officer.form(f"{at}/beds/{bed}/out", "/out")
    assert taken
    await act(rig, placement, "leave", {"persons": [placement["members"][0]["person_id"]]})
    assert f"{path}" in (await head.see(f"{at}/beds")).text, "a bed that is cleaned is linked where it may be said to be clean"
    cleaned = await head.send(path, "/cleaned")
    assert cleaned.status_code == 303, cleaned.text
    used = await officer.send(path, "/remove")
    assert (used.status_code, "was used and cannot be removed" in used.text) == (409, True)


async def test_only_a_supervisor_adds_an_overflow_bed_and_answers_for_it(rig: Rig) -> None:
    at, officer = await a_house(rig, a_room_body(1))
    (room,) = (await seen(rig, at))["rooms"]
    path = f"{at}/rooms/{room['room_id']}"
    assert "overflow-beds" not in (await officer.see(path)).text
    supervisor = Visitor(rig, "placement", role="supervisor", subject=UUID(int=7))
    assert f"{path}/edit" not in (await supervisor.see(path)).text
    assert (await supervisor.send(path, "/overflow-beds")).status_code == 303
    (kept,) = (await seen(rig, at))["rooms"][0]["overflow"]
    assert kept["approved_by"] == str(UUID(int=7))


async def test_a_head_closes_her_house_is_told_what_happens_to_those_inside_and_opens_it(rig: Rig) -> None:
    at, _ = await a_house(rig)
    await admitted(rig, await ask(rig))
    head = Visitor(rig, "placement", language="en", role="shelter_head", units=[at.removeprefix("shelters/")])
    page = await head.see(f"{at}/close")
    assert "1 people stay here and go on staying. 0 beds are held" in page.text
    empty = await head.send(f"{at}/close", "/close")
    assert (empty.status_code, 'href="#kind"' in empty.text) == (422, True)
    assert (await head.send(f"{at}/close", "/close", kind="full", until="2099-01-01T10:00")).status_code == 303
    board = await head.see(f"{at}/beds")
    assert "Full for the time being" in board.text
    end = next(part.split('"')[0] for part in board.text.split('action="') if "/closures/" in part.split('"')[0])
    assert (await head.send(f"{at}/beds", end)).status_code == 303
    assert "Full for the time being" not in (await head.see(f"{at}/beds")).text
    other = Visitor(rig, "placement", role="shelter_head", units=[str(uuid4())])
    assert [(await other.see(f"{at}/{page}")).status_code for page in ("close", "conflicts")] == [404, 404]


async def test_whom_somebody_who_works_there_must_not_meet_is_said_from_the_request(rig: Rig) -> None:
    at, _ = await a_house(rig)
    placement = await offer(rig, await ask(rig))
    head = Visitor(rig, "placement", role="shelter_head", units=[placement["shelter_id"]])
    page = await head.see(f"placements/{placement['placement_id']}")
    assert f"/pages/{at}/conflicts?about={placement['case_id']}" in page.text
    assert f'value="{placement["case_id"]}"' in (await head.see(f"{at}/conflicts?about={placement['case_id']}")).text
    wrong = await head.send(f"{at}/conflicts", "/conflicts", about="her")
    assert (wrong.status_code, 'href="#about"' in wrong.text) == (422, True)
    assert (await head.send(f"{at}/conflicts", "/conflicts", about=placement["case_id"])).status_code == 303
    assert placement["case_id"] in (await head.see(f"{at}/conflicts")).text
    assert (await head.send(f"{at}/conflicts", "/conflicts/end", about=placement["case_id"])).status_code == 303
    assert placement["case_id"] not in (await head.see(f"{at}/conflicts")).text


HOUSE = {
    "name": "Rumah Baru",
    "kind": "rumah_aman",
    "secret": "yes",
    "area": "31.74.01",
    "sexes": ["female"],
    "min_age": "0",
    "max_age": "120",
    "boys_max_age": "12",
    "accepts_needs": ["infant"],
    "stay_review_days": "14",
    "grounds_required": "yes",
    "address": "Jalan Kenari 99",
    "intake_phone": "0812 000 111",
}


async def test_a_new_house_is_registered_once_and_its_address_is_told_to_those_who_place_only(rig: Rig) -> None:
    await platform(rig)
    officer, operator = (Visitor(rig, "placement", language="en", role=role) for role in ("placement_officer", "operator"))
    empty = await officer.send("new-shelter", "/new-shelter")
    assert empty.status_code == 422
    assert all(f'href="#{field}"' in empty.text for field in ("name", "kind", "secret", "area", "sexes", "address", "intake_phone")), empty.text
    form = await officer.form("new-shelter", "/new-shelter")
    first, second = [await officer.post(form.action, {**form.fields, **HOUSE}) for _ in range(2)]
    assert (first.status_code, second.status_code) == (303, 303), first.text
    at = first.headers["location"].removeprefix("/pages/").split("/rooms")[0]
    (kept,) = await rig.sql("placement", "SELECT name, secret, kind FROM shelter")
    assert tuple(kept) == ("Rumah Baru", True, "rumah_aman")
    looks = "SELECT count(*) AS n FROM audit WHERE action = 'read' AND CAST(fields AS text) LIKE '%address%'"
    before = (await rig.sql("placement", looks))[0].n
    page = await officer.see(f"{at}/address")
    assert ("Jalan Kenari 99" in page.text, 'href="tel:0812000111"' in page.text) == (True, True)
    assert (await rig.sql("placement", looks))[0].n == before + 1, "each look is recorded"
    assert [(await operator.see(f"{at}/{page}")).status_code for page in ("address", "rooms", "address/edit")] == [403, 404, 404]
    assert "Kenari" not in (await officer.see(f"{at}/rooms")).text + (await officer.see(f"{at}/address/edit")).text

    path = f"{at}/address/edit"
    one, two = await officer.form(path, "/edit"), await officer.form(path, "/edit")
    assert (await officer.post(one.action, {**one.fields, "address": "Jalan Melati 1"})).status_code == 303
    refused = await officer.post(two.action, {**two.fields, "address": "Jalan Mawar 2"})
    assert (refused.status_code, "Jalan Melati 1" in refused.text, "Jalan Mawar 2" in refused.text) == (409, True, True)
    told = await officer.see(f"{at}/address")
    assert ("Jalan Melati 1" in told.text, "0812 000 111" in told.text) == (True, True), "what was left empty stays"


async def test_a_head_keeps_no_register(rig: Rig) -> None:
    at, _ = await a_house(rig)
    head = Visitor(rig, "placement", role="shelter_head", units=[at.removeprefix("shelters/")])
    assert [(await head.see(page)).status_code for page in (f"{at}/rooms", f"{at}/address", "inventory.csv")] == [403, 403, 403]
    board = (await head.see(f"{at}/beds")).text
    assert [f"{at}/{page}" in board for page in ("rooms", "edit", "close", "conflicts")] == [False, False, True, True]


async def sent_file(who: Visitor, content: bytes, what: str) -> Any:
    """A file as a browser sends it."""
    form = await who.form("inventory", "/inventory")
    fields = [(name, value.encode(), "") for name, value in {**form.fields, "what": what}.items()]
    fields.append(("file", content, '; filename="inventory.csv"\r\nContent-Type: text/csv'))
    parts = [f'--frontier\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value for name, value, more in fields]
    body = b"\r\n".join(parts) + b"\r\n--frontier--\r\n"
    headers = who.headers(**{**OWN, "content-type": "multipart/form-data; boundary=frontier"})
    return await who.rig.clients["placement"].post(form.action, content=body, headers=headers)


async def test_the_inventory_is_taken_out_tried_and_brought_in(rig: Rig) -> None:
    at, officer = await a_house(rig, a_room_body(2, name="Kamar é, besar"))
    file = await officer.see("inventory.csv")
    assert file.headers["content-type"].startswith("text/csv")
    new_bed = str(uuid4())
    lines = file.content.splitlines(keepends=True)
    known = (await seen(rig, at))["rooms"][0]["beds"]
    added = lines[1].replace(known[0].encode(), new_bed.encode()).replace(known[1].encode(), new_bed.encode())
    more = b"\xef\xbb\xbf" + file.content + added + added.replace(new_bed.encode(), b"no-id")
    tried = await sent_file(officer, more, "try")
    assert tried.status_code == 200, tried.text
    assert ("nothing has changed" in tried.text, "0 homes, 0 units, 0 rooms, 1 beds" in tried.text, "bed_id" in tried.text) == (True, True, True)
    assert len((await seen(rig, at))["rooms"][0]["beds"]) == 2
    done = await sent_file(officer, more, "add")
    assert "Added." in done.text
    assert new_bed in (await seen(rig, at))["rooms"][0]["beds"]
    for content, said in ((b"", "Choose a file"), (b"a,b\r\n1,2\r\n", "no inventory"), ("é".encode("latin-1") + file.content, "CSV UTF-8")):
        wrong = await sent_file(officer, content, "try")
        assert (wrong.status_code, 'href="#file"' in wrong.text, said in wrong.text) == (422, True, True), wrong.text
    supervisor = Visitor(rig, "placement", role="supervisor")
    assert 'type="file"' not in (await supervisor.see("inventory")).text


@pytest.mark.parametrize("content", ["a\r\nb", "Ä\nb\r\n\r\nc", "--front\r\nier", ""])
async def test_a_file_comes_as_it_is(content: str) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\nContent-Type: text/csv\r\n\r\n'
        + content.encode()
        + b"\r\n--x--\r\n"
    )
    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"multipart/form-data; boundary=x")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    found = await entered_in(Request(scope, receive))
    assert found["file"] == (content.strip().replace("\r\n", "\n"),)
