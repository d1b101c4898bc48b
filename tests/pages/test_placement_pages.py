"""Placement's pages ask the routes of systems, in the name of who is logged in: same rules, same audit, once per form."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from placement.domain.placements import JAKARTA

from tests.pages.visitor import Visitor
from tests.placement.builders import a_shelter_body
from tests.placement.steps import act, admitted, ask, offer, platform, said, state
from tests.rig import Rig


async def offered(rig: Rig) -> tuple[dict[str, str], Visitor]:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig))
    return placement, Visitor(rig, "placement", role="shelter_head", units=[placement["shelter_id"]])


async def test_a_head_sees_what_waits_for_her_and_accepts_it(rig: Rig) -> None:
    placement, head = await offered(rig)
    queue = await head.see("queue")
    assert f"/pages/placements/{placement['placement_id']}" in queue.text
    assert "Jawab permintaan tempat" in queue.text
    done = await head.send(f"placements/{placement['placement_id']}", "/accept")
    assert done.status_code == 303
    page = await head.see(done.headers["location"].removeprefix("/pages/"))
    assert "Diterima." in page.text
    await rig.settle()
    assert (await said(rig, UUID(placement["case_id"])))[-1] == "accepted"


MANY_MORE = """
    INSERT INTO placement SELECT (jsonb_populate_record(p, jsonb_build_object(
        'id', gen_random_uuid(), 'case_id', gen_random_uuid(), 'offered_at', p.offered_at + interval '1 hour', 'review_on', p.review_on + 90))).*
    FROM placement p, generate_series(1, 205) WHERE p.id = :id"""


async def test_a_review_that_is_due_is_seen_beside_any_number_of_newer_stays(rig: Rig) -> None:
    placement, head = await offered(rig)
    await admitted(rig, UUID(placement["case_id"]))
    await rig.sql("placement", MANY_MORE, id=placement["placement_id"])
    officer = Visitor(rig, "placement", role="placement_officer")
    link = f"/pages/placements/{placement['placement_id']}"
    assert "placements/" not in (await officer.see("queue")).text, "no review is due"
    (row,) = await rig.sql("placement", "SELECT review_on FROM placement WHERE id = :id", id=placement["placement_id"])
    await rig.advance(days=(row.review_on - datetime.now(JAKARTA).date()).days - 2)
    for reader in (head, officer):
        page = (await reader.see("queue")).text
        assert link in page
        assert page.count("/pages/placements/") == 1
    waiting = (await rig.get("placement", "/placements?waits=true", role="supervisor")).json()
    assert [found["placement_id"] for found in waiting] == [placement["placement_id"]]


async def test_what_waits_is_listed_by_when_it_is_due(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    _, away = [await admitted(rig, await ask(rig)) for _ in range(2)]
    coming, asked = [await offer(rig, await ask(rig)) for _ in range(2)]
    await act(rig, coming, "accept")
    later, until = datetime.now(UTC) + timedelta(minutes=3), datetime.now(UTC) - timedelta(minutes=1)
    await rig.sql("placement", "UPDATE placement SET arrive_by = :at WHERE id = :id", at=later, id=coming["placement_id"])
    absent = (
        "INSERT INTO absence (placement_id, person_id, since, back_by, recorded_by) VALUES (:id, :person, now() - interval '1 day', :at, :person)"
    )
    await rig.sql("placement", absent, id=away["placement_id"], person=away["members"][0]["person_id"], at=until)
    waiting = (await rig.get("placement", "/placements?waits=true", role="placement_officer")).json()
    assert [found["placement_id"] for found in waiting] == [found["placement_id"] for found in (away, coming, asked)]
    only = (await rig.get("placement", "/placements?waits=true&state=offered", role="placement_officer")).json()
    assert [found["placement_id"] for found in only] == [asked["placement_id"]]


async def test_a_form_that_is_sent_twice_is_done_once(rig: Rig) -> None:
    placement, head = await offered(rig)
    form = await head.form(f"placements/{placement['placement_id']}", "/accept")
    first, second = await head.post(form.action, form.fields), await head.post(form.action, form.fields)
    assert (first.status_code, second.status_code) == (303, 303)
    await rig.settle()
    assert (await said(rig, UUID(placement["case_id"]))).count("accepted") == 1


async def test_what_another_site_sends_changes_nothing(rig: Rig) -> None:
    placement, head = await offered(rig)
    form = await head.form(f"placements/{placement['placement_id']}", "/accept")
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://elsewhere.example"}, {"origin": "null"}):
        answer = await head.post(form.action, form.fields, **headers)
        assert answer.status_code == 403, headers
    foreign = await head.post(form.action, {**form.fields, "token": "0" * 64})
    other = Visitor(rig, "placement", role="placement_officer")
    stolen = await other.post(form.action, form.fields)
    assert (foreign.status_code, stolen.status_code) == (403, 403)
    assert await state(rig, UUID(placement["case_id"])) == "offered"


async def test_another_shelters_head_sees_nothing_of_it(rig: Rig) -> None:
    placement, _ = await offered(rig)
    other = Visitor(rig, "placement", role="shelter_head", units=["00000000-0000-4000-8000-000000000001"])
    page = await other.see(f"placements/{placement['placement_id']}")
    assert page.status_code == 404
    assert placement["case_id"] not in page.text
    assert placement["placement_id"] not in (await other.see("queue")).text


async def test_looking_at_a_page_is_audited_as_looking_by_the_route_is(rig: Rig) -> None:
    placement, head = await offered(rig)
    looks = "SELECT count(*) AS n FROM audit WHERE action = 'read' AND subject = :case"
    before = (await rig.sql("placement", looks, case=placement["case_id"]))[0].n
    await head.see(f"placements/{placement['placement_id']}")
    assert (await rig.sql("placement", looks, case=placement["case_id"]))[0].n == before + 1


async def test_a_no_needs_a_reason_and_keeps_what_was_entered(rig: Rig) -> None:
    placement, head = await offered(rig)
    at = f"placements/{placement['placement_id']}/decline"
    empty = await head.send(at, "/decline")
    assert empty.status_code == 422
    assert "Pilih satu alasan" in empty.text
    assert 'href="#reason"' in empty.text
    done = await head.send(at, "/decline", reason="full")
    assert done.status_code == 303
    await rig.settle()
    assert "declined" in await said(rig, UUID(placement["case_id"]))


async def test_nobody_is_let_in_without_an_agreement_and_the_page_says_whose(rig: Rig) -> None:
    placement, head = await offered(rig)
    await act(rig, placement, "accept")
    at = f"placements/{placement['placement_id']}/admit"
    missing = await head.send(at, "/admit")
    assert missing.status_code == 422
    members = (await offer(rig, UUID(placement["case_id"])))["members"]
    assert all(f'href="#agreements.{member["person_id"]}"' in missing.text for member in members)
    given = {f"agreements.{m['person_id']}": "own" if m["age"] is None or m["age"] >= 18 else "own_view_and_consenter" for m in members}
    done = await head.send(at, "/admit", **given)
    assert done.status_code == 303, done.text
    await rig.settle()
    assert (await said(rig, UUID(placement["case_id"])))[-1] == "admitted"


async def test_what_was_entered_outlives_the_session(rig: Rig) -> None:
    placement, head = await offered(rig)
    at = f"placements/{placement['placement_id']}/decline"
    form = await head.form(at, "/decline")
    head.token, kept = "expired", head.token
    answer = await head.post(form.action, {**form.fields, "reason": "full"})
    assert answer.status_code == 401
    assert 'name="reason" value="full"' in answer.text
    head.token = kept
    assert (await head.post(form.action, {**form.fields, "reason": "full"})).status_code == 303


async def test_the_bed_board_shows_states_and_how_old_they_are(rig: Rig) -> None:
    placement, head = await offered(rig)
    overview = await head.see("beds")
    assert overview.headers["location"].endswith(f"/pages/shelters/{placement['shelter_id']}/beds")
    board = await head.see(f"shelters/{placement['shelter_id']}/beds")
    assert "Ditahan" in board.text
    assert "Penghuni belum pernah dihitung." in board.text


async def test_a_page_keeps_nothing_on_the_device_and_asks_nobody_else(rig: Rig) -> None:
    placement, head = await offered(rig)
    page = await head.see(f"placements/{placement['placement_id']}")
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not any(word in page.text for word in ("<style", "style=", "onclick", "http://", "https://", "<script>"))
    assert len(page.content) < 30_000


async def test_without_a_session_a_link_leads_through_the_login_to_the_page(rig: Rig) -> None:
    placement, _ = await offered(rig)
    path = f"/placements/{placement['placement_id']}"
    first = await rig.clients["placement"].get(path, headers={"accept": "text/html"})
    assert (first.status_code, first.headers["location"]) == (303, f"/pages{path}")
    second = await rig.clients["placement"].get(f"/pages{path}", headers={"accept": "text/html"})
    assert second.headers["location"] == f"/pages/session/login?to=%2Fpages%2Fplacements%2F{placement['placement_id']}"
    system = await rig.clients["placement"].get(path, headers={"accept": "application/json"})
    assert system.status_code == 401


async def test_in_english_too(rig: Rig) -> None:
    placement, _ = await offered(rig)
    head = Visitor(rig, "placement", language="en", role="shelter_head", units=[placement["shelter_id"]])
    page = await head.see(f"placements/{placement['placement_id']}")
    assert '<html lang="en"' in page.text
    assert "Accept" in page.text
