"""What people read: one neutral sentence per kind of notice, Indonesian first, English second; never a word about a person.

A module of its own because translators edit it, not programmers.
"""

from enum import StrEnum


class Language(StrEnum):
    """The languages of notices."""

    INDONESIAN = "id"
    ENGLISH = "en"


# Each entry: Indonesian, English. `{number}` counts follow-ups, `{clock}` is the name of a clock from CLOCKS.
TEXTS: dict[str, tuple[str, str]] = {
    "intake.reported": ("Laporan baru perlu ditriase.", "A new report needs triage."),
    "intake.triaged": ("Triase selesai.", "The triage is complete."),
    "intake.risk_changed": ("Triase diperbarui.", "The triage was updated."),
    "intake.outreach_dispatched": ("Tim Anda ditugaskan menjangkau.", "Your team is asked to reach out."),
    "intake.outreach_arrived": ("Tim penjangkauan sudah tiba.", "The outreach team has arrived."),
    "intake.outreach_ended": ("Hasil penjangkauan sudah dicatat.", "The outreach team recorded its result."),
    "intake.withdrawn": ("Kasus ditarik; hentikan semua kegiatan.", "The case was withdrawn; stop all work on it."),
    "intake.referred_out": ("Kasus dirujuk ke luar platform.", "The case was referred outside the platform."),
    "intake.contact_lost": ("Kontak terputus; hentikan semua kegiatan.", "Contact was lost; stop all work on it."),
    "intake.reopened": ("Kasus dibuka kembali; triase ulang.", "The case was reopened; triage it anew."),
    "intake.closure_proposed": ("Usulan penutupan kasus menunggu keputusan Anda.", "A proposed closure awaits your decision."),
    "intake.closure_returned": ("Usulan penutupan kasus dikembalikan.", "A proposed closure was sent back."),
    "intake.legal_step_recorded": ("Langkah hukum sudah dicatat.", "A legal step was recorded."),
    "intake.legal_step_expiring": ("Perlindungan hukum berakhir dalam {number} hari.", "A legal protection ends in {number} days."),
    "intake.responsibility_proposed": ("Lembaga Anda diminta memimpin sebuah kasus.", "Your agency is asked to lead a case."),
    "intake.responsibility_declined": ("Permintaan memimpin kasus ditolak.", "The agency that was asked does not take the case."),
    "intake.responsibility_transferred": ("Lembaga Anda sekarang memimpin kasus ini.", "Your agency leads this case now."),
    "intake.closed": ("Kasus ditutup.", "The case was closed."),
    "intake.person_erased": ("Data pribadi seseorang dalam kasus ini dihapus.", "Somebody's personal data in this case was erased."),
    "intake.right_requested": (
        "Ada permintaan hak atas data pribadi; jawab dalam 3x24 jam.",
        "A request about personal data; answer within 3x24 hours.",
    ),
    "intake.glass_broken": (
        "Kasus dibuka secara darurat oleh petugas lain; periksa.",
        "An officer outside the case opened it in an emergency; look.",
    ),
    "placement.offered": ("Permintaan tempat menunggu jawaban Anda.", "A request for places awaits your answer."),
    "placement.cancelled": ("Permintaan tempat dibatalkan.", "A request for places was taken back."),
    "placement.declined": ("Permintaan tempat ditolak.", "A request for places was declined."),
    "placement.expired": ("Permintaan tempat kedaluwarsa tanpa jawaban.", "A request for places expired without an answer."),
    "placement.no_show": ("Rumah tangga tidak tiba pada waktunya.", "The household did not arrive in time."),
    "placement.waitlisted": ("Belum ada tempat yang sesuai; masuk daftar tunggu.", "No suitable place is free; the household waits."),
    "placement.unmet": ("Kebutuhan tempat tidak terpenuhi.", "A need for places ended unmet."),
    "placement.accepted": ("Permintaan tempat diterima.", "A request for places was accepted."),
    "placement.on_the_way": ("Rumah tangga sedang dalam perjalanan.", "The household is on the way."),
    "placement.admitted": ("Rumah tangga sudah diterima.", "The household was admitted."),
    "placement.admitted_directly": ("Rumah tangga masuk langsung; lengkapi laporannya.", "A household was let in; complete its report."),
    "placement.split_approved": ("Rumah tangga ditempatkan terpisah.", "A household is housed apart."),
    "placement.transfer_offered": ("Permintaan pindah menunggu jawaban Anda.", "A request to move in awaits your answer."),
    "placement.transfer_answered": ("Permintaan pindah sudah dijawab.", "A request to move got its answer."),
    "placement.transferred": ("Penghuni sudah pindah penampungan.", "Residents have moved to another shelter."),
    "intake.agency_slowed": (
        "Satu instansi mengirim lebih dari jatahnya per menit; sisanya menunggu.",
        "An agency sends more than its share of a minute; the rest waits.",
    ),
    "placement.probing_suspected": (
        "Permintaan tempat berulang dengan wilayah berbeda; periksa.",
        "Repeated requests for places with changed areas; look into it.",
    ),
    "shelter.census_missed": ("Konfirmasi penghuni malam belum diisi.", "Tonight's residents are not confirmed yet."),
    "placement.left": ("Ada yang pulang atas pilihan sendiri.", "Someone left by own choice."),
    "placement.discharged": ("Masa tinggal berakhir.", "A stay ended."),
    "assessment.assigned": ("Sebuah kasus ditugaskan kepada Anda.", "A case was assigned to you."),
    "assessment.reassigned": ("Sebuah kasus dialihkan kepada Anda.", "A case was handed over to you."),
    "assessment.alert_raised": ("Ada tanda bahaya; tindak lanjuti sekarang.", "An alert was raised; act now."),
    "assessment.completed": ("Asesmen selesai.", "An assessment is complete."),
    "assessment.plan_approved": ("Rencana versi {number} disetujui.", "Version {number} of the plan was approved."),
    "assessment.plan_returned": ("Rencana versi {number} dikembalikan.", "Version {number} of the plan was sent back."),
    "assessment.service_accepted": ("Sebuah layanan disanggupi penyedianya.", "A provider takes on a service."),
    "assessment.service_declined": ("Sebuah layanan tidak jadi diberikan; periksa.", "A service is not given; look into it."),
    "assessment.service_delivered": ("Sebuah layanan sudah diberikan.", "A service was given."),
    "assessment.reunified": ("Reunifikasi terlaksana.", "A reunification took place."),
    "assessment.rehabilitation_started": ("Rehabilitasi sosial dimulai.", "Social rehabilitation began."),
    "assessment.rehabilitation_completed": ("Rehabilitasi sosial selesai.", "Social rehabilitation is complete."),
    "assessment.outcome_reached": ("Hasil rencana tercapai.", "An outcome of the plan was reached."),
    "assessment.outcome_abandoned": ("Rencana bagi seseorang dihentikan; susun lagi.", "What was planned for somebody was given up; plan again."),
    "assessment.followup_due": ("Pemantauan ke-{number} perlu dilakukan.", "Follow-up {number} is due."),
    "assessment.followup_done": ("Pemantauan ke-{number} menemukan keadaan tidak aman.", "Follow-up {number} found an unsafe situation."),
    "assessment.followup_missed": ("Pemantauan ke-{number} terlewat.", "Follow-up {number} was missed."),
    "assessment.followup_lost": (
        "Pemantauan ke-{number}: tidak terhubungi setelah beberapa kali; putuskan.",
        "Follow-up {number}: nobody could be reached after several tries; decide.",
    ),
    "clock_missed": ("Batas waktu terlewat: {clock}.", "A deadline was missed: {clock}."),
    "clock_missed_again": ("Batas waktu masih terlewat (tahap {number}): {clock}.", "A deadline is still missed (step {number}): {clock}."),
    "ladder.answer_awaited": ("Permintaan tempat masih menunggu jawaban Anda.", "A request for places still awaits your answer."),
    "ladder.unanswered": ("Permintaan tempat belum dijawab; hubungi penampungan.", "A request for places is unanswered; call the shelter."),
    "ladder.try_another": ("Permintaan tempat tidak dijawab; coba tempat lain.", "A request for places stays unanswered; try another one."),
    "call_wanted": ("Kepala penampungan minta ditelepon tentang sebuah permintaan.", "A shelter's head asks to be called about a request."),
    "prevention.announced": ("Ada kegiatan sosialisasi atau pelatihan baru.", "A new prevention session is announced."),
    "prevention.cancelled": ("Kegiatan sosialisasi atau pelatihan dibatalkan.", "A prevention session is cancelled."),
    "unacknowledged": ("Pemberitahuan mendesak belum ditanggapi siapa pun.", "Nobody has acknowledged an urgent notice."),
    "survivor.message_unsure": (
        "Pesan kepada penyintas mungkin sudah terkirim; periksa sebelum menghubungi.",
        "A message to a survivor may have been sent; look before you reach out.",
    ),
    "survivor.message_to_do": (
        "Pesan kepada penyintas tidak dapat dikirim; hubungi dengan cara yang aman.",
        "A message to a survivor could not be sent; reach out in a way that is safe.",
    ),
    "email_failing": ("Pengiriman e-mail gagal terus; periksa server surat.", "E-mail keeps failing; look at the mail server."),
    "email_works_again": ("Pengiriman e-mail pulih.", "E-mail works again."),
    "sms_failing": ("Pengiriman SMS gagal terus; periksa gerbangnya.", "SMS keeps failing; look at the gateway."),
    "sms_works_again": ("Pengiriman SMS pulih.", "SMS works again."),
    "whatsapp_failing": ("Pengiriman WhatsApp gagal terus; periksa gerbangnya.", "WhatsApp keeps failing; look at the gateway."),
    "whatsapp_works_again": ("Pengiriman WhatsApp pulih.", "WhatsApp works again."),
    "webhook_failing": ("Pengiriman ke sebuah webhook gagal terus.", "Deliveries to a webhook keep failing."),
    "webhook_works_again": ("Pengiriman ke sebuah webhook pulih.", "Deliveries to a webhook work again."),
    "subscription_disabled": ("Langganan webhook dinonaktifkan karena gagal terus.", "A webhook subscription was disabled after failures."),
}

