"""Services of a plan: the closed lists of what may be asked of a provider, and of what becomes of it."""

from enum import StrEnum


class ServiceCode(StrEnum):
    """What a plan may name, and what is asked of a provider: SIMFONI's services and their additions (DOMAIN 4.4; Perpres 55/2024).

    Mediation is not among them: sexual violence is never settled out of court (UU TPKS art. 23).
    """

    COMPLAINT = "pengaduan"
    HEALTH = "kesehatan"
    LEGAL_AID = "bantuan_hukum"
    LAW_ENFORCEMENT = "penegakan_hukum"
    SOCIAL_REHABILITATION = "rehabilitasi_sosial"
    SOCIAL_REINTEGRATION = "reintegrasi_sosial"
    RETURN_HOME = "pemulangan"
    RELIGIOUS_COMPANION = "pendampingan_tokoh_agama"
    PSYCHOLOGICAL = "psikologis"
    FORENSIC_EXAMINATION = "visum"
    TEMPORARY_SHELTER = "penampungan_sementara"
    EDUCATION = "pendidikan"
    CIVIL_DOCUMENTS = "dokumen_kependudukan"
    ECONOMIC_EMPOWERMENT = "pemberdayaan_ekonomi"
    INTERPRETER = "penerjemah_jbi"
    RESTITUTION = "restitusi_lpsk"
    CONTENT_REMOVAL = "penghapusan_konten"


class ServiceAnswer(StrEnum):
    """What a provider says to a request for a service."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    DELIVERED = "delivered"


class ServiceReason(StrEnum):
    """Why a provider does not give a service, or nobody asks for it any more (Primero's referral statuses, DOMAIN 4.4)."""

    PROVIDER_FULL = "provider_full"
    NOT_COMPETENT = "not_competent"
    NOT_ELIGIBLE = "not_eligible"
    SERVICE_UNAVAILABLE = "service_unavailable"
    NOT_REACHED = "not_reached"
    DECLINED_BY_SURVIVOR = "declined_by_survivor"
    RECEIVED_ELSEWHERE = "received_elsewhere"
    NOT_APPLICABLE = "not_applicable"
    ASKED_ELSEWHERE = "asked_elsewhere"
    PLAN_CHANGED = "plan_changed"
