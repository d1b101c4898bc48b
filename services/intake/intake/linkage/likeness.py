"""How alike are two persons, judged by keyed encodings alone? What is kept of a person, where to look for the same one, and the score. Pure.

Names, addresses and NIKs become Bloom filters of their bigrams, one per word and field, whose bits are drawn by a keyed hash (Schnell,
Bachteler and Reiher 2009; a keyed hash drawn per bigram instead of double hashing: Niedermeyer et al. 2014; Christen, Ranbaduge and
Schnell 2020 for the attacks that this answers). The comparison opens encodings and never a name. Scores are sums of weights, one for how
well each field agrees (Fellegi and Sunter 1969); `weights` has them.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from intake.linkage import names
from intake.linkage.weights import PRIOR, WEIGHTS

Blind = Callable[[str, str], bytes]
VERSION: Final = 1
BITS, PER_BIGRAM = 256, 8
BAND = 3  # years
CENTURY = 100
NIK: Final = re.compile(r"\d{16}", re.ASCII)
STREET_WORDS: Final = 3
HOUSE_COUNTS: Final = 5
# More persons than this under one key: it tells nothing, and looking there would cost what everybody else waits for.
POPULAR = 200
MOST_OPENED = 60
# More persons than this with one phone: it is a shelter's or a post's, not a family's.
SHARED_PHONE = 12
SEXES = ("unknown", "female", "male")
FORMAT = struct.Struct(f"<BBHIqqq32s32sB{32 * names.MOST_WORDS}s")


@dataclass(frozen=True, slots=True)
class Described:
    """A person as told: personal data, of which only encodings are kept. `year` is that of the report, `area` a kecamatan's code."""

    name: str | None
    nik: str | None
    phone: str | None
    address: str | None
    sex: str
    age: int | None
    area: str
    year: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """What is compared of a person: keyed hashes (0: not known), Bloom filters as integers, year of birth, sex and area as codes."""

    sex: int
    born: int
    area: int
    nik: int
    birthday: int
    phone: int
    digits: int
    address: int
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """Under which a person is kept and looked for; `about` is what agrees when it is shared: nik, phone, address, name, or name with `year_or_area`."""

    about: str
    hash: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a comparison: bits of evidence that the two are one (log2 of the odds), and which fields agree and which differ."""

    bits: float
    agree: tuple[str, ...]
    differ: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """All that is made of a person: what is compared, the keys she is kept under, and the keys under which to look for her."""

    likeness: Likeness
    keys: tuple[Key, ...]
    probes: tuple[Key, ...]


class Encoder:
    """Encodes persons with a keyed hash; bigrams are few, so their bits are remembered."""

    def __init__(self, blind: Blind) -> None:
        self._blind = blind
        self._drawn: dict[tuple[str, str], int] = {}

    def encoded(self, person: Described) -> Encoded:
        """A person's encodings; neither names nor numbers can be read from them, nor made without the key."""
        nik = person.nik if person.nik and NIK.fullmatch(person.nik) else None
        phone = names.digits(person.phone) if person.phone else None
        place = names.place(person.address) if person.address else ()
        words = names.words(person.name) if person.name else ()
        born = _born(person, nik)
        band = None if born is None else born // BAND
        likeness = Likeness(
            sex=SEXES.index(person.sex),
            born=born or 0,
            area=int(person.area.replace(".", "")),
            nik=self._hash("likeness.nik", nik) if nik else 0,
            birthday=self._hash("likeness.birthday", nik[6:12]) if nik else 0,
            phone=self._hash("likeness.phone", phone) if phone else 0,
            digits=self._filter("likeness.digits", (f"{n}{digit}" for n, digit in enumerate(nik))) if nik else 0,
            address=self._filter("likeness.address", _address_grams(place)),
            words=tuple(self._filter("likeness.name", _grams(word)) for word in words),
        )
        numbers = [("nik", nik), ("phone", phone), *(("address", text) for text in _address_keys(place, person.area))]
        codes = names.codes(words)
        own = self._keys((*numbers, *_name_keys(codes), *_narrow_keys(codes, band, person.area)))
        probes = own + self._keys(key for step in (-1, 1) if band is not None for key in _narrow_keys(codes, band + step, person.area))
        return Encoded(likeness, tuple(own), tuple(dict.fromkeys(probes)))

    def _keys(self, found: Iterable[tuple[str, str | None]]) -> list[Key]:
        return [Key(about, self._hash(f"likeness.key.{about}", text)) for about, text in dict.fromkeys(found) if text]

    def _hash(self, field: str, text: str) -> int:
        return int.from_bytes(self._blind(field, text)[:8], "little", signed=True) or 1

    def _filter(self, field: str, grams: Iterable[str]) -> int:
        found = 0
        for gram in grams:
            bits = self._drawn.get((field, gram))
            if bits is None:
                bits = 0
                for place in self._blind(field, gram)[:PER_BIGRAM]:
                    bits |= 1 << place
                self._drawn[field, gram] = bits
            found |= bits
        return found


