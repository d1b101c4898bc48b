"""The inbox, and answering from a message."""

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
}
