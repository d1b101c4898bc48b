"""Codes that people read to each other: no sign that is taken for another one; pure."""

# Without 0 and O, 1 and I: thirty-two signs, five bits each.
SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE, PIN = 10, 8  # signs: fifty bits, so that two reports never get one code, and forty
GROUP = 5


def code_of(seed: bytes) -> str:
    """The reference code that a seed of at least ten random bytes gives, in two groups."""
    signs = _signs(seed, CODE)
    return f"{signs[:GROUP]}-{signs[GROUP:]}"


def pin_of(seed: bytes) -> str:
    """The PIN that a seed of at least eight random bytes gives."""
    return _signs(seed, PIN)


def as_read(text: str) -> str:
    """A code or PIN as somebody typed it, in the form in which it was given: small letters, spaces and hyphens do not matter."""
    signs = "".join(sign for sign in text.upper() if sign not in " -")
    return f"{signs[:GROUP]}-{signs[GROUP:]}" if len(signs) == CODE else signs


def _signs(seed: bytes, length: int) -> str:
    return "".join(SIGNS[byte % len(SIGNS)] for byte in seed[:length])
