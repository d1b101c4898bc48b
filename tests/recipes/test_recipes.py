"""The recipes against the real platform: publish, receipt, refusal, follow, replay; killed in between, and the broker killed under them."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recipes.python.reducer import Dashboard
from tests.flows.people import a_referral
from tests.npm import installed

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]
RECIPES = Path(__file__).parents[2] / "recipes"
PATIENCE = 120.0  # a machine that does much else meanwhile starts a platform in more than a minute


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until something is there, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.1)
    return found


@dataclass
class Running:
    """A platform that runs, as agencies reach it."""

    where: dict[str, Any]
    killing: threading.Lock = field(default_factory=threading.Lock)

    def token(self, agency: str) -> str:
        answer = httpx.post(f"{self.where['url']}/issuer/token", json={"identity": f"system-{agency}"}, trust_env=False, timeout=30)
        return str(answer.raise_for_status().json()["access_token"])

    def cases(self, agency: str) -> dict[str, Any]:
        """The snapshot of an agency's cases."""
        headers = {"Authorization": f"Bearer {self.token(agency)}"}
        answer = httpx.get(f"{self.where['url']}/intake/feed/snapshot", headers=headers, trust_env=False, timeout=30).raise_for_status().json()
        assert answer["next"] is None
        return {case["follow_id"]: case for case in answer["cases"]}

    def kill_broker(self) -> None:
        """End the broker at once; the platform starts it again."""
        with self.killing, contextlib.suppress(ProcessLookupError):
            os.kill(int(Path(self.where["broker"]).read_text()), signal.SIGKILL)
            time.sleep(1)  # two systems that kill it one after the other are to meet it alive in between


