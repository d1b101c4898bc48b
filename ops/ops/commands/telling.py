"""What goes outward: the catalogue of events, and the reports for SIMFONI."""

from pathlib import Path
from typing import Annotated

import typer

from ops import catalogue_pages, simfoni
from ops.commands.options import DEFAULT, Data, console


def report_outward(
    month: Annotated[str, typer.Argument(help="a month that is over, such as 2026-10")],
    *,
    names: Annotated[bool, typer.Option(help="records of those who agreed to be recorded by name, instead of the tables")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of CSV")] = False,
    gateway: Annotated[str | None, typer.Option(envvar="NAUNGAN_URL", help="of a deployment; the embedded platform below --data without it")] = None,
    token: Annotated[str | None, typer.Option(envvar="NAUNGAN_TOKEN", help="as whom it is asked there")] = None,
    data: Data = DEFAULT,
) -> None:
    """Print what goes to SIMFONI: the tables of a month in which nobody is found, or names on consent."""
    try:
        where, who = (gateway, token) if gateway and token else simfoni.embedded(data)
        typer.echo(simfoni.fetch(where, who, month, names=names, form="json" if as_json else "csv"), nl=as_json)
    except simfoni.ReportError as error:
        console.print(f"nothing was fetched: {error}", soft_wrap=True)
        raise typer.Exit(1) from None


def show_events(out: Annotated[Path, typer.Option(help="folder to write to")] = Path("naungan-docs")) -> None:
    """Write the catalogue for a browser (events, routes, error codes), and the schemas, AsyncAPI and OpenAPI documents beside it."""
    typer.echo(f"open {catalogue_pages.write(out)}")
