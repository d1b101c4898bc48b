"""What people without an account read of a session: Indonesian first, English second; names of topics and places, and what answers a program that follows a link."""

from datetime import datetime
from zoneinfo import ZoneInfo

from notifications.messages import Language

JAKARTA = ZoneInfo("Asia/Jakarta")
SUBJECT = ("Info kegiatan", "Activities near you")
TITLES = {
    "child_rights": ("Hak anak", "Children's rights"),
    "violence_prevention": ("Pencegahan kekerasan", "Preventing violence"),
    "positive_parenting": ("Pengasuhan positif", "Positive parenting"),
    "safe_school": ("Sekolah aman", "Safe schools"),
    "online_safety": ("Aman di dunia maya", "Safety online"),
    "how_to_report": ("Cara melapor", "How to report"),
    "handling_training": ("Pelatihan penanganan", "Training in handling"),
}
PLACES = {
    "rptra": ("di RPTRA", "at an RPTRA"),
    "school": ("di sekolah", "at a school"),
    "office": ("di kantor", "at an office"),
    "online": ("daring", "online"),
}
DAYS = (("Sen", "Sel", "Rab", "Kam", "Jum", "Sab", "Min"), ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
LEAFLETS = {
    "confirmed": ("Tercatat. Setiap pesan memuat tautan untuk berhenti.", "Noted. Each message has a link to stop."),
    "gone": ("Tautan ini tidak berlaku lagi. Silakan daftar ulang.", "This link does not count any more. Please ask again."),
    "stopped": ("Selesai. Alamat ini dihapus.", "Done. This address is erased."),
}


def place_of(language: str) -> int:
    """Which of the two texts is meant."""
    return 0 if language == Language.INDONESIAN else 1


def when(moment: datetime, language: str) -> str:
    """A moment as people in Jakarta read it."""
    local = moment.astimezone(JAKARTA)
    return f"{DAYS[place_of(language)][local.weekday()]} {local:%d/%m/%Y %H.%M} WIB"
