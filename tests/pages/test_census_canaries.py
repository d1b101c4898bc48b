"""Personal data in every field and a secret house: what each role's pages say of them."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from ops.identities import identities

from tests.pages import survey
from tests.pages.life import Life
from tests.pages.visitor import Visitor
from tests.rig import Rig


class RigWorld:
    """The platform of one test, as people of the demo meet it."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        _, service, rest = path.split("/", 2)
        one = identities()[who]
        told = {"role": one.role, "agency": one.agency, "subject": one.subject, "units": one.units, **headers}
        answer = await self.rig.send(method, service, f"/{rest}", json=body, **told)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def publish(self, user: str, subject: str, body: bytes, headers: dict[str, str]) -> None:
        del user
        await self.rig.publish(subject, body, headers)

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        found: list[Any] = []

        async def there() -> bool:
            found[:] = [await look()]
            return bool(found[0])

        await self.rig.until(there)
        return found[0]


@pytest.mark.timeout(240)
async def test_probe(rig: Rig) -> None:
    t0=time.time()
    await rig.start("intake", "placement", "assessment")
    await rig.start("notifications", webhook_allow=("127.0.0.0/8",))
    print("start", time.time()-t0)
    life = Life(RigWorld(rig))
    await life.all()
    await rig.settle()
    print("life", time.time()-t0)
    for role, agency, subject in (("intake_officer","dppapp",None),("supervisor","dppapp",None),("supervisor","dinsos",None),("outreach","dinsos",None),("placement_officer","dinsos",None),("peksos","dinsos",identities()["peksos-1"].subject),("shelter_head","dinsos",None),("operator","dinsos",None)):
        visitors = {s: Visitor(rig, s, role=role, agency=agency, subject=subject, units=identities()["head-6"].units if role == "shelter_head" else ()) for s in ("intake","placement","assessment","notifications")}
        async def look(path: str) -> httpx.Response:
            _, service, _, rest = path.split("/", 3)
            return await visitors[service].see(rest)
        t1=time.time()
        found = await survey.walk(look, survey.starts_of(role))
        print(role, agency, len(found.seen), len(found.kinds()), round(time.time()-t1,1))
        print("   dead", found.dead)
        missing = [k.path for k in survey.kinds() if k not in found.kinds()]
        ALL.difference_update(found.kinds()) if False else None
        SEEN.update(k.path for k in found.kinds())
    print("NEVER", [k.path for k in survey.kinds() if k.path not in SEEN])

SEEN=set(); ALL=set()
