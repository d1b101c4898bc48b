"""`naungan edge`: make a site's folder, and run its leaf node and its agent."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import nats
import typer

from ops.edge import site
from ops.edge.agent import Agent
from ops.edge.node import Node

app = typer.Typer(no_args_is_help=True, help="An office at the edge: it takes sealed messages while the link is down, and hands them over after.")
Folder = Annotated[Path, typer.Argument(help="the site's folder")]


@contextlib.contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command("init")
def init(
    folder: Folder,
    *,
    name: Annotated[str, typer.Option("--site", help="agency:site, as the platform's operator registered it")],
    hub: Annotated[str, typer.Option(help="URL of the platform's leaf node listener, as tls://naungan.example:7422")],
    password_file: Annotated[Path, typer.Option(help="a file with the password of the site's user at the platform")],
    call: Annotated[str, typer.Option(help="the number that is told when something is urgent")] = "129",
    keys_url: Annotated[str | None, typer.Option(help="URL of the platform's sealing keys, as https://naungan.example/intake/sealing/keys")] = None,
    listen: Annotated[str, typer.Option(help="where the office's own systems connect")] = "127.0.0.1:4222",
    ca: Annotated[Path | None, typer.Option(help="the certificate authority of the platform, where it is a local one")] = None,
) -> None:
    """Make a site's folder: its leaf node's configuration, its users, a compose file."""
    with _saying_why():
        told = password_file.read_text().strip()
        made = site.make(folder.resolve(), name, hub, told, call=call, keys_url=keys_url, listen=listen, ca=ca.resolve() if ca else None)
    typer.echo(f"{folder}: run it with `naungan edge run {folder}`; the office connects to {listen} as user office, password in edge.json")
    typer.echo(f"at the platform: EDGES must name {made.facts['site']}")


@app.command("run")
def run(folder: Folder, server: Annotated[str | None, typer.Option(help="a leaf node that runs already; else one is started here")] = None) -> None:
    """Run a site until Ctrl-C: its leaf node, unless one runs, and its agent."""
    with _saying_why():
        made = site.read(folder.resolve())
    node = None if server else Node(folder.resolve())
    if node is not None:
        node.start()
    try:
        asyncio.run(_agent(folder.resolve(), made, server or f"nats://{made.facts['listen']}"))
    finally:
        if node is not None:
            node.stop()


async def _agent(folder: Path, made: site.Made, server: str) -> None:
    facts = made.facts
    working = asyncio.create_task(Agent(made.site, server, facts["agent"], folder, facts["call"], facts["keys_url"]).run())
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working


@app.command("status")
def status(folder: Folder, reference: Annotated[str, typer.Argument(help="the agency's own number")]) -> None:
    """Say how far a message has come, and its receipts."""
    with _saying_why():
        made = site.read(folder.resolve())
    typer.echo(json.dumps(asyncio.run(_asked(made, reference)), indent=1, ensure_ascii=False))


async def _asked(made: site.Made, reference: str) -> object:
    client = await nats.connect(f"nats://{made.facts['listen']}", user="office", password=made.facts["office"], inbox_prefix="_INBOX_office")
    try:
        return json.loads((await client.request("edge.status", json.dumps({"reference": reference}).encode(), timeout=5)).data)
    finally:
        await client.close()
