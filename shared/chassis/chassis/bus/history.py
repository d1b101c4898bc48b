"""Reads what a stream holds, from any position to its end, without a durable and without acknowledging anything."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID, uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

BATCH = 500
SILENCE = 5.0
SILENCES = 3  # in a row: a busy server is slow, but not for this long
# A reader may work for a while between two fetches; one that died is forgotten by the server after this many seconds.
FORGOTTEN_AFTER = 120


async def read_stream(
    client: Client, stream: str, subjects: Sequence[str], *, who: str, start: int = 1, headers_only: bool = False
) -> AsyncGenerator[list[Msg], None]:
    """Batches of the messages on these subjects (all without any) from sequence `start` on, as far as there were any when the reading began.

    `who` names the reader in the server's lists. Raises TimeoutError when the server falls silent, and what nats-py raises when the
    stream is not there.
    """
    js = client.jetstream(timeout=SILENCE * SILENCES)
    name = f"{who}-{uuid4().hex[:12]}"
    config = ConsumerConfig(
        name=name,
        filter_subjects=list(subjects) or None,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=max(1, start),
        ack_policy=AckPolicy.NONE,
        headers_only=headers_only,
        mem_storage=True,
        inactive_threshold=FORGOTTEN_AFTER,
    )
    info = await js.add_consumer(stream, config)
    left = info.num_pending or 0
    pull = await js.pull_subscribe_bind(consumer=name, stream=stream)
    silent = 0
    try:
        while left > 0:
            try:
                batch = await pull.fetch(min(BATCH, left), timeout=SILENCE)
            except TimeoutError:
                silent += 1
                if silent == SILENCES:
                    raise
                continue
            silent = 0
            left = min(left - len(batch), batch[-1].metadata.num_pending)
            yield batch
    finally:
        with contextlib.suppress(NatsError, TimeoutError):
            await pull.unsubscribe()
            await js.delete_consumer(stream, name)


def id_of(message: Msg) -> UUID | None:
    """The `ce-id` of a message, None when it has none that is one."""
    found = message.headers or {}
    try:
        return UUID(found.get("ce-id") or {name.lower(): value for name, value in found.items()}.get("ce-id", ""))
    except ValueError:
        return None
