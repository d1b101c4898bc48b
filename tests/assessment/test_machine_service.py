"""Lives of cases on the real service: random people and facts, some twice and late; clocks and rows agree, and each life can be walked to its end."""

import os
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from assessment.domain.preparation import HOMEWARD, REQUIRED
from contracts.intake import Reopened
from contracts.placement import Discharged

from tests.assessment.builders import CODES, PLACEMENT, SUPERVISOR, WORKER, admitted, closed, left, triaged, withdrawn
from tests.assessment.calls import act, add_worker, plan_of
from tests.rig import Rig

LIVES = int(os.environ.get("NAUNGAN_MACHINE_LIVES", "6"))
STEPS = int(os.environ.get("NAUNGAN_MACHINE_STEPS", "18"))
SEED = int(os.environ.get("NAUNGAN_MACHINE_SEED", "1"))
REASONS = ["refused_by_person", "unsafe", "left_by_choice", "broke_down", "died"]
BOSS: dict[str, Any] = {"role": "supervisor", "subject": SUPERVISOR}


class Life:
    """One case and what may happen to it."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.rng, self.case_id = rig, Random(seed), uuid4()
        self.persons = [uuid4(), uuid4()]
        self.version = {"intake": 1, "placement": 0}
        self.told: list[tuple[Any, int, UUID]] = []

    async def begin(self) -> None:
        mother, child = self.persons
        household = triaged(shelter_needed=False, risk=self.rng.choice(["high", "low"])).model_dump(mode="json")
        members = [
            {"person_id": str(mother), "sex": "female", "age": 30, "role": "victim"},
            {"person_id": str(child), "sex": "female", "age": 7, "role": "child"},
        ]
        household["household"]["persons"] = members
        await self.say(type(triaged()).model_validate(household), "intake")

    async def say(self, fact: Any, producer: str) -> None:
        self.version[producer] += 1
        identity = await self.rig.say(fact, subject=self.case_id, factversion=self.version[producer])
        self.told.append((fact, self.version[producer], identity))

    async def row(self) -> Any:
        rows = await self.rig.sql("assessment", "SELECT * FROM assessment_case WHERE case_id = :c", c=self.case_id)
        return rows[0]

    async def act(self, action: str, body: Any = None, *, worker: UUID | None = None, **who: Any) -> httpx.Response:
        answer = await act(self.rig, self.case_id, action, body, **({"subject": worker or WORKER} | who))
        assert answer.status_code < 500, (action, answer.text)
        return answer

    async def something_happens(self) -> None:
        row, roll, person = await self.row(), self.rng.random(), self.rng.choice(self.persons)
        if roll < 0.06 and self.told:
            fact, version, identity = self.rng.choice(self.told)
            await self.rig.say(fact, subject=self.case_id, factversion=version, id=identity)
        elif roll < 0.12:
            now = datetime.now(UTC) + self.rig.services["assessment"].database.skew
            await self.say(admitted(person).model_copy(update={"admitted_at": now}), "placement")
        elif roll < 0.17:
            gone = Discharged(placement_id=PLACEMENT, persons=[person], destination=self.rng.choice(["family", "died", "hospital"]))
            await self.say(self.rng.choice([left(person), gone]), "placement")
        elif roll < 0.21:
            again = Reopened(reason="found_again", due_at=datetime.now(UTC))
            await self.say(again if row.ended else withdrawn(), "intake")
        elif roll < 0.27:
            await self.act("outcomes/abandon", {"person_id": str(person), "reason": self.rng.choice(REASONS)}, **BOSS)
        else:
            await self.work(row)

    async def work(self, row: Any) -> None:
        """What people do in this state, well or not."""
        match row.state:
            case "assigned":
                await self.act("complete", {"risk_view": {"band": "mild"}, "no_instrument_reason": "declined"})
            case "assessed":
                await self.plan(row, lambda: self.rng.choice(sorted(REQUIRED)))
            case "plan_proposed":
                word, body = self.rng.choice([("approve", None), ("approve", None), ("return", {"reason": "unsafe"})])
                await self.act(f"plan/{word}", body, **BOSS)
            case "plan_approved":
                await self.go_on(row)
            case "monitoring":
                number = self.rng.randint(1, max(1, len(row.followups)))
                result = self.rng.choice(["safe", "needs_support", "unsafe", "not_reached"])
                await self.act(f"followups/{number}/done", {"result": result})
                await self.act("lost-contact", {"decision": "try_again"}, **BOSS)

    async def plan(self, row: Any, choose: Any) -> None:
        fixed = {UUID(person): goal["outcome"] for person, goal in row.goals.items()}
        await self.act("plan", plan_of({person: fixed.get(person) or choose() for person in self.living(row)}))

    def living(self, row: Any) -> list[UUID]:
        died = {*row.deceased, *(person for person, stay in row.stays.items() if stay.get("died"))}
        return [person for person in self.persons if str(person) not in died]

    async def go_on(self, row: Any, *, all_of_it: bool = False) -> None:
        """Some or all steps of one person's way, an approval, and the outcome; somebody without a plan gets one."""
        living = self.living(row)
        if any(str(person) not in row.goals for person in living):
            await self.plan(row, lambda: "services_at_home")
            return
        todo = [person for person in living if row.goals[str(person)]["progress"] != "reached"]
        if not todo:
            return
        person, body = todo[0], {"person_id": str(todo[0])}
        goal = row.goals[str(person)]
        if goal["progress"] == "rehabilitating":
            await self.act("rehabilitation/complete", {**body, "because": "goals_met"}, **BOSS)
            return
        for step in REQUIRED[goal["outcome"]]:
            if all_of_it or self.rng.random() < 0.8:
                more = {"reference": "1/A"} if "acceptance" in step else {}
                area = {"receiving_area": "32.01.01"} if (step, goal["outcome"]) == ("receiver", "return_to_other_region") else {}
                await self.act("preparations", {"persons": [str(person)], "step": {"kind": step, **CODES[step], **more, **area}})
        if all_of_it or self.rng.random() < 0.8:
            await self.act("outcomes/approve", {**body, "area_reason": "perpetrator_moved", "another_person": True}, **BOSS)
        route = {"rehabilitation": "rehabilitation/start"}.get(goal["outcome"], "reunify" if goal["outcome"] in HOMEWARD else "outcome")
        await self.act(route, body)

    async def walk(self) -> bool:
        """One step of people who do their work; whether the case has ended."""
        row = await self.row()
        if row.state in {"finished", "stopped"}:
            return True
        if not self.living(row):
            await self.say(closed(), "intake")
        elif row.state == "plan_proposed":
            await self.act("plan/approve", None, **BOSS)
        elif row.state == "plan_approved":
            await self.go_on(row, all_of_it=True)
        elif row.state == "monitoring":
            await self.act("lost-contact", {"decision": "try_again"}, **BOSS)
            for number in range(1, len(row.followups) + 2):
                await self.act(f"followups/{number}/done", {"result": "safe"})
        else:
            await self.work(row)
        return False


