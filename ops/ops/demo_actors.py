"""The officers of the demo: each works its own queue through the public APIs, as the story of the household asks for.

They share one `Script`: which household of the draw a case is, as a desk officer recognises it from the call-back number. People know
who sits in front of them; the platform is never asked for more than the role may see.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid5

import httpx

from ops import demo_outcomes
from ops.demo_wire import Api
from ops.identities import NAMESPACE
from ops.population import CANARY_NAME

Line = dict[str, Any]
ENDED = frozenset({"closed", "withdrawn", "referred_out", "contact_lost"})
SHELTERED_STORIES = frozenset({"family", "rehabilitation", "stays", "silence", "door"})
ADULT = 18
EVERY = 1.0
MOST = 500
MANY = 100_000  # open cases of an invented worker: as many as there are
WAITS_FOR_A_BED = 15.0
DECLINES = 0.12
RETURNS = 0.06
DESKS = {"dppapp": "desk-dppapp", "dinsos": "desk-dinsos"}
PROGRAMMES = ("skills_training", "counselling", "education")
SUPERVISORS = {"dppapp": "supervisor-dppapp", "dinsos": "supervisor-dinsos"}


@dataclass
class Script:
    """What the people in the demo know of each other, and what they have done already."""

    by_callback: dict[str, str] = field(default_factory=dict)
    stories: dict[str, str] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    case_of: dict[str, str] = field(default_factory=dict)
    before: frozenset[str] = frozenset()
    done: set[tuple[str, str]] = field(default_factory=set)
    offers: dict[str, list[str]] = field(default_factory=dict)
    waiting_since: dict[str, float] = field(default_factory=dict)
    waitlisted: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    to_approve: dict[tuple[str, str], None] = field(default_factory=dict)
    tasks_done: int = 0
    canaries: int = 0
    fullest: dict[str, int] = field(default_factory=dict)
    overfull: set[str] = field(default_factory=set)

    def once(self, case_id: str, action: str) -> bool:
        """True the first time only."""
        new = (case_id, action) not in self.done
        self.done.add((case_id, action))
        return new

    @property
    def open(self) -> list[Line]:
        """The cases of this demo that have not ended."""
        return [line for line in self.lines.values() if line["state"] not in ENDED]


# Nobody asked for their consent: a supervisor says why.
REFERRED_OUT = {"reason": "transferred", "basis": "public_duty", "override": "unable_to_decide"}


class Officers:
    """All officers at work until `stop`; `early` lets follow-ups be recorded before their day, where clocks are not sped up."""

    def __init__(self, api: Api, script: Script, shelters: list[str], peksos: int, *, early: bool) -> None:
        self.api, self.script, self.early = api, script, early
        self._followups: dict[str, list[tuple[float, int]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._shelters, self._peksos = shelters, peksos
        self._some = asyncio.Semaphore(10)
        self.failures: list[str] = []

    def start(self) -> None:
        """Everybody begins to work."""
        for agency in DESKS:
            self._keep(f"desk {agency}", partial(self._desk, agency), EVERY)
            self._keep(f"supervisor {agency}", partial(self._supervisor, agency), EVERY)
        for number, shelter in enumerate(self._shelters, 1):
            self._keep(f"head {number}", partial(self._head, f"head-{number}", shelter), 0.3)
        for number in range(1, self._peksos + 1):
            self._keep(f"peksos {number}", partial(self._social_worker, f"peksos-{number}"), EVERY)
        self._keep("placement officer", self._placement_officer, EVERY)
        self._keep("outreach", self._outreach, EVERY)
        self._keep("occupancy", self._look_at_occupancy, 1.5)
        self._keep("approvals", self._approvals, EVERY)

    async def stop(self) -> None:
        """Everybody goes home."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, name: str, step: Callable[[], Awaitable[None]], pause: float) -> None:
        async def forever() -> None:
            while True:
                try:
                    await step()
                except (httpx.HTTPError, TimeoutError) as error:
                    self.failures.append(f"{name}: {type(error).__name__}")
                    await asyncio.sleep(1)
                await asyncio.sleep(pause)

        self._tasks.append(asyncio.create_task(forever(), name=f"demo.{name}"))

    async def _each(self, work: Callable[[Any], Awaitable[None]], entries: list[Any]) -> None:
        """Do it for all, a few at a time."""

        async def one(entry: Any) -> None:
            async with self._some:
                await work(entry)

        await asyncio.gather(*(one(entry) for entry in entries))

    # -- the desk -------------------------------------------------------------------------------------------------------------------

    async def _desk(self, agency: str) -> None:
        """Look at every case that the agency leads: recognise it, triage it, and do what its story asks for; then the tasks."""
        desk = DESKS[agency]
        lines = [line for line in await self.api.get(desk, "/intake/cases", limit=MOST) or [] if line["case_id"] not in self.script.before]
        for line in lines:
            self.script.lines[line["case_id"]] = line
        mine = [line for line in lines if line["responsible_agency"] == agency and line["state"] not in ENDED]
        await self._each(lambda line: self._work_on(desk, agency, line), mine)
        tasks = await self.api.get(desk, "/intake/desk", limit=MOST) or []
        await self._each(lambda task: self._task(desk, task), tasks)

    async def _work_on(self, desk: str, agency: str, line: Line) -> None:
        case_id = line["case_id"]
        if case_id not in self.script.stories:
            seen = await self.api.get(desk, f"/intake/cases/{case_id}")
            if seen is None:
                return
            callback = seen["callback"] or ""
            self.script.case_of[callback] = case_id
            self.script.canaries += any(person["name"] == CANARY_NAME for person in seen["persons"])
            self.script.stories[case_id] = self.script.by_callback.get(callback, "door" if line["channel"] == "placement" else "home")
            await self._first_look(desk, seen)
        story = self.script.stories[case_id]
        if line["state"] == "reported":
            return
        unhoused = line["state"] not in {"sheltered", "accepted", "on_the_way"}
        if story == "information" and unhoused and self.script.once(case_id, "end"):
            await self.api.post(SUPERVISORS[agency], f"/intake/cases/{case_id}/close", {"reason": "information_only"})
        elif story == "referred_out" and self.script.once(case_id, "end"):
            await self.api.post(SUPERVISORS[agency], f"/intake/cases/{case_id}/refer-out", REFERRED_OUT)
        elif story == "withdraws" and self.script.once(case_id, "end"):
            await self.api.post(desk, f"/intake/cases/{case_id}/withdraw", {"reason": "refused_service"})
        elif story in {"street", "not_found", "street_refuses"} and self.script.once(case_id, "outreach"):
            await self.api.post(desk, f"/intake/cases/{case_id}/outreach", {"team": "dinsos"})
        elif story == "returns!":
            await self._return(desk, line, agency)
        elif case_id in self.script.gone and self.script.once(case_id, "end"):
            await self.api.post(desk, f"/intake/cases/{case_id}/withdraw", {"reason": "missing"})
        await self._without_a_bed(desk, line)

    async def _return(self, desk: str, line: Line, agency: str) -> None:
        """Somebody who went home asks for a bed again; when she lives elsewhere after that, the agencies there have her case."""
        case_id, state = line["case_id"], line["state"]
        if state == "monitoring" and self.script.once(case_id, "returns"):
            again = {"risk": "high", "shelter_needed": True, "shelter_grounds": ["threat_to_life"], "perpetrator_areas": ["31.75.02"]}
            await self.api.post(desk, f"/intake/cases/{case_id}/triage", again)
        elif state in {"assessment", "assessed", "planned", "outcome_under_way"} and (case_id, "returns") in self.script.done:
            self.script.once(case_id, "is back")
        elif state == "monitoring" and (case_id, "is back") in self.script.done and self.script.once(case_id, "end"):
            await self.api.post(SUPERVISORS[agency], f"/intake/cases/{case_id}/refer-out", REFERRED_OUT)

    async def _first_look(self, desk: str, seen: Line) -> None:
        """Triage what no rule triaged, and record the police report that the law asks for."""
        case_id, screen = seen["case_id"], seen["screen"]
        if seen["risk"] is None:
            needed = screen.get("shelter_needed")
            body = {
                "risk": seen["urgency"],
                "red_flags": screen.get("red_flags", []),
                "shelter_needed": seen["channel"] == "placement" if needed is None else needed,
                "shelter_grounds": screen.get("shelter_grounds", []),
                "perpetrator_areas": screen.get("perpetrator_areas", []),
            }
            await self.api.post(desk, f"/intake/cases/{case_id}/triage", body)
        if "seksual" in seen["violence_types"]:
            await self.api.post(desk, f"/intake/cases/{case_id}/police-report", {"reported_at": seen["opened_at"]})

    async def _without_a_bed(self, desk: str, line: Line) -> None:
        """Who waited too long in vain is helped where she is: triaged again, without a bed."""
        case_id = line["case_id"]
        if case_id not in self.script.waitlisted:
            self.script.waiting_since.pop(case_id, None)
            return
        since = self.script.waiting_since.setdefault(case_id, time.monotonic())
        if time.monotonic() - since > WAITS_FOR_A_BED and self.script.once(case_id, "no bed"):
            await self.api.post(desk, f"/intake/cases/{case_id}/triage", {"risk": line["risk"] or "medium", "shelter_needed": False})

    async def _task(self, desk: str, task: Line) -> None:
        await self.api.get(desk, f"/intake/desk/{task['task_id']}")
        self.script.tasks_done += await self.api.post(desk, f"/intake/desk/{task['task_id']}/done")

    async def _outreach(self) -> None:
        """The team reports what it found."""
        for case_id, story in list(self.script.stories.items()):
            line = self.script.lines[case_id]
            if (case_id, "outreach") not in self.script.done or "outreach" not in line["waiting_for"]:
                continue
            result = {"street": "found", "not_found": "not_found", "street_refuses": "refused"}[story]
            if self.script.once(case_id, "found"):
                await self.api.post("outreach-dinsos", f"/intake/cases/{case_id}/outreach/result", {"result": result})
                if result != "found":
                    desk = DESKS.get(line["responsible_agency"], "desk-dinsos")
                    reason = "missing" if result == "not_found" else "refused_service"
                    await self.api.post(desk, f"/intake/cases/{case_id}/withdraw", {"reason": reason})

    async def _supervisor(self, agency: str) -> None:
        """Close what is ready to be closed."""
        who = SUPERVISORS[agency]
        for line in await self.api.get(who, "/intake/cases", state="ready_to_close", limit=MOST) or []:
            if line["responsible_agency"] == agency:
                await self.api.post(who, f"/intake/cases/{line['case_id']}/close", {"reason": "needs_met"})

    # -- placement --------------------------------------------------------------------------------------------------------------------

    async def _head(self, who: str, shelter: str) -> None:
        """When called: answer offers, and let in who arrives with everyone's agreement."""
        if shelter not in self.script.called:
            return
        self.script.called.discard(shelter)
        for placement in await self.api.get(who, "/placement/placements") or []:
            story = self.script.stories.get(placement["case_id"])
            if story is None:
                continue
            where = f"/placement/placements/{placement['placement_id']}"
            if placement["state"] == "offered":
                await self._answer(who, where, placement, story)
            elif placement["state"] == "on_the_way":
                agreements = [{"person_id": m["person_id"], "agreement": _agreement(m)} for m in placement["members"]]
                await self.api.post(who, f"{where}/admit", {"agreements": agreements})

    async def _answer(self, who: str, where: str, placement: Line, story: str) -> None:
        offers = self.script.offers.setdefault(placement["case_id"], [])
        if placement["placement_id"] not in offers:
            offers.append(placement["placement_id"])
        if story == "refuses" or (story == "silence" and len(offers) == 1):
            return
        rng = Random(placement["placement_id"])  # noqa: S311 - a script, not a secret
        if story not in {"silence", "no_show"} and not story.endswith("!") and rng.random() < DECLINES:
            await self.api.post(who, f"{where}/decline", {"reason": rng.choice(["cannot_meet_needs", "full", "safety_conflict"])})
        else:
            await self.api.post(who, f"{where}/accept")

    async def _placement_officer(self) -> None:
        """Call the heads who have something to answer, send off who was accepted, take back what a survivor refuses, and report who never came.

        What waits for a bed in vain the desks hear of from here: an intake officer does not see how the search goes.
        """
        self.script.waitlisted = {need["case_id"] for need in await self.api.get("placement-dinsos", "/placement/waiting") or []}
        for placement in await self.api.get("placement-dinsos", "/placement/placements", most=MOST) or []:
            case_id, where = placement["case_id"], f"/placement/placements/{placement['placement_id']}"
            story = self.script.stories.get(case_id)
            if story is None:
                continue
            if placement["state"] in {"offered", "on_the_way"}:
                self.script.called.add(placement["shelter_id"])
            if placement["state"] == "offered" and story == "refuses":
                await self.api.post("placement-dinsos", f"{where}/cancel", {"reason": "survivor_declined"})
            elif placement["state"] == "accepted" and story != "no_show":
                await self.api.post("placement-dinsos", f"{where}/on-the-way")
            elif placement["state"] == "accepted" and self.early:
                await self.api.post("placement-dinsos", f"{where}/no-show")
            elif placement["state"] == "no_show":
                self.script.gone.add(case_id)

    async def _look_at_occupancy(self) -> None:
        """Keep the fullest that each shelter was: as the placement officer sees it, and with the supervisor's eyes if it was ever too full."""
        for row in await self.api.get("placement-dinsos", "/placement/occupancy") or []:
            name = row["name"] or f"all {row['kind']} ones"
            self.script.fullest[name] = max(self.script.fullest.get(name, 0), row["people"] + row["held"])
        for row in await self.api.get("supervisor-dinsos", "/placement/occupancy") or []:
            if row["beds"] is not None and row["people"] + row["held"] > row["beds"]:
                self.script.overfull.add(f"{row['name']}: {row['people']} and {row['held']} held in {row['beds']} beds")

    # -- assessment -------------------------------------------------------------------------------------------------------------------

    async def _social_worker(self, who: str) -> None:
        """Assess, propose plans, make them come true, and follow up on the day."""
        lines = await self.api.get(who, "/assessment/cases", most=1000) or []
        steps: Mapping[str, Callable[[str, str], Awaitable[None]]] = {
            "assigned": self._assess,
            "assessed": self._propose,
            "plan_approved": self._fulfil,
            "monitoring": self._follow_up,
        }
        todo = [line for line in lines if line["state"] in steps and line["case_id"] in self.script.stories]
        await self._each(lambda line: steps[line["state"]](who, line["case_id"]), todo)

    async def _assess(self, who: str, case_id: str) -> None:
        detail = await self.api.get(who, f"/assessment/cases/{case_id}")
        if detail is None:
            return
        where, rng = f"/assessment/cases/{case_id}", Random(case_id)  # noqa: S311 - a script, not a secret
        able = next((m for m in detail["members"] if m["age"] is None or m["age"] >= ADULT), None)
        if able is not None:
            level = rng.choice([0, 1, 1, 2])
            answers = {f"phq9_{n}": min(3, max(0, level + rng.choice([-1, 0, 0, 1]))) for n in range(1, 9)}
            answers["phq9_9"] = 1 if rng.random() < 0.05 else 0  # noqa: PLR2004 - about one in twenty
            body = {"person_id": able["person_id"], "instrument": "phq9", "answers": answers}
            await self.api.call(who, "PUT", f"{where}/answers", body)
        reason = {} if able is not None else {"no_instrument_reason": "too_young"}
        if await self.api.post(who, f"{where}/complete", {"risk_view": {"band": "mild"}, **reason}):
            await self._propose(who, case_id)

    async def _propose(self, who: str, case_id: str) -> None:
        detail = await self.api.get(who, f"/assessment/cases/{case_id}")
        if detail is None or detail["state"] != "assessed":
            return
        story = "stays" if detail["reentry"] else self.script.stories[case_id]
        first = next((m["person_id"] for m in detail["members"] if m["age"] is None or m["age"] >= ADULT), detail["members"][0]["person_id"])
        ends = {m["person_id"]: _outcome(story, first=m["person_id"] == first) for m in detail["members"]}
        outcomes = [{"person_id": m["person_id"], "outcome": ends[m["person_id"]], "agreement": _to_the_plan(m["age"])} for m in detail["members"]]
        services = ["psikologis", "penampungan_sementara" if detail["sheltered"] else "pengaduan"]
        await self.api.post(who, f"/assessment/cases/{case_id}/plan", {"outcomes": outcomes, "services": services})

    async def _approvals(self) -> None:
        """A supervisor approves plans, of which a few go back once, and outcomes that need it."""

        async def decide(line: Line) -> None:
            case_id = line["case_id"]
            if case_id not in self.script.stories:
                return
            back = Random(f"{case_id}|plan").random() < RETURNS and self.script.once(case_id, "returned")  # noqa: S311 - a script
            where = f"/assessment/cases/{case_id}/plan"
            await (self.api.post(who, f"{where}/return", {"reason": "incomplete"}) if back else self.api.post(who, f"{where}/approve"))

        who = SUPERVISORS["dinsos"]
        for case_id, person in list(self.script.to_approve):
            await self.api.post(who, f"/assessment/cases/{case_id}/outcomes/approve", {"person_id": person, **demo_outcomes.APPROVAL})
            del self.script.to_approve[case_id, person]
        await self._each(decide, await self.api.get(who, "/assessment/cases", state="plan_proposed", most=1000) or [])

    async def _fulfil(self, who: str, case_id: str) -> None:
        await demo_outcomes.fulfil(self.api, who, case_id, self.script.to_approve)

    async def _follow_up(self, who: str, case_id: str) -> None:
        """Record each follow-up on its day."""
        if case_id not in self._followups:
            detail = await self.api.get(who, f"/assessment/cases/{case_id}")
            known = detail["followups"] if detail else []
            self._followups[case_id] = [(_epoch(f["due_at"]), f["number"]) for f in known if f["state"] in {"planned", "due"}]
        todo = self._followups[case_id]
        now = time.time()
        for due, number in list(todo):
            if due > now and not self.early:
                continue
            rng = Random(f"{case_id}|{number}")  # noqa: S311 - a script, not a secret
            result = rng.choices(["safe", "needs_support", "unsafe"], [92, 6, 2])[0]
            done = await self.api.call(who, "POST", f"/assessment/cases/{case_id}/followups/{number}/done", {"result": result})
            todo.remove((due, number))
            if result == "unsafe" or not done.is_success:
                self._followups.pop(case_id, None)
                return
        if not todo:
            self._followups.pop(case_id, None)


