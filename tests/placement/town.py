"""A little town on several replicas of placement: people, heads, intake and time act at once, and all that must hold is looked at after each step.

Everything that is chosen follows from the seeds of an example; how the replicas' transactions meet does not, so that a seed shows the same town and
the same deeds again, and not always the same conflicts.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from random import Random
from typing import Any, ClassVar
from uuid import UUID

from chassis.store.failures import Fault, fault_of
from contracts.assessment import OutcomeReached
from contracts.grounds import EndReason
from contracts.household import Household
from contracts.intake import Withdrawn
from contracts.vocabulary import Outcome, Risk
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy.exc import DBAPIError

from tests.placement.builders import a_household_change, a_member, a_room_body, a_shelter_body, a_snapshot, a_triage
from tests.placement.invariants import MUST_BE_EMPTY
from tests.placement.steps import agreements
from tests.rig import Rig

EMPTY = """
    TRUNCATE absence, agreement, stay, placement, placement_step, need, unmet_need, decision, area_heard, bed_block, closure, census, staff_conflict, bed,
        room, unit, shelter, availability, clock CASCADE"""
LATE_CLOCKS = "UPDATE clock SET due = due + interval '10 hours' WHERE kind IN ('hold', 'arrival', 'transfer')"
LATER = "2100-01-01T00:00:00Z"
# What people may do with a placement in each of its states, the way on more often than the others; some of it is refused, by two at once.
FOR_A_TRANSFER = "transfer "
ACTIONS = {
    "offered": ("accept", "accept", "accept", "claim", "decline", "extend", "cancel"),
    "accepted": ("admit", "admit", "admit", "on-the-way", "extend", "no-show", "cancel"),
    "on_the_way": ("admit", "admit", "no-show", "cancel"),
    "admitted": ("transfer", "transfer", "transfer_some", "absences", "absences/back", "leave", "discharge", "came true"),
    "transfer offered": ("accept", "accept", "accept", "claim", "decline", "extend", "cancel"),
    "transfer accepted": ("move", "move", "move", "extend", "cancel"),
}
# Done, or refused because somebody else was first; 422 where a person is not there any more.
EXPECTED = frozenset({200, 201, 202, 404, 409, 422})
BY_SUPERVISORS = frozenset({"extend", "cancel", "transfer", "transfer_some"})
Runner = Callable[[Coroutine[Any, Any, Any]], Any]
Deed = Callable[[], Awaitable[None]]
seeds = st.integers(0, 2**32)


class Town(RuleBasedStateMachine):
    """The machine; `rig`, `run`, the `doors` of the replicas and what was `seen` are set by the test."""

    rig: ClassVar[Rig]
    run: ClassVar[Runner]
    doors: ClassVar[tuple[str, ...]]
    seen: ClassVar[Counter[str]]

    @initialize(seed=seeds, sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4))
    def open_shelters(self, seed: int, sizes: list[int]) -> None:
        # Of all examples, because the facts of those before stay: no id and no key comes twice.
        self.seen["examples"] += 1
        self.chance, self.ids = Random(seed), Random(f"{seed}:{self.seen['examples']}")
        self.cases: dict[UUID, Household] = {}
        self.shelters: dict[str, list[str]] = {}
        self.closures: list[tuple[str, str]] = []
        self.run(emptied(self.rig))
        for size in sizes:
            room = a_room_body(room_id=self._id()) | {"beds": [self._id() for _ in range(size)]}
            shelter = a_shelter_body(room, shelter_id=self._id())
            self.shelters[shelter["shelter_id"]] = room["beds"]
            self.run(self._ask("POST", "/shelters", shelter, "operator"))
        self.run(self._together([self._household] * 3))

    @rule(seed=seeds, at_once=st.integers(3, 10))
    def people_act_at_once(self, seed: int, at_once: int) -> None:
        self.run(self._storm(Random(seed), at_once))

    @rule(seed=seeds, at_once=st.integers(3, 10))
    def people_act_again(self, seed: int, at_once: int) -> None:
        self.run(self._storm(Random(seed), at_once))

    @rule(seed=seeds, at_once=st.integers(2, 6))
    def intake_asks_in_a_burst(self, seed: int, at_once: int) -> None:
        self.chance = Random(seed)
        self.run(self._together([self._household] * at_once))

    @rule(minutes=st.sampled_from([1, 11, 61, 95, 250, 400, 1500, 22_000, -20]))
    def the_clock_jumps(self, minutes: int) -> None:
        self.run(self.rig.advance(minutes=minutes))

    @rule(seed=seeds, minutes=st.sampled_from([5, 61, 95, 400, 1500]))
    def the_clock_jumps_while_people_act(self, seed: int, minutes: int) -> None:
        self.run(self._storm(Random(seed), 5, partial(self.rig.advance, minutes=minutes)))

    @rule(seed=seeds, at_once=st.integers(3, 8))
    def clocks_are_late_and_people_act_on_what_ran_out(self, seed: int, at_once: int) -> None:
        self.run(self._late(Random(seed), at_once))

    @invariant()
    def what_must_hold(self) -> None:
        self.run(self._holds())

    async def _holds(self) -> None:
        for what, statement in MUST_BE_EMPTY.items():
            found = await self.rig.sql("placement", statement)
            assert found == [], (what, found)

    # -- everybody at once --------------------------------------------------------------------------------------------------------------

    async def _storm(self, chance: Random, at_once: int, *also: Deed) -> None:
        """Deeds of everybody on all doors at once, then calm; two may do the same, or the opposite, to the same household.

        Nobody closes a shelter or a bed while the clock jumps (`also`): whoever began before the jump, and waited past it for an offer's lock, says
        the time at which it began, and so seems to have been before that offer.
        """
        self.chance = chance
        listed = (await self.rig.get("placement", "/placements?most=1000", role="supervisor")).json()
        needs = await self.rig.sql("placement", "SELECT case_id, state FROM need ORDER BY case_id")
        live = [(entry, actions) for entry in sorted(listed, key=lambda entry: entry["placement_id"]) if (actions := actions_for(entry))]
        deeds: list[Deed] = [*also]
        while len(deeds) < at_once + len(also):
            if live and chance.random() < 0.6:
                entry, actions = chance.choice(live)
                deeds.append(partial(self._with_placement, chance.choice(actions), entry))
            else:
                others = self._others(needs)
                closing = [self._closure, self._bed]
                deeds.append(chance.choice([deed for deed in others if deed not in closing] if also else [*others, *closing]))
        await self._together(deeds)

    async def _late(self, chance: Random, at_once: int) -> None:
        """Holds run out and nobody ends them yet: their beds are free for others, and whoever answers late may be too late."""
        await self.rig.sql("placement", LATE_CLOCKS)
        await self.rig.advance(minutes=400)
        self.chance = chance
        await self._together([self._household, self._at_the_door, self._rematch])
        await self._storm(chance, at_once)

    async def _together(self, deeds: list[Deed]) -> None:
        await asyncio.gather(*(deed() for deed in deeds))
        await self.rig.settle()

    def _others(self, needs: list[Any]) -> list[Deed]:
        """What may be done that is not about one placement, the likelier of it more than once."""
        waiting = [row.case_id for row in needs if row.state == "waiting"]
        undecided = [row.case_id for row in needs if row.state in {"waiting", "no_show", "declined"}]
        found: list[Deed] = [
            self._household,
            self._household,
            self._at_the_door,
            self._rematch,
            self._closure,
            self._bed,
            self._night,
            self._conflict,
        ]
        found += [partial(self._by_hand, case_id) for case_id in waiting[:4]]
        found += [partial(self._search, case_id) for case_id in undecided[:4]]
        return found + [partial(self._intake_says_more, case_id) for case_id in list(self.cases)[-3:]]

    async def _ask(self, method: str, path: str, body: Any, role: str, what: str = "") -> Any:
        """One request at a door by chance; never an error of the service's own."""
        answer = await self.rig.send(method, self.chance.choice(self.doors), path, json=body, key=self._id(), role=role)
        assert answer.status_code in EXPECTED, (path, answer.status_code, answer.text)
        self.seen[f"{what or path} {answer.status_code}"] += 1
        return answer

    def _id(self) -> str:
        return str(UUID(int=self.ids.getrandbits(128), version=4))

    # -- placements ---------------------------------------------------------------------------------------------------------------------

    async def _with_placement(self, action: str, placement: dict[str, Any]) -> None:
        persons = [member["person_id"] for member in placement["members"]]
        if action == "came true":
            fact = OutcomeReached(person_id=UUID(persons[0]), outcome=Outcome.INDEPENDENT_LIVING)
            await self.rig.say(fact, subject=UUID(placement["case_id"]), factversion=self.chance.randrange(1, 1000))
            return
        bodies: dict[str, tuple[str, dict[str, Any]]] = {
            "decline": ("decline", {"reason": self.chance.choice(["full", "other"])}),
            "extend": ("extend", {"minutes": 30}),
            "cancel": ("cancel", {"reason": self.chance.choice(["survivor_unreachable", "survivor_declined", "no_longer_needed"])}),
            "admit": ("admit", agreements(placement)),
            "move": ("move", agreements(placement)),
            "leave": ("leave", {"persons": persons[:1]}),
            "discharge": ("discharge", {"persons": persons, "destination": "family"}),
            "absences": ("absences", {"persons": persons[:1], "back_by": LATER}),
            "absences/back": ("absences/back", {"persons": persons[:1]}),
            "transfer_some": ("transfer", {"persons": persons[:1], "reason": "own_wish", "agreed": True}),
        }
        path, body = bodies.get(action, (action, {}))
        role = "supervisor" if action in BY_SUPERVISORS else "placement_officer"
        await self._ask("POST", f"/placements/{placement['placement_id']}/{path}", body, role, action)

    # -- needs --------------------------------------------------------------------------------------------------------------------------

    async def _household(self) -> None:
        children = [a_member("female", 8 + number, "child", id=UUID(self._id())) for number in range(self.chance.choice([0, 0, 1, 2]))]
        known, case_id = a_snapshot(a_member(id=UUID(self._id())), *children), UUID(self._id())
        self.cases[case_id] = known
        await self.rig.say(a_triage(household=known, risk=self.chance.choice(list(Risk))), subject=case_id)

    async def _intake_says_more(self, case_id: UUID) -> None:
        known = self.cases[case_id]
        match self.chance.randrange(3):
            case 0 if len(known.persons) < 4:
                born = a_member("female", 7, "child", id=UUID(self._id()))
                known = self.cases[case_id] = a_snapshot(*known.persons, born, revision=known.revision + 1)
                await self.rig.say(a_household_change(known), subject=case_id, factversion=known.revision + 1)
            case 1:
                await self.rig.say(Withdrawn(reason=EndReason.REFUSED_SERVICE), subject=case_id, factversion=99)
            case _:
                fact = a_triage(household=known, risk=self.chance.choice(list(Risk)), shelter_needed=self.chance.random() < 0.7)
                await self.rig.say(fact, subject=case_id, factversion=self.chance.randrange(2, 90))

    async def _by_hand(self, case_id: UUID) -> None:
        body = {"shelter_id": self.chance.choice(list(self.shelters)), "reason": "survivor_wish"}
        await self._ask("POST", f"/needs/{case_id}/offer", body, "placement_officer", "by hand")

    async def _search(self, case_id: UUID) -> None:
        word = self.chance.choice(["resume", "resume", "end"])
        await self._ask("POST", f"/needs/{case_id}/{word}", {}, "placement_officer", word)

    async def _rematch(self) -> None:
        await self._ask("POST", "/waiting/rematch", {}, "placement_officer")

    # -- shelters -----------------------------------------------------------------------------------------------------------------------

    async def _at_the_door(self) -> None:
        woman = {"sex": "female", "age": 30, "agreement": "own"}
        body = {"shelter_id": self.chance.choice(list(self.shelters)), "persons": [woman], "brought_by": "dinsos", "area": "31.71.01"}
        await self._ask("POST", "/admissions", body, "placement_officer")

    async def _closure(self) -> None:
        if self.closures and self.chance.random() < 0.7:
            shelter, closure = self.closures.pop()
            await self._ask("POST", f"/shelters/{shelter}/closures/{closure}/end", {}, "placement_officer", "open")
            return
        shelter = self.chance.choice(list(self.shelters))
        answer = await self._ask(
            "POST", f"/shelters/{shelter}/closures", {"kind": self.chance.choice(["closed", "full"])}, "placement_officer", "close"
        )
        self.closures.append((shelter, answer.json()["closure_id"]))

    async def _bed(self) -> None:
        bed = self.chance.choice(self.chance.choice(list(self.shelters.values())))
        if self.chance.random() < 0.5:
            await self._ask("POST", f"/beds/{bed}/cleaned", {}, "placement_officer", "cleaned")
        else:
            out = self.chance.random() < 0.4
            await self._ask("PUT", f"/beds/{bed}", {"out_of_service": out}, "placement_officer", "out of service" if out else "in service")

    async def _night(self) -> None:
        shelter = self.chance.choice(list(self.shelters))
        shown = (await self.rig.get(self.chance.choice(self.doors), f"/shelters/{shelter}/residents", role="placement_officer")).json()
        present = [row["person_id"] for row in shown["residents"]]
        await self._ask("POST", f"/shelters/{shelter}/census", {"night": shown["night"], "present": present}, "placement_officer", "census")

    async def _conflict(self) -> None:
        shelter = self.chance.choice(list(self.shelters))
        about = str(self.chance.choice(list(self.cases))) if self.cases else self._id()
        path = f"/shelters/{shelter}/conflicts"
        if self.chance.random() < 0.5:
            await self._ask("POST", path, {"about": about}, "placement_officer", "conflict")
        else:
            await self._ask("POST", f"{path}/{about}/end", {}, "placement_officer", "conflict over")


def actions_for(placement: dict[str, Any]) -> tuple[str, ...]:
    """What people may do with a placement as it is."""
    state: str = placement["state"]
    asks_to_move = placement["transfer_of"] is not None and state in {"offered", "accepted"}
    return ACTIONS.get(FOR_A_TRANSFER + state if asks_to_move else state, ())


async def emptied(rig: Rig) -> None:
    """Empty the store for the next example; the replicas' loops look into it meanwhile, and may be met."""

    async def empty() -> bool:
        try:
            await rig.sql("placement", EMPTY)
        except DBAPIError as error:
            if fault_of(error) is Fault.CONFLICT:
                return False
            raise
        return True

    await rig.until(empty)
