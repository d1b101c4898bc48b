"""Stores as they look after a million cases: every table that grows, filled in sets, and the streams with what the outboxes say.

One case in fifty is still open, as in a service that works; every twentieth needed a shelter and has left it. Ids are in time order, over
the year before now, as the services make them. Only while the services are stopped.
"""

# ruff: noqa: S608 - the statements are put together from constants of this module

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from chassis.bus.relay import COLUMNS, publish_batch
from chassis.envelope import Emitted
from contracts import streams
from contracts.assessment import Assigned
from contracts.intake import Triaged
from contracts.placement import Offered
from nats.js.api import DeliverPolicy

from ops import provision
from ops.bench.bed import AGENCY, Bed, connected
from ops.bench.inventory import AREA, worker_id

SLICE = 100_000
BATCH = 500
OPEN_EVERY, SHELTER_EVERY = 50, 20
YEAR = 31_536_000

# A time-ordered id of case n of a kind: 48 bits of its time, then version, variant and a hash. Plain expressions, which the database inlines.
FUNCTIONS = """
    CREATE OR REPLACE FUNCTION pg_temp.seconds(n bigint, total bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS
        $$ SELECT {now} - 60 - {year} * (1 - n::float8 / total) $$;
    CREATE OR REPLACE FUNCTION pg_temp.moment(n bigint, total bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS
        $$ SELECT to_timestamp(pg_temp.seconds(n, total)) $$;
    CREATE OR REPLACE FUNCTION pg_temp.id(n bigint, kind text, total bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex((pg_temp.seconds(n, total) * 1000)::bigint), 12, '0')
            || '8' || substr(md5(n::text || kind), 1, 3) || '8' || substr(md5(n::text || kind), 4, 15))::uuid $$;
"""

N = "generate_series(CAST($1 AS bigint), CAST($2 AS bigint)) AS n"
CASE, EVENT, ASSIGNED, OFFERED = (f"pg_temp.id(n, '{kind}', $3)" for kind in ("case", "triaged", "assigned", "offered"))
AT = "pg_temp.moment(n, $3)"
SHELTERED = f"n % {SHELTER_EVERY} = 0"
IS_OPEN = f"n % {OPEN_EVERY} = 0"
PERSON, CHILD, PLACEMENT = (f"pg_temp.id(n, '{kind}', $3)" for kind in ("person", "child", "placement"))


def _inbox(event: str, kind: str, where: str = "true") -> str:
    return f"INSERT INTO inbox (event_id, type, subject, taken_at) SELECT {event}, '{kind}', {CASE}, {AT} FROM {N} WHERE {where}"


def _outbox(event: str, kind: str, body: str, where: str = "true") -> str:
    return f"""
        INSERT INTO outbox (id, type, stream, route, subject, time, factversion, correlation, causation, trace, body)
        SELECT {event}, '{kind}', 'CASES', '{kind}', {CASE}, {AT}, 1, {CASE}::text, {EVENT}::text, NULL, convert_to({body}::text, 'UTF8')
        FROM {N} WHERE {where}"""


ANCHORS = f"INSERT INTO anchor (subject, factversion) SELECT {CASE}, 1 FROM {N}"
WORKER = f"(ARRAY[{', '.join(repr(str(worker_id(number))) for number in range(40))}]::uuid[])[1 + n % 40]"
MEMBERS = f"""jsonb_build_array(jsonb_build_object('id', {PERSON}, 'sex', 'female', 'age', 34, 'role', 'victim', 'needs', '[]'::jsonb))"""
OFFER_BODY = f"jsonb_build_object('placement_id', {PLACEMENT}, 'shelter_id', shelter, 'persons', jsonb_build_array({PERSON}), 'hold_until', {AT})"
A_SHELTER = "(SELECT id FROM shelter WHERE kind = 'panti_transit' LIMIT 1)"

