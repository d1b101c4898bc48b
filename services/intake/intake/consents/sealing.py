"""Seals what was disclosed to the recipient's own public key (JWE, RFC 7516), so that nobody between intake and its system can read it.

Keys are the operator's data: a file with one JWK set (RFC 7517) per agency, public keys only, read anew each time, so that a key is replaced
without a restart.
"""

import json
from pathlib import Path

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

SHORTEST_RSA = 2048
FOR_RSA, FOR_CURVES, CONTENT = "RSA-OAEP-256", "ECDH-ES+A256KW", "A256GCM"


class KeyUnusableError(Exception):
    """There is no public key of this agency to which something could be sealed."""


def sealed(content: bytes, file: Path | None, agency: str) -> str:
    """The content as a compact JWE to an agency's first key for encryption. Raises KeyUnusableError when it has none that may be used."""
    key = _key(file, agency)
    wrap = FOR_RSA if isinstance(key, RSAKey) else FOR_CURVES
    header = {"alg": wrap, "enc": CONTENT, "cty": "application/json", "kid": str(key.kid)}
    try:
        return jwe.encrypt_compact(header, content, key, algorithms=[wrap, CONTENT])
    except (JoseError, ValueError, TypeError) as error:
        raise KeyUnusableError(type(error).__name__) from None


def _key(file: Path | None, agency: str) -> RSAKey | ECKey | OKPKey:
    try:
        known = json.loads(file.read_text()) if file else {}
        keys = KeySet.import_key_set(known[agency]).keys
    except (OSError, ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
        raise KeyUnusableError(type(error).__name__) from None
    for key in keys:
        if not key.is_private and key.get("use", "enc") == "enc" and isinstance(key, (RSAKey, ECKey, OKPKey)) and _long_enough(key):
            return key
    message = "no key for encryption"
    raise KeyUnusableError(message)


def _long_enough(key: RSAKey | ECKey | OKPKey) -> bool:
    return not isinstance(key, RSAKey) or key.public_key.key_size >= SHORTEST_RSA
