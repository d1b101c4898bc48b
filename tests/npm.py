"""Programs of Node in the tests: their packages are installed by `npm ci` from the lock file beside them, in a folder of the test's own."""

import shutil
import subprocess
from pathlib import Path

import pytest

OLDEST = 20


def installed(source: Path, folder: Path) -> Path:
    """A copy of a folder of programs with its packages; the test is left out where there is no Node of this age, or npm's registry does not answer."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not here")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"node is {version.strip()}, and older than {OLDEST}")
    copy = folder / source.name
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules"))
    done = subprocess.run(["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"], check=False, cwd=copy, capture_output=True, timeout=60)
    if done.returncode:
        pytest.skip("the registry of npm does not answer")
    return copy
