"""Where a request comes from is what the gateway says, and nobody else."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from chassis import client_address
from fastapi import Request

from tests.chassis.conftest import start_toy
from tests.rig import Rig

GATEWAYS = "127.0.0.1, 172.16.0.0/12"


def a_request(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 4000) if peer else None})


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("172.18.0.9", "36.66.1.2", "36.66.1.2"),
        ("127.0.0.1", "1.1.1.1, 36.66.1.2", "36.66.1.2"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("36.66.9.9", "1.1.1.1", "36.66.9.9"),
        ("::ffff:36.66.9.9", "1.1.1.1", "36.66.9.9"),
        ("172.18.0.9", "2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("172.18.0.9", "2001:db8:1:2:bbbb::2", "2001:db8:1:2::"),
        ("not an address", "1.1.1.1", "not an address"),
        (None, "1.1.1.1", ""),
    ],
)
def test_only_a_gateway_says_for_whom_it_asks(peer: str | None, forwarded: str, found: str) -> None:
    assert client_address(a_request(peer, forwarded), GATEWAYS) == found


async def test_a_body_that_is_too_large_is_refused_before_it_is_read_announced_or_not(rig: Rig) -> None:
    await start_toy(rig, body_bytes=1000)
    headers = {"Authorization": f"Bearer {rig.issuer.token('operator', 'dinsos')}", "Idempotency-Key": "k1"}
    given = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(100):
            given += 1
            yield b"x" * 100

    for path in (f"/cases/{uuid4()}", "/nowhere", "/seen"):
        for content in (b"x" * 1001, pieces()):
            answer = await rig.clients["placement"].post(path, content=content, headers=headers)
            if path == "/nowhere" and answer.status_code == 404:
                continue  # nobody reads what is sent there
            assert answer.status_code == 413, (path, answer.text)
            assert (answer.json()["errors"], answer.json()["most_bytes"]) == ([{"field": "body", "code": "too_large"}], 1000)
            assert answer.headers["content-type"] == "application/problem+json"
    assert given < 40, "no more is read than it takes to see that it is too large"
    assert await rig.sql("placement", "SELECT 1 FROM request") == []
    assert (await rig.post("placement", f"/cases/{uuid4()}", role="operator")).status_code == 201
