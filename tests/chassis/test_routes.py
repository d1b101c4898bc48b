"""Writes happen once per Idempotency-Key; refusals are precise and change nothing."""

import asyncio
import time
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.chassis.conftest import start_toy
from tests.rig import Rig


async def test_fifty_identical_writes_at_once_happen_once(rig: Rig) -> None:
    await start_toy(rig)
    case = uuid4()
    answers = await asyncio.gather(*(rig.post("placement", f"/cases/{case}", role="operator", key="k1") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    await rig.settle()
    assert len(await rig.facts("placement")) == 1


async def test_a_key_used_for_something_else_is_refused(rig: Rig) -> None:
    await start_toy(rig)
    await rig.post("placement", f"/cases/{uuid4()}", role="operator", key="k1")
    answer = await rig.post("placement", f"/cases/{uuid4()}", role="operator", key="k1")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "Idempotency-Key", "code": "reused"}]
    assert answer.headers["content-type"] == "application/problem+json"


async def test_two_people_may_use_one_key(rig: Rig) -> None:
    await start_toy(rig)
    for agency in ("dinsos", "dppapp"):
        assert (await rig.post("placement", f"/cases/{uuid4()}", role="operator", agency=agency, key="k1")).status_code == 201


async def test_a_write_without_a_key_is_refused(rig: Rig) -> None:
    await start_toy(rig)
    headers = {"Authorization": f"Bearer {rig.issuer.token('operator', 'dinsos')}"}
    answer = await rig.clients["placement"].post(f"/cases/{uuid4()}", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "Idempotency-Key", "code": "missing"}]


async def test_a_refused_write_changes_nothing_and_may_be_sent_again(rig: Rig) -> None:
    await start_toy(rig)
    case = uuid4()
    await rig.post("placement", f"/cases/{case}", role="operator")
    answer = await rig.post("placement", f"/cases/{case}", role="operator", key="k2")
    assert (answer.status_code, answer.json()["state"]) == (409, "seen")
    assert await rig.sql("placement", "SELECT 1 FROM request WHERE key = 'k2'") == []


async def test_wrong_fields_are_named_and_their_values_are_not(rig: Rig) -> None:
    await start_toy(rig)
    answer = await rig.post("placement", "/cases/SitiContoh", role="operator")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "case_id"
    assert "SitiContoh" not in answer.text


async def test_another_role_is_refused(rig: Rig) -> None:
    await start_toy(rig)
    assert (await rig.post("placement", f"/cases/{uuid4()}", role="peksos")).status_code == 403


async def test_reading_is_audited(rig: Rig) -> None:
    await start_toy(rig)
    case = uuid4()
    assert (await rig.get("placement", f"/cases/{case}", role="operator")).json() == {"n": 0}
    (row,) = await rig.sql("placement", "SELECT * FROM audit")
    assert (row.subject, row.action, row.fields, row.roles, row.agency) == (case, "read", "n", "operator", "dinsos")


async def test_tokens_that_are_not_to_be_believed_are_refused(rig: Rig) -> None:
    await start_toy(rig)
    client, url = rig.clients["placement"], f"/cases/{uuid4()}"
    now = int(time.time())
    good = {"iss": rig.issuer.url, "aud": "naungan", "sub": str(uuid4()), "roles": ["operator"], "agency": "a", "exp": now + 60}
    other = ECKey.generate_key("P-256", parameters={"kid": "test"})
    header = {"alg": "ES256", "kid": "test"}
    tokens = {
        "another key": jwt.encode(header, good, other),
        "another issuer": jwt.encode(header, {**good, "iss": "https://elsewhere"}, rig.issuer.key),
        "another audience": jwt.encode(header, {**good, "aud": "other"}, rig.issuer.key),
        "expired": jwt.encode(header, {**good, "exp": now - 120}, rig.issuer.key),
        "no expiry": jwt.encode(header, {name: value for name, value in good.items() if name != "exp"}, rig.issuer.key),
        "no uuid": jwt.encode(header, {**good, "sub": "siti"}, rig.issuer.key),
        "symmetric": jwt.encode({"alg": "HS256", "kid": "test"}, good, OctKey.import_key(b"k" * 32)),
        "none": "eyJhbGciOiJub25lIn0.e30.",
        "rubbish": "a.b.c",
        "long": "a" * 9000,
    }
    for name, token in tokens.items():
        answer = await client.get(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, name
    assert (await client.get(url)).status_code == 401
    assert (await client.get(url, headers={"Authorization": f"Bearer {jwt.encode(header, good, rig.issuer.key)}"})).status_code == 200


async def test_health_says_what_is_missing(rig: Rig) -> None:
    await start_toy(rig)
    client = rig.clients["placement"]
    assert (await client.get("/readyz")).status_code == 204
    assert (await client.get("/livez")).status_code == 204
    assert "naungan_facts_published" in (await client.get("/metrics")).text
    assert (await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.1"})).status_code == 404
    await rig.nats.jetstream().delete_consumer("CASES", "placement-main")

    async def noticed() -> bool:
        answer = await client.get("/readyz")
        return answer.status_code == 503 and answer.json()["missing"] == ["durable CASES/placement-main is not bound"]

    await rig.until(noticed)
