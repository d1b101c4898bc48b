"""The platform on this machine as the people of the demo meet it, for what happens in `tests/pages/life.py`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from uuid import uuid4

import httpx
import nats
from chassis.web.pages.session import COOKIE
from ops.identities import identities

from tests.pages import survey
from tests.pages.conftest import PATIENCE, Town
from tests.pages.survey import Survey


class TownWorld:
    """A town; what is awaited here runs in the town's own loop."""

    def __init__(self, town: Town) -> None:
        self.town, self.tokens = town, dict[str, str]()
        self.client = httpx.AsyncClient(timeout=30, trust_env=False, base_url=town.origin)

    async def token(self, who: str) -> str:
        if who not in self.tokens:
            self.tokens[who] = await self.town.platform.token(who)
        return self.tokens[who]

    async def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told |= {"Authorization": f"Bearer {await self.token(who)}", "Idempotency-Key": uuid4().hex}
        answer = await self.client.request(method, path, json=body, headers=told)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    async def publish(self, user: str, subject: str, body: bytes, headers: dict[str, str]) -> None:
        platform = self.town.platform
        client = await nats.connect(platform.nats.url, user=user, password=platform.secrets.passwords[user], inbox_prefix=f"_INBOX_{user}")
        await client.jetstream().publish(subject, body, headers=headers)
        await client.close()

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        deadline = time.monotonic() + PATIENCE
        while not (found := await look()):
            assert time.monotonic() < deadline, "it never came"
            await asyncio.sleep(0.05)
        return found

    async def walk(self, who: str, *more: str, only: bool = False) -> Survey:
        """All that somebody is led to, from the navigation and from these pages, or from these alone."""
        cookie = {"cookie": f"{COOKIE}={await self.token(who)}; naungan-language=id"}

        async def look(path: str) -> httpx.Response:
            return await self.client.get(path, headers=cookie)

        return await survey.walk(look, [*([] if only else survey.starts_of(identities()[who].role)), *more])

    async def walks(self, led: Mapping[str, Iterable[str]]) -> dict[str, Survey]:
        """All that each of these is led to, from the navigation and from these pages; they walk at once."""
        found = await asyncio.gather(*(self.walk(who, *more) for who, more in led.items()))
        return dict(zip(led, found, strict=True))
