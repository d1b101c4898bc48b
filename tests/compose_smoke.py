"""Uses a compose deployment through its one published port: reports, refers over NATS, sees cases move. Exit code 0 if all holds."""

import asyncio
import json
import sys
from uuid import uuid4

import httpx
import nats

PEKSOS = "5b0c1ac4-65f7-4f3e-8f0e-2f6f3b1f9d10"


async def main(gateway: str) -> None:
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
    asyncio.run(main(sys.argv[1]))
