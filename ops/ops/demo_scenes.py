"""What the demo shows on the screen, one scene at a time; every one of them is played on the platform's own parts."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import nats
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import Error as JetStreamError

from ops.demo_actors import ENDED, Script
from ops.demo_wire import AgencySystem, Api
from ops.platform import Platform

PATIENCE = 60.0
FOLLOWED = (3, 4, 5, 6, 7, 8, 9)
REHABILITATED, RETURNED, WIPED, CANARY = 8, 9, 10, 11
READERS = ("supervisor-dppapp", "supervisor-dinsos")
TRANSIT = "panti_transit"


@dataclass
class Scene:
    """One scene: what it is to show, how far it is, and whether it held; None while it is going on, or when it was left out."""

    number: int
    title: str
    said: str = ""
    held: bool | None = None
    left_out: bool = False


TITLES = (
    "intake is killed after a referral, and its receipt still comes",
    "an agency is denied another's case",
    "a family, through the whole path",
    "a case at home, without a bed",
    "someone at the door, admitted directly",
    "a survivor who refuses the bed",
    "nobody answers an offer, and the ladder runs",
    "a woman in rehabilitation, with a programme completed",
    "a family that went home and comes back",
    "the broker's data is wiped, and everything is equal again",
    "a canary's name searched everywhere",
)


@dataclass
class Stage:
    """What all scenes have: the platform's doors, the people, and the list of what was shown."""

    api: Api
    script: Script
    agencies: dict[str, AgencySystem]
    say: Callable[[str], None]
    mark: str
    platform: Platform | None = None
    shelters: list[dict[str, Any]] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=lambda: [Scene(n, title) for n, title in enumerate(TITLES, 1)])
    tracked: dict[int, str] = field(default_factory=dict)
    doors: int = 0

    def tell(self, number: int, words: str, *, held: bool | None = None) -> None:
        """A scene goes on, or ends."""
        scene = self.scenes[number - 1]
        scene.said, scene.held = words, held if held is not None else scene.held
        sign = {True: "[green]holds[/] ", False: "[red]BROKEN[/] ", None: ""}[held]
        self.say(f"[bold]scene {number}[/] {scene.title}: {sign}{words}")

    def leave_out(self, number: int, why: str) -> None:
        """A scene that cannot be played here."""
        self.scenes[number - 1].left_out = True
        self.scenes[number - 1].said = why
        self.say(f"[bold]scene {number}[/] {self.scenes[number - 1].title}: [yellow]left out[/], {why}")


def household(stage: Stage, name: str, story: str, **facts: Any) -> dict[str, Any]:
    """A referral of a household that a scene follows; its call-back is how the desk knows the story."""
    callback = f"Adegan {name}, +62 000 {uuid4().int % 9000 + 1000} {uuid4().int % 10000:04d}"
    stage.script.by_callback[callback] = story
    woman = {"role": "victim", "sex": "female", "age": 29, "name": f"Contoh {name}"}
    plain: dict[str, Any] = {
        "reference": f"ADEGAN-{stage.mark}-{name.upper()}",
        "urgency": "medium",
        "callback": callback,
        "channel": "hotline_wa",
        "area": "31.75.02",
        "violence_types": ["fisik"],
        "persons": [woman],
        "narrative": "Contoh adegan.",
        "screen": {"shelter_needed": False},
    }
    return plain | facts


def sheltered(urgency: str = "high") -> dict[str, Any]:
    """What a referral says of a household that needs a safe bed."""
    screen = {"shelter_needed": True, "shelter_grounds": ["threat_to_life", "perpetrator_is_family"], "perpetrator_areas": ["31.75.02"]}
    return {"urgency": urgency, "screen": screen}


async def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What the condition gives once it is true; its last false value after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (found := condition()) and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    return found


async def killed_intake(stage: Stage) -> None:
    """Scene 1: SIGKILL right after a referral was published; only a receipt means that intake has it."""
    if stage.platform is None:
        stage.leave_out(1, "no process of a deployment is killed")
        return
    agency, referral = stage.agencies["dppapp"], household(stage, "Terputus", "home")
    await agency.refer(referral)
    stage.platform.supervisor.kill("intake")
    killed = time.monotonic()
    stage.tell(1, "referral published, intake killed with SIGKILL")
    receipts = await until(lambda: agency.receipts.get(referral["reference"]))
    took = time.monotonic() - killed
    words = f"receipt {receipts[0][0]} after {took:.1f} s" if receipts else "no receipt"
    stage.tell(1, words, held=bool(receipts and receipts[0][0] == "accepted"))


