"""The `naungan` command: which of its commands is where."""

from importlib import import_module

import typer
from typer.core import TyperCommand, TyperGroup

# A command, or a group of them, and where it is. An operator in a hurry waits only for what she calls.
COMMANDS = {
    "up": "ops.commands.up:up",
    "demo": "ops.commands.trying:play",
    "sandbox": "ops.commands.trying:try_out",
    "simfoni": "ops.commands.telling:report_outward",
    "bench": "ops.commands.measuring:measure",
    "docs": "ops.commands.telling:show_events",
    "provision": "ops.provision:main",
    "doctor": "ops.commands.standing:look",
    "rebuild": "ops.commands.standing:make_again",
    "backup": "ops.commands.keeping:back_up",
    "restore": "ops.commands.keeping:put_back",
    "dead-letters": "ops.commands.aside:letters_app",
    "quarantine": "ops.commands.aside:quarantine_app",
    "recovery": "ops.commands.keeping:recovery_app",
    "audit": "ops.commands.standing:audits",
    "instruments": "ops.commands.instruments:app",
    "leave-behind": "ops.commands.up:leave_behind",
    "edge": "ops.edge.cli:app",
    "keys": "ops.commands.keeping:keys_app",
    "agency": "ops.agency:app",
}


class Found(TyperGroup):
    """Commands that are imported when they are called."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - as Typer calls it
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperGroup | TyperCommand | None:  # noqa: ARG002 - as Typer calls it
        """The command of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        held = getattr(import_module(module), name)
        if isinstance(held, typer.Typer):
            group = typer.main.get_group(held)
            group.name = cmd_name
            return group
        alone = typer.Typer(add_completion=False)
        alone.command(cmd_name)(held)
        command = typer.main.get_command(alone)
        assert isinstance(command, TyperCommand)  # noqa: S101 - one function makes one command
        return command


app = typer.Typer(cls=Found, no_args_is_help=True, add_completion=False)


@app.callback()
def naungan() -> None:
    """Naungan: from the first report to a safe return home."""


if __name__ == "__main__":
    app()