CLOCKS: dict[str, tuple[str, str]] = {
    "triage": ("triase", "triage"),
    "incomplete": ("data laporan yang belum lengkap", "a report's missing data"),
    "police_report": ("laporan ke polisi", "the police report"),
    "protection": ("perlindungan sementara polisi", "temporary police protection"),
    "protection_request": ("permohonan ke LPSK atau pengadilan", "the request to LPSK or a court"),
    "protection_expiry": ("masa berlaku perlindungan", "the end of a protection"),
    "rehabilitation": ("rehabilitasi yang diminta korban perdagangan orang", "the rehabilitation that a trafficking victim asked for"),
    "closure": ("penutupan kasus", "closing the case"),
    "closure_approval": ("keputusan atas usulan penutupan", "the decision on a proposed closure"),
    "transfer_answer": ("jawaban atas permintaan memimpin kasus", "the answer of the agency asked to lead"),
    "risk_review": ("penilaian ulang risiko", "judging the risk anew"),
    "joiner": ("tempat tidur anggota yang menyusul", "a bed for somebody who joined a household"),
    "contact_retry": ("upaya menghubungi kembali", "trying to reach somebody again"),
    "unknown_case": ("kasus yang belum dikenal", "an unknown case"),
    "right_request": ("jawaban atas permintaan hak data pribadi", "the answer to a request about personal data"),
    "hold_review": ("peninjauan penahanan hukum data", "the review of a legal hold"),
    "waiting": ("daftar tunggu", "the waiting list"),
    "ungrouped": ("penempatan anggota baru keluarga yang terpisah", "where a new member of a household housed apart belongs"),
    "stay_review": ("peninjauan masa tinggal", "the review of a stay"),
    "arrival": ("kedatangan", "arrival"),
    "absence": ("kembali dari izin keluar", "the return from a temporary leave"),
    "initial_assessment": ("asesmen awal", "the first assessment"),
    "comprehensive_assessment": ("asesmen komprehensif", "the comprehensive assessment"),
    "reassessment": ("asesmen ulang", "the re-assessment"),
    "service_answer": ("jawaban penyedia layanan", "a provider's answer"),
    "service_consent": ("persetujuan untuk meminta layanan", "the consent to ask for a service"),
    "service_delivery": ("pemberian layanan", "a service that was promised"),
    "service_declined": ("layanan yang ditolak penyedia", "a service that a provider declined"),
    "plan": ("rencana", "the plan"),
    "outcome": ("pelaksanaan rencana", "the plan's outcome"),
    "lost_contact": ("keputusan atas kontak yang terputus", "the decision on somebody who cannot be reached"),
    "review": ("peninjauan pengasuhan", "the review of a child's or carer's situation"),
    "assignment": ("penugasan", "assignment"),
}


def text_of(kind: str, language: Language, *, number: int | None = None, clock: str | None = None) -> str:
    """The sentence for a notice. Raises KeyError for a kind without one; a clock without a name is called by its code."""
    place = 0 if language is Language.INDONESIAN else 1
    if kind == "clock_missed" and number is not None and number > 1:
        kind = "clock_missed_again"
    name = CLOCKS[clock][place] if clock in CLOCKS else (clock or "")
    return TEXTS[kind][place].format(number=number, clock=name)
