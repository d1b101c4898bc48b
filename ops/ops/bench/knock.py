"""A client that costs little: prepared requests on connections that stay open, each sent when the one before is answered."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import uuid4

HEAD_END = b"\r\n\r\n"


@dataclass
class Knocked:
    """How long each answer took, in seconds, and how many answers had which status."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    last: bytes = b""


def request(method: str, path: str, token: str, content: Mapping[str, Any] | None = None) -> bytes:
    """A request as it goes over the wire, with a key of its own when it writes."""
    body = json.dumps(content).encode() if content is not None else b""
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    if content is not None:
        head += [f"Idempotency-Key: {uuid4().hex}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode() + HEAD_END + body


async def knock(port: int, requests: Sequence[bytes], clients: int) -> Knocked:
    """Let so many clients send the requests, each as fast as it is answered."""
    found, queue = Knocked(), iter(requests)
    await asyncio.gather(*(_client(port, queue, found) for _ in range(clients)))
    return found


async def _client(port: int, queue: Any, found: Knocked) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for content in queue:
            started = perf_counter()
            writer.write(content)
            head = await reader.readuntil(HEAD_END)
            found.last = await reader.readexactly(_length(head))
            found.seconds.append(perf_counter() - started)
            status = int(head[9:12])
            found.statuses[status] = found.statuses.get(status, 0) + 1
    finally:
        writer.close()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
