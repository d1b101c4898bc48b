"""The `naungan` command."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import structlog
import typer
from assessment import definitions
from assessment.domain.case import FieldError
from chassis.rebuild import ShadowError
from contracts.streams import SERVICES
from rich.console import Console
from rich.table import Table

from ops import (
    agency,
    audit,
    backup,
    carry_over,
    catalogue_pages,
    demo,
    doctor,
    keys,
    letters,
    provision,
    quarantine,
    rebuild,
    recovery,
    sandbox,
    simfoni,
    stores,
    wordings,
    xlsform,
)
from ops.access import Access, UnreachableError, access_of
from ops.bench import run as bench
from ops.bench.figures import Sizes
from ops.edge import cli as edge_cli
from ops.edge import hub
from ops.platform import AGENCIES, Platform, Secrets
from ops.processes import Remembered

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Naungan: from the first report to a safe return home.")
letters_app = typer.Typer(no_args_is_help=True, help="Messages that a service could not take: list them, and drive them again.")
app.add_typer(letters_app, name="dead-letters")
quarantine_app = typer.Typer(no_args_is_help=True, help="Agencies' sealed messages that intake cannot open yet: list them, and try them again.")
app.add_typer(quarantine_app, name="quarantine")
recovery_app = typer.Typer(no_args_is_help=True, help="What a restored service could not learn again, for people to settle.")
app.add_typer(recovery_app, name="recovery")
audit_app = typer.Typer(no_args_is_help=True, help="Who looked at what: whether anybody rewrote it.")
app.add_typer(audit_app, name="audit")
instruments_app = typer.Typer(no_args_is_help=True, help="Instruments of assessment.")
app.add_typer(instruments_app, name="instruments")
app.add_typer(edge_cli.app, name="edge")
keys_app = typer.Typer(no_args_is_help=True, help="The key-encryption key of a service: change it while everything works.")
app.add_typer(keys_app, name="keys")
app.add_typer(agency.app, name="agency")
console = Console()

Data = Annotated[Path, typer.Option(envvar="NAUNGAN_DATA", help="folder that keeps everything between runs")]
DEFAULT = Path(".naungan")


@app.command()
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


@app.command("demo")
def play(
    data: Data = DEFAULT,
    seed: int = 1,
    households: Annotated[int, typer.Option(min=10)] = 200,
    against: Annotated[str | None, typer.Option(help="gateway of a deployment that was started as a demo, instead of one of its own")] = None,
) -> None:
    """Send invented households through the whole platform, with scripted officers, and check what must hold."""
    raise typer.Exit(demo.run(data / "demo", seed=seed, households=households, against=against))


@app.command("sandbox")
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


@app.command("simfoni")
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


@app.command("bench")
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


@app.command("docs")
def show_events(out: Annotated[Path, typer.Option(help="folder to write to")] = Path("naungan-docs")) -> None:
    """Write the catalogue for a browser (events, routes, error codes), and the schemas, AsyncAPI and OpenAPI documents beside it."""
    typer.echo(f"open {catalogue_pages.write(out)}")


@app.command("leave-behind")
def leave_behind(data: Data = DEFAULT) -> None:
    """Put aside, unread, what a stopped broker holds from a release before agencies had accounts, where it cannot be carried over."""
    try:
        console.print(f"it lies in {carry_over.leave(data / 'nats' / 'jetstream')}", soft_wrap=True)
    except carry_over.CarryError as error:
        console.print(str(error), soft_wrap=True)
        raise typer.Exit(1) from None


@app.command("provision")
def provision_now() -> None:
    """Keep streams and durables as they are declared (a process of its own in every deployment)."""
    provision.main()


def _access(service: str, data: Path) -> Access:
    if service not in SERVICES:
        raise typer.BadParameter(f"one of {', '.join(SERVICES)}")  # noqa: TRY003
    try:
        return access_of(service, data)
    except UnreachableError as error:
        raise typer.BadParameter(str(error)) from None


@app.command("doctor")
def look(
    service: Annotated[str | None, typer.Argument(help="one service; all without it")] = None,
    data: Data = DEFAULT,
    *,
    deep: Annotated[bool, typer.Option(help="replay the projections too, in a schema of their own")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for a machine")] = False,
) -> None:
    """Say what is wrong with a running platform and what to do about it; exit code 1 when something is."""
    findings = asyncio.run(doctor.examine_all([_access(name, data) for name in ([service] if service else SERVICES)], deep=deep))
    if as_json:
        typer.echo(doctor.as_json(findings))
    else:
        console.print(doctor.as_table(findings))
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


@app.command("rebuild")
def make_again(
    service: str,
    data: Data = DEFAULT,
    *,
    only_compare: Annotated[bool, typer.Option("--compare", help="say what differs, and change nothing")] = False,
) -> None:
    """Put right what a service knows from others, from a replay of the stream, while it runs; exit code 1 when something differs after it."""
    try:
        result = asyncio.run(rebuild.run(_access(service, data), only_compare=only_compare))
    except ShadowError as error:
        console.print(f"{service}: {error}")
        raise typer.Exit(1) from None
    console.print(rebuild.as_text(result), soft_wrap=True)
    raise typer.Exit(0 if result.after.clean else 1)


def _store_url(service: str, data: Path) -> str:
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


@letters_app.command("list")
def list_letters(service: str, data: Data = DEFAULT) -> None:
    """List what a service set aside: why, and since when; never the content."""
    table = Table("id", "stream", "subject", "reason", "tries", "set aside")
    for row in asyncio.run(letters.listed(_store_url(service, data))):
        table.add_row(str(row["id"]), row["stream"], row["route"], row["reason"], str(row["attempts"]), f"{row['set_aside_at']:%Y-%m-%d %H:%M}")
    console.print(table)


@letters_app.command("redrive")
def redrive_letters(
    service: str, letter: Annotated[UUID | None, typer.Argument(help="one message; all without it")] = None, data: Data = DEFAULT
) -> None:
    """Let a service try one message, or all that it set aside, again; within seconds if it runs."""
    console.print(f"asked for {asyncio.run(letters.redrive(_store_url(service, data), letter))}")


@quarantine_app.command("list")
def list_quarantine(data: Data = DEFAULT) -> None:
    """List what intake holds: whose it is, why, and since when; never the content."""
    table = Table("id", "agency", "reference", "why", "key", "tries", "held since")
    for row in asyncio.run(quarantine.listed(_store_url("intake", data))):
        why = f"{row['field']}: {row['code']}"
        table.add_row(
            str(row["id"]), row["agency"], row["reference"] or "", why, row["kid"] or "", str(row["attempts"]), f"{row['held_at']:%Y-%m-%d %H:%M}"
        )
    console.print(table)


@quarantine_app.command("redrive")
def redrive_quarantine(held: Annotated[UUID | None, typer.Argument(help="one message; all without it")] = None, data: Data = DEFAULT) -> None:
    """Let intake try one message, or all that it holds, again; within seconds if it runs."""
    console.print(f"asked for {asyncio.run(quarantine.redrive(_store_url('intake', data), held))}")


@contextlib.contextmanager
def _saying_why() -> Iterator[None]:
    try:
        yield
    except (backup.BackupError, keys.KeysError, LookupError) as error:
        console.print(f"nothing was changed: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    except keys.StoppedError as error:
        console.print(f"stopped: {error}", soft_wrap=True)
        raise typer.Exit(1) from None


Chosen = Annotated[list[str] | None, typer.Option("--service", help="a service, again for each; all without it")]
Apart = Annotated[Path | None, typer.Option("--keys", help="folder of the keys' own backup set; FOLDER/keys without it")]


@app.command("backup")
def back_up(folder: Path, service: Chosen = None, keys: Apart = None, data: Data = DEFAULT) -> None:
    """Back up stores and, apart from them, keys, while everything works; the earlier backup in FOLDER stays until this one is whole."""
    with recovery.reachable(data), _saying_why():
        manifest = asyncio.run(backup.back_up(folder, recovery.urls(service or SERVICES, data), keys))
    for name, entry in manifest["stores"].items():
        console.print(f"{name}: {entry['size']} bytes, schema {entry['revision']}, epoch {entry['epoch']}")


@app.command("restore")
def put_back(folder: Path, service: Chosen = None, keys: Apart = None, data: Data = DEFAULT) -> None:
    """Put stores back from a backup; their services must be stopped, and bring them up to date when they start."""
    with recovery.reachable(data), _saying_why():
        epochs = asyncio.run(backup.restore(folder, recovery.urls(service or SERVICES, data), keys))
    for name, epoch in epochs.items():
        console.print(f"{name}: put back, closed, epoch {epoch}; start the service, then see `naungan recovery list {name}`")


@recovery_app.command("list")
def list_recovery(service: str, data: Data = DEFAULT) -> None:
    """List what a service's recovery left to people and nobody has settled yet."""
    table = Table("event", "what happened", "whose", "missing", "since")
    with recovery.reachable(data), _saying_why():
        found = asyncio.run(recovery.listed(recovery.urls([service], data)[service].store))
    for row in found:
        table.add_row(str(row["event_id"]), row["type"], str(row["subject"]), row["missing"], f"{row['opened_at']:%Y-%m-%d %H:%M}")
    console.print(table)


