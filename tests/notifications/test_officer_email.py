"""E-mail to officers, on a real mail server: only that something urgent waits, once, and only to who asked for it."""

from datetime import UTC, datetime
from email import message_from_string
from typing import Any
from uuid import uuid4

from tests.flows.test_secrecy import dumped
from tests.notifications.doors import Mailbox, S
from tests.notifications.events import alert, assigned, offered, reported
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


async def test_a_step_of_the_ladder_is_told_by_e_mail_where_the_policy_says_so(rig: Rig) -> None:
    unit = uuid4()
    head = {"role": "shelter_head", "agency": "dinsos", "units": [unit]}
    with Mailbox() as mailbox:
        await rig.start(S, **QUICK, smtp=mailbox.setting)
        await setting(rig, head)
        for minutes, channels in ((5, ["inbox"]), (10, ["inbox", "email"])):
            step = {"minutes": minutes, "roles": ["shelter_head"], "channels": channels}
            body = {"source": "a test", "high": [step], "other": [step]}
            version = max(one["version"] for one in (await rig.get(S, "/escalation/policies", role="operator")).json())
            assert (await rig.post(S, "/escalation/policies", role="operator", json=body, if_match=str(version))).status_code == 201
            case = uuid4()
            await rig.say(reported(), subject=case)
            await rig.say(offered(uuid4(), unit), subject=case, at=datetime.now(UTC) + rig.services[S].database.skew)
            await rig.settle()
            await rig.advance(minutes=11)
        ((to, _),) = await sent(rig, mailbox, 1)
    assert to == ADDRESS
    assert [row.count for row in await rig.sql(S, "SELECT count FROM officer_message")] == [1], "of the two only the one that is to be mailed"


async def test_no_step_goes_by_a_way_that_officers_have_not(rig: Rig) -> None:
    await rig.start(S)
    step = {"minutes": 5, "roles": ["shelter_head"], "channels": ["sms"]}
    answer = await rig.post(S, "/escalation/policies", role="operator", json={"source": "a test", "high": [step], "other": [step]}, if_match="1")
    assert answer.status_code == 422
    assert "high.0.channels.0" in {problem["field"] for problem in answer.json()["errors"]}
