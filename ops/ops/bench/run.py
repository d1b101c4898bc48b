"""Runs the figures that are asked for, one after the other in one run, and shows and keeps what they say."""

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter

import structlog
from rich.console import Console

from ops.bench import answers, carry, doors, footprint, growth, hops, inboxes, likeness, limits, lists, matching, replicas, strain, webhooks
from ops.bench.bed import Bed, open_bed
from ops.bench.figures import Figure, Sizes

Say = Callable[[str], None]
FIGURES: dict[str, Callable[[Bed, Sizes, Say], Awaitable[Figure]]] = {
    "limits": lambda bed, sizes, _say: limits.figure(bed, sizes),
    "carry": lambda bed, sizes, _say: carry.figure(bed, sizes),
    "hops": lambda bed, sizes, _say: hops.figure(bed, sizes),
    "doors": lambda bed, sizes, _say: doors.figure(bed, sizes),
    "strain": strain.figure,
    "replicas": replicas.figure,
    "footprint": lambda bed, sizes, _say: footprint.figure(bed, sizes),
    "growth": growth.figure,
    "lists": lists.figure,
    "matching": matching.figure,
    "likeness": likeness.figure,
    "answers": answers.figure,
    "webhooks": webhooks.figure,
    "inboxes": inboxes.figure,
}


def run(sizes: Sizes, only: Sequence[str] = (), out: Path | None = None, console: Console | None = None) -> list[Figure]:
    """Measure, show, and write everything to `out` as JSON. Raises KeyError for a figure that there is none of."""
    chosen = {name: FIGURES[name] for name in (only or FIGURES)}
    return asyncio.run(measure(sizes, chosen, out, console or Console()))


async def measure(
    sizes: Sizes, chosen: dict[str, Callable[[Bed, Sizes, Say], Awaitable[Figure]]], out: Path | None, console: Console
) -> list[Figure]:
    """Measure each figure on servers that it shares with the others; a figure that fails is named, and the others are measured.

    Raises BenchError, or whatever a figure failed with, after the last one.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = perf_counter()
    found: list[Figure] = []
    failed: list[Exception] = []

    def say(words: str) -> None:
        console.print(f"[dim]{perf_counter() - began:6.0f} s  {words}[/]", soft_wrap=True)

    async with open_bed() as bed:
        for name, figure in chosen.items():
            say(f"{name} ...")
            try:
                found.append(await figure(bed, sizes, say))
            except Exception as error:  # noqa: BLE001 - the other figures count too
                failed.append(error)
                console.print(f"[red]{name} failed: {type(error).__name__}: {error}[/]", soft_wrap=True)
                continue
            console.print(found[-1].table())
            _keep(found, bed, out)
        for name, most in sorted(bed.peaks.items()):
            say(f"memory at most, {name}: {most / 2**20:.0f} MiB")
    if failed:
        raise failed[0]
    return found


def _keep(found: Sequence[Figure], bed: Bed, out: Path | None) -> None:
    if out is not None:
        content = {"cores": os.cpu_count(), "figures": [figure.as_dict() for figure in found], "memory": bed.peaks}
        out.write_text(json.dumps(content, indent=1) + "\n")
