"""Who is who: invented people who are reported more than once, as agencies write them down, so that finding them again can be measured.

Every name is put together from words of this file, NIKs are of province 00 (which does not exist), phones of area code 000, addresses on a Jalan Contoh.
Shares tagged [REC] are DOMAIN.md's, all others are assumptions of this file [OWN].
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Final

from contracts.areas import DISTRICTS

from ops import population_figures as figures
from ops.population_people import pick

AREAS: Final = tuple(DISTRICTS)
LATEST: Final = date(2026, 11, 1)
REPORTED_OVER: Final = 3 * 365  # days
# Words that very many have, with the weight of each; the others are joined syllables, some common and most rare.
COMMON: Final = {
    "female": ("Siti", "Nur", "Sri", "Dewi", "Putri", "Ayu", "Rina", "Fitri", "Indah", "Lestari", "Wati", "Ratna", "Yulia", "Aisyah", "Rahma"),
    "male": ("Muhammad", "Ahmad", "Nur", "Agus", "Budi", "Andi", "Rizki", "Eko", "Yusuf", "Fajar", "Adi", "Dwi", "Bayu", "Hadi", "Rahman"),
}  # fmt: skip
COMMON_SHARE: Final = 0.35  # of words
POOL: Final = 4000
NAME_WORDS: Final = {1: 0.08, 2: 0.60, 3: 0.28, 4: 0.04}
AGES: Final = {(0, 5): 8, (6, 12): 18, (13, 17): 25, (18, 24): 14, (25, 44): 25, (45, 59): 8, (60, 80): 2}
FAMILY: Final = {1: 0.55, 2: 0.18, 3: 0.15, 4: 0.09, 5: 0.03}
TWINS_SHARE: Final = 0.06  # of households with two children or more; several times what there are, for they are the hardest
NO_NIK_SHARE: Final = 0.30  # [REC]
AGAIN: Final = {1: 0.90, 2: 0.085, 3: 0.015}  # how often one person is reported; DOMAIN 9: 8 % duplicate reports [REC]
SHARED_PHONES: Final = 40
AGE_GUESS: Final = {0: 0.75, 1: 0.17, 2: 0.06, 3: 0.02}


@dataclass(frozen=True, slots=True)
class Noise:
    """How reports are written down: shares of what is not told, of what is another by now, and of how it is mistaken."""

    nik_not_told: float = 0.15
    phone_not_told: float = 0.10
    address_not_told: float = 0.10
    age_not_told: float = 0.02
    name_not_told: float = 0.002
    other_phone: float = 0.08
    shared_phone: float = 0.06
    moved: float = 0.08
    other_area: float = 0.10
    typo: float = 0.10
    spelt: float = 0.20
    swapped: float = 0.15
    dropped: float = 0.05
    title: float = 0.12
    father: float = 0.05
    nik_typo: float = 0.03
    address_typo: float = 0.15
    sex_unknown: float = 0.02
    sex_wrong: float = 0.005


ORDINARY: Final = Noise()
# Where half of what could tell is missing, wrong or another by now.
ROUGH: Final = Noise(
    nik_not_told=0.30,
    phone_not_told=0.25,
    address_not_told=0.20,
    age_not_told=0.04,
    other_phone=0.15,
    moved=0.15,
    other_area=0.20,
    typo=0.15,
    dropped=0.12,
)
TITLES: Final = {"female": ("Ny.", "Ibu", "Hj.", "Sdri.", "Nona"), "male": ("Bpk.", "H.", "Sdr.", "Tn.", "Drs.")}
# As the same word is written by others.
SPELLINGS: Final = (
    ("u", "oe"), ("y", "j"), ("j", "dj"), ("c", "tj"), ("sy", "sj"), ("f", "v"), ("k", "q"), ("z", "s"), ("i", "ie"), ("t", "th"),
    ("Muhammad", "Moh."), ("Muhammad", "M."), ("Muhammad", "Mochamad"), ("Siti", "St."), ("Nur", "Noor"), ("Rizki", "Rizqi"), ("ah", "a"), ("n", "nn"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Human:
    """Somebody who does not exist, as she or he is."""

    words: tuple[str, ...]
    sex: str
    born: date
    nik: str | None
    phone: str
    address: str
    area: str
    father: str


@dataclass(frozen=True, slots=True)
class Written:
    """A person as one report has her or him; `who` tells which reports are of one."""

    who: int
    name: str | None
    nik: str | None
    phone: str | None
    address: str | None
    sex: str
    age: int | None
    area: str
    year: int


def written(seed: int, humans: int, noise: Noise = ORDINARY) -> Iterator[Written]:
    """As many invented people, in households, each reported once or more; the same seed gives the same."""
    rng = Random(seed)  # noqa: S311 - invented people
    # Whoever is invented, names are those of one country.
    pools = {sex: _pool(Random(f"names of {sex}"), sex) for sex in COMMON}  # noqa: S311
    shared = [_phone(rng) for _ in range(SHARED_PHONES)]
    made = 0
    while made < humans:
        for human in _family(rng, pools)[: humans - made]:
            for _ in range(pick(rng, AGAIN)):
                yield _report(rng, noise, made, human, shared)
            made += 1


def _pool(rng: Random, sex: str) -> Sequence[str]:
    """Words of names: a few hundred, those at the front more common than those at the end."""
    ends = figures.FEMALE_ENDS if sex == "female" else figures.MALE_ENDS
    joined = {rng.choice(figures.STARTS) + rng.choice(("", *figures.MIDDLES)) + rng.choice(ends) for _ in range(POOL)}
    return rng.sample(sorted(joined), len(joined))


def _words(rng: Random, pool: Sequence[str], sex: str) -> tuple[str, ...]:
    def word() -> str:
        if rng.random() < COMMON_SHARE:
            return COMMON[sex][int(len(COMMON[sex]) * rng.random() ** 2)]
        return pool[int(len(pool) * rng.random() ** 2)]

    count = pick(rng, NAME_WORDS)
    # Who has one word only has a telling one more often than not.
    return tuple(dict.fromkeys(word() for _ in range(count))) if count > 1 else (pool[int(len(pool) * rng.random())],)


def _phone(rng: Random) -> str:
    return f"0000{rng.randint(10**7, 10**8 - 1)}"


def _born(rng: Random, youngest: int, oldest: int) -> date:
    return LATEST - timedelta(days=rng.randint(youngest * 365, (oldest + 1) * 365))


def _nik(rng: Random, sex: str, born: date) -> str:
    return f"00{rng.randint(1, 79):02d}{rng.randint(1, 20):02d}{born.day + (40 if sex == 'female' else 0):02d}{born:%m%y}{rng.randint(1, 9990):04d}"


def _family(rng: Random, pools: dict[str, Sequence[str]]) -> list[Human]:
    """A household: phone, address and area are shared; children have a father's name, and now and then a twin."""
    size = pick(rng, FAMILY)
    phone, area = _phone(rng), rng.choice(AREAS)
    street, alley = f"{rng.choice(figures.STREETS)} {rng.choice(('', 'Barat', 'Timur', 'Raya'))}".strip(), rng.choice(("Jl. Contoh", "Gang Contoh"))
    address = f"{alley} {street} No. {rng.randint(1, 180)} RT {rng.randint(1, 15):02d}/{rng.randint(1, 9):02d}"
    father = rng.choice(pools["male"])
    found: list[Human] = []
    for place in range(size):
        sex = "female" if place == 0 and rng.random() < 0.75 else rng.choice(("female", "male"))  # noqa: PLR2004
        band = (20, 50) if size > 1 and place == 0 else (0, 17) if place else pick(rng, AGES)
        born = _born(rng, *band)
        nik = None if rng.random() < NO_NIK_SHARE else _nik(rng, sex, born)
        found.append(Human(_words(rng, pools[sex], sex), sex, born, nik, phone, address, area, father))
    if size > 2 and rng.random() < TWINS_SHARE:  # noqa: PLR2004
        found[-1] = _twin(rng, found[-2], pools)
    return found


