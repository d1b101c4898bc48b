"""One durable for each sender, taken in turns: order stays, nobody waits for another's flood, and what is in hand is lost with nobody."""

import asyncio
from collections.abc import Sequence

import pytest
from chassis.bus.turns import TURN, Turns, always
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig

from tests.rig import Rig


class Taker:
    """Takes turns, notes what came in which order, and acknowledges."""

    def __init__(self) -> None:
        self.turns: list[list[str]] = []
        self.failing = False

    async def take(self, batch: Sequence[Msg]) -> None:
        if self.failing:
            self.failing = False
            raise ConnectionError
        self.turns.append([message.data.decode() for message in batch])
        await asyncio.sleep(0.01)
        for message in batch:
            await message.ack()

    def taken(self, sender: str) -> list[str]:
        return [name for turn in self.turns for name in turn if name.startswith(sender)]


@pytest.fixture
async def stream(rig: Rig) -> Rig:
    await rig.connect()
    js = rig.nats.jetstream()
    await js.add_stream(name="SENT", subjects=["sent.*"])
    for sender in ("a", "b", "c"):
        await js.add_consumer(
            "SENT", ConsumerConfig(durable_name=f"of-{sender}", filter_subject=f"sent.{sender}", ack_policy=AckPolicy.EXPLICIT, ack_wait=1)
        )
    return rig


async def send(rig: Rig, sender: str, count: int) -> None:
    for number in range(count):
        await rig.nats.jetstream().publish(f"sent.{sender}", f"{sender}{number}".encode())


async def test_every_sender_has_a_turn_before_anybody_has_the_next(stream: Rig) -> None:
    taker, turns = Taker(), Turns(stream.nats, "SENT", "of-")
    await send(stream, "a", 200)
    await send(stream, "b", 10)
    await send(stream, "c", 10)
    running = asyncio.create_task(turns.run(taker.take))

    async def all_taken() -> bool:
        return len(taker.taken("")) == 220

    await stream.until(all_taken)
    turns.stop()
    await running
    assert all(len({name[0] for name in turn}) == 1 for turn in taker.turns), "a turn is of one sender"
    for sender, count in (("a", 200), ("b", 10), ("c", 10)):
        assert taker.taken(sender) == [f"{sender}{n}" for n in range(count)], "in the order in which it sent"
    before = [name for turn in taker.turns[: 4 + 3 * 10 // TURN * 3] for name in turn]
    assert {f"b{n}" for n in range(10)} | {f"c{n}" for n in range(10)} <= set(before)
    assert turns.bound


async def test_a_sender_who_is_new_is_read_and_what_fails_comes_again(stream: Rig) -> None:
    taker, turns = Taker(), Turns(stream.nats, "SENT", "of-")
    taker.failing = True
    running = asyncio.create_task(turns.run(taker.take))
    await send(stream, "a", 3)
    with pytest.raises(ConnectionError):
        await running
    running = asyncio.create_task(turns.run(taker.take))  # as a service's loop does
    await stream.nats.jetstream().add_consumer("SENT", ConsumerConfig(durable_name="of-d", filter_subject="sent.d", ack_policy=AckPolicy.EXPLICIT))
    await send(stream, "d", 1)

    async def all_taken() -> bool:
        return set(taker.taken("")) >= {"a0", "a1", "a2", "d0"}

    await stream.until(all_taken)
    turns.stop()
    await running


async def test_who_may_not_have_a_turn_waits_and_the_others_do_not(stream: Rig) -> None:
    allowed = 0

    async def may(sender: str, count: int) -> tuple[int, float]:
        return (min(count, allowed), 0.05) if sender == "a" else await always(sender, count)

    taker, turns = Taker(), Turns(stream.nats, "SENT", "of-", may)
    running = asyncio.create_task(turns.run(taker.take))
    await send(stream, "a", 4)
    await send(stream, "b", 4)

    async def others_are_taken() -> bool:
        return len(taker.taken("b")) == 4

    await stream.until(others_are_taken)
    assert taker.taken("a") == []
    allowed = 2

    async def all_taken() -> bool:
        return len(set(taker.taken("a"))) == 4

    await stream.until(all_taken)
    turns.stop()
    await running
    assert max(len(turn) for turn in taker.turns if turn[0].startswith("a")) == 2
