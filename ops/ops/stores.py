"""The services' stores: a role and two databases each (data, and keys apart from it), and their migrations."""

import asyncio
import importlib
import re
from pathlib import Path
from typing import Any

import asyncpg
from chassis import migrate
from contracts.streams import SERVICES

NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
PASSWORD = re.compile(r"^[A-Za-z0-9_-]{8,128}$")


async def prepare(admin_url: str, service: str, password: str) -> None:
    """Make a service's role and databases if they are missing, and let nobody else in. Safe to run again.

    Raises ValueError for a name or password that does not belong in a statement: neither can be a parameter of CREATE ROLE.
    """
    if not NAME.match(service) or not PASSWORD.match(password):
        message = "a service's name or password holds characters that are not allowed"
        raise ValueError(message)
    connection = await asyncpg.connect(admin_url)
    try:
        verb = "ALTER" if await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", service) else "CREATE"
        await connection.execute(f"{verb} ROLE {service} LOGIN PASSWORD '{password}'")
        for database in (service, f"{service}_keys"):
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
                await connection.execute(f"CREATE DATABASE {database} OWNER {service}")
            await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    finally:
        await connection.close()


def migrations(service: str) -> Path:
    """The folder of a service's migrations."""
    package = importlib.import_module(service)
    return Path(str(package.__file__)).parent / "migrations"


def url(admin_url: str, service: str, password: str, database: str | None = None) -> str:
    """The URL by which a service reaches one of its databases."""
    address = admin_url.split("@", 1)[1].split("/", 1)[0]
    return f"postgresql://{service}:{password}@{address}/{database or service}"


async def prepare_all(admin_url: str, passwords: dict[str, str]) -> None:
    """Prepare and migrate the stores of all services."""
    for service in SERVICES:
        await prepare(admin_url, service, passwords[service])
        await migrate.upgrade(url(admin_url, service, passwords[service]), migrations(service))


def main() -> None:
    """Prepare and migrate all stores, told by files in /run/secrets (`admin_url`, and a password per service)."""
    secrets = Path("/run/secrets")
    passwords = {service: (secrets / service).read_text().strip() for service in SERVICES}
    asyncio.run(prepare_all((secrets / "admin_url").read_text().strip(), passwords))


if __name__ == "__main__":
    main()


async def fetched(url: str, statement: str, *values: Any) -> list[Any]:
    """The rows of one statement in the database at a URL."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *values))
    finally:
        await connection.close()


async def executed(url: str, statement: str, *values: Any) -> int:
    """Execute one statement in the database at a URL; how many rows it touched."""
    connection = await asyncpg.connect(url)
    try:
        return int((await connection.execute(statement, *values)).split()[-1])
    finally:
        await connection.close()
