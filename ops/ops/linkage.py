"""How well is the same person found again? A register in memory that looks as intake's store does, and what it finds among invented people."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import combinations

from intake.linkage.likeness import MOST_OPENED, POPULAR, Described, Encoder, Likeness, compared, judged

from ops.doubles import Written


def blind(field: str, value: str) -> bytes:
    """A keyed hash as the vault's, under a key that is none."""
    return hmac.digest(b"invented", f"{field}|{value}".encode(), hashlib.sha256)


def described(entry: Written) -> Described:
    """A report's person as intake encodes her."""
    return Described(entry.name, entry.nik, entry.phone, entry.address, entry.sex, entry.age, entry.area, entry.year)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two reports that were compared: how each field agrees, and whether they are of one person."""

    first: int
    second: int
    levels: dict[str, str]
    one: bool


class Register:
    """Persons under their keys."""

    def __init__(self, entries: Iterable[Written]) -> None:
        self.encoder = Encoder(blind)
        self.who: list[int] = []
        self.kept: list[Likeness] = []
        self.probes: list[dict[int, str]] = []
        self.under: defaultdict[int, list[int]] = defaultdict(list)
        for place, entry in enumerate(entries):
            encoded = self.encoder.encoded(described(entry))
            self.who.append(entry.who)
            self.kept.append(encoded.likeness)
            self.probes.append({key.hash: key.about for key in encoded.probes})
            for key in encoded.keys:
                self.under[key.hash].append(place)

    def pairs(self) -> Iterator[Pair]:
        """Every pair that looking for each person once brings together, once."""
        seen: set[int] = set()
        for place in range(len(self.who)):
            for other, rarest, phones in self._near(place):
                pair = (min(place, other), max(place, other))
                number = pair[0] * len(self.who) + pair[1]
                if number not in seen:
                    seen.add(number)
                    levels = compared(self.kept[place], self.kept[other], rarest=rarest, phones=phones)
                    yield Pair(*pair, levels, self.who[place] == self.who[other])

    def _near(self, place: int) -> Sequence[tuple[int, int | None, int]]:
        """Who shares keys with this person: the most telling first, at most as many as the service opens."""
        telling: dict[int, float] = {}
        rarest: dict[int, int] = {}
        phones = 0
        for key, about in self.probes[place].items():
            holders = self.under.get(key, ())
            if about == "phone":
                phones = len(holders)
            if len(holders) > POPULAR:
                continue
            for other in holders:
                if other != place:
                    telling[other] = telling.get(other, 0.0) + 1 / len(holders)
                    if about == "name":
                        rarest[other] = min(len(holders), rarest.get(other, POPULAR))
        return [(other, rarest.get(other), phones) for other in nlargest(MOST_OPENED, telling, key=telling.__getitem__)]

    def same(self) -> set[tuple[int, int]]:
        """All pairs of reports that are of one person."""
        reports: defaultdict[int, list[int]] = defaultdict(list)
        for place, who in enumerate(self.who):
            reports[who].append(place)
        return {pair for places in reports.values() for pair in combinations(places, 2)}


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found above a threshold: pairwise precision, recall over all true pairs, and how many of these were compared at all."""

    precision: float
    recall: float
    compared: float
    shown: int
    true: int


def measured(register: Register, pairs: Iterable[Pair], threshold: float) -> Measured:
    """Precision and recall of the pairs at or above a threshold."""
    true = len(register.same())
    shown = right = met = 0
    for pair in pairs:
        above = judged(pair.levels).bits >= threshold
        shown += above
        right += above and pair.one
        met += pair.one
    return Measured(right / max(1, shown), right / true, met / true, shown, true)