async def denied(stage: Stage) -> None:
    """Scene 2: the follow id of another agency is not there, and neither are its receipts."""
    receipts = await until(lambda: [entry for found in stage.agencies["dppapp"].receipts.values() for entry in found if "follow_id" in entry[1]])
    if not receipts:
        stage.tell(2, "no receipt to try it with", held=False)
        return
    where = f"/intake/follow/{receipts[0][1]['follow_id']}"
    own = await stage.api.call("system-dppapp", "GET", where)
    other = await stage.api.call("system-rs-harapan", "GET", where)
    spy = stage.agencies["rs-harapan"]
    refused = "not tried"
    if spy.client is not None:
        with contextlib.suppress(nats.errors.Error):
            await spy.client.subscribe("receipt.dppapp.>")
            await spy.client.subscribe("case.>")
            await spy.client.flush(timeout=5)
        refused = f"{await until(lambda: len(spy.denials), 5)} permissions violations"
    held = own.is_success and other.status_code == 404 and (spy.client is None or len(spy.denials) > 1)  # noqa: PLR2004
    stage.tell(2, f"HTTP: its own agency {own.status_code}, another {other.status_code}; NATS: {refused}", held=held)


async def refer_households(stage: Stage, refer: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Scenes 3, 4 and 6 to 9: households whose way is followed from here; `refer` is dppapp's system at its door."""
    mother = {"role": "victim", "sex": "female", "age": 32, "name": "Contoh Ibu"}
    children = [{"role": "child", "sex": "female", "age": 8}, {"role": "child", "sex": "male", "age": 3}]
    told = {
        3: household(stage, "Keluarga", "family!", persons=[mother, *children], **sheltered()),
        4: household(stage, "Rumah", "home"),
        6: household(stage, "Menolak", "refuses", **sheltered("medium")),
        7: household(stage, "Sunyi", "silence", **sheltered()),
        REHABILITATED: household(stage, "Terampil", "rehabilitation!", **sheltered()),
        RETURNED: household(stage, "Kembali", "returns!", persons=[mother, children[0]], **sheltered()),
    }
    if stage.platform is None:
        del told[7]
        stage.leave_out(7, "the deployment's clocks are not sped up, so its ladder takes its hour")
    for number, referral in told.items():
        await refer(referral)
        stage.tell(number, "referred")
        stage.tracked[number] = referral["callback"]


async def at_the_door(stage: Stage) -> None:
    """Scene 5: two in the morning, name unknown; the case is opened from the admission."""
    for number, shelter in enumerate(stage.shelters, 1):
        if shelter["kind"] != TRANSIT:
            continue
        person = {"sex": "female", "age": 41, "role": "other", "agreement": "own"}
        body = {"shelter_id": shelter["shelter_id"], "persons": [person], "brought_by": "dinsos", "area": shelter["area"], "ppks": 11}
        answer = await stage.api.call(f"head-{number}", "POST", "/placement/admissions", body)
        if answer.is_success:
            stage.doors += 1
            stage.tracked[5] = answer.json()["case_id"]
            stage.tell(5, "let in at two in the morning; intake opened the case")
            return
    stage.tell(5, "no shelter could let anybody in", held=False)


async def timeline(stage: Stage, case_id: str) -> list[dict[str, Any]]:
    """A case's facts across the services, as the desk that takes part in it sees them."""
    for reader in READERS:
        if found := await stage.api.get(reader, f"/intake/cases/{case_id}/timeline"):
            return list(found)
    return []


EXPECTED = {
    3: ("offered", "accepted", "admitted", "assigned", "plan_approved", "reunified", "discharged", "followup_done", "closed"),
    4: ("triaged", "assigned", "completed", "plan_approved", "outcome_reached", "closed"),
    5: ("admitted_directly", "triaged", "assigned", "plan_approved", "discharged", "closed"),
    6: ("offered", "cancelled", "risk_changed", "assigned", "outcome_reached", "closed"),
    7: ("offered", "escalated", "expired", "admitted", "closed"),
    REHABILITATED: ("admitted", "plan_approved", "rehabilitation_started", "discharged", "rehabilitation_completed", "followup_done", "closed"),
    # What a return to a shelter begins anew is there twice.
    RETURNED: (*("admitted", "assigned", "completed", "plan_approved", "discharged") * 2, "reunified", "outcome_reached", "closed"),
}
NEVER = {4: "admitted", 6: "admitted"}


async def follow_to_the_end(stage: Stage, number: int) -> None:
    """Scenes 3 to 9: what happened to a household, as soon as its case has ended."""
    wanted = stage.tracked.get(number)
    if wanted is None:
        return
    case_id = wanted
    if number != 5:  # noqa: PLR2004 - the one at the door has a case from the start
        while not (case_id := stage.script.case_of.get(wanted, "")):
            await asyncio.sleep(0.5)
        stage.tracked[number] = case_id
    while stage.script.lines.get(case_id, {}).get("state") not in ENDED:
        await asyncio.sleep(0.5)
    await judge(stage, number)


async def judge(stage: Stage, number: int) -> None:
    """Whether a followed household's way has the steps that its scene is about."""
    if stage.scenes[number - 1].left_out:
        return
    case_id = stage.tracked.get(number, "")
    steps = [fact["type"].split(".")[2] for fact in await timeline(stage, case_id) if fact["type"].startswith("case.")] if case_id else []
    missing = sorted((Counter(EXPECTED[number]) - Counter(steps)).elements())
    if number == REHABILITATED and case_id and not await _completed(stage, case_id):
        missing.append("a programme completed with a certificate")
    if number in NEVER and NEVER[number] in steps:
        missing.append(f"never {NEVER[number]}")
    way = " > ".join(dict.fromkeys(steps))
    stage.tell(number, f"{way}{'; missing: ' + ', '.join(missing) if missing else ''}", held=not missing)


async def _completed(stage: Stage, case_id: str) -> bool:
    """Whether somebody of a case completed a programme."""
    taken = await stage.api.get("supervisor-dinsos", f"/assessment/cases/{case_id}/enrolments") or []
    return any(entry["stage"] == "completed" and entry["certificate"] for entry in taken)


async def stored_ids(platform: Platform, stream: str = "CASES") -> list[str]:
    """The event ids that a stream holds, read with the provisioner's credentials."""
    client = await nats.connect(
        platform.nats.url, user="provisioner", password=platform.secrets.passwords["provisioner"], inbox_prefix="_INBOX_provisioner"
    )
    try:
        js = client.jetstream(timeout=5)
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, headers_only=True, inactive_threshold=30, mem_storage=True)
        pull = await js.pull_subscribe("", stream=stream, config=config, pending_bytes_limit=2**26)
        total = (await js.stream_info(stream)).state.messages
        found: list[str] = []
        while len(found) < total:
            try:
                messages = await pull.fetch(500, timeout=2)
            except TimeoutError:
                break
            found += [(message.headers or {}).get("ce-id", "") for message in messages]
        return found
    finally:
        await client.close()


async def wiped_broker(stage: Stage) -> None:
    """Scene 10: everything that the broker stored is destroyed while cases are under way; every fact is said again from the stores."""
    platform = stage.platform
    if platform is None:
        stage.leave_out(WIPED, "no broker of a deployment is stopped")
        return
    before = set(await stored_ids(platform))
    await asyncio.to_thread(platform.nats.stop)
    platform.nats.wipe()
    stage.tell(WIPED, f"broker stopped, its store with {len(before)} facts deleted")
    await asyncio.to_thread(platform.nats.start)
    started = time.monotonic()
    missing, after = before, list[str]()
    while missing and time.monotonic() - started < PATIENCE:
        with contextlib.suppress(nats.errors.Error, JetStreamError, TimeoutError, OSError):
            after = await stored_ids(platform)
            missing = before - set(after)
        await asyncio.sleep(0.5)
    twice = len(after) - len(set(after))
    words = f"after {time.monotonic() - started:.0f} s {len(before) - len(missing)} of {len(before)} facts are back, {twice} twice"
    stage.tell(WIPED, words, held=not missing and not twice)
