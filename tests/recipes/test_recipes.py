"""The recipes against the real platform: publish, receipt, refusal, follow, replay; killed in between, and the broker killed under them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recipes.python.reducer import Dashboard
from tests.flows.people import a_referral
from tests.npm import installed

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]
RECIPES = Path(__file__).parents[2] / "recipes"
PATIENCE = 60.0


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

    def token(self, agency: str) -> str:
        answer = httpx.post(f"{self.where['url']}/issuer/token", json={"identity": f"system-{agency}"}, trust_env=False)
        return str(answer.raise_for_status().json()["access_token"])

    def cases(self, agency: str) -> dict[str, Any]:
        """The snapshot of an agency's cases."""
        headers = {"Authorization": f"Bearer {self.token(agency)}"}
        answer = httpx.get(f"{self.where['url']}/intake/feed/snapshot", headers=headers, trust_env=False, timeout=30).raise_for_status().json()
        assert answer["next"] is None
        return {case["follow_id"]: case for case in answer["cases"]}

    def kill_broker(self) -> None:
        """End the broker at once; the platform starts it again."""
        os.kill(int(Path(self.where["broker"]).read_text()), signal.SIGKILL)


@dataclass
class System:
    """An agency's system: its recipes, by language, and what they keep."""

    running: Running
    agency: str
    command: list[str]
    folder: Path
    nats: str
    refer: list[str]
    follow: list[str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, arguments: list[str], referrals: list[dict[str, Any]] | None = None) -> subprocess.Popen[str]:
        """Start a recipe; what it prints goes on in a file of its own."""
        told = {
            "PATH": os.environ["PATH"],
            "NAUNGAN_AGENCY": self.agency,
            "NAUNGAN_NATS": self.nats,
            "NAUNGAN_PASSWORD": self.running.where["passwords"][self.agency],
            "NAUNGAN_URL": self.running.where["url"],
            "NAUNGAN_TOKEN": self.running.token(self.agency),
            "NAUNGAN_RESEND": "1",
        }
        source = self.folder / f"in-{len(self.processes)}"
        source.write_text("".join(json.dumps(referral) + "\n" for referral in referrals or []))
        out = (self.folder / arguments[0]).with_suffix(".out").open("a")
        errors = (self.folder / arguments[0]).with_suffix(".err").open("a")
        with source.open() as lines, out, errors:
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

    def heard(self) -> set[str]:
        """The references of which it heard that their case is open."""
        events = [*self.printed(self.follow), *(entry.get("event", entry) for entry in self.began)]
        return {event["data"]["reference"] for event in events if event.get("type") == "agency.opened.v1"} | {
            case["reference"] for entry in self.began for case in entry.get("snapshot", [])
        }

    began: list[dict[str, Any]] = field(default_factory=list)

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


@pytest.fixture
def systems(running: Running, tmp_path: Path) -> Iterator[Callable[..., System]]:
    made: list[System] = []

    def make(agency: str, language: str, way: str) -> System:
        folder = tmp_path / agency
        node = language == "node"
        shutil.copytree(RECIPES / language, folder) if not node else installed(RECIPES / "node", tmp_path).rename(folder)
        kept = "events.jsonl" if node else "events.db"
        commands = {"python": [sys.executable], "node": ["node"], "java": ["java", "Agency.java"]}
        end = ".mjs" if node else ".py"
        refer, follow = [f"refer_{way}{end}", *(["referrals"] if way == "nats" else [])], [f"follow_{way}{end}", kept]
        if language == "java":
            refer, follow = ["refer"], ["follow", "events.txt"]
        nats = running.where["websocket" if node else "nats"]
        made.append(System(running, agency, commands[language], folder, nats, refer, follow))
        return made[-1]

    yield make
    for system in made:
        system.end()


