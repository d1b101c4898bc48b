"""A case's way through intake on real servers: triage, what others say of it, its clocks, its end, and who sees what."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from contracts import assessment, notifications, placement
from contracts.placement import AvailabilityChanged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.intake.builders import SHELTER, a_nik, a_person, a_plan, a_referral, a_refusal, a_triage, an_admission, an_offer, at_the_door

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
SUPERVISOR = {"role": "supervisor", "agency": "dppapp"}
POLICE = {"role": "intake_officer", "agency": "polda-ppa"}
STRANGER = {"role": "supervisor", "agency": "dinsos"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake")
    return rig


async def open_case(rig, who=OFFICER, **known):
    answer = await rig.post("intake", "/reports", json=a_referral(**known), **who)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["case_id"])


async def triage(rig, case_id, who=OFFICER, **known):
    answer = await rig.post("intake", f"/cases/{case_id}/triage", json=a_triage(**known), **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def row(rig, case_id):
    (found,) = await rig.sql("intake", "SELECT * FROM case_file WHERE case_id = :c", c=case_id)
    return found


async def said(rig, name):
    return [data for kind, _, data in await rig.facts("intake") if kind == f"{name}.v1"]


async def people(rig, case_id):
    return [found.person_id for found in await rig.sql("intake", "SELECT person_id FROM person WHERE case_id = :c ORDER BY place", c=case_id)]


async def heard(rig, agency):
    return [kind.split(".")[1] for kind, _, data in await rig.facts("intake") if kind.startswith("agency.") and data["agency"] == agency]


async def test_the_first_triage_is_said_as_triaged_and_the_next_as_a_change(intake):
    case_id = await open_case(intake)
    first = await triage(intake, case_id, risk="low", red_flags=["strangulation"], shelter_needed=True, perpetrator_areas=["31.72.01"])
    assert (first["state"], first["risk"]) == ("shelter_sought", "high")
    second = await triage(intake, case_id, risk="low", shelter_needed=False, responsible_agency="dinsos")
    assert (second["state"], second["risk"]) == ("triaged", "low")
    (triaged,), (changed,) = await said(intake, "case.intake.triaged"), await said(intake, "case.intake.risk_changed")
    assert (triaged["risk"], triaged["area"], triaged["violence_types"]) == ("high", "31.71.02", ["fisik"])
    assert (changed["responsible_agency"], changed["shelter_needed"]) == ("dinsos", False)
    assert (await row(intake, case_id)).responsible_agency == "dinsos"


async def test_a_triage_with_an_area_off_the_list_is_refused(intake):
    case_id = await open_case(intake)
    answer = await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(perpetrator_areas=["31.72.01", "31.72.44"]), **OFFICER)
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "perpetrator_areas.1", "code": "not_in_area_list"}])


async def test_a_case_can_be_triaged_by_the_agency_that_will_lead_it(intake):
    case_id = await open_case(intake, POLICE)
    assert (await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(), **STRANGER)).status_code == 404
    await triage(intake, case_id, OFFICER)


async def test_nobody_triages_a_high_risk_in_time_and_the_floor_does(intake):
    case_id = await open_case(intake, urgency="medium", screen={"red_flags": ["threat_to_kill"]})
    await intake.advance(minutes=14)
    assert await said(intake, "case.intake.clock_missed") == []
    await intake.advance(minutes=2)
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == ["triage"]
    (triaged,) = await said(intake, "case.intake.triaged")
    assert (triaged["risk"], triaged["shelter_needed"]) == ("high", True)
    found = await row(intake, case_id)
    assert (found.state, found.missed) == ("shelter_sought", [])


async def test_a_lower_risk_is_only_reminded_of_again_and_again(intake):
    case_id = await open_case(intake, urgency="low")
    await intake.advance(days=6)
    await intake.advance(days=6)
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == ["triage", "triage"]
    assert (await row(intake, case_id)).missed == ["triage"]
    (line,) = (await intake.get("intake", "/cases?overdue=true", **OFFICER)).json()
    assert line["case_id"] == str(case_id)
    assert (await intake.get("intake", "/cases?overdue=false", **OFFICER)).json() == []


async def test_a_survivors_no_to_a_bed_lets_help_go_on_at_home_once(intake):
    case_id = await open_case(intake)
    await triage(intake, case_id, shelter_needed=True, red_flags=["weapon"])
    identity = await intake.say(an_offer(await people(intake, case_id)), subject=case_id, factversion=1)
    refusal = await intake.say(a_refusal(), subject=case_id, factversion=2)
    await intake.say(an_offer(await people(intake, case_id)), subject=case_id, factversion=1, id=identity)
    await intake.say(a_refusal(), subject=case_id, factversion=2, id=refusal)
    await intake.settle()
    (changed,) = await said(intake, "case.intake.risk_changed")
    assert (changed["shelter_needed"], changed["risk"], changed["red_flags"]) == (False, "high", ["weapon"])
    assert (await row(intake, case_id)).state == "triaged"


async def test_a_case_goes_to_its_end_and_its_agencies_hear_the_coarse_way(intake):
    case_id = await open_case(intake, POLICE, reference="LP/9")
    await triage(intake, case_id, shelter_needed=True)
    (person,) = await people(intake, case_id)
    offer = {"placement_id": UUID(int=5), "shelter_id": SHELTER}
    now = datetime.now(UTC)
    way = [
        placement.Waitlisted(review_at=now),
        an_offer([person]),
        placement.Accepted(**offer, arrive_by=now),
        placement.OnTheWay(**offer),
        an_admission([person]),
        assessment.Assigned(worker_id=uuid4(), due_at=now),
        assessment.Completed(band="mild"),
        a_plan([person]),
        assessment.Reunified(person_id=person, receiver="parent", receiving_area="31.71.01"),
        placement.Discharged(placement_id=UUID(int=5), persons=(person,), destination="family"),
        assessment.FollowupDue(number=1, due_at=now),
        assessment.FollowupDone(number=1, result="safe", last=True),
    ]
    for version, fact in enumerate(way, 1):
        await intake.say(fact, subject=case_id, factversion=version)
    await intake.settle()
    assert (await row(intake, case_id)).state == "ready_to_close"
    await intake.advance(days=15)
    assert "closure" in (await row(intake, case_id)).missed
    assert (await intake.post("intake", f"/cases/{case_id}/close", json={"reason": "needs_met"}, **OFFICER)).status_code == 403
    closed = await intake.post("intake", f"/cases/{case_id}/close", json={"reason": "needs_met"}, **SUPERVISOR)
    assert closed.json()["state"] == "closed"
    coarse = [
        "opened",
        "triaged",
        "shelter_sought",
        "sheltered",
        "assessment_began",
        "assessed",
        "planned",
        "outcome_reached",
        "shelter_ended",
        "followed_up",
        "ended",
    ]
    for agency in ("polda-ppa", "dppapp"):
        assert sorted(await heard(intake, agency)) == sorted(coarse)
    opened = {data["agency"]: data["reference"] for data in await said(intake, "agency.opened")}
    assert opened == {"polda-ppa": "LP/9", "dppapp": None}
    await intake.say(placement.Left(placement_id=UUID(int=5), persons=(person,)), subject=case_id, factversion=99)
    await intake.settle()
    assert (await heard(intake, "dppapp")).count("ended") == 1
    assert await intake.sql("intake", "SELECT 1 FROM clock WHERE subject = :c", c=case_id) == []
    timeline = (await intake.get("intake", f"/cases/{case_id}/timeline", **SUPERVISOR)).json()
    assert {entry["type"] for entry in timeline} >= {fact.type for fact in way}


async def test_another_leading_agency_ends_what_the_former_hears(intake):
    case_id = await open_case(intake, POLICE)
    await triage(intake, case_id)
    await triage(intake, case_id, responsible_agency="dinsos")
    await intake.say(assessment.Completed(band="mild"), subject=case_id)
    await intake.settle()
    assert await heard(intake, "dppapp") == ["opened", "triaged", "stopped"]
    assert await heard(intake, "dinsos") == ["opened", "triaged", "triaged", "assessed"]
    assert await heard(intake, "polda-ppa") == ["opened", "triaged", "triaged", "assessed"]
    follows = {data["agency"]: subject for kind, subject, data in await intake.facts("intake") if kind == "agency.opened.v1"}
    assert len(set(follows.values())) == 3
    assert (await intake.get("intake", f"/follow/{follows['dppapp']}", role="agency_system", agency="dppapp")).json()["state"] == "ended"


async def test_facts_of_a_case_nobody_knows_are_kept_missed_and_taken_up(intake):
    case_id = uuid4()
    await intake.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC)), subject=case_id)
    await intake.settle()
    await intake.advance(minutes=61)
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == ["unknown_case"]
    await intake.say(at_the_door(), subject=case_id)
    await intake.settle()
    found = await row(intake, case_id)
    assert (found.state, found.missed) == ("assessment", [])
    assert sorted(await heard(intake, "dinsos")) == ["assessment_began", "opened", "sheltered"]
    await intake.advance(hours=2)
    assert len(await said(intake, "case.intake.clock_missed")) == 1


async def test_a_case_that_is_known_in_time_raises_no_alarm(intake):
    case_id = uuid4()
    await intake.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC)), subject=case_id)
    await intake.say(at_the_door(), subject=case_id)
    await intake.settle()
    await intake.advance(minutes=61)
    assert await said(intake, "case.intake.clock_missed") == []


@pytest.mark.timeout(180)
async def test_events_in_any_order_repeated_and_in_any_batches_end_the_same(intake):
    now = datetime.now(UTC)
    offer = {"placement_id": UUID(int=5), "shelter_id": SHELTER}

    @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def orders(data):
        sampled.append((data.draw(st.permutations(range(8))), data.draw(st.lists(st.integers(0, 7), max_size=3))))

    sampled: list[tuple[list[int], list[int]]] = []
    orders()
    ends = []
    for order, repeated in sampled:
        case_id = await open_case(intake)
        await triage(intake, case_id, shelter_needed=True)
        (person,) = await people(intake, case_id)
        way = [
            (an_offer([person]), 1),
            (placement.Accepted(**offer, arrive_by=now), 2),
            (an_admission([person]), 3),
            (placement.Discharged(placement_id=UUID(int=5), persons=(person,), destination="family"), 4),
            (assessment.Assigned(worker_id=uuid4(), due_at=now), 1),
            (a_plan([person]), 2),
            (assessment.Reunified(person_id=person, receiver="parent", receiving_area="31.71.01"), 3),
            (assessment.FollowupMissed(number=1, last=True), 4),
        ]
        ids = [uuid4() for _ in way]
        for n in [*order, *repeated]:
            fact, version = way[n]
            await intake.say(fact, subject=case_id, factversion=version, id=ids[n])
        await intake.settle()
        found = await row(intake, case_id)
        follow = await intake.sql("intake", "SELECT follow_id FROM follow WHERE case_id = :c", c=case_id)
        copies = [kind for kind, subject, _ in await intake.facts("intake") if subject == follow[0].follow_id and kind.startswith("agency.")]
        ends.append((found.state, tuple(found.waiting_for), tuple(sorted(copies))))
    assert len(set(ends)) == 1
    assert ends[0][0] == "ready_to_close"


async def test_who_sees_a_case_and_who_sees_names(intake):
    case_id = await open_case(intake, persons=[a_person(nik=a_nik())], narrative="Cerita.")
    shown = (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).json()
    assert (shown["persons"][0]["name"], shown["persons"][0]["nik"], shown["narrative"]) == ("Sekar Ayu", a_nik(), "Cerita.")
    masked = (await intake.get("intake", f"/cases/{case_id}", role="peksos", agency="dppapp")).json()
    assert (masked["persons"][0]["name"], masked["narrative"], masked["persons"][0]["age"]) == ("•••", "•••", 36)
    for path in ("", "/timeline"):
        assert (await intake.get("intake", f"/cases/{case_id}{path}", **STRANGER)).status_code == 404
    assert (await intake.get("intake", f"/cases/{uuid4()}", **OFFICER)).status_code == 404
    assert (await intake.get("intake", "/cases", **STRANGER)).json() == []
    assert [line["case_id"] for line in (await intake.get("intake", "/cases?state=reported", **OFFICER)).json()] == [str(case_id)]
    assert (await intake.get("intake", "/cases?state=closed", **OFFICER)).json() == []
    audited = await intake.sql("intake", "SELECT fields FROM audit WHERE action = 'case_read'")
    assert [entry.fields for entry in audited] == ["address callback name narrative nik phone"]


async def test_the_household_changes_under_its_revision_only(intake):
    case_id = await open_case(intake, persons=[a_person(), a_person(name="Bayu", role="child", sex="male", age=4)])
    mother, child = await people(intake, case_id)
    path = f"/cases/{case_id}/household"
    stay = {"person_id": str(mother), "role": "victim", "sex": "female", "age": 37}
    joins = {"role": "child", "sex": "female", "age": 1, "name": "Putri", "needs": ["infant"]}
    assert (await intake.put("intake", path, json={"persons": [stay]}, **OFFICER)).status_code == 428
    stale = await intake.put("intake", path, json={"persons": [stay]}, If_Match=7, **OFFICER)
    assert (stale.status_code, stale.json()["revision"], stale.json()["yours"]) == (409, 1, "7")
    wrong = await intake.put("intake", path, json={"persons": [stay, stay | {"nik": a_nik(serial=0)}]}, If_Match=1, **OFFICER)
    assert {error["field"] for error in wrong.json()["errors"]} == {"persons.0.person_id", "persons.1.person_id", "persons.1.nik"}
    changed = await intake.put("intake", path, json={"persons": [stay, joins]}, If_Match='"1"', **OFFICER)
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    (fact,) = await said(intake, "case.intake.household_changed")
    assert fact["household"]["revision"] == 2
    assert [person["age"] for person in fact["household"]["persons"]] == [37, 1]
    shown = (await intake.get("intake", f"/cases/{case_id}", **OFFICER)).json()
    assert [(person["name"], person["needs"]) for person in shown["persons"]] == [("Sekar Ayu", []), ("Putri", ["infant"])]
    (gone,) = await intake.sql("intake", "SELECT person_id FROM person WHERE left_at IS NOT NULL")
    assert gone.person_id == child


async def test_sexual_violence_is_reported_to_the_police_within_three_days(intake):
    first = await open_case(intake, violence_types=["seksual"])
    second = await open_case(intake, violence_types=["fisik"])
    for case_id in (first, second):
        await triage(intake, case_id)
    await intake.advance(hours=73)
    assert (await row(intake, first)).missed == ["police_report"]
    assert (await row(intake, second)).missed == []
    answer = await intake.post("intake", f"/cases/{first}/police-report", json={"reported_at": "2026-11-01T00:00:00Z"}, **OFFICER)
    assert answer.status_code == 200
    assert (await row(intake, first)).missed == []
    again = await intake.post("intake", f"/cases/{first}/police-report", json={"reported_at": "2026-11-01T00:00:00Z"}, **OFFICER)
    assert again.status_code == 409
    future = await intake.post("intake", f"/cases/{second}/police-report", json={"reported_at": "2999-01-01T00:00:00Z"}, **OFFICER)
    assert (future.status_code, future.json()["errors"][0]["field"]) == (422, "reported_at")


@pytest.mark.parametrize(
    ("path", "reason", "state"),
    [("withdraw", "refused_service", "withdrawn"), ("refer-out", "transferred", "referred_out"), ("close", "information_only", "closed")],
)
async def test_an_ended_case_stays_ended(intake, path, reason, state):
    case_id = await open_case(intake)
    early = await intake.post("intake", f"/cases/{case_id}/close", json={"reason": "needs_met"}, **SUPERVISOR)
    assert (early.status_code, early.json()["state"]) == (409, "reported")
    on = {"basis": "vital_interest", "override": "danger_to_life"} if path == "refer-out" else {}
    answer = await intake.post("intake", f"/cases/{case_id}/{path}", json={"reason": reason} | on, **SUPERVISOR)
    assert answer.json()["state"] == state
    for again, body in (("triage", a_triage()), ("withdraw", {"reason": "other"}), ("outreach", {"team": "dinsos"})):
        refused = await intake.post("intake", f"/cases/{case_id}/{again}", json=body, **SUPERVISOR)
        assert (refused.status_code, refused.json()["state"]) == (409, state)
    await intake.say(assessment.Assigned(worker_id=uuid4(), due_at=datetime.now(UTC)), subject=case_id)
    await intake.settle()
    await intake.advance(days=30)
    assert (await row(intake, case_id)).state == state
    assert await said(intake, "case.intake.clock_missed") == []
    assert await heard(intake, "dppapp") == ["opened", "ended"]


async def test_a_retried_request_is_done_once(intake):
    case_id = await open_case(intake)
    answers = [await intake.post("intake", f"/cases/{case_id}/triage", json=a_triage(), key="once", **OFFICER) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    assert len(await said(intake, "case.intake.triaged")) == 1


async def test_the_newest_word_on_room_counts_and_notices_are_in_the_timeline(intake):
    case_id = await open_case(intake)
    kind = uuid4()
    await intake.say(AvailabilityChanged(kind="secret", availability="full"), subject=kind, factversion=2)
    await intake.say(AvailabilityChanged(kind="secret", availability="available"), subject=kind, factversion=1)
    (follow,) = await intake.sql("intake", "SELECT follow_id FROM follow WHERE case_id = :c", c=case_id)
    await intake.say(notifications.Delivered(notice_id=uuid4(), channel="webhook"), subject=follow.follow_id)
    await intake.say(notifications.Delivered(notice_id=uuid4(), channel="inbox"), subject=case_id)
    await intake.settle()
    assert (await intake.get("intake", "/availability", **OFFICER)).json() == [{"kind": "secret", "availability": "full"}]
    timeline = (await intake.get("intake", f"/cases/{case_id}/timeline", **SUPERVISOR)).json()
    assert [entry["codes"]["channel"] for entry in timeline if entry["producer"] == "notifications"] == ["webhook", "inbox"]
    desk = (await intake.get("intake", f"/cases/{case_id}/timeline", **OFFICER)).json()
    assert [entry["codes"]["channel"] for entry in desk if entry["producer"] == "notifications"] == ["webhook"], "the agency's own alone"
    await intake.advance(hours=2)
    assert [data["clock"] for data in await said(intake, "case.intake.clock_missed")] == []


async def test_why_somebody_reports_is_kept_with_what_she_wrote(intake):
    answer = await intake.post("intake", "/reports", json=a_referral(), X_Purpose="court_order", **OFFICER)
    assert answer.status_code == 201, answer.text
    assert (await intake.post("intake", "/reports", json=a_referral(reference="OTHER"), **OFFICER)).status_code == 201
    looks = await intake.sql("intake", "SELECT purpose FROM audit WHERE action = 'report' ORDER BY position")
    assert [look.purpose for look in looks] == ["court_order", None]
    wrong = await intake.post("intake", "/reports", json=a_referral(reference="THIRD"), X_Purpose="Because!", **OFFICER)
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "X-Purpose")
