"""Refer cases over NATS, and know what became of each.

    echo '{"reference": "A-1", "urgency": "high", "callback": "+62 ..."}' | python refer_nats.py referrals.db

Each line is kept in a file before it is sent, and sent again until its receipt is in the file too. A PubAck only says that it waits for intake.
It ends when every referral has its receipt: each is printed, with the fields to correct where it was refused; what an earlier run kept comes first.
"""

import asyncio
import json
import os
import sqlite3
import sys
import time

import nats
from nats.errors import Error

AGENCY = os.environ["NAUNGAN_AGENCY"]
FIRST, LONGEST = float(os.environ.get("NAUNGAN_RESEND", "15")), 600.0  # seconds until it is sent again; twice as long each time


def opened(path):
    """The file of what was sent and received."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE IF NOT EXISTS referral (reference TEXT PRIMARY KEY, body TEXT, receipt TEXT)")
    return db


async def send(js, db, due):
    """Send what has no receipt and is due; when each is due next is put down in `due`."""
    for reference, body in db.execute("SELECT reference, body FROM referral WHERE receipt IS NULL").fetchall():
        at, pause = due.get(reference, (0.0, FIRST))
        if time.monotonic() < at:
            continue
        due[reference] = (time.monotonic() + pause, min(2 * pause, LONGEST))
        try:
            await js.publish(f"referral.{AGENCY}.submitted.v1", body.encode(), timeout=5)
        except (Error, OSError) as error:
            due[reference] = (time.monotonic() + 1, FIRST)  # it was not even taken by the broker: soon again
            print(f"{reference}: not sent yet ({type(error).__name__})", file=sys.stderr)


async def receive(receipts, db):
    """Keep the receipts that came, and acknowledge them once they are kept."""
    try:
        messages = await receipts.fetch(50, timeout=1)
    except (Error, OSError):
        return
    for message in messages:
        receipt = json.loads(message.data) | {"receipt": message.headers["ce-type"].split(".")[1]}
        told = db.execute("UPDATE referral SET receipt = ? WHERE reference = ? AND receipt IS NULL", (json.dumps(receipt), receipt["reference"]))
        await message.ack_sync()
        if told.rowcount or receipt["reference"] is None:  # without a reference it could not be read at all
            print(json.dumps(receipt), flush=True)


async def main(path):
    """Refer what comes in, until each has its receipt."""
    db, due = opened(path), {}
    for line in filter(str.strip, sys.stdin):
        db.execute("INSERT OR IGNORE INTO referral (reference, body) VALUES (?, ?)", (json.loads(line)["reference"], line))
    for (receipt,) in db.execute("SELECT receipt FROM referral WHERE receipt IS NOT NULL").fetchall():
        print(receipt, flush=True)  # whoever was killed may have kept it and not said it
    client = await nats.connect(
        os.environ["NAUNGAN_NATS"],
        user=AGENCY,
        password=os.environ["NAUNGAN_PASSWORD"],
        inbox_prefix=f"_INBOX_{AGENCY}".encode(),
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
    )
    js = client.jetstream()
    receipts = await js.pull_subscribe_bind(f"agency-{AGENCY}", stream="RECEIPTS")
    while db.execute("SELECT 1 FROM referral WHERE receipt IS NULL").fetchone():
        await send(js, db, due)
        await receive(receipts, db)
    await client.close()


asyncio.run(main(sys.argv[1]))
