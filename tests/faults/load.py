"""What people and agencies do while faults happen: a steady stream of invented households, and officers who carry each on.

The agencies' systems use NATS and desks use HTTP, as in life. The officers read their work from the stores, past all wires, and act
through the gateway alone; whoever gets no answer asks again under the same key.
"""

import asyncio
import contextlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4
from zlib import crc32

import asyncpg
import httpx
from ops.demo_actors import open_shop
from ops.demo_wire import AgencySystem, Api
from ops.identities import identities
from ops.platform import AGENCIES
from ops.population import Submission, draw_households
from ops.seed import demo_shelters

from ops import demo_outcomes
from tests.faults import queues
from tests.faults.houses import Houses
from tests.faults.world import World

DESKS = {"dppapp": "desk-dppapp", "dinsos": "desk-dinsos"}
SUPERVISORS = {"dppapp": "supervisor-dppapp", "dinsos": "supervisor-dinsos"}
# An answer that is no answer: the service, or who proves identities, is away; a clock that jumped makes tokens look old or early.
AWAY = frozenset({401, 429, 502, 503, 504})
AT_ONCE = 24
EVERY = 0.4
SOME = 40
ADULT = 18


@dataclass
class Journal:
    """What was accepted, as those outside know it: the ground truth of the checks."""

    sent: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    doors: int = 0
    nameless: int = 0
    surprises: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    systems: dict[str, AgencySystem] = field(default_factory=dict)

    def accepted(self, agency: str, reference: str, follow_id: str) -> None:
        """A submission was answered with a follow id."""
        self.sent.setdefault((agency, reference), set()).add(follow_id)

    def follow_ids(self) -> dict[tuple[str, str], set[str]]:
        """Under which follow ids each submission was answered, over both doors."""
        found = {key: set(ids) for key, ids in self.sent.items()}
        for agency, system in self.systems.items():
            for reference, receipts in system.receipts.items():
                if reference is None:
                    continue
                ids = {data["follow_id"] for _, data in receipts if "follow_id" in data}
                if ids:
                    found.setdefault((agency, reference), set()).update(ids)
        return found


