"""Follow your cases over NATS: each event once in a file, in whatever order and however often it comes.

    python follow_nats.py events.db            follow until somebody ends this
    python follow_nats.py --since 2026-11-01T00:00:00Z [--types agency.sheltered.v1,...]   print what was said since then, and end

Your durable keeps your place at the broker: an event is acknowledged when it is in the file, so it may come again and is never missed.
Killed and started again, it goes on; while the broker is away, it waits. Each new event is printed as a CloudEvent. A replay is asked for page by
page and moves no durable; what was said of a case before its feed stopped is not in it.
"""

import asyncio
import json
import os
import sqlite3
import sys

import nats
from nats.errors import Error

AGENCY = os.environ["NAUNGAN_AGENCY"]
AGAIN = (429, 503)  # another question of yours is being answered, or nothing can be just now


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


async def connected():
    """A connection that comes back by itself."""
    return await nats.connect(
        os.environ["NAUNGAN_NATS"],
        user=AGENCY,
        password=os.environ["NAUNGAN_PASSWORD"],
        inbox_prefix=f"_INBOX_{AGENCY}".encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
    )


async def replay(since, types):
    """Print what was said since a time, of these types or all."""
    client = await connected()
    question, more = {"since": since, "types": types}, True
    while more:
        try:
            answer = json.loads((await client.request(f"feed.{AGENCY}.replay", json.dumps(question).encode(), timeout=10)).data)
        except (Error, OSError):  # nobody answers just now
            await asyncio.sleep(1)
            continue
        if answer.get("status") in AGAIN:
            await asyncio.sleep(1)
            continue
        if "status" in answer:
            sys.exit(json.dumps(answer))
        for entry in answer["events"]:
            print(json.dumps(entry["event"]), flush=True)
        question, more = {"after": answer["position"], "types": types}, answer["more"]
    await client.close()


async def follow(path):
    """Follow until somebody ends this."""
    db = opened(path)
    client = await connected()
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
            if new:
                print(json.dumps(event), flush=True)
            await message.ack()


if sys.argv[1] == "--since":
    asyncio.run(replay(sys.argv[2], sys.argv[4].split(",") if sys.argv[3:4] == ["--types"] else []))
else:
    asyncio.run(follow(sys.argv[1]))
