"""A release runs on the schema of the next one, which adds columns: the two run side by side while an upgrade goes on."""

import asyncpg
import pytest
from contracts.streams import SERVICES

from tests.pages.life import Life
from tests.pages.test_census_canaries import RigWorld
from tests.rig import Rig

TABLES = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"


@pytest.mark.timeout(240)
async def test_columns_of_the_next_release_stand_in_nobodys_way(rig: Rig) -> None:
    await rig.connect()
    for name in SERVICES:
        store, more = await rig.templates.copy(name), {"webhook_allow": ("127.0.0.0/8",)} if name == "notifications" else {}
        later = await asyncpg.connect(store)
        for row in await later.fetch(TABLES):
            await later.execute(f'ALTER TABLE "{row["relname"]}" ADD COLUMN of_a_later_release text')
        await later.close()
        rig.add(name, rig.settings(name, store, await rig.templates.empty(), **more))
    for name in SERVICES:
        await rig.services[name].start()
    life = Life(RigWorld(rig))
    await life.all()
    await rig.settle()
    for name in SERVICES:
        aside = {row.reason for row in await rig.sql(name, "SELECT reason FROM dead_letter")}
        assert aside <= {"envelope: ValueError"}, (name, aside)  # what `life` poisons
