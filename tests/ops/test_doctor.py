"""The doctor finds nothing on a healthy platform, and names each fault."""

import asyncio
import io
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import nats
import pytest
from contracts import streams
from ops.access import Access, UnreachableError, access_of
from ops.doctor import Finding, as_json, as_table, examine, examine_all
from ops.nats_users import service_permissions
from ops.platform import Platform
from rich.console import Console

from ops import stores
from tests.flows import people
from tests.flows.people import ALL
from tests.rig import Rig

CONTENT = "Canary Contoh"


def access(rig: Rig, service: str) -> Access:
    settings = rig.services[service].settings
    return Access(
        service,
        settings.database_url.get_secret_value(),
        settings.keys_url.get_secret_value(),
        settings.key_file,
        settings.nats_url,
        settings.nats_user,
        settings.nats_password.get_secret_value(),
    )


async def wrong(rig: Rig, service: str, *, deep: bool = False, **changes: Any) -> list[Finding]:
    found = await examine(replace(access(rig, service), **changes), deep=deep, between=0.5)
    return [finding for finding in found if not finding.well]


async def a_case(rig: Rig) -> None:
    await people.platform(rig, people.a_shelter())
    await people.refer(rig, people.a_referral("D-1", shelter=True))
    for service in rig.services.values():
        service.reconcile.stop()
        service.watch.stop()


async def test_a_healthy_platform_has_nothing_wrong(rig: Rig) -> None:
    await a_case(rig)
    found = await examine_all([access(rig, service) for service in ALL], deep=True)
    assert [finding for finding in found if not finding.well] == []
    assert {finding.service for finding in found} == set(ALL)
    intake = {finding.check: finding.found for finding in found if finding.service == "intake"}
    assert intake["projections"].endswith("no difference")
    assert not intake["keys"].startswith("0 keys")
    assert not intake["facts in CASES"].startswith("0 said")
    assert not intake["inbox of CASES/intake-main"].startswith("0 acknowledged")
    assert json.loads(as_json(found))["well"] is True


async def pending(rig: Rig) -> None:
    await rig.sql("intake", "INSERT INTO outbox_pending VALUES (gen_random_uuid(), now() - interval '2 minutes')")


async def fact_lost(rig: Rig) -> None:
    message = await rig.nats.jetstream().get_last_msg("CASES", "case.intake.reported.v1")
    await rig.nats.jetstream().delete_msg("CASES", message.seq)


async def letter(rig: Rig) -> None:
    headers = {"ce-type": "case.placement.offered.v1", "ce-id": str(uuid4()), "ce-subject": str(uuid4()), "ce-time": "2026-11-24T00:00:00Z"}
    await rig.publish("case.placement.offered.v1", json.dumps({"reason": CONTENT}).encode(), headers)
    await rig.settle()


async def overdue(rig: Rig) -> None:
    await rig.sql("intake", "INSERT INTO clock VALUES ('unheard', gen_random_uuid(), '', gen_random_uuid(), now() - interval '2 minutes')")


async def failing(rig: Rig) -> None:
    await rig.sql("intake", "INSERT INTO clock VALUES ('unheard', gen_random_uuid(), '', gen_random_uuid(), now() + interval '1 hour', 3)")


async def old_schema(rig: Rig) -> None:
    await rig.sql("intake", "UPDATE alembic_version SET version_num = '0000'")


async def durable_lost(rig: Rig) -> None:
    await rig.nats.jetstream().delete_consumer("CASES", "intake-main")


async def inbox_lost(rig: Rig) -> None:
    await rig.sql("intake", "DELETE FROM inbox WHERE type = 'case.placement.offered.v1'")


async def standing_still(rig: Rig) -> None:
    await rig.services["intake"].stop()
    fact = next(data for kind, _, data in await rig.facts("placement") if kind == "case.placement.offered.v1")
    headers = {"ce-type": "case.placement.offered.v1", "ce-id": str(uuid4()), "ce-subject": str(uuid4()), "ce-time": "2026-11-24T00:00:00Z"}
    await rig.publish("case.placement.offered.v1", json.dumps(fact).encode(), headers)


async def stream_lost(rig: Rig) -> None:
    await rig.nats.jetstream().delete_stream("RECEIPTS")


FAULTS = {
    "unpublished": (pending, "1 facts pending"),
    "facts in CASES": (fact_lost, "1 not there"),
    "dead letters": (letter, "1 messages set aside"),
    "overdue clocks": (overdue, "1 clocks overdue"),
    "failing clocks": (failing, "1 clocks whose handler failed"),
    "schema": (old_schema, "revision 0000"),
    "CASES/intake-main": (durable_lost, "not there"),
    "inbox of CASES/intake-main": (inbox_lost, "1 of them not in the inbox"),
    "facts in RECEIPTS": (stream_lost, "the stream is not there"),
}


