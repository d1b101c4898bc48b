"""How long a text is as an SMS: the 7-bit alphabet of 3GPP TS 23.038 (GSM 03.38) where it does, UCS-2 otherwise, in parts as TS 23.040 concatenates them."""

from dataclasses import dataclass

GSM7 = frozenset("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
EXTENDED = frozenset("\f^{}\\[~]|€")  # an escape and a second unit each
ALONE = {"gsm7": 160, "ucs2": 70}
TOGETHER = {"gsm7": 153, "ucs2": 67}  # the header of a part takes the rest


@dataclass(frozen=True, slots=True)
class Size:
    """An SMS as it travels: its encoding, its length in units of that, and in how many parts."""

    encoding: str
    units: int
    parts: int


def size_of(text: str) -> Size:
    """How a text travels as an SMS. A character is never cut in two: an escaped one of the alphabet, or a pair of UCS-2 units, begins the next part."""
    if set(text) <= GSM7 | EXTENDED:
        encoding, lengths = "gsm7", [2 if char in EXTENDED else 1 for char in text]
    else:
        encoding, lengths = "ucs2", [len(char.encode("utf-16-be")) // 2 for char in text]
    units = sum(lengths)
    if units <= ALONE[encoding]:
        return Size(encoding, units, 1)
    parts, left = 1, TOGETHER[encoding]
    for length in lengths:
        if length > left:
            parts, left = parts + 1, TOGETHER[encoding]
        left -= length
    return Size(encoding, units, parts)
