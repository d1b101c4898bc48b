"""Whether an agency code is one of somebody who takes part: by the register that the operator keeps, and by the settings that name who leads."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency as the newest version of its entry says."""

    code: str
    units: frozenset[str]
    active: bool


@dataclass(frozen=True, slots=True)
class Register:
    """All entries; `kept` is whether there is any: a register that nobody keeps refuses nobody."""

    entries: Mapping[str, Agency]
    kept: bool

    def knows(self, code: str, *, ended_too: bool = False) -> bool:
        """Whether this agency takes part, or did once where that is asked."""
        entry = self.entries.get(code)
        return not self.kept or (entry is not None and (entry.active or ended_too))

    def has_unit(self, code: str, unit: str) -> bool:
        """Whether an agency has a unit of this code; one whose units nobody listed may have any."""
        entry = self.entries.get(code)
        return not self.kept or entry is None or not entry.units or unit in entry.units


def united(registered: Iterable[Agency], named: Mapping[str, Collection[str]]) -> Register:
    """The register with those whom the settings name (code to units): they lead cases, and so take part whatever the register says."""
    entries = {entry.code: entry for entry in registered}
    kept = bool(entries)
    for code, units in named.items():
        listed = entries[code].units if code in entries else frozenset()
        entries[code] = Agency(code, listed | frozenset(units) if listed or code not in entries else listed, active=True)
    return Register(entries, kept)


def named(leads: Iterable[tuple[str, str | None]], usual: Iterable[str | None]) -> dict[str, set[str]]:
    """The agencies that settings name, with the units that lead for them: lines of (agency, unit), and single codes."""
    found: dict[str, set[str]] = {code: set() for code in usual if code}
    for code, unit in leads:
        found.setdefault(code, set()).update({unit} if unit else ())
    return found
