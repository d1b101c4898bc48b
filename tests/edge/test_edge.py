"""An edge site whose link is cut: what its office sends meanwhile arrives complete and once, and the receipts come back to it.

The suite's form is short; `NAUNGAN_EDGE_REFERRALS=1000 NAUNGAN_EDGE_CUT_SECONDS=600` is the promise (docs/operations.md).
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter

import nats
import pytest
from intake.sealed import bodies
from ops.edge import hub, site
from ops.processes import free_port
from ops.provision import provision
from ops.servers import Nats

from tests.edge.wan import link
from tests.intake.builders import a_referral
from tests.rig import AGENCIES, Rig
from tests.servers import Servers

REFERRALS = int(os.environ.get("NAUNGAN_EDGE_REFERRALS", "40"))
CUT = float(os.environ.get("NAUNGAN_EDGE_CUT_SECONDS", "1"))
SITE = hub.Site("polda-ppa", "kemayoran")
CALL = "021-129-000"


def quoted(subjects):
    return ", ".join(json.dumps(subject) for subject in subjects)


class Office:
    """The site: its folder, its leaf node and agent as `naungan edge run` starts them, and the office's own system."""

    def __init__(self, wan, folder, port):
        self.wan, self.folder = wan, folder
        self.made = site.make(
            folder, "polda-ppa:kemayoran", f"nats://{wan.address(port)}", "secret", call=CALL, keys_url=None, listen=f"127.0.0.1:{free_port()}"
        )
        self.process = self.system = None

    def start(self):
        log = (self.folder / "run.log").open("a")
        command = self.wan.command([sys.executable, "-m", "ops.edge", "run", str(self.folder)])
        self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def kill(self):
        """End all of it at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        leftover = self.folder / "nats.pid"
        if leftover.exists():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(leftover.read_text()), signal.SIGKILL)

    async def ask(self, *asked):
        """What the office's system, which never stops, is answered, one after the other."""
        if self.system is None:
            words = self.wan.command([sys.executable, "-m", "tests.edge.office", f"nats://{self.made.facts['listen']}", self.made.facts["office"]])
            self.system = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        answers = []
        for name, body in asked:
            self.system.stdin.write(json.dumps({"subject": f"edge.{name}", "body": body}).encode() + b"\n")
            answers.append(json.loads(await self.system.stdout.readline()))
        return answers

    async def close(self):
        if self.process is not None:
            self.kill()
        if self.system is not None:
            self.system.kill()
            await self.system.wait()


@pytest.fixture
async def platform(real_servers, templates, issuer, tmp_path):
    """Intake on a server of its own that lets the site connect with exactly its permissions."""
    leaf = free_port()
    wan = link(leaf)
    publish, subscribe = SITE.calls, [SITE.delivery, f"_INBOX_{SITE.user}.>"]
    allowed = f"publish: {{ allow: [{quoted(publish)}] }}, subscribe: {{ allow: [{quoted(subscribe)}] }}"
    users = f'{{ user: "T0", password: "test" }}, {{ user: "{SITE.user}", password: "secret", permissions: {{ {allowed} }} }}'
    listener = hub.listener(f"{wan.listen(leaf)}:{leaf}", [SITE])
    broker = Nats(tmp_path / "hub", f"accounts {{ T0 {{ jetstream: enabled, users: [ {users} ] }} }}\n{listener}")
    broker.start()
    rig = Rig(Servers("edge", real_servers.postgres, broker.url), templates, issuer, 0, tmp_path)
    office = Office(wan, tmp_path / "site", leaf)
    try:
        await rig.connect()
        await provision(rig.nats.jetstream(), AGENCIES, ack_wait=2, sites=[SITE])
        await rig.start("intake", sealing_lead_hours=0)
        office.start()
        yield rig, office, wan
    finally:
        await office.close()
        await rig.stop()
        await templates.drop()
        broker.kill()
        wan.close()


async def key_of(rig):
    async def there():
        return bool((await rig.clients["intake"].get("/sealing/keys")).json()["keys"])

    await rig.until(there)
    return (await rig.clients["intake"].get("/sealing/keys")).json()["keys"][0]


