"""What a test does as an agency that subscribes."""

from collections.abc import Callable
from typing import Any

from tests.rig import Rig

S = "notifications"
HERE = {"webhook_allow": ("127.0.0.0/8",), "webhook_poll_seconds": 0.05}


async def subscribe(rig: Rig, url: str, agency: str = "dinsos", **body: Any) -> dict[str, Any]:
    response = await rig.post(S, "/subscriptions", role="agency_system", agency=agency, json={"url": url, **body})
    assert response.status_code == 201, response.text
    return response.json()


async def log_of(rig: Rig, subscription: dict[str, Any], agency: str = "dinsos") -> list[dict[str, Any]]:
    return (await rig.get(S, f"/subscriptions/{subscription['id']}/deliveries", role="agency_system", agency=agency)).json()


async def until(rig: Rig, condition: Callable[[], bool], patience: float = 15) -> None:
    async def holds() -> bool:
        return condition()

    await rig.until(holds, patience)


async def until_logged(rig: Rig, subscription: dict[str, Any], **expected: Any) -> dict[str, Any]:
    """Wait until the newest delivery of a subscription looks like this."""
    seen: dict[str, Any] = {}

    async def looks_so() -> bool:
        log = await log_of(rig, subscription, subscription["agency"])
        seen.update(log[0] if log else {})
        return bool(log) and all(seen[name] == value for name, value in expected.items())

    await rig.until(looks_so, 15)
    return seen


async def nothing_leased(rig: Rig) -> bool:
    return not await rig.sql(S, "SELECT 1 FROM delivery WHERE lease_token IS NOT NULL")
