"""What an incident counts as: its GBVIMS core type, its SIMFONI place and the age bands of who is in it; pure."""

from collections.abc import Collection

# The questions of the GBVIMS in their order: the first that is answered with yes gives the core type (GBVIMS classification tool; DOMAIN 2.2).
QUESTIONS = (
    ("penetration", "rape"),
    ("sexual_contact", "sexual_assault"),
    ("physical", "physical_assault"),
    ("forced_marriage", "forced_marriage"),
    ("denial_of_resources", "denial_of_resources"),
    ("psychological", "psychological_abuse"),
)
# What an answered question says in SIMFONI's terms: sexual violence that is only answered here still sets the deadlines of the law.
IMPLIED = {
    "penetration": "seksual",
    "sexual_contact": "seksual",
    "physical": "fisik",
    "psychological": "psikis",
    "denial_of_resources": "penelantaran",
}
# Places that Jakarta counts apart, as SIMFONI counts them (DOMAIN 4.1).
SIMFONI_PLACES = {"kos": "rumah_tangga", "kontrakan": "rumah_tangga", "hotel": "fasilitas_umum", "jalan": "fasilitas_umum", "daring": "lainnya"}
AGE_BANDS = ((5, "0-5"), (12, "6-12"), (17, "13-17"), (24, "18-24"), (44, "25-44"), (59, "45-59"))
OLDEST = "60+"
DOMESTIC = frozenset({"suami_istri", "orang_tua", "keluarga_saudara"})


def core_type(acts: Collection[str] | None) -> str | None:
    """The one GBVIMS core type by its ordered questions; None while nobody asked them."""
    if acts is None:
        return None
    return next((kind for act, kind in QUESTIONS if act in acts), "non_gbv")


def with_implied(violence_types: Collection[str], acts: Collection[str] | None) -> tuple[str, ...]:
    """SIMFONI's violence types, each once, with those that the answered questions imply."""
    implied = [IMPLIED[act] for act, _ in QUESTIONS if act in (acts or ()) and act in IMPLIED]
    return tuple(dict.fromkeys([*violence_types, *implied]))


def simfoni_place(place: str | None) -> str | None:
    """The place as SIMFONI counts it."""
    return SIMFONI_PLACES.get(place, place) if place else None


def age_band(age: int | None) -> str | None:
    """SIMFONI's band of an age in completed years; None for an age that nobody knows."""
    return None if age is None else next((band for oldest, band in AGE_BANDS if age <= oldest), OLDEST)
