"""Named points at which a test can kill this process, to prove that nothing is lost or doubled there."""

import os
import signal

POINTS = frozenset({"before_commit", "after_commit_before_ack", "after_commit_before_publish", "after_publish_before_confirm"})
_armed = os.environ.get("NAUNGAN_CRASH_AT")


def point(name: str) -> None:
    """Kill this process with SIGKILL if `NAUNGAN_CRASH_AT` names this point; otherwise do nothing."""
    if _armed == name:
        os.kill(os.getpid(), signal.SIGKILL)
