"""The invented people and systems of the demo; their ids never change, so that seed data can name them."""

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

NAMESPACE = UUID("5b0c1ac4-65f7-4f3e-8f0e-2f6f3b1f9d10")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is in the demo: a name to ask the issuer for, a role, an agency, and the units she or he heads."""

    name: str
    role: str
    agency: str
    units: tuple[str, ...] = ()

    @property
    def subject(self) -> UUID:
        """The `sub` of this identity's tokens."""
        return uuid5(NAMESPACE, self.name)


def _heads() -> list[Identity]:
    shelters = json.loads((Path(__file__).parent / "seed_shelters.json").read_text())
    return [Identity(f"head-{number}", "shelter_head", "dinsos", (str(shelter["shelter_id"]),)) for number, shelter in enumerate(shelters, 1)]


def identities() -> dict[str, Identity]:
    """All demo identities by name: officers, a head per shelter, social workers, and the agencies' systems."""
    known = [
        Identity("desk-dppapp", "intake_officer", "dppapp"),
        Identity("desk-dinsos", "intake_officer", "dinsos"),
        Identity("outreach-dinsos", "outreach", "dinsos"),
        Identity("supervisor-dppapp", "supervisor", "dppapp"),
        Identity("supervisor-dinsos", "supervisor", "dinsos"),
        Identity("placement-dinsos", "placement_officer", "dinsos"),
        *(Identity(f"peksos-{number}", "peksos", "dinsos") for number in range(1, 7)),
        *(Identity(f"system-{agency}", "agency_system", agency) for agency in ("dppapp", "dinsos", "polda-ppa", "rs-harapan")),
        Identity("operator", "operator", "dinsos"),
        *_heads(),
    ]
    return {identity.name: identity for identity in known}
