"""Named points at which a test can kill this process, to prove that nothing is lost or doubled there."""

import os
import signal
from pathlib import Path

POINTS = frozenset({"before_commit", "after_commit_before_ack", "after_commit_before_publish", "after_publish_before_confirm"})
_armed = os.environ.get("NAUNGAN_CRASH_AT")
_once_there_is = os.environ.get("NAUNGAN_CRASH_ONCE_THERE_IS")


def point(name: str) -> None:
    """Kill this process with SIGKILL if `NAUNGAN_CRASH_AT` names this point, and there is the file `NAUNGAN_CRASH_ONCE_THERE_IS` if that names one.

    Otherwise do nothing.
    """
    if _armed == name and (_once_there_is is None or Path(_once_there_is).exists()):
        os.kill(os.getpid(), signal.SIGKILL)
