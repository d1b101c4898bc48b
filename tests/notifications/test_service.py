"""The officers' inbox and the escalation ladders, on real servers."""

import random
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts import assessment, catalogue, intake, placement
from notifications import store
from notifications.handlers import inputs

from tests.notifications.events import LATER, ago, alert, answer, assigned, claimed, offered, reported, triaged
from tests.rig import Rig

S = "notifications"


async def inbox(rig: Rig, role: str, query: str = "", **who: Any) -> list[dict[str, Any]]:
    response = await rig.get(S, f"/inbox{query}", role=role, **who)
    assert response.status_code == 200, response.text
    return response.json()["notices"]


async def kinds(rig: Rig, role: str, query: str = "", **who: Any) -> list[str]:
    return [notice["kind"] for notice in await inbox(rig, role, query, **who)]


async def escalated(rig: Rig) -> list[tuple[int, str]]:
    return [(data["step"], data["role"]) for kind, _, data in await rig.facts(S) if kind == "case.notifications.escalated.v1"]


async def notice_rows(rig: Rig) -> list[Any]:
    return await rig.sql(
        S,
        "SELECT n.case_id, n.recipient, n.agency, n.officer, n.unit, n.kind, n.urgency, n.source, l.answered FROM notice n"
        " LEFT JOIN ladder l USING (placement_id) ORDER BY source, recipient",
    )


def test_every_event_that_is_read_has_a_handler() -> None:
    read = {event.type for stream in ("CASES", "AGENCIES", "AUDIT") for event in catalogue.read_by(S, stream)}
    assert set(inputs.types) == read


async def test_the_tables_are_those_of_the_migrations(rig: Rig) -> None:
    await rig.start(S)
    found = await rig.sql(S, "SELECT table_name, column_name, is_nullable FROM information_schema.columns WHERE table_schema = 'public'")
    for table in store.metadata.tables.values():
        migrated = {row.column_name: row.is_nullable == "YES" for row in found if row.table_name == table.name}
        assert migrated == {column.name: column.nullable for column in table.columns}, table.name


async def test_a_report_is_in_the_inbox_of_its_agency_and_of_nobody_else(rig: Rig) -> None:
    await rig.start(S)
    case = uuid4()
    await rig.say(reported(agency="polda-ppa"), subject=case)
    await rig.settle()
    (notice,) = await inbox(rig, "intake_officer", agency="polda-ppa")
    assert (notice["kind"], notice["case_id"], notice["text"]) == ("intake.reported", str(case), "Laporan baru perlu ditriase.")
    (english,) = await inbox(rig, "intake_officer", "?lang=en", agency="polda-ppa")
    assert english["text"] == "A new report needs triage."
    assert await inbox(rig, "intake_officer", agency="dinsos") == []
    assert await inbox(rig, "supervisor", agency="polda-ppa") == []
    assert (await rig.get(S, "/inbox", role="agency_system")).status_code == 403
    assert (await rig.get(S, "/inbox?lang=fr", role="supervisor")).status_code == 422


async def test_an_offer_is_seen_by_the_head_of_that_shelter_only(rig: Rig) -> None:
    await rig.start(S)
    placed, shelter = uuid4(), uuid4()
    await rig.say(offered(placed, shelter), subject=uuid4())
    await rig.settle()
    (notice,) = await inbox(rig, "shelter_head", units=[shelter])
    assert (notice["placement_id"], notice["due_at"][:4]) == (str(placed), "2030")
    assert str(shelter) not in str(notice)
    assert await inbox(rig, "shelter_head", units=[uuid4()]) == []
    assert await inbox(rig, "shelter_head") == []


async def test_a_replayed_event_adds_no_notice(rig: Rig) -> None:
    await rig.start(S)
    case, identity = uuid4(), uuid4()
    for _ in range(3):
        await rig.say(reported(urgency="high"), subject=case, id=identity)
        await rig.settle()
    assert len(await notice_rows(rig)) == 2
    await rig.sql(S, "DELETE FROM inbox")  # even a store that forgot what it took
    await rig.say(reported(urgency="high"), subject=case, id=identity)
    await rig.settle()
    assert len(await notice_rows(rig)) == 2


