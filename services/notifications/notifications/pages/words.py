"""What notifications' pages say: Indonesian first, English second. A module of its own because translators edit it, not programmers."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

WORDS: Mapping[str, Sentence] = {
    "inbox.title": ("Kotak masuk", "Inbox"),
    "inbox.none": ("Tidak ada pemberitahuan yang menunggu.", "No notice waits for you."),
    "inbox.news": ("Ada pemberitahuan baru.", "There is a new notice."),
    "inbox.show": ("Tampilkan", "Show it"),
    "inbox.more": ("Masih ada lagi; yang paling mendesak ditampilkan dahulu.", "There are more; the most urgent are shown first."),
    "inbox.urgent": ("Mendesak", "Urgent"),
    "inbox.unread": ("Belum dibaca", "Not read"),
    "inbox.times": ("{number} kali", "{number} times"),
    "inbox.open": ("Buka", "Open"),
    "inbox.take": ("Sudah saya tangani", "I have taken this up"),
    "inbox.call": ("Minta ditelepon", "Ask to be called"),
    "inbox.number": ("Pemberitahuan {number}", "Notice {number}"),
    "said.taken": ("Tercatat: Anda menanganinya.", "Noted: you have taken it up."),
    "said.called": ("Petugas penempatan akan menelepon Anda.", "Those who place will call you."),
    "call.title": ("Minta ditelepon", "Ask to be called"),
    "call.text": (
        "Petugas penempatan akan menelepon Anda tentang permintaan ini. Permintaan tetap menunggu jawaban Anda.",
        "Those who place will call you about this request. It goes on waiting for your answer.",
    ),
    "call.none": ("Tidak ada permintaan yang menunggu jawaban.", "There is no request that waits for an answer."),
    "call.back": ("Kembali ke permintaan", "Back to the request"),
    "refused.410.used": ("Tautan ini sudah dipakai. Jawab lewat kotak masuk.", "This link was used. Answer in your inbox."),
    "refused.410.expired": ("Tautan ini sudah kedaluwarsa. Jawab lewat kotak masuk.", "This link has run out. Answer in your inbox."),
    # Systems that subscribe.
    "subscriptions.title": ("Langganan sistem", "Systems that subscribe"),
    "subscriptions.none": ("Belum ada langganan.", "No system subscribes yet."),
    "subscriptions.failed": ("gagal berturut-turut: {number}", "failed in a row: {number}"),
    "subscription.active": ("Aktif", "Active"),
    "subscription.disabled": ("Dinonaktifkan karena gagal terus", "Disabled after failures"),
    "subscription.deleted": ("Dihapus", "Deleted"),
    "deliveries.title": ("Pengiriman ke {agency}", "Deliveries to {agency}"),
    "deliveries.none": ("Belum ada pengiriman.", "Nothing was delivered yet."),
    "deliveries.enable": ("Aktifkan lagi", "Enable it again"),
    "deliveries.redrive": ("Kirim ulang yang gagal", "Try all that failed again"),
    "deliveries.tries": ("{number} kali dicoba", "{number} tries"),
    "delivery.pending": ("Menunggu", "Waits"),
    "delivery.delivered": ("Terkirim", "Delivered"),
    "delivery.failed": ("Gagal", "Failed"),
    "delivery.cancelled": ("Dibatalkan", "Cancelled"),
    "said.redriven": ("Yang gagal dicoba lagi.", "What failed is tried again."),
    "said.enabled": ("Langganan aktif lagi.", "The subscription is active again."),
}
