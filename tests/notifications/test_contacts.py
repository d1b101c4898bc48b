"""People and organisations without an account hear of prevention: they agree from the address itself, stop by a link in every message, and are erased."""

import json
from datetime import UTC, datetime, time, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from notifications.aging import forget
from notifications.channels import templates
from notifications.domain.contacts import as_written, may_go_from
from notifications.prevention import contacts
from notifications.prevention.words import JAKARTA

from tests.flows.test_secrecy import dumped
from tests.notifications.doors import Gateway, Mailbox, S, through
from tests.notifications.test_service_prevention import DPPAPP, a_session
from tests.rig import Rig

ALL_DAY: dict[str, Any] = {"prevention_opens": time.min, "prevention_closes": time.max}
QUICK = {"message_poll_seconds": 0.05, "prevention_per_minute": 1e6, "links_url": "https://n.test", **ALL_DAY}
ADDRESS, NUMBER = "Kelompok.Kenanga@contoh.test", "0811 0000-0001"


async def ask(rig: Rig, channel: str = "sms", address: str = NUMBER, status: int = 202, **more: Any) -> dict[str, Any]:
    body = {"channel": channel, "address": address, "audiences": ["forum_anak"], "areas": ["31.71"], **more}
    answer = await rig.clients[S].post("/public/prevention/contacts", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def quiet(rig: Rig) -> list[tuple[str, str]]:
    """What became of the messages, once none is in hand or due."""
    skew = rig.services[S].database.skew.total_seconds()

    async def ended() -> bool:
        due = "state = 'claimed' OR (state = 'planned' AND due <= clock_timestamp() + make_interval(secs => :skew))"
        return not await rig.sql(S, f"SELECT 1 FROM prevention_message WHERE {due}", skew=skew)

    await rig.until(ended)
    return [(row.kind, row.state) for row in await rig.sql(S, "SELECT kind, state FROM prevention_message ORDER BY planned_at, id")]


def path_in(text: str, what: str) -> str:
    """The path behind a link in a message, as the gateway passes it on."""
    (link,) = [word for word in text.split() if f"/{what}/" in word]
    return link.removeprefix("https://n.test/notifications")


async def agree(rig: Rig, text: str) -> None:
    answer = await rig.clients[S].post(path_in(text, "confirm"))
    assert (answer.status_code, "Tercatat" in answer.text) == (200, True)


async def announce(rig: Rig, **more: Any) -> str:
    made = await rig.post(S, "/prevention/sessions", json=a_session(**more), **DPPAPP)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_nothing_comes_before_somebody_there_agrees_and_nothing_after_they_stop(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    assert await ask(rig) == {"asked": True}
    await quiet(rig)
    (first,) = gateway.messages
    assert (first["to"], first["text"].split("https")[0]) == ("+6281100000001", "Mau info kegiatan pencegahan? Setujui: ")
    await announce(rig)
    link = path_in(first["text"], "confirm")
    looked = await rig.clients[S].get(link)
    assert (looked.status_code, looked.headers["location"], looked.headers["referrer-policy"]) == (303, f"/pages{link}", "no-referrer")
    looked = await rig.clients[S].get(f"/pages{link}")
    assert (looked.status_code, "<button" in looked.text) == (200, True)
    assert await quiet(rig) == [("confirm", "sent")], "neither asking nor looking is agreeing"
    for _ in range(2):
        await agree(rig, first["text"])
    session = await announce(rig, starts_at="2027-01-04T03:00:00Z")
    await announce(rig, area="31.72.01")
    await announce(rig, audiences=["students"])
    assert await quiet(rig) == [("confirm", "sent"), ("announced", "sent")]
    text = gateway.messages[1]["text"]
    assert text.startswith("Hak anak, Sen 04/01/2027 10.00 WIB, di RPTRA. https://n.test/notifications/public/prevention/sessions/")
    page = await rig.clients[S].get(path_in(text, "sessions"), follow_redirects=True)
    assert "Bawa anak Anda ke RPTRA" in page.text
    assert "Bawa anak Anda" not in text
    await rig.post(S, f"/prevention/sessions/{session}/cancel", **DPPAPP)
    assert (await quiet(rig))[-1] == ("cancelled", "sent")
    assert gateway.messages[2]["text"].startswith("Batal: Hak anak")
    assert "DIBATALKAN" in (await rig.clients[S].get(path_in(text, "sessions"), follow_redirects=True)).text
    reach = (await rig.get(S, f"/prevention/sessions/{session}/reach", **DPPAPP)).json()
    assert [(entry["kind"], entry["state"], entry["count"]) for entry in reach] == [("announced", "sent", 1), ("cancelled", "sent", 1)]
    stop = path_in(text, "stop")
    assert "<button" in (await rig.clients[S].get(stop, follow_redirects=True)).text
    for _ in range(2):
        assert (await rig.clients[S].post(stop)).status_code == 200
    assert (await rig.clients[S].post(link)).status_code == 410
    await announce(rig)
    await ask(rig)
    assert len(await quiet(rig)) == 3
    assert len(gateway.got) == 3


async def test_what_is_kept_opens_for_nobody_names_no_case_and_is_erased_also_in_a_backup(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    await ask(rig)
    await quiet(rig)
    await agree(rig, gateway.messages[0]["text"])
    stored = "\n".join(await dumped(rig, S))
    assert [mark for mark in ("8110000", "0811 0000") if mark in stored or mark.encode().hex() in stored] == []
    (before,) = await rig.sql(S, "SELECT id, address FROM prevention_contact")
    vault = rig.services[S].vault
    assert vault is not None
    assert (await vault.of([before.id])).open(before.id, contacts.PLACE, before.address) == "+6281100000001"
    columns = await rig.sql(S, "SELECT column_name FROM information_schema.columns WHERE table_name IN ('prevention_contact', 'prevention_message')")
    assert not {row.column_name for row in columns} & {"case_id", "person_id", "subject"}
    answer = await rig.post(S, "/prevention/contacts/erase", json={"channel": "sms", "address": "+6281100000001"}, **DPPAPP)
    assert answer.json() == {"erased": True}
    await rig.settle()
    assert (await rig.sql(S, "SELECT address, state FROM prevention_contact"))[0] == (None, "stopped")
    # A store that is put back has the row again, and no key for it: the contact stops again by itself.
    await rig.sql(S, "UPDATE prevention_contact SET state = 'confirmed', address = :address, audiences = '{}', areas = '{}'", address=before.address)
    await announce(rig)
    await quiet(rig)
    assert (len(gateway.got), (await rig.sql(S, "SELECT state FROM prevention_contact"))[0].state) == (1, "stopped")
    assert await rig.facts(S) == []
    audited = [row.action for row in await rig.sql(S, "SELECT action FROM audit WHERE action LIKE 'prevention_contact%' ORDER BY position")]
    assert audited == [f"prevention_contact_{what}" for what in ("asked", "confirmed", "erased", "erased")]


async def test_an_e_mail_says_what_it_is_and_ends_by_one_click(rig: Rig) -> None:
    with Mailbox() as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting)
        await ask(rig, "email", ADDRESS, language="en")
        await quiet(rig)
        ((to, content),) = mailbox.got
        assert to == ADDRESS.lower()
        await agree(rig, message_from_string(content).get_payload())
        await announce(rig)
        await quiet(rig)
    letter = message_from_string(mailbox.got[1][1])
    assert (letter["Subject"], letter["List-Unsubscribe-Post"]) == ("Activities near you", "List-Unsubscribe=One-Click")
    assert letter.get_payload().startswith("Children's rights, ")
    click = letter["List-Unsubscribe"].strip("<>").removeprefix("https://n.test/notifications")
    ended = await rig.clients[S].post(click, content="List-Unsubscribe=One-Click", headers={"content-type": "application/x-www-form-urlencoded"})
    assert ended.status_code == 200
    assert [(row["state"], row["count"]) for row in (await rig.get(S, "/prevention/contacts", **DPPAPP)).json()] == [("stopped", 1)]


async def test_the_door_says_the_same_of_every_address_and_asks_each_once_a_day(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"), prevention_asks_here=5)
    assert [await ask(rig) for _ in range(3)] == [{"asked": True}] * 3
    await quiet(rig)
    assert len(gateway.got) == 1
    await rig.advance(hours=25)
    await ask(rig)
    await quiet(rig)
    assert len(gateway.got) == 2
    assert (await rig.clients[S].post(path_in(gateway.messages[0]["text"], "confirm"))).status_code == 410, "a link counts until the next one"
    await agree(rig, gateway.messages[1]["text"])
    assert await ask(rig) == {"asked": True}
    if datetime.now(UTC).minute < 58:  # else the hour may end in between, and with it the count
        for number in range(2, 5):
            await ask(rig, address=f"0811 0000-000{number}")
        # Nobody learns by the limit which address is known: it counts for all.
        assert {(await ask(rig, address=address, status=429))["title"] for address in (NUMBER, "0811 0000-0009")} == {
            "too many ask just now: try again later"
        }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"channel": "whatsapp"}, {"field": "channel", "code": "not_available"}),
        ({"address": "ibu@contoh.test"}, {"field": "address", "code": "invalid"}),
        ({"audiences": ["survivors"]}, {"field": "audiences.0", "code": "enum"}),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_field(rig: Rig, body: dict[str, Any], problem: dict[str, str]) -> None:
    await rig.start(S, **QUICK, **through(Gateway(202), "sms"))
    assert (await ask(rig, status=422, **body))["errors"] == [problem]


async def test_an_organisation_is_registered_by_the_agency_that_answers_and_agrees_itself(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    body = {"channel": "sms", "address": NUMBER, "audiences": ["ngo"]}
    assert (await rig.post(S, "/prevention/contacts", json=body, **{**DPPAPP, "agency": "dinsos"})).status_code == 403
    assert (await rig.post(S, "/prevention/contacts", json=body, **DPPAPP)).json() == {"state": "asked"}
    await quiet(rig)
    await agree(rig, gateway.messages[0]["text"])
    assert (await rig.post(S, "/prevention/contacts", json=body, **DPPAPP)).json() == {"state": "confirmed"}
    await announce(rig, audiences=["ngo"])
    await quiet(rig)
    token = path_in(gateway.messages[1]["text"], "stop").rsplit("/", 1)[1]
    changed = await rig.clients[S].post(
        f"/public/prevention/choices/{token}", json={"audiences": ["students"]}, headers={"Idempotency-Key": uuid4().hex}
    )
    assert changed.status_code == 200, changed.text
    await announce(rig, audiences=["ngo"])
    assert len(await quiet(rig)) == 2
    await rig.clients[S].post(f"/public/prevention/stop/{token}")
    again = await rig.post(S, "/prevention/contacts", json=body, **DPPAPP)
    assert (again.status_code, again.json()["errors"]) == (409, [{"field": "address", "code": "stopped"}])


@pytest.mark.parametrize(("status", "state"), [(500, "maybe_sent"), (422, "failed"), (503, "planned")])
async def test_what_may_have_left_is_not_sent_again_and_what_surely_did_not_is(rig: Rig, status: int, state: str) -> None:
    gateway = Gateway(202, status, 202)
    await rig.start(S, **QUICK, **through(gateway, "sms"), message_retry_minutes=(5,))
    await ask(rig)
    await quiet(rig)
    await agree(rig, gateway.messages[0]["text"])
    await announce(rig)
    assert (await quiet(rig))[-1] == ("announced", state)
    await rig.advance(minutes=10)
    await quiet(rig)
    assert len(gateway.got) == (3 if state == "planned" else 2)


async def test_a_sending_that_never_ended_and_a_store_that_was_put_back_send_nothing_twice(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    await ask(rig)
    await quiet(rig)
    await agree(rig, gateway.messages[0]["text"])
    await rig.sql(S, "UPDATE prevention_message SET state = 'claimed', claimed_until = now() - interval '1 minute', claim = gen_random_uuid()")
    assert await quiet(rig) == [("confirm", "maybe_sent")]
    await rig.sql(S, "UPDATE prevention_message SET state = 'planned', due = now() + interval '1 hour'")
    assert [entry.missing for entry in await rig.services[S].database.run(contacts.unsure)] == ["prevention_contacts"]
    await rig.advance(hours=2)
    assert (await quiet(rig), len(gateway.got)) == ([("confirm", "maybe_sent")], 1)


async def test_nobody_is_woken_and_a_session_that_began_is_not_announced(rig: Rig) -> None:
    gateway = Gateway(202)
    night = (
        {"prevention_opens": time(20), "prevention_closes": time(21)}
        if datetime.now(JAKARTA).hour < 12
        else {"prevention_opens": time(1), "prevention_closes": time(2)}
    )
    await rig.start(S, **{**QUICK, **night}, **through(gateway, "sms"))
    await ask(rig)
    await quiet(rig)
    await agree(rig, gateway.messages[0]["text"])
    await announce(rig)
    await announce(rig, starts_at=(datetime.now(UTC) + timedelta(minutes=5)).isoformat())
    assert [state for _, state in await quiet(rig)] == ["sent", "planned", "planned"]
    (due,) = {row.due for row in await rig.sql(S, "SELECT due FROM prevention_message WHERE state = 'planned'")}
    await rig.advance(seconds=(due - datetime.now(UTC)).total_seconds() + 60)
    assert sorted(state for _, state in await quiet(rig)) == ["cancelled", "sent", "sent"]


async def test_what_nobody_confirmed_goes_and_so_do_old_marks(rig: Rig) -> None:
    gateway = Gateway(202)
    await rig.start(S, **QUICK, **through(gateway, "sms"))
    await ask(rig)
    await ask(rig, address="0811 0000-0002")
    await quiet(rig)
    (unconfirmed,) = await rig.sql(S, "SELECT id FROM prevention_contact ORDER BY asked_at LIMIT 1")
    await agree(rig, gateway.messages[1]["text"])
    database, vault = rig.services[S].database, rig.services[S].vault
    assert vault is not None
    database.skew += timedelta(hours=73)
    assert (await database.run(lambda tx: forget(tx, 10)))["unconfirmed_contacts"] == 1
    await rig.settle()
    assert await vault.erased([unconfirmed.id]) == {unconfirmed.id}
    assert len(await rig.sql(S, "SELECT 1 FROM prevention_contact")) == 1
    await rig.post(S, "/prevention/contacts/erase", json={"channel": "sms", "address": "0811 0000-0002"}, **DPPAPP)
    database.skew += timedelta(days=31)
    assert (await database.run(lambda tx: forget(tx, 10)))["stopped_contacts"] == 1
    assert await rig.sql(S, "SELECT 1 FROM prevention_contact UNION ALL SELECT 1 FROM prevention_message") == []


@pytest.mark.parametrize(
    ("channel", "address", "written"),
    [
        ("sms", "0811-0000 001", "+628110000001"), ("whatsapp", "+60 12 345 6789", "+60123456789"), ("sms", "112", None), ("sms", "a@b.id", None),
        ("email", " Ibu.Sari@Contoh.ID ", "ibu.sari@contoh.id"), ("email", "a@b", None), ("email", "a@b.id\r\nBcc: c@d.id", None),
    ],
)  # fmt: skip
def test_an_address_is_written_in_one_way(channel: str, address: str, written: str | None) -> None:
    assert as_written(channel, address) == written


@pytest.mark.parametrize(("hour", "goes"), [(7, (1, 8)), (8, (1, 8)), (18, (1, 18)), (19, (2, 8)), (23, (2, 8))])
def test_announcements_go_by_day(hour: int, goes: tuple[int, int]) -> None:
    found = may_go_from(datetime(2026, 3, 1, hour, tzinfo=JAKARTA).astimezone(UTC), time(8), time(19), JAKARTA)
    assert found == datetime(2026, 3, goes[0], goes[1], tzinfo=JAKARTA)


def test_a_text_for_the_public_has_its_way_out_and_an_older_file_goes_on(tmp_path: Path) -> None:
    content = json.loads(templates.DEFAULT.read_text())
    content["templates"]["prevention_announced"]["en"]["sms"] = "{title}, {when}. {link}"
    file = tmp_path / "templates.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"prevention_announced has no .stop."):
        templates.load(file)
    content["templates"] = {name: one for name, one in content["templates"].items() if one["audience"] != "public"}
    file.write_text(json.dumps(content))
    assert templates.load(file).of("public") == sorted(templates.LATER - {"phone"})
