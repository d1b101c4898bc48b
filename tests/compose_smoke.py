"""Uses a compose deployment through its published ports: reports, refers over NATS, sees cases move, lets an agency in and out. Exit code 0 if all holds."""

import asyncio
import json
import secrets
import ssl
import subprocess
import sys
from typing import Any
from uuid import uuid4

import httpx
import nats
import nkeys
from nats.aio.client import Client

PEKSOS = "5b0c1ac4-65f7-4f3e-8f0e-2f6f3b1f9d10"


def compose(*arguments: str) -> str:
    """What a command says in a container of the deployment."""
    return subprocess.run(["docker", "compose", "exec", "-T", *arguments], check=True, capture_output=True, text=True).stdout


async def by_tls(gateway: str, report: dict[str, Any]) -> None:
    """An agency is let in, refers by TLS under the local authority with a key that the operator never had, and is let in no more."""
    trusted = ssl.create_default_context(cadata=compose("agencies", "cat", "/run/secrets/nats_ca.pem"))
    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    print(compose("agencies", "naungan", "agency", "add", "rs-contoh", "--public-key", public))

    async def joined() -> Client:
        return await nats.connect(
            f"{gateway}/nats", tls=trusted, nkeys_seed_str=seed.decode(), inbox_prefix="_INBOX_rs-contoh", allow_reconnect=False
        )

    bus = await joined()
    receipts = await bus.subscribe("receipt.rs-contoh.>")
    await bus.flush()
    await bus.publish("referral.rs-contoh.submitted.v1", json.dumps(report | {"reference": f"SMOKE-{uuid4().hex[:8]}"}).encode())
    receipt = await receipts.next_msg(timeout=30)
    assert receipt.subject == "receipt.rs-contoh.accepted.v1", receipt.subject
    print(compose("agencies", "naungan", "agency", "revoke", "rs-contoh"))
    async with asyncio.timeout(10):
        while bus.is_connected:
            await asyncio.sleep(0.1)
    refused = ""
    try:
        await joined()
    except nats.errors.Error as error:
        refused = str(error).lower()
    assert "authorization" in refused, "who was let in no more came in again"
    print("an agency came in by TLS with a key of its own, had its receipt, and is out")


async def main(gateway: str, by: str | None) -> None:
    async with httpx.AsyncClient(base_url=gateway, timeout=20) as client:

        async def send(method: str, path: str, identity: str, body: object = None) -> httpx.Response:
            token = (await client.post("/issuer/token", json={"identity": identity})).raise_for_status().json()["access_token"]
            return await client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex})

        (await send("PUT", f"/assessment/workers/{PEKSOS}", "operator", {"agency": "dinsos"})).raise_for_status()
        report = {
            "urgency": "medium",
            "callback": "+62 000 0000",
            "area": "31.75.01",
            "violence_types": ["fisik"],
            "narrative": "Contoh",
            "persons": [{"role": "victim", "sex": "female", "age": 31}],
            "screen": {"shelter_needed": False},
        }
        case = (await send("POST", "/intake/reports", "desk-dppapp", report)).raise_for_status().json()
        triage = {"risk": "medium", "shelter_needed": False}
        (await send("POST", f"/intake/cases/{case['case_id']}/triage", "desk-dppapp", triage)).raise_for_status()
        async with asyncio.timeout(60):
            while (await send("GET", f"/intake/cases/{case['case_id']}", "desk-dppapp")).raise_for_status().json()["state"] != "assessment":
                await asyncio.sleep(0.3)
        print("a desk's report is with a social worker")

        password = (await client.get("/issuer/nats-passwords")).raise_for_status().json()["dppapp"]
        bus = await nats.connect(
            f"{gateway.replace('http', 'ws', 1)}/nats", user="dppapp", password=password, inbox_prefix="_INBOX_dppapp", connect_timeout=10
        )
        receipts = await bus.subscribe("receipt.dppapp.>")
        await bus.flush()
        await bus.publish("referral.dppapp.submitted.v1", json.dumps(report | {"reference": f"SMOKE-{uuid4().hex[:8]}"}).encode())
        receipt = await receipts.next_msg(timeout=30)
        assert receipt.subject == "receipt.dppapp.accepted.v1", receipt.subject
        print("a referral over NATS through the gateway has its receipt")
        follow = json.loads(receipt.data)["follow_id"]
        assert (await send("GET", f"/intake/follow/{follow}", "system-dppapp")).status_code == 200
        assert (await send("GET", f"/intake/follow/{follow}", "system-dinsos")).status_code == 404
        await bus.close()
        assert (await client.get("/placement/metrics")).status_code == 404
        print("another agency is told nothing, and figures stay inside")

        page = await opened(client, "/", "placement-dinsos")
        assert page.url.path == "/notifications/pages/inbox", page.url
        assert (page.status_code, "Kotak masuk" in page.text) == (200, True), page.text
        for style in [part.split('"')[0] for part in page.text.split('href="') if ".css" in part.split('"')[0]]:
            assert (await client.get(style)).status_code == 200, style
        print("an officer is logged in and sees her inbox")
    if by is not None:
        await by_tls(by, report)


async def opened(client: httpx.AsyncClient, path: str, identity: str) -> httpx.Response:
    """A page as a browser gets it: through the log-in, with cookies that a library sends over TLS only."""
    cookies: dict[str, str] = {}
    for _ in range(10):
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "accept": "text/html"}
        answer = await client.get(f"{path}&identity={identity}" if "/authorize?" in path else path, headers=headers)
        for entry in answer.headers.get_list("set-cookie"):
            name, _, value = entry.partition(";")[0].partition("=")
            cookies[name] = value
        if not answer.has_redirect_location:
            return answer
        path = answer.headers["location"]
    raise AssertionError(path)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
