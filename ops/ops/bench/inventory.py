"""What the measured services find in their stores: the demo's shelters, about as many beds as Jakarta has, and social workers; all invented."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

AREA = "31.75.01"
WORKERS = 40
SHELTERS: list[dict[str, Any]] = json.loads((Path(__file__).parent.parent / "seed_shelters.json").read_text())
PLAIN = ("shelter_id", "name", "kind", "secret", "area", "sexes", "min_age", "max_age", "boys_max_age", "accepts_needs", "stay_review_days")
NEW_SHELTER = """
    INSERT INTO shelter (id, name, kind, secret, area, sexes, min_age, max_age, boys_max_age, accepts_needs, stay_review_days, grounds_required,
        open, version, address_sealed, phone_sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, true, 1, '', '')"""
NEW_ROOM = "INSERT INTO room (id, shelter_id, name, family, accessible, isolation) VALUES ($1, $2, $3, $4, $5, $6)"


async def add_shelters(store: Any) -> None:
    """Write shelters, rooms and beds into a store of placement."""
    for shelter in SHELTERS:
        await store.execute(NEW_SHELTER, *(shelter[name] for name in PLAIN), shelter["grounds_required"])
        rooms = [(r["room_id"], shelter["shelter_id"], r["name"], r["family"], r["accessible"], r["isolation"]) for r in shelter["rooms"]]
        await store.executemany(NEW_ROOM, rooms)
        beds = [(bed, room["room_id"]) for room in shelter["rooms"] for bed in room["beds"]]
        await store.executemany("INSERT INTO bed (id, room_id, out_of_service) VALUES ($1, $2, false)", beds)


async def add_workers(store: Any, agency: str = "dppapp") -> None:
    """Write social workers into a store of assessment."""
    rows = [(worker_id(number), agency, [AREA], True) for number in range(WORKERS)]
    await store.executemany("INSERT INTO worker (worker_id, agency, areas, active) VALUES ($1, $2, $3, $4)", rows)


def worker_id(number: int) -> UUID:
    """The id of one social worker."""
    return uuid5(UUID(int=1), str(number))


async def empty_shelters(store: Any) -> None:
    """Let everybody go whom a round placed: the same beds for every round. Only while nothing is on its way."""
    await store.execute("""
        DELETE FROM clock WHERE kind IN ('hold', 'match', 'availability', 'waiting_review');
        UPDATE stay SET during = 'empty', ended_as = 'left' WHERE ended_as IS NULL;
        UPDATE placement SET state = 'ended' WHERE state IN ('offered', 'accepted', 'on_the_way', 'admitted');
        UPDATE need SET state = 'settled', waitlisted = false, review_at = NULL WHERE state IN ('waiting', 'offered')""")
