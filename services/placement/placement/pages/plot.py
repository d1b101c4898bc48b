"""Where the lines of a plot of people by night run: numbers for an SVG, from numbers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

WIDTH, HEIGHT = 340, 210
LEFT, RIGHT, TOP, BOTTOM = 36, 8, 24, 26
FLOOR = HEIGHT - BOTTOM
STEPS = (1, 2, 5)
LINES = 5
DAYS_NAMED = 4


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where it is, and what it stands for."""

    at: float
    value: int


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: the course of the people, the height of the beds, and the marks of both axes; a day's mark is its number in the row."""

    line: str
    beds: float
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = FLOOR


def plotted(people: Sequence[int | None], beds: int) -> Plot:
    """The plot of so many people night by night; where a number is not told the line is broken."""
    most = max(beds, *(number for number in people if number is not None), 1) if any(number is not None for number in people) else max(beds, 1)
    step = _step(most)
    top = step * -(-most // step)

    def x(night: float) -> float:
        return round(LEFT + night * (WIDTH - LEFT - RIGHT) / max(1, len(people)), 1)

    def y(number: int) -> float:
        return round(FLOOR - number * (FLOOR - TOP) / top, 1)

    named = sorted({round(place * (len(people) - 1) / (DAYS_NAMED - 1)) for place in range(DAYS_NAMED)}) if people else []
    return Plot(
        line=_line([(x(night), x(night + 1), None if number is None else y(number)) for night, number in enumerate(people)]),
        beds=y(beds),
        across=tuple(Tick(x(night + 0.5), night) for night in named),
        up=tuple(Tick(y(number), number) for number in range(0, top + 1, step)),
    )


def _step(most: int) -> int:
    """How far apart the lines across are: at most so many, at a number that people count in."""
    size = 1
    while True:
        for step in STEPS:
            if step * size * LINES >= most:
                return step * size
        size *= 10


def _line(nights: Sequence[tuple[float, float, float | None]]) -> str:
    """A line of steps, one a night; equal nights beside each other are one step."""
    parts: list[str] = []
    before: float | None = None
    for since, until, height in nights:
        if height is None:
            before = None
            continue
        if before is None:
            parts.append(f"M{since} {height}")
        elif height != before:
            parts.append(f"V{height}")
        if parts[-1].startswith("H"):
            parts.pop()
        parts.append(f"H{until}")
        before = height
    return "".join(parts)


def short(day: date, month: str, *, year: bool) -> str:
    """A day as there is room for it under a plot: the month's first letters, and the year where days are of more than one."""
    return f"{day.day} {month[:3]} {day:%y}" if year else f"{day.day} {month[:3]}"