async def test_reading_and_paging(rig: Rig) -> None:
    await rig.start(S, inbox_page=2)
    for _ in range(3):
        await rig.say(reported(), subject=uuid4())
    await rig.settle()
    page = (await rig.get(S, "/inbox", role="intake_officer")).json()
    rest = (await rig.get(S, f"/inbox?after={page['next']}", role="intake_officer")).json()
    assert (len(page["notices"]), len(rest["notices"])) == (2, 1)
    assert (await rig.get(S, f"/inbox?after={rest['next']}", role="intake_officer")).json() == {"notices": [], "next": rest["next"]}
    one = page["notices"][0]["id"]
    for _ in range(2):
        assert (await rig.post(S, f"/inbox/{one}/read", role="intake_officer")).json()["read"] is True
    unread = await inbox(rig, "intake_officer", "?unread=true")
    assert one not in [notice["id"] for notice in unread]
    assert [notice["id"] for notice in await inbox(rig, "intake_officer", "?unread=false")] == [one]
    colleague = uuid4()
    assert (await inbox(rig, "intake_officer", subject=colleague))[0]["read"] is False
    assert await rig.facts(S) == []


async def test_acknowledging_is_once_for_all_and_says_so_once(rig: Rig) -> None:
    await rig.start(S)
    case = uuid4()
    await rig.say(reported(), subject=case)
    await rig.settle()
    (notice,) = await inbox(rig, "intake_officer")
    path = f"/inbox/{notice['id']}/acknowledge"
    await rig.advance(minutes=5)
    first = (await rig.post(S, path, role="intake_officer")).json()
    again = await rig.post(S, path, role="intake_officer", subject=uuid4())
    assert again.status_code == 200
    assert again.json()["acknowledged_by"] == first["acknowledged_by"]
    assert 290 < again.json()["acknowledged_after_seconds"] < 330
    assert await rig.facts(S) == [("case.notifications.acknowledged.v1", case, {"notice_id": notice["id"]})]


async def test_another_persons_notice_is_not_found(rig: Rig) -> None:
    await rig.start(S)
    await rig.say(reported(), subject=uuid4())
    await rig.settle()
    (notice,) = await inbox(rig, "intake_officer")
    for action in ("read", "acknowledge"):
        for who in ({"role": "intake_officer", "agency": "polda-ppa"}, {"role": "supervisor"}, {"role": "operator"}):
            assert (await rig.post(S, f"/inbox/{notice['id']}/{action}", **who)).status_code == 404
        assert (await rig.post(S, f"/inbox/{uuid4()}/{action}", role="intake_officer")).status_code == 404


async def test_open_notices_follow_to_the_new_worker_and_acknowledged_ones_stay(rig: Rig) -> None:
    await rig.start(S)
    case, ani, budi = uuid4(), uuid4(), uuid4()
    await rig.say(assessment.PlanReturned(version=1, reason="incomplete"), subject=case, factversion=2)
    await rig.settle()
    assert await kinds(rig, "peksos", subject=ani) == []
    await rig.say(assigned(ani), subject=case, factversion=1)
    await rig.settle()
    mine = await inbox(rig, "peksos", subject=ani)
    assert {notice["kind"] for notice in mine} == {"assessment.plan_returned", "assessment.assigned"}
    returned = next(notice for notice in mine if notice["kind"] == "assessment.plan_returned")
    assert returned["text"] == "Rencana versi 1 dikembalikan."
    await rig.say(assessment.FollowupDue(number=1, due_at=LATER), subject=case, factversion=3)
    await rig.settle()
    assert (await rig.post(S, f"/inbox/{returned['id']}/acknowledge", role="peksos", subject=ani)).status_code == 200
    await rig.say(assigned(budi, assessment.Reassigned), subject=case, factversion=4)
    await rig.settle()
    assert await kinds(rig, "peksos", subject=budi) == ["assessment.followup_due", "assessment.reassigned"]
    assert set(await kinds(rig, "peksos", subject=ani)) == {"assessment.plan_returned", "assessment.assigned"}


async def test_a_missed_clock_of_an_unknown_case_reaches_somebody(rig: Rig) -> None:
    await rig.start(S)
    await rig.say(intake.ClockMissed(clock="unknown_case", due_at=LATER), subject=uuid4())
    await rig.settle()
    (notice,) = await inbox(rig, "intake_officer", agency="dppapp")
    assert notice["text"] == "Batas waktu terlewat: kasus yang belum dikenal."


STEPS = [(1, "shelter_head"), (2, "placement_officer"), (3, "placement_officer"), (3, "shelter_head"), (4, "supervisor")]


