"""`python -m tests.faults --seed 7 --cases 10000 --kills 200`: one campaign, or one after the other until the time is over."""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import structlog
from rich.console import Console

from tests.faults.campaign import Campaign, Plan
from tests.faults.nemesis import FAULTS


def main() -> int:
    """The exit code: 0 if everything held in every campaign."""
    parser = argparse.ArgumentParser(prog="tests.faults", description="The whole platform under faults; 0 lost, 0 doubled, or it fails.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=120, help="over which the households are sent")
    parser.add_argument("--kills", type=int, default=10, help="random kills of services, beside the faults")
    parser.add_argument("--only", default="", help="these faults, comma-separated; all without it")
    parser.add_argument("--intake-down", type=float, default=20, help="seconds; above 600 it is longer than any window")
    parser.add_argument("--hours", type=float, default=0, help="campaigns with growing seeds until this much time is over")
    parser.add_argument("--report", type=Path, help="write the figures here, a line of JSON per campaign")
    parser.add_argument("--keep", action="store_true", help="keep data and logs also when everything held")
    told = parser.parse_args()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    console, started, seed, code = Console(), time.monotonic(), told.seed, 0
    names = tuple(told.only.split(",")) if told.only else tuple(FAULTS)
    if unknown := set(names) - FAULTS.keys():
        parser.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    while True:
        plan = Plan(seed, told.cases, told.seconds, told.kills, names, told.intake_down)
        folder = Path(tempfile.mkdtemp(prefix=f"naungan-faults-{seed}-"))
        folder.chmod(0o755)
        report = asyncio.run(_one(plan, folder, console))
        report.show(console)
        if told.report:
            with told.report.open("a") as file:
                file.write(json.dumps(report.as_dict()) + "\n")
        if report.broken:
            console.print(
                f"repeat with: --seed {seed} --cases {plan.cases} --seconds {plan.seconds:.0f} --kills {plan.kills}; data and logs: {folder}"
            )
            code = 1
        elif not told.keep:
            shutil.rmtree(folder, ignore_errors=True)
        seed += 1
        if time.monotonic() - started > told.hours * 3600:
            return code


async def _one(plan: Plan, folder: Path, console: Console):
    return await Campaign(plan, folder, console).run()


if __name__ == "__main__":
    sys.exit(main())
