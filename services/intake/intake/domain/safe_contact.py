"""What a survivor's own rules must be to be kept: numbers and addresses that a message can be sent to, one per channel, and a code word that tells nothing.

Source: DOMAIN section 8, safe contact.
"""

import re
from collections.abc import Sequence

CALLED = ("sms", "whatsapp", "call")
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}")
NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
SEPARATORS = re.compile(r"[ ().-]")
LONGEST_CODE_WORD = 20
CODE_WORD = re.compile(r"[^\W_]+(?: [^\W_]+)*")
# What a code word would tell to whoever reads it first.
TELLING = ("naungan", "rumah aman", "dinsos", "dppapp", "polisi", "kasus", "korban", "kekerasan", "shelter", "police", "violence")


def address(channel: str, given: str) -> str | None:
    """An address as it is kept: a number in E.164 (08… is Indonesia's +628…), an e-mail address as it is; None when it is neither."""
    if channel not in CALLED:
        return given.strip() if EMAIL.fullmatch(given.strip()) else None
    number = SEPARATORS.sub("", given)
    number = f"+62{number[1:]}" if number.startswith("0") else f"+{number}" if number.startswith("62") else number
    return number if NUMBER.fullmatch(number) else None


def wrong(channels: Sequence[tuple[str, str]], code_word: str | None) -> list[str]:
    """The paths of the fields that cannot be kept, of channels as (channel, address) and a code word."""
    names = [channel for channel, _ in channels]
    found = [f"channels.{n}.channel" for n, name in enumerate(names) if name in names[:n]]
    found += [f"channels.{n}.address" for n, (channel, given) in enumerate(channels) if address(channel, given) is None]
    if code_word is not None and not _fit(code_word):
        found.append("code_word")
    return found


def _fit(word: str) -> bool:
    return len(word) <= LONGEST_CODE_WORD and bool(CODE_WORD.fullmatch(word)) and not any(telling in word.lower() for telling in TELLING)