STATEMENTS: dict[str, tuple[str, ...]] = {
    "placement": (
        _inbox(EVENT, Triaged.type),
        ANCHORS,
        f"""INSERT INTO need SELECT {CASE}, 1, 1, 1, {MEMBERS}, 'medium', '{{}}', '{{}}', '{{}}', false, {SHELTERED}, NOT {IS_OPEN},
            CASE WHEN {SHELTERED} THEN 'settled' ELSE 'none' END, CASE WHEN {SHELTERED} THEN {AT} END, '{{}}', '{{}}', 0, false, NULL, '[]'
            FROM {N}""",
        f"""INSERT INTO placement (id, case_id, shelter_id, state, revision, members, offered_at, hold_until, ladder_until, admitted_at, direct)
            SELECT {PLACEMENT}, {CASE}, {A_SHELTER}, 'ended', 1, {MEMBERS}, {AT}, {AT}, {AT}, {AT}, false FROM {N} WHERE {SHELTERED}""",
        f"""INSERT INTO stay (placement_id, person_id, bed_id, case_id, sex, small, during, ended_as)
            SELECT {PLACEMENT}, {PERSON}, beds.id, {CASE}, 'female', false, tstzrange({AT}, {AT} + interval '1 second'), 'family'
            FROM {N} JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS many FROM bed) AS beds
                ON beds.place = n / {SHELTER_EVERY} % beds.many WHERE {SHELTERED}""",
        _outbox(OFFERED, Offered.type, OFFER_BODY.replace("shelter,", f"{A_SHELTER},"), SHELTERED),
    ),
    "assessment": (
        _inbox(EVENT, Triaged.type),
        ANCHORS,
        f"""INSERT INTO assessment_case (case_id, household_version, members, triage_version, area, risk, shelter_needed, at_home, admitted, stays,
                sheltered, ended, state, worker_id, due_at, plan_version, goals, followups, deadlines)
            SELECT {CASE}, 1, jsonb_build_array(jsonb_build_object('person_id', {PERSON}, 'age', 34)), 1, '{AREA}', 'medium', {SHELTERED}, true,
                false, '{{}}', false, NOT {IS_OPEN}, CASE WHEN {IS_OPEN} THEN 'assigned' ELSE 'stopped' END,
                CASE WHEN {IS_OPEN} THEN {WORKER} END, CASE WHEN {IS_OPEN} THEN now() + interval '1 day' END, 0, '{{}}', '[]', '{{}}'
            FROM {N}""",
        f"INSERT INTO assignment (case_id, worker_id, at) SELECT {CASE}, {WORKER}, {AT} FROM {N}",
        f"""INSERT INTO clock (kind, subject, key, id, due)
            SELECT 'plan', {CASE}, '', gen_random_uuid(), now() + interval '30 days' FROM {N} WHERE {IS_OPEN}""",
        _outbox(ASSIGNED, Assigned.type, f"jsonb_build_object('worker_id', {WORKER}, 'due_at', {AT})"),
    ),
    "notifications": (
        _inbox(EVENT, Triaged.type),
        _inbox(ASSIGNED, Assigned.type),
        _inbox(OFFERED, Offered.type, SHELTERED),
        ANCHORS,
        f"INSERT INTO case_file SELECT {CASE}, NULL, NULL, '{AGENCY}', 'medium', 1, {WORKER}, 1, NOT {IS_OPEN} FROM {N}",
        *(
            f"""INSERT INTO notice (id, source, recipient, role, agency, officer, follows, kind, urgency, case_id, occurred_at, created_at)
                SELECT pg_temp.id(n, 'notice {kind}', $3), {event}::text, {recipient}, '{role}', {agency}, {officer}, 'nothing', '{kind}', 'normal',
                {CASE}, {AT}, {AT} FROM {N}"""
            for kind, event, recipient, role, agency, officer in (
                ("intake.triaged", EVENT, f"'intake_officer@{AGENCY}'", "intake_officer", f"'{AGENCY}'", "NULL::uuid"),
                ("assessment.assigned", ASSIGNED, f"'peksos:' || {WORKER}::text", "peksos", "NULL", WORKER),
            )
        ),
        f"""INSERT INTO ladder (placement_id, case_id, unit, offered_at, answered, done, policy_version)
            SELECT {PLACEMENT}, {CASE}, gen_random_uuid(), {AT}, true, 0, 1 FROM {N} WHERE {SHELTERED}""",
    ),
}


async def fill(bed: Bed, cases: int) -> AsyncIterator[str]:
    """Fill the stores and the stream; what has been done, step by step."""
    now = int(datetime.now(UTC).timestamp())
    for service, statements in STATEMENTS.items():
        async with connected(bed.store(service)) as store:
            await store.execute(FUNCTIONS.format(now=now, year=YEAR))
            for start in range(1, cases + 1, SLICE):
                end = min(start + SLICE - 1, cases)
                for statement in statements:
                    await store.execute(statement, start, end, cases, timeout=900)
                yield f"{service}: {end:,} cases"
            await store.execute("VACUUM (ANALYZE)", timeout=1800)
    for service in ("placement", "assessment"):
        async with connected(bed.store(service)) as store:
            said = 0
            async for rows in _outbox_of(store):
                events = [(Emitted(source=service, **{name: row[name] for name in COLUMNS.split(", ")}), uuid4().hex) for row in rows]
                await publish_batch(bed.client, Triaged.stream, events)
                said += len(events)
            yield f"{service}: {said:,} facts in the stream"
    for service in STATEMENTS:
        for durable in streams.durables_of(service):
            await _read_already(bed, durable)
    async with connected(bed.postgres.url()) as admin:
        await admin.execute("CHECKPOINT")


async def _outbox_of(store: Any) -> AsyncIterator[list[Any]]:
    last = 0
    while rows := await store.fetch(f"SELECT {COLUMNS}, position FROM outbox WHERE position > $1 ORDER BY position LIMIT {BATCH}", last):
        last = rows[-1]["position"]
        yield rows


async def _read_already(bed: Bed, durable: streams.Durable) -> None:
    """Let a durable begin after what is in the stream now: its reader has it in the inbox."""
    await bed.js.delete_consumer(durable.stream, durable.name)
    config = provision.consumer_config(durable, provision.ACK_WAIT)
    config.deliver_policy = DeliverPolicy.NEW
    await bed.js.add_consumer(durable.stream, config)