def _grams(word: str) -> list[str]:
    """The bigrams of a word, its ends marked."""
    marked = f"_{word}_"
    return [marked[n : n + 2] for n in range(len(marked) - 1)]


def _address_grams(place: Sequence[str]) -> Iterator[str]:
    """The bigrams of an address; numbers count whole, and the first, which is the house's, as much as a word: another one is another house."""
    house = next((word for word in place if word.isdigit()), None)
    if house:
        yield from (f"#{house}/{n}" for n in range(HOUSE_COUNTS))
    for word in place:
        yield from [word] if word.isdigit() else _grams(word)


def _born(person: Described, nik: str | None) -> int | None:
    """The year of birth: as the NIK has it when the told age does not speak against it, else from the age."""
    told = None if person.age is None else person.year - person.age
    if nik is None:
        return told
    last = person.year - (person.year - int(nik[10:12])) % CENTURY
    return min((last, last - CENTURY), key=lambda year: abs(year - told)) if told is not None else last


def _name_keys(codes: Sequence[str]) -> list[tuple[str, str]]:
    """Each word, and each two: for rare names, and to know which are rare."""
    return [("name", text) for text in (*codes, *(f"{a} {b}" for a, b in combinations(codes, 2)))]


def _narrow_keys(codes: Sequence[str], band: int | None, area: str) -> list[tuple[str, str]]:
    """Words with the area, the years of birth, and both: what is common is found by these."""
    found = [f"{code} @{area}" for code in codes]
    if band is not None:
        found += [f"{a} {b} {band}" for a, b in combinations(codes, 2)]
        found += [text for code in codes for text in (f"{code} {band}", f"{code} {band} @{area}")]
    return [("year_or_area", text) for text in found]


def _address_keys(place: Sequence[str], area: str) -> list[str]:
    """A word of the street with the house's number, in the same city."""
    number = next((word for word in place if word.isdigit()), None)
    streets = [word for word in place if not word.isdigit()][:STREET_WORDS]
    return [f"{names.code(word)} {number} @{area[:5]}" for word in streets] if number else []


# -- at rest --------------------------------------------------------------------------------------------------------------------------


