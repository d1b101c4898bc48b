"""Follow your cases over NATS: each event once in a file, in whatever order and however often it comes.

    python follow_nats.py events.db

Your durable keeps your place at the broker: an event is acknowledged when it is in the file, so it may come again and is never missed.
Killed and started again, it goes on; while the broker is away, it waits. Each new event is printed as a CloudEvent.
"""

import asyncio
import json
import os
import sqlite3
import sys

import nats
from nats.errors import Error

AGENCY = os.environ["NAUNGAN_AGENCY"]


def opened(path):
    """The file of what was heard."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, event TEXT)")
    return db


def cloud_event(message):
    """A message as a CloudEvent in structured mode, as HTTP would give it."""
    told = message.headers
    return {
        "specversion": "1.0",
        "id": told["ce-id"],
        "type": told["ce-type"],
        "source": told["ce-source"],
        "subject": told["ce-subject"],
        "time": told["ce-time"],
        "factversion": int(told["ce-factversion"]),
        "data": json.loads(message.data),
    }


async def main(path):
    """Follow until somebody ends this."""
    db = opened(path)
    client = await nats.connect(
        os.environ["NAUNGAN_NATS"],
        user=AGENCY,
        password=os.environ["NAUNGAN_PASSWORD"],
        inbox_prefix=f"_INBOX_{AGENCY}".encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
    )
    feed = await client.jetstream().pull_subscribe_bind(f"agency-{AGENCY}", stream="AGENCIES")
    while True:
        try:
            messages = await feed.fetch(100, timeout=5)
        except (Error, OSError):  # nothing new, or no broker just now
            await asyncio.sleep(0.1)
            continue
        for message in messages:
            event = cloud_event(message)
            new = db.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", (event["id"], json.dumps(event))).rowcount
            await message.ack()
            if new:
                print(json.dumps(event), flush=True)


asyncio.run(main(sys.argv[1]))
