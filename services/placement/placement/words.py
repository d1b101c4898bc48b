"""What people read of a decision: a plain sentence for each rule and the fact it saw, Indonesian first, English second.

A module of its own because translators edit it, not programmers. A family or a court reads these words: no code, and nothing about a
person but what the household itself said it needs.
"""

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """The languages of explanations."""

    INDONESIAN = "id"
    ENGLISH = "en"


Sentence = tuple[str, str]

# By the rule and the fact it saw, when it stood in the way.
NO: Mapping[tuple[str, str], Sentence] = {
    ("closed", "not_open"): ("Rumah ini sedang tidak menerima penghuni.", "This home takes nobody at present."),
    ("withheld", "areas_changed_often"): (
        "Wilayah pelaku berubah berkali-kali; supervisor harus memeriksanya dahulu.",
        "The perpetrator's areas were changed repeatedly; a supervisor must look into it first.",
    ),
    ("withheld", "too_many_areas"): (
        "Wilayah pelaku yang disebut terlalu banyak; petugas yang memutuskan rumah aman.",
        "So many areas of the perpetrator were named that people must decide on a safe house.",
    ),
    ("P1", "not_enough_beds"): ("Tempat tidur kosong tidak cukup untuk semua anggota.", "There were not enough free beds for all of them."),
    ("P1", "person_has_a_bed"): ("Seorang anggota sudah mempunyai tempat tidur.", "One of them has a bed already."),
    ("P2", "sex_unknown"): (
        "Jenis kelamin seorang anggota belum diketahui, dan rumah ini tidak melayani keduanya.",
        "The sex of one of them is not known, and this home does not serve both.",
    ),
    ("P2", "sex_not_served"): (
        "Rumah ini tidak melayani jenis kelamin salah seorang anggota.",
        "This home does not serve the sex of one of them.",
    ),
    ("P2", "age_not_served"): ("Rumah ini tidak melayani usia salah seorang anggota.", "This home does not serve the age of one of them."),
    ("P3", "no_boys"): ("Rumah ini tidak menerima anak laki-laki.", "This home takes no boys."),
    ("P3", "boy_too_old"): (
        "Seorang anak laki-laki melampaui batas usia anak laki-laki di rumah ini.",
        "A boy is older than this home's age limit for boys.",
    ),
    ("P4", "rooms_do_not_fit"): (
        "Kamar yang kosong tidak dapat menampung keluarga ini bersama-sama dengan layak.",
        "The free rooms could not take this household together in a fitting way.",
    ),
    ("P5", "keep_apart"): (
        "Di rumah ini ada seseorang yang harus dipisahkan dari salah seorang anggota.",
        "Somebody stays in this home who must be kept apart from one of them.",
    ),
    ("P5", "staff_conflict"): (
        "Seseorang yang bekerja di rumah ini tidak boleh bertemu dengan salah seorang anggota.",
        "Somebody who works in this home must not meet one of them.",
    ),
    ("P6", "perpetrator_area"): (
        "Rumah ini berada di kecamatan tempat tinggal atau kerja pelaku.",
        "This home is in a kecamatan where the perpetrator lives or works.",
    ),
    ("P6", "too_far"): ("Rumah ini terlalu jauh dari tempat mereka berada.", "This home is too far from where they are."),
    ("P7", "no_ground"): (
        "Rumah aman hanya untuk keadaan yang ditentukan, misalnya ancaman terhadap jiwa; tidak ada yang tercatat.",
        "A safe house is only for set grounds, such as a threat to life; none is recorded.",
    ),
    ("P8", "need_not_met"): (
        "Rumah ini tidak dapat memenuhi kebutuhan khusus salah seorang anggota.",
        "This home cannot meet a particular need of one of them.",
    ),
    ("P8", "no_accessible_room"): ("Rumah ini tidak mempunyai kamar untuk kursi roda.", "This home has no room that a wheelchair can use."),
    ("P9", "hospital_first"): ("Diperlukan perawatan rumah sakit lebih dahulu.", "Care in a hospital is needed first."),
    ("P9", "health_need_not_met"): (
        "Rumah ini tidak dapat memenuhi kebutuhan kesehatan salah seorang anggota.",
        "This home cannot meet a health need of one of them.",
    ),
    ("P9", "no_isolation_room"): ("Rumah ini tidak mempunyai kamar isolasi.", "This home has no room for isolation."),
    ("declined", "declined_before"): ("Kepala rumah ini sudah menolak keluarga ini.", "The head of this home said no to this household before."),
    ("no_response", "no_answer_before"): (
        "Rumah ini tidak menjawab permintaan sebelumnya; akan ditanya lagi kemudian.",
        "This home did not answer an earlier request; it is asked again later.",
    ),
}

