"""Where a request comes from is what the gateway says, and nobody else."""

import pytest
from chassis import client_address
from fastapi import Request

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
