"""Fixtures for all tests: servers once per worker, a platform of its own for each test that asks for one."""

import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.rig import Issuer, Rig, Templates
from tests.servers import Servers, docker_answers, servers

_accounts = itertools.count()


def pytest_report_header() -> str:
    """Say which servers the tests use."""
    return f"servers: {'testcontainers' if docker_answers() else 'embedded'}"


@pytest.fixture(scope="session")
def real_servers() -> Iterator[Servers]:
    """Postgres and NATS for this worker."""
    with servers() as started:
        yield started


@pytest.fixture(scope="session")
def templates(real_servers: Servers) -> Templates:
    """Migrated template databases."""
    return Templates(real_servers)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """Who makes this run's tokens."""
    return Issuer()


@pytest.fixture
async def rig(real_servers: Servers, templates: Templates, issuer: Issuer, tmp_path: Path) -> AsyncIterator[Rig]:
    """A platform of this test's own; nothing is started yet."""
    made = Rig(real_servers, templates, issuer, next(_accounts), tmp_path)
    try:
        yield made
    finally:
        await made.stop()
        await templates.drop()
