"""Who asks: OIDC access tokens, verified against the issuer's keys."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from time import monotonic, time
from typing import Any
from uuid import UUID

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

log = structlog.get_logger()

# RFC 8725 section 3.1: only algorithms that are expected, and never one that a token names by itself.
ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]
LIFETIME = 300.0
COOL_DOWN = 10.0
TRY_AGAIN = 1.0  # seconds until an issuer that did not answer is asked again while nothing is known of it
PATIENCE = 5.0
NOT_NOW = "the issuer of identities cannot be reached; try again"
LONGEST_TOKEN = 8192
LEEWAY = 30
# Verified tokens that are remembered, by a hash of each: verifying a signature costs more than the rest of a small request.
MOST_REMEMBERED = 5000


@dataclass(frozen=True, slots=True)
class Principal:
    """A person or system that asks: its id, its roles, the agency and the units (ids) it acts for."""

    subject: UUID
    roles: frozenset[str]
    agency: str
    units: frozenset[str] = frozenset()

    def has(self, *roles: str) -> bool:
        """Whether it holds any of these roles."""
        return not self.roles.isdisjoint(roles)


class NotIdentifiedError(Exception):
    """There is no token, or none that is to be believed."""


class AccessEndedError(NotIdentifiedError):
    """The token is good, and the operator ended the access of its agency."""


class IssuerAwayError(Exception):
    """The issuer cannot be reached and none of its keys are known: nobody can be identified now, whatever the token."""


class Identity:
    """Verifies bearer tokens of one issuer; its keys are fetched when needed and kept for some minutes. `ended` says whose agency is let in no more."""

    def __init__(self, issuer: str, jwks_url: str, audience: str, ended: Callable[[str], bool] = lambda _agency: False) -> None:
        self.jwks_url, self.ended = jwks_url, ended
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
            leeway=LEEWAY,
        )
        self._keys: KeySet | None = None
        self._verified: dict[bytes, tuple[Principal, float]] = {}
        self._fetched = self._asked = -COOL_DOWN
        self._lock = asyncio.Lock()

    async def principal(self, authorization: str | None) -> Principal:
        """The principal of an `Authorization` header.

        Raises NotIdentifiedError, AccessEndedError for one of an agency that is let in no more, and IssuerAwayError.
        """
        principal = await self._verify(authorization)
        if self.ended(principal.agency):
            message = "the access of your agency has ended: ask the operator of the platform"
            raise AccessEndedError(message)
        return principal

    async def _verify(self, authorization: str | None) -> Principal:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
            message = "send `Authorization: Bearer <access token>`"
            raise NotIdentifiedError(message)
        mark = blake2b(token.encode(), digest_size=32).digest()
        keys = await self._current(refresh=False)  # first: what was verified with keys that are gone is forgotten with them
        if (known := self._verified.get(mark)) is not None and time() < known[1]:
            return known[0]
        try:
            claims = self._decode(token, keys)
        except JoseError:
            # The issuer may have rotated its keys; asking again is limited, or anybody could make us ask.
            try:
                claims = self._decode(token, await self._current(refresh=True))
            except JoseError as error:
                message = f"the token is not valid: {error.error}"
                raise NotIdentifiedError(message) from None
        principal = _principal(claims)
        if len(self._verified) >= MOST_REMEMBERED:
            self._verified.clear()
        self._verified[mark] = (principal, float(claims["exp"]) + LEEWAY)
        return principal

    async def keys(self) -> KeySet:
        """The issuer's keys as they are known now. Raises IssuerAwayError when none ever were."""
        return await self._current(refresh=False)

    def _decode(self, token: str, keys: KeySet) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
        except (ValueError, TypeError, KeyError):
            message = "the token cannot be read"
            raise NotIdentifiedError(message) from None
        self._claims.validate(decoded.claims)
        return decoded.claims

    async def _current(self, *, refresh: bool) -> KeySet:
        """The keys, fetched where that is due; while the issuer is away those that were known, and it is asked by one request in some seconds."""
        async with self._lock:
            age, last = monotonic() - self._fetched, monotonic() - self._asked
            due = self._keys is None or age > LIFETIME or (refresh and age > COOL_DOWN)
            if due and last > (COOL_DOWN if self._keys else TRY_AGAIN):
                await self._fetch()
            if self._keys is None:
                raise IssuerAwayError(NOT_NOW)
            return self._keys

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=PATIENCE) as client, asyncio.timeout(PATIENCE):
                answer = (await client.get(self.jwks_url)).raise_for_status()
            self._keys, self._fetched = KeySet.import_key_set(answer.json()), monotonic()
            self._verified.clear()
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            log.warning("issuer_unreachable", error=type(error).__name__)
        finally:
            self._asked = monotonic()


def _principal(claims: dict[str, Any]) -> Principal:
    try:
        subject = UUID(str(claims["sub"]))
    except ValueError:
        message = "the token's sub is not a UUID"
        raise NotIdentifiedError(message) from None
    roles = claims.get("roles")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        message = "the token's roles must be a list"
        raise NotIdentifiedError(message)
    units = claims.get("units", [])
    return Principal(subject, frozenset(roles), str(claims.get("agency", "")), frozenset(units if isinstance(units, list) else []))
