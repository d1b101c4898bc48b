"""The commands `naungan agency`: who may come in over NATS, given, listed, replaced and taken back while everything works."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from ops.agencies import NKEY, PASSWORD, RosterError, add, new_key, revoke, rotate
from ops.agency_keeper import Place, ReloadError, apply

app = typer.Typer(no_args_is_help=True, help="Agencies' credentials on NATS: changed without a restart, and without a word to anybody else.")
console = Console()

Data = Annotated[Path, typer.Option(envvar="NAUNGAN_DATA", help="folder that keeps everything between runs")]
DEFAULT = Path(".naungan")
Code = Annotated[str, typer.Argument(help="the agency, by its code in the register of agencies")]
Key = Annotated[str | None, typer.Option("--public-key", help="the public half of an NKEY that the agency made itself: its seed never leaves it")]
ByPassword = Annotated[bool, typer.Option("--password", help="a password instead, for a client that knows no NKEY")]
Out = Annotated[Path | None, typer.Option(help="write the secret to this new file, for its owner only, instead of showing it")]


@contextlib.contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except (RosterError, ReloadError, LookupError, FileExistsError) as error:
        console.print(f"not done: {error}", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from None


def _made(public_key: str | None, *, by_password: bool) -> tuple[str, str, str]:
    """A new credential: its kind, what the roster keeps of it, and what the agency is given."""
    if public_key is not None:
        return NKEY, public_key.strip(), ""
    if by_password:
        secret = secrets.token_urlsafe(32)
        return PASSWORD, secret, secret
    seed, public = new_key()
    return NKEY, public, seed


def _hand_over(place: Place, agency: str, kind: str, secret: str, out: Path | None) -> None:
    """Say how the agency comes in; its secret is shown once and kept by nobody here, but a password by the brokers."""
    newest = place.book.read()[agency][-1]
    login = newest.login(agency)
    console.print(
        f"{agency} comes in as {login.public_key or login.user} ({kind}, credential {newest.number}), with inboxes _INBOX_{agency}", soft_wrap=True
    )
    if secret and out is not None:
        out.touch(mode=0o600, exist_ok=False)
        out.write_text(secret + "\n")
        console.print(f"its secret is in {out}", soft_wrap=True)
    elif secret:
        typer.echo(secret)


@app.command("add")
def add_agency(code: Code, *, public_key: Key = None, by_password: ByPassword = False, out: Out = None, data: Data = DEFAULT) -> None:
    """Let an agency in: publish its referrals, read its receipts and its feed, nothing else. What it is given is an NKEY's seed, shown once."""
    with _saying_why():
        place = Place.of(data)
        kind, kept, given = _made(public_key, by_password=by_password)
        with place.book.changing() as roster:
            roster.update(add(roster, code, kind, kept, datetime.now(UTC)))
        _hand_over(place, code, kind, given, out)
        console.print(asyncio.run(apply(place)))
        console.print("put it into the register of agencies too: PUT /intake/agencies/" + code, soft_wrap=True)


@app.command("list")
def list_agencies(data: Data = DEFAULT, *, as_json: Annotated[bool, typer.Option("--json", help="for a machine")] = False) -> None:
    """Who may come in, by what, since when and until when; never a password."""
    with _saying_why():
        roster = Place.of(data).book.read()
    now = datetime.now(UTC)
    rows = [
        {
            "agency": agency,
            "credential": found.number,
            "kind": found.kind,
            "name": found.login(agency).public_key or found.login(agency).user,
            "since": found.made_at.isoformat(timespec="seconds"),
            "until": found.ends_at.isoformat(timespec="seconds") if found.ends_at else None,
            "holds": found.holds(now),
        }
        for agency, credentials in sorted(roster.items())
        for found in credentials
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table("agency", "credential", "comes in as", "since", "until", "")
    for row in rows:
        ends = str(row["until"] or "")
        table.add_row(
            str(row["agency"]), f"{row['credential']} {row['kind']}", str(row["name"]), str(row["since"]), ends, "" if row["holds"] else "ended"
        )
    console.print(table)


@app.command("rotate")
def rotate_agency(
    code: Code,
    *,
    overlap_hours: Annotated[float, typer.Option(min=0, help="how long the credentials from before hold beside it; 0 when one of them leaked")] = 24,
    public_key: Key = None,
    by_password: ByPassword = False,
    out: Out = None,
    data: Data = DEFAULT,
) -> None:
    """Give an agency another credential; the ones from before hold for a while beside it, then their connections end."""
    with _saying_why():
        place = Place.of(data)
        kind, kept, given = _made(public_key, by_password=by_password)
        with place.book.changing() as roster:
            roster.update(rotate(roster, code, kind, kept, datetime.now(UTC), overlap=timedelta(hours=overlap_hours)))
        _hand_over(place, code, kind, given, out)
        console.print(asyncio.run(apply(place)))


@app.command("revoke")
def revoke_agency(
    code: Code,
    credential: Annotated[int | None, typer.Option(help="one of them, by its number in the list; all without it")] = None,
    data: Data = DEFAULT,
) -> None:
    """Let an agency in no more, by NATS and HTTP: its connections end at once, and its tokens are good for nothing. What it was sent waits, should it come again.

    One of its credentials alone ends that one's connections; with the last one all access ends.
    """
    with _saying_why():
        place = Place.of(data)
        with place.book.changing() as roster:
            roster.update(revoke(roster, code, credential, datetime.now(UTC)))
        console.print(asyncio.run(apply(place)))
        if code in place.access().ended:
            console.print(
                f"nobody of {code} comes in over HTTP either, officers included, and its webhooks are sent nothing; add lets it in again."
                f" Set active to false in PUT /intake/agencies/{code}, so that nobody names it any more",
                soft_wrap=True,
            )


@app.command("limit")
def limit_agency(
    code: Code,
    per_minute: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="how many messages of it intake takes in a minute; the usual number without it")
    ] = None,
    data: Data = DEFAULT,
) -> None:
    """How much of an agency is taken in a minute, over NATS and as systems over HTTP. What is more waits in the broker, or is asked to come later; nothing is lost."""
    with _saying_why():
        place = Place.of(data)
        place.book.limit(code, per_minute)
        console.print(asyncio.run(apply(place)))
