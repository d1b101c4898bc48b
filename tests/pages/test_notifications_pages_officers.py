"""What an officer chooses by her own page: the same rules as the route, what is compulsory is said, and nobody's choice is lost."""

from typing import Any
from uuid import uuid4

import pytest
from chassis.web.pages.words import FRAME
from notifications.pages.words import WORDS

from tests.flows.test_secrecy import dumped
from tests.notifications.doors import Gateway, Mailbox, through
from tests.pages.visitor import Visitor
from tests.rig import Rig

S = "notifications"


@pytest.fixture
async def desk(rig: Rig) -> Visitor:
    await rig.start(S)
    return Visitor(rig, S, role="intake_officer")


async def chosen(rig: Rig) -> dict[str, Any]:
    found: dict[str, Any] = (await rig.get(S, "/preferences", role="intake_officer")).json()
    return found


async def test_each_part_is_chosen_by_itself_and_the_rest_stays(rig: Rig, desk: Visitor) -> None:
    done = await desk.send("preferences/what", "/what", kinds="assessment.completed", muted="intake.triaged")
    assert done.headers["location"] == "/pages/preferences?said=chosen"
    await desk.send("preferences/where", "/where", areas=["31.71"], district="31.74.03", risks=["high"], own_cases="yes")
    form = await desk.form("preferences/when", "/when")
    evening = {**form.fields, "pace": "digest", "digest_at": "06:15", "quiet_from": "21:00", "quiet_until": "05:00"}
    assert [(await desk.post(form.action, evening)).status_code for _ in range(2)] == [303, 303]
    found = (await chosen(rig))["chosen"]
    assert (found["kinds"], found["muted"], found["areas"], found["risks"], found["own_cases"]) == (
        ["assessment.completed"], ["intake.triaged"], ["31.71", "31.74.03"], ["high"], True,
    )  # fmt: skip
    assert (found["pace"], found["digest_at"], found["quiet_from"], found["version"]) == ("digest", "06:15:00", "21:00:00", 3)
    page = await desk.see("preferences")
    for text in ("Asesmen selesai.", "Jakarta Pusat", "Mampang Prapatan", "21:00", "Versi 2"):
        assert text in page.text, text
    edit = await desk.see("preferences/where")
    assert edit.text.count(" checked") == 4, "both areas, the risk, and own cases"


async def test_what_cannot_be_turned_off_is_said_and_refused(rig: Rig, desk: Visitor) -> None:
    page = await desk.see("preferences")
    assert WORDS["mine.always"][0] in page.text
    assert WORDS["kind.intake.reported"][0] in page.text
    assert "intake.reported" in (await chosen(rig))["compulsory"]
    assert "intake.reported" not in (await desk.see("preferences/what")).text, "it is not offered"
    refused = await desk.send("preferences/what", "/what", muted="intake.reported")
    assert refused.status_code == 422
    assert "wajib bagi peran Anda" in refused.text
    wrong = await desk.send("preferences/when", "/when", pace="at_once", quiet_from="21:00", digest_at="25:99")
    assert 'href="#digest_at"' in wrong.text
    half = await desk.send("preferences/when", "/when", pace="at_once", quiet_from="21:00")
    assert 'href="#quiet_until"' in half.text
    assert (await chosen(rig))["chosen"]["version"] == 0


async def test_two_who_choose_at_once_both_see_both(rig: Rig, desk: Visitor) -> None:
    form = await desk.form("preferences/where", "/where")
    await desk.send("preferences/where", "/where", areas="31.72")
    late = await desk.post(form.action, {**form.fields, "areas": "31.75"})
    assert late.status_code == 409
    for text in (FRAME["frame.conflict"][0], "Jakarta Utara", "Jakarta Timur"):
        assert text in late.text, text
    assert (await chosen(rig))["chosen"]["areas"] == ["31.72"]


async def test_where_she_is_reached_is_set_shown_to_her_and_removed(rig: Rig) -> None:
    gateway = Gateway(202)
    with Mailbox() as mailbox:
        await rig.start(S, smtp=mailbox.setting, **through(gateway, "sms"))
        head = Visitor(rig, S, role="shelter_head", subject=uuid4(), units=[uuid4()], language="en")
        bad = await head.send("me/phone", "/phone", channel="whatsapp", number="0811000077", language="id")
        assert 'href="#channel"' in bad.text
        bad = await head.send("me/phone", "/phone", channel="sms", number="none", language="id")
        assert "give a number as +62811" in bad.text
        await head.send("me/phone", "/phone", channel="sms", number="0811-0000-077", language="id")
        await head.send("me/email", "/email", address="kanarya@surat.test", language="en")
        page = await head.see("preferences")
        assert "+628110000077" in page.text
        assert "kanarya@surat.test" in page.text
        other = Visitor(rig, S, role="shelter_head", subject=uuid4(), units=[uuid4()])
        assert "kanarya" not in (await other.see("preferences")).text
        assert "kanarya" not in "\n".join(await dumped(rig, S))
        gone = await head.send("me/email", "/remove")
        assert gone.headers["location"].endswith("said=unreached")
        assert "kanarya" not in (await head.see("preferences")).text
        system = Visitor(rig, S, role="agency_system")
        assert (await system.see("preferences")).status_code == 403
