"""What a figure is: rows to read, goals to reach, and everything measured, for a file."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    cases: int = 3000
    rounds: int = 3
    limit_seconds: float = 1.0
    latency_seconds: float = 20.0
    reports: int = 3000
    in_store: int = 1_000_000
    backlog: int = 100_000
    heavy: int = 1500
    waiting: int = 500
    inboxes: int = 10_000
    endpoints: int = 1000
    hook_rate: float = 40
    hook_seconds: float = 60
    kills: int = 20
    kill_every: float = 12

    @classmethod
    def quick(cls, in_store: int = 50_000) -> "Sizes":
        """A look in a couple of minutes: the numbers scatter more."""
        return cls(
            cases=800,
            rounds=3,
            limit_seconds=0.3,
            latency_seconds=4.0,
            reports=800,
            in_store=in_store,
            backlog=5000,
            heavy=300,
            endpoints=200,
            hook_rate=40,
            hook_seconds=15,
            kills=3,
        )


@dataclass(frozen=True, slots=True)
class Timed:
    """How many events were carried in how many seconds and CPU seconds (Linux), and how many facts the services stated meanwhile."""

    events: int
    seconds: float
    cpu: float = 0.0
    stated: int = 0

    @property
    def rate(self) -> float:
        """Events carried per second."""
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that was aimed at: at least `least` or at most `most`."""

    what: str
    got: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return (self.least is None or self.got >= self.least) and (self.most is None or self.got <= self.most)

    @property
    def wanted(self) -> str:
        """The aim, for a person."""
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


@dataclass
class Figure:
    """One thing that was measured: rows for a person, goals, and all values for a file."""

    name: str
    title: str
    rows: list[tuple[str, str]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def goal(self, what: str, got: float, *, least: float | None = None, most: float | None = None) -> None:
        """Add something that was aimed at."""
        self.goals.append(Goal(what, got, least, most))

    def table(self) -> Table:
        """The figure for a person."""
        table = Table("what", "figure", title=f"{self.name}: {self.title}", title_justify="left")
        for what, value in self.rows:
            table.add_row(what, value)
        for goal in self.goals:
            table.add_row(f"[bold]goal: {goal.what}[/]", f"{goal.got:.2f} (wanted {goal.wanted}: {'reached' if goal.met else 'not reached'})")
        return table

    def as_dict(self) -> dict[str, Any]:
        """The figure for a file."""
        goals = [asdict(goal) | {"met": goal.met} for goal in self.goals]
        return {"name": self.name, "title": self.title, "goals": goals, **self.data}


def median(values: Sequence[float]) -> float:
    """The median."""
    return float(statistics.median(values))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def ratio(theirs: Sequence[Timed], ours: Sequence[Timed]) -> float:
    """Our rate as a multiple of theirs: the median of the rounds, each of which had one machine to itself."""
    return median([b.rate / a.rate for a, b in zip(theirs, ours, strict=True)])


def cpu_ratio(theirs: Sequence[Timed], ours: Sequence[Timed]) -> float | None:
    """Their CPU time per event as a multiple of ours, servers included: what a busy machine disturbs least."""
    if not all(timed.cpu for timed in (*theirs, *ours)):
        return None
    return median([(a.cpu / a.events) / (b.cpu / b.events) for a, b in zip(theirs, ours, strict=True)])
