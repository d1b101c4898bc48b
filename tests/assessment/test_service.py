"""Assessment on real Postgres and NATS: what it hears, what people do, and what it says."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from assessment import handlers, store
from contracts import catalogue
from contracts.event import Event
from sqlalchemy import Connection

from tests.assessment.builders import (
    AUNT,
    CHILD,
    MOTHER,
    SUPERVISOR,
    WORKER,
    admitted,
    admitted_directly,
    closed,
    discharged,
    household_changed,
    left,
    referred_out,
    risk_changed,
    triaged,
    withdrawn,
)
from tests.assessment.calls import (
    JUDGED,
    a_planned_case,
    a_started_case,
    act,
    add_worker,
    answer,
    data,
    decide,
    home,
    plan_of,
    prepared,
    refused_in,
    said,
    see,
    state,
)
from tests.rig import Rig


def test_every_fact_that_concerns_assessment_has_a_handler():
    assert set(handlers.inputs.types) == {event.type for stream in ("CASES", "AUDIT") for event in catalogue.read_by("assessment", stream)}
    assert set(handlers.inputs.clocks) == {
        "assignment", "initial", "comprehensive", "reassessment", "plan", "outcome", "followup", "grace", "absence", "lost", "review", "stay",
        "service_answer", "service_consent", "service_delivery", "service_declined",
    }  # fmt: skip


async def test_the_migrations_make_the_tables_that_the_store_declares(rig: Rig):
    await rig.start("assessment")

    def differences(connection: Connection) -> list[Any]:
        own = set(store.metadata.tables)
        options = {"compare_type": False, "include_name": lambda name, kind, _: kind != "table" or name in own}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), store.metadata)
        return [entry for entry in found if entry[0] != "remove_index"]

    async with rig.services["assessment"].database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


# -- the main path ----------------------------------------------------------------------------------------------------------------


async def test_a_case_goes_from_triage_to_the_last_follow_up(rig: Rig):
    case_id = await a_started_case(rig)
    (assigned,) = await data(rig, case_id, "assigned")
    assert assigned["worker_id"] == str(WORKER)

    assert (await answer(rig, case_id, {f"phq9_{n}": 2 for n in range(1, 9)})).json()["total"] == 18
    completed = await act(rig, case_id, "complete", {"risk_view": {"band": "mild", "flags": ["child_at_risk"]}})
    assert completed.json()["state"] == "assessed"
    (told,) = await data(rig, case_id, "completed")
    assert (told["band"], told["flags"], told["kind"], told["risk"]) == ("severe", ["child_at_risk"], "comprehensive", "medium")

    outcomes = {MOTHER: "reunification", CHILD: "rehabilitation"}
    proposed = await act(rig, case_id, "plan", plan_of(outcomes, "psikologis", "bantuan_hukum"))
    assert (proposed.status_code, proposed.json()["state"], proposed.json()["plan_version"]) == (201, "plan_proposed", 1)
    assert (await decide(rig, case_id)).json()["state"] == "plan_approved"
    (approved,) = await data(rig, case_id, "plan_approved")
    assert {entry["person_id"]: entry["outcome"] for entry in approved["outcomes"]} == {str(person): outcome for person, outcome in outcomes.items()}

    await prepared(rig, case_id, MOTHER, CHILD)
    assert (await act(rig, case_id, "reunify", home())).json()["state"] == "plan_approved"
    assert (await act(rig, case_id, "rehabilitation/start", {"person_id": str(CHILD)})).status_code == 200
    because = {"person_id": str(CHILD), "because": "goals_met"}
    done = await act(rig, case_id, "rehabilitation/complete", because, role="supervisor", subject=SUPERVISOR)
    assert done.json()["state"] == "monitoring"
    (reunified,) = await data(rig, case_id, "reunified")
    assert (reunified["receiver"], reunified["receiving_area"], reunified["outcome"]) == ("grandparent", "31.74.04", "reunification")

    planned = (await see(rig, case_id, "/followups", role="peksos", subject=WORKER)).json()
    assert [followup["number"] for followup in planned] == [1, 2, 3, 4]
    assert (await act(rig, case_id, "followups/1/done", {"result": "safe"})).status_code == 200
    await rig.advance(days=31)
    await rig.advance(days=8)
    await rig.advance(days=52)
    assert (await act(rig, case_id, "followups/3/done", {"result": "needs_support"})).status_code == 200
    await rig.advance(days=90)
    assert (await act(rig, case_id, "followups/4/done", {"result": "safe"})).json()["state"] == "finished"

    assert await said(rig, case_id) == [
        "assigned", "completed", "plan_approved", *["outcome_prepared"] * 5, "reunified", "rehabilitation_started", "rehabilitation_completed",
        "followup_done", "followup_due", "followup_missed", "followup_due", "followup_done", "followup_due", "followup_done",
    ]  # fmt: skip
    assert [entry["last"] for entry in await data(rig, case_id, "followup_done")] == [False, False, True]
    assert await rig.sql("assessment", "SELECT 1 FROM clock") == []
    await rig.say(closed(), subject=case_id, factversion=9)
    await rig.settle()
    assert await state(rig, case_id) == "finished"


async def test_a_case_that_needs_shelter_waits_for_its_admission(rig: Rig):
    case_id = await a_started_case(rig, shelter_needed=True)
    assert (await state(rig, case_id), await said(rig, case_id)) == ("not_started", [])
    await rig.say(admitted(), subject=case_id)
    await rig.settle()
    assert (await state(rig, case_id), await said(rig, case_id)) == ("assigned", ["assigned"])
    detail = (await see(rig, case_id)).json()
    assert (detail["sheltered"], detail["risk"]) == (True, "medium")
    await rig.say(discharged(), subject=case_id, factversion=2)
    await rig.settle()
    assert (await see(rig, case_id)).json()["sheltered"] is False


async def test_somebody_let_in_at_the_door_is_assigned_once(rig: Rig):
    await rig.start("assessment")
    await add_worker(rig)
    case_id = uuid4()
    await rig.say(admitted_directly(), subject=case_id)
    await rig.settle()
    assert await said(rig, case_id) == ["assigned"]
    await rig.say(triaged(shelter_needed=True), subject=case_id)
    await rig.settle()
    assert (await said(rig, case_id), (await see(rig, case_id)).json()["risk"]) == (["assigned"], "medium")


# -- clocks -----------------------------------------------------------------------------------------------------------------------


async def test_missed_deadlines_are_said_again_and_again_until_they_are_met(rig: Rig):
    case_id = await a_started_case(rig, MOTHER)
    await rig.advance(hours=25)
    await rig.advance(hours=25)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")] == ["initial_assessment"] * 2
    await act(rig, case_id, "complete", {**JUDGED, "no_instrument_reason": "declined"})
    await rig.advance(days=12)
    await rig.advance(days=2)
    await act(rig, case_id, "plan", plan_of({MOTHER: "independent_living"}))
    await decide(rig, case_id)
    await rig.advance(days=31)
    await rig.advance(days=31)
    assert [entry["clock"] for entry in await data(rig, case_id, "clock_missed")][2:] == ["plan", "plan", "outcome", "outcome"]
    await prepared(rig, case_id)
    assert (await act(rig, case_id, "outcome", {"person_id": str(MOTHER)})).json()["state"] == "monitoring"


async def test_high_risk_is_followed_up_weekly_and_an_unsafe_last_result_brings_another(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "referral_out"}, risk="high")
    await prepared(rig, case_id)
    await act(rig, case_id, "outcome", {"person_id": str(MOTHER)})
    for number in range(1, 6):
        await act(rig, case_id, f"followups/{number}/done", {"result": "safe"})
    assert (await act(rig, case_id, "followups/6/done", {"result": "unsafe"})).json()["state"] == "monitoring"
    assert (await act(rig, case_id, "followups/9/done", {"result": "safe"})).status_code == 404
    assert refused_in("done", await act(rig, case_id, "followups/1/done", {"result": "safe"}))
    await rig.advance(days=8)
    await rig.advance(days=8)
    assert (await said(rig, case_id))[-2:] == ["followup_due", "followup_missed"]
    assert (await state(rig, case_id), (await data(rig, case_id, "followup_missed"))[-1]["last"]) == ("finished", True)


async def test_follow_ups_that_nobody_cares_for_all_run_out(rig: Rig):
    case_id = await a_planned_case(rig, {MOTHER: "services_at_home"})
    await prepared(rig, case_id)
    await act(rig, case_id, "outcome", {"person_id": str(MOTHER)})
    await rig.advance(days=200)
    await rig.advance(days=8)
    assert [entry["last"] for entry in await data(rig, case_id, "followup_missed")] == [False, False, False, True]
    assert [entry["number"] for entry in await data(rig, case_id, "followup_due")] == [1, 2, 3, 4]
    assert await state(rig, case_id) == "finished"


# -- ends, duplicates, order ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [withdrawn, referred_out, closed], ids=lambda ending: ending.__name__)
async def test_an_ended_case_is_stopped_its_clocks_are_gone_and_nothing_more_is_done(rig: Rig, ending: Any):
    case_id = await a_planned_case(rig, {MOTHER: "reunification"})
    await rig.say(ending(), subject=case_id, factversion=2)
    await rig.settle()
    assert await rig.sql("assessment", "SELECT 1 FROM clock") == []
    assert refused_in("stopped", await act(rig, case_id, "reunify", home()))
    assert refused_in("stopped", await act(rig, case_id, "plan", plan_of({MOTHER: "reunification"})))
    assert refused_in("stopped", await act(rig, case_id, "followups/1/done", {"result": "safe"}))
    assert refused_in("stopped", await decide(rig, case_id))
    before = await said(rig, case_id)
    await rig.say(triaged(MOTHER, CHILD), subject=case_id, factversion=3)
    await rig.say(admitted(), subject=case_id)
    await rig.advance(days=60)
    assert (await state(rig, case_id), await said(rig, case_id)) == ("stopped", before)


async def test_a_triage_after_the_end_starts_nothing(rig: Rig):
    await rig.start("assessment")
    await add_worker(rig)
    case_id = uuid4()
    await rig.say(withdrawn(), subject=case_id, factversion=2)
    await rig.settle()
    await rig.say(triaged(), subject=case_id)
    await rig.settle()
    assert (await state(rig, case_id), await said(rig, case_id)) == ("stopped", [])


async def test_a_fact_that_comes_twice_counts_once(rig: Rig):
    case_id = await a_started_case(rig)
    identity = await rig.say(admitted(), subject=case_id)
    await rig.settle()
    await rig.say(admitted(), subject=case_id, id=identity)
    await rig.say(triaged(), subject=case_id)
    await rig.settle()
    assert await said(rig, case_id) == ["assigned"]


FACTS: tuple[tuple[Event, int], ...] = (
    (triaged(shelter_needed=True), 1),
    (risk_changed(risk="high"), 2),
    (household_changed(MOTHER, AUNT), 3),
    (admitted(), 1),
    (left(), 2),
    (withdrawn(), 4),
)


def arrivals() -> Iterator[tuple[UUID, Sequence[tuple[Event, int]]]]:
    for number, order in enumerate(permutations(FACTS), 1):
        yield UUID(int=(0xE << 64) + number), order


@pytest.mark.timeout(300)
@pytest.mark.parametrize("ended", [True, False], ids=["withdrawn", "open"])
async def test_every_order_in_which_facts_arrive_ends_in_the_same_row(rig: Rig, *, ended: bool):
    """One case per permutation; each gets its facts in its own order, all cases in the same stream and so in shared and split batches."""
    await rig.start("assessment", caseload=1000)
    await add_worker(rig)
    orders = [(case_id, order if ended else [fact for fact in order if fact[0].type != withdrawn().type]) for case_id, order in arrivals()]
    for place in range(len(orders[0][1])):
        for case_id, order in orders:
            fact, version = order[place]
            await rig.say(fact, subject=case_id, factversion=version)
        if place % 2:
            await rig.settle()
    await rig.settle()
    columns = "household_version, members, triage_version, area, risk, shelter_needed, at_home, admitted, stays, sheltered, ended, state, worker_id"
    rows = await rig.sql(
        "assessment",
        f"SELECT DISTINCT {columns}, due_at IS NULL AS no_due, plan_version, goals, followups,"
        " ARRAY(SELECT jsonb_object_keys(deadlines) ORDER BY 1) AS clocks, count(*) OVER () AS cases FROM assessment_case",
    )
    assert len(rows) == 1
    (row,) = rows
    assert (row.cases, row.state) == (720, "stopped" if ended else "assigned")
    assert (row.worker_id, row.clocks) == ((None, []) if ended else (WORKER, ["comprehensive", "initial", "plan"]))
    kinds = {row.kind for row in await rig.sql("assessment", "SELECT DISTINCT kind FROM clock")}
    assert kinds == set(row.clocks)
