"""The link between a site and the platform, which a test cuts: a network namespace with a wire of its own, or where none can be made a deaf proxy."""

import os
import secrets
import subprocess
import time
from pathlib import Path

from ops.processes import free_port

from tests.faults.proxy import Wires


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


class Namespace:
    """A network namespace for the site; the platform is reached over a veth pair, whose cutting loses packets as a pulled cable does."""

    def __init__(self) -> None:
        mark = secrets.token_hex(3)
        self.name, self.here, self.there = f"site-{mark}", f"nga{mark}", f"ngb{mark}"
        number = secrets.randbelow(240) + 10
        self.host, self.inside = f"10.213.{number}.1", f"10.213.{number}.2"
        _ip("netns", "add", self.name)
        try:
            _ip("link", "add", self.here, "type", "veth", "peer", "name", self.there, "netns", self.name)
            _ip("addr", "add", f"{self.host}/30", "dev", self.here)
            _ip("link", "set", self.here, "up")
            for words in (("addr", "add", f"{self.inside}/30", "dev", self.there), ("link", "set", self.there, "up"), ("link", "set", "lo", "up")):
                _ip("-n", self.name, *words)
        except subprocess.CalledProcessError:
            self.close()
            raise

    @property
    def kind(self) -> str:
        return "network namespace"

    def listen(self, _port: int) -> str:
        """Where the platform listens for the site."""
        return self.host

    def address(self, port: int) -> str:
        """Where the site finds what listens on a port of the platform."""
        return f"{self.host}:{port}"

    def command(self, words: list[str]) -> list[str]:
        """A command that runs at the site."""
        return ["ip", "netns", "exec", self.name, *words]

    def cut(self) -> None:
        """Pull the cable."""
        _ip("-n", self.name, "link", "set", self.there, "down")

    def mend(self) -> None:
        """Plug it in again."""
        _ip("-n", self.name, "link", "set", self.there, "up")

    def close(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.here], capture_output=True, check=False)


class Proxy:
    """The site on this machine's loopback, behind a proxy that can go deaf."""

    def __init__(self, port: int) -> None:
        self.port, self.front = port, free_port()
        self.wires = Wires({"link": (self.front, port)})
        self.wires.start()
        time.sleep(0.3)

    @property
    def kind(self) -> str:
        return "proxy"

    def listen(self, _port: int) -> str:
        return "127.0.0.1"

    def address(self, _port: int) -> str:
        return f"127.0.0.1:{self.front}"

    def command(self, words: list[str]) -> list[str]:
        return words

    def cut(self) -> None:
        self.wires.set(["link"], deaf=True)

    def mend(self) -> None:
        self.wires.heal()

    def close(self) -> None:
        self.wires.stop()


def link(port: int) -> Namespace | Proxy:
    """A link to a port of the platform: a real one where we may make namespaces."""
    if os.geteuid() == 0 and Path("/usr/sbin/ip").exists() and os.environ.get("EDGE_LINK") != "proxy":
        try:
            return Namespace()
        except (OSError, subprocess.CalledProcessError):
            pass
    return Proxy(port)
