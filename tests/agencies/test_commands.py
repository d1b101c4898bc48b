"""`naungan agency`: credentials are made, listed, replaced and taken back while everything works, and nobody else notices."""

import asyncio
import contextlib
import json
import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import nats
import pytest
from chassis.bus.access import Access
from contracts import streams
from ops.agencies import new_key
from ops.agency_keeper import Place, keep
from ops.nats_users import MOST_BYTES, MOST_CONNECTIONS, MOST_SUBSCRIPTIONS

from ops import agency_keeper, tls
from tests.agencies.broker import Deployment, acknowledged, deployment


async def secret(broker: Deployment, *arguments: str) -> str:
    """What a command hands over: the one line that is a secret, in a file of its own."""
    out = broker.data / f"secret-{len(list(broker.data.glob('secret-*')))}"
    done = await broker.naungan("agency", *arguments, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text().strip() not in done.output
    return out.read_text().strip()


async def test_an_agency_comes_in_is_given_another_key_and_is_let_in_no_more(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp") as broker:
        others = [await broker.join(user) for user in ("intake", "placement", "provisioner", "dppapp")]
        seed = await secret(broker, "add", "rs-budi")
        await broker.provision()
        first = await broker.join("rs-budi", "first", nkeys_seed_str=seed)
        assert await acknowledged(first, "rs-budi")
        assert (await first.jetstream().consumer_info("AGENCIES", "agency-rs-budi")).num_pending == 0

        another = await secret(broker, "rotate", "rs-budi", "--overlap-hours", "1")
        second = await broker.join("rs-budi", "second", nkeys_seed_str=another)
        assert await acknowledged(first, "rs-budi")
        assert await acknowledged(second, "rs-budi")
        third = await broker.join("rs-budi.3", "third", password=await secret(broker, "rotate", "rs-budi", "--password", "--overlap-hours", "0"))
        for client in (first, second):
            await broker.gone(client)
        assert await acknowledged(third, "rs-budi")

        assert (await broker.naungan("agency", "revoke", "rs-budi")).exit_code == 0
        await broker.gone(third)
        for attempt in ({"nkeys_seed_str": seed}, {"nkeys_seed_str": another}):
            with pytest.raises(nats.errors.Error):
                await broker.join("rs-budi", "again", **attempt)
        assert [client.is_connected for client in others] == [True] * 4
        assert await acknowledged(others[-1], "dppapp")
        assert set(broker.ended) <= {"first", "second", "third", "again"}


def kept(folder: Path, content: str) -> list[Path]:
    """The files below a folder in which something stands."""
    return [path for path in folder.rglob("*") if path.is_file() and content.encode() in path.read_bytes()]


async def test_a_key_that_the_agency_made_itself_never_leaves_it(tmp_path: Path) -> None:
    seed, public = new_key()
    async with deployment(tmp_path) as broker:
        done = await broker.naungan("agency", "add", "rs-budi", "--public-key", public)
        assert done.exit_code == 0, done.output
        assert await acknowledged(await broker.join("rs-budi", nkeys_seed_str=seed), "rs-budi")
        assert not kept(tmp_path, seed)
        assert kept(tmp_path, public)


async def test_a_credential_ends_by_itself_when_its_overlap_is_over(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp") as broker:
        place = Place.of(tmp_path)
        keeping = asyncio.create_task(keep(place, every=0.1))
        old, intake = await broker.join("dppapp"), await broker.join("intake")
        seed = await secret(broker, "rotate", "dppapp", "--overlap-hours", str(2 / 3600))
        new = await broker.join("dppapp", "new", nkeys_seed_str=seed)
        assert old.is_connected
        await broker.gone(old)
        async with asyncio.timeout(10):
            while place.book.read()["dppapp"][0].secret:
                await asyncio.sleep(0.05)
        keeping.cancel()
        assert await acknowledged(new, "dppapp")
        assert intake.is_connected


async def test_what_is_revoked_stays_out_across_a_restart_and_may_come_again(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        await broker.naungan("agency", "revoke", "dppapp")
        broker.server.stop()
        broker.server.start()
        with pytest.raises(nats.errors.Error):
            await broker.join("dppapp")
        assert await acknowledged(await broker.join("dinsos"), "dinsos")
        again = await broker.join("dppapp", nkeys_seed_str=await secret(broker, "add", "dppapp"))
        assert await acknowledged(again, "dppapp")


async def test_what_an_agency_may_send_and_whose_access_has_ended_is_said_to_the_services(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        intake = await broker.join("intake")
        access = Access()
        await broker.naungan("agency", "limit", "dppapp", "--per-minute", "600")
        await broker.naungan("agency", "revoke", "dinsos")
        await access.ask(intake)
        assert (access.ended, access.rates) == ({"dinsos"}, {"dppapp": 600})
        await broker.naungan("agency", "limit", "dppapp")
        await broker.naungan("agency", "add", "dinsos")
        await access.ask(intake)
        assert (access.ended, access.rates) == (set(), {})
        await (await broker.join("provisioner")).jetstream().purge_stream("ACCESS")
        await access.ask(intake)
        await broker.naungan("agency", "revoke", "dinsos")
        keeping = asyncio.create_task(keep(Place.of(tmp_path), every=0.1))  # whatever was lost is said again
        async with asyncio.timeout(10):
            while not access.has_ended("dinsos"):
                await access.ask(intake)
                await asyncio.sleep(0.05)
        keeping.cancel()


async def test_the_keeper_ends_when_it_is_cancelled_whatever_it_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closing = asyncio.Event()

    async def deaf(_place: Place) -> int:
        """As nats-py's close and the wait_for of Python 3.11 are, when it comes as what they wait for is done."""
        closing.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return 1

    monkeypatch.setattr(agency_keeper, "reload", deaf)
    async with deployment(tmp_path, "dppapp"):
        keeping = asyncio.create_task(keep(Place.of(tmp_path)))
        await closing.wait()
        keeping.cancel()
        ended, _ = await asyncio.wait([keeping], timeout=10)
        keeping.cancel()
        assert ended, "naungan up would wait for it for ever"


async def test_the_list_says_who_may_come_in_and_shows_no_password(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        given = await secret(broker, "rotate", "dppapp", "--password")
        await broker.naungan("agency", "revoke", "dinsos")
        shown = await broker.naungan("agency", "list", "--json")
        rows = [(row["agency"], row["name"], row["holds"], row["until"] is None) for row in json.loads(shown.output)]
        assert rows == [("dinsos", "dinsos", False, False), ("dppapp", "dppapp", True, False), ("dppapp", "dppapp.2", True, True)]
        for found in (shown, await broker.naungan("agency", "list")):
            assert given not in found.output
            assert '"password"' not in found.output.replace('"kind": "password"', "")
        assert "password" not in json.loads((tmp_path / "agencies" / "roster.json").read_text())["dinsos"][0]["secret"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["add", "dppapp"], "dppapp may come in already: rotate"),
        (["add", "a.b"], "'a.b' is no agency code"),
        (["add", "intake"], "'intake' is no agency code"),
        (["add", "rs-budi", "--public-key", "U" + "A" * 55], "is no public key of a user"),
        (["add", "rs-budi", "--public-key", "nonsense"], "is no public key of a user"),
        (["rotate", "rs-budi"], "rs-budi may not come in: add"),
        (["revoke", "rs-budi"], "rs-budi may not come in: add"),
        (["limit", "rs-budi", "--per-minute", "5"], "rs-budi was never let in: add"),
        (["revoke", "dppapp", "--credential", "7"], "dppapp has no credential 7"),
    ],
)
async def test_what_cannot_be_done_says_why_and_changes_nothing(tmp_path: Path, arguments: list[str], why: str) -> None:
    (tmp_path / "nats").mkdir()
    broker = Deployment(tmp_path, ["dppapp"])
    broker.users()
    before = (tmp_path / "agencies" / "roster.json").read_text()
    done = await broker.naungan("agency", *arguments)
    assert done.exit_code == 1
    assert why in done.output
    assert (tmp_path / "agencies" / "roster.json").read_text() == before


async def test_an_agency_takes_no_more_than_its_share_and_others_do_not_notice(tmp_path: Path) -> None:
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        other = await broker.join("dinsos")
        many = [await broker.join("dppapp") for _ in range(MOST_CONNECTIONS)]
        with pytest.raises(nats.errors.Error, match="maximum account active connections exceeded"):
            await broker.join("dppapp")
        for _ in range(MOST_SUBSCRIPTIONS + 1):
            await many[0].subscribe("receipt.dppapp.>")
        await broker.gone(many[0])
        await many[1].publish("referral.dppapp.submitted.v1", b"x" * (MOST_BYTES + 1)) if many[1].max_payload > MOST_BYTES else None
        assert await acknowledged(await broker.join("dinsos", "more"), "dinsos")
        assert await acknowledged(other, "dinsos")
        assert [client.is_connected for client in many[2:]] == [True] * (MOST_CONNECTIONS - 2), "and it keeps what it had"


async def test_an_agency_that_floods_is_refused_what_is_too_much_and_others_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = tuple(replace(stream, most_waiting=50) if stream.most_waiting else stream for stream in streams.STREAMS)
    monkeypatch.setattr(streams, "STREAMS", few)
    async with deployment(tmp_path, "dppapp", "dinsos") as broker:
        flooding, other = await broker.join("dppapp"), await broker.join("dinsos")
        assert [await acknowledged(flooding, "dppapp") for _ in range(60)] == [True] * 50 + [False] * 10
        assert await acknowledged(other, "dinsos")
        js = (await broker.join("provisioner")).jetstream()
        await js.purge_stream("REFERRALS", subject="referral.dppapp.submitted.v1", keep=49)
        assert await acknowledged(flooding, "dppapp"), "as soon as intake has taken one"


async def test_the_broker_is_reached_by_tls_only_and_a_stranger_that_poses_as_it_is_not_believed(tmp_path: Path) -> None:
    certificate = tls.certificate(tmp_path / "tls", ["127.0.0.1"])
    assert [path.stat().st_mode & 0o777 for path in (certificate.key, tmp_path / "tls" / "ca.key", tmp_path / "tls")] == [0o600, 0o600, 0o700]
    stranger = tls.certificate(tmp_path / "other", ["127.0.0.1"])
    async with deployment(tmp_path, "dppapp", certificate=certificate) as broker:
        assert await acknowledged(await broker.join("dppapp"), "dppapp")
        assert "1 broker took it" in (await broker.naungan("agency", "add", "rs-budi")).output
        for trusted in (ssl.create_default_context(), ssl.create_default_context(cafile=str(stranger.ca))):
            with pytest.raises((ssl.SSLError, nats.errors.Error)):
                await broker.join("dppapp", tls=trusted)
        with socket.create_connection(("127.0.0.1", broker.server.port), 5) as plain:
            assert b'"tls_required":true' in plain.recv(4096)
            plain.sendall(b'CONNECT {"user":"dppapp","pass":"password","verbose":true}\r\nPING\r\n')
            assert b"PONG" not in plain.recv(4096)


def test_a_certificate_is_renewed_when_its_time_or_its_names_are_over_and_the_authority_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tls.certificate(tmp_path, ["nats"])
    held, authority = first.certificate.read_bytes(), first.ca.read_bytes()
    assert tls.certificate(tmp_path, ["nats"]).certificate.read_bytes() == held
    renewed = tls.certificate(tmp_path, ["nats", "nats-2"]).certificate.read_bytes()
    assert renewed != held
    monkeypatch.setattr(tls, "RENEWED", tls.LASTS + timedelta(days=1))
    assert tls.certificate(tmp_path, ["nats", "nats-2"]).certificate.read_bytes() != renewed
    assert first.ca.read_bytes() == authority
