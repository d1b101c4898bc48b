"""Writes `intake/linkage/weights.py` anew: what each degree of agreement is worth, learned from invented people of whom it is known who is who.

`uv run --group training python -m ops.weights`; needed when what is compared, or how people are invented, has changed. Weights of Fellegi
and Sunter's form, one per field and level and added up, but fitted together (logistic regression, scikit-learn): a household shares phone,
address and area, so weights that were counted field by field would take it for one person.
"""

import importlib
import sys
from collections import Counter
from collections.abc import Iterable
from math import log
from pathlib import Path

from intake.linkage import likeness
from intake.linkage.likeness import LEVELS

from ops.doubles import written
from ops.linkage import Pair, Register

SEEDS = {101: 50_000, 102: 15_000, 103: 4_000}  # registers of several sizes, none of them a test's
# Bits; about even odds. Chosen on a register of 100,000 invented people (seed 7), which neither the weights nor the tests know.
SHOWN = -0.15
TARGET = Path(likeness.__file__).with_name("weights.py")
HEAD = '''"""What each degree of agreement is worth, in bits of evidence that two persons are one. Written by `ops.weights`; do not edit.

{learned}
A level that is not named is worth nothing, as is what is not known.
"""

VERSION = {version}
# The evidence of a pair that was found and of which nothing is known.
PRIOR = {prior}
# From how many bits on a pair is shown to people: about as likely one as two, or likelier.
SHOWN = {shown}
WEIGHTS: dict[str, dict[str, float]] = {{
'''


def learn(counted: Counter[tuple[tuple[str, ...], bool]]) -> tuple[float, dict[str, dict[str, float]]]:
    """The prior and the weights, in bits, of pairs counted by their levels and by whether they are of one person."""
    import numpy as np  # noqa: PLC0415 - only this command needs them
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415

    columns = {(field, level): n for n, (field, level) in enumerate((f, v) for f, levels in LEVELS.items() for v in levels[1:])}
    entries = list(counted)
    at = [(row, columns[pair]) for row, (levels, _) in enumerate(entries) for pair in zip(LEVELS, levels, strict=True) if pair in columns]
    matrix = np.zeros((len(entries), len(columns)))
    matrix[tuple(zip(*at, strict=True))] = 1
    model = LogisticRegression(C=3.0, solver="newton-cholesky", max_iter=200)
    model.fit(matrix, [one for _, one in entries], sample_weight=[counted[entry] for entry in entries])
    bits = model.coef_[0] / log(2)
    weights: dict[str, dict[str, float]] = {field: {} for field in LEVELS}
    for (field, level), n in columns.items():
        weights[field][level] = round(float(bits[n]), 2)
    return round(float(model.intercept_[0]) / log(2), 2), weights


def counts(pairs: Iterable[Pair]) -> Counter[tuple[tuple[str, ...], bool]]:
    """The pairs by levels and truth."""
    return Counter((tuple(pair.levels[field] for field in LEVELS), pair.one) for pair in pairs)


def reached(counted: Counter[tuple[tuple[str, ...], bool]], prior: float, weights: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Precision at the shown threshold, and the share of compared pairs of one person that are above."""
    shown = right = total = 0
    for (levels, one), times in counted.items():
        above = prior + sum(weights[field].get(level, 0.0) for field, level in zip(LEVELS, levels, strict=True)) >= SHOWN
        shown += above * times
        right += (above and one) * times
        total += one * times
    return right / shown, right / total


def main() -> None:
    """Learn and write. Raises ModuleNotFoundError at once without the group `training`."""
    importlib.import_module("sklearn.linear_model")
    counted: Counter[tuple[tuple[str, ...], bool]] = Counter()
    for seed, humans in SEEDS.items():
        counted += counts(Register(written(seed, humans)).pairs())
        sys.stdout.write(f"{humans} people: {sum(counted.values())} pairs\n")
        sys.stdout.flush()
    prior, weights = learn(counted)
    precision, recall = reached(counted, prior, weights)
    ones = sum(n for (_, one), n in counted.items() if one)
    learned = f"Learned from {sum(counted.values()):,} pairs, {ones:,} of one person, of invented people (seeds {', '.join(map(str, SEEDS))})."
    lines = [HEAD.format(learned=learned, version=likeness.VERSION, prior=prior, shown=SHOWN)]
    for field, levels in weights.items():
        lines += [f'    "{field}": {{\n', *(f'        "{level}": {bits},\n' for level, bits in levels.items()), "    },\n"]
    TARGET.write_text("".join(lines) + "}\n")
    sys.stdout.write(f"{TARGET}: shown from {SHOWN} bits, precision {precision:.4f}, recall of compared {recall:.4f}\n")


if __name__ == "__main__":
    main()
