"""Receivers of webhooks, which end with their test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.notifications.receivers import Receiver


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*plan: int, **more: Any) -> Receiver:
        made.append(Receiver(*plan, **more))
        return made[-1]

    yield make
    for one in made:
        one.server.shutdown()
        one.server.server_close()
