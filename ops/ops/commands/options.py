"""What many commands take, and where they find what it points to."""

import os
from pathlib import Path
from typing import Annotated

import typer
from contracts.streams import SERVICES
from rich.console import Console

from ops import stores
from ops.access import Access, UnreachableError, access_of
from ops.platform import Secrets
from ops.processes import Remembered

Data = Annotated[Path, typer.Option(envvar="NAUNGAN_DATA", help="folder that keeps everything between runs")]
DEFAULT = Path(".naungan")
console = Console()


def access(service: str, data: Path) -> Access:
    """How a service's store, keys and broker are reached; a refusal that says what is missing where they are not."""
    if service not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}")  # noqa: TRY003
    try:
        return access_of(service, data)
    except UnreachableError as error:
        raise typer.BadParameter(str(error)) from None


def store_url(service: str, data: Path) -> str:
    """The store of a service: from its setting where there is one, else of the embedded platform below `data`."""
    if service not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}")  # noqa: TRY003
    told = os.environ.get(f"{service.upper()}_DATABASE_URL")
    if told:
        return told
    facts = Remembered(data / "postgres").facts
    if "port" not in facts:
        raise typer.BadParameter(f"no platform below {data}, and {service.upper()}_DATABASE_URL is not set")  # noqa: TRY003
    admin = f"postgresql://postgres@127.0.0.1:{facts['port']}/postgres"
    return stores.url(admin, service, Secrets.read(data)[service])
