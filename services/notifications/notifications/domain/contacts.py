"""Who hears of prevention without an account: how an address is written, and when something may be sent to it."""

import re
from datetime import datetime, time, timedelta, tzinfo

EMAIL = re.compile(r"[a-z0-9._%+-]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}")
NUMBER = re.compile(r"\+[1-9]\d{7,14}")
SEPARATORS = str.maketrans("", "", " -.()")


def as_written(channel: str, address: str) -> str | None:
    """An address in the one way it is written, so that it is known again: e-mail in small letters, a number as +62...; None for what is none."""
    if channel == "email":
        small = address.strip().lower()
        return small if EMAIL.fullmatch(small) else None
    digits = address.strip().translate(SEPARATORS)
    if digits.startswith("0"):
        digits = f"+62{digits[1:]}"
    return digits if NUMBER.fullmatch(digits) else None


def may_go_from(now: datetime, opens: time, closes: time, zone: tzinfo) -> datetime:
    """When what is ready now may go: at once by day, else when the next day begins; nobody is woken by an announcement."""
    local = now.astimezone(zone)
    if opens <= local.time() < closes:
        return now
    day = local.date() if local.time() < opens else local.date() + timedelta(days=1)
    return datetime.combine(day, opens, zone).astimezone(now.tzinfo)