@recovery_app.command("done")
def settle_recovery(
    service: str, event: Annotated[UUID | None, typer.Argument(help="one event; all without it")] = None, data: Data = DEFAULT
) -> None:
    """Say that people settled what a recovery left to them."""
    with recovery.reachable(data), _saying_why():
        settled = asyncio.run(recovery.settle(recovery.urls([service], data)[service].store, event))
    console.print(f"settled {settled}")


@keys_app.command("rotate")
def rotate_keys(service: str, data: Data = DEFAULT) -> None:
    """Make a new key-encryption key, put it first in the service's key file, and wrap every key by it; services go on and notice by themselves.

    Where the environment or a key-management service wraps, make the new key there first: then every key is wrapped by it.
    """
    reached = _access(service, data)
    if reached.kms or reached.environment_keys or reached.key_file is None:
        with _saying_why():
            done = asyncio.run(keys.rewrap(reached.key_source, reached.keys, lambda count: console.print(f"{count} keys")))
        console.print(f"{done.rewrapped} keys were wrapped anew, all are wrapped by {done.current} now", soft_wrap=True)
        return
    with _saying_why():
        done = asyncio.run(keys.rotate(reached.key_file, reached.keys, lambda count: console.print(f"{count} keys")))
    console.print(
        f"{done.rewrapped} keys are wrapped by {done.current} now: copy {reached.key_file} to its second place before anything else", soft_wrap=True
    )
    console.print(
        f"keep {', '.join(done.others)} as long as a backup of the keys from before is kept; then: naungan keys retire {service}", soft_wrap=True
    )