@dataclass
class System:
    """An agency's system: its recipes in one language and over one way, and what they keep in a folder."""

    running: Running
    name: str
    agency: str
    command: list[str]
    folder: Path
    refer: list[str]
    follow: list[str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, arguments: list[str], referrals: list[dict[str, Any]] | None = None) -> subprocess.Popen[str]:
        """Start a recipe; what it prints goes on in a file of its own."""
        where = self.running.where
        told = {
            "PATH": os.environ["PATH"],
            "NAUNGAN_AGENCY": self.agency,
            "NAUNGAN_NATS": where["nats" if "python" in self.name else "websocket"],
            "NAUNGAN_PASSWORD": where["passwords"][self.agency],
            "NAUNGAN_URL": where["url"],
            "NAUNGAN_TOKEN": self.running.token(self.agency),
            "NAUNGAN_RESEND": "1",
        }
        source = self.folder / f"in-{len(self.processes)}"
        source.write_text("".join(json.dumps(referral) + "\n" for referral in referrals or []))
        path = self.folder / arguments[0]
        with source.open() as lines, path.with_suffix(".out").open("a") as out, path.with_suffix(".err").open("a") as errors:
            process = subprocess.Popen([*self.command, *arguments], stdin=lines, stdout=out, stderr=errors, cwd=self.folder, env=told, text=True)
        self.processes.append(process)
        return process

    def printed(self, arguments: list[str]) -> list[dict[str, Any]]:
        """What a recipe printed so far, whole lines only."""
        path = (self.folder / arguments[0]).with_suffix(".out")
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def receipts(self) -> dict[str, dict[str, Any]]:
        return {str(receipt.get("reference")): receipt for receipt in self.printed(self.refer)}

    def began(self) -> list[dict[str, Any]]:
        """The snapshot that a follower over HTTP began with."""
        kept = self.folder / self.follow[-1]
        if not kept.exists() or "http" not in self.name:
            return []
        if kept.suffix == ".jsonl":
            first = kept.read_text().partition("\n")[0]
            return json.loads(first)["snapshot"] if first else []
        with contextlib.closing(sqlite3.connect(kept)) as db, contextlib.suppress(sqlite3.OperationalError):
            return [json.loads(row[0]) for row in db.execute("SELECT snapshot FROM began")]
        return []

    def known(self) -> dict[str, Any]:
        """Its own cases as the follower knows them, by reference."""
        dashboard = Dashboard()
        dashboard.start_from([] if self.name.startswith("java") else self.began())
        for event in self.printed(self.follow):
            dashboard.hear(event)
        return self.own(dashboard.cases)

    def own(self, cases: dict[str, Any]) -> dict[str, Any]:
        return {case["reference"]: case for case in cases.values() if str(case["reference"]).startswith(f"{self.name}/")}

    def some(self, *numbers: int, **changes: Any) -> list[dict[str, Any]]:
        return [a_referral(f"{self.name}/{number}", shelter=False, **changes) for number in numbers]

    def names(self, *numbers: int) -> set[str]:
        return {f"{self.name}/{number}" for number in numbers}

    def agrees(self) -> None:
        """What it made of its feed is what the snapshot says, and each event was told once."""
        until(lambda: self.known() == self.own(self.running.cases(self.agency)), f"{self.name}: state by replay = snapshot")
        ids = [event["id"] for event in self.printed(self.follow)]
        assert len(set(ids)) == len(ids), "each is told once"

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    command = [sys.executable, "-m", "tests.recipes.platform_process", str(tmp_path / "platform")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        yield Running(json.loads(process.stdout.readline()))
    finally:
        process.communicate(timeout=60)


def a_system(running: Running, folder: Path, language: str, way: str, agency: str) -> System:
    """A copy of a language's recipes; Node's with its packages."""
    name = f"{language}-{way}"
    copy = folder / name
    if language == "node":
        copy.mkdir()
        copy = installed(RECIPES / "node", copy)
        return System(running, name, agency, ["node"], copy, [f"refer_{way}.mjs", "referrals.jsonl"], [f"follow_{way}.mjs", "events.jsonl"])
    shutil.copytree(RECIPES / language, copy)
    if (language, way) == ("java", "nats"):
        return System(running, name, agency, ["java", "AgencyNats.java"], copy, ["refer", "referrals.txt"], ["follow", "events.txt"])
    if language == "java":
        return System(running, name, agency, ["java", "Agency.java"], copy, ["refer"], ["follow", "events.txt"])
    return System(running, name, agency, [sys.executable], copy, [f"refer_{way}.py", "referrals.db"], [f"follow_{way}.py", "events.db"])


def referred(system: System, referrals: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Refer, and wait for the receipts of all."""
    process = system.start(system.refer, referrals)
    wanted = {referral["reference"] for referral in referrals}
    until(lambda: wanted <= system.receipts().keys(), f"receipts of {system.name}")
    until(lambda: process.poll() is not None, f"{system.name} to end")
    return system.receipts()


def lives(system: System) -> None:
    """The life of an agency's system, and its misfortunes."""
    follower = system.start(system.follow)
    first = [*system.some(1, 2, 3), {"reference": f"{system.name}/4", "callback": "+62 000"}, *system.some(5, area="99.99.99")]
    referring = system.start(system.refer, first)
    until(lambda: system.receipts() or referring.poll() is not None, "the first receipt")
    referring.kill()
    referring.wait()
    receipts = referred(system, first)
    before = len(system.printed(system.refer))
    again = system.start(system.refer, first)
    until(lambda: again.poll() is not None, f"{system.name} to end when all is known")
    told = {receipt["reference"] for receipt in system.printed(system.refer)[before:]}
    assert told == {referral["reference"] for referral in first}, "a receipt that was kept by whoever was killed is told by the next"
    kinds = {reference: receipt["receipt"] for reference, receipt in receipts.items()}
    assert kinds == {f"{system.name}/{n}": kind for n, kind in enumerate(["accepted"] * 3 + ["rejected", "incomplete"], 1)}
    assert {"field": "urgency", "code": "missing"} in receipts[f"{system.name}/4"]["problems"]
    assert "area" in {problem["field"] for problem in receipts[f"{system.name}/5"]["problems"]}
    until(lambda: system.known().keys() == system.names(1, 2, 3, 5), f"{system.name} to hear of its cases")

    follower.kill()
    follower.wait()
    referred(system, system.some(6))
    system.start(system.follow)
    until(lambda: f"{system.name}/6" in system.known(), f"{system.name} to go on")

    system.running.kill_broker()
    referred(system, system.some(7, 8))
    until(lambda: system.names(7, 8) <= system.known().keys(), f"{system.name} to go on after the broker")
    assert referred(system, system.some(1))[f"{system.name}/1"]["follow_id"] == receipts[f"{system.name}/1"]["follow_id"]
    assert system.own(system.running.cases(system.agency)).keys() == system.names(1, 2, 3, 5, 6, 7, 8), (
        "one case of each, and none of what was refused"
    )
    system.agrees()


def replays(system: System, since: str) -> None:
    """A replay from a time says all once more."""
    before = len(system.printed(system.follow))
    assert system.start([system.follow[0], "--since", since]).wait(60) == 0
    again = system.printed(system.follow)[before:]
    dashboard = Dashboard()
    for event in again:
        assert dashboard.hear(event), "once"
    assert system.own(dashboard.cases) == system.own(system.running.cases(system.agency))
    if system.name.endswith("nats"):
        before = len(system.printed(system.follow))
        assert system.start([system.follow[0], "--since", since, "--types", "agency.opened.v1,agency.ended.v1"]).wait(60) == 0
        assert system.printed(system.follow)[before:] == [event for event in again if event["type"] == "agency.opened.v1"]


def lives_in_java(system: System) -> None:
    """What Java's recipe does: refer, and follow over HTTP."""
    follower = system.start(system.follow)
    system.start(system.refer, [*system.some(1, 2), {"reference": f"{system.name}/3", "callback": "+62 000"}])
    until(lambda: len(system.printed(system.refer)) == 3, "three answers")
    answers = system.printed(system.refer)
    assert [answer.get("receipt") for answer in answers] == ["accepted", "accepted", None]
    assert answers[2]["errors"] == [{"field": "urgency", "code": "missing"}]
    until(lambda: system.known().keys() == system.names(1, 2), "both")
    follower.kill()
    follower.wait()
    system.start(system.refer, system.some(4))
    system.start(system.follow)
    until(lambda: system.known().keys() == system.names(1, 2, 4), "what came meanwhile")
    system.agrees()


def on_the_command_line(running: Running, folder: Path, since: str) -> None:
    """The recipe for the `nats` command line: refer, receipts, follow and be killed, replay; the program itself where it is, or what stands in for it."""
    folder.mkdir()
    if shutil.which("nats") is None:
        stand_in = folder / "nats"
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("command_line.py")} "$@"\n')
        stand_in.chmod(0o755)
    where, agency = running.where, "dppapp"
    told = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "NAUNGAN_AGENCY": agency,
        "NAUNGAN_NATS": where["nats"],
        "NAUNGAN_PASSWORD": where["passwords"][agency],
    }
    command = ["sh", str(RECIPES / "nats-cli" / "agency.sh")]

    def run(*arguments: str) -> str:
        return subprocess.run([*command, *arguments], cwd=folder, env=told, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*command, *arguments], cwd=folder, env=told, start_new_session=True, stdout=subprocess.DEVNULL)

    def receipts() -> dict[str, Any]:
        run("receipts", "receipts.jsonl")
        return {receipt["reference"]: receipt for receipt in map(json.loads, (folder / "receipts.jsonl").read_text().splitlines())}

    def own(events: list[dict[str, Any]]) -> set[str]:
        return {
            event["data"]["reference"]
            for event in events
            if event["type"] == "agency.opened.v1" and str(event["data"]["reference"]).startswith("cli/")
        }

    referrals = [a_referral("cli/1", shelter=False, narrative="{{ Random 10 100 }} as it was told"), a_referral("cli/2", shelter=False)]
    (folder / "referrals.jsonl").write_text("\n".join(map(json.dumps, [*referrals, {"reference": "cli/3", "callback": "+62 000"}])))
    run("refer", "referrals.jsonl")
    until(lambda: receipts().keys() >= {"cli/1", "cli/2", "cli/3"}, "receipts on the command line")
    assert "follow_id" in receipts()["cli/1"]
    assert {"field": "urgency", "code": "missing"} in receipts()["cli/3"]["problems"]

    heard = folder / "events.log"
    follow_ids = {receipts()[name]["follow_id"] for name in ("cli/1", "cli/2")}
    for _ in range(2):  # killed after the first thing that it hears, and started again
        follower = start("follow", "events.log")
        until(lambda: heard.exists() and "ce-id" in heard.read_text(), "an event on the command line")
        os.killpg(follower.pid, signal.SIGKILL)
        follower.wait()
    follower = start("follow", "events.log")
    until(lambda: all(f"ce-subject: {one}" in heard.read_text() for one in follow_ids), "both cases on the command line")
    os.killpg(follower.pid, signal.SIGKILL)
    follower.wait()

    events = [json.loads(line) for line in run("replay", since).splitlines()]
    assert own(events) == {"cli/1", "cli/2"}
    chosen = [json.loads(line) for line in run("replay", since, "agency.opened.v1", "agency.ended.v1").splitlines()]
    assert chosen == [event for event in events if event["type"] in {"agency.opened.v1", "agency.ended.v1"}]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run("replay", since, "agency.known_before.v1")
    assert "unknown_code" in refused.value.stderr


