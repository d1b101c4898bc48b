"""How a fact is wrapped for the wire: CloudEvents 1.0 in binary mode, with ids that follow from the cause."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID


class Fact(Protocol):
    """What the chassis needs to know of an event; contracts' events are such facts."""

    type: ClassVar[str]
    stream: ClassVar[str]
    earlier: ClassVar[tuple[Any, ...]]  # the majors before this one, which a reader of this one is given in its form

    @classmethod
    def lift(cls, older: Any) -> Any:
        """A fact of an earlier major in the form of this one."""

    @property
    def route(self) -> str:
        """The subject it is published on."""

    def model_dump_json(self) -> str:
        """The body."""

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Any:
        """The fact in a body."""


D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something happens: the stored time and the identity of the message, clock or request behind it.

    `name` identifies the cause for good; `at` is its stored time, never the time of processing. So the same cause, seen again after a
    crash or a restore, names the same events.
    """

    name: str
    at: datetime
    correlation: str
    trace: str | None = None

    def derive(self, epoch: int, subject: UUID, key: str) -> UUID:
        """A UUIDv8 (RFC 9562) of 48 bits of the cause's time in ms and a hash of (store epoch, cause, subject, key)."""
        digest = hashlib.blake2b(f"{epoch}|{self.name}|{subject}|{key}".encode(), digest_size=10).digest()
        millis = int(self.at.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
        bits = (millis << 80) | int.from_bytes(digest, "big")
        bits = bits & ~(0xF << 76) | (0x8 << 76)
        bits = bits & ~(0x3 << 62) | (0x2 << 62)
        return UUID(int=bits)


@dataclass(frozen=True, slots=True)
class Received(Generic[D]):
    """A fact as a handler gets it: its data and, from the envelope, where it comes from."""

    id: UUID
    type: str
    source: str
    subject: UUID
    time: datetime
    factversion: int
    data: D
    route: str
    body: bytes = field(repr=False)
    correlation: str = ""
    trace: str | None = None
    causation: str = ""

    @property
    def cause(self) -> Cause:
        """This fact as the cause of what a handler decides."""
        return Cause(str(self.id), self.time, self.correlation or str(self.id), self.trace)


@dataclass(frozen=True, slots=True)
class Emitted:
    """A fact on its way out: one outbox row."""

    id: UUID
    type: str
    source: str
    stream: str
    route: str
    subject: UUID
    time: datetime
    factversion: int
    correlation: str
    causation: str
    trace: str | None
    body: bytes = field(repr=False)

    def headers(self, message_id: str | None = None) -> dict[str, str]:
        """The message's headers; `message_id` replaces the id by which the server deduplicates."""
        headers = {
            "Nats-Msg-Id": message_id or str(self.id),
            "ce-specversion": "1.0",
            "ce-id": str(self.id),
            "ce-type": self.type,
            "ce-source": self.source,
            "ce-subject": str(self.subject),
            "ce-time": self.time.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "ce-dataschema": f"urn:naungan:{self.type}",
            "ce-factversion": str(self.factversion),
            "ce-correlationid": self.correlation,
            "ce-causationid": self.causation,
            "content-type": "application/json",
        }
        if self.trace:
            headers["traceparent"] = self.trace
        return headers


class MalformedError(Exception):
    """A message that cannot be read: the field and the rule it broke, never the value."""

    def __init__(self, field_name: str, rule: str) -> None:
        super().__init__(f"{field_name}: {rule}")
        self.field = field_name
        self.rule = rule


def read(headers: Mapping[str, str] | None, route: str, body: bytes, types: Mapping[str, type[Fact]]) -> Received[Any]:
    """The fact in a message, decoded by its `ce-type`; one of an earlier major is lifted to the one that `types` has for it.

    An earlier major with a `factid` stays what it is, so that no handler of the later one gets it: its producer says the same fact in the
    later one too, which holds more, and counting that alone gives the same result in any order.

    Raises MalformedError when the envelope or the body is not what the contract says; for a type that is not in `types` too, because
    a newer release may know it: the message is kept for it.
    """
    found = headers or {}
    if "ce-type" not in found:  # a header's name has no case, but our own relay writes it so
        found = {name.lower(): value for name, value in found.items()}
    kind = found.get("ce-type", "")
    contract = types.get(kind)
    if contract is None:
        raise MalformedError("ce-type", "unknown_type")
    try:
        identity, subject = UUID(found["ce-id"]), UUID(found["ce-subject"])
        time, version = datetime.fromisoformat(found["ce-time"]), int(found.get("ce-factversion", "0"))
    except (KeyError, ValueError) as error:
        raise MalformedError("envelope", type(error).__name__) from None
    older = next((earlier for earlier in contract.earlier if earlier.type == kind), None)
    try:
        data = (older or contract).model_validate_json(body)
        if older is not None and getattr(data, "factid", None) is None:
            data, kind = contract.lift(data), contract.type
    except ValueError as error:
        raise MalformedError(*_first_error(error)) from None
    return Received(
        id=identity,
        type=kind,
        source=found.get("ce-source", ""),
        subject=subject,
        time=time,
        factversion=version,
        data=data,
        route=route,
        body=body,
        correlation=found.get("ce-correlationid", ""),
        trace=found.get("traceparent"),
        causation=found.get("ce-causationid", ""),
    )


def read_raw(headers: Mapping[str, str] | None, route: str, body: bytes, stored: datetime, sequence: int) -> Received[bytes]:
    """A message from outside as it came, named by where the stream stored it; its sender's ids are not trusted to be unique."""
    found = {name.lower(): value for name, value in (headers or {}).items()}
    cause = Cause(f"{route}|{stored.isoformat()}|{sequence}", stored, "")
    nowhere = UUID(int=0)
    identity = cause.derive(0, nowhere, "received")
    trace = found.get("traceparent")
    return Received(identity, found.get("ce-type", ""), "", nowhere, stored, 0, body, route, body, str(identity), trace)


def _first_error(error: ValueError) -> tuple[str, str]:
    """Field and rule of a pydantic error, without the value; plain ValueErrors name only themselves."""
    details = getattr(error, "errors", None)
    if details is None:
        return "body", type(error).__name__
    first = details(include_url=False, include_context=False, include_input=False)[0]
    return ".".join(str(part) for part in first["loc"]) or "body", str(first["type"])
