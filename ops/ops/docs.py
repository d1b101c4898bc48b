"""The generated documents: AsyncAPI 3 of the whole, of the agencies' door and of each service, OpenAPI of each service, and the error codes."""

import importlib
import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assessment import definitions
from contracts import agencies, golden, replay
from contracts.catalogue import LIFECYCLE, read_by, said_by
from contracts.event import Event
from contracts.streams import SERVICES, STREAMS

from ops import errors

FOLDER = Path(__file__).parents[2] / "docs" / "generated"
HEADERS = {
    "type": "object",
    "required": ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-subject", "ce-time"],
    "properties": {
        "ce-specversion": {"const": "1.0"},
        "ce-id": {"type": "string", "format": "uuid", "description": "dedupe by this: a fact may come again, under the same id"},
        "ce-type": {"type": "string"},
        "ce-source": {"type": "string"},
        "ce-subject": {"type": "string", "format": "uuid", "description": "the case; for an agency its own follow id"},
        "ce-time": {"type": "string", "format": "date-time"},
        "ce-factversion": {"type": "string", "pattern": "^[0-9]+$", "description": "counts one producer's facts about one subject, without gaps"},
        "ce-correlationid": {"type": "string"},
        "ce-causationid": {"type": "string"},
        "Nats-Msg-Id": {"type": "string"},
        "content-type": {"const": "application/json"},
    },
}


def asyncapi(title: str, sends: Iterable[type[Event]], receives: Iterable[type[Event]]) -> dict[str, Any]:
    """An AsyncAPI 3.0 document of what somebody publishes (`sends`) and reads (`receives`)."""
    sends, receives = tuple(sends), tuple(receives)
    events = tuple(dict.fromkeys((*sends, *receives)))
    operations = {}
    for verb, chosen in (("send", sends), ("receive", receives)):
        for event in chosen:
            channel = f"#/channels/{event.type}"
            operations[f"{verb}.{event.type}"] = {
                "action": verb,
                "channel": {"$ref": channel},
                "messages": [{"$ref": f"{channel}/messages/event"}],
            }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1.0.0", "license": {"name": "Apache-2.0"}},
        "defaultContentType": "application/json",
        "channels": {event.type: _channel(event) for event in events},
        "operations": operations,
        "components": {
            "messages": {event.type: _message(event) for event in events},
            "schemas": _schemas(events),
            "messageTraits": {"cloudevent": {"headers": HEADERS}},
        },
    }


def with_replay(document: dict[str, Any], verb: str) -> dict[str, Any]:
    """A document with the question and the answer of a replay; whose it is says by `verb` whether it asks (`send`) or is asked (`receive`)."""
    answers = {"replay.answered": replay.ReplayAnswered, "replay.refused": replay.ReplayRefused}
    samples = {"replay.asked": replay.SAMPLE_ASKED, "replay.answered": replay.SAMPLE_ANSWERED, "replay.refused": replay.SAMPLE_REFUSED}
    address, parts = replay.subject("{agency}"), document["components"]
    parameters = {"agency": {"description": "the agency's code; it asks under its own only"}}
    for name, sample in samples.items():
        schema = type(sample).model_json_schema(ref_template="#/components/schemas/{model}")
        parts["schemas"] |= {**schema.pop("$defs", {}), name: schema}
        parts["messages"][name] = {
            "name": name,
            "title": type(sample).__name__,
            "summary": (type(sample).__doc__ or "").strip(),
            "payload": {"$ref": f"#/components/schemas/{name}"},
            "examples": [{"name": "sample", "payload": json.loads(sample.model_dump_json(exclude_none=True))}],
        }
    document["channels"]["replay"] = {
        "address": address,
        "messages": {"asked": {"$ref": "#/components/messages/replay.asked"}},
        "description": "Ask by request and reply: nothing of it is stored.",
        "parameters": parameters,
    }
    document["channels"]["replay.answers"] = {
        "address": None,
        "messages": {name.rpartition(".")[2]: {"$ref": f"#/components/messages/{name}"} for name in answers},
        "description": "The reply subject of the question.",
    }
    document["operations"][f"{verb}.replay"] = {
        "action": verb,
        "channel": {"$ref": "#/channels/replay"},
        "messages": [{"$ref": "#/channels/replay/messages/asked"}],
        "reply": {
            "address": {"location": "$message.header#/reply", "description": "the reply subject of NATS, in the asker's own inbox"},
            "channel": {"$ref": "#/channels/replay.answers"},
            "messages": [{"$ref": f"#/channels/replay.answers/messages/{name.rpartition('.')[2]}"} for name in answers],
        },
    }
    return document


