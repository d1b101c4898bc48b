"""Instruments of assessment: their wordings, and drafts from XLSForms."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from assessment import definitions
from assessment.domain.case import FieldError

from ops import wordings, xlsform
from ops.commands.options import DEFAULT, Data, console, store_url

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Instruments of assessment.")


@app.command("load-wording")
def load_wording(file: Path, data: Data = DEFAULT) -> None:
    """Load the validated wording of an instrument from a text file: lines `item: text` after instrument, version, language and source."""
    try:
        wording = wordings.read(file)
        asyncio.run(wordings.load(store_url("assessment", data), wording))
    except wordings.WordingError as error:
        console.print(f"{file}: nothing was changed: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(f"{wording.code} of version {wording.version} is worded in {wording.language}")


@app.command("import")
def import_form(form: Path, code: str, version: Annotated[int, typer.Option(min=1)] = 1, out: Annotated[Path | None, typer.Option()] = None) -> None:
    """Make the draft of an instrument from an XLSForm; write its scoring into the file, then POST it to /assessment/instruments."""
    try:
        found = xlsform.imported(form, code, version)
        definitions.read(found.definition)
    except (xlsform.FormError, FieldError) as error:
        console.print(f"{form}: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    (out or Path(f"{code}.v{version}.json")).write_text(json.dumps(found.definition, indent=2, ensure_ascii=False) + "\n")
    for name, kind in found.left_out:
        console.print(f"left out: {name} ({kind})")
