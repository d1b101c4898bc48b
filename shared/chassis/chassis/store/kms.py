"""A key-management service as a ring: it wraps and opens keys over HTTP, and its own key never leaves it.

It speaks the encrypt and decrypt calls of the transit engine of HashiCorp Vault and OpenBao, in batches, and needs no more than this of
another service: `POST /v1/MOUNT/encrypt/KEY` and `.../decrypt/KEY` with `batch_input`, answered with `batch_results`, and
`GET /v1/MOUNT/keys/KEY` for `latest_version`. The service has versions of one key, and wraps by the newest.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import httpx

from chassis.store.keyring import UnknownKeyError

CHUNK = 500  # keys in one call
SECONDS = 10.0
T = TypeVar("T")
CIPHERTEXT = re.compile(r"^vault:v(\d{1,9}):")
# What the service answers while it is sealed, standing by or too busy; everything else that is no success was refused.
AWAY = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, 504, 472, 473}
)


class KmsError(OSError):
    """The key-management service does not answer, or refuses its caller: wait, it is nobody's message that is wrong."""


@dataclass(frozen=True, slots=True)
class KmsPlace:
    """Where the service is, by which key it wraps, and what it is asked with: a token, or a file with one that is read anew for each call."""

    url: str
    key: str
    token: str = ""
    token_file: Path | None = None
    mount: str = "transit"
    ca_file: Path | None = None


class Kms:
    """A ring behind HTTP. Raises KmsError where the service does not answer or lets nobody in."""

    def __init__(self, place: KmsPlace) -> None:
        self.place = place
        self._client: httpx.AsyncClient | None = None

    async def current(self) -> str:
        """As `KeyRing.current`: the newest version of the service's key."""
        answer = await self._ask("GET", "keys")
        return self._name(int(_part(answer, "latest_version")))

    async def wrap(self, keys: Sequence[bytes]) -> tuple[str, list[bytes]]:
        """As `KeyRing.wrap`."""
        if not keys:
            return await self.current(), []
        wrapped: list[bytes] = []
        for chunk in _chunks(keys):
            answer = await self._ask("POST", "encrypt", {"batch_input": [{"plaintext": base64.b64encode(key).decode()} for key in chunk]})
            wrapped += [str(result["ciphertext"]).encode() for result in _results(answer, len(chunk), "ciphertext")]
        names = {self._name_of(key) for key in wrapped}
        if len(names) > 1:  # its key was rotated in between
            return await self.wrap(keys)
        return names.pop(), wrapped

    async def unwrap(self, wrapped: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """As `KeyRing.unwrap`."""
        opened: list[bytes] = []
        for chunk in _chunks(wrapped):
            for name, key in chunk:
                if not self.knows(name) or not CIPHERTEXT.match(key.decode(errors="replace")):
                    raise UnknownKeyError(name)
            answer = await self._ask("POST", "decrypt", {"batch_input": [{"ciphertext": key.decode()} for _, key in chunk]})
            results = _results(answer, len(chunk))
            for (name, _), result in zip(chunk, results, strict=True):
                if "plaintext" not in result:
                    raise UnknownKeyError(name)
                opened.append(base64.b64decode(result["plaintext"]))
        return opened

    def origin(self, _purpose: str) -> bytes | None:
        """As `KeyRing.origin`: nothing was ever derived from a key that nobody has."""
        return None

    def knows(self, name: str) -> bool:
        """As `KeyRing.knows`."""
        return name.startswith(f"kms:{self.place.key}:v")

    async def close(self) -> None:
        """As `KeyRing.close`."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _name(self, version: int) -> str:
        return f"kms:{self.place.key}:v{version}"

    def _name_of(self, wrapped: bytes) -> str:
        found = CIPHERTEXT.match(wrapped.decode())
        if found is None:
            message = "the key-management service answers in a form that is not known"
            raise KmsError(message)
        return self._name(int(found[1]))

    async def _ask(self, method: str, what: str, body: Any = None) -> Any:
        place = self.place
        if self._client is None:
            self._client = httpx.AsyncClient(base_url=place.url, timeout=SECONDS, verify=str(place.ca_file) if place.ca_file else True)
        headers = {"X-Vault-Token": place.token_file.read_text().strip() if place.token_file else place.token}
        try:
            answer = await self._client.request(method, f"/v1/{place.mount}/{what}/{place.key}", json=body, headers=headers)
        except httpx.HTTPError as error:
            message = f"the key-management service does not answer ({type(error).__name__})"
            raise KmsError(message) from None
        try:
            said = answer.json()
        except ValueError:
            said = {}
        # A batch of which some do not open is a bad request with results all the same.
        if answer.is_success or (answer.status_code == HTTPStatus.BAD_REQUEST and "batch_results" in _data(said)):
            return said
        raise KmsError(_why(answer.status_code, place))


def _chunks(things: Sequence[T]) -> Iterator[Sequence[T]]:
    return (things[start : start + CHUNK] for start in range(0, len(things), CHUNK))


def _why(status: int, place: KmsPlace) -> str:
    if status in AWAY:
        return f"the key-management service cannot work now (HTTP {status}): unseal it, or wait"
    return {
        HTTPStatus.FORBIDDEN: f"the key-management service refuses the token: it must be allowed to use {place.mount}/encrypt, decrypt and keys/{place.key}",
        HTTPStatus.NOT_FOUND: f"the key-management service has no key {place.key} at {place.mount}",
    }.get(HTTPStatus(status), f"the key-management service refuses the call (HTTP {status})")


def _data(said: Any) -> Any:
    data = said.get("data") if isinstance(said, dict) else None
    return data if isinstance(data, dict) else {}


def _part(said: Any, name: str) -> Any:
    data = _data(said)
    if name not in data:
        message = f"the key-management service answers without {name}"
        raise KmsError(message)
    return data[name]


def _results(said: Any, count: int, *must: str) -> list[dict[str, Any]]:
    results = _part(said, "batch_results")
    if not isinstance(results, list) or len(results) != count or any(name not in result for result in results for name in must):
        message = "the key-management service answers fewer keys than it was asked"
        raise KmsError(message)
    try:
        for result in results:
            base64.b64decode(result.get("plaintext", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        message = "the key-management service answers in a form that is not known"
        raise KmsError(message) from None
    return results
