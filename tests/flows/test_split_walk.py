"""Whatever people do to a household that is split and made whole again: nobody is forgotten, twice in bed, or in another state for intake.

`NAUNGAN_SPLIT_STEPS` is how long each walk is, `NAUNGAN_SPLIT_SEEDS` how many there are; every step is a real request, fact or passing of time on real servers.
"""

import json
import os
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from chassis.rebuild import compare
from contracts.household import Person
from intake.domain.standing import Fact, _going_on, _household, _searches, search_is_over, standing
from ops.rebuild import replayable

from tests.placement.builders import START, a_member, a_risk_change, a_room_body, a_shelter_body, a_snapshot
from tests.placement.steps import agreements, one_bed, platform
from tests.placement.test_service_split import nobody_is_forgotten
from tests.restore.loss import agrees_with_the_streams, backed_up, lose_since
from tests.rig import Rig

STEPS = int(os.environ.get("NAUNGAN_SPLIT_STEPS", "25"))
SEEDS = range(int(os.environ.get("NAUNGAN_SPLIT_SEEDS", "1")))
pytestmark = pytest.mark.timeout(120 + 6 * STEPS)
EVERYBODY = (a_member(age=34), a_member(age=29), a_member("female", 6, "child"), a_member("female", 19, "other"), a_member("female", 0, "child"))
AS_INTAKE_SEES = {"waiting": "waitlisted", "offered": "offered", "accepted": "accepted", "on_the_way": "on_the_way", "no_show": "shelter_sought"}
LOOKING = {"waiting", "offered", "no_show", "declined"}