@pytest.mark.parametrize(("risk", "minutes"), [("high", [10, 10, 20, 20]), ("low", [60, 60, 90, 30]), (None, [60, 60, 90, 30])])
async def test_an_unanswered_offer_climbs_by_risk(rig: Rig, risk: str | None, minutes: list[int]) -> None:
    await rig.start(S)
    case, placed, shelter = uuid4(), uuid4(), uuid4()
    if risk:
        await rig.say(triaged(risk=risk), subject=case)
    await rig.say(offered(placed, shelter), subject=case)
    await rig.settle()
    seen = []
    for wait in minutes:
        await rig.advance(minutes=wait - 1)
        before = await escalated(rig)
        assert before == seen
        await rig.advance(minutes=1.1 if not seen else 1)
        seen = await escalated(rig)
        assert len(seen) > len(before)
    assert sorted(seen) == STEPS
    await rig.advance(hours=10)
    assert sorted(await escalated(rig)) == STEPS
    assert await kinds(rig, "shelter_head", units=[shelter]) == ["placement.offered", "ladder.answer_awaited", "ladder.answer_awaited"]
    assert await kinds(rig, "placement_officer") == ["ladder.unanswered", "ladder.unanswered"]
    assert (await kinds(rig, "supervisor"))[-1] == "ladder.try_another"
    assert "ladder.try_another" not in await kinds(rig, "intake_officer"), "who asked for the bed would learn that there was an offer"
    said = {data["notice_id"] for kind, _, data in await rig.facts(S) if kind.endswith("escalated.v1")}
    assert said == {str(row.id) for row in await rig.sql(S, "SELECT id FROM notice WHERE kind LIKE 'ladder.%'")}


async def test_a_risk_that_is_known_later_times_the_ladder_anew(rig: Rig) -> None:
    await rig.start(S)
    case = uuid4()
    await rig.say(offered(uuid4(), uuid4()), subject=case)
    await rig.settle()
    await rig.advance(minutes=25)
    assert await escalated(rig) == []
    await rig.say(triaged(intake.RiskChanged, risk="high"), subject=case)
    await rig.settle()
    assert await escalated(rig) == [(1, "shelter_head"), (2, "placement_officer")]
    await rig.say(triaged(risk="low"), subject=case, factversion=0)  # an older triage that comes late changes nothing
    await rig.settle()
    await rig.advance(minutes=20)
    assert len(await escalated(rig)) == 4


@pytest.mark.parametrize("claim_first", [False, True])
async def test_the_ladder_waits_while_somebody_is_on_the_answer_and_then_goes_on(rig: Rig, claim_first: bool) -> None:
    await rig.start(S)
    case, placed, shelter = uuid4(), uuid4(), uuid4()
    await rig.say(triaged(risk="high"), subject=case)
    facts = [offered(placed, shelter), claimed(placed, shelter, ago(minutes=-15))]
    for version, fact in enumerate(reversed(facts) if claim_first else facts, 1):
        await rig.say(fact, subject=case, factversion=version)
        await rig.settle()
    await rig.advance(minutes=14)
    assert await escalated(rig) == []
    await rig.advance(minutes=1.1)
    assert await escalated(rig) == [(1, "shelter_head")]
    await rig.advance(minutes=5)
    assert await escalated(rig) == [(1, "shelter_head"), (2, "placement_officer")]


ANSWERS = [
    placement.Accepted, placement.Declined, placement.Expired, placement.Cancelled, placement.NoShow, placement.Admitted, placement.OnTheWay,
]  # fmt: skip


@pytest.mark.parametrize("answer_first", [False, True])
async def test_any_answer_stops_the_ladder_also_when_it_comes_before_the_offer(rig: Rig, answer_first: bool) -> None:
    await rig.start(S)
    open_case, shelter = uuid4(), uuid4()
    await rig.say(offered(uuid4(), shelter), subject=open_case)
    for kind in ANSWERS:
        case, placed = uuid4(), uuid4()
        first, second = offered(placed, shelter), answer(kind, placed, shelter)
        await rig.say(second if answer_first else first, subject=case, factversion=1)
        await rig.settle()
        await rig.say(first if answer_first else second, subject=case, factversion=2)
    await rig.settle()
    await rig.advance(hours=5)
    assert {subject for _, subject, _ in await rig.facts(S)} == {open_case}


