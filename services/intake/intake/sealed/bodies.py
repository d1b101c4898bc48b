"""How is a sealed message opened? Pure: given the keys, what was inside and of which type it is, or why it cannot be opened; never a value.

What is inside is then read as if it had come in the clear, by the same functions: sealed and plain are one submission.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.messages import SealedMessage
from contracts.vocabulary import ProblemCode
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter
from pydantic import ValidationError

from intake.reading import Problem

ALGORITHMS = ["ECDH-ES", "ECDH-ES+A256KW", "A256GCM"]
SUBMITTED = "referral.submitted.v1"
FIELD = "sealed"


class _Registry(jwe.JWERegistry):
    """Longer texts than the library's default, no compression (a short message could be a long one), and `iss` (RFC 7519, 5.3)."""

    max_ciphertext_length = 400_000


REGISTRY = _Registry({"iss": HeaderParameter("Issuer", "str"), "zip": HeaderParameter("Compression", "none")}, ALGORITHMS)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside, and its type."""

    type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shut:
    """Why a message cannot be opened; `held` when an operator can do something about that: another key, another release."""

    problem: Problem
    reference: str | None = None
    kid: str | None = None
    held: bool = False


def is_sealed(body: Mapping[str, Any]) -> bool:
    """Whether a body over HTTP is a sealed one."""
    return FIELD in body


def seal(data: bytes, key: Mapping[str, Any], *, type: str = SUBMITTED, agency: str | None = None) -> str:  # noqa: A002 - CloudEvents' word
    """Seal a message's data to a public key as intake publishes it, as an agency would: a compact JWE."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": key["kid"], "cty": type} | ({"iss": agency} if agency else {})
    return jwe.encrypt_compact(header, data, OKPKey.import_key(dict(key)), registry=REGISTRY)


def open_sealed(body: bytes | Mapping[str, Any], agency: str, keys: Mapping[str, OKPKey], types: Mapping[str, Any]) -> Opened | Shut:
    """Open one message of an agency with one of these keys (by `kid`); `types` are those that can be inside."""
    message = _message(body)
    if isinstance(message, Shut):
        return message
    header = _header(message.sealed)
    kid, kind = header.get("kid"), header.get("cty", SUBMITTED)
    if not isinstance(kid, str):
        return Shut((FIELD, ProblemCode.INVALID), message.reference)
    if kid not in keys:
        return Shut((FIELD, ProblemCode.UNKNOWN_KEY), message.reference, kid[:100], held=True)
    try:
        data = jwe.decrypt_compact(message.sealed, keys[kid], registry=REGISTRY).plaintext or b""
    except (JoseError, ValueError, TypeError, KeyError):
        return Shut((FIELD, ProblemCode.UNOPENABLE), message.reference)
    # Only now is the header known to be the sender's own.
    if header.get("iss", agency) != agency:
        return Shut((FIELD, ProblemCode.WRONG_AGENCY), message.reference)
    return Opened(kind, data) if kind in types else Shut((FIELD, ProblemCode.UNKNOWN_TYPE), message.reference, kid, held=True)


def _message(body: bytes | Mapping[str, Any]) -> SealedMessage | Shut:
    try:
        return SealedMessage.model_validate_json(body) if isinstance(body, bytes) else SealedMessage.model_validate(body)
    except ValidationError as error:
        missing = error.errors(include_url=False, include_context=False, include_input=False)[0]["type"] == "missing"
        return Shut((FIELD, ProblemCode.MISSING if missing else ProblemCode.INVALID), _reference(body))


def _reference(body: bytes | Mapping[str, Any]) -> str | None:
    """The reference beside what cannot be opened, if it can be read."""
    try:
        value = json.loads(body) if isinstance(body, bytes) else body
        return SealedMessage.model_validate({"sealed": "A.A.A.A.A", "reference": value.get("reference")}).reference
    except (ValueError, AttributeError, RecursionError):
        return None


def _header(sealed: str) -> dict[str, Any]:
    """The protected header of a compact JWE; empty when it cannot be read."""
    first = sealed.split(".", 1)[0]
    try:
        header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}
