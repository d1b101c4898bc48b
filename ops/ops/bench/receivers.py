"""A thousand receivers of webhooks in one process, each at an address of its own on loopback: most answer, some hang, fail or send on inward.

`python -m ops.bench.receivers PORT HEALTHY HANG FAIL REDIRECT LOG` writes a line into LOG for each event that a receiver that answers got, and
one for each request that came to the address inward.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import time
from typing import IO

HEALTHY, HANG, FAIL, REDIRECT, INWARD = "healthy", "hang", "fail", "redirect", "inward"
ANSWERS = {
    HEALTHY: b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    FAIL: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    INWARD: b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
}
INWARD_ADDRESS = "127.99.0.1"


def address_of(number: int) -> str:
    """The address of one receiver."""
    return f"127.77.{number // 250}.{number % 250 + 1}"


def kinds(healthy: int, hang: int, fail: int, redirect: int) -> list[str]:
    """What each receiver does, by its number."""
    return [HEALTHY] * healthy + [HANG] * hang + [FAIL] * fail + [REDIRECT] * redirect


def receiver(number: int, kind: str, port: int, log: IO[str]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """One receiver."""

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            headers = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
            content = json.loads(await reader.readexactly(int(headers[b"content-length"])))
            if kind in {HEALTHY, INWARD}:
                told = {"number": number, "id": headers[b"webhook-id"].decode(), "event": content["id"], "said": content["time"], "at": time()}
                log.write(json.dumps(told | {"kind": kind}) + "\n")
                log.flush()
            if kind == HANG:
                await reader.read()
            elif kind == REDIRECT:
                writer.write(f"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{INWARD_ADDRESS}:{port}/\r\nContent-Length: 0\r\n\r\n".encode())
            else:
                writer.write(ANSWERS[kind])
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()

    return receive


async def serve(port: int, what: list[str], log: Path) -> None:
    """Listen until this is ended."""
    with log.open("a") as lines:
        for number, kind in enumerate(what):
            await asyncio.start_server(receiver(number, kind, port, lines), address_of(number), port, backlog=1024)
        await asyncio.start_server(receiver(-1, INWARD, port, lines), INWARD_ADDRESS, port)
        log.with_suffix(".ready").touch()
        await asyncio.Event().wait()


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:6]]
    asyncio.run(serve(numbers[0], kinds(*numbers[1:]), Path(sys.argv[6])))
