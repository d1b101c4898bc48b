"""However malformed a referral is, it is refused or taken as incomplete with the field named; nothing is half stored, and no value comes back.

NAUNGAN_HOSTILE=100000 is the long form.
"""

import itertools
import json
import os
import re
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from chassis import Received
from contracts.vocabulary import ProblemCode
from intake import handlers

from tests.intake.hostile import CANARY, hostile

MANY = int(os.environ.get("NAUNGAN_HOSTILE", "400"))
BATCH = 100
ROUTE = "referral.polda-ppa.submitted.v1"
FIELD = re.compile(r"[a-z][a-z0-9_.]{0,79}")
# What must hold of whatever was stored: each statement finds nothing.
HALF_STORED = {
    "a submission without its case": "SELECT 1 FROM submission s LEFT JOIN case_file c USING (case_id) WHERE c.case_id IS NULL",
    "a case without its submission": "SELECT 1 FROM case_file c LEFT JOIN submission s USING (case_id) WHERE s.case_id IS NULL",
    "a case without a person": "SELECT 1 FROM case_file c WHERE NOT EXISTS (SELECT 1 FROM person p WHERE p.case_id = c.case_id)",
    "a person without a case": "SELECT 1 FROM person p LEFT JOIN case_file c USING (case_id) WHERE c.case_id IS NULL",
    "a case without its follow id": "SELECT 1 FROM submission s LEFT JOIN follow f USING (follow_id) WHERE f.follow_id IS NULL",
    "a case that waits for nothing": """
        SELECT 1 FROM case_file c WHERE state = 'reported' AND NOT EXISTS (SELECT 1 FROM clock k WHERE k.subject = c.case_id AND k.kind = 'triage')""",
    "an incomplete case without a task": """
        SELECT 1 FROM submission s WHERE receipt = 'incomplete' AND NOT EXISTS (SELECT 1 FROM desk_task t WHERE t.case_id = s.case_id)""",
    "a task without a clock": "SELECT 1 FROM desk_task t WHERE NOT EXISTS (SELECT 1 FROM clock k WHERE k.subject = t.task_id AND k.kind = 'desk')",
    "a refused submission that nobody kept": "SELECT 1 FROM desk_task WHERE kind = 'rejected' AND content IS NULL",
}


def message(body: bytes) -> Received[bytes]:
    return Received(uuid4(), "", "", UUID(int=0), datetime.now(UTC), 0, body, ROUTE, body)


@pytest.mark.timeout(240 + MANY / 20)
async def test_hostile_referrals_are_refused_or_incomplete_by_field_and_nothing_is_half_stored(rig):
    await rig.start("intake")
    service = rig.services["intake"]
    service.clocks.stop()  # all of them have one name: comparing them is another matter
    bodies = hostile(MANY)  # made as they are needed: a hundred thousand do not have to fit into memory
    kinds = {"accepted": 0, "incomplete": 0, "rejected": 0}
    while messages := [message(body) for body in itertools.islice(bodies, BATCH)]:
        async with service.database.transaction() as tx:
            await tx.start()
            await handlers.take_referrals(messages, tx, lambda: service.vault)
        receipts = [event for event in tx.sent if event.type.startswith("receipt.")]
        assert len(receipts) == len(messages), "each is answered"
        for receipt in receipts:
            kind, told = receipt.type.split(".")[1], json.loads(receipt.body)
            kinds[kind] += 1
            problems = told.get("problems", told.get("warnings"))
            assert kind == "accepted" or problems, "what is wrong is named"
            assert all(FIELD.fullmatch(entry["field"]) and ProblemCode(entry["code"]) for entry in problems)
    assert min(kinds.values()) > MANY / 50, f"all three kinds are met: {kinds}"
    for what, statement in HALF_STORED.items():
        assert await rig.sql("intake", f"{statement} LIMIT 1") == [], what
    ((cases, submissions, tasks),) = await rig.sql(
        "intake",
        "SELECT (SELECT count(*) FROM case_file), (SELECT count(*) FROM submission), (SELECT count(*) FROM desk_task WHERE kind = 'rejected')",
    )
    assert cases == submissions <= kinds["accepted"] + kinds["incomplete"]
    assert 0 < tasks <= kinds["rejected"]
    for table in ("case_file", "person", "submission", "desk_task", "outbox", "follow", "case_fact", "clock", "anchor"):
        column = "convert_from(body, 'UTF8')" if table == "outbox" else "t::text"
        for canary in (CANARY, CANARY.encode().hex()):
            assert await rig.sql("intake", f"SELECT 1 FROM {table} t WHERE {column} LIKE :c LIMIT 1", c=f"%{canary}%") == [], table


async def test_hostile_bodies_at_the_http_doors_are_answered_with_problems_and_never_repeated(rig):
    await rig.start("intake", public_reports_per_hour=100_000)
    client, token = rig.clients["intake"], rig.issuer.token("intake_officer", "dppapp")
    for body in hostile(min(MANY // 4, 2000)):
        for path in ("/reports", "/public/reports"):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4()), "Content-Type": "application/json"}
            answer = await client.post(path, content=body, headers=headers)
            assert answer.status_code in {201, 400, 409, 413, 422}, (path, answer.status_code, body)
            assert CANARY not in answer.text
            if answer.status_code != 201:
                assert answer.headers["content-type"] == "application/problem+json"
    for what, statement in HALF_STORED.items():
        assert await rig.sql("intake", f"{statement} LIMIT 1") == [], what