def _twin(rng: Random, of: Human, pools: dict[str, Sequence[str]]) -> Human:
    """Born on the same day; another name, often with a word in common; a NIK with the next number."""
    own = _words(rng, pools[of.sex], of.sex)
    words = (own[0], *of.words[1:]) if rng.random() < 0.5 and own[0] not in of.words else own  # noqa: PLR2004
    return replace(of, words=words, nik=of.nik and f"{int(of.nik) + 1:016d}")


def _report(rng: Random, noise: Noise, who: int, human: Human, shared: Sequence[str]) -> Written:
    """What one desk writes down."""
    on = LATEST - timedelta(days=rng.randint(0, min(REPORTED_OVER, (LATEST - human.born).days)))
    age = max(0, (on - human.born).days // 365 + rng.choice((-1, 1)) * pick(rng, AGE_GUESS))
    nik = human.nik and (_mistyped(rng, human.nik) if rng.random() < noise.nik_typo else human.nik)
    area = human.area
    if rng.random() < noise.other_area:
        area = rng.choice([other for other in AREAS if other[:5] == area[:5]] if rng.random() < 0.6 else AREAS)  # noqa: PLR2004
    return Written(
        who=who,
        name=_told(rng, noise.name_not_told, _name(rng, noise, human)),
        nik=_told(rng, noise.nik_not_told, nik),
        phone=_told(rng, noise.phone_not_told, _written_phone(rng, noise, human, shared)),
        address=_told(rng, noise.address_not_told, _written_address(rng, noise, human.address)),
        sex=_sex(rng, noise, human.sex),
        age=None if rng.random() < noise.age_not_told else age,
        area=area,
        year=on.year,
    )


def _told(rng: Random, not_told: float, value: str | None) -> str | None:
    return None if rng.random() < not_told else value


def _sex(rng: Random, noise: Noise, sex: str) -> str:
    chance = rng.random()
    wrong = "male" if sex == "female" else "female"
    return "unknown" if chance < noise.sex_unknown else wrong if chance < noise.sex_unknown + noise.sex_wrong else sex


def _name(rng: Random, noise: Noise, human: Human) -> str:
    words = list(human.words)
    if len(words) > 1 and rng.random() < noise.dropped:
        words.pop(rng.randrange(len(words)))
    if rng.random() < noise.swapped:
        rng.shuffle(words)
    if rng.random() < noise.spelt:
        words = [_respelt(rng, word) for word in words]
    if rng.random() < noise.typo:
        place = rng.randrange(len(words))
        words[place] = _typo(rng, words[place])
    name = " ".join(words)
    if rng.random() < noise.father:
        name += f" {'binti' if human.sex == 'female' else 'bin'} {human.father}"
    if rng.random() < noise.title:
        name = f"{rng.choice(TITLES[human.sex])} {name}"
    return name.upper() if rng.random() < 0.2 else name  # noqa: PLR2004


def _respelt(rng: Random, word: str) -> str:
    able = [(old, new) for old, new in SPELLINGS if old in word]
    return re.sub(re.escape(able[place][0]), able[place][1], word, count=1) if able and (place := rng.randrange(len(able))) >= 0 else word


def _typo(rng: Random, word: str) -> str:
    """One slip of the finger: a letter too many, too few, wrong, or two that changed places."""
    place = rng.randrange(max(1, len(word) - 1))
    letter = rng.choice("abcdefghijklmnoprstuwyz")
    slips = (
        word[:place] + letter + word[place:],
        word[:place] + word[place + 1 :],
        word[:place] + letter + word[place + 1 :],
        word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :],
    )
    return rng.choice(slips) or word


