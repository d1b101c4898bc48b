"""Which shelters a demonstration starts with: invented homes of the kinds that Jakarta has, none with a real name or address.

Their ids never change: uuid5 of the demo's namespace and `shelter/<slug>`, of the shelter and the room's name, of the shelter and
`<room>/<number of the bed>`. A home that is added or given more beds leaves the ids of all others as they are.
"""

import json
from pathlib import Path
from typing import Any, Final

SHELTERS: Final = Path(__file__).parent / "seed_shelters.json"


def demo_shelters() -> list[dict[str, Any]]:
    """Every demo shelter with its rooms and bed ids, as in seed_shelters.json; the caller may change what it gets."""
    shelters: list[dict[str, Any]] = json.loads(SHELTERS.read_text(encoding="utf-8"))
    return shelters
