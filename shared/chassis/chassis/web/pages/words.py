"""What stands in the frame of every page and in its refusals: Indonesian first, English second.

A module of its own because translators edit it, not programmers. A service's own words stand in its `pages/words.py`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum


class Language(StrEnum):
    """The languages of the pages."""

    INDONESIAN = "id"
    ENGLISH = "en"


Sentence = tuple[str, str]
JAKARTA = timezone(timedelta(hours=7))
MONTHS = (
    ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"],
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
)
HOUR, DAY = 60, 24 * 60

FRAME: Mapping[str, Sentence] = {
    "frame.skip": ("Langsung ke isi", "Skip to the content"),
    "frame.language": ("English", "Bahasa Indonesia"),
    "frame.navigation": ("Halaman", "Pages"),
    "frame.log_out": ("Keluar", "Log out"),
    "frame.log_in": ("Masuk", "Log in"),
    "frame.logged_out": ("Anda sudah keluar", "You are logged out"),
    "frame.logged_out_text": (
        "Halaman yang terbuka di perangkat ini tidak lagi dapat dibaca.",
        "Nothing that was open on this device can be read any more.",
    ),
    "frame.problem": ("Ada masalah", "There is a problem"),
    "frame.done": ("Berhasil", "Done"),
    "frame.important": ("Penting", "Important"),
    "frame.back": ("Kembali", "Back"),
    "frame.choose": ("Pilih", "Choose"),
    "frame.now": ("sekarang", "now"),
    "frame.unknown": ("belum diketahui", "not known"),
    "frame.leave": ("Keluar cepat", "Leave quickly"),
    "frame.leave_hint": ("atau tekan Esc tiga kali", "or press Esc three times"),
    "frame.calendar": ("Kalender", "Calendar"),
    "frame.resume": ("Masuk lagi untuk mengirim", "Log in again to send"),
    "frame.resume_text": (
        "Sesi Anda berakhir sebelum ini terkirim. Isian Anda masih ada di halaman ini: buka tautan masuk di bawah, lalu kembali ke sini dan kirim.",
        "Your session ended before this was sent. What you entered is still on this page: open the log-in below, come back here, and send.",
    ),
    "frame.resume_log_in": ("Masuk di tab baru", "Log in in a new tab"),
    "frame.resume_send": ("Kirim sekarang", "Send now"),
    "frame.conflict": ("Seseorang mengubahnya lebih dahulu", "Somebody changed this first"),
    "frame.conflict_text": (
        "Keduanya ditampilkan di bawah. Pilih yang berlaku, lalu kirim lagi.",
        "Both are shown below. Choose what holds, and send again.",
    ),
    "frame.theirs": ("Tersimpan sekarang", "Stored now"),
    "frame.yours": ("Isian Anda", "What you entered"),
    # How a service stands.
    "standing.title": ("Keadaan {name}", "How {name} stands"),
    "standing.unpublished": ("Belum diterbitkan", "Not published yet"),
    "standing.overdue": ("Tenggat yang lewat dan belum diproses", "Clocks that are due and wait"),
    "standing.letters": ("Pesan yang disisihkan", "Messages set aside"),
    "standing.tasks": ("Tugas setelah pemulihan", "Tasks after a restore"),
    "standing.missed": ("Tenggat terlewat dalam 24 jam", "Clocks missed within 24 hours"),
    "standing.deaf": (
        "Tidak menerima apa-apa padahal ada yang menunggu, lalu disambung lagi: {durable}",
        "Heard nothing though messages waited, and was renewed: {durable}",
    ),
    "standing.lags": ("Belum dibaca", "Not read yet"),
    "standing.all": ("Keadaan platform", "How the platform stands"),
    "standing.part_well": ("Berjalan", "Well"),
    "standing.part_look": ("Perlu dilihat", "Look at it"),
    "standing.part_ill": ("Terhenti", "Stopped"),
    "standing.asking": ("Sedang ditanyakan ...", "Being asked ..."),
    "standing.silent": ("Tidak menjawab", "Does not answer"),
    "standing.silent_text": (
        "Layanan ini tidak menjawab; yang lain tetap bekerja. Ditanyakan lagi setiap 20 detik.",
        "This service does not answer; the others work on. It is asked again every 20 seconds.",
    ),
    "standing.no_script": (
        "Tanpa JavaScript halaman ini tidak dapat bertanya: buka tautan tiap layanan.",
        "Without JavaScript this page cannot ask: follow the link of each service.",
    ),
    "standing.look": ("Lihat {name}", "Look at {name}"),
    "standing.back": ("Semua layanan", "All services"),
    "standing.aside": ("Disisihkan", "Set aside"),
    "standing.tries": ("{number} kali dicoba", "{number} tries"),
    "standing.again": ("Coba lagi", "Try it again"),
    "standing.driving": ("Akan dicoba lagi", "It will be tried again"),
    "said.driven": ("Pesan akan dicoba lagi.", "The message will be tried again."),
    # How long, in words.
    "span.minutes": ("{number} menit", "{number} min"),
    "span.hours": ("{number} jam", "{number} h"),
    "span.days": ("{number} hari", "{number} days"),
    "span.just": ("baru saja", "just now"),
    "span.ahead": ("dalam {span}", "in {span}"),
    "span.over": ("terlambat {span}", "{span} late"),
    "span.ago": ("{span} lalu", "{span} ago"),
    # By the status of a refusal, where a service has no words of its own for it.
    "refused.400": (
        "Permintaan ini tidak lengkap. Muat ulang halaman dan coba lagi.",
        "This request is not complete. Reload the page and try again.",
    ),
    "refused.401": ("Masuk dahulu.", "Log in first."),
    "refused.403": ("Peran Anda tidak mengizinkan ini.", "Your role does not allow this."),
    "refused.403.foreign": (
        "Isian ini tidak dikirim dari halaman kami. Buka halamannya lagi dan kirim dari sana.",
        "This was not sent from one of our pages. Open the page again and send it from there.",
    ),
    "refused.404": ("Ini tidak ada, atau bukan untuk Anda.", "There is no such thing, or it is not yours to see."),
    "refused.409": ("Keadaannya sudah berubah. Lihat keadaan sekarang di bawah.", "Things have changed meanwhile. See below how they stand now."),
    "refused.410": ("Tautan ini sudah tidak berlaku.", "This link is no longer good."),
    "refused.413": ("Isian ini terlalu besar.", "This is too large."),
    "refused.422": ("Ada isian yang kurang atau salah.", "Something is missing or wrong."),
    "refused.500": ("Ada kesalahan pada sistem; tidak ada yang berubah. Coba lagi.", "An error of the platform; nothing was changed. Try again."),
    "refused.503": ("Sistem sedang sibuk; tidak ada yang berubah. Kirim lagi.", "The platform is busy; nothing was changed. Send again."),
    # By the code of what is wrong with a field.
    "code.missing": ("{field}: harus diisi", "{field}: this is needed"),
    "code.invalid": ("{field}: tidak dapat dibaca", "{field}: this cannot be read"),
    "code.reused": ("Isian ini sudah pernah dikirim. Lihat keadaan sekarang di bawah.", "This was sent before. See below how things stand now."),
}


def joined(catalogues: Iterable[Mapping[str, Sentence]]) -> dict[str, Sentence]:
    """One catalogue of several. Raises ValueError where two of them say the same key: the later one would be read in the place of the other."""
    found: dict[str, Sentence] = {}
    for catalogue in catalogues:
        if repeated := found.keys() & catalogue.keys():
            message = f"said twice: {', '.join(sorted(repeated))}"
            raise ValueError(message)
        found |= catalogue
    return found


def said(words: Mapping[str, Sentence], key: str, language: Language, **values: object) -> str:
    """A sentence in a language. Raises KeyError for one that no catalogue has."""
    return words[key][0 if language is Language.INDONESIAN else 1].format(**values)


def span(words: Mapping[str, Sentence], seconds: float, language: Language) -> str:
    """A length of time, as people say it."""
    minutes = max(0, round(abs(seconds) / 60))
    if minutes < 2 * HOUR:
        return said(words, "span.minutes", language, number=minutes)
    if minutes < 2 * DAY:
        return said(words, "span.hours", language, number=round(minutes / HOUR))
    return said(words, "span.days", language, number=round(minutes / DAY))


def ago(words: Mapping[str, Sentence], seconds: float, language: Language) -> str:
    """How long ago something was, as people say it."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return said(words, "span.just", language)
    return said(words, "span.ago", language, span=span(words, seconds, language))


def moment(at: datetime, now: datetime, language: Language) -> str:
    """A time of day by Jakarta's clock, with its day where that is not today."""
    local, today = at.astimezone(JAKARTA), now.astimezone(JAKARTA)
    clock = f"{local:%H.%M} WIB" if language is Language.INDONESIAN else f"{local:%H:%M} WIB"
    return clock if local.date() == today.date() else f"{day(at, language)}, {clock}"


def day(at: datetime, language: Language) -> str:
    """A day by Jakarta's calendar."""
    local = at.replace(tzinfo=at.tzinfo or UTC).astimezone(JAKARTA)
    month = MONTHS[0 if language is Language.INDONESIAN else 1][local.month - 1]
    return f"{local.day} {month} {local.year}"
