"""Every command of `naungan` is where its table says, and tells how it is used."""

import subprocess
import sys

import pytest
from ops.cli import COMMANDS, app
from typer.testing import CliRunner


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_how_it_is_used(name: str) -> None:
    told = CliRunner().invoke(app, [name, "--help"], prog_name="naungan")
    assert told.exit_code == 0, told.output
    assert f"Usage: naungan {name}" in told.output


def test_all_are_listed_and_another_name_is_refused() -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["--help"]).output
    assert all(f" {name} " in listed for name in COMMANDS)
    refused = runner.invoke(app, ["upp"])
    assert refused.exit_code == 2
    assert "No such command" in refused.output


def test_a_command_waits_for_nothing_that_it_does_not_need() -> None:
    look = "import sys\nfrom ops.cli import app\ntry: app(['edge', '--help'])\nfinally: assert 'intake' not in sys.modules and 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", look], check=True, capture_output=True)
