"""`python -m tests.faults.figures faults.jsonl`: what campaigns found, as the tables of docs/reliability.md."""

import json
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def tables(reports: list[dict[str, Any]]) -> Iterator[str]:
    """Lines of Markdown: a row per campaign, then a row per kind of fault over all of them."""
    yield "| seed | commit | submissions | cases | facts said | taken | kills | faults | lost, doubled or broken | seconds |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for found in reports:
        counts = [found[name] for name in ("submitted", "cases", "facts", "taken", "kills")]
        cells = [found["plan"]["seed"], found["commit"], *counts, len(found["happened"]), len(found["broken"]), round(found["seconds"])]
        yield f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"
    yield ""
    yield "| fault | times | recovery, median | worst |"
    yield "|---|---|---|---|"
    times: Counter[str] = Counter()
    recovery: dict[str, list[float]] = defaultdict(list)
    for fault in (fault for found in reports for fault in found["happened"]):
        times[fault["name"]] += 1
        if fault["recovered"] is not None:
            recovery[fault["name"]].append(fault["recovered"])
    for name in sorted(times):
        took = recovery[name]
        shown = f"{statistics.median(took):.1f} s | {max(took):.1f} s" if took else "never | never"
        yield f"| {name.replace('_', ' ')} | {times[name]} | {shown} |"


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    sys.stdout.write("\n".join(tables([json.loads(line) for line in lines])) + "\n")
