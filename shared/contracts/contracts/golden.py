"""The golden schema and sample of every event, and every version of them that was ever made: a change that breaks one is refused.

`python -m contracts.golden` writes them anew, and `--check` only looks; both end with 1 and say why where a change would break somebody.
"""

import hashlib
import json
import sys
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contracts import consents, handover, messages, public, register, vocabulary
from contracts.agencies import Reference
from contracts.catalogue import LIFECYCLE
from contracts.compatibility import PROSE, Change, Document, Side, changes, side_of
from contracts.event import Event

FOLDER = Path(__file__).parent / "golden"
# Lists of what agencies read that may get more codes at any time: their schemas name the known ones and refuse none. All other lists that
# agencies read are closed, for a reader has to decide by them (how high a risk is).
OPEN_LISTS = frozenset({"ProblemCode", "EndReason", "Outcome", "Purpose", "ServiceCode"})
ANY_CODE = r"^[a-z][a-z0-9_]{0,79}$"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _pattern(code: Any) -> str:
    return str(next(item.pattern for item in FieldInfo.from_annotation(code).metadata if getattr(item, "pattern", None)))


CODES = {
    _pattern(vocabulary.AreaCode): "31.75.01",
    _pattern(vocabulary.CityCode): "31.75",
    _pattern(vocabulary.PostCode): "pos-31.75.01",
    _pattern(vocabulary.AgencyCode): "dppapp",
    _pattern(vocabulary.RuleCode): "waiting",
    _pattern(vocabulary.FieldPath): "persons.0.age",
    _pattern(Reference): "CONTOH-1",
    _pattern(vocabulary.Sha256): "0" * 64,
    _pattern(consents.TextVersion): "v1",
    _pattern(consents.LanguageCode): "ind",
    _pattern(register.AreaBeginning): "31.75",
    _pattern(public.Month): "2026-10",
    _pattern(handover.KeyId): "0123456789abcdef",
    _pattern(handover.PublicKey): "A" * 43,
    _pattern(handover.Jwe): "e30.e30.AAAA.e30.AAAA",
    _pattern(messages.MediaType): "application/pdf",
}
PLAIN: dict[Any, Any] = {UUID: UUID(int=0x0198_0000_0000_8000_8000_0000_0000_0001), datetime: MOMENT, date: MOMENT.date(), bool: True, str: "Contoh"}


