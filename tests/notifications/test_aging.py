"""What ended goes after its time, in small parts and on record; what waits for somebody stays, however old it is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from chassis.store.retention import CHUNK, Retention
from contracts import agencies, intake
from notifications.aging import forget

from tests.notifications.doors import Gateway, a_survivor, ask, states, through, until_ended
from tests.notifications.events import reported, sheltered, triaged
from tests.notifications.subscribers import HERE, S, log_of, subscribe, until, until_logged
from tests.rig import Rig

DESK = {"role": "intake_officer", "agency": "dinsos"}


async def age(rig: Rig, days: float, most: int = CHUNK) -> dict[str, int]:
    """What goes after so many days, by kind; only what there was of."""
    database = rig.services[S].database
    database.skew += timedelta(days=days)
    gone: dict[str, int] = {}

    async def once(tx: Any) -> None:
        gone.update({kind: count for kind, count in (await forget(tx, most)).items() if count})

    await database.run(once)
    return gone


async def said(rig: Rig, *facts: tuple[Any, UUID, int]) -> list[str]:
    found = []
    for fact, subject, version in facts:
        found.append(str(await rig.say(fact, subject=subject, factversion=version)))
        await rig.settle()
    return found


async def test_what_arrived_goes_from_the_log_and_what_waits_never_does(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE, webhook_retry_seconds=(1e9,))
    good, bad = await subscribe(rig, receiver(204).url), await subscribe(rig, receiver(500).url)
    (event,) = await said(rig, (sheltered(), uuid4(), 1))
    await until_logged(rig, good, state="delivered")
    await until_logged(rig, bad, state="pending", last_status=500)
    assert await age(rig, 89) == {}
    assert await age(rig, 2) == {"deliveries": 1}
    assert await log_of(rig, good) == []
    assert await age(rig, 4000) == {}
    assert [entry["event_id"] for entry in await log_of(rig, bad)] == [event]
    assert len(await rig.sql(S, "SELECT 1 FROM feed_event")) == 1, "somebody waits for it"


async def test_a_feed_that_has_gone_is_not_sent_again_by_half_and_its_risk_is_still_known(rig: Rig, receiver: Any) -> None:
    await rig.start(S, **HERE)
    follow, hook, chosen = uuid4(), receiver(204), receiver(204)
    every, low = await subscribe(rig, hook.url), await subscribe(rig, chosen.url, risks=["low"])
    risk = agencies.CaseTriaged(agency="dinsos", city="31.71", risk="high", responsible="dppapp")
    await said(rig, (risk, follow, 1), (sheltered(), uuid4(), 1))
    await until(rig, lambda: len(hook.got) == 2 and len(chosen.got) == 1)
    await until_logged(rig, low, state="delivered")
    await rig.until(lambda: no_pending(rig))
    assert await age(rig, 401) == {"deliveries": 3, "feed_events": 2}
    await said(rig, (sheltered(), follow, 2), (sheltered(), uuid4(), 1))
    await until(rig, lambda: len(hook.got) == 4 and len(chosen.got) == 2)
    path, who = f"/subscriptions/{every['id']}/replay", {"role": "agency_system"}
    for body, field in (({"from_position": 2}, "from_position"), ({"since": "2020-01-01T00:00:00Z"}, "since")):
        gone = await rig.post(S, path, json=body, **who)
        assert (gone.status_code, gone.json()["errors"]) == (410, [{"field": field, "code": "not_kept"}])
    for body in (
        {"from_position": gone.json()["kept_from_position"]},
        {"since": gone.json()["kept_since"]},
        {"from_position": 1, "since": gone.json()["kept_since"]},
    ):
        await rig.until(lambda: no_pending(rig))
        assert (await rig.post(S, path, json=body, **who)).json() == {"events": 2}


async def no_pending(rig: Rig) -> bool:
    return not await rig.sql(S, "SELECT 1 FROM delivery WHERE state = 'pending'")


async def test_a_notice_goes_long_after_it_was_taken_up_and_its_case_ended(rig: Rig) -> None:
    await rig.start(S)
    ended, goes_on = uuid4(), uuid4()
    for case in (ended, goes_on):
        await said(rig, (reported(), case, 1), (triaged(), case, 2), (triaged(intake.RiskChanged), case, 3), (triaged(intake.RiskChanged), case, 4))
    await said(rig, (intake.Closed(reason="needs_met"), ended, 5))
    notices = (await rig.get(S, "/inbox", **DESK)).json()["notices"]
    for notice in notices:
        await rig.post(S, f"/inbox/{notice['id']}/read", **DESK)
        if notice["kind"] != "intake.triaged":
            assert (await rig.post(S, f"/inbox/{notice['id']}/acknowledge", **DESK)).status_code == 200
    before = {(row.case_id, row.kind) for row in await rig.sql(S, "SELECT case_id, kind FROM notice")}
    assert await age(rig, 729) == {}
    assert await age(rig, 2) == {"notices": 2}, "the one into which another was merged goes after it"
    assert await age(rig, 0) == {"notices": 1}
    assert await age(rig, 10_000) == {}
    after = {(row.case_id, row.kind) for row in await rig.sql(S, "SELECT case_id, kind FROM notice")}
    assert before - after == {(ended, "intake.reported"), (ended, "intake.risk_changed")}
    assert (await rig.get(S, "/inbox", **DESK)).json()["notices"][0]["read"]


async def test_messages_go_but_for_those_that_an_officer_has_still_to_look_after(rig: Rig) -> None:
    gateway = Gateway(202, 500)
    await rig.start(S, message_poll_seconds=0.05, message_gap_minutes=0, **through(gateway, "sms"))
    for _ in range(2):
        person, _ = await a_survivor(rig, ("sms", "+628110000001"))
        await ask(rig, person)
        await until_ended(rig)
    assert [state for _, state, _ in await states(rig)] == ["sent", "maybe_sent"]
    assert await age(rig, 366) == {"messages": 1}
    assert await age(rig, 5000) == {}
    (notice,) = [n for n in (await rig.get(S, "/inbox", **DESK)).json()["notices"] if n["kind"] == "survivor.message_unsure"]
    await rig.post(S, f"/inbox/{notice['id']}/acknowledge", **DESK)
    assert await age(rig, 0) == {"messages": 1}


async def test_a_lot_goes_in_parts_on_record(rig: Rig) -> None:
    await rig.start(S)
    made = await rig.post(S, "/subscriptions", role="agency_system", json={"url": "https://hooks.example.id/"})
    await rig.sql(
        S,
        "INSERT INTO delivery (subscription_id, event_id, type, body, state, due, attempts, created_at, ended_at)"
        " SELECT CAST(:id AS uuid), gen_random_uuid(), 't', '', 'delivered', :old, 1, :old, :old FROM generate_series(1, 1500)",
        id=made.json()["id"],
        old=datetime.now(UTC) - timedelta(days=100),
    )
    service = rig.services[S]
    loop = Retention(service.database, S, service.settings, service.forget)

    async def all_gone() -> bool:  # the service's own loop may look at the same time, and then has the turn
        await loop.look()
        return not await rig.sql(S, "SELECT 1 FROM delivery")

    await rig.until(all_gone)
    rows = await rig.sql(S, "SELECT fields FROM audit WHERE action = 'retention_purged' ORDER BY position")
    assert [field for row in rows for field in row.fields.split() if field.startswith("deliveries")] == ["deliveries=1000", "deliveries=500"]
