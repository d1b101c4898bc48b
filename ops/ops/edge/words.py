"""What an office is told when it sends something at the edge; Indonesian first. `{call}` is the number that the operator of the site gave."""

from enum import StrEnum


class State(StrEnum):
    """How far a message has come. Only a receipt means that intake has it."""

    QUEUED = "queued"
    HANDED_OVER = "handed_over"
    RECEIVED = "received"
    REFUSED = "refused"


TEXTS: dict[State, dict[str, str]] = {
    State.QUEUED: {
        "id": "Tersimpan di sini dan BELUM diterima. Dikirim begitu sambungan ada. Bila mendesak, telepon sekarang: {call}.",
        "en": "Queued here, NOT YET received. It is sent as soon as there is a link. If it is urgent, call now: {call}.",
    },
    State.HANDED_OVER: {
        "id": "Sudah dikirim, BELUM ada tanda terima. Bila mendesak, telepon sekarang: {call}.",
        "en": "Sent, NOT YET receipted. If it is urgent, call now: {call}.",
    },
    State.RECEIVED: {
        "id": "Tanda terima sudah ada: lihat isinya. Bila mendesak, telepon: {call}.",
        "en": "The receipt is here: see what it says. If it is urgent, call: {call}.",
    },
    State.REFUSED: {
        "id": "TIDAK disimpan: perbaiki kolom yang disebut dan kirim lagi. Bila mendesak, telepon sekarang: {call}.",
        "en": "NOT kept: correct the fields that are named and send it again. If it is urgent, call now: {call}.",
    },
}


def told(state: State, call: str) -> dict[str, str]:
    """What is said of a state, by language."""
    return {language: text.format(call=call) for language, text in TEXTS[state].items()}