def schema(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's data, and in `x-` members where it travels, who says it and who reads it."""
    made = event.model_json_schema()
    where = {"x-stream": event.stream, "x-producer": event.producer, "x-read-by": list(event.read_by), "x-subjects": list(subjects(event))}
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:naungan:{event.type}", **made, **where}
    if side_of(document) is Side.SUBSCRIBERS and "$defs" in made:
        document["$defs"] = {name: _opened(one) if name in OPEN_LISTS else one for name, one in made["$defs"].items()}
    return document


def subjects(event: type[Event]) -> tuple[str, ...]:
    """The NATS subjects an event travels on, `*` for the agency; the second one, where there is one, for the urgent."""
    root, rest = event.type.split(".", 1)
    subject = f"{root}.*.{rest}" if root in {"referral", "receipt", "agency"} else event.type
    return (subject, f"{subject}.urgent") if event.urgent is not Event.urgent else (subject,)


def _opened(closed: Mapping[str, Any]) -> dict[str, Any]:
    """A list that may grow: the codes that are known, none of which a reader may take for all there are."""
    told = f"{closed.get('description', '')} More codes may come: never refuse one that you do not know, and let a person look at it.".strip()
    kept = {name: value for name, value in closed.items() if name not in {"enum", "description"}}
    return {**kept, "description": told, "pattern": ANY_CODE, "x-codes": closed["enum"]}


def sample(event: type[Event]) -> Event:
    """One instance with every field filled, the same at every call."""
    return event.model_validate(_values(event))


def _values(model: type[BaseModel]) -> dict[str, Any]:
    return {name: _value(info.annotation, info.metadata) for name, info in model.model_fields.items()}


def _value(kind: Any, metadata: list[Any]) -> Any:
    if get_origin(kind) is Annotated:
        info = FieldInfo.from_annotation(kind)
        return _value(info.annotation, info.metadata)
    arguments = [argument for argument in get_args(kind) if argument not in {type(None), Ellipsis}]
    if get_origin(kind) is tuple:
        return [_value(arguments[0], [])]
    if isinstance(kind, types.UnionType) or arguments:
        return _value(arguments[0], metadata)
    if issubclass(kind, Enum):
        return next(iter(kind))
    if issubclass(kind, BaseModel):
        return _values(kind)
    pattern = next((item.pattern for item in metadata if getattr(item, "pattern", None)), None)
    least = next((item.ge for item in metadata if hasattr(item, "ge")), 1)
    return CODES[pattern] if pattern else PLAIN.get(kind, least)


def files(events: Iterable[type[Event]] = LIFECYCLE) -> dict[str, str]:
    """What the golden folder must hold beside the versions: file name to content."""
    found: dict[str, str] = {}
    for event in events:
        found[f"{event.type}.schema.json"] = json.dumps(schema(event), indent=1, sort_keys=True) + "\n"
        found[f"{event.type}.sample.json"] = json.dumps(json.loads(sample(event).model_dump_json()), indent=1) + "\n"
    return found


@dataclass(frozen=True, slots=True)
class Version:
    """One form that an event had, without prose: its document, a sample, and the name that follows from the document."""

    event: str
    document: Document
    sample: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The file it is kept in; another document would have another name, so none can be changed unnoticed."""
        told = json.dumps(self.document, sort_keys=True)
        return f"{self.event}.{hashlib.sha256(told.encode()).hexdigest()[:12]}.json"


def version(event: type[Event]) -> Version:
    """The form that an event has now."""
    return Version(event.type, _bare(schema(event)), json.loads(sample(event).model_dump_json()))


def _bare(node: Any, *, names: bool = False) -> Any:
    """A schema without what is only said to people; `names` where the keys are names and no keywords."""
    if isinstance(node, dict):
        kept = {key: value for key, value in node.items() if names or key in {"$defs", "$id"} or key not in PROSE}
        return {key: _bare(value, names=not names and key in {"properties", "$defs"}) for key, value in kept.items()}
    return [_bare(entry) for entry in node] if isinstance(node, list) else node


def versions(folder: Path) -> tuple[list[Version], list[str]]:
    """Every version that was made, and what is wrong with their files."""
    found: list[Version] = []
    wrong: list[str] = []
    for path in sorted((folder / "versions").glob("*.json")):
        made = json.loads(path.read_text())
        one = Version(made["event"], made["document"], made["sample"])
        if one.name == path.name:
            found.append(one)
        else:
            wrong.append(f"versions/{path.name} was changed by hand: take it back, a version that was made stays as it was")
    return found, wrong


def since(kept: Iterable[Version], events: Iterable[type[Event]]) -> list[Change]:
    """How the contracts differ from every version that was made, each difference once."""
    now = {event.type: schema(event) for event in events}
    found = [change for one in kept for change in changes(one.event, one.document, now.get(one.event))]
    return list(dict.fromkeys(found))


def problems(folder: Path = FOLDER, events: Iterable[type[Event]] = LIFECYCLE) -> list[str]:
    """Why the contracts cannot stay as they are: what breaks somebody, and what was changed by hand or not written yet."""
    kept, wrong = versions(folder)
    wrong += [str(change) for change in since(kept, events) if change.breaks]
    names = {one.name for one in kept}
    return wrong + [
        f"{event.type}: the contract changed, and its golden files did not: run `make golden`" for event in events if version(event).name not in names
    ]


def write(folder: Path = FOLDER, events: Iterable[type[Event]] = LIFECYCLE) -> list[str]:
    """Write the golden folder anew and keep the versions that are new; what readers must know of those.

    Raises ValueError with every reason, and writes nothing, where the change breaks somebody.
    """
    kept, wrong = versions(folder)
    found = since(kept, events)
    if wrong := [*wrong, *(str(change) for change in found if change.breaks)]:
        raise ValueError("\n".join(wrong))
    names = {one.name for one in kept}
    anew = {event.type for event in events if version(event).name not in names}
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, content in files(events).items():
        (folder / name).write_text(content)
    for made in map(version, events):
        if not (path := folder / "versions" / made.name).exists():
            path.write_text(json.dumps({"event": made.event, "document": made.document, "sample": made.sample}, indent=1, sort_keys=True) + "\n")
    return [
        f"{change}: replace those who read it before those who say it" for change in found if change.side is Side.SERVICES and change.event in anew
    ]


def main() -> int:
    """`make golden`, or with `--check` the gate alone."""
    try:
        told, code = (problems(), 1) if sys.argv[1:] == ["--check"] else (write(), 0)
    except ValueError as refused:
        told, code = str(refused).splitlines(), 1
    sys.stdout.writelines(f"{line}\n" for line in told)
    return code if told else 0


if __name__ == "__main__":
    sys.exit(main())
