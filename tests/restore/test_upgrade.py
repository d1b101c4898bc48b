"""The release before this one runs on the new schema, alone and beside the new one, and nothing is lost or doubled."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from chassis import migrate
from ops.processes import free_port
from ops.supervise import wait_ready

from ops import stores
from tests.flows.test_faults import SERVICES, Running, a_worker, everything_agrees, refer
from tests.restore.test_under_load import running  # noqa: F401 - a fixture

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]
# The release whose schema ends with 0001 in every service.
PREVIOUS = "91d4f9d"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What makes Python import the previous release's packages."""
    found = subprocess.run(["git", "-C", str(ROOT), "archive", PREVIOUS, "shared", "services"], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"the history with the previous release ({PREVIOUS}) is not here")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(found.stdout)) as archive:
        archive.extractall(folder, filter="data")
    places = [*(folder / "shared").iterdir(), *(folder / "services").iterdir()]
    told = {"PYTHONPATH": os.pathsep.join(map(str, places))}
    older = subprocess.run([sys.executable, "-c", "import chassis.bus.recovery"], env=os.environ | told, capture_output=True, check=False)
    assert older.returncode, "the previous release knows no recovery: it is not what runs otherwise"
    return told


async def test_the_previous_release_runs_on_the_new_schema_alone_and_beside_the_new_one(
    running: Running,  # noqa: F811
    previous: dict[str, str],
) -> None:
    platform = running.platform
    await a_worker(running)
    ports = {}
    for service in SERVICES:
        (row,) = await running.sql(service, "SELECT version_num FROM alembic_version")
        assert row[0] == migrate.head(stores.migrations(service)) > "0001", "the schema is newer than the release before"
        await platform.supervisor.stop(service)
        ports[service] = free_port()
        environment = platform.service_environment(service) | previous | {f"{service.upper()}_PORT": str(ports[service])}
        platform.supervisor.run(f"previous-{service}", [sys.executable, "-m", service], environment)
    for port in ports.values():
        await wait_ready(f"http://127.0.0.1:{port}/readyz", 60)
    await refer(running, range(15))
    await everything_agrees(running, 15)
    for service in SERVICES:
        platform.start_service(service)
    await wait_ready(f"{platform.gateway}/healthz", 60)
    await refer(running, range(15, 30))
    for service in SERVICES:
        platform.supervisor.kill(f"previous-{service}")
    await refer(running, range(30, 45))
    await everything_agrees(running, 45)
    for service in SERVICES:
        await platform.supervisor.stop(f"previous-{service}")
    await refer(running, range(45, 55))
    await everything_agrees(running, 55)