def _mistyped(rng: Random, nik: str) -> str:
    place = rng.randrange(2, 15)
    if rng.random() < 0.5:  # noqa: PLR2004
        return nik[:place] + nik[place + 1] + nik[place] + nik[place + 2 :]
    return nik[:place] + str((int(nik[place]) + rng.randint(1, 9)) % 10) + nik[place + 1 :]


def _written_phone(rng: Random, noise: Noise, human: Human, shared: Sequence[str]) -> str:
    chance = rng.random()
    other = _phone(rng) if chance < noise.shared_phone + noise.other_phone else human.phone
    number = rng.choice(shared) if chance < noise.shared_phone else other
    return rng.choice((number, f"+62 {number[1:4]} {number[4:8]} {number[8:]}", f"{number[:4]}-{number[4:8]}-{number[8:]}"))


def _written_address(rng: Random, noise: Noise, address: str) -> str:
    if rng.random() < noise.moved:
        return f"Jl. Contoh {rng.choice(figures.STREETS)} No. {rng.randint(1, 180)} RT {rng.randint(1, 15):02d}/{rng.randint(1, 9):02d}"
    if rng.random() < 0.3:  # noqa: PLR2004
        address = address.split(" RT", maxsplit=1)[0]
    address = address.replace("Jl.", rng.choice(("Jl.", "Jalan", "Jln"))).replace("No. ", rng.choice(("No. ", "no ", "")))
    if rng.random() < noise.address_typo:
        words = address.split()
        words[2] = _typo(rng, words[2])
        address = " ".join(words)
    return address
