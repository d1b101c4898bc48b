"""Whether assessment stays fast with the years: a worker's list, and opening and scoring answers, beside no past and beside a million answers.

An answer is one person's sheet for one instrument, sealed with a key of her own. Both stores have the same open cases of one worker; they are asked
in turn, so that only the past differs.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from random import Random
from typing import Any
from uuid import UUID, uuid5

from assessment import definitions
from assessment.api.answers import PLACE
from assessment.domain.case import State
from assessment.settings import AssessmentSettings

from ops.bench import inventory
from ops.bench.bed import Bed, BenchError, connected, open_bed, processes, vault_of
from ops.bench.figures import Figure, Sizes, median, percentile
from ops.bench.knock import knock, request
from ops.identities import identities
from ops.processes import free_port
from ops.supervise import wait_ready

SERVICE, WORKER, SUPERVISOR, PATIENCE, OK = "assessment", "peksos-1", "supervisor-dinsos", 300.0, 200
EMPTY, FULL = "no past", "a past"
OPEN, TOGETHER, SHEETS = 60, 2, ("phq9", "gad7")
SLICE = 5000  # cases
LIST, ALL, SEE, SAVE = "a worker's list", "a supervisor's list", "opening and scoring a sheet", "saving an answer and scoring"
# Whoever opened the list went through the migrations; only what a case needs to be listed and answered is said here.
CASE = """
    INSERT INTO assessment_case (case_id, household_version, members, triage_version, area, risk, shelter_needed, at_home, admitted, stays, sheltered, ended,
        state, worker_id, due_at, plan_version, goals, followups, deadlines, claimed)
    SELECT case_id, 1, members::jsonb, 1, '31.75.01', 'medium', false, true, false, '{}', false, false, $5, worker, due, 0, '{}', '[]', deadlines::jsonb, true
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $6::text[]) AS made (case_id, members, worker, due, deadlines)"""
GIVEN = "INSERT INTO assignment (case_id, worker_id, at) SELECT case_id, worker, now() FROM unnest($1::uuid[], $2::uuid[]) AS made (case_id, worker)"


@dataclass(frozen=True, slots=True)
class Made:
    """One invented case: its people, and whose it is."""

    case_id: UUID
    persons: tuple[UUID, ...]
    worker: UUID


@dataclass
class Side:
    """One store and who asks it, and how long each took."""

    port: int
    tokens: dict[str, str]
    cases: Sequence[Made]
    seconds: dict[str, list[float]] = field(default_factory=dict)


async def figure(bed: Bed, sizes: Sizes, say: Callable[[str], None]) -> Figure:
    """Rounds in changing order over both stores, one client at a time."""
    found = Figure("answers", f"p99 beside {sizes.in_store:,} answers of past cases, {sizes.rounds} rounds")
    mine = list(islice(_cases(identities()[WORKER].subject, seed=1), OPEN))
    async with open_bed() as full:
        for where in (bed, full):
            await _write(where, mine, State.ASSIGNED, SHEETS[:1])
        async for step in _past(full, sizes.in_store):
            say(step)
        for where in (bed, full):
            for database in (SERVICE, f"{SERVICE}_keys"):
                async with connected(where.store(SERVICE, database)) as store:
                    await store.execute("VACUUM (ANALYZE)", timeout=1800)
        async with _asked(bed, mine) as empty_side, _asked(full, mine) as full_side:
            sides = {EMPTY: empty_side, FULL: full_side}
            for number in range(sizes.rounds + 1):
                for name in (EMPTY, FULL) if number % 2 == 0 else (FULL, EMPTY):
                    await _round(sides[name], max(20, sizes.reports // 10), warming=number == 0)
                say(f"round {number} of {sizes.rounds}")
    _summary(found, sides)
    return found


def _summary(found: Figure, sides: dict[str, Side]) -> None:
    for name in (LIST, ALL, SEE, SAVE):
        p99 = {side: percentile(sides[side].seconds[name], 0.99) for side in sides}
        p50 = {side: median(sides[side].seconds[name]) for side in sides}
        told = ", ".join(f"{side}: p50 {p50[side] * 1e3:.1f} ms, p99 {p99[side] * 1e3:.1f} ms" for side in sides)
        found.rows.append((name, told))
        found.goal(f"p99 of {name} with a past / without", p99[FULL] / p99[EMPTY], most=2)
    found.data = {side: sides[side].seconds for side in sides}


async def _round(side: Side, times: int, *, warming: bool) -> None:
    asked = {
        LIST: [request("GET", "/cases?mine=true", side.tokens[WORKER])] * times,
        ALL: [request("GET", "/cases", side.tokens[SUPERVISOR])] * times,
        SEE: [_sheet(side, made) for made in islice(cycle(side.cases), times)],
        SAVE: [_saving(side, made, number) for number, made in enumerate(islice(cycle(side.cases), times))],
    }
    for name, requests in asked.items():
        knocked = await knock(side.port, requests, 1)
        if set(knocked.statuses) != {OK}:
            message = f"{name}: {knocked.statuses}, the last one {knocked.last[:300]!r}"
            raise BenchError(message)
        side.seconds.setdefault(name, []).extend([] if warming else knocked.seconds)


def _sheet(side: Side, made: Made) -> bytes:
    return request("GET", f"/cases/{made.case_id}/answers/{made.persons[0]}?instrument={SHEETS[0]}", side.tokens[WORKER])


def _saving(side: Side, made: Made, number: int) -> bytes:
    body = {"person_id": str(made.persons[0]), "instrument": SHEETS[0], "answers": {"phq9_1": number % 4}}
    return request("PUT", f"/cases/{made.case_id}/answers", side.tokens[WORKER], body)


# -- the stores -------------------------------------------------------------------------------------------------------------------------


def _cases(worker: UUID, seed: int) -> Any:
    """Cases of a worker without an end, the same for the same seed."""
    space, number = uuid5(UUID(int=2), str(seed)), 0
    while True:
        number += 1
        yield Made(uuid5(space, f"case {number}"), tuple(uuid5(space, f"{number} {person}") for person in range(TOGETHER)), worker)


async def _past(bed: Bed, answers: int) -> AsyncIterator[str]:
    """Finished cases of all workers, the measured one among them, until there are so many answers."""
    workers = [identities()[WORKER].subject, *map(inventory.worker_id, range(inventory.WORKERS - 1))]
    each = TOGETHER * len(SHEETS)
    streams = [_cases(worker, seed=1000 + number) for number, worker in enumerate(workers)]
    whole = (next(chosen) for chosen in cycle(streams))
    done = 0
    while made := list(islice(whole, min(SLICE, (answers - done) // each))):
        await _write(bed, made, State.FINISHED, SHEETS)
        done += len(made) * each
        if done % (SLICE * each * 10) == 0:
            yield f"{done:,} answers"


async def _write(bed: Bed, made: Sequence[Made], state: State, sheets: Sequence[str]) -> None:
    """Cases in a state, with a sealed sheet of each of their people for each instrument."""
    now, open_ = datetime.now(UTC), state is State.ASSIGNED
    due = [now + timedelta(hours=10 + number % 24) if open_ else None for number in range(len(made))]
    deadlines = [json.dumps({"initial": moment.isoformat()} if moment else {}) for moment in due]
    members = [json.dumps([{"person_id": str(person), "age": 34} for person in case.persons]) for case in made]
    ids, workers = [case.case_id for case in made], [case.worker for case in made]
    async with vault_of(bed, SERVICE, AssessmentSettings) as vault:
        await vault.prepare()
        keys = await vault.new(person for case in made for person in case.persons)
    rows = [
        (case.case_id, person, sheet, 1, keys.seal(person, PLACE, _answered(sheet)), case.worker, now)
        for case in made
        for person in case.persons
        for sheet in sheets
    ]
    async with connected(bed.store(SERVICE)) as store, store.transaction():
        await store.execute(CASE, ids, members, workers, due, state.value, deadlines)
        await store.execute(GIVEN, ids, workers)
        columns = ("case_id", "person_id", "instrument", "version", "sealed", "changed_by", "changed_at")
        await store.copy_records_to_table("answer", records=rows, columns=columns)


def _answered(sheet: str) -> str:
    """Invented answers to all items of an instrument, none of which raises an alert."""
    (definition,) = [shipped for shipped in definitions.shipped() if shipped.code == sheet]
    random = Random(sheet)  # noqa: S311 - invented answers
    alarming = {alert.item for alert in definition.alerts}
    return json.dumps({item.code: 0 if item.code in alarming else random.choice(item.values) for item in definition.items})


@contextlib.asynccontextmanager
async def _asked(bed: Bed, cases: Sequence[Made]) -> AsyncIterator[Side]:
    """The real assessment on a store, where instruments without their wording may be used."""
    port = free_port()
    command, told = bed.service(SERVICE, port=port)
    commands = {"issuer": bed.issuer_command(), SERVICE: (command, {**told, "ASSESSMENT_TRAINING": "true"})}
    async with processes(bed, "answers", commands):
        await wait_ready(f"http://127.0.0.1:{port}/readyz", PATIENCE)
        yield Side(port, {who: await bed.token(who) for who in (WORKER, SUPERVISOR)}, cases)