def _epoch(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _agreement(member: Line) -> str:
    adult = member["role"] != "child" if member["age"] is None else member["age"] >= ADULT
    return "own" if adult else "own_view_and_consenter"


def _to_the_plan(age: int | None) -> dict[str, str]:
    child = age is not None and age < ADULT
    return {"agreed": "own_view_and_consenter", "own_view": "agrees", "consenter": "guardian"} if child else {"agreed": "agreed"}


def _outcome(story: str, *, first: bool) -> str:
    """What the plan leads to for one person of a household with this story."""
    if story == "stays":
        return "independent_living" if first else "kin_or_foster_care"
    if story.startswith("rehabilitation"):
        return "rehabilitation" if first else "reunification"
    if story in {"other_region", "door"}:
        return "return_to_other_region"
    return "reunification" if story in SHELTERED_STORIES or story.endswith("!") else "services_at_home"


async def open_shop(api: Api, shelters: list[dict[str, Any]], workers: Mapping[str, UUID]) -> None:
    """Register the demo's shelters, social workers and programmes; those of an earlier demo stay."""
    await asyncio.gather(
        *(api.call("operator", "POST", "/placement/shelters", shelter) for shelter in shelters),
        *(api.call("operator", "PUT", f"/assessment/workers/{subject}", {"agency": "dinsos", "most_cases": MANY}) for subject in workers.values()),
        *(api.call("operator", "PUT", f"/assessment/programmes/{uuid5(NAMESPACE, kind)}", demo_outcomes.programme(kind)) for kind in PROGRAMMES),
    )
