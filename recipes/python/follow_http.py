"""Follow your cases over plain HTTP: a snapshot first, then server-sent events from its position.

    python follow_http.py events.db            follow until somebody ends this
    python follow_http.py --since 2026-11-01T00:00:00Z   print what was said since then, and end

An event and its position are kept in one transaction: killed and started again, it goes on where it was. A position of before a restore of
the platform is refused (410): then everything begins again with a snapshot.
"""

import json
import os
import sqlite3
import sys
import time
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

GONE = 410


def get(path, headers=None, **query):
    """Ask intake; the open answer."""
    url = f"{os.environ['NAUNGAN_URL']}/intake{path}?{urlencode(query)}"
    return urlopen(Request(url, headers={"Authorization": f"Bearer {os.environ['NAUNGAN_TOKEN']}", **(headers or {})}), timeout=40)


def opened(path):
    """The file of what was heard: the snapshot it began with, the events since, and the position."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = wal")
    db.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, event TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS began (follow_id TEXT PRIMARY KEY, snapshot TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), position TEXT)")
    return db


def begin(db):
    """Keep a snapshot in the place of all that was known, and its position."""
    cases, page = [], json.load(get("/feed/snapshot"))
    while page["next"]:
        cases += page["cases"]
        page = json.load(get("/feed/snapshot", cursor=page["next"]))
    cases += page["cases"]
    db.execute("BEGIN")
    db.execute("DELETE FROM event")
    db.execute("DELETE FROM began")
    db.executemany("INSERT INTO began VALUES (?, ?)", [(case["follow_id"], json.dumps(case)) for case in cases])
    db.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (page["position"],))
    db.execute("COMMIT")


def take(db, position, event):
    """Keep an event and its position; whether it is new."""
    db.execute("BEGIN")
    new = db.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", (event["id"], json.dumps(event))).rowcount
    db.execute("UPDATE place SET position = ?", (position,))
    db.execute("COMMIT")
    return new


def listen(db):
    """Take events as they come, until the stream ends: it does so every few minutes, for a fresh token."""
    (position,) = db.execute("SELECT position FROM place").fetchone()
    with get("/feed/events", {"Accept": "text/event-stream", "Last-Event-ID": position}) as stream:
        fields = {}
        for line in stream:
            name, _, value = line.decode().rstrip("\r\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                event = json.loads(fields["data"])
                if take(db, fields["id"], event):
                    print(json.dumps(event), flush=True)
                fields = {}
            else:
                fields = {}  # a comment: the connection is alive


def follow(path):
    """Follow for ever."""
    db = opened(path)
    while True:
        try:
            if db.execute("SELECT 1 FROM place").fetchone() is None:
                begin(db)
            listen(db)
        except HTTPError as refused:
            if refused.code == GONE:
                db.execute("DELETE FROM place")
                continue
            print(f"{refused.code}: {refused.read().decode()}", file=sys.stderr)
            time.sleep(1)
        except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
            print(f"{type(error).__name__}, again", file=sys.stderr)
            time.sleep(0.5)


def replay(since):
    """Print what was said since a time."""
    page = json.load(get("/feed", since=since))
    while True:
        for entry in page["events"]:
            print(json.dumps(entry["event"]), flush=True)
        if not page["more"]:
            return
        page = json.load(get("/feed", after=page["position"]))


if sys.argv[1] == "--since":
    replay(sys.argv[2])
else:
    follow(sys.argv[1])
