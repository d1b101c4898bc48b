"""Two majors of one event side by side: who reads both counts a fact once, in any order, and the release before reads on.

The pair is the tests' own: its first major names one person, its second all who move together.
"""

import itertools
from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from chassis import Inputs, Received, Service, Settings, Transaction
from chassis.envelope import Emitted, MalformedError, read
from contracts import audit, catalogue
from contracts.compatibility import changes
from contracts.event import Event
from contracts.golden import schema
from contracts.intake import Triaged
from nats.js.api import ConsumerConfig

from tests.chassis import toy
from tests.chassis.conftest import a_triage, start_toy
from tests.rig import Rig

FIRST, SECOND, FACT = uuid4(), uuid4(), uuid4()


class Moved(Event):
    """A person moved. As it was before there was a second major, but for `factid`, which is optional and so a legal change."""

    type: ClassVar[str] = "case.placement.moved.v1"
    producer: ClassVar[str] = "placement"

    person_id: UUID
    factid: UUID | None = None


class MovedTogether(Event):
    """Persons moved together."""

    type: ClassVar[str] = "case.placement.moved.v2"
    producer: ClassVar[str] = "placement"
    earlier: ClassVar[tuple[Any, ...]] = (Moved,)

    persons: tuple[UUID, ...]
    factid: UUID | None = None

    @classmethod
    def lift(cls, older: Moved) -> "MovedTogether":
        """One person moved: together with nobody."""
        return cls(persons=(older.person_id,))

    def majors(self) -> tuple[Event, ...]:
        """The first major says the one person it can."""
        return self, Moved(person_id=self.persons[0], factid=self.factid)


OLD, PAIR = Moved(person_id=SECOND), MovedTogether(persons=(FIRST, SECOND), factid=FACT).majors()


def message(fact: Event) -> tuple[dict[str, str], str, bytes]:
    headers = {"ce-type": fact.type, "ce-id": str(uuid4()), "ce-subject": str(uuid4()), "ce-time": "2026-01-02T03:04:05Z"}
    return headers, fact.route, fact.model_dump_json().encode()


def reader(*types: type[Event]) -> tuple[Inputs, list[Any]]:
    """Inputs with one handler for these types, and what it was given."""
    inputs, given = Inputs(), []

    @inputs.consumes(*types)
    async def take(events: Sequence[Received[Any]], tx: Transaction) -> None:
        given.extend(event.data for event in events)

    return inputs, given


async def given_to(types: tuple[type[Event], ...], facts: Sequence[Event]) -> list[Any]:
    inputs, given = reader(*types)
    for fact in facts:
        await inputs.dispatch([read(*message(fact), inputs.types)], {}, None)
    return given


@pytest.mark.parametrize("facts", list(itertools.permutations([OLD, *PAIR])))
async def test_a_reader_of_the_second_major_counts_each_fact_once_in_any_order(facts: Sequence[Event]) -> None:
    assert sorted(len(fact.persons) for fact in await given_to((MovedTogether,), facts)) == [1, 2]


async def test_a_reader_of_the_first_major_alone_goes_on_as_before() -> None:
    inputs, given = reader(Moved)
    for fact in (OLD, PAIR[1]):
        await inputs.dispatch([read(*message(fact), inputs.types)], {}, None)
    assert [fact.person_id for fact in given] == [SECOND, FIRST]
    with pytest.raises(MalformedError, match="unknown_type"):
        read(*message(PAIR[0]), inputs.types)


async def test_who_takes_both_majors_by_hand_gets_both_as_they_are() -> None:
    assert await given_to((Moved, MovedTogether), [OLD, *PAIR]) == [OLD, *PAIR]


def test_a_factid_is_added_to_the_first_major_without_breaking_anybody() -> None:
    document = schema(Moved)
    before = {**document, "properties": {name: one for name, one in document["properties"].items() if name != "factid"}}
    assert changes(Moved.type, before, document) == []


def test_an_event_that_follows_none_lifts_none() -> None:
    with pytest.raises(TypeError, match=r"case.intake.triaged.v1 does not follow Moved"):
        Triaged.lift(OLD)


# -- on real servers -------------------------------------------------------------------------------------------------------------------


def build(settings: Settings) -> Service:
    """A service that says both majors of what follows a triage, and counts what it hears of moves by case."""
    inputs = Inputs()

    @inputs.consumes(Triaged)
    async def move(events: Sequence[Received[Triaged]], tx: Transaction) -> None:
        for event in events:
            members = tuple(person.person_id for person in event.data.household.persons)
            moved = MovedTogether(persons=members, factid=tx.new_id("moved", event.subject))
            for major in moved.majors():
                tx.emit(major, event.subject)

    @inputs.consumes(MovedTogether)
    async def count(events: Sequence[Received[MovedTogether]], tx: Transaction) -> None:
        await tx.execute(toy.COUNT, {"cases": [event.subject for event in events]})

    said_on = {"CASES": ("case.placement.>",)}
    return Service("placement", settings, inputs, [], [("CASES", "placement-main")], catalogue.ORDER, said_on=said_on, seal=audit.PlacementSealed)


async def test_both_majors_are_said_of_one_fact_and_counted_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "build", build)
    await rig.connect()
    js, subjects = rig.nats.jetstream(), [Triaged.type, Moved.type, MovedTogether.type]
    info = await js.consumer_info("CASES", "placement-main")
    kept: ConsumerConfig = info.config.evolve(filter_subjects=subjects)
    await js.add_consumer("CASES", kept)
    await start_toy(rig)
    case, earlier = uuid4(), uuid4()
    await rig.say(a_triage(), subject=case)
    await rig.say(OLD, subject=earlier)
    await rig.settle()

    said = [(type_, body) for type_, _, body in await rig.facts("placement")]
    assert [type_ for type_, _ in said] == [MovedTogether.type, Moved.type]
    assert len({body["factid"] for _, body in said}) == 1
    assert {row.case_id: row.n for row in await rig.sql("placement", "SELECT case_id, n FROM seen")} == {case: 1, earlier: 1}

    # The broker loses its memory of what was delivered: all comes again, in the order of the stream or against it.
    for row in await rig.sql("placement", "SELECT * FROM outbox ORDER BY position DESC"):
        again = Emitted(row.id, row.type, "placement", row.stream, row.route, row.subject, row.time, row.factversion, "", "", None, row.body)
        await js.publish(row.route, again.body, headers=again.headers(uuid4().hex))
    await rig.settle()
    assert {row.case_id: row.n for row in await rig.sql("placement", "SELECT case_id, n FROM seen")} == {case: 1, earlier: 1}
    assert await rig.sql("placement", "SELECT 1 FROM dead_letter") == []