class Load:
    """The load of one campaign; `start` begins it, `sent` ends when everything was submitted, `stop` sends everybody home."""

    def __init__(self, world: World, journal: Journal, seed: int, cases: int, seconds: float) -> None:
        self.world, self.journal = world, journal
        self.rng = Random(f"load:{seed}")
        self.drawn = draw_households(seed, cases, nik_province="99")
        self.seconds = seconds
        self.api = Api(world.platform.gateway)
        self.client = httpx.AsyncClient(base_url=world.platform.gateway, timeout=httpx.Timeout(15, connect=5), limits=_LIMITS, trust_env=False)
        # Of each service, so that those who wait for one that is away keep nobody else from working.
        self.some = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(AT_ONCE))
        self.busy: set[str] = set()
        self.submitted = 0
        self._tokens: dict[str, tuple[str, float]] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self._sending: asyncio.Task[Any] | None = None
        self.houses = Houses(self)
        self.workers = {str(who.subject): who.name for who in identities().values() if who.role == "peksos"}

    async def open(self) -> None:
        """Shelters and social workers register, and the agencies' systems connect."""
        await open_shop(self.api, demo_shelters(), {who.name: who.subject for who in identities().values() if who.role == "peksos"})
        passwords = self.world.platform.secrets.passwords
        self.journal.systems = {agency: AgencySystem(agency, self.world.platform.nats.url, passwords[agency]) for agency in AGENCIES}
        await asyncio.gather(*(system.start() for system in self.journal.systems.values()))

    def start(self) -> None:
        """Everybody begins."""
        self._sending = asyncio.create_task(self._send_all())
        for work in (self._desks, self.houses.work, self._social_workers, self._supervisors, self._inboxes):
            self._tasks.append(asyncio.create_task(self._always(work)))

    async def sent(self) -> None:
        """Until every household was submitted and, over HTTP, answered."""
        assert self._sending is not None
        await self._sending

    async def receipts(self, patience: float) -> None:
        """Until every referral over NATS has its receipt, or patience ends."""
        deadline = time.monotonic() + patience
        while any(system.without_receipt() for system in self.journal.systems.values()) and time.monotonic() < deadline:
            await asyncio.sleep(0.5)

    async def rest(self) -> None:
        """The officers go home; the agencies' systems still listen."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.houses.rest()

    async def stop(self) -> None:
        """Everybody goes home."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        await self.rest()
        await asyncio.gather(*(system.stop() for system in self.journal.systems.values()))
        await self.client.aclose()
        await self.api.close()

    # -- submissions --------------------------------------------------------------------------------------------------------------

    async def _send_all(self) -> None:
        started, pause = time.monotonic(), self.seconds / max(1, len(self.drawn))
        async with asyncio.TaskGroup() as households:
            for number, entry in enumerate(self.drawn):
                await asyncio.sleep(max(0.0, started + number * pause - time.monotonic()))
                households.create_task(self._send(entry))

    async def _send(self, entry: Submission) -> None:
        """One household over its door; a repetition takes either."""
        reference, referral = entry.referral.get("reference"), sheltered(entry.referral)
        named = isinstance(reference, str) and bool(reference) and not reference.startswith("#")
        over_nats = entry.door == "nats" if entry.duplicate_of is None or not named else self.rng.random() < 0.5
        if over_nats:
            system = self.journal.systems[entry.agency]
            if named:
                # Put down before it is published, so that it is sent again until it has its receipt, whatever happens in between.
                system._sent_at[reference] = time.monotonic()
                system.sent.setdefault(reference, []).append(json.dumps(referral).encode())
                with contextlib.suppress(Exception):
                    await system._publish(system.sent[reference][-1])
            else:
                self.journal.nameless += 1
                with contextlib.suppress(Exception):
                    await system.refer(referral)
        else:
            who = DESKS.get(entry.agency, f"system-{entry.agency}")
            async with self.some["reports"]:
                answer = await self.ask(who, "POST", "/intake/reports", referral, expected={422})
            if answer.is_success and named:
                self.journal.accepted(entry.agency, reference, answer.json()["follow_id"])
        self.submitted += 1

    # -- the way to a service -------------------------------------------------------------------------------------------------------

    async def token(self, who: str) -> str:
        """A token, new every quarter of an hour."""
        have = self._tokens.get(who)
        if have is None or have[1] < time.monotonic():
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self.client.post("/issuer/token", json={"identity": who})
                    if answer.is_success:
                        break
                await asyncio.sleep(0.3)
            have = self._tokens[who] = (str(answer.json()["access_token"]), time.monotonic() + 900)
        return have[0]

    async def ask(self, who: str, method: str, path: str, body: Any = None, expected: set[int] | frozenset[int] = frozenset()) -> httpx.Response:
        """One action under one key, asked for until there is an answer; one that nobody should get is noted down."""
        key, pause = uuid4().hex, 0.2
        while True:
            headers = {"Authorization": f"Bearer {await self.token(who)}", "Idempotency-Key": key}
            try:
                answer = await self.client.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in AWAY:
                break
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 1.5)
        if not answer.is_success and answer.status_code not in {404, 409, *expected}:
            template = "/".join("{}" if part.count("-") == 4 else part for part in path.split("/"))
            self.journal.surprises[f"{answer.status_code} {method} {template}: {answer.text[:200]}"] += 1
        return answer

    async def act(
        self,
        name: str,
        subject: str,
        who: str,
        path: str,
        body: Any = None,
        *,
        method: str = "POST",
        expected: set[int] | frozenset[int] = frozenset(),
    ) -> bool:
        """An officer's action on a subject that nobody else has in hand; whether it was done."""
        if subject in self.busy:
            return False
        self.busy.add(subject)
        try:
            async with self.some[path.split("/")[1]]:
                done = (await self.ask(who, method, path, {} if body is None else body, expected)).is_success
        finally:
            self.busy.discard(subject)
        self.journal.actions[name] += done
        return done

    async def _always(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError, TimeoutError):
                await asyncio.sleep(0.5)  # the store that is read here may be the one that is away
            await asyncio.sleep(EVERY)

    async def _all(self, *work: Awaitable[Any]) -> None:
        await asyncio.gather(*work)

    # -- officers -------------------------------------------------------------------------------------------------------------------

    async def _desks(self) -> None:
        """Triage what no rule triaged, end some cases early, and do the desk's tasks."""
        rows = await self.world.sql("intake", queues.UNTRIAGED, SOME)
        await self._all(*(self._triage(row) for row in rows))
        rows = await self.world.sql("intake", queues.TASKS, SOME)
        await self._all(*(self.act("desk task", str(r["task_id"]), _desk(r["agency"]), f"/intake/desk/{r['task_id']}/done") for r in rows))
        rows = await self.world.sql("intake", queues.UNDER_WAY, 200)
        await self._all(*(self._surprise(row) for row in rows if self.rng.random() < 0.03))

    async def _triage(self, row: Any) -> None:
        screen = json.loads(row["screen"])
        body = {
            "risk": row["urgency"],
            "red_flags": screen.get("red_flags", []),
            "shelter_needed": bool(screen.get("shelter_needed")),
            "shelter_grounds": screen.get("shelter_grounds", []),
        }
        case_id = str(row["case_id"])
        await self.act("triage", case_id, _desk(row["responsible_agency"]), f"/intake/cases/{case_id}/triage", body)

    async def _surprise(self, row: Any) -> None:
        """Life does not keep to the plan: a withdrawal, another risk, a police report, a team that is sent."""
        case_id, agency = str(row["case_id"]), row["responsible_agency"]
        who, where = _desk(agency), f"/intake/cases/{case_id}"
        match self.rng.randrange(8):
            case 0:
                await self.act("withdraw", case_id, who, f"{where}/withdraw", {"reason": "refused_service"})
            case 1:
                await self.act("refer out", case_id, who, f"{where}/refer-out", {"reason": "transferred"})
            case 2 | 3:
                body = {"risk": self.rng.choice(["high", "medium", "low"]), "shelter_needed": False}
                await self.act("risk changed", case_id, who, f"{where}/triage", body)
            case 4:
                await self.act("outreach", case_id, who, f"{where}/outreach", {"team": "dinsos"})
            case 5:
                await self.act("outreach result", case_id, "outreach-dinsos", f"{where}/outreach/result", {"result": "found"})
            case _:
                return

    async def _social_workers(self) -> None:
        """Assess, propose, make plans come true, and follow up on the day."""
        rows = await self.world.sql("assessment", queues.WORK, SOME)
        await self._all(*(self._work(row) for row in rows))
        rows = await self.world.sql("assessment", queues.FOLLOWUPS, SOME)
        await self._all(*(self._follow_up(row) for row in rows))

    async def _work(self, row: Any) -> None:
        who, case_id = self.workers.get(str(row["worker_id"])), str(row["case_id"])
        where, members = f"/assessment/cases/{case_id}", json.loads(row["members"])
        if who is None or not members:
            return
        first = members[0]["person_id"]
        match row["state"]:
            case "assigned":
                answers = {f"phq9_{n}": self.rng.randrange(3) for n in range(1, 10)}
                adult = next((m for m in members if m["age"] is None or m["age"] >= ADULT), None)
                if adult is not None:
                    body = {"person_id": adult["person_id"], "instrument": "phq9", "answers": answers}
                    await self.act("answers", case_id, who, f"{where}/answers", body, method="PUT")
                reason = {} if adult is not None else {"no_instrument_reason": "too_young"}
                await self.act("complete", case_id, who, f"{where}/complete", {"risk_view": {"band": "mild"}, **reason})
            case "assessed":
                outcomes = [
                    {"person_id": m["person_id"], "outcome": "rehabilitation" if m["person_id"] == first else "reunification"} for m in members
                ]
                if not row["sheltered"]:
                    outcomes = [entry | {"outcome": "services_at_home"} for entry in outcomes]
                agreed = {"agreed": "alternative_consenter", "consenter": "guardian", "reason": "unable_to_decide"}
                outcomes = [entry | {"agreement": agreed} for entry in outcomes]
                await self.act("plan", case_id, who, f"{where}/plan", {"outcomes": outcomes, "services": ["psikologis"]})
            case "plan_proposed":
                word, body = ("return", {"reason": "incomplete"}) if self.rng.random() < 0.05 else ("approve", {})
                await self.act(f"plan {word}", case_id, "supervisor-dinsos", f"{where}/plan/{word}", body)
            case "plan_approved":
                await self._fulfil(who, case_id, json.loads(row["goals"]))

    async def _fulfil(self, who: str, case_id: str, goals: dict[str, Any]) -> None:
        where = f"/assessment/cases/{case_id}"
        for person_id, goal in goals.items():
            person = {"person_id": person_id}
            if goal["progress"] == "rehabilitating":
                because = person | {"because": "provided_elsewhere"}
                await self.act("rehabilitated", case_id, "supervisor-dinsos", f"{where}/rehabilitation/complete", because)
                continue
            if goal["progress"] != "planned":
                continue
            for body in demo_outcomes.preparations(goal["outcome"], [person_id]):
                await self.act("prepare", case_id, who, f"{where}/preparations", body)
            await self.act("approve outcome", case_id, "supervisor-dinsos", f"{where}/outcomes/approve", person | demo_outcomes.APPROVAL)
            if goal["outcome"] == "rehabilitation":
                await self.act("rehabilitation", case_id, who, f"{where}/rehabilitation/start", person)
            elif goal["outcome"] == "reunification":
                await self.act("reunify", case_id, who, f"{where}/reunify", person)
            else:
                await self.act("outcome", case_id, who, f"{where}/outcome", person)

    async def _follow_up(self, row: Any) -> None:
        who, case_id = self.workers.get(str(row["worker_id"])), str(row["case_id"])
        due = next((f for f in json.loads(row["followups"]) if f["state"] == "due"), None)
        if who is not None and due is not None and self.rng.random() < 0.8:
            result = self.rng.choices(["safe", "needs_support", "unsafe"], [95, 4, 1])[0]
            await self.act("follow-up", case_id, who, f"/assessment/cases/{case_id}/followups/{due['number']}/done", {"result": result})

    async def _supervisors(self) -> None:
        """Close what is ready to be closed."""
        rows = await self.world.sql("intake", queues.READY, SOME)
        closing = {"reason": "needs_met"}
        await self._all(
            *(
                self.act(
                    "close",
                    str(r["case_id"]),
                    SUPERVISORS.get(r["responsible_agency"], "supervisor-dinsos"),
                    f"/intake/cases/{r['case_id']}/close",
                    closing,
                )
                for r in rows
            )
        )

    async def _inboxes(self) -> None:
        """Somebody acknowledges what lies in an inbox."""
        rows = await self.world.sql("notifications", queues.NOTICES, 10)
        for row in rows:
            who = "desk-dinsos" if row["agency"] == "dinsos" else "desk-dppapp"
            await self.act("acknowledge", str(row["id"]), who, f"/notifications/inbox/{row['id']}/acknowledge")
        await asyncio.sleep(1)


def sheltered(referral: dict[str, Any]) -> dict[str, Any]:
    """The referral, of every third one with the wish for a bed: more than in life, so that houses fill and people wait and move.

    Which ones follows from the reference, so that a repetition says the same.
    """
    screen, reference = referral.get("screen"), referral.get("reference")
    if not isinstance(screen, dict) or not isinstance(reference, str) or crc32(reference.encode()) % 3:
        return referral
    return {**referral, "screen": {**screen, "shelter_needed": True, "shelter_grounds": ["threat_to_life"]}}


def _desk(agency: str) -> str:
    return DESKS.get(agency, "desk-dinsos")


_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=64)
