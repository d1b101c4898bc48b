"""The embedded parts end with their parent, survive what interrupts them, and pass on what they are given and nothing else."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import nats
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet
from ops.gateway import application
from ops.issuer import application as issuer_application
from ops.issuer import signing_key
from ops.nats_users import authorization
from ops.processes import free_port
from ops.servers import Nats, Postgres
from ops.supervise import Supervisor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ops import identities, processes, supervise

pytestmark = pytest.mark.servers


def running(text: str) -> list[int]:
    """Living processes whose command line holds a text."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if text in (entry / "cmdline").read_text() and (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                found.append(int(entry.name))
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]


def until(done: Callable[[], object], patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while not done():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


async def eventually(done: Callable[[], object], patience: float = 10) -> None:
    async with asyncio.timeout(patience):
        while not done():
            await asyncio.sleep(0.01)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, so that Postgres keeps its data in it."""
    made = Path("/tmp") / f"naungan-{os.urandom(4).hex()}"
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_the_servers_end_with_a_parent_that_is_killed(folder: Path) -> None:
    code = (
        "from pathlib import Path; from ops.servers import *; import time\n"
        f"Postgres(Path('{folder}/p')).start(); Nats(Path('{folder}/n')).start(); print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    assert running(str(folder))
    parent.kill()
    parent.communicate()
    until(lambda: not running(str(folder)))


def test_a_server_outlives_the_thread_that_started_it(folder: Path) -> None:
    server = Nats(folder / "n")
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    try:
        assert httpx.get(f"{server.monitor_url}/healthz", trust_env=False).status_code == 200
    finally:
        server.stop()
    assert not running(str(folder))


def test_an_initdb_that_was_killed_is_done_again(folder: Path) -> None:
    code = f"from pathlib import Path; from ops.servers import Postgres; Postgres(Path('{folder}/p')).start()"
    parent = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: list(folder.rglob("PG_VERSION")))
    parent.kill()
    parent.wait()
    with Postgres(folder / "p"):
        pass


def test_a_pid_file_that_names_a_process_of_somebody_else_does_no_harm(folder: Path) -> None:
    with Postgres(folder / "p") as server:
        pid_file = server.data / "postmaster.pid"
        rest = pid_file.read_text().splitlines()[1:]
        server.kill()
        identity = {"user": server.user.pw_uid, "group": server.user.pw_gid, "extra_groups": []} if server.user else {}
        innocent = subprocess.Popen(["sleep", "60"], **identity)
        pid_file.write_text("\n".join([str(innocent.pid), *rest]) + "\n")
        try:
            server.start()
            assert innocent.poll() is None
        finally:
            innocent.kill()
            innocent.wait()


def test_a_folder_made_anew_does_not_find_an_older_ones_data(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    places = []
    for _ in range(2):
        with Postgres(home / "p") as server:
            places.append(server.data.parent)
        shutil.rmtree(home / "p")
    assert home.stat().st_mode & 0o777 == 0o700
    assert places[0] != places[1] or os.geteuid() != 0
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


async def test_nats_refuses_a_store_whose_key_is_lost_and_leaves_no_process(folder: Path) -> None:
    with Nats(folder / "n") as server:
        client = await nats.connect(server.url)
        await client.jetstream().add_stream(name="S", subjects=["s"])
        await client.close()
    facts = folder / "n" / "server.json"
    content = json.loads(facts.read_text())
    facts.write_text(json.dumps({key: value for key, value in content.items() if key != "key"}))
    with pytest.raises(RuntimeError, match="key"):
        Nats(folder / "n").start()
    facts.write_text(json.dumps(content | {"key": "0" * 64}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ops.servers.PATIENCE", 1.0)
        with pytest.raises(RuntimeError, match="did not start"):
            Nats(folder / "n").start()
    assert not running(str(folder))
    facts.write_text(json.dumps(content))
    with Nats(folder / "n") as server:
        client = await nats.connect(server.url)
        assert (await client.jetstream().stream_info("S")).config.name == "S"
        await client.close()


def test_nats_starts_where_a_proxy_is_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with Nats(folder / "n"):
        pass


def test_what_is_remembered_is_never_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    processes.Remembered(folder).keep(key="old")
    monkeypatch.setattr(processes.os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError("power")))
    with pytest.raises(OSError, match="power"):
        processes.Remembered(folder).keep(key="new")
    assert processes.Remembered(folder).facts == {"key": "old"}


@pytest.mark.parametrize("agency", ["a.b", "a.>", "*", 'x", password: "y', "intake", "provisioner", ""])
def test_a_code_that_would_widen_permissions_is_no_agency(agency: str) -> None:
    users = ("intake", "placement", "assessment", "notifications", "provisioner", agency)
    with pytest.raises(ValueError, match="agency code"):
        authorization(dict.fromkeys(users, "password"), [agency])


def a_child(text: str = "") -> list[str]:
    return [sys.executable, "-c", f"import signal, subprocess, sys, time\n{text}\nprint('ready', flush=True)\ntime.sleep(60)"]


async def test_a_child_that_dies_is_started_again_and_all_end_with_stop(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    child = supervisor.run("a", a_child(f"# {tmp_path}"), {})
    await eventually(lambda: running(str(tmp_path)))
    for restarts in (1, 2):
        await eventually(lambda: child.process is not None and child.process.returncode is None)
        supervisor.kill("a")
        await eventually(lambda wanted=restarts: child.restarts == wanted)
    await eventually(lambda: running(str(tmp_path)))
    await supervisor.stop()
    assert not running(str(tmp_path))


async def test_a_program_that_does_not_start_is_tried_again(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path)
    child = supervisor.run("a", ["/no/such/program"], {})
    await eventually(lambda: child.restarts >= 2)
    await supervisor.stop()


async def test_a_child_that_ignores_sigterm_is_killed_with_its_own_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "STOP_WITHIN", 0.3)
    supervisor = Supervisor(tmp_path)
    grandchild = f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60) # {tmp_path}'])"
    supervisor.run("a", a_child(f"signal.signal(15, signal.SIG_IGN)\n{grandchild}"), {})
    await eventually(lambda: b"ready" in (tmp_path / "a.log").read_bytes() if (tmp_path / "a.log").exists() else False)
    await supervisor.stop()
    await eventually(lambda: not running(str(tmp_path)))


def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys; from pathlib import Path; from ops.supervise import Supervisor\n"
        f"async def main():\n s = Supervisor(Path({str(tmp_path)!r}))\n"
        f" s.run('a', {a_child('signal.signal(15, signal.SIG_IGN) # ' + str(tmp_path))!r}, {{}})\n await asyncio.sleep(60)\nasyncio.run(main())"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    until(lambda: (tmp_path / "a.log").exists() and b"ready" in (tmp_path / "a.log").read_bytes())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not running(str(tmp_path)))


class Site:
    """The gateway before one upstream that says what it was sent."""

    def __init__(self) -> None:
        async def say(request: Request) -> Response:
            length = 0
            async for chunk in request.stream():
                length += len(chunk)
            path, query = request.scope["raw_path"].decode(), request.scope["query_string"].decode()
            return JSONResponse(
                {"path": path, "query": query, "length": length, "headers": [list(map(bytes.decode, pair)) for pair in request.headers.raw]}
            )

        async def cookies(_request: Request) -> Response:
            answer = PlainTextResponse("")
            answer.set_cookie("one", "1")
            answer.set_cookie("two", "2")
            return answer

        async def figures(_request: Request) -> Response:
            return PlainTextResponse("figures")

        routes = [Route("/cookies", cookies), Route("/metrics", figures), Route("/{rest:path}", say, methods=["GET", "POST"])]
        self.upstream, self.port, self.servers = free_port(), free_port(), []
        self.serve(Starlette(routes=routes), self.upstream)
        upstreams = {"intake": f"http://127.0.0.1:{self.upstream}", "gone": f"http://127.0.0.1:{free_port()}"}
        self.serve(application(upstreams), self.port)

    def serve(self, app: Starlette, port: int) -> None:
        server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, proxy_headers=False))
        thread = threading.Thread(target=server.run)
        thread.start()
        until(lambda: server.started)
        self.servers.append((server, thread))

    def get(self, path: str, headers: str = "") -> tuple[int, bytes]:
        """A GET of exactly this path, which an HTTP client would tidy up."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: naungan.test\r\nConnection: close\r\n{headers}\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def close(self) -> None:
        for server, thread in self.servers:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


def test_cookies_of_one_request_are_never_sent_with_another(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.port}/intake/cookies", trust_env=False)
    assert len(answer.headers.get_list("set-cookie")) == 2
    assert "cookie" not in dict(json.loads(site.get("/intake/x")[1])["headers"])


@pytest.mark.parametrize(
    "path", ["metrics", "metrics/", "/metrics", "./metrics", "../metrics", "x/../metrics", "%6Detrics", "metrics%3F", "metrics%23x", "%2E/metrics"]
)
def test_figures_stay_inside(site: Site, path: str) -> None:
    status, body = site.get(f"/intake/{path}")
    assert status == 404
    assert b"figures" not in body


def test_paths_and_queries_pass_as_they_were_sent(site: Site) -> None:
    for path, query in (("/a%2Fb", ""), ("/a%3Fb=1", ""), ("/a%23b", ""), ("/x", "a=1&a=2&b=%2F+")):
        said = json.loads(site.get(f"/intake{path}?{query}" if query else f"/intake{path}")[1])
        assert (said["path"], said["query"]) == (path, query)


def test_only_the_gateway_says_where_a_request_came_from(site: Site) -> None:
    headers = dict(
        json.loads(site.get("/intake/x", "X-Forwarded-For: 192.0.2.6\r\nForwarded: for=192.0.2.6\r\nX-Forwarded-Proto: https\r\n")[1])["headers"]
    )
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert (headers["x-forwarded-proto"], headers["x-forwarded-host"], headers["x-forwarded-prefix"]) == ("http", "naungan.test", "/intake")
    assert "forwarded" not in headers


def test_uploads_pass_with_and_without_a_length(site: Site) -> None:
    url = f"http://127.0.0.1:{site.port}/intake/x"
    assert httpx.post(url, content=b"x" * 100_000, trust_env=False).json()["length"] == 100_000
    assert httpx.post(url, content=iter([b"x" * 1000] * 100), trust_env=False).json()["length"] == 100_000


def test_an_upstream_that_is_down_is_a_502_that_says_so(site: Site) -> None:
    answer = httpx.get(f"http://127.0.0.1:{site.port}/gone/x", trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")
    assert site.get("/nobody/x")[0] == 404
    assert site.get("/healthz")[0] == 503


@pytest.fixture
def issuing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> httpx.AsyncClient:
    monkeypatch.setattr(identities, "_heads", list)
    app = issuer_application("http://issuer.test", signing_key(tmp_path), None)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://issuer.test")


async def test_tokens_verify_with_the_published_keys_and_the_key_is_kept(issuing: httpx.AsyncClient, tmp_path: Path) -> None:
    keys = KeySet.import_key_set((await issuing.get("/jwks")).json())
    assert "d" not in (await issuing.get("/jwks")).json()["keys"][0]
    for sent in ({"json": {"identity": "peksos-1"}}, {"data": {"identity": "peksos-1"}}):
        claims = jwt.decode((await issuing.post("/token", **sent)).json()["access_token"], keys, algorithms=["ES256"]).claims
        assert (claims["iss"], claims["aud"], claims["roles"], claims["agency"]) == ("http://issuer.test", "naungan", ["peksos"], "dinsos")
    assert signing_key(tmp_path).as_dict() == signing_key(tmp_path).as_dict()
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("sent", [{"content": b"{"}, {"json": [1]}, {"json": {"identity": "nobody"}}, {"data": {"x": "y"}}])
async def test_a_token_request_that_cannot_be_read_is_refused(issuing: httpx.AsyncClient, sent: dict[str, object]) -> None:
    assert (await issuing.post("/token", **sent)).status_code == 400


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "naungan.test"])
def test_the_issuer_refuses_to_listen_beyond_loopback(host: str, tmp_path: Path) -> None:
    options = ["--host", host, "--port", "1", "--data", str(tmp_path), "--issuer", "http://issuer.test"]
    done = subprocess.run([sys.executable, "-m", "ops.issuer", *options], capture_output=True, check=False)
    assert done.returncode == 2
    assert b"loopback only" in done.stderr


def test_a_port_is_given_once_although_nobody_has_opened_it_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [free_port() for _ in range(3)]
    monkeypatch.setattr(processes, "GIVEN", set())
    monkeypatch.setattr(processes.CHANCE, "sample", lambda *_: few)
    assert sorted(free_port() for _ in few) == sorted(few)
    assert free_port(few[0]) == few[0], "who has opened it before may have it again"
