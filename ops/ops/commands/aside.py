"""Messages that a service set aside or holds."""

import asyncio
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from ops import letters, quarantine
from ops.commands.options import DEFAULT, Data, console, store_url

letters_app = typer.Typer(no_args_is_help=True, add_completion=False, help="Messages that a service could not take: list them, and drive them again.")
quarantine_app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Agencies' sealed messages that intake cannot open yet: list them, and try them again."
)


@letters_app.command("list")
def list_letters(service: str, data: Data = DEFAULT) -> None:
    """List what a service set aside: why, and since when; never the content."""
    table = Table("id", "stream", "subject", "reason", "tries", "set aside")
    for row in asyncio.run(letters.listed(store_url(service, data))):
        table.add_row(str(row["id"]), row["stream"], row["route"], row["reason"], str(row["attempts"]), f"{row['set_aside_at']:%Y-%m-%d %H:%M}")
    console.print(table)


@letters_app.command("redrive")
def redrive_letters(
    service: str, letter: Annotated[UUID | None, typer.Argument(help="one message; all without it")] = None, data: Data = DEFAULT
) -> None:
    """Let a service try one message, or all that it set aside, again; within seconds if it runs."""
    console.print(f"asked for {asyncio.run(letters.redrive(store_url(service, data), letter))}")


@quarantine_app.command("list")
def list_quarantine(data: Data = DEFAULT) -> None:
    """List what intake holds: whose it is, why, and since when; never the content."""
    table = Table("id", "agency", "reference", "why", "key", "tries", "held since")
    for row in asyncio.run(quarantine.listed(store_url("intake", data))):
        why = f"{row['field']}: {row['code']}"
        table.add_row(
            str(row["id"]), row["agency"], row["reference"] or "", why, row["kid"] or "", str(row["attempts"]), f"{row['held_at']:%Y-%m-%d %H:%M}"
        )
    console.print(table)


@quarantine_app.command("redrive")
def redrive_quarantine(held: Annotated[UUID | None, typer.Argument(help="one message; all without it")] = None, data: Data = DEFAULT) -> None:
    """Let intake try one message, or all that it holds, again; within seconds if it runs."""
    console.print(f"asked for {asyncio.run(quarantine.redrive(store_url('intake', data), held))}")