def packed(kept: Likeness) -> bytes:
    """An encoding as bytes, always of one length, so that nothing shows how long a name is."""
    words = b"".join(word.to_bytes(BITS // 8, "little") for word in kept.words)
    head = (VERSION, kept.sex, kept.born, kept.area, kept.nik, kept.birthday, kept.phone)
    filters = (kept.digits.to_bytes(32, "little"), kept.address.to_bytes(32, "little"))
    return FORMAT.pack(*head, *filters, len(kept.words), words)


def unpacked(content: bytes) -> Likeness | None:
    """The encoding in these bytes; None when another version made them: it is encoded anew."""
    if content[0] != VERSION:
        return None
    _, sex, born, area, nik, birthday, phone, digits, address, count, words = FORMAT.unpack(content)
    size = BITS // 8
    found = tuple(int.from_bytes(words[n * size : (n + 1) * size], "little") for n in range(count))
    return Likeness(sex, born, area, nik, birthday, phone, int.from_bytes(digits, "little"), int.from_bytes(address, "little"), found)


# -- comparing ------------------------------------------------------------------------------------------------------------------------

SAME, NEAR = 0.80, 0.50  # Dice of two words
AGREE = frozenset({"same", "near", "next", "close", "all", "only", "two", "one"})
# All words agree, two or more or the only one; two or more, or one, agree and the longer name has more; some agree, and some differ.
NAMES: Final = tuple(f"{near}{kind}" for near in ("", "near_") for kind in ("all", "only", "two", "one", "part"))
# How many persons are under the rarest key of words that two share.
HOLDERS: Final = {"few": 4, "some": 15, "many": 60, "very_many": POPULAR}
RARITIES: Final = (*HOLDERS, "common")
LEVELS: Final[Mapping[str, Sequence[str]]] = {
    "name": (
        "missing",
        *(f"{name} {rarity}" for name in NAMES for rarity in RARITIES),
        "differs",
    ),
    "nik": ("missing", "same", "near", "birthday", "differs"),
    "born": ("missing", "same", "next", "close", "far", "differs"),
    "sex": ("missing", "same", "differs"),
    "contact": tuple(
        f"{phone}_{address}" for phone in ("missing", "same", "shared", "differs") for address in ("missing", "same", "near", "differs")
    ),
    "area": ("missing", "same", "city", "differs"),
}


def compared(a: Likeness, b: Likeness, *, rarest: int | None, phones: int) -> dict[str, str]:
    """How well each field agrees. `rarest`: how many persons are under the rarest key of words alone that both are under; None when all that
    they share are common. `phones`: how many are under the phone.
    """
    return {
        "name": _name(a.words, b.words, rarest),
        "nik": _nik(a, b),
        "born": _years(a.born, b.born),
        "sex": "missing" if not (a.sex and b.sex) else "same" if a.sex == b.sex else "differs",
        "contact": f"{_phone(a.phone, b.phone, phones)}_{_address(a.address, b.address)}",
        "area": _area(a.area, b.area),
    }


def judged(levels: Mapping[str, str]) -> Judged:
    """The score of a comparison, and what people are shown of it: codes of fields, never values."""
    bits = PRIOR + sum(WEIGHTS[field].get(level, 0.0) for field, level in levels.items())
    phone, address = levels["contact"].split("_")
    shown = {
        "name": "differs" if "part" in levels["name"] else levels["name"].split()[0].removeprefix("near_"),
        "nik": levels["nik"],
        "birth_year": levels["born"],
        "sex": levels["sex"],
        "phone": "same" if phone == "shared" else phone,
        "address": address,
        "area": levels["area"],
    }
    agree = tuple(field for field, level in shown.items() if level in AGREE)
    differ = tuple(field for field, level in shown.items() if level not in AGREE and level != "missing")
    return Judged(round(bits, 2), agree, differ)


def probability(bits: float) -> float:
    """The score as a probability, as people are shown it."""
    return float(1 / (1 + 2.0**-bits))


def dice(a: int, b: int) -> float:
    """The Dice coefficient of two Bloom filters."""
    total = a.bit_count() + b.bit_count()
    return 2 * (a & b).bit_count() / total if total else 0.0


def _name(a: Sequence[int], b: Sequence[int], rarest: int | None) -> str:
    """The words of the shorter name, each matched with the most alike that is left of the longer one; and how common they are."""
    if not a or not b:
        return "missing"
    ranked = sorted(((dice(x, y), n, m) for n, x in enumerate(a) for m, y in enumerate(b)), reverse=True)
    left, right, alike = set(range(len(a))), set(range(len(b))), list[float]()
    for value, n, m in ranked:
        if n in left and m in right:
            left.discard(n)
            right.discard(m)
            alike.append(value)
    same, near = sum(value >= SAME for value in alike), sum(NEAR <= value < SAME for value in alike)
    if not same + near:
        return "differs"
    more = "two" if len(alike) > 1 else "one"
    whole = "all" if len(alike) > 1 else "only"
    kind = "part" if same + near < len(alike) else whole if len(a) == len(b) else more
    kind = f"near_{kind}" if (not same if kind == "part" else near) else kind
    return f"{kind} {'common' if rarest is None else next(rarity for rarity, most in HOLDERS.items() if rarest <= most)}"


def _nik(a: Likeness, b: Likeness) -> str:
    if not (a.nik and b.nik):
        return "missing"
    if a.nik == b.nik:
        return "same"
    if dice(a.digits, b.digits) >= 0.85:  # noqa: PLR2004 - at most two digits differ
        return "near"
    return "birthday" if a.birthday == b.birthday else "differs"


def _years(a: int, b: int) -> str:
    if not (a and b):
        return "missing"
    apart = abs(a - b)
    return next((name for name, most in (("same", 0), ("next", 1), ("close", 3), ("far", 6)) if apart <= most), "differs")


def _phone(a: int, b: int, holders: int) -> str:
    if not (a and b):
        return "missing"
    return "differs" if a != b else "shared" if holders > SHARED_PHONE else "same"


def _address(a: int, b: int) -> str:
    if not (a and b):
        return "missing"
    alike = dice(a, b)
    return "same" if alike >= SAME else "near" if alike >= 0.6 else "differs"  # noqa: PLR2004 - a street without its number


def _area(a: int, b: int) -> str:
    if not (a and b):
        return "missing"
    return "same" if a == b else "city" if a // 100 == b // 100 else "differs"
