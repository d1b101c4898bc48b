"""The closed lists of incidents: where, by whom, which acts, the GBVIMS core type, and the steps of the law that follow.

Sources: SIMFONI PPA code lists (place, relation, age bands), GBVIMS classification tool, and the laws that each list names.
"""

from enum import StrEnum


class IncidentPlace(StrEnum):
    """Where violence happened: SIMFONI's places, and those that Jakarta counts apart (DOMAIN 4.1)."""

    HOUSEHOLD = "rumah_tangga"
    WORK = "tempat_kerja"
    SCHOOL = "sekolah"
    PUBLIC = "fasilitas_umum"
    SHORT_COURSE = "lembaga_pendidikan_kilat"
    OTHER = "lainnya"
    BOARDING_ROOM = "kos"
    RENTED_HOUSE = "kontrakan"
    HOTEL = "hotel"
    STREET = "jalan"
    ONLINE = "daring"


class PerpetratorRelation(StrEnum):
    """What the perpetrator is to the victim (SIMFONI)."""

    SPOUSE = "suami_istri"
    PARTNER = "pacar_teman"
    PARENT = "orang_tua"
    KIN = "keluarga_saudara"
    NEIGHBOUR = "tetangga"
    TEACHER = "guru"
    EMPLOYER = "majikan"
    COLLEAGUE = "rekan_kerja"
    OTHER = "lainnya"
    UNKNOWN = "na"


class AgeBand(StrEnum):
    """SIMFONI's age bands, in completed years."""

    UNDER_6 = "0-5"
    FROM_6 = "6-12"
    FROM_13 = "13-17"
    FROM_18 = "18-24"
    FROM_25 = "25-44"
    FROM_45 = "45-59"
    FROM_60 = "60+"


class Act(StrEnum):
    """The ordered questions of the GBVIMS that are answered with yes."""

    PENETRATION = "penetration"
    SEXUAL_CONTACT = "sexual_contact"
    PHYSICAL = "physical"
    FORCED_MARRIAGE = "forced_marriage"
    DENIAL = "denial_of_resources"
    PSYCHOLOGICAL = "psychological"


class CoreType(StrEnum):
    """The one GBVIMS core type of an incident."""

    RAPE = "rape"
    SEXUAL_ASSAULT = "sexual_assault"
    PHYSICAL_ASSAULT = "physical_assault"
    FORCED_MARRIAGE = "forced_marriage"
    DENIAL = "denial_of_resources"
    PSYCHOLOGICAL = "psychological_abuse"
    NON_GBV = "non_gbv"


class LegalStep(StrEnum):
    """What was done for a victim before police, courts, LPSK and social services (UU TPKS 41-43, UU PKDRT 16, 28; UU TPPO 51-52)."""

    POLICE_REPORT = "police_report"
    POLICE_PROTECTION = "police_protection"
    PROTECTION_NOT_WANTED = "protection_not_wanted"
    LPSK_REQUEST = "lpsk_request"
    COURT_REQUEST = "court_request"
    COURT_ORDER = "court_order"
    VISUM = "visum"
    MEDIATION = "mediation"
    REHABILITATION_REQUEST = "rehabilitation_request"
    REHABILITATION_BEGUN = "rehabilitation_begun"