def test_clients_of_each_language_and_way_live_through_their_own_crash_and_the_brokers(running: Running, tmp_path: Path) -> None:
    began = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    wanted = [("python", "nats", "polda-ppa"), ("python", "http", "rs-harapan")]
    systems, left_out = [a_system(running, tmp_path, *each) for each in wanted], ""
    try:
        systems += [a_system(running, tmp_path, "node", way, agency) for way, agency in (("nats", "rs-harapan"), ("http", "polda-ppa"))]
    except pytest.skip.Exception as why:
        left_out = str(why)
    try:
        with ThreadPoolExecutor(len(systems)) as pool:
            for done in [pool.submit(lives, system) for system in systems]:
                done.result()
        for system in systems:
            replays(system, began)
        if shutil.which("jq"):
            on_the_command_line(running, tmp_path / "cli", began)
        else:
            left_out = "there is no jq for the command line's"
    finally:
        for system in systems:
            system.end()
    if left_out:
        pytest.skip(f"the other clients lived; left out: {left_out}")


def replays_in_java(system: System, since: str) -> None:
    """Java's recipe prints a replay page by page."""
    told: dict[str, list[dict[str, Any]]] = {}
    for name, types in (("all", []), ("some", ["agency.opened.v1"])):
        system.folder.joinpath("replay.out").unlink(missing_ok=True)
        assert system.start(["replay", since, *types]).wait(60) == 0
        told[name] = [entry["event"] for page in system.printed(["replay"]) for entry in page]
    dashboard = Dashboard()
    for event in told["all"]:
        assert dashboard.hear(event), "once"
    assert system.own(dashboard.cases) == system.own(system.running.cases(system.agency))
    assert told["some"] == [event for event in told["all"] if event["type"] == "agency.opened.v1"]


@pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK is here")
def test_clients_in_java_live_over_http_and_over_nats(running: Running, tmp_path: Path) -> None:
    began = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    over_http, over_nats = a_system(running, tmp_path, "java", "http", "dinsos"), a_system(running, tmp_path, "java", "nats", "polda-ppa")
    try:
        with ThreadPoolExecutor(2) as pool:
            for done in (pool.submit(lives_in_java, over_http), pool.submit(lives, over_nats)):
                done.result()
        replays_in_java(over_nats, began)
    finally:
        over_http.end()
        over_nats.end()