@keys_app.command("retire")
def retire_keys(service: str, data: Data = DEFAULT) -> None:
    """Take the key-encryption keys that wrap nothing any more out of the service's key file."""
    reached = _access(service, data)
    if reached.kms or reached.environment_keys or reached.key_file is None:
        console.print(
            "the key file is not what wraps: naungan doctor says what wraps which keys; take away what wraps none where it is", soft_wrap=True
        )
        raise typer.Exit(2)
    with _saying_why():
        gone = asyncio.run(keys.retire(reached.key_file, reached.keys))
    console.print(f"gone: {', '.join(gone) or 'none'}")


@audit_app.command("verify")
def verify_audit(service: Annotated[str | None, typer.Argument(help="one service; all without it")] = None, data: Data = DEFAULT) -> None:
    """Link every audit log anew and compare it with the seals that another service keeps; exit code 1 when a row was changed, added or taken away."""
    found = asyncio.run(audit.verdicts({name: _store_url(name, data) for name in SERVICES}, [service] if service else SERVICES))
    console.print(audit.as_table(found))
    raise typer.Exit(1 if any(verdict.wrong for verdict in found.values()) else 0)


@instruments_app.command("load-wording")
def load_wording(file: Path, data: Data = DEFAULT) -> None:
    """Load the validated wording of an instrument from a text file: lines `item: text` after instrument, version, language and source."""
    try:
        wording = wordings.read(file)
        asyncio.run(wordings.load(_store_url("assessment", data), wording))
    except wordings.WordingError as error:
        console.print(f"{file}: nothing was changed: {error}", soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(f"{wording.code} of version {wording.version} is worded in {wording.language}")


@instruments_app.command("import")
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


if __name__ == "__main__":
    app()
