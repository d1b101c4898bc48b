"""How a running platform stands, and putting right what a service knows from others."""

import asyncio
from typing import Annotated

import typer
from chassis.rebuild import ShadowError
from contracts.streams import SERVICES

from ops import audit, doctor, rebuild
from ops.commands.options import DEFAULT, Data, access, console, store_url

audits = typer.Typer(no_args_is_help=True, add_completion=False, help="Who looked at what: whether anybody rewrote it.")


def look(
    service: Annotated[str | None, typer.Argument(help="one service; all without it")] = None,
    data: Data = DEFAULT,
    *,
    deep: Annotated[bool, typer.Option(help="replay the projections too, in a schema of their own")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for a machine")] = False,
) -> None:
    """Say what is wrong with a running platform and what to do about it; exit code 1 when something is."""
    findings = asyncio.run(doctor.examine_all([access(name, data) for name in ([service] if service else SERVICES)], deep=deep))
    if as_json:
        typer.echo(doctor.as_json(findings))
    else:
        console.print(doctor.as_table(findings))
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


def make_again(
    service: str,
    data: Data = DEFAULT,
    *,
    only_compare: Annotated[bool, typer.Option("--compare", help="say what differs, and change nothing")] = False,
) -> None:
    """Put right what a service knows from others, from a replay of the stream, while it runs; exit code 1 when something differs after it."""
    try:
        result = asyncio.run(rebuild.run(access(service, data), only_compare=only_compare))
    except ShadowError as error:
        console.print(f"{service}: {error}")
        raise typer.Exit(1) from None
    console.print(rebuild.as_text(result), soft_wrap=True)
    raise typer.Exit(0 if result.after.clean else 1)


@audits.command("verify")
def verify_audit(service: Annotated[str | None, typer.Argument(help="one service; all without it")] = None, data: Data = DEFAULT) -> None:
    """Link every audit log anew and compare it with the seals that another service keeps; exit code 1 when a row was changed, added or taken away."""
    found = asyncio.run(audit.verdicts({name: store_url(name, data) for name in SERVICES}, [service] if service else SERVICES))
    console.print(audit.as_table(found))
    raise typer.Exit(1 if any(verdict.wrong for verdict in found.values()) else 0)