@pytest.mark.parametrize("check", FAULTS)
async def test_each_fault_is_named(rig: Rig, check: str) -> None:
    fault: Callable[[Rig], Awaitable[None]]
    fault, words = FAULTS[check]
    await a_case(rig)
    await fault(rig)
    (finding,) = await wrong(rig, "intake")
    assert finding.check == check
    assert words in finding.found
    assert finding.advice
    table = io.StringIO()
    Console(file=table, width=300).print(as_table([finding]))
    shown = table.getvalue() + as_json([finding])
    assert "WRONG" in shown
    assert CONTENT not in shown


async def test_a_durable_that_nobody_reads_stands_still(rig: Rig) -> None:
    await a_case(rig)
    await standing_still(rig)
    (finding,) = await wrong(rig, "intake")
    assert (finding.check, finding.found) == ("CASES/intake-main", "1 to come, 0 in hand, standing still")


async def test_projections_that_differ_are_named_when_asked_for_and_no_value_is_shown(rig: Rig) -> None:
    await a_case(rig)
    await rig.sql("intake", "UPDATE case_fact SET codes = jsonb_build_object('x', CAST(:text AS text)) WHERE producer = 'placement'", text=CONTENT)
    assert await wrong(rig, "intake") == []
    (finding,) = await wrong(rig, "intake", deep=True)
    assert finding.check == "projections"
    assert "case_fact" in finding.found
    assert CONTENT not in finding.found
    assert finding.advice == "naungan rebuild intake"


async def test_a_wrong_key_and_a_lost_one_are_named_and_never_shown(rig: Rig, tmp_path: Path) -> None:
    await a_case(rig)
    other = tmp_path / "other.kek"
    other.write_text("ab" * 32)
    (finding,) = await wrong(rig, "intake", key_file=other)
    tried = finding.found.split(" ")[0]
    assert int(tried) > 0
    assert finding.found == f"{tried} keys tried, {tried} do not open"
    (finding,) = await wrong(rig, "intake", key_file=tmp_path / "nowhere.kek")
    assert finding.check == "keys"
    assert "ab" * 8 not in as_json([finding])


async def test_what_does_not_answer_is_named(rig: Rig) -> None:
    await a_case(rig)
    assert [finding.check for finding in await wrong(rig, "intake", password="another")] == ["bus"]
    assert [finding.check for finding in await wrong(rig, "intake", keys="postgresql://nobody@127.0.0.1:1/nothing")] == ["keys"]
    assert "store" in {finding.check for finding in await wrong(rig, "intake", store="postgresql://nobody@127.0.0.1:1/nothing")}


def test_a_folder_without_a_platform_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"INTAKE_DATABASE_URL.*INTAKE_NATS_PASSWORD not set"):
        access_of("intake", tmp_path, {})
    told = {f"INTAKE_{name}": "x" for name in ("DATABASE_URL", "KEYS_URL", "KEY_FILE", "NATS_URL", "NATS_USER", "NATS_PASSWORD")}
    assert access_of("intake", tmp_path, told).nats == "x"


def test_a_service_may_look_into_what_it_reads_but_not_into_referrals() -> None:
    for service in ALL:
        may, _ = service_permissions(service)
        for durable in streams.durables_of(service):
            looks = {f"$JS.API.STREAM.INFO.{durable.stream}", f"$JS.API.CONSUMER.CREATE.{durable.stream}.>"}
            assert looks & set(may) == (set() if durable.stream in streams.ERASED else looks), (service, durable)


def naungan(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ops.cli", *arguments, "--data", str(data)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=240, env={**os.environ, "COLUMNS": "300"})


@pytest.mark.servers
@pytest.mark.timeout(600)
async def test_the_commands_work_with_the_credentials_of_an_embedded_platform(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "data", tls=True)
    try:
        await platform.start()
        trusted = ssl.create_default_context(cafile=str(platform.data / "tls" / "ca.pem"))
        password = platform.secrets.passwords["dppapp"]
        client = await nats.connect(platform.nats.url, user="dppapp", password=password, inbox_prefix="_INBOX_dppapp", tls=trusted)
        await client.request("referral.dppapp.submitted.v1", json.dumps(people.a_referral("D-9", shelter=True)).encode(), timeout=10)
        await client.close()
        connection = await asyncpg.connect(stores.url(platform.postgres.url(), "placement", platform.secrets.passwords["placement"]))
        while not await connection.fetchval("SELECT count(*) FROM need WHERE state = 'waiting'"):
            await asyncio.sleep(0.2)
        healthy = naungan(platform.data, "doctor", "--deep", "--json")
        assert healthy.returncode == 0, healthy.stdout + healthy.stderr
        await connection.execute("UPDATE need SET medical_gate = true")
        differs = naungan(platform.data, "rebuild", "placement", "--compare")
        assert (differs.returncode, "differs: need" in differs.stdout) == (1, True), differs.stdout + differs.stderr
        done = naungan(platform.data, "rebuild", "placement")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "put right: need" in done.stdout
        assert await connection.fetchval("SELECT bool_or(medical_gate) FROM need") is False
        await connection.close()
        well = naungan(platform.data, "doctor", "placement")
        assert "WRONG" not in well.stdout
        assert well.returncode == 0, well.stdout + well.stderr
    finally:
        await platform.stop()
