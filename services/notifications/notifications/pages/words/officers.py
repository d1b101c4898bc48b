"""What an officer chose to be told, and where she is reached."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

from notifications.messages import TEXTS

# A kind of notice is called by its sentence; where that has a number there is none yet.
KINDS: Mapping[str, Sentence] = {
    f"kind.{kind}": (texts[0].replace("{number}", "…").replace("{clock}", "…"), texts[1].replace("{number}", "…").replace("{clock}", "…"))
    for kind, texts in TEXTS.items()
}

WORDS: Mapping[str, Sentence] = {
    **KINDS,
    "act.save": ("Simpan", "Save"),
    "act.change": ("Ubah", "Change"),
    "act.remove": ("Hapus", "Remove"),
    "none": ("tidak ada", "none"),
    "all": ("semua", "all"),
    "yes": ("ya", "yes"),
    "no": ("tidak", "no"),
    "risk.high": ("tinggi", "high"),
    "risk.medium": ("sedang", "medium"),
    "risk.low": ("rendah", "low"),
    "language.id": ("Bahasa Indonesia", "Bahasa Indonesia"),
    "language.en": ("English", "English"),
    "channel.sms": ("SMS", "SMS"),
    "channel.whatsapp": ("WhatsApp", "WhatsApp"),
    "channel.email": ("E-mail", "E-mail"),
    "mine.title": ("Setelan saya", "My settings"),
    "mine.id": ("Nomor petugas Anda (untuk daftar piket)", "Your number as an officer (for the on-call plan)"),
    "mine.urgent": (
        "Yang mendesak selalu langsung muncul di kotak masuk, apa pun pilihan Anda.",
        "What is urgent is always in the inbox at once, whatever you chose.",
    ),
    "mine.always": ("Yang tidak dapat dimatikan", "What cannot be turned off"),
    "mine.always_text": (
        "Peran Anda harus mendengar ini, juga setiap tenggat yang terlewat:",
        "Your role must hear of these, and of every deadline that is missed:",
    ),
    "mine.what": ("Apa", "What"),
    "mine.where": ("Di mana, risiko apa", "Where, at which risk"),
    "mine.when": ("Kapan", "When"),
    "mine.what_title": ("Apa yang ingin Anda dengar", "What you want to hear of"),
    "mine.where_title": ("Dari wilayah dan risiko mana", "From which areas and risks"),
    "mine.where_hint": (
        "Berlaku bagi yang Anda pilih sendiri. Kosong berarti semua.",
        "This is for what you chose yourself. Nothing chosen is everything.",
    ),
    "mine.when_title": ("Kapan Anda ingin mendengarnya", "When you want to hear of it"),
    "mine.when_hint": (
        "Berlaku bagi yang Anda pilih sendiri. Yang mendesak dan yang wajib tidak menunggu.",
        "This is for what you chose yourself. What is urgent or compulsory does not wait.",
    ),
    "mine.nothing": ("Bagi peran Anda tidak ada yang dapat ditambah atau dimatikan.", "For your role there is nothing to add or to turn off."),
    "field.kinds": ("Beri tahu juga", "Tell me too"),
    "field.muted": ("Jangan beri tahu lagi", "Tell me no more"),
    "field.areas": ("Wilayah", "Areas"),
    "field.district": ("Tambah satu kecamatan", "Add a kecamatan"),
    "field.risks": ("Risiko", "Risk"),
    "field.own_cases": ("Hanya kasus yang ditugaskan kepada saya", "Only cases that are assigned to me"),
    "field.pace": ("Irama", "Pace"),
    "pace.at_once": ("Langsung", "At once"),
    "pace.digest": ("Sekali sehari", "Once a day"),
    "field.digest_at": ("Jam ringkasan harian", "When the daily digest comes"),
    "field.quiet": ("Jam tenang", "Quiet hours"),
    "field.quiet_from": ("Jam tenang mulai", "Quiet from"),
    "field.quiet_until": ("Jam tenang selesai", "Quiet until"),
    "mine.quiet_hint": ("Kosongkan keduanya bila tidak perlu. Boleh melewati tengah malam.", "Leave both empty for none. They may go over midnight."),
    "mine.quiet": ("{begin} sampai {end}", "{begin} to {end}"),
    "mine.prevention": ("Kabar kegiatan pencegahan", "News of prevention activities"),
    "mine.versions": ("Pilihan sebelumnya", "What you chose before"),
    "mine.version": ("Versi {number}", "Version {number}"),
    "mine.reached": ("Di mana Anda dihubungi", "Where you are reached"),
    "mine.reached_hint": (
        "Hanya berisi bahwa ada yang menunggu dan tautannya; isinya tidak pernah dikirim.",
        "Only that something waits, and the link to it; never what it is about.",
    ),
    "mine.email": ("E-mail", "E-mail"),
    "mine.phone": ("Telepon", "Phone"),
    "mine.email_title": ("E-mail untuk pemberitahuan mendesak", "E-mail for urgent notices"),
    "mine.phone_title": ("Telepon untuk pemberitahuan mendesak", "Phone for urgent notices"),
    "mine.unreadable": ("tidak terbaca; isi lagi", "cannot be read; enter it again"),
    "mine.sealed_hint": ("Disimpan tersegel. Tidak ada petugas lain yang dapat membacanya.", "It is stored sealed. No other officer can read it."),
    "field.address": ("Alamat", "Address"),
    "field.number": ("Nomor", "Number"),
    "field.channel": ("Lewat", "By"),
    "field.language": ("Bahasa pesan", "Language of the messages"),
    "said.chosen": ("Pilihan Anda berlaku mulai sekarang.", "What you chose counts from now on."),
    "said.reached": ("Alamat Anda disimpan.", "Your address is stored."),
    "said.unreached": ("Alamat Anda dihapus. Yang menunggu tetap ada di kotak masuk.", "Your address is removed. What waits is still in the inbox."),
    "code.not_choosable": ("{field}: peran Anda tidak dapat memilih ini", "{field}: your role may not choose this"),
    "code.compulsory": ("{field}: ini wajib bagi peran Anda", "{field}: this is compulsory for your role"),
    "code.same_as_quiet_from": ("{field}: harus berbeda dari jam mulai", "{field}: this must differ from when it begins"),
    "code.not_available": (
        "{field}: cara ini belum disiapkan di sini. Pilih yang lain.",
        "{field}: nothing can be sent that way here. Choose another.",
    ),
    "code.number.invalid": ("{field}: tulis nomor seperti +62811…", "{field}: give a number as +62811…"),
    "code.address.invalid": (
        "{field}: tulis alamat e-mail, atau nomor seperti +62811…",
        "{field}: give an e-mail address, or a number as +62811…",
    ),
}
