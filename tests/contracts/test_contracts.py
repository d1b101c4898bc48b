"""Contracts are complete, carry no free text, and change only where the golden files show it."""

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_origin

import pytest
from contracts import agencies, golden, messages, streams
from contracts.catalogue import BY_TYPE, LIFECYCLE, read_by, said_by
from contracts.event import Event
from pydantic import BaseModel
from pydantic.fields import FieldInfo

EVENTS = [pytest.param(event, id=event.type) for event in LIFECYCLE]


def every_subclass(kind: type[Event]) -> Iterator[type[Event]]:
    for child in kind.__subclasses__():
        yield child
        yield from every_subclass(child)


def free_text(kind: Any, metadata: list[Any], path: str) -> Iterator[str]:
    """The paths of strings that are not held to a pattern or a closed list."""
    if hasattr(kind, "__metadata__"):
        info = FieldInfo.from_annotation(kind)
        yield from free_text(info.annotation, info.metadata, path)
    elif get_origin(kind) is not None or get_args(kind):
        for argument in get_args(kind):
            if argument not in {type(None), Ellipsis}:
                yield from free_text(argument, metadata, path)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from free_text(field.annotation, field.metadata, f"{path}.{name}")
    elif open_ended(kind) and not any(getattr(item, "pattern", None) for item in metadata):
        yield path


def open_ended(kind: Any) -> bool:
    return kind is Any or (isinstance(kind, type) and issubclass(kind, (str, bytes, dict)) and not issubclass(kind, Enum))


def test_every_event_is_in_the_catalogue_once() -> None:
    declared = {event for event in every_subclass(Event) if "type" in vars(event) and event.__module__.startswith("contracts.")}
    assert declared == set(LIFECYCLE)
    assert len(BY_TYPE) == len(LIFECYCLE)


@pytest.mark.parametrize("event", EVENTS)
def test_no_event_but_what_agencies_say_can_hold_free_text(event: type[Event]) -> None:
    found = list(free_text(event, [], event.__name__))
    if event in {agencies.Referral, messages.Addition, messages.Withdrawal}:
        assert f"{event.__name__}.narrative" in found, "the walk sees free text where there is some"
    else:
        assert found == []


@pytest.mark.parametrize("event", EVENTS)
def test_the_golden_files_are_what_the_contract_says(event: type[Event]) -> None:
    for name, content in golden.files([event]).items():
        assert (golden.FOLDER / name).read_text() == content, "a contract changed: run `make golden`, which refuses what breaks somebody"


def test_no_golden_file_is_left_of_an_event_that_is_gone() -> None:
    assert {path.name for path in golden.FOLDER.iterdir()} == {*golden.files(), "versions"}


@pytest.mark.parametrize("event", EVENTS)
def test_a_sample_survives_the_wire_and_fields_that_a_newer_producer_adds(event: type[Event]) -> None:
    sample = golden.sample(event)
    assert event.model_validate_json(sample.model_dump_json()) == sample
    assert event.model_validate(json.loads(sample.model_dump_json()) | {"added_later": 1}) == sample


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_is_stored_by_its_stream_alone_and_reaches_its_readers(event: type[Event]) -> None:
    route = event.filters()[0].replace("*", "dppapp") if event.stream == "REFERRALS" else golden.sample(event).route
    assert [stream.name for stream in streams.STREAMS if any(matches(pattern, route) for pattern in stream.subjects)] == [event.stream]
    for service in event.read_by:
        reached = [d for d in streams.durables_of(service) if d.stream == event.stream and any(matches(pattern, route) for pattern in d.filters)]
        assert len(reached) == 1, "one durable and no other delivers it"


def matches(pattern: str, subject: str) -> bool:
    """NATS subject matching."""
    wanted, given = pattern.split("."), subject.split(".")
    for place, token in enumerate(wanted):
        if token == ">":
            return len(given) > place
        if place >= len(given) or token not in {"*", given[place]}:
            return False
    return len(wanted) == len(given)


def test_high_risk_goes_through_the_urgent_durable() -> None:
    from contracts.intake import Triaged

    triage = golden.sample(Triaged)
    assert triage.route == "case.intake.triaged.v1.urgent"
    assert triage.model_copy(update={"risk": "low"}).route == "case.intake.triaged.v1"


def test_readers_and_their_streams_are_services() -> None:
    assert {service for event in LIFECYCLE for service in event.read_by} <= set(streams.SERVICES)
    assert read_by("intake", "REFERRALS") == said_by("agency")
