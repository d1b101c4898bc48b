"""The sandbox: the same invented cases for the same seed, which move by themselves in the feed of their agency, and an end."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from ops.sandbox import Wanted, cases

from tests.recipes.test_recipes import until


def test_the_same_seed_gives_the_same_cases_and_as_many_as_are_wanted() -> None:
    first, again = ([entry.referral for entry in cases(Wanted("dinsos", seed=7, pace=6, minutes=2))] for _ in range(2))
    assert first == again
    assert len(first) == 12
    assert [entry.referral for entry in cases(Wanted("dinsos", seed=8, pace=6, minutes=2))] != first


@pytest.mark.servers
@pytest.mark.timeout(400)
def test_cases_move_by_themselves_in_the_feed_of_the_agency_and_the_sandbox_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ops.cli", "sandbox", "--agency", "polda-ppa", "--data", str(tmp_path), "--pace", "60", "--minutes", "3"]
    out = tmp_path / "out"
    with out.open("w") as told:
        process = subprocess.Popen(command, stdout=told, env={**os.environ, "COLUMNS": "1500", "TERM": "dumb"})
    try:
        text = until(lambda: "NAUNGAN_TOKEN" in out.read_text() and out.read_text(), "what a client needs")
        told_of = dict(re.findall(r"(NAUNGAN_[A-Z]+)\s*│\s*(\S+)", text))
        headers = {"Authorization": f"Bearer {told_of['NAUNGAN_TOKEN']}"}

        def moved() -> bool:
            answer = httpx.get(f"{told_of['NAUNGAN_URL']}/intake/feed", headers=headers, trust_env=False, timeout=30)
            said = [entry["event"] for entry in json.loads(answer.text)["events"]]
            return {"agency.opened.v1", "agency.triaged.v1", "agency.assessment_began.v1"} <= {event["type"] for event in said}

        until(moved, "cases to move")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert re.search(r"[1-9]\d* cases were referred", out.read_text())
    finally:
        process.kill()
        process.wait()