@pytest.mark.timeout(120 + CUT * 2 + REFERRALS)
async def test_what_an_office_sends_while_its_link_is_cut_arrives_complete_and_once(platform):
    rig, office, wan = platform
    key = await key_of(rig)

    def sealed(reference):
        body = json.dumps(a_referral(reference=reference)).encode()
        return {"sealed": bodies.seal(body, key, agency="polda-ppa"), "reference": reference}

    async def references():
        return Counter(row.reference for row in await rig.sql("intake", "SELECT reference FROM submission"))

    async def receipted(names):
        return [answer["state"] for answer in await office.ask(*(("status", {"reference": name}) for name in names))]

    # While there is a link it goes through at once.
    (answer,) = await office.ask(("submit", sealed("E-first")))
    assert (answer["state"], answer["call"]) == ("queued", CALL)

    async def first_is_here():
        return await receipted(["E-first"]) == ["received"]

    await rig.until(first_is_here)

    wan.cut()
    names = [f"E-{n}" for n in range(REFERRALS)]
    messages = {name: sealed(name) for name in names}
    early, late = names[: REFERRALS // 2], names[REFERRALS // 2 :]
    answers = await office.ask(*(("submit", messages[name]) for name in early))
    assert {answer["state"] for answer in answers} == {"queued"}
    assert all(CALL in answer["text"]["id"] and "BELUM diterima" in answer["text"]["id"] for answer in answers)
    office.kill()
    office.start()
    # The office does not know what was kept: it sends the last ones again, as well as the new ones.
    answers = await office.ask(*(("submit", messages[name]) for name in (*early[-5:], *late)))
    assert {answer["state"] for answer in answers} == {"queued"}
    plain, beside, bare = await office.ask(
        ("submit", a_referral(reference="E-plain")),
        ("submit", {**messages["E-0"], "narrative": "Ibu Sekar"}),
        ("submit", {"sealed": messages["E-0"]["sealed"]}),
    )
    assert (plain["state"], plain["problems"]) == ("refused", [{"field": "sealed", "code": "missing"}])
    assert (beside["state"], beside["problems"]) == ("refused", [{"field": "body", "code": "only_sealed"}])
    assert (bare["state"], bare["problems"]) == ("refused", [{"field": "reference", "code": "missing"}])
    await asyncio.sleep(CUT)
    assert await references() == {"E-first": 1}

    wan.mend()
    expected = Counter([*names, "E-first"])

    async def all_are_here():
        return await references() == expected

    await rig.until(all_are_here, patience=90 + REFERRALS / 5)
    office.kill()  # again, in the middle of the receipts
    office.start()
    await rig.settle()
    assert [row.n for row in await rig.sql("intake", "SELECT count(*) AS n FROM case_file")] == [REFERRALS + 1]

    async def all_have_receipts():
        return set(await receipted(names)) == {"received"}

    await rig.until(all_have_receipts, patience=90 + REFERRALS / 5)
    told = await office.ask(*(("status", {"reference": name}) for name in names))
    assert {receipt["type"] for answer in told for receipt in answer["receipts"]} == {"receipt.accepted.v1"}
    assert {len({receipt["follow_id"] for receipt in answer["receipts"]}) for answer in told} == {1}
    assert b"Sekar" not in b"".join(path.read_bytes() for path in office.folder.iterdir() if path.is_file())
    (unknown,) = await office.ask(("status", {"reference": "E-unknown"}))
    assert unknown["problems"] == [{"field": "reference", "code": "unknown_code"}]


async def test_a_sites_user_can_say_nothing_plain_and_read_nothing_but_its_receipts(platform):
    rig, _, _ = platform
    denied = []

    async def note(error):
        denied.append(str(error).lower())

    client = await nats.connect(rig.servers.nats, user=SITE.user, password="secret", inbox_prefix=f"_INBOX_{SITE.user}", error_cb=note)
    try:
        forbidden = [
            "referral.polda-ppa.submitted.v1",
            "referral.polda-ppa.added.v1",
            "referral.dinsos.sealed.v1",
            "receipt.polda-ppa.accepted.v1",
            "$JS.API.STREAM.INFO.RECEIPTS",
            "$JS.API.CONSUMER.MSG.NEXT.RECEIPTS.agency-polda-ppa",
            "$JS.API.CONSUMER.MSG.NEXT.REFERRALS.intake-main",
            "$JS.API.CONSUMER.CREATE.RECEIPTS",
        ]
        for subject in forbidden:
            await client.publish(subject, b"{}")
        for subject in ("referral.>", "receipt.>", "agency.polda-ppa.>", "case.>", "edge.>"):
            await client.subscribe(subject)
        await client.flush()

        async def all_denied():
            return len(denied) >= len(forbidden) + 5

        await rig.until(all_denied, patience=5)
        assert all("permissions violation" in error for error in denied)
        assert (await client.request(SITE.subject, b"{}", timeout=5)).data.startswith(b'{"stream":"REFERRALS"')
    finally:
        await client.close()