def some(agency: str, *numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [a_referral(f"{agency}/{number}", shelter=False, **changes) for number in numbers]


def referred(system: System, referrals: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Refer, and wait for the receipts of all."""
    process = system.start(system.refer, referrals)
    wanted = {referral["reference"] for referral in referrals}
    until(lambda: wanted <= system.receipts().keys(), f"receipts of {system.agency}")
    until(lambda: process.poll() is not None, "its end")
    return system.receipts()


def lived(system: System, running: Running) -> None:
    """The life of an agency's system, and the misfortunes of it."""
    agency = system.agency
    follower = system.start(system.follow)
    first = some(agency, 1, 2, 3)
    wrong = [{"reference": f"{agency}/4", "callback": "+62 000"}]
    odd = some(agency, 5, area="99.99.99")
    referring = system.start(system.refer, [*first, *wrong, *odd])
    until(lambda: system.receipts() or referring.poll() is not None, "the first receipt")
    referring.kill()
    referring.wait()
    receipts = referred(system, [*first, *wrong, *odd])
    kinds = {reference: receipt["receipt"] for reference, receipt in receipts.items()}
    assert kinds == {f"{agency}/{n}": kind for n, kind in enumerate(["accepted"] * 3 + ["rejected", "incomplete"], 1)}
    assert {"field": "urgency", "code": "missing"} in receipts[f"{agency}/4"]["problems"]
    assert "area" in {problem["field"] for problem in receipts[f"{agency}/5"]["problems"]}
    taken = {f"{agency}/{n}" for n in (1, 2, 3, 5)}
    until(lambda: taken <= system.heard(), f"{agency} to hear of its cases")

    follower.kill()
    follower.wait()
    referred(system, some(agency, 6))
    system.start(system.follow)
    until(lambda: f"{agency}/6" in system.heard(), f"{agency} to go on")

    running.kill_broker()
    referred(system, some(agency, 7, 8))
    until(lambda: {f"{agency}/7", f"{agency}/8"} <= system.heard(), f"{agency} to go on after the broker")

    again = referred(system, some(agency, 1))
    assert again[f"{agency}/1"]["follow_id"] == receipts[f"{agency}/1"]["follow_id"]
    events = system.printed(system.follow)
    assert len({event["id"] for event in events}) == len(events), "each is told once"
    assert {case["reference"] for case in running.cases(agency).values()} == taken | {f"{agency}/{n}" for n in (6, 7, 8)}
    until(lambda: replayed(events := system.printed(system.follow)) == running.cases(agency) or not events, "state by replay = snapshot")


def replayed(events: list[dict[str, Any]]) -> dict[str, Any]:
    dashboard = Dashboard()
    for event in events:
        dashboard.hear(event)
    return dashboard.cases


@pytest.mark.parametrize(("language", "agency"), [("python", "polda-ppa"), ("node", "rs-harapan")])
def test_over_nats(running: Running, systems: Callable[..., System], language: str, agency: str) -> None:
    lived(systems(agency, language, "nats"), running)


def test_over_http(running: Running, systems: Callable[..., System]) -> None:
    began = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    for language, agency in (("python", "polda-ppa"), ("node", "rs-harapan")):
        system = systems(agency, language, "http")
        lived(system, running)
        replay = system.start([system.follow[0], "--since", began])
        assert replay.wait(30) == 0
        events = system.printed(system.follow)
        assert replayed(events) == running.cases(agency)
        assert len(events) == 2 * len({event["id"] for event in events}), "a replay says each once more"


@pytest.mark.skipif(shutil.which("javac") is None, reason="no JDK is here")
def test_java_over_http(running: Running, systems: Callable[..., System]) -> None:
    system = systems("dinsos", "java", "http")
    follower = system.start(system.follow)
    system.start(system.refer, [*some("dinsos", 1, 2), {"reference": "dinsos/3", "callback": "+62 000"}])
    until(lambda: len(system.printed(system.refer)) == 3, "three answers")
    answers = system.printed(system.refer)
    assert [answer.get("receipt") for answer in answers] == ["accepted", "accepted", None]
    assert answers[2]["errors"] == [{"field": "urgency", "code": "missing"}]
    until(lambda: system.heard() == {"dinsos/1", "dinsos/2"}, "both")
    follower.kill()
    follower.wait()
    system.start(system.refer, some("dinsos", 4))
    system.start(system.follow)
    until(lambda: system.heard() == {"dinsos/1", "dinsos/2", "dinsos/4"}, "what came meanwhile")
    events = system.printed(system.follow)
    assert len({event["id"] for event in events}) == len(events)
    until(lambda: replayed(system.printed(system.follow)) == running.cases("dinsos"), "state by replay = snapshot")
