"""What must hold once faults have healed and everything is drained, seen from outside: the invariants, each in its own words.

Nothing here asks the platform whether it is well: the stores, the streams and what those outside were told are compared with each other.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import asyncpg
import nats.errors
import nats.js.errors
from contracts import catalogue, streams

from tests.faults.load import Journal
from tests.faults.world import SERVICES, World
from tests.placement.invariants import AT_ODDS, BED_TWICE, GHOSTS, NO_BED, PERSON_TWICE

Check = Callable[[World, Journal], Awaitable[list[str]]]
AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, nats.errors.Error, nats.js.errors.Error, TimeoutError)
SAID_STREAMS = ("CASES", "RECEIPTS", "AGENCIES", "AUDIT")


async def broken(world: World, journal: Journal, patience: float = 60) -> list[str]:
    """The invariants that do not hold; what only takes its time gets `patience` seconds, what is wrong for good stays wrong."""
    deadline = asyncio.get_running_loop().time() + patience
    wrong = await _failing(CHECKS, world, journal)
    while wrong and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(3)
        wrong = await _failing(wrong, world, journal)
    return [f"{check.__name__}: {words}" for check, found in wrong.items() for words in found]


async def _failing(some: Iterable[Check], world: World, journal: Journal) -> dict[Check, list[str]]:
    """Those of the checks that find something, with what they find."""
    wrong: dict[Check, list[str]] = {}
    for check in some:
        try:
            found = await check(world, journal)
        except AWAY as error:
            found = [f"no answer, {type(error).__name__} {error}"]
        if found:
            wrong[check] = found
    return wrong


async def every_submission_has_one_case(world: World, journal: Journal) -> list[str]:
    """Who was answered has a case, the same one however often it was sent; and no case comes from nowhere."""
    found = [f"{agency} {reference} never got its receipt" for agency, s in journal.systems.items() for reference in s.without_receipt()]
    known = journal.follow_ids()
    found += [f"{key} was answered under {len(ids)} follow ids" for key, ids in known.items() if len(ids) > 1]
    rows = await world.sql("intake", "SELECT agency, reference, follow_id::text, case_id::text FROM submission")
    kept = {(row["agency"], row["reference"]): row for row in rows}
    for key, ids in known.items():
        if key not in kept or kept[key]["follow_id"] not in ids:
            found.append(f"{key} was accepted and is not kept so")
    cases = Counter(row["case_id"] for row in rows)
    found += [f"case {case} has {times} submissions" for case, times in cases.items() if times > 1]
    files = {row["case_id"]: row["channel"] for row in await world.sql("intake", "SELECT case_id::text, channel FROM case_file")}
    found += [f"case {case} of a submission does not exist" for case in cases.keys() - files.keys()]
    at_doors = sum(channel == "placement" for channel in files.values())
    if at_doors != journal.doors:
        found.append(f"{journal.doors} admissions at a door made {at_doors} cases")
    named_by_us = sum(1 for key in kept if key in known)
    if len(files) - at_doors - named_by_us != len(kept) - named_by_us:
        found.append(f"{len(files)} cases, but {len(kept)} submissions and {at_doors} admissions at a door")
    return found


async def said_is_held(world: World, journal: Journal) -> list[str]:
    """The ids in the outboxes and in the streams are the same sets; a message may be held twice after a refill, never be missing."""
    found: list[str] = []
    # Clocks go on running: what is said is read before and after what is held, and only what was said before that must be held.
    before = await _said(world)
    for service in SERVICES:
        (late,) = await world.sql(service, UNPUBLISHED)
        if late[0]:
            found.append(f"{service} has {late[0]} facts that it did not publish")
    held = {stream: {identity for identity, _, _ in await world.held(stream)} - world.poison - {""} for stream in SAID_STREAMS}
    after = await _said(world)
    for stream in SAID_STREAMS:
        if missing := before[stream] - held[stream]:
            found.append(f"{stream} lacks {len(missing)} facts that were said, such as {min(missing)}")
        if invented := held[stream] - after[stream]:
            found.append(f"{stream} holds {len(invented)} facts that nobody said, such as {min(invented)}")
    return found


async def _said(world: World) -> dict[str, set[str]]:
    said: dict[str, set[str]] = defaultdict(set)
    for service in SERVICES:
        for row in await world.sql(service, "SELECT id::text, stream FROM outbox"):
            said[row["stream"]].add(row["id"])
    return said


async def every_reader_read_everything(world: World, journal: Journal) -> list[str]:
    """The inbox of each service holds exactly the ids of the facts that it reads."""
    found: list[str] = []
    # Clocks go on running: what is taken is looked at before what is said, and what is missing is looked for once more after it.
    before = {service: await _taken(world, service) for service in SERVICES}
    said: list[Any] = []
    for service in SERVICES:
        said += await world.sql(service, "SELECT id, type FROM outbox")
    for service in SERVICES:
        reads = {event.type for stream in streams.STREAMS for event in catalogue.read_by(service, stream.name)}
        expected = {row["id"] for row in said if row["type"] in reads}
        if missing := expected - await _taken(world, service):
            found.append(f"{service} did not take {len(missing)} facts, such as {min(missing)}")
        if invented := before[service] - expected:
            found.append(f"{service} took {len(invented)} facts that nobody said, such as {min(invented)}")
    return found


async def _taken(world: World, service: str) -> set[Any]:
    return {row["event_id"] for row in await world.sql(service, "SELECT event_id FROM inbox WHERE subject <> '00000000-0000-0000-0000-000000000000'")}


async def facts_are_counted_without_gaps(world: World, journal: Journal) -> list[str]:
    """Per producer and subject the factversions are 1 to n."""
    found = []
    for service in SERVICES:
        rows = await world.sql(service, GAPS)
        found += [f"{service} counted {row['facts']} facts of {row['subject']} up to {row['last']}" for row in rows[:3]]
    return found


async def every_effect_once(world: World, journal: Journal) -> list[str]:
    """What may happen once per case, person or notice happened once."""
    found = []
    for service, what, statement in ONCE:
        rows = await world.sql(service, statement)
        found += [f"{what}: {dict(row)}" for row in rows[:3]]
    came_in = {row["subject"]: row["times"] for row in await world.sql("placement", CAME_IN)}
    again = [row for row in await world.sql("assessment", ROUNDS) if row["again"] > came_in.get(row["subject"], 0)]
    found += [f"a case was assessed anew although nobody came back: {dict(row)}" for row in again[:3]]
    opened = Counter(
        (agency, follow, data.get("outcome")) for agency, s in journal.systems.items() for follow, kind, data in s.feed if kind == "agency.opened.v1"
    )
    found += [f"an agency's feed opened a case {times} times: {key}" for key, times in opened.items() if times > 1]
    own = {(agency, follow) for (agency, _), ids in journal.follow_ids().items() for follow in ids}
    heard = {(agency, follow) for agency, follow, _ in opened}
    if missing := own - heard:
        found.append(f"{len(missing)} accepted submissions were never opened on their agency's feed, such as {min(missing)}")
    return found


async def no_bed_and_no_person_twice(world: World, journal: Journal) -> list[str]:
    """Asked of the rows without the constraint's help, and of the facts: nobody is admitted to a second home before leaving the first.

    And all members of a household have their beds or none has, and no bed is kept for nobody.
    """
    found = [f"{what}: {dict(row)}" for what, question in HOUSED.items() for row in (await world.sql("placement", question))[:3]]
    inside: dict[tuple[Any, str], str] = {}
    for row in await world.sql("placement", STAYS_SAID):
        body = json.loads(bytes(row["body"]))
        persons = [p["person_id"] if isinstance(p, dict) else p for p in body["persons"]]
        for person in persons:
            if ".transferred" in row["type"]:
                if inside.get((row["subject"], person)) != body["from_placement_id"]:
                    found.append(f"person {person} moved from a home where she was not")
                inside[(row["subject"], person)] = body["placement_id"]
            elif ".admitted" in row["type"]:
                if inside.get((row["subject"], person), body["placement_id"]) != body["placement_id"]:
                    found.append(f"person {person} was admitted to a second home")
                inside[(row["subject"], person)] = body["placement_id"]
            else:
                inside.pop((row["subject"], person), None)
    return found


async def no_dead_end(world: World, journal: Journal) -> list[str]:
    """Every case has ended, or somewhere a clock of it is running; and no clock is overdue."""
    clocks: set[Any] = set()
    found = []
    for service in SERVICES:
        clocks |= {row["subject"] for row in await world.sql(service, "SELECT DISTINCT subject FROM clock")}
        found += [f"{service}: {row['clocks']} clocks of kind {row['kind']} are overdue" for row in await world.sql(service, OVERDUE)]
    tasks = {row["case_id"] for row in await world.sql("intake", "SELECT DISTINCT case_id FROM desk_task WHERE done_at IS NULL")}
    rows = await world.sql(
        "intake", "SELECT case_id, state FROM case_file WHERE state NOT IN ('closed', 'withdrawn', 'referred_out', 'contact_lost')"
    )
    stuck = [row for row in rows if row["case_id"] not in clocks | tasks]
    if stuck:
        states = Counter(row["state"] for row in stuck)
        found.append(f"{len(stuck)} cases wait for nothing: {dict(states)}, such as {stuck[0]['case_id']}")
    return found


async def only_poison_is_set_aside(world: World, journal: Journal) -> list[str]:
    """Every dead letter is a message that the harness poisoned, and each poisoned one that a stream holds is set aside by its readers."""
    found = []
    held = [(identity, subject) for identity, _, subject in await world.held("CASES") if identity in world.poison] if world.poison else []
    for service in SERVICES:
        rows = await world.sql(service, "SELECT headers, reason, attempts, stream, route FROM dead_letter")
        aside = set()
        for row in rows:
            identity = next((name for name in world.poison if name in row["headers"]), None)
            if identity is None:
                found.append(f"{service} set aside {row['route']} of {row['stream']} after {row['attempts']} tries: {row['reason']}")
            else:
                aside.add(identity)
        filters = {name for durable in streams.durables_of(service) if durable.stream == "CASES" for name in durable.filters}
        missing = {identity for identity, subject in held if subject in filters} - aside
        if missing:
            found.append(f"{service} lost {len(missing)} messages that it cannot read: they are not set aside")
    return found


async def what_is_known_equals_a_replay(world: World, journal: Journal) -> list[str]:
    """The projections of each service equal a replay of the stream into empty tables, with effects off."""
    found: list[str] = []
    for service in SERVICES:
        found += [f"{service}: {words}" for words in await world.replay_differences(service)]
    return found


async def nobody_met_an_error(world: World, journal: Journal) -> list[str]:
    """No officer ever got an answer that only a fault in the platform explains."""
    return [f"{times} x {what}" for what, times in journal.surprises.items()]


async def the_case_is_the_same_everywhere(world: World, journal: Journal) -> list[str]:
    """A case that intake ended is ended for all, and one that placement houses is housed for intake and assessment."""
    found: list[str] = []
    ended = {
        r["case_id"]
        for r in await world.sql("intake", "SELECT case_id FROM case_file WHERE state IN ('closed', 'withdrawn', 'referred_out', 'contact_lost')")
    }
    for service, statement in (
        ("placement", "SELECT case_id FROM need WHERE NOT ended"),
        ("assessment", "SELECT case_id FROM assessment_case WHERE NOT ended"),
        ("notifications", "SELECT case_id FROM case_file WHERE NOT ended"),
    ):
        open_there = {row["case_id"] for row in await world.sql(service, statement)}
        if differing := ended & open_there:
            found.append(f"{len(differing)} cases are ended for intake and open for {service}, such as {min(differing)}")
    return found


GAPS = """
    SELECT subject, count(*) AS facts, max(factversion) AS last FROM outbox GROUP BY subject
    HAVING count(*) <> max(factversion) OR count(DISTINCT factversion) <> count(*)"""
# Until when a hold lasts is not asked: a database clock that was set back may have cut it short.
HELD = """
    SELECT p.id, p.state FROM placement p WHERE p.state IN ('offered', 'accepted', 'on_the_way') AND jsonb_array_length(p.members) <> (
        SELECT count(*) FROM stay s WHERE s.placement_id = p.id AND s.ended_as IS NULL AND NOT isempty(s.during))"""
HOUSED = {
    "a bed twice": BED_TWICE,
    "a person in two beds": PERSON_TWICE,
    "a hold lost, or of part of a household": HELD,
    "an admission without its beds": NO_BED,
    "a bed kept for nobody": GHOSTS,
    "a need at odds with its placements": AT_ODDS,
}
STAYS_SAID = """
    SELECT type, subject, body FROM outbox WHERE type IN ('case.placement.admitted.v1', 'case.placement.admitted_directly.v1',
        'case.placement.left.v1', 'case.placement.discharged.v1', 'case.placement.transferred.v1') ORDER BY position"""
# What was said ten seconds ago is published, however fast clocks run.
UNPUBLISHED = "SELECT count(*) FROM outbox_pending WHERE since < clock_timestamp() - interval '10 seconds'"
OVERDUE = "SELECT kind, count(*) AS clocks FROM clock WHERE due < clock_timestamp() - interval '10 seconds' GROUP BY kind"


def _said_once(kind: str, *also: str, per: str | None = None) -> str:
    """Facts of these types that were said more than once of a subject, or of what a field of theirs names."""
    kinds = ", ".join(f"'case.{entry}.v1'" for entry in (kind, *also))
    group = f", convert_from(body, 'utf8')::jsonb->>'{per}'" if per else ""
    return f"SELECT subject{group} AS what, count(*) FROM outbox WHERE type IN ({kinds}) GROUP BY subject{group} HAVING count(*) > 1"


# A case is assessed anew only as often as somebody of it came in; whether she did is placement's word.
ROUNDS = """
    SELECT subject, max(coalesce((convert_from(body, 'utf8')::jsonb->>'reentry')::int, 0)) AS again FROM outbox
    WHERE type = 'case.assessment.assigned.v1' GROUP BY subject"""
CAME_IN = """
    SELECT subject, count(*) AS times FROM outbox
    WHERE type IN ('case.placement.admitted.v1', 'case.placement.admitted_directly.v1', 'case.placement.transferred.v1') GROUP BY subject"""


def _said_once_a_round(kind: str, *also: str, per: str) -> str:
    """The same, of a case that is assessed anew whenever somebody came back to a shelter after her outcome: once in each of its rounds."""
    kinds = ", ".join(f"'case.{entry}.v1'" for entry in (kind, *also))
    return f"""SELECT o.subject, convert_from(o.body, 'utf8')::jsonb->>'{per}' AS what, count(*) FROM outbox o LEFT JOIN ({ROUNDS}) r USING (subject)
        WHERE o.type IN ({kinds}) GROUP BY 1, 2, r.again HAVING count(*) > 1 + coalesce(r.again, 0)"""


ONCE = (
    ("intake", "a case was reported twice", _said_once("intake.reported")),
    ("intake", "a case ended twice in one way", _said_once("intake.closed", per="reason")),
    ("intake", "a case was withdrawn twice", _said_once("intake.withdrawn")),
    ("intake", "a household has two cases", "SELECT household_id, count(*) FROM case_file GROUP BY 1 HAVING count(*) > 1"),
    ("placement", "a placement was offered twice", _said_once("placement.offered", per="placement_id")),
    ("placement", "a household was admitted twice to one place", _said_once("placement.admitted", per="placement_id")),
    ("placement", "a household moved twice to one place", _said_once("placement.transferred", per="placement_id")),
    ("assessment", "a case was assigned twice", _said_once("assessment.assigned", per="reentry")),
    ("assessment", "a follow-up was done twice", _said_once_a_round("assessment.followup_done", per="number")),
    ("assessment", "an outcome was reached twice", _said_once_a_round("assessment.reunified", "assessment.outcome_reached", per="person_id")),
    ("notifications", "a step of a ladder was told twice", _said_once("notifications.escalated", per="notice_id")),
    ("notifications", "one thing was told twice", "SELECT source, recipient, count(*) FROM notice GROUP BY 1, 2 HAVING count(*) > 1"),
)
CHECKS: tuple[Check, ...] = (
    every_submission_has_one_case,
    said_is_held,
    every_reader_read_everything,
    facts_are_counted_without_gaps,
    every_effect_once,
    no_bed_and_no_person_twice,
    no_dead_end,
    only_poison_is_set_aside,
    what_is_known_equals_a_replay,
    nobody_met_an_error,
    the_case_is_the_same_everywhere,
)
