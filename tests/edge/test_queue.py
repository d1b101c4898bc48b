"""The site's queue: what is kept, what is handed over again, and when a message goes."""

import json
from pathlib import Path

import pytest
from ops.edge import queue as queues
from ops.edge import site
from ops.edge.hub import sites
from ops.edge.queue import Queue
from ops.edge.words import TEXTS, State


@pytest.fixture
def queue(tmp_path):
    made = Queue(tmp_path / "queue.sqlite", most=3)
    yield made
    made.close()


@pytest.fixture
def now(monkeypatch):
    """The queue's clock, which a test moves."""
    at = [1000.0]
    monkeypatch.setattr(queues.time, "time", lambda: at[0])
    return at


def test_a_message_is_due_until_its_receipt_each_time_later(queue, now):
    assert queue.keep("R-1", b"one") is State.QUEUED
    (first,) = queue.due(10)
    queue.handed_over([first])
    assert (queue.due(10), queue.status("R-1")[0]) == ([], State.HANDED_OVER)
    now[0] += 16
    (second,) = queue.due(10)
    assert (second.id, second.body, second.tries) == (first.id, b"one", 1)
    queue.handed_over([second])
    now[0] += 16
    assert queue.due(10) == []
    queue.receive([("e-1", "receipt.accepted.v1", {"reference": "R-1", "follow_id": "f"}), ("e-2", "receipt.accepted.v1", {"reference": "other"})])
    now[0] += 10_000
    assert (queue.due(10), queue.status("R-1")) == ([], (State.RECEIVED, [{"type": "receipt.accepted.v1", "reference": "R-1", "follow_id": "f"}]))
    assert queue.status("other") == (None, [])
    assert queue.keep("R-1", b"one") is State.RECEIVED, "the same bytes again are the same message"


def test_a_held_message_is_kept_until_the_real_receipt(queue, now):
    queue.keep("R-1", b"one")
    queue.handed_over(queue.due(10))
    queue.receive([("e-1", "receipt.held.v1", {"reference": "R-1"})])
    now[0] += 601
    again = queue.due(10)
    queue.handed_over(again)
    assert (len(again), queue.status("R-1")[0]) == (1, State.RECEIVED)
    queue.receive([("e-2", "receipt.rejected.v1", {"reference": "R-1"})])
    now[0] += 10_000
    assert queue.due(10) == []
    assert [receipt["type"] for receipt in queue.status("R-1")[1]] == ["receipt.held.v1", "receipt.rejected.v1"]


def test_a_full_queue_says_so_and_forgets_after_months(queue, now):
    assert [queue.keep(f"R-{n}", bytes([n])) for n in range(4)] == [State.QUEUED] * 3 + [None]
    assert queue.keep("R-0", bytes([0])) is State.QUEUED, "what is there already is no more than it was"
    queue.receive([("e-0", "receipt.accepted.v1", {"reference": "R-0"})])
    assert queue.keep("R-4", b"four") is State.QUEUED
    now[0] += queues.KEPT + 1
    queue.receive([("e-1", "receipt.accepted.v1", {"reference": "R-1"})])
    assert queue.status("R-0") == (None, [])
    assert len(queue.due(10)) == 2, "what has no receipt is never forgotten"


def test_every_state_is_told_in_both_languages_with_the_number():
    assert set(TEXTS) == set(State)
    assert all(list(texts) == ["id", "en"] and all("{call}" in text for text in texts.values()) for texts in TEXTS.values())


def test_a_site_is_made_once_and_readable_by_its_owner_only(tmp_path):
    made = site.make(tmp_path / "s", "polda-ppa:kemayoran", "tls://hub.example:7422", "p:w", call="129", keys_url=None, listen="127.0.0.1:4222")
    folder = tmp_path / "s"
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == dict.fromkeys(
        ("nats.conf", "compose.yml", "edge.json"), "0o600"
    )
    assert "tls://edge_polda-ppa_kemayoran:p%3Aw@hub.example:7422" in (folder / "nats.conf").read_text()
    assert site.read(folder) == made
    assert json.loads((folder / "edge.json").read_text())["office"] not in (folder / "compose.yml").read_text()
    with pytest.raises(ValueError, match="already"):
        site.make(folder, "polda-ppa:kemayoran", "tls://hub.example:7422", "x", call="129", keys_url=None, listen="127.0.0.1:4222")
    with pytest.raises(ValueError, match="agency:site"):
        site.make(Path(tmp_path / "t"), "Polda > kemayoran", "tls://hub.example:7422", "x", call="129", keys_url=None, listen="127.0.0.1:4222")
    with pytest.raises(ValueError, match="not a site"):
        sites("polda-ppa.>:x")