class Walk:
    """One case, what was said of it, and what may be done next."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.chance = rig, random.Random(seed)
        self.case_id = uuid4()
        self.triages: list[Fact] = []
        self.answers: dict[int, int] = {}
        self.builds = True
        self.done: list[str] = []

    async def triage(self, members: Sequence[Person], *, needed: bool = True) -> None:
        """Intake says how things are, once or twice."""
        version = len(self.triages) + 1
        fact = a_risk_change(household=a_snapshot(*members, revision=version), shelter_needed=needed)
        identity, at = uuid4(), START + timedelta(minutes=version)
        for _ in range(self.chance.choice((1, 1, 2))):
            await self.rig.say(fact, subject=self.case_id, factversion=version, id=identity, at=at)
        self.triages.append(Fact(identity, "intake", version, fact.type, at, fact.model_dump(mode="json")))

    async def post(self, path: str, body: dict[str, Any] | None = None, role: str = "supervisor") -> None:
        answer = await self.rig.post("placement", path, json=body or {}, role=role)
        assert answer.status_code in {200, 201, 409, 422}, (path, answer.text)
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1

    async def household(self) -> dict[str, Any]:
        answer = await self.rig.get("placement", f"/needs/{self.case_id}", role="supervisor")
        found: dict[str, Any] = answer.json()
        return found

    async def split(self) -> None:
        """Those who look for a bed, in groups by chance; sometimes in ones that do not stand."""
        known = await self.household()
        states = {group["group_id"]: group["state"] for group in known["groups"]}
        whole = not known["groups"]
        looking = [p for p in known["persons"] if whole or p["group_id"] is None or states[p["group_id"]] in LOOKING]
        groups: dict[int, list[Any]] = {}
        for person in looking:
            groups.setdefault(self.chance.randrange(3), []).append(person)
        bodies = []
        for group in groups.values():
            alone = all(person["age"] < 18 for person in group)
            bodies.append({"persons": [person["person_id"] for person in group], "ground": "own_wish" if alone else None})
        agreed = [{"person_id": p["person_id"], "agreement": "own" if p["age"] >= 18 else "own_view_and_consenter"} for p in looking]
        reason = self.chance.choice(("no_joint_place", "safety"))
        await self.post(f"/needs/{self.case_id}/split", {"groups": bodies, "reason": reason, "agreements": agreed})

    async def answer(self) -> None:
        """Somebody does the next thing, or another one, with one of the placements."""
        found = (await self.rig.get("placement", f"/placements?case_id={self.case_id}", role="supervisor")).json()
        live = [entry for entry in found if entry["state"] in {"offered", "accepted", "on_the_way", "admitted"}]
        if not live:
            return
        entry = self.chance.choice(live)
        transfer = entry["transfer_of"] is not None and entry["state"] != "admitted"
        some = [member["person_id"] for member in entry["members"] if self.chance.random() < 0.7] or [entry["members"][0]["person_id"]]
        on = ("move", agreements(entry)) if transfer else ("admit", agreements(entry))
        actions: dict[str, list[tuple[str, dict[str, Any]]]] = {
            "offered": [("accept", {})] * 4 + [("decline", {"reason": "full"}), ("cancel", {"reason": "survivor_declined"})],
            "accepted": [on] * 4 + [("on-the-way", {}), ("no-show", {}), ("cancel", {"reason": "survivor_unreachable"})],
            "on_the_way": [on] * 3 + [("no-show", {})],
            "admitted": [("leave", {"persons": some}), ("discharge", {"persons": some, "destination": "family"}), ("transfer", {})],
        }
        action, body = self.chance.choice(actions[entry["state"]])
        await self.post(f"/placements/{entry['placement_id']}/{action}", body, role="placement_officer")

    async def decide(self) -> None:
        """A supervisor goes on for one group, or ends its search."""
        known = await self.household()
        chosen = self.chance.choice([self.case_id, *(group["group_id"] for group in known["groups"])])
        await self.post(f"/needs/{chosen}/{self.chance.choice(('resume', 'resume', 'end'))}")

    async def step(self) -> None:
        name = self.chance.choices(("split", "answer", "decide", "household", "triage", "time", "shelter"), (5, 16, 2, 2, 2, 3, 2 * self.builds))[0]
        self.done.append(name)
        match name:
            case "household":
                await self.triage([person for person in EVERYBODY if self.chance.random() < 0.8] or EVERYBODY[:1])
            case "triage":
                await self.triage(EVERYBODY[:4], needed=self.chance.random() < 0.7)
            case "time":
                await self.rig.advance(hours=self.chance.choice((0.5, 7, 25)))
            case "shelter":
                await self.rig.post("placement", "/shelters", json=a_shelter_body(a_room_body(self.chance.randint(1, 3))), role="operator")
            case _:
                await {"split": self.split, "answer": self.answer, "decide": self.decide}[name]()
        await self.rig.settle()
        if search_is_over(await self.facts()):
            await self.triage(EVERYBODY[:4], needed=False)  # as intake does
            await self.rig.settle()

    async def facts(self) -> list[Fact]:
        rows = await self.rig.sql("placement", "SELECT id, type, factversion, time, body FROM outbox WHERE subject = :case", case=self.case_id)
        return [*self.triages, *(Fact(r.id, "placement", r.factversion, r.type, r.time, json.loads(r.body)) for r in rows)]

    async def agrees(self) -> None:
        """Intake, which only heard the facts, sees what placement knows."""
        facts = await self.facts()
        said = [f for f in sorted(facts, key=lambda f: f.version) if f.producer == "placement"]
        searches, _ = _searches(said, self.triages[-1], _household(self.triages))
        needs = await self.rig.sql(
            "placement", "SELECT case_id, part_of, state, apart, persons FROM need WHERE case_id = :case OR part_of = :case", case=self.case_id
        )
        known = [AS_INTAKE_SEES[need.state] for need in needs if need.state in AS_INTAKE_SEES]
        # Whoever joined and is in no group yet looks for a bed, too.
        known += ["shelter_sought" for need in needs if need.state == "split" and {p["id"] for p in need.persons} - {str(a) for a in need.apart}]
        known.sort()
        told = [fact.type.split(".")[2] for fact in said]
        assert sorted(_going_on(searches)) == known, f"{self.done} {told} {searches} {needs}"
        inside = await self.rig.sql(
            "placement",
            "SELECT person_id::text FROM stay JOIN placement ON placement.id = placement_id"
            " WHERE ended_as IS NULL AND NOT isempty(during) AND placement.state = 'admitted'",
        )
        assert standing(facts).inside == {row.person_id for row in inside}, self.done


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_is_done_nobody_is_forgotten_and_intake_sees_what_is(rig: Rig, seed: int) -> None:
    await platform(rig, one_bed(), a_shelter_body(a_room_body(2)))
    walk = Walk(rig, seed)
    await walk.triage(EVERYBODY[:4])
    await rig.settle()
    for _ in range(STEPS):
        await walk.step()
        await nobody_is_forgotten(rig, walk.case_id)
        await walk.agrees()
    assert not await rig.sql("placement", "SELECT 1 FROM dead_letter")
    assert (await compare(replayable("placement", rig.services["placement"].settings.database_url.get_secret_value()), rig.nats)).clean
    assert walk.answers.get(200, 0) + walk.answers.get(201, 0) > 1, "something was done"


IN_BED = """
    SELECT person_id::text, placement_id::text FROM stay JOIN placement ON placement.id = placement_id
    WHERE ended_as IS NULL AND NOT isempty(during) AND placement.state = 'admitted' ORDER BY 1"""
# Who looks for a bed is tried again after a recovery, so that only who has one stands exactly where she did.
STANDS = """
    SELECT case_id, part_of, apart, kept_from, state = 'admitted' AS inside FROM need WHERE cardinality(apart) > 0 OR part_of IS NULL ORDER BY case_id"""


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_lost_hour_of_such_a_walk_is_told_again(rig: Rig, seed: int) -> None:
    await platform(rig, one_bed(), a_shelter_body(a_room_body(2)), a_shelter_body(a_room_body(3)))
    walk = Walk(rig, 1000 + seed)
    await walk.triage(EVERYBODY[:4])
    await rig.settle()
    for _ in range(STEPS // 2):
        await walk.step()
    folder = await backed_up(rig, "placement")
    walk.builds = False  # a shelter of the lost hour is registered again by people
    for _ in range(STEPS // 2):
        await walk.step()
    stands, slept = await rig.sql("placement", STANDS), await rig.sql("placement", IN_BED)
    await lose_since(rig, "placement", folder)
    assert (await rig.sql("placement", STANDS), await rig.sql("placement", IN_BED)) == (stands, slept), walk.done
    await nobody_is_forgotten(rig, walk.case_id)
    await walk.agrees()
    await agrees_with_the_streams(rig, "placement")
