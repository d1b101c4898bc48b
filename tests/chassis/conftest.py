"""A rig whose one service is the toy."""

import httpx
import pytest
from chassis import Settings
from contracts.household import Household, Person
from contracts.intake import Triaged

from tests.chassis import toy
from tests.rig import Rig


def a_triage(**changes: object) -> Triaged:
    household = Household(household_id="00000000-0000-8000-8000-000000000001", revision=1, persons=(
        Person(person_id="00000000-0000-8000-8000-000000000002", sex="female", role="victim"),))  # fmt: skip
    fields = {"household": household, "area": "31.75.01", "risk": "medium", "responsible_agency": "dppapp", "shelter_needed": True}
    return Triaged(**{**fields, "due_at": "2026-11-24T00:00:00Z", **changes})


async def start_toy(rig: Rig, **more: object) -> None:
    if rig._nats is None:
        await rig.connect()
    database, keys = await rig.templates.empty(), await rig.templates.empty()
    await toy.prepare(database)
    key_file = rig.folder / "kek"
    key_file.write_text("11" * 32)
    settings = Settings(
        database_url=database,
        keys_url=keys,
        key_file=key_file,
        nats_user=f"T{rig.account}",
        nats_password="test",
        issuer=rig.issuer.url,
        jwks_url=f"{rig.issuer.url}/jwks",
        **{"nats_url": rig.servers.nats, "retry_base": 0.05, "reconcile_seconds": 0.3, "recover_seconds": 0.3, **more},
    )
    service = toy.build(settings)
    rig.services["placement"] = service
    rig.clients["placement"] = httpx.AsyncClient(transport=httpx.ASGITransport(service.app(), raise_app_exceptions=False), base_url="http://test")
    await service.start()
    await rig.until(rig._bound)


@pytest.fixture(autouse=True)
def no_poison():
    toy.Poison.cases = set()
    yield
    toy.Poison.cases = set()
