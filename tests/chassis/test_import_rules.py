"""The import rules catch what they forbid."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
VIOLATIONS = {
    "services/intake/intake/domain/standing.py": "import sqlalchemy",
    "services/notifications/notifications/domain/notices.py": "from contracts import intake",
    "services/assessment/assessment/store.py": "import intake.domain",
    "shared/chassis/chassis/crash.py": "import contracts",
    "shared/contracts/contracts/event.py": "import httpx",
}


@pytest.mark.parametrize("place", sorted(VIOLATIONS))
def test_a_forbidden_import_breaks_the_rules(tmp_path: Path, place: str) -> None:
    for folder in ("shared", "services", "ops"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "golden"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    code = tmp_path / place
    code.write_text(f"{code.read_text()}\n{VIOLATIONS[place]}\n")
    packages = [str(path.parents[1]) for path in tmp_path.glob("s*/*/*/__init__.py")] + [str(tmp_path / "ops")]
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    done = subprocess.run(
        lint,
        check=False,
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(dict.fromkeys(packages)), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "BROKEN" in done.stdout, done.stdout + done.stderr
