"""The key-encryption key of a running service is changed while people report and read, killed in between and called again."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from uuid import uuid4

import pytest
from chassis.store.keyring import name_of, read_keys
from ops.doctor import _keys
from pydantic import SecretStr

from ops import keys
from tests.chassis.transit import TOKEN, Transit
from tests.intake.builders import a_person, a_referral
from tests.ops.test_doctor import access
from tests.rig import Rig

OFFICER = {"role": "intake_officer", "agency": "dppapp"}
ENDLESS = """
import asyncio, sys
from pathlib import Path
from ops import keys
keys.CHUNK = 1
asyncio.run(keys.rotate(Path(sys.argv[1]), sys.argv[2], lambda done: print(done, flush=True)))
"""


async def report(rig: Rig) -> str:
    answer = await rig.post("intake", "/reports", json=a_referral(reference=uuid4().hex, persons=[a_person(name="Kanarya Mawar")]), **OFFICER)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_id"])


async def read(rig: Rig, case_id: str) -> None:
    answer = await rig.get("intake", f"/cases/{case_id}", **OFFICER)
    assert answer.json()["persons"][0]["name"] == "Kanarya Mawar", answer.text


@pytest.mark.timeout(240)
async def test_a_rotation_is_noticed_by_nobody_and_a_killed_one_goes_on(rig: Rig) -> None:
    await rig.start("intake")
    reached = access(rig, "intake")
    cases = [await report(rig) for _ in range(30)]
    (old,) = read_keys(reached.key_file)
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            cases.append(await report(rig))
            await read(rig, cases[len(cases) // 2])
            await read(rig, cases[-1])

    working = asyncio.create_task(work())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ENDLESS, str(reached.key_file), reached.keys, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    for _ in range(5):
        assert process.stdout is not None
        await process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    finding = await _keys(reached)
    assert finding.well
    assert finding.found.count(" by ") == 2, finding.found

    rotated = await asyncio.wait_for(keys.rotate(reached.key_file, reached.keys), 60)

    assert (rotated.others, rotated.current != name_of(old)) == ((name_of(old),), True), "the killed one's key, not a third"
    seen = len(cases)
    while len(cases) < seen + 3:
        await asyncio.sleep(0.02)
    stop.set()
    await working
    assert await keys.retire(reached.key_file, reached.keys) == [name_of(old)]
    await read(rig, cases[0])
    await read(rig, await report(rig))
    finding = await _keys(reached)
    assert finding.found.endswith(f"0 do not open ({finding.found.split()[0]} by {rotated.current} (wraps now))"), finding.found
    key = uuid4().hex
    same = a_referral(reference="SAME")
    answers = [await rig.post("intake", "/reports", json=same, key=key, **OFFICER)]
    await keys.rotate(reached.key_file, reached.keys)
    answers.append(await rig.post("intake", "/reports", json=same, key=key, **OFFICER))
    assert answers[0].json() == answers[1].json(), "what is repeated is still known"


@pytest.mark.timeout(120)
async def test_a_service_on_a_kms_waits_for_it_and_the_doctor_says_so(rig: Rig) -> None:
    kms = Transit()
    try:
        await rig.start("intake", key_file=None, kms_url=kms.url, kms_token=SecretStr(TOKEN))
        await read(rig, await report(rig))
        reached = replace(access(rig, "intake"), kms=rig.services["intake"].settings.key_source.kms)

        async def all_are_there() -> bool:  # the key to which agencies seal is made after the start
            return (await _keys(reached)).found.endswith("(6 by kms:naungan:v1 (wraps now))")

        await rig.until(all_are_there)
        kms.status = 503
        await rig.publish("referral.dppapp.submitted.v1", json.dumps(a_referral(reference="WAITS")).encode())
        calls = kms.calls
        await rig.until(lambda: _later(kms.calls > calls + 1))
        finding = await _keys(reached)
        assert (finding.well, "unseal it" in finding.found) == (False, True), finding
        assert await rig.sql("intake", "SELECT 1 FROM dead_letter") == []
        kms.status = 0
        await rig.settle()
        assert len(await rig.sql("intake", "SELECT 1 FROM submission WHERE reference = 'WAITS'")) == 1
        kms.rotate()
        assert (await keys.rewrap(reached.key_source, reached.keys)).current == "kms:naungan:v2"
        await read(rig, await report(rig))
    finally:
        kms.close()


async def _later(said: bool) -> bool:
    return said
