"""An agency replays its own feed over NATS: a question on its own subject, and a page as HTTP would give it, under the same rules of what may still be told.

No consumer on the stream could do that: the stream has what was said before a feed stopped, and whoever makes a consumer chooses where its
messages go (decision 31). Who asks is who may publish on the subject: the broker lets nobody but that agency.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from chassis import FieldProblem, RefusedError, Service, Transaction
from chassis.store.failures import ClosedStoreError
from contracts import replay
from contracts.replay import ReplayAnswered, ReplayAsked, Replayed, ReplayProblem, ReplayRefused
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from pydantic import ValidationError

from intake.api.feeds import cloud_event, known_types, place, said_after
from intake.following import numbering

log = structlog.get_logger()

MOST_BYTES = 512 * 1024  # of an answer: half of what the broker lets through
AT_ONCE = 2  # pages that a replica makes at a time, so that replaying leaves the store to everybody else
# A subscription that the broker refused, because it had not been told of it yet, is not made again by anything else.
ANEW = 60.0
AGAIN = "the platform cannot answer just now: ask again"


async def answer(service: Service) -> None:
    """Answer what agencies ask, until this is cancelled; each replica a part of it."""
    while (client := service.client) is None or not client.is_connected:
        await asyncio.sleep(0.1)
    door = Door(service)
    held = await door.open(client)
    try:
        while True:
            await asyncio.sleep(ANEW)
            earlier, held = held, await door.open(client)
            await earlier.drain()  # type: ignore[no-untyped-call]  # what it was given before is answered still
    finally:
        with contextlib.suppress(Exception):  # the connection may be gone
            await held.unsubscribe()


class Door:
    """Where agencies ask: one question of each at a time, so that nobody waits for another's."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.asking: set[str] = set()
        self.places = asyncio.Semaphore(AT_ONCE)
        self._answering: set[asyncio.Task[None]] = set()

    async def open(self, client: Client) -> Subscription:
        """Listen."""
        return await client.subscribe(replay.subject("*"), queue=replay.QUEUE, cb=self.hear)

    async def hear(self, message: Msg) -> None:
        """Take a question up, or say at once that the one before is still being answered."""
        agency = message.subject.split(".")[1]
        if not message.reply:
            return
        if agency in self.asking:
            await _send(message, refusal(RefusedError(429, "one question at a time: ask again when the one before is answered")))
            return
        self.asking.add(agency)
        task = asyncio.create_task(self._answer(agency, message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, agency: str, message: Msg) -> None:
        try:
            async with self.places:
                body = await self._page(agency, message.data)
        finally:
            self.asking.discard(agency)
        await _send(message, body)

    async def _page(self, agency: str, question: bytes) -> bytes:
        try:
            asked = ReplayAsked.model_validate_json(question or b"{}")
            known_types(asked.types)
            return (await self.service.database.run(_told(agency, asked))).encode()
        except ValidationError as error:
            places = [FieldProblem(".".join(str(part) for part in entry["loc"]) or "body", str(entry["type"])) for entry in error.errors()]
            return refusal(RefusedError(422, "some fields are missing or wrong: correct them and send again", places))
        except RefusedError as error:
            return refusal(error)
        except ClosedStoreError:
            return refusal(RefusedError(503, AGAIN))
        except Exception as error:  # noqa: BLE001 - the store may be away; who asks hears that it is to ask again
            log.warning("replay_failed", error=type(error).__name__)
            return refusal(RefusedError(503, AGAIN))


def _told(agency: str, asked: ReplayAsked) -> Callable[[Transaction], Awaitable[str]]:
    async def work(tx: Transaction) -> str:
        await numbering.number(tx)
        here = await place(tx, asked.after, asked.since, "after")
        rows, last = await said_after(tx, here=here, agency=agency, types=asked.types, most=asked.limit + 1)
        events = [Replayed(position=f"{here.epoch}-{row.number}", event=cloud_event(row)) for row in rows]
        return page(events, asked.limit, f"{here.epoch}-{last}")

    return work


def page(events: list[Replayed], limit: int, last: str, most_bytes: int = MOST_BYTES) -> str:
    """As many of these events as may go into one answer, as JSON; `last` is the position behind all that there is."""
    shown = events[:limit]
    while True:
        more = len(events) > len(shown)
        told = ReplayAnswered(events=tuple(shown), position=shown[-1].position if more else last, more=more).model_dump_json()
        if len(told) <= most_bytes or len(shown) == 1:
            return told
        shown = shown[: len(shown) // 2]


def refusal(error: RefusedError) -> bytes:
    """A refusal as it is sent."""
    errors = tuple(ReplayProblem(field=entry.field, code=entry.code) for entry in error.problems)
    return ReplayRefused(title=error.title, status=error.status, errors=errors).model_dump_json().encode()


async def _send(message: Msg, body: bytes) -> None:
    """Answer, if the broker is there; who gets none asks again."""
    with contextlib.suppress(Exception):
        await message.respond(body)
