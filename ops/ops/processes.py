"""What the embedded servers need of the system: processes that end with us, free ports, facts that outlive a run, and finding leftovers."""

import contextlib
import json
import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PATIENCE = 30.0
# Below the range from which Linux takes the ports of outgoing connections, so that a kept port is still free at the next start.
PORTS = range(15000, 32000)
# Of its own: whoever seeds `random`, as tests do, would have two platforms choose the same ports at the same time.
CHANCE = random.SystemRandom()
GIVEN: set[int] = set()
LEASH = Path(__file__).with_name("leash.py")
# The kernel takes the end of the thread that started a child for the parent's death; this one lives as long as the process.
_starter = ThreadPoolExecutor(1, thread_name_prefix="starter")


def free_port(preferred: int | None = None) -> int:
    """A free TCP port of loopback; the preferred one if it is free, otherwise one that nobody in this process was given: who was may not have opened it yet."""
    for candidate in ([preferred] if preferred else []) + [port for port in CHANCE.sample(PORTS, 200) if port not in GIVEN]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            GIVEN.add(candidate)
            return candidate
    message = "no free port on loopback"
    raise RuntimeError(message)


class Remembered:
    """Small facts of a data folder that outlive a run: ports and passwords, readable by the owner only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "server.json"
        self.facts: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}

    def keep(self, **facts: Any) -> None:
        """Remember facts."""
        self.facts |= facts
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        # A crash leaves the old facts or the new ones, never half a file: without its key a store cannot be opened again.
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(json.dumps(self.facts))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.path)


def leashed(command: Sequence[str], log_file: Path, at_our_death: signal.Signals, user: pwd.struct_passwd | None = None) -> subprocess.Popen[bytes]:
    """Start a process that gets a signal when we die, however we die; its output goes to a file that we open and hand down.

    Not in our process group: a Ctrl-C on the terminal must not end the database before the services.
    """
    uid, gid = (user.pw_uid, user.pw_gid) if user else (-1, -1)
    leash = [sys.executable, "-I", "-S", str(LEASH), *map(str, (os.getpid(), int(at_our_death), uid, gid))]
    environment: Mapping[str, str] = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def start() -> subprocess.Popen[bytes]:
        with os.fdopen(os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own binaries
                [*leash, *command], stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", env=environment, start_new_session=True
            )

    return _starter.submit(start).result()


def end_leftover(pid_file: Path, program: str) -> None:
    """End a server that a killed run left behind, if the pid file still names it."""
    try:
        pid = int(pid_file.read_text())
        if program.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    until_gone((pid,))


def children(pid: int) -> tuple[int, ...]:
    """The processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(entry.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return tuple(found)


def until_gone(pids: tuple[int, ...]) -> bool:
    """Wait until these have ended; whether they did."""
    deadline = time.monotonic() + PATIENCE
    while any(_runs(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False
