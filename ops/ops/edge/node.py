"""The site's leaf node as a process of this machine."""

import signal
import socket
import subprocess
import time
from pathlib import Path

from ops.edge.site import read
from ops.processes import end_leftover, leashed
from ops.servers import nats_server

PATIENCE = 20.0


class Node:
    """The nats-server of one site's folder; it ends with us."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        host, _, port = str(read(folder).facts["listen"]).rpartition(":")
        self.address = (host, int(port))

    def start(self) -> None:
        """Start it and wait until it takes connections; the link to the platform may come whenever it likes."""
        end_leftover(self.folder / "nats.pid", "nats-server")
        command = [nats_server(), "-c", str(self.folder / "nats.conf"), "-P", str(self.folder / "nats.pid")]
        self.process = leashed(command, self.folder / "nats.log", signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                message = f"the leaf node did not start; see {self.folder / 'nats.log'}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def stop(self) -> None:
        """Stop it in good order."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None
