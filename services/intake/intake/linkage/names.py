"""How do two spellings of an Indonesian name become one? Words without titles and old spelling, and a code that sounds decide. Pure.

A name here is a bag of words: most people have no family name, parts change places, and a father's name may follow `bin` or `binti`.
"""

import re
import unicodedata
from collections.abc import Iterable

MOST_WORDS = 4
LONGEST_CODE = 6
# What stands before or after a name and is none: forms of address, religious and academic titles, nobility. Degrees follow a comma.
TITLES = frozenset(
    [
        "adik",
        "almarhum",
        "almarhumah",
        "alm",
        "anak",
        "bapak",
        "bpk",
        "bu",
        "dra",
        "drs",
        "dr",
        "drg",
        "drh",
        "h",
        "haji",
        "hajah",
        "hajjah",
        "hj",
        "ibu",
        "ir",
        "kakak",
        "kh",
        "mas",
        "mbak",
        "neng",
        "nn",
        "nona",
        "ny",
        "nyonya",
        "pak",
        "prof",
        "r",
        "raden",
        "rd",
        "rr",
        "saudara",
        "saudari",
        "sdr",
        "sdri",
        "tn",
        "tuan",
        "ust",
        "ustad",
        "ustadz",
        "ustadzah",
    ]
)
FATHERS = frozenset({"b", "bin", "binti", "binte", "bt", "bte", "btn"})
JOINERS = frozenset({"alias", "als", "dan", "panggilan"})
# Words so common, and written in so many ways or left out, that they are one word: Muhammad says next to nothing when others follow.
MUHAMMAD = re.compile(r"m|md|m[ou]?c?h(d|a?m+[aeu]?[dt]?)?")
SAME_WORD = {"st": "siti", "sti": "siti", "sitti": "siti", "abd": "abdul", "abdu": "abdul", "nr": "nur", "noer": "nur", "noor": "nur"}
# Old spelling (before 1972), Arabic and foreign letters, and letters that many do not tell apart, in this order.
SPELLING = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"^chr", "kr"),
        (r"^ch", "c"),
        (r"oe", "u"),
        (r"dj", "j"),
        (r"tj", "c"),
        (r"hj", "hy"),
        (r"s[jyh]", "s"),
        (r"[kc]h", "h"),
        (r"ph|v", "f"),
        (r"th", "t"),
        (r"dh", "d"),
        (r"gh", "g"),
        (r"dz", "z"),
        (r"ck|q", "k"),
        (r"x", "ks"),
        (r"ee|ie", "i"),
        (r"oo", "u"),
        (r"iy(?=[aeu])", "i"),
        (r"uw(?=[aeo])", "u"),
        (r"(?<=[bcdfgjklmnprstwz])y(?=[aeiou])", "i"),
        (r"(?<=[^aeiou])y$", "i"),
        (r"(.)\1+", r"\1"),
        (r"(?<=[aeiou])h$", ""),
    )
)
NY = re.compile(r"ny(?=[aeiou])")
# For the code: y and j, s and z, f and p, t and d at an end are heard as one; h is not heard, nor the nasal's kind.
SOUNDS = str.maketrans({"y": "j", "z": "s", "f": "p", "h": None, "'": None})
OPENINGS = str.maketrans({"e": "i", "o": "u"})


def words(name: str) -> tuple[str, ...]:
    """The words of a name in one spelling, without titles, degrees, initials and the father's name; at most four, each once.

    Muhammad, in any of its spellings, counts only when nothing else is left.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower().split(",")[0]
    found: list[str] = []
    muhammad = False
    for word in re.sub(r"[^a-z ]+", " ", plain.replace("'", "").replace("`", "")).split():
        if word in FATHERS and found:
            break
        if word in TITLES or word in JOINERS or word in FATHERS:
            continue
        if MUHAMMAD.fullmatch(word):
            muhammad = True
        elif len(word) > 1:
            found.append(spelt(SAME_WORD.get(word, word)))
    return tuple(dict.fromkeys(word for word in found if word))[:MOST_WORDS] or (("muhamad",) if muhammad else ())


def spelt(word: str) -> str:
    """A word in today's spelling, without doubled letters and a silent h at its end."""
    word = NY.sub("ñ", word)
    for pattern, by in SPELLING:
        word = pattern.sub(by, word)
    return word.replace("ñ", "ny")


def code(word: str) -> str:
    """How a spelt word sounds: its opening vowel and its consonants, at most six letters."""
    heard = word.translate(SOUNDS).replace("nj", "n").replace("ng", "n")
    return (heard[:1].translate(OPENINGS) + re.sub(r"[aeiou]", "", heard[1:]))[:LONGEST_CODE]


def codes(name_words: Iterable[str]) -> tuple[str, ...]:
    """The codes of these words, each once and in alphabetical order."""
    return tuple(sorted({code(word) for word in name_words}))


def digits(phone: str) -> str | None:
    """The nine last digits of a phone number, which do not depend on how the country is written; None when there are fewer than eight."""
    found = re.sub(r"\D", "", phone)
    return found[-9:] if len(found) >= 8 else None  # noqa: PLR2004 - the shortest numbers in Jakarta


ADDRESS_WORDS = re.compile(
    r"\b(contoh|jalan|jln|jl|gang|gg|nomor|no|rt|rw|blok|kelurahan|kel|kecamatan|kec|kota|kp|kampung|komplek|kompleks|perum|jakarta|dki)\b"
)


def place(address: str) -> tuple[str, ...]:
    """The words and numbers of an address without what every address has."""
    plain = unicodedata.normalize("NFKD", address).encode("ascii", "ignore").decode().lower()
    plain = ADDRESS_WORDS.sub(" ", re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])", " ", re.sub(r"[^a-z0-9]+", " ", plain)))
    return tuple(word if word.isdigit() else spelt(word) for word in (part.lstrip("0") or part for part in plain.split()))
