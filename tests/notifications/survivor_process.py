"""Notifications as a process of its own that dies with SIGKILL in the middle of a sending to a survivor, at the point that SENDING_DIES_AT names.

`claimed` is when the claim is committed and nothing was sent, `given` when the receiver has it and nobody knows yet, `recording` when what came of
it was to be written.
"""

import os
import signal
from typing import Any

import uvicorn
from notifications.app import build
from notifications.channels.ways import Ways
from notifications.settings import NotificationsSettings
from notifications.survivors import sending


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(point: str) -> None:
    """Let this process die there."""
    send, record = Ways.send, sending.record

    async def sent(self: Ways, *letter: Any) -> Any:
        if point == "claimed":
            die()
        answer = await send(self, *letter)
        if point == "given":
            die()
        return answer

    async def recorded(tx: Any, **what: Any) -> None:
        await record(tx, **what)
        die()

    Ways.send = sent  # type: ignore[method-assign]
    if point == "recording":
        sending.record = recorded


if __name__ == "__main__":
    die_at(os.environ["SENDING_DIES_AT"])
    settings = NotificationsSettings()
    uvicorn.run(build(settings).app(), host="127.0.0.1", port=settings.port, log_level="error")
