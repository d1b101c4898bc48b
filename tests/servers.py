"""Real Postgres and NATS for the tests: from testcontainers where Docker answers, otherwise the embedded ones; and it says which."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ACCOUNTS = 2000
NATS_CONFIG = "listen: {host}:{port}\nhttp: {host}:{monitor}\njetstream {{ store_dir: {store}, sync_interval: always, max_file: 900T }}\n"


@dataclass(frozen=True)
class Servers:
    """Where the servers are; each test takes a NATS account and databases of its own."""

    kind: str
    postgres: str
    nats: str


def docker_answers() -> bool:
    """Whether testcontainers can be used here; `TEST_BACKEND=embedded` says not to."""
    if os.environ.get("TEST_BACKEND") == "embedded":
        return False
    try:
        import docker

        docker.from_env(timeout=5).ping()
        images = {tag for image in docker.from_env(timeout=5).images.list() for tag in image.tags}
    except Exception:
        return False
    return {"postgres:17", "nats:2.15.1"} <= images or os.environ.get("TEST_BACKEND") == "docker"


def accounts() -> str:
    """One NATS account per test, so that tests share a server and no stream."""
    lines = [f'  T{n} {{ jetstream: enabled, users: [{{ user: "T{n}", password: "test" }}] }}' for n in range(ACCOUNTS)]
    return "accounts {\n" + "\n".join(lines) + "\n}\n"


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Start both servers; they end with the block."""
    with tempfile.TemporaryDirectory(prefix="naungan-test-") as folder, contextlib.ExitStack() as stack:
        path = Path(folder)
        path.chmod(0o755)
        yield _containers(stack, path) if docker_answers() else _embedded(stack, path)


def _containers(stack: contextlib.ExitStack, folder: Path) -> Servers:
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    config = folder / "nats.conf"
    config.write_text(NATS_CONFIG.format(host="0.0.0.0", port=4222, monitor=8222, store="/data") + accounts())
    broker = (
        DockerContainer("nats:2.15.1").with_exposed_ports(4222).with_volume_mapping(str(config), "/test.conf", "ro").with_command("-c /test.conf")
    )
    stack.enter_context(broker.with_tmpfs_mount("/data", "size=4g").waiting_for(LogMessageWaitStrategy("Server is ready")))
    # Nobody crashes these servers: tests that do have their own. So nothing waits for a disk, and what a test leaves is in memory until it drops it.
    store = PostgresContainer("postgres:17", driver=None).with_command(
        "-c max_connections=400 -c log_error_verbosity=terse -c fsync=off -c full_page_writes=off -c max_wal_size=256MB"
    )
    stack.enter_context(store.with_tmpfs_mount("/var/lib/postgresql/data", "size=6g"))
    address = f"nats://{broker.get_container_host_ip()}:{broker.get_exposed_port(4222)}"
    return Servers("testcontainers", store.get_connection_url(), address)


def _embedded(stack: contextlib.ExitStack, folder: Path) -> Servers:
    from ops.servers import Nats, Postgres

    store = stack.enter_context(Postgres(folder / "postgres"))
    broker = stack.enter_context(Nats(folder / "nats", accounts()))
    return Servers("embedded", store.url("postgres"), broker.url)