@pytest.mark.parametrize("ending", [intake.Withdrawn, intake.ReferredOut, intake.ContactLost, intake.Closed])
async def test_an_ended_case_climbs_no_ladder(rig: Rig, ending: type[intake.Ending]) -> None:
    await rig.start(S)
    before, after = uuid4(), uuid4()
    await rig.say(offered(uuid4(), uuid4()), subject=before)
    await rig.say(alert(), subject=before)
    await rig.settle()
    for case in (before, after):
        await rig.say(ending(reason="refused_service"), subject=case)
    await rig.settle()
    await rig.say(offered(uuid4(), uuid4()), subject=after)
    await rig.say(triaged(risk="high"), subject=after)
    await rig.settle()
    await rig.advance(hours=5)
    assert await rig.facts(S) == []
    assert await rig.sql(S, "SELECT * FROM clock") == []


async def test_an_alert_that_nobody_acknowledges_climbs_to_the_supervisor_once(rig: Rig) -> None:
    await rig.start(S)
    case, seen_case, worker = uuid4(), uuid4(), uuid4()
    for subject in (case, seen_case):
        await rig.say(reported(), subject=subject)
        await rig.say(assigned(worker), subject=subject)
        await rig.say(alert(), subject=subject)
    await rig.say(placement.ClockMissed(clock="waiting", due_at=LATER), subject=case)
    await rig.settle()
    alerts = [n for n in await inbox(rig, "peksos", subject=worker) if n["kind"] == "assessment.alert_raised"]
    assert {notice["urgency"] for notice in alerts} == {"urgent"}
    taken_up = next(notice for notice in alerts if notice["case_id"] == str(seen_case))
    await rig.post(S, f"/inbox/{taken_up['id']}/acknowledge", role="peksos", subject=worker)
    await rig.advance(minutes=31)
    await rig.advance(hours=10)
    facts = [(kind, subject, data.get("role")) for kind, subject, data in await rig.facts(S)]
    assert facts == [
        ("case.notifications.acknowledged.v1", seen_case, None),
        ("case.notifications.escalated.v1", case, "supervisor"),
        ("case.notifications.escalated.v1", case, "supervisor"),
    ]
    assert (await kinds(rig, "supervisor")).count("unacknowledged") == 2


async def test_any_order_and_batching_ends_with_the_same_notices(rig: Rig) -> None:
    await rig.start(S)
    placed, shelter, worker = uuid4(), uuid4(), uuid4()
    story = [
        (reported(agency="polda-ppa"), 1),
        (triaged(risk="high", responsible_agency="dinsos"), 2),
        (triaged(intake.RiskChanged, risk="low", responsible_agency="dppapp"), 3),
        (offered(placed, shelter), 1),
        (answer(placement.Accepted, placed, shelter), 2),
        (assigned(worker), 1),
        (alert(), 2),
        (intake.Closed(reason="needs_met"), 4),
    ]
    chance = random.Random(7)
    ends = []
    for order in chance.sample(list(permutations(range(len(story)))), 6):
        case, events = uuid4(), {number: uuid4() for number in order}
        names = {str(identity): number for number, identity in events.items()}
        ours = {placed: uuid4()}
        for number in order:
            fact, version = story[number]
            if isinstance(fact, placement.OfferEvent):
                fact = fact.model_copy(update={"placement_id": ours[placed]})
            await rig.say(fact, subject=case, factversion=version, id=events[number])
            if chance.random() < 0.5:
                await rig.settle()
        await rig.settle()
        rows = [row for row in await notice_rows(rig) if row.case_id == case]
        ends.append(sorted((names[row.source], row.recipient, str(row.agency), str(row.officer), row.urgency, row.answered) for row in rows))
    assert all(end == ends[0] for end in ends)
    await rig.advance(hours=5)
    assert await rig.facts(S) == []


async def test_notices_of_a_case_move_to_the_agency_that_becomes_responsible(rig: Rig) -> None:
    await rig.start(S)
    case = uuid4()
    await rig.say(reported(agency="polda-ppa"), subject=case, factversion=1)
    await rig.say(answer(placement.Accepted, UUID(int=5), UUID(int=6)), subject=case, factversion=1)
    await rig.settle()
    (_, accepted) = await inbox(rig, "intake_officer", agency="polda-ppa")
    await rig.say(triaged(responsible_agency="dppapp"), subject=case, factversion=2)
    await rig.settle()
    assert await kinds(rig, "intake_officer", agency="polda-ppa") == ["intake.reported"]
    assert set(await kinds(rig, "intake_officer", f"?after={accepted['position']}", agency="dppapp")) == {"placement.accepted", "intake.triaged"}
