"""What the victims of a month are in SIMFONI's terms, and how they are counted; pure.

A victim is counted once, in the month in which her first report of it was opened: whoever was merged with her is she. A person may have met
several kinds of violence, so those rows add up to nothing (DOMAIN 4.1). Source: SIMFONI PPA's tables and code lists (DOMAIN 4.1, 4.4).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from intake.domain.incidents import AGE_BANDS, OLDEST, age_band, simfoni_place
from intake.domain.suppression import Counts, counted

SEXES = ("female", "male", "unknown")
UNKNOWN = "na"
VIOLENCE = ("fisik", "psikis", "seksual", "eksploitasi", "trafficking", "penelantaran", "lainnya")
PLACES = ("rumah_tangga", "tempat_kerja", "sekolah", "fasilitas_umum", "lembaga_pendidikan_kilat", "lainnya", UNKNOWN)
RELATIONS = (
    "suami_istri", "pacar_teman", "orang_tua", "keluarga_saudara", "tetangga", "guru", "majikan", "rekan_kerja", "lainnya", UNKNOWN,
)  # fmt: skip
BANDS = (*(band for _, band in AGE_BANDS), OLDEST, UNKNOWN)
CITIES = ("31.01", "31.71", "31.72", "31.73", "31.74", "31.75", UNKNOWN)
# SIMFONI's own services; what Jakarta counts apart is one of them there (DOMAIN 4.4).
SERVICES = (
    "pengaduan", "kesehatan", "bantuan_hukum", "penegakan_hukum", "rehabilitasi_sosial", "reintegrasi_sosial", "pemulangan", "pendampingan_tokoh_agama",
    "lainnya",
)  # fmt: skip
COUNTED_AS = {"psikologis": "rehabilitasi_sosial", "visum": "kesehatan", "restitusi_lpsk": "bantuan_hukum"}


@dataclass(frozen=True, slots=True)
class Victim:
    """A victim of one case, in codes."""

    person_id: UUID
    case_id: UUID
    sex: str
    age: int | None
    area: str
    violence: tuple[str, ...]
    places: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    services: tuple[str, ...] = field(default=("pengaduan",))

    @property
    def city(self) -> str:
        """Her city as Kemendagri writes it."""
        return self.area[:5] if self.area[:5] in CITIES else UNKNOWN


def service(code: str) -> str:
    """A service as SIMFONI counts it."""
    code = COUNTED_AS.get(code, code)
    return code if code in SERVICES else "lainnya"


def persons(victims: Iterable[Victim], same: Iterable[tuple[UUID, UUID]]) -> list[Victim]:
    """Each person once, with all that is known of her from all her cases of the month; `same` are pairs that were merged."""
    one: dict[UUID, UUID] = {}

    def root(person: UUID) -> UUID:
        while (above := one.get(person, person)) != person:
            person = above
        return person

    for first, second in same:
        low, high = sorted((root(first), root(second)))
        one[high] = low
    groups: defaultdict[UUID, list[Victim]] = defaultdict(list)
    for victim in sorted(victims, key=lambda victim: (victim.case_id, victim.person_id)):
        groups[root(victim.person_id)].append(victim)
    return [_joined(group) for group in groups.values()]


def _joined(group: Sequence[Victim]) -> Victim:
    first = group[0]
    return Victim(
        first.person_id,
        first.case_id,
        next((victim.sex for victim in group if victim.sex != "unknown"), "unknown"),
        next((victim.age for victim in group if victim.age is not None), None),
        next((victim.area for victim in group if victim.city != UNKNOWN), first.area),
        *(tuple(sorted({code for victim in group for code in getattr(victim, name)})) for name in ("violence", "places", "relations", "services")),
    )


def tables(victims: Sequence[Victim]) -> dict[str, Counts]:
    """SIMFONI's tables of these persons, by sex; nothing is kept back yet."""
    totals = Counter(victim.sex for victim in victims)

    def by(rows: tuple[str, ...], codes: Mapping[int, Iterable[str]], *, adds: bool) -> Counts:
        entries = [(code, victims[number].sex) for number, found in codes.items() for code in found]
        return counted(rows, SEXES, entries, totals, adds=adds)

    each = dict(enumerate(victims))
    return {
        "umur": by(BANDS, {n: [age_band(victim.age) or UNKNOWN] for n, victim in each.items()}, adds=True),
        "wilayah": by(CITIES, {n: [victim.city] for n, victim in each.items()}, adds=True),
        "bentuk_kekerasan": by(VIOLENCE, {n: victim.violence for n, victim in each.items()}, adds=False),
        "tempat": by(
            PLACES, {n: {simfoni_place(place) or UNKNOWN for place in victim.places} or {UNKNOWN} for n, victim in each.items()}, adds=False
        ),
        "hubungan_pelaku": by(RELATIONS, {n: victim.relations or (UNKNOWN,) for n, victim in each.items()}, adds=False),
        "layanan": by(SERVICES, {n: sorted({service(code) for code in victim.services}) for n, victim in each.items()}, adds=False),
    }
