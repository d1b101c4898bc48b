"""The words of the public's form. Whoever reads them may be in danger, and may not have much time."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

WORDS: Mapping[str, Sentence] = {
    "public.title": ("Laporkan kekerasan", "Report violence"),
    "public.danger": (
        "Dalam bahaya sekarang? Telepon 112 (gratis, 24 jam) atau SAPA 129.",
        "In danger now? Call 112 (free, day and night) or SAPA 129.",
    ),
    "public.traces": ("Hati-hati: kunjungan ini dapat meninggalkan jejak", "Take care: this visit may leave traces"),
    "public.traces_text": (
        (
            "Riwayat peramban di ponsel ini dapat menunjukkan bahwa Anda membuka halaman ini. Bila orang lain memegang ponsel ini, pakai mode penyamaran atau perangkat "
            "lain, dan hapus riwayatnya. “Keluar cepat” mengganti halaman ini dengan kalender, tetapi tidak menghapus riwayat sebelumnya."
        ),
        (
            "The browser's history on this phone may show that you opened this page. If somebody else uses this phone, take a private window or another device, and clear "
            "the history. “Leave quickly” puts a calendar in the place of this page; it does not clear what was there before."
        ),
    ),
    "public.no_name": (
        "Nama tidak perlu. Isi yang Anda tahu; semuanya boleh dikosongkan.",
        "No name is needed. Enter what you know; everything may be left empty.",
    ),
    "public.urgency": ("Apakah ada bahaya sekarang?", "Is there danger now?"),
    "public.urgency.high": ("Ya, ada bahaya sekarang", "Yes, there is danger now"),
    "public.urgency.medium": ("Saya tidak yakin", "I am not sure"),
    "public.urgency.low": ("Tidak ada bahaya yang dekat", "No danger is near"),
    "public.narrative": ("Apa yang Anda lihat atau alami?", "What did you see, or what happened to you?"),
    "public.where": ("Di kecamatan mana?", "In which kecamatan?"),
    "public.who": ("Siapa korbannya?", "Who is the victim?"),
    "public.sex": ("Jenis kelamin", "Sex"),
    "public.age": ("Usia kira-kira (tahun)", "Rough age (years)"),
    "public.place": ("Di mana ia dapat ditemukan", "Where she can be found"),
    "public.callback": ("Bagaimana Anda dapat dihubungi, bila mau", "How you can be reached, if you like"),
    "public.callback_hint": (
        "Hanya tulis nomor yang aman: tidak dilihat oleh pelaku.",
        "Only a number that is safe: not one that the perpetrator looks at.",
    ),
    "public.send": ("Kirim laporan", "Send the report"),
    "public.ask": ("Sudah melapor? Tanyakan kelanjutannya", "Reported already? Ask what became of it"),
    "public.thanks": ("Laporan Anda diterima", "Your report was received"),
    "public.keep": (
        "Catat kedua kode ini sekarang, di tempat yang aman. Kode ini hanya ditampilkan satu kali.",
        "Write both down now, in a safe place. They are shown this once only.",
    ),
    "public.code": ("Kode laporan", "Code of the report"),
    "public.pin": ("PIN", "PIN"),
    "public.status": ("Apa kelanjutan laporan saya?", "What became of my report?"),
    "public.status_hint": (
        "Kode atau PIN yang salah dijawab sama seperti laporan yang belum dilihat.",
        "A wrong code or PIN is answered as a report that nobody has looked at yet.",
    ),
    "public.look": ("Tanyakan", "Ask"),
    "public.received": ("Laporan diterima.", "The report was received."),
    "public.being_handled": ("Laporan sedang ditangani.", "The report is being handled."),
    "public.back": ("Ke laporan baru", "To a new report"),
    "field.code": ("Kode laporan", "Code of the report"),
    "field.pin": ("PIN", "PIN"),
    "refused.429": (
        "Terlalu banyak permintaan dari sini. Coba lagi nanti, atau telepon 112.",
        "Too many requests from here. Try again later, or call 112.",
    ),
}
