"""Answers on real servers: who is on one, what is recorded for others, more time, whom to call, and offers out of order."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.vocabulary import Channel, Risk

from tests.placement.builders import a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import act, agreements, ask, beds_in_use, data, offer, one_bed, platform, said, state
from tests.rig import Rig

PHONE = "+62 21 0000 0000"


def a_head(placement: dict[str, Any], subject: UUID | None = None) -> dict[str, Any]:
    return {"role": "shelter_head", "units": [placement["shelter_id"]], "subject": subject or uuid4()}


# -- who is on it -------------------------------------------------------------------------------------------------------------------------


async def test_who_is_on_the_answer_is_left_to_it_and_a_supervisor_may_overrule(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    first, second = a_head(placement), a_head(placement)
    claimed = await act(rig, placement, "claim", **first)
    assert claimed["claimed_by"] == str(first["subject"])
    for action, body in (("claim", {}), ("accept", {}), ("decline", {"reason": "full"})):
        refused = await act(rig, placement, action, body, status=409, **second)
        assert (refused["claimed_by"], datetime.fromisoformat(refused["claimed_until"])) == (
            claimed["claimed_by"],
            datetime.fromisoformat(claimed["claimed_until"]),
        )
    await act(rig, placement, "accept", status=409, role="placement_officer")
    again = await act(rig, placement, "claim", **first)
    assert again["claimed_until"] > claimed["claimed_until"], "said again, it lasts longer"
    assert (await act(rig, placement, "accept", role="supervisor"))["state"] == "accepted"
    assert await said(rig, case_id) == ["offered", "claimed", "claimed", "accepted"]
    await act(rig, placement, "claim", status=409, **first)


async def test_a_claim_that_ran_out_binds_nobody_and_keeps_the_beds_as_long_as_it_lasts(rig: Rig) -> None:
    await platform(rig, one_bed())
    case_id = await ask(rig, risk=Risk.HIGH)
    placement = await offer(rig, case_id)
    first, second = a_head(placement), a_head(placement)
    await rig.advance(minutes=55)
    claimed = await act(rig, placement, "claim", **first)
    assert claimed["hold_until"] == claimed["claimed_until"] > placement["hold_until"]
    await rig.advance(minutes=9)
    assert (await said(rig, case_id), await beds_in_use(rig)) == (["offered", "claimed", "extended"], 1)
    await rig.advance(minutes=1.5)
    assert (await said(rig, case_id))[3:] == ["expired", "waitlisted"]
    await rig.advance(minutes=61)
    placement = await offer(rig, case_id)
    await act(rig, placement, "claim", **first)
    await rig.advance(minutes=10.1)
    await act(rig, placement, "accept", **second)


# -- told by phone --------------------------------------------------------------------------------------------------------------------------


async def test_a_coordinator_records_what_a_head_said_by_phone_and_who_said_it_when_is_kept(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig))
    head, officer = uuid4(), uuid4()
    coordinator = {"role": "placement_officer", "subject": officer}
    at = datetime.fromisoformat(placement["offered_at"]) + timedelta(milliseconds=1)
    future, before = (datetime.now(UTC) + timedelta(hours=1)).isoformat(), (at - timedelta(minutes=1)).isoformat()
    for when, code in ((future, "in_the_future"), (before, "before_the_offer")):
        refused = await act(rig, placement, "accept", {"occurred_at": when}, status=422, **coordinator)
        assert refused["errors"] == [{"field": "occurred_at", "code": code}]
    refused = await act(rig, placement, "accept", {"decided_by": str(head)}, status=403, **a_head(placement))
    assert refused["errors"] == [{"field": "decided_by", "code": "not_yours"}]
    accepted = await act(rig, placement, "accept", {"decided_by": str(head), "occurred_at": at.isoformat()}, **coordinator)
    assert (accepted["decided_by"], accepted["recorded_by"]) == (str(head), str(officer))
    assert datetime.fromisoformat(accepted["decided_at"]) == at
    inside = await act(rig, placement, "admit", agreements(placement) | {"occurred_at": at.isoformat()}, **coordinator)
    assert datetime.fromisoformat(inside["admitted_at"]) == at
    assert (inside["decided_by"], inside["recorded_by"]) == (str(officer), str(officer))


async def test_a_no_and_a_cancellation_told_by_phone_are_kept_too(rig: Rig) -> None:
    await platform(rig, a_shelter_body(a_room_body(2)), a_shelter_body(a_room_body(3)))
    case_id, told = await ask(rig), str(uuid4())
    placement = await offer(rig, case_id)
    declined = await act(rig, placement, "decline", {"reason": "full", "decided_by": told}, role="placement_officer")
    assert (declined["state"], declined["decided_by"]) == ("declined", told)
    placement = await offer(rig, case_id)
    cancelled = await act(rig, placement, "cancel", {"reason": "survivor_declined", "decided_by": told}, role="supervisor")
    assert (cancelled["state"], cancelled["decided_by"], cancelled["reason"]) == ("cancelled", told, "survivor_declined")
    assert await said(rig, case_id) == ["offered", "declined", "offered", "cancelled"]


# -- more time ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"channel": Channel.HOSPITAL}, {"area": "31.01.01"}])
async def test_beds_are_held_longer_for_who_comes_from_a_hospital_or_from_the_islands(rig: Rig, changes: dict[str, Any]) -> None:
    await platform(rig, a_shelter_body())
    placement = await offer(rig, await ask(rig, **changes))
    held = datetime.fromisoformat(placement["hold_until"]) - datetime.fromisoformat(placement["offered_at"])
    assert held == timedelta(minutes=180)


async def test_people_give_an_answer_and_an_arrival_more_time(rig: Rig) -> None:
    await platform(rig, a_shelter_body())
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    await act(rig, placement, "extend", {"minutes": 60}, status=403)
    await act(rig, placement, "extend", {"minutes": 10_000}, status=422, role="supervisor")
    longer = await act(rig, placement, "extend", {"minutes": 60}, role="placement_officer")
    gained = datetime.fromisoformat(longer["hold_until"]) - datetime.fromisoformat(placement["hold_until"])
    assert gained == timedelta(minutes=60)
    await rig.advance(minutes=149)
    assert await said(rig, case_id) == ["offered", "extended"]
    accepted = await act(rig, placement, "accept")
    longer = await act(rig, placement, "extend", {"minutes": 120}, role="supervisor")
    assert datetime.fromisoformat(longer["arrive_by"]) - datetime.fromisoformat(accepted["arrive_by"]) == timedelta(hours=2)
    assert await said(rig, case_id) == ["offered", "extended", "accepted", "accepted"], "nobody takes it for an offer again"
    await rig.advance(hours=7)
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("accepted", 1)
    await rig.advance(hours=1.1)
    assert await state(rig, case_id) == "no_show"
    await act(rig, placement, "extend", {"minutes": 10}, status=409, role="supervisor")


# -- on the way, and whom to call -----------------------------------------------------------------------------------------------------------


async def test_who_asked_gets_the_coordinators_number_after_the_yes_and_nothing_of_a_secret_house(rig: Rig) -> None:
    shelter = a_shelter_body(secret=True)
    await platform(rig, shelter, coordinator_phone=PHONE)
    case_id = await ask(rig)
    placement = await offer(rig, case_id)
    path = f"/placements/{placement['placement_id']}/contact"
    early = await rig.get("placement", path, role="intake_officer")
    assert (early.status_code, early.json()["state"]) == (409, "offered")
    await act(rig, placement, "accept")
    assert (await rig.get("placement", path, role="intake_officer")).json()["phone"] == PHONE
    assert (await rig.get("placement", path, role="peksos")).status_code == 403
    audited = await rig.sql("placement", "SELECT 1 FROM audit WHERE subject = :case_id AND fields = 'contact'", case_id=case_id)
    assert len(audited) == 1, "who asked is known, and only the one who got it"
    seen = await act(rig, placement, "on-the-way", {"handover": "meeting_point"}, role="outreach")
    assert (seen["state"], seen["handover"], seen["shelter_id"], seen["members"]) == ("on_the_way", "meeting_point", None, [])
    assert shelter["shelter_id"] not in str(seen)
    assert (await data(rig, case_id, "on_the_way"))[0]["handover"] == "meeting_point"


async def test_who_asked_sees_which_open_shelter_it_is(rig: Rig) -> None:
    shelter = a_shelter_body()
    await platform(rig, shelter)
    placement = await offer(rig, await ask(rig))
    await act(rig, placement, "accept")
    seen = await act(rig, placement, "on-the-way", role="outreach")
    assert (seen["shelter_id"], seen["handover"]) == (shelter["shelter_id"], None)


# -- out of order -------------------------------------------------------------------------------------------------------------------------


async def test_a_shelter_is_offered_out_of_order_with_a_reason_that_is_kept(rig: Rig) -> None:
    shelter = one_bed(grounds_required=True)
    await platform(rig, shelter)
    first = await ask(rig, shelter_grounds=())
    second, known = await ask(rig, shelter_grounds=()), a_snapshot()
    third = await ask(rig, household=known, medical_gate=True)
    listed = (await rig.get("placement", "/waiting", role="placement_officer")).json()
    assert [(entry["case_id"], entry["place"]) for entry in listed] == [(str(first), 1), (str(second), 2), (str(third), 3)]
    (page,) = (await rig.get("placement", "/waiting?after=1&most=1", role="placement_officer")).json()
    assert (page["case_id"], page["place"]) == (str(second), 2)
    body = {"shelter_id": shelter["shelter_id"], "reason": "safety"}
    refused = await rig.post("placement", f"/needs/{second}/offer", json=body, role="placement_officer")
    assert (refused.status_code, refused.json()["rule"], refused.json()["fact"]) == (409, "P7", "no_ground")
    assert (await rig.post("placement", f"/needs/{second}/offer", json=body, role="intake_officer")).status_code == 403
    unknown = body | {"shelter_id": str(uuid4())}
    assert (await rig.post("placement", f"/needs/{second}/offer", json=unknown, role="placement_officer")).status_code == 404
    other = one_bed()
    added = await rig.post("placement", "/shelters", json=other | {"sexes": ["male"]}, role="operator")
    assert added.status_code == 201
    wrong = body | {"shelter_id": other["shelter_id"]}
    assert (await rig.post("placement", f"/needs/{second}/offer", json=wrong, role="supervisor")).json()["rule"] == "P2"


async def test_a_home_that_said_no_is_offered_again_by_a_person(rig: Rig) -> None:
    shelter = one_bed()
    await platform(rig, shelter)
    case_id = await ask(rig)
    await act(rig, await offer(rig, case_id), "decline", {"reason": "safety_conflict"})
    assert await state(rig, case_id) == "waiting"
    body = {"shelter_id": shelter["shelter_id"], "reason": "agreed_with_shelter"}
    made = await rig.post("placement", f"/needs/{case_id}/offer", json=body, role="placement_officer")
    assert (made.status_code, made.json()["overrides"]) == (201, ["by_hand:agreed_with_shelter"])
    await rig.settle()
    assert (await state(rig, case_id), await beds_in_use(rig)) == ("offered", 1)
    again = await rig.post("placement", f"/needs/{case_id}/offer", json=body, role="placement_officer")
    assert (again.status_code, again.json()["state"]) == (409, "offered")
    await act(rig, await offer(rig, case_id), "accept")


async def test_a_supervisor_sets_the_age_limit_of_boys_aside_and_it_stays_aside(rig: Rig) -> None:
    shelter = a_shelter_body(a_room_body(2), boys_max_age=12)
    await platform(rig, shelter)
    household = a_snapshot(a_member(), a_member("male", 15, "child"))
    case_id = await ask(rig, household=household)
    assert await said(rig, case_id) == ["waitlisted"]
    body = {"shelter_id": shelter["shelter_id"], "reason": "survivor_wish", "overrides": ["P3"]}
    refused = await rig.post("placement", f"/needs/{case_id}/offer", json=body, role="placement_officer")
    assert (refused.status_code, refused.json()["errors"]) == (403, [{"field": "overrides", "code": "supervisor_only"}])
    without = body | {"overrides": []}
    assert (await rig.post("placement", f"/needs/{case_id}/offer", json=without, role="supervisor")).json()["rule"] == "P3"
    wrong = await rig.post("placement", f"/needs/{case_id}/offer", json=body | {"overrides": ["P5"]}, role="supervisor")
    assert wrong.status_code == 422
    made = await rig.post("placement", f"/needs/{case_id}/offer", json=body, role="supervisor")
    assert (made.status_code, made.json()["overrides"]) == (201, ["by_hand:survivor_wish", "P3:survivor_wish"])
    await rig.settle()
    await ask(rig, a_risk_change(household=household, risk=Risk.HIGH), case_id=case_id, version=2)
    assert await state(rig, case_id) == "offered", "what was set aside does not take the offer back"


async def test_the_waiting_list_is_tried_again_on_demand(rig: Rig) -> None:
    await platform(rig)
    await ask(rig)
    answer = await rig.post("placement", "/waiting/rematch", role="supervisor")
    assert (answer.status_code, answer.json()) == (202, {"waiting": 1})
    assert (await rig.post("placement", "/waiting/rematch", role="outreach")).status_code == 403
    await rig.settle()