def _schemas(events: Iterable[type[Event]]) -> dict[str, Any]:
    """The golden schema of each event, under its type, and what they share under its own name.

    A name that means another thing in another event (a list that is open to one reader and closed to another) is told apart by a number.
    """
    made: dict[str, Any] = {}
    for event in events:
        document = golden.schema(event)
        shared = document.pop("$defs", {})
        chosen = {name: _free(made, name, whole(schema, shared)) for name, schema in shared.items()}
        for name, schema in {**shared, event.type: document}.items():
            made[chosen.get(name, name)] = _pointed({key: value for key, value in schema.items() if key not in {"$schema", "$id"}}, chosen)
            if name in shared:
                made[chosen[name]]["x-whole"] = whole(shared[name], shared)
    return {name: {key: value for key, value in schema.items() if key != "x-whole"} for name, schema in made.items()}


def _free(made: dict[str, Any], name: str, meant: Any) -> str:
    """The name, or with a number the first of its kind, that is free or means this already."""
    number, chosen = 1, name
    while chosen in made and made[chosen]["x-whole"] != meant:
        number += 1
        chosen = f"{name}{number}"
    return chosen


def whole(node: Any, shared: dict[str, Any]) -> Any:
    """A schema with what it refers to in its place."""
    if isinstance(node, dict):
        inner = {key: whole(value, shared) for key, value in node.items() if key != "$ref"}
        return {**whole(shared[node["$ref"].rsplit("/", 1)[1]], shared), **inner} if "$ref" in node else inner
    return [whole(entry, shared) for entry in node] if isinstance(node, list) else node


def _pointed(node: Any, chosen: dict[str, str]) -> Any:
    if isinstance(node, dict):
        return {
            key: f"#/components/schemas/{chosen[value.rsplit('/', 1)[1]]}" if key == "$ref" else _pointed(value, chosen)
            for key, value in node.items()
        }
    return [_pointed(entry, chosen) for entry in node] if isinstance(node, list) else node


def _channel(event: type[Event]) -> dict[str, Any]:
    stream = next(stream for stream in STREAMS if stream.name == event.stream)
    address = _address(event)
    channel: dict[str, Any] = {
        "address": address,
        "messages": {"event": {"$ref": f"#/components/messages/{event.type}"}},
        "description": f"Stored in the JetStream stream {stream.name}.",
    }
    if "{agency}" in address:
        channel["parameters"] = {"agency": {"description": "the agency's code; it reads and writes under its own only"}}
    if len(golden.subjects(event)) > 1:
        channel["description"] += f" Urgent ones are on `{address}.urgent`."
    return channel


def _address(event: type[Event]) -> str:
    return golden.subjects(event)[0].replace("*", "{agency}")


def _message(event: type[Event]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": event.type,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip(),
        "payload": {"$ref": f"#/components/schemas/{event.type}"},
        "examples": [{"name": "sample", "payload": json.loads(golden.sample(event).model_dump_json())}],
    }
    # An agency may send its messages without an envelope: their names come from their subject and their reference.
    return message if event.producer == "agency" else {**message, "traits": [{"$ref": "#/components/messageTraits/cloudevent"}]}


def openapi(service: str) -> dict[str, Any]:
    """The OpenAPI document of a service."""
    settings = getattr(importlib.import_module(f"{service}.settings"), f"{service.capitalize()}Settings")
    with tempfile.TemporaryDirectory() as folder:
        key_file = Path(folder) / "kek"
        key_file.write_text("00" * 32)
        nowhere, issuer = "postgresql://nowhere/none", "https://issuer.example"
        told = settings(database_url=nowhere, keys_url=nowhere, key_file=key_file, issuer=issuer, jwks_url=f"{issuer}/jwks")
        built = importlib.import_module(f"{service}.app").build(told)
    document: dict[str, Any] = built.app().openapi()
    document["components"].setdefault("securitySchemes", {})["bearer"] = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    document["security"] = [{"bearer": []}]
    return document


def documents() -> dict[str, str]:
    """File name to content of everything that is generated."""
    door = [event for event in LIFECYCLE if issubclass(event, (agencies.Receipt, agencies.AgencyEvent))]
    made: dict[str, Any] = {"instrument.schema.json": definitions.schema()}
    at_the_door = asyncapi("Naungan: the agencies' door, as an agency sees it", said_by("agency"), door)
    made["asyncapi.agencies.json"] = with_replay(at_the_door, "send")
    made["asyncapi.json"] = asyncapi("Naungan: everything that is said, and by whom", LIFECYCLE, ())
    for service in SERVICES:
        received = [event for stream in STREAMS for event in read_by(service, stream.name)]
        made[f"asyncapi.{service}.json"] = asyncapi(f"Naungan {service}", said_by(service), received)
        made[f"openapi.{service}.json"] = openapi(service)
    with_replay(made["asyncapi.intake.json"], "receive")
    told = {name: json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n" for name, content in made.items()}
    return {**told, "errors.md": errors.page({name: content for name, content in made.items() if name.startswith("openapi.")})}


def write() -> None:
    """Write all generated documents anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in documents().items():
        (FOLDER / name).write_text(content)


if __name__ == "__main__":
    write()
