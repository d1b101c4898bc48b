"""What happens in and between the shelters while faults happen: heads answer, people come, move and go, and a house is full for a while."""

import asyncio
import json
from typing import TYPE_CHECKING, Any

from ops.seed import demo_shelters

from tests.faults import queues

if TYPE_CHECKING:
    from tests.faults.load import Load

SOME = 40
ADULT = 18
OFFICER, SUPERVISOR = "placement-dinsos", "supervisor-dinsos"


class Houses:
    """The heads of the shelters and the placement officers; `work` is one look at what waits for them."""

    def __init__(self, load: "Load") -> None:
        self.load, self.rng = load, load.rng
        self.heads = {shelter["shelter_id"]: f"head-{number}" for number, shelter in enumerate(demo_shelters(), 1)}
        self._full: dict[str, str] = {}
        self._at_doors: set[asyncio.Task[None]] = set()

    async def work(self) -> None:
        """Heads answer and let in, officers send off and move people, some leave, and now and then somebody stands at the door."""
        load = self.load
        rows = await load.world.sql("placement", queues.OFFERS, SOME)
        await asyncio.gather(*(self._placement(row) for row in rows), self._fullness(), self._waiting_list())
        if self.rng.random() < 0.05:
            # Who stands at a door is let in although the officers go home: an admission that nobody counts would look like an invented case.
            going = asyncio.create_task(self.at_the_door())
            self._at_doors.add(going)
            await asyncio.shield(going)

    async def rest(self) -> None:
        """Until whoever stands at a door is in."""
        if self._at_doors:
            await asyncio.wait(self._at_doors, timeout=60)

    async def _placement(self, row: Any) -> None:
        subject, where, choice = str(row["id"]), f"/placement/placements/{row['id']}", self.rng.random()
        head, act = self.heads[str(row["shelter_id"])], self.load.act
        match row["state"]:
            case "offered" if choice < 0.8:
                await act("accept", subject, head, f"{where}/accept")
            case "offered" if choice < 0.85:
                await act("decline", subject, head, f"{where}/decline", {"reason": "full"})
            case "offered" if choice < 0.88:
                await act("survivor declines", subject, OFFICER, f"{where}/cancel", {"reason": "survivor_declined"})
            case "accepted" if row["transfer_of"]:
                await act("move", subject, head, f"{where}/move", _agreed(row))
            case "accepted":
                word = "on-the-way" if choice < 0.97 else "no-show"
                await act(word, subject, OFFICER if word == "on-the-way" else head, f"{where}/{word}")
            case "on_the_way":
                await act("admit", subject, head, f"{where}/admit", _agreed(row))
            case "no_show":
                await act("resume", subject, OFFICER, f"/placement/needs/{row['case_id']}/resume")
            case "admitted" if choice < 0.01:
                # Somebody of them may go at this moment: her plan came true.
                await act("leave", subject, head, f"{where}/leave", {"persons": row["inside"]}, expected={422})
            case "admitted" if choice < 0.06:
                await act("transfer", subject, OFFICER, f"{where}/transfer")

    async def _fullness(self) -> None:
        """A head calls her house full, so that a waiting list comes about, and opens it again after a while: a round for all who wait."""
        load = self.load
        for shelter, closure in list(self._full.items()):
            if self.rng.random() < 0.1:
                del self._full[shelter]
                await load.act("open", shelter, self.heads[shelter], f"/placement/shelters/{shelter}/closures/{closure}/end")
        if self.rng.random() < 0.4:
            shelter = self.rng.choice(list(self.heads))
            answer = await load.ask(self.heads[shelter], "POST", f"/placement/shelters/{shelter}/closures", {"kind": "full"})
            if answer.is_success:
                self._full[shelter] = answer.json()["closure_id"]
                load.journal.actions["full"] += 1

    async def _waiting_list(self) -> None:
        """Now and then the list is tried at a wish, or somebody is offered a house by hand."""
        if self.rng.random() < 0.1:
            await self.load.act("rematch", "rematch", OFFICER, "/placement/waiting/rematch")
        rows = await self.load.world.sql("placement", queues.WAITING, 5)
        for row in rows:
            if self.rng.random() < 0.1:
                body = {"shelter_id": self.rng.choice(list(self.heads)), "reason": "survivor_wish"}
                await self.load.act("by hand", str(row["case_id"]), OFFICER, f"/placement/needs/{row['case_id']}/offer", body)

    async def at_the_door(self) -> None:
        shelter = next(shelter for shelter in demo_shelters() if shelter["kind"] == "panti_transit")
        person = {"sex": "female", "age": self.rng.randrange(20, 60), "role": "other", "agreement": "own"}
        body = {"shelter_id": shelter["shelter_id"], "persons": [person], "brought_by": "dinsos", "area": shelter["area"], "ppks": 11}
        answer = await self.load.ask(self.heads[shelter["shelter_id"]], "POST", "/placement/admissions", body)
        self.load.journal.doors += answer.is_success


def _agreed(row: Any) -> dict[str, Any]:
    """Everyone who would come agreed."""
    return {"agreements": [{"person_id": member["id"], "agreement": _agreement(member)} for member in json.loads(row["members"])]}


def _agreement(member: dict[str, Any]) -> str:
    adult = member["role"] != "child" if member["age"] is None else member["age"] >= ADULT
    return "own" if adult else "own_view_and_consenter"
