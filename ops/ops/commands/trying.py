"""Invented people: a demonstration, and a sandbox for an agency's team."""

import asyncio
from typing import Annotated

import typer

from ops import demo, sandbox
from ops.commands.options import DEFAULT, Data, console
from ops.platform import AGENCIES


def play(
    data: Data = DEFAULT,
    seed: int = 1,
    households: Annotated[int, typer.Option(min=10)] = 200,
    against: Annotated[str | None, typer.Option(help="gateway of a deployment that was started as a demo, instead of one of its own")] = None,
) -> None:
    """Send invented households through the whole platform, with scripted officers, and check what must hold."""
    raise typer.Exit(demo.run(data / "demo", seed=seed, households=households, against=against))


def try_out(
    agency: Annotated[str, typer.Option(help=f"whose cases: {', '.join(AGENCIES)}")],
    data: Data = DEFAULT,
    *,
    seed: int = 1,
    pace: Annotated[float, typer.Option(min=0.1, max=600, help="new cases a minute")] = 6.0,
    minutes: Annotated[float, typer.Option(min=0.1, max=1440, help="after which it ends by itself")] = 30.0,
    time_scale: Annotated[float, typer.Option(min=1, help="how much faster the clocks of cases run")] = 900.0,
) -> None:
    """Let invented cases of an agency move by themselves on a platform of their own, for a team that tries its client."""
    if agency not in AGENCIES:
        raise typer.BadParameter(f"one of {', '.join(AGENCIES)}")  # noqa: TRY003
    asyncio.run(sandbox.play(data / "sandbox", sandbox.Wanted(agency, seed, pace, minutes, time_scale), console))