async def holds(rig: Rig) -> None:
    """Rows, clocks and facts of all cases agree: nobody without a clock, nothing without an approval, no round begun twice."""
    clocks: dict[UUID, set[str]] = {}
    for clock in await rig.sql("assessment", "SELECT kind, subject, key FROM clock WHERE kind <> 'absence'"):
        clocks.setdefault(clock.subject, set()).add(f"{clock.kind}:{clock.key}" if clock.key else clock.kind)
    for row in await rig.sql("assessment", "SELECT case_id, state, deadlines, worker_id FROM assessment_case"):
        assert set(row.deadlines) == clocks.get(row.case_id, set())
        assert bool(row.deadlines) == (row.state not in {"not_started", "finished", "stopped"})
        assert row.state != "waiting_for_worker" or row.worker_id is None
    approved: dict[tuple[UUID, str], set[str]] = {}
    rounds: set[tuple[Any, ...]] = set()
    for kind, subject, data in await rig.facts("assessment"):
        name = kind.split(".")[2]
        if name == "plan_approved":
            for entry in data["outcomes"]:
                approved.setdefault((subject, entry["person_id"]), set()).add(entry["outcome"])
        if name in {"reunified", "outcome_reached"}:
            assert data["outcome"] in approved[subject, data["person_id"]]
        if name == "assigned":
            begun = (subject, data["reopened_version"], data["reentry"])
            assert begun not in rounds, "assigned twice in one round"
            rounds.add(begun)
    assert await rig.sql("assessment", "SELECT 1 FROM dead_letter") == []


@pytest.mark.timeout(600)
async def test_whatever_happens_to_a_case_it_has_a_clock_and_a_way_to_its_end(rig: Rig):
    await rig.start("assessment", caseload=1000)
    await add_worker(rig, most_cases=1000)
    lives = [Life(rig, SEED * 1000 + number) for number in range(LIVES)]
    for life in lives:
        await life.begin()
    await rig.settle()
    for number in range(STEPS):
        for life in lives:
            await life.something_happens()
        await rig.settle()
        if number % 6 == 5:
            await rig.advance(days=lives[0].rng.choice([1, 8, 40]))
        await holds(rig)
    for _ in range(30):
        if all([await life.walk() for life in lives]):
            break
        await rig.settle()
    assert {(await life.row()).state for life in lives} <= {"finished", "stopped"}
    await holds(rig)
    assert timedelta(0) < rig.services["assessment"].database.skew
