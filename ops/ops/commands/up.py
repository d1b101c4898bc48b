"""The whole platform on this machine."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import structlog
import typer
from contracts.streams import SERVICES
from rich.table import Table

from ops import carry_over
from ops.commands.options import DEFAULT, Data, console
from ops.edge import hub
from ops.platform import Platform


def up(
    data: Data = DEFAULT,
    time_scale: Annotated[float, typer.Option(min=1, help="speeds clocks up, for demos")] = 1.0,
    edges: Annotated[str, typer.Option(help="sites that may connect, as agency:site, with commas (naungan edge)")] = "",
    *,
    tls: Annotated[bool, typer.Option("--tls", help="talk to NATS by TLS only, under a local authority: FOLDER/tls/ca.pem")] = False,
) -> None:
    """Start the whole platform on this machine, and keep it running until Ctrl-C."""
    structlog.configure(processors=[structlog.processors.TimeStamper(fmt="%H:%M:%S"), structlog.dev.ConsoleRenderer(colors=False)])
    try:
        asyncio.run(_up(data, time_scale, hub.sites(edges), tls=tls))
    except carry_over.CarryError as error:
        console.print(f"{error} (naungan leave-behind puts it aside)", soft_wrap=True)
        raise typer.Exit(1) from None


def leave_behind(data: Data = DEFAULT) -> None:
    """Put aside, unread, what a stopped broker holds from a release before agencies had accounts, where it cannot be carried over."""
    try:
        console.print(f"it lies in {carry_over.leave(data / 'nats' / 'jetstream')}", soft_wrap=True)
    except carry_over.CarryError as error:
        console.print(str(error), soft_wrap=True)
        raise typer.Exit(1) from None


async def _up(data: Path, time_scale: float, sites: list[hub.Site], *, tls: bool) -> None:
    stopping = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    platform = Platform(data, time_scale, sites=sites, tls=tls)
    starting = asyncio.create_task(platform.start())
    try:
        await asyncio.wait([starting, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await _introduce(platform)
            await stopping.wait()
    finally:
        starting.cancel()
        console.print("stopping ...")
        await platform.stop()


async def _introduce(platform: Platform) -> None:
    table = Table("what", "where", title="Naungan is up (demo identities; loopback only)", title_justify="left")
    table.add_row("officers' pages", f"{platform.gateway}/")
    for service in SERVICES:
        table.add_row(service, f"{platform.gateway}/{service}/docs")
    table.add_row("NATS", platform.nats.url)
    if platform.certificate:
        table.add_row("whom to trust there", str(platform.certificate.ca))
    table.add_row("tokens", f"POST {platform.gateway}/issuer/token {{'identity': 'desk-dppapp'}}   (names: GET .../issuer/identities)")
    table.add_row("an agency's NATS password", f"{platform.secrets.path} (passwords)")
    for site in platform.sites:
        table.add_row(f"leaf nodes, for {site.user}", f"nats://127.0.0.1:{platform.secrets.ports['leafnodes']}")
    table.add_row("data and logs", str(platform.data))
    console.print(table)
    for identity in ("desk-dppapp", "supervisor-dppapp", "placement-dinsos", "peksos-1"):
        console.print(f"{identity}: {await platform.token(identity)}", soft_wrap=True)
