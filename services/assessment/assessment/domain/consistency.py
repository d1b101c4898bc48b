"""Whether an instrument's definition holds together: every value that can come of it means exactly one thing, and nothing names what is not there."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from assessment.domain.instruments import BANDS, Criterion, Instrument, Item, Range, Rule, Scale

SEXES = ("female", "male")
OLDEST = 120

Problem = tuple[str, str]


def inconsistencies(instrument: Instrument, flags: Collection[str]) -> list[Problem]:
    """What is wrong with a definition, as (path, code); `flags` are those that the platform knows."""
    items = {item.code: item for item in instrument.items}
    scales = {scale.code: scale for scale in instrument.scales}
    found = [
        *_twice("items", (item.code for item in instrument.items)),
        *_twice("scales", (scale.code for scale in instrument.scales)),
        *_items(instrument),
        *(problem for n, scale in enumerate(instrument.scales) for problem in _scale(f"scales.{n}", scale, items)),
        *_meanings(instrument, scales, flags),
        *_alerts(instrument, items, flags),
    ]
    if not instrument.scales:
        found.append(("scales", "missing"))
    if instrument.minimum_age > instrument.maximum_age:
        found.append(("maximum_age", "below_minimum"))
    return found or [problem for scale in instrument.scales for problem in _covered(instrument, scale, items)]


def _twice(path: str, codes: Iterable[str]) -> Iterator[Problem]:
    return ((f"{path}.{code}", "twice") for code, times in Counter(codes).items() if times > 1)


def _items(instrument: Instrument) -> Iterator[Problem]:
    before: dict[str, Item] = {}
    for n, item in enumerate(instrument.items):
        if not item.values or len(set(item.values)) != len(item.values):
            yield f"items.{n}.values", "no_distinct_values"
        for m, condition in enumerate(item.asked_if):
            if condition.item not in before:
                yield f"items.{n}.asked_if.{m}.item", "not_asked_before"
            elif not any(condition.at_least <= value <= condition.at_most for value in before[condition.item].values):
                yield f"items.{n}.asked_if.{m}", "never_holds"
        before[item.code] = item


def _scale(path: str, scale: Scale, items: Collection[str]) -> Iterator[Problem]:
    named = [code for part in scale.parts for code in part]
    yield from ((f"{path}.parts", "unknown_item") for code in named if code not in items)
    yield from ((f"{path}.parts.{code}", "twice") for code, times in Counter(named).items() if times > 1)
    if not scale.parts or not all(scale.parts):
        yield f"{path}.parts", "missing"
    if not 0 <= scale.most_missing < max(1, len(scale.parts)):
        yield f"{path}.most_missing", "too_many"
    if scale.multiplier < 1:
        yield f"{path}.multiplier", "below_one"


def _meanings(instrument: Instrument, scales: Collection[str], flags: Collection[str]) -> Iterator[Problem]:
    for n, entry in enumerate(instrument.ranges):
        if entry.scale not in scales:
            yield f"ranges.{n}.scale", "unknown_scale"
        if entry.low > entry.high:
            yield f"ranges.{n}.high", "below_low"
    for n, criterion in enumerate(instrument.criteria):
        yield from ((f"criteria.{n}.scales", "unknown_scale") for scale, _ in criterion.scales if scale not in scales)
    meanings: dict[str, tuple[Range | Criterion, ...]] = {"ranges": instrument.ranges, "criteria": instrument.criteria}
    for path, entries in meanings.items():
        for n, meaning in enumerate(entries):
            if meaning.band not in BANDS:
                yield f"{path}.{n}.band", "unknown_band"
            yield from ((f"{path}.{n}.flags", "unknown_flag") for flag in meaning.flags if flag not in flags)


def _alerts(instrument: Instrument, items: dict[str, Item], flags: Collection[str]) -> Iterator[Problem]:
    for n, alert in enumerate(instrument.alerts):
        if alert.item not in items:
            yield f"alerts.{n}.item", "unknown_item"
        elif alert.at_least > max(items[alert.item].values):
            yield f"alerts.{n}.at_least", "never_reached"
        if alert.flag not in flags:
            yield f"alerts.{n}.flag", "unknown_flag"


def _covered(instrument: Instrument, scale: Scale, items: dict[str, Item]) -> Iterator[Problem]:
    """Where a scale has ranges, each value that it can have has exactly one meaning for each person; the first scale has them, or criteria do."""
    ranges = [entry for entry in instrument.ranges if entry.scale == scale.code]
    if not ranges:
        if scale is instrument.scales[0] and not instrument.criteria:
            yield f"scales.{scale.code}", "no_ranges"
        return
    values = sorted(reachable(scale, items))
    for age, sex in _kinds(instrument, ranges):
        concerned = [entry for entry in ranges if entry.concerns(age, sex)]
        for value in values:
            meant = sum(entry.low <= value <= entry.high for entry in concerned)
            if meant != 1:
                yield f"ranges of {scale.code} at {value} for {sex} of {age}", "gap" if meant == 0 else "overlap"
                return


def _kinds(instrument: Instrument, ranges: Iterable[Range]) -> Iterator[tuple[int, str]]:
    """One age of each span in which the same ranges hold, with each sex."""
    edges = {instrument.minimum_age, min(OLDEST, instrument.maximum_age) + 1}
    edges |= {edge for entry in ranges for edge in (entry.minimum_age, entry.maximum_age + 1) if min(edges) < edge < max(edges)}
    return ((low, sex) for low, _ in pairwise(sorted(edges)) for sex in SEXES)


def reachable(scale: Scale, items: dict[str, Item]) -> set[int]:
    """Every value that a scale can have."""
    parts = [sorted({items[code].counts(value) for code in part for value in items[code].values}) for part in scale.parts]
    if scale.rule is Rule.COUNT:
        return {n * scale.multiplier for n in range(len(parts) + 1)}
    # A part of a branch that is not asked counts nothing.
    skipped = {n for n, part in enumerate(scale.parts) if all(items[code].asked_if for code in part)}
    if scale.rule is Rule.HIGHEST:
        return {value * scale.multiplier for part in parts for value in part} | ({0} if len(skipped) == len(parts) else set())
    low = sum(0 if n in skipped and part[0] > 0 else part[0] for n, part in enumerate(parts))
    return {value * scale.multiplier for value in range(low, sum(max(part[-1], 0) if n in skipped else part[-1] for n, part in enumerate(parts)) + 1)}
