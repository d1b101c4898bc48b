"""Sealed messages over NATS and over HTTP: the same as plain ones in all that follows, unreadable to everybody on the way, and never lost."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from intake.sealed import bodies, keys
from joserfc import jwe
from joserfc.jwk import OKPKey

from ops import quarantine
from tests.intake.builders import a_body, a_referral

SEALED = "referral.polda-ppa.sealed.v1"
PLAIN = "referral.polda-ppa.submitted.v1"
SYSTEM = {"role": "agency_system", "agency": "polda-ppa"}
OPERATOR = {"role": "operator", "agency": "dppapp"}
DESK = {"role": "intake_officer", "agency": "dppapp"}


@pytest.fixture
async def intake(rig):
    await rig.start("intake", sealing_lead_hours=0)
    return rig


async def public_key(rig):
    async def there():
        return bool((await rig.clients["intake"].get("/sealing/keys")).json()["keys"])

    await rig.until(there)
    (key,) = (await rig.clients["intake"].get("/sealing/keys")).json()["keys"]
    return key


def sealed(body: bytes, key, reference=None, **more):
    told = {"sealed": bodies.seal(body, key, **more)} | ({"reference": reference} if reference else {})
    return json.dumps(told).encode()


async def receipts(rig):
    return [(kind, data) for kind, _, data in await rig.facts("intake") if kind.startswith("receipt.")]


async def codes(rig):
    """Everything of a case that does not depend on when and under which id it was opened."""
    left_out = {"case_id", "household_id", "opened_at", "changed_at", "heard_at", "narrative", "callback"}
    return [
        {name: value for name, value in row._asdict().items() if name not in left_out} for row in await rig.sql("intake", "SELECT * FROM case_file")
    ]


async def test_a_sealed_and_a_plain_message_are_one_submission_at_both_doors(intake):
    key = await public_key(intake)
    body = a_body(reference="LP/1")
    await intake.publish(SEALED, sealed(body, key, agency="polda-ppa"))
    await intake.settle()
    first = await codes(intake)
    await intake.publish(PLAIN, body)
    await intake.publish(SEALED, sealed(body, key))
    by_http = await intake.post("intake", "/reports", json=json.loads(sealed(body, key)), **SYSTEM)
    plainly = await intake.post("intake", "/reports", json=json.loads(body), **SYSTEM)
    await intake.settle()
    got = await receipts(intake)
    assert len(got) == 3
    assert {json.dumps(receipt) for receipt in got} == {json.dumps(got[0])}
    assert (by_http.status_code, by_http.json()) == (plainly.status_code, plainly.json())
    assert by_http.json()["follow_id"] == got[0][1]["follow_id"]
    assert await codes(intake) == first
    assert len(first) == 1
    await intake.publish(SEALED, sealed(a_body(reference="LP/1", narrative="Lain."), key))
    await intake.settle()
    assert (await receipts(intake))[-1] == (
        "receipt.rejected.v1",
        {"agency": "polda-ppa", "reference": "LP/1", "service_id": None, "problems": [{"field": "reference", "code": "reference_reused"}]},
    )


async def test_what_is_inside_is_refused_field_by_field_as_in_the_clear(intake):
    key = await public_key(intake)
    for body in (a_body(reference="A", callback=None), a_body(reference="A", urgency="critical"), b"Tolong \xff"):
        await intake.publish(PLAIN, body)
        await intake.publish(SEALED, sealed(body, key))
        await intake.settle()
    got = await receipts(intake)
    assert got[0::2] == got[1::2]
    assert {kind for kind, _ in got} == {"receipt.rejected.v1"}


async def test_nothing_plain_is_in_the_stream_the_store_or_the_logs(intake, capsys):
    secret = "Gang Kenanga Rahasia 7"
    key = await public_key(intake)
    await intake.publish(SEALED, sealed(json.dumps(a_referral(reference="R", narrative=secret)).encode(), key))
    await intake.publish(SEALED, sealed(secret.encode(), key))
    await intake.publish(SEALED, sealed(a_body(narrative=secret), {**key, "kid": "gone"}, "S"))
    await intake.settle()
    tables = [row.name for row in await intake.sql("intake", "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")]
    kept = [row.line for table in tables for row in await intake.sql("intake", f"SELECT CAST(x AS text) AS line FROM {table} x")]
    dump = "".join(kept)
    assert secret not in dump
    assert secret.encode().hex() not in dump
    told = capsys.readouterr()
    assert secret not in told.out + told.err


async def test_a_message_to_an_unknown_key_is_held_and_taken_once_when_the_key_is_back(intake):
    key = await public_key(intake)
    vault = intake.services["intake"].vault
    lost = OKPKey.generate_key("X25519")
    kid = f"{datetime.now(UTC):{keys.FORM}}-0badcafe"
    public = {**lost.as_dict(private=False), "kid": kid}
    body = a_body(reference="LP/9")
    message = sealed(body, public, "LP/9")
    for _ in range(2):
        await intake.publish(SEALED, message, {"Nats-Msg-Id": uuid4().hex})
    await intake.settle()
    held = {"agency": "polda-ppa", "reference": "LP/9", "service_id": None, "problems": [{"field": "sealed", "code": "unknown_key"}]}
    assert set(map(json.dumps, await receipts(intake))) == {json.dumps(("receipt.held.v1", held))}
    (waiting,) = (await intake.get("intake", "/quarantine", **OPERATOR)).json()
    assert (waiting["agency"], waiting["code"], waiting["kid"]) == ("polda-ppa", "unknown_key", kid)
    assert (await intake.get("intake", "/quarantine", **DESK)).status_code == 403
    (task,) = (await intake.get("intake", "/desk", **DESK)).json()
    assert (task["kind"], task["reference"]) == ("held", "LP/9")
    await intake.advance(hours=2)
    assert [data["clock"] for kind, _, data in await intake.facts("intake") if kind == "case.intake.clock_missed.v1"] == ["incomplete"]
    assert (await intake.post("intake", f"/quarantine/{waiting['id']}/redrive", **OPERATOR)).status_code == 202
    await intake.settle()
    url = intake.services["intake"].settings.database_url.get_secret_value().replace("+asyncpg", "")
    assert [str(row["id"]) for row in await quarantine.listed(url)] == [waiting["id"]]
    assert await quarantine.redrive(url, None) == 1

    async def tried_twice_more():
        return (await intake.get("intake", f"/quarantine/{waiting['id']}", **OPERATOR)).json()["attempts"] == 3

    await intake.until(tried_twice_more)
    private = bodies.urlsafe_b64decode(lost.as_dict(private=True)["d"] + "=")
    name, (wrapped,) = await vault.ring.wrap([private])
    async with vault.engine.begin() as connection:
        await connection.execute(keys.KEEP_PURPOSE, {"purpose": keys.PURPOSE + kid, "wrapped": wrapped, "kek": name})
    await keys.look_after(intake.services["intake"])
    await intake.settle()
    assert (await intake.get("intake", "/quarantine", **OPERATOR)).json() == []
    kinds = [kind for kind, _ in await receipts(intake)]
    assert kinds == ["receipt.held.v1", "receipt.held.v1", "receipt.accepted.v1"]
    assert len(await codes(intake)) == 1
    assert (await intake.get("intake", "/desk", **DESK)).json() == []
    assert key["kid"] != kid


async def test_a_type_of_a_newer_release_is_held_until_that_release_runs(intake):
    key = await public_key(intake)
    await intake.publish(SEALED, sealed(a_body(reference="N"), key, "N", type="referral.moved.v1"))
    await intake.settle()
    ((kind, receipt),) = await receipts(intake)
    assert (kind, receipt["problems"]) == ("receipt.held.v1", [{"field": "sealed", "code": "unknown_type"}])
    await keys.look_after(intake.services["intake"])
    await intake.settle()
    assert [row.attempts for row in await intake.sql("intake", "SELECT attempts FROM held_message")] == [1], "this release has tried it"
    await intake.sql("intake", "UPDATE held_message SET release = 'older'")
    await keys.look_after(intake.services["intake"])
    await intake.settle()
    ((attempts, release),) = await intake.sql("intake", "SELECT attempts, release FROM held_message")
    assert (attempts, release != "older") == (2, True)


async def test_what_was_changed_on_the_way_is_refused_and_kept_for_the_desk(intake):
    key = await public_key(intake)
    good = bodies.seal(a_body(), key)
    changed = good[:-3] + ("AAA" if not good.endswith("AAA") else "BBB")
    other = bodies.seal(a_body(), key, agency="dppapp")
    zipped = jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM", "kid": key["kid"], "zip": "DEF"}, a_body(), OKPKey.import_key(key))
    for wrong in (changed, other, zipped, "e30.e30.AAAA.e30.AAAA"):
        await intake.publish(SEALED, json.dumps({"sealed": wrong, "reference": "T"}).encode())
    await intake.publish(SEALED, a_body(reference="plain"))
    await intake.settle()
    got = [(kind, data["reference"], data["problems"][0]) for kind, data in await receipts(intake)]
    assert got == [
        ("receipt.rejected.v1", reference, {"field": "sealed", "code": code})
        for code, reference in (("unopenable", "T"), ("wrong_agency", "T"), ("unopenable", "T"), ("invalid", "T"), ("missing", "plain"))
    ]
    assert await codes(intake) == []
    assert len((await intake.get("intake", "/desk", **DESK)).json()) == 5
    refused = await intake.post("intake", "/reports", json={"sealed": changed}, **SYSTEM)
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"field": "sealed", "code": "unopenable"}])
    unknown = await intake.post("intake", "/reports", json=json.loads(sealed(a_body(), {**key, "kid": "gone"})), **SYSTEM)
    assert unknown.json()["errors"] == [{"field": "sealed", "code": "unknown_key"}]


async def test_keys_rotate_with_overlap_and_go_only_when_nothing_can_wait_for_them(intake):
    service = intake.services["intake"]
    old = await public_key(intake)
    made = datetime.now(UTC) - timedelta(days=100)
    async with service.vault.engine.begin() as connection:
        await connection.execute(keys.text("UPDATE purpose_key SET purpose = :now WHERE purpose = :old"), {
            "now": f"{keys.PURPOSE}{made:{keys.FORM}}-{old['kid'].split('-')[1]}", "old": keys.PURPOSE + old["kid"]})  # fmt: skip
    old = await public_key(intake)
    await keys.look_after(service)
    new = await public_key(intake)
    assert new["kid"] != old["kid"]
    await intake.publish(SEALED, sealed(a_body(reference="old"), old))
    await intake.settle()
    assert [kind for kind, _ in await receipts(intake)] == ["receipt.accepted.v1"]
    assert [key.kid for key in await keys.known(service.vault)] == [new["kid"], old["kid"]]


def test_a_new_key_is_published_after_its_lead_and_an_old_one_retires_after_its_grace():
    now, day = datetime(2026, 11, 26, tzinfo=UTC), timedelta(days=1)
    key = OKPKey.generate_key("X25519")
    young, older, oldest = (keys.SealingKey(f"{now - n * day:{keys.FORM}}-00000000", key) for n in (0, 40, 130))
    assert keys.published([young, older, oldest], now, day) is older
    assert keys.published([young], now, day) is young
    assert keys.published([], now, day) is None
    assert keys.retired([young, older, oldest], now, day, 30 * day) == [oldest]
    assert keys.retired([young, older, oldest], now, day, 40 * day) == []
