"""How fast the platform is, beside the tutorial's way of doing the same."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ops.bench import run as bench
from ops.bench.figures import Sizes
from ops.commands.options import console


def measure(
    only: Annotated[str, typer.Option(help=f"figures by name, with commas; all without it: {', '.join(bench.FIGURES)}")] = "",
    *,
    quick: Annotated[bool, typer.Option(help="a look in a couple of minutes")] = False,
    cases_in_store: Annotated[
        int | None, typer.Option(min=100, help="cases in the stores of `growth`, past stays in those of `lists`; 1,000,000, or 50,000 with --quick")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="write the figures here too, as JSON")] = None,
) -> None:
    """Measure the platform beside the tutorial's way of doing the same, alternating in one run."""
    names = [name for name in only.split(",") if name]
    if unknown := set(names) - bench.FIGURES.keys():
        raise typer.BadParameter(f"no such figure: {', '.join(sorted(unknown))}")  # noqa: TRY003
    sizes = Sizes.quick() if quick else Sizes()
    bench.run(replace(sizes, in_store=cases_in_store or sizes.in_store), names, out, console)
