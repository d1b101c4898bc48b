"""The golden schema and sample of every event; a change of a contract shows as a change of these files."""

import json
import types
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from contracts import consents, handover, register, vocabulary
from contracts.agencies import Reference
from contracts.catalogue import LIFECYCLE
from contracts.event import Event

FOLDER = Path(__file__).parent / "golden"
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
    _pattern(handover.KeyId): "0123456789abcdef",
    _pattern(handover.PublicKey): "A" * 43,
    _pattern(handover.Jwe): "e30.e30.AAAA.e30.AAAA",
}
PLAIN: dict[Any, Any] = {UUID: UUID(int=0x0198_0000_0000_8000_8000_0000_0000_0001), datetime: MOMENT, date: MOMENT.date(), bool: True, str: "Contoh"}


def schema(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's data."""
    made = event.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:naungan:{event.type}", **made}


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


def files() -> dict[str, str]:
    """What the golden folder must hold: file name to content."""
    found: dict[str, str] = {}
    for event in LIFECYCLE:
        found[f"{event.type}.schema.json"] = json.dumps(schema(event), indent=1, sort_keys=True) + "\n"
        found[f"{event.type}.sample.json"] = json.dumps(json.loads(sample(event).model_dump_json()), indent=1) + "\n"
    return found


def write() -> None:
    """Write the golden folder anew."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, content in files().items():
        (FOLDER / name).write_text(content)


if __name__ == "__main__":
    write()
