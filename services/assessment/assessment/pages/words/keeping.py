"""What is kept for all cases: programmes that are offered, and instruments."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

WORDS: Mapping[str, Sentence] = {
    "offer.title": ("Tawarkan program", "Offer a programme"),
    "offer.act": ("Tawarkan", "Offer it"),
    "offer.change": ("Ubah program", "Change a programme"),
    "offer.change_link": ("Ubah", "Change"),
    "offer.kind": ("Program apa?", "What kind of programme?"),
    "offer.name": ("Nama program", "Name of the programme"),
    "offer.name_hint": ("Untuk dibaca orang; jangan sebut peserta atau rumah aman", "For people to read; no participants, no shelters"),
    "offer.provider": ("Lembaga penyelenggara", "Agency that offers it"),
    "offer.area": ("Kecamatan", "District"),
    "offer.places": ("Jumlah tempat", "Places"),
    "offer.places_hint": ("Sekarang {places}; hanya dapat ditambah", "Now {places}; there can only be more"),
    "offer.begins_on": ("Mulai tanggal", "Begins on"),
    "offer.ends_on": ("Berakhir tanggal", "Ends on"),
    "offer.first_session": ("Pertemuan pertama", "First session"),
    "offer.how_many": ("Berapa kali pertemuan?", "How many sessions?"),
    "offer.days_apart": ("Jarak antar pertemuan (hari)", "Days from one to the next"),
    "offer.days_apart_hint": ("7: setiap minggu", "7: every week"),
    "offer.further": ("Pertemuan tambahan ke-{number}", "Further session, number {number}"),
    "offer.last": ("Jumlah dan pertemuan terakhir", "Number, and last session"),
    "offer.stays": (
        "Yang sudah ditawarkan tetap: jenis, tempat, tanggal dan {number} pertemuan. Nama, tambahan tempat dan pertemuan dapat diisi.",
        "What was offered stays: kind, district, dates and {number} sessions. The name may change, and places and sessions be added.",
    ),
    "said.programme_offered": ("Program ditawarkan.", "The programme is offered."),
    "said.programme_changed": ("Program diubah.", "The programme is changed."),
    "field.name": ("Nama program", "Name of the programme"),
    "field.area": ("Kecamatan", "District"),
    "field.places": ("Jumlah tempat", "Places"),
    "field.begins_on": ("Mulai tanggal", "Begins on"),
    "field.ends_on": ("Berakhir tanggal", "Ends on"),
    "code.name.invalid": ("Nama program: 3 sampai 120 huruf", "Name: 3 to 120 letters"),
    "code.area.missing": ("Pilih kecamatan", "Choose a district"),
    "code.places.invalid": ("Jumlah tempat: 1 sampai 500", "Places: 1 to 500"),
    "code.places.fewer_than_before": ("Tempat yang sudah ditawarkan tidak dapat dikurangi", "Places that were offered stay"),
    "code.ends_on.invalid": ("Program tidak berakhir sebelum mulai", "A programme does not end before it begins"),
    "code.first_session.invalid": (
        "Isi pertemuan pertama dan berapa kali (paling banyak 200)",
        "Enter the first session and how many there are (200 at most)",
    ),
}
