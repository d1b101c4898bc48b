"""How is a later message read? As leniently as a referral: what cannot be read is named and left out, and only without what makes it a message is it refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from contracts.messages import Addition, LaterMessage
from contracts.vocabulary import ProblemCode
from pydantic import ValidationError

from intake.reading import MOST_PROBLEMS, UNREADABLE, Problem, read_json

M = TypeVar("M", bound=LaterMessage)
OF_WHICH_CASE: Problem = ("to", ProblemCode.MISSING)
NOTHING: Problem = ("narrative", ProblemCode.MISSING)
SAID = ("urgency", "callback", "persons", "narrative")


@dataclass(frozen=True, slots=True)
class Later(Generic[M]):
    """What could be read of a later message, or None when it is refused; what is wrong; and one text per content that was understood."""

    message: M | None
    reference: str | None = None
    problems: tuple[Problem, ...] = ()
    content: str = field(default="", repr=False)


def read_later(body: bytes | Mapping[str, Any], kind: type[M]) -> Later[M]:
    """Read a later message of this kind. It needs its reference and a case, a withdrawal its reason, a document what it is, an addition anything at all."""
    payload = read_json(body)
    if payload is None:
        return Later(None, None, (UNREADABLE,))
    problems: dict[str, ProblemCode] = {}
    message = _read(payload, kind, problems)
    if message is not None and message.to is None and message.follow_id is None:
        problems.setdefault(*OF_WHICH_CASE)
        message = None
    if isinstance(message, Addition) and not any(getattr(message, name) for name in SAID):
        problems.setdefault(*NOTHING)
        message = None
    listed = tuple(problems.items())[:MOST_PROBLEMS]
    if message is None:
        return Later(None, _reference(payload), listed)
    return Later(message, message.reference, listed, f"{kind.type}|{message.model_dump_json()}")


def _read(payload: dict[str, Any], kind: type[M], problems: dict[str, ProblemCode]) -> M | None:
    """Validate; leave out what is wrong and not needed, and validate again."""
    for _ in range(2):
        try:
            return kind.model_validate(payload)
        except ValidationError as error:
            wrong = [(entry["loc"], str(entry["type"])) for entry in error.errors(include_url=False, include_context=False, include_input=False)]
        for place, how in wrong:
            code = {"missing": ProblemCode.MISSING, "enum": ProblemCode.UNKNOWN_CODE}.get(how, ProblemCode.INVALID)
            problems.setdefault(".".join(str(part) for part in place), code)
            payload.pop(str(place[0]), None)
        if any(kind.model_fields[str(place[0])].is_required() for place, _ in wrong):
            return None
    return None


def _reference(payload: Mapping[str, Any]) -> str | None:
    """The reference in a message that is refused, if it can be read."""
    try:
        return LaterMessage.model_validate({"reference": payload.get("reference")}).reference
    except ValidationError:
        return None
