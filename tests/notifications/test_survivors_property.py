"""Over random profiles, clocks, retries and time zones no message to a survivor leaves outside her rules: with the real store, bus and gateway."""

import json
import os
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from contracts.handover import SafeContact
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from notifications.survivors.sending import rules_of

from tests.notifications.doors import Gateway, S, a_contact, ask, hand_over, through, until_ended
from tests.notifications.events import reported
from tests.notifications.test_domain_safe_contact import inside
from tests.rig import Rig

# Some in the suite; the long proof is NAUNGAN_SENDER_ROUNDS=200.
ROUNDS = int(os.environ.get("NAUNGAN_SENDER_ROUNDS", "3"))
TAKEN_OR_UNKNOWN, SURELY_NOT = (202, 500), (503, 422)
NUMBERS = {"sms": "+628110000001", "whatsapp": "+628110000001", "email": "kenari@contoh.test", "call": "+628110000001"}


class Chance(Gateway):
    """A gateway that answers as the dice say, and remembers when it was given what and how it answered."""

    def __init__(self) -> None:
        super().__init__(202)
        self.dice, self.seen, self.skews = random.Random(0), list[list[Any]](), [(0.0, timedelta(0))]
        self.held: dict[UUID, list[tuple[float, SafeContact]]] = {}
        self.hand = threading.local()
        chance = self

        class Got(list[Any]):
            def append(self, item: Any) -> None:
                chance.hand.entry = [time.monotonic(), datetime.now(UTC), None, item]
                chance.seen.append(chance.hand.entry)
                super().append(item)

        class Plan(list[int]):
            def __len__(self) -> int:
                return 2

            def pop(self, *_: Any) -> int:
                chance.hand.entry[2] = chance.dice.choice((*TAKEN_OR_UNKNOWN, *SURELY_NOT, 503))
                return int(chance.hand.entry[2])

        self.got, self.plan = Got(), Plan()

    def moments(self, at: float, now: datetime) -> list[datetime]:
        """When this was, by the clock of the platform; just when the test moves it, it may be before or after."""
        later = [skew for since, skew in self.skews if at - 2 < since <= at]
        before = [skew for since, skew in self.skews if since <= at - 2][-1:]
        return [now + skew for skew in before + later]


window = st.fixed_dictionaries(
    {
        "days": st.lists(st.integers(1, 7), min_size=2, max_size=7, unique=True),
        "begins": st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}"),
        "ends": st.integers(0, 1439).map(lambda m: f"{m // 60:02}:{m % 60:02}"),
    }
)
profile = st.fixed_dictionaries(
    {
        "channels": st.lists(st.tuples(st.sampled_from(sorted(NUMBERS)), st.lists(window, min_size=1, max_size=2)), min_size=1, max_size=3, unique_by=lambda c: c[0]),
        "zone": st.sampled_from(["wib", "wita", "wit"]),
    }
)  # fmt: skip


def contact(known: dict[str, Any], revision: int = 1, person: UUID | None = None, case: UUID | None = None) -> SafeContact:
    channels = [{"channel": name, "address": NUMBERS[name], "hours": hours} for name, hours in known["channels"]]
    made = a_contact(person or uuid4(), case or uuid4(), revision=revision, zone=known["zone"])
    return SafeContact.model_validate(made.model_dump() | {"channels": channels})


async def moved(rig: Rig, gateway: Chance, minutes: int) -> None:
    """The platform's clock goes on."""
    gateway.skews.append((time.monotonic(), rig.services[S].database.skew + timedelta(minutes=minutes)))
    await rig.advance(minutes=minutes)
    await until_ended(rig)


@pytest.mark.timeout(1800)
@settings(max_examples=ROUNDS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    profiles=st.lists(profile, min_size=2, max_size=6),
    steps=st.lists(st.integers(1, 900), min_size=3, max_size=6),
    changed=profile,
    seed=st.integers(0, 2**16),
)
async def test_no_message_leaves_outside_her_rules(rig: Rig, profiles: Any, steps: Any, changed: Any, seed: int) -> None:
    if S not in rig.services:
        rig.gateway = Chance()  # type: ignore[attr-defined]
        waits = {"message_poll_seconds": 0.02, "message_retry_minutes": (1, 30, 300), "message_gap_minutes": 0, "safe_contact_days": 100_000}
        await rig.start(S, **waits, **through(rig.gateway, "sms", "whatsapp"))  # type: ignore[attr-defined]
    gateway: Chance = rig.gateway  # type: ignore[attr-defined]
    gateway.dice, mine = random.Random(seed), [contact(known) for known in profiles]
    for made in mine:
        await rig.say(reported(), subject=made.case_id)
        await hand_over(rig, made)
        gateway.held[made.person_id] = [(0.0, made)]
    await rig.settle()
    for made in mine:
        await ask(rig, made.person_id)
    for number, minutes in enumerate(steps):
        await moved(rig, gateway, minutes)
        if number == 1:
            # She changes her mind while messages wait, and some are being tried again.
            newer = contact(changed, 2, mine[0].person_id, mine[0].case_id)
            await hand_over(rig, newer)
            await rig.settle()
            gateway.held[newer.person_id].append((time.monotonic(), newer))
    sources = {str(row.id): row for row in await rig.sql(S, "SELECT id, person_id, source FROM survivor_message")}
    left: dict[str, int] = {}
    for at, now, status, (_, body) in gateway.seen:
        given_over = json.loads(body)
        message = sources[given_over["id"]]
        # While a revision is being taken, the one before may still be gone by.
        held = gateway.held[message.person_id]
        rules = [known for since, known in held if since <= at - 2][-1:] + [known for since, known in held if at - 2 < since <= at + 2]
        assert any(
            inside(rules_of(known, timedelta(days=100_000)), given_over["channel"], moment) for known in rules for moment in gateway.moments(at, now)
        ), (given_over, now, rules)
        left[message.source] = left.get(message.source, 0) + (status in TAKEN_OR_UNKNOWN)
    assert max(left.values(), default=0) <= 1, "what left, or may have, is not sent again"
