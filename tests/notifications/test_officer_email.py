"""E-mail to officers, on a real mail server: only that something urgent waits, once, and only to who asked for it."""

from email import message_from_string
from typing import Any
from uuid import uuid4

from tests.flows.test_secrecy import dumped
from tests.notifications.doors import Mailbox, S
from tests.notifications.events import alert, assigned, reported
from tests.rig import Rig

QUICK = {"message_poll_seconds": 0.05, "inbox_url": "https://naungan.test/inbox"}
SUPERVISOR = {"role": "supervisor", "agency": "dinsos"}
ADDRESS = "rina@dinas.test"


async def setting(rig: Rig, who: dict[str, Any], address: str = ADDRESS, **more: Any) -> None:
    answer = await rig.put(S, "/me/email", json={"address": address, **more}, **who)
    assert answer.status_code == 200, answer.text


async def sent(rig: Rig, mailbox: Mailbox, count: int) -> list[tuple[str, str]]:
    """The e-mails, once there are so many and nothing is in hand."""

    async def there() -> bool:
        (row,) = await rig.sql(S, "SELECT count(*) AS n FROM officer_message WHERE state = 'claimed'")
        return len(mailbox.got) >= count and row.n == 0

    await rig.until(there)
    return mailbox.got


async def test_only_that_something_urgent_waits_is_told_in_one_e_mail(rig: Rig) -> None:
    with Mailbox() as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting)
        await rig.say(reported(urgency="high"), subject=uuid4())
        await rig.settle()
        await setting(rig, SUPERVISOR)
        await setting(rig, {**SUPERVISOR, "agency": "dppapp"}, "other@dinas.test")
        case = uuid4()
        await rig.say(reported(urgency="low"), subject=case)
        await rig.settle()  # an alert that comes first is told to the supervisors of every agency
        await rig.say(alert(), subject=case)
        await rig.settle()
        ((to, content),) = await sent(rig, mailbox, 1)
        letter = message_from_string(content)
        assert (to, letter["Subject"], letter["From"]) == (ADDRESS, "Info", "info@surat.test")
        assert letter.get_payload().split() == ["Ada", "pemberitahuan", "baru", "di", "kotak", "masuk", "Anda", "(1).", "https://naungan.test/inbox"]
        for _ in range(3):
            await rig.say(reported(urgency="high"), subject=uuid4())
        await rig.settle()
        await rig.advance(minutes=6)
        assert "(3)" in (await sent(rig, mailbox, 2))[1][1]
        assert (await rig.get(S, "/me/email", **SUPERVISOR)).json()["address"] == ADDRESS
        stored = "\n".join(await dumped(rig, S))
        assert not [mark for mark in (ADDRESS, "rina") if mark in stored or mark.encode().hex() in stored]
        assert (await rig.send("DELETE", S, "/me/email", **SUPERVISOR)).status_code == 200
        await rig.say(reported(urgency="high"), subject=uuid4())
        await rig.advance(minutes=6)
    assert len(mailbox.got) == 2


async def test_what_is_addressed_to_her_comes_and_what_surely_did_not_leave_is_tried_again(rig: Rig) -> None:
    worker = uuid4()
    with Mailbox(answer="451 later") as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting, message_retry_minutes=(1,))
        await setting(rig, {"role": "peksos", "agency": "dinsos", "subject": worker}, language="en")
        case = uuid4()
        await rig.say(assigned(worker), subject=case)
        await rig.settle()
        await rig.say(alert(), subject=case, factversion=2)
        await rig.settle()

        async def failed() -> bool:
            return bool(await rig.sql(S, "SELECT 1 FROM officer_message WHERE state = 'failed' AND reason = 'smtp_451'"))

        await rig.until(failed)
        mailbox.answer = "250 taken"
        await rig.advance(minutes=2)
        ((_, content),) = await sent(rig, mailbox, 1)
        assert "There are new notices in your inbox (1)." in content
    rows = await rig.sql(S, "SELECT state, attempts FROM officer_message")
    assert [tuple(row) for row in rows] == [("sent", 2)]


async def test_an_address_that_is_none_is_refused(rig: Rig) -> None:
    await rig.start(S, **QUICK)
    answer = await rig.put(S, "/me/email", json={"address": "rina at dinas"}, **SUPERVISOR)
    assert (answer.status_code, [p["field"] for p in answer.json()["errors"]], "rina" in answer.text) == (422, ["address"], False)
    assert (await rig.get(S, "/me/email", **SUPERVISOR)).status_code == 404