# What made a home that suits come later than another.
COST: Mapping[tuple[str, str], Sentence] = {
    ("transit", "transit"): ("Rumah singgah; rumah khusus didahulukan.", "A transit home; specialised homes come first."),
    ("P4", "fits"): (
        "Keluarga ini memerlukan lebih dari satu kamar, atau kamar yang disediakan untuk keperluan lain.",
        "The household would need more than one room, or a room meant for other needs.",
    ),
    ("P6", "far"): ("Lebih jauh dari tempat mereka berada.", "Farther from where they are."),
    ("P10", "residential"): (
        "Untuk anak tanpa pengasuh, keluarga atau keluarga pengganti didahulukan.",
        "For a child without a carer, kin or a foster family comes first.",
    ),
    ("P16", "overflow_beds"): ("Hanya dengan tempat tidur darurat yang disetujui.", "Only with approved overflow beds."),
}

UNKNOWN_NO: Sentence = ("Aturan {rule} menghalangi rumah ini.", "Rule {rule} stood in the way of this home.")
UNKNOWN_COST: Sentence = ("Menurut aturan {rule}, rumah lain didahulukan.", "By rule {rule} another home comes first.")

OUTCOMES: Mapping[str, Sentence] = {
    "chosen": ("Rumah ini ditawarkan untuk seluruh keluarga.", "This home was offered to the whole household."),
    "suited": ("Rumah ini sesuai, tetapi rumah lain lebih sesuai.", "This home would have suited, but another one suited better."),
    "refused": ("Rumah ini tidak dapat ditawarkan.", "This home could not be offered."),
    "available": ("Di antara rumah aman ada tempat.", "Among the safe houses there was room."),
    "not_available": ("Di antara rumah aman tidak ada tempat.", "Among the safe houses there was no room."),
    "not_suitable": ("Tidak ada rumah aman yang sesuai.", "No safe house was suitable."),
}
ANSWERS: Mapping[bool, Sentence] = {
    True: ("Ada rumah yang sesuai untuk seluruh keluarga.", "A home was found that suits the whole household."),
    False: (
        "Saat itu tidak ada rumah yang sesuai untuk seluruh keluarga; mereka tetap dalam daftar tunggu.",
        "At that time no home suited the whole household; they stay on the waiting list.",
    ),
}
# Rules that a supervisor set aside for one household.
SET_ASIDE: Mapping[str, Sentence] = {
    "P3": (
        "Supervisor mengesampingkan batas usia anak laki-laki untuk keluarga ini.",
        "A supervisor set the age limit of boys aside for this household.",
    ),
    "P4": (
        "Supervisor memperbolehkan anak kecil tidur di kamar lain daripada keluarganya, demi kepentingan terbaiknya.",
        "A supervisor let a small child sleep in another room than its family, in its best interests.",
    ),
}
SECRET: Sentence = ("Rumah aman (bersama-sama)", "Safe houses (together)")


def of_rule(rule: str, fact: str, cost: int, language: Language) -> str:
    """What a rule said that was not a plain yes; `cost` is 0 when it stood in the way."""
    known, unknown = (COST, UNKNOWN_COST) if cost else (NO, UNKNOWN_NO)
    return said(known.get((rule, fact), unknown), language).format(rule=rule, cost=cost)


def said(sentence: Sentence, language: Language) -> str:
    """A sentence in a language."""
    return sentence[0 if language is Language.INDONESIAN else 1]


def language_of(asked: Language | None, header: str | None) -> Language:
    """The language that is asked for, or the first that `Accept-Language` prefers among ours; Indonesian otherwise."""
    if asked is not None:
        return asked
    ranked = sorted((_ranked(part) for part in (header or "").split(",")), key=lambda entry: -entry[0])
    return next((Language(code) for weight, code in ranked if weight > 0 and code in set(Language)), Language.INDONESIAN)


def _ranked(part: str) -> tuple[float, str]:
    name, _, weight = part.partition(";q=")
    try:
        return float(weight or 1), name.strip().lower().split("-")[0]
    except ValueError:
        return 0.0, ""
