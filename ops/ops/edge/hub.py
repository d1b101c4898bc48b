"""What the platform grants a site: a durable on its agency's receipts, and a user that may send sealed messages and nothing that is plain."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.streams import Durable

USER = re.compile(r"edge_(?P<agency>[a-z0-9-]+)_(?P<site>[a-z0-9-]+)\Z")
SITE = re.compile(r"(?P<agency>[a-z][a-z0-9-]{1,30}):(?P<site>[a-z][a-z0-9-]{1,30})\Z")


@dataclass(frozen=True, slots=True)
class Site:
    """One office of an agency; what it may is what its leaf node's user may, whoever is connected there."""

    agency: str
    name: str

    @property
    def user(self) -> str:
        """Its user at the platform, and its durable there; no code has an underscore, so that no two sites have one name."""
        return f"edge_{self.agency}_{self.name}"

    @property
    def delivery(self) -> str:
        """Where its agency's receipts are pushed to while it listens: what is asked of JetStream does not pass a leaf node, what it says does."""
        return f"edged.{self.agency}.{self.name}"

    @property
    def durable(self) -> Durable:
        """What its agency's receipts are pushed from; the agency's own durable is not touched by it."""
        return Durable("RECEIPTS", self.user, (f"receipt.{self.agency}.>",))

    @property
    def calls(self) -> list[str]:
        """All that it may say: its sealed messages, and that it has what was pushed to it."""
        return [self.subject, f"$JS.ACK.{self.durable.stream}.{self.durable.name}.>"]

    @property
    def subject(self) -> str:
        """The only subject on which it can say anything."""
        return f"referral.{self.agency}.sealed.v1"


def sites(told: str) -> list[Site]:
    """Sites as an operator lists them: `agency:site`, with commas. Raises ValueError for what is none."""
    found: list[Site] = []
    for one in filter(None, told.split(",")):
        match = SITE.match(one)
        if match is None:
            message = f"not a site, as agency:site: {one!r}"
            raise ValueError(message)
        found.append(Site(match["agency"], match["site"]))
    return found


def known(users: Iterable[str]) -> list[Site]:
    """The sites among users, whose names say whose they are."""
    found = [match for match in map(USER.match, users) if match is not None]
    return [Site(match["agency"], match["site"]) for match in found]


def listener(address: str, told: Iterable[Site], tls: str = "") -> str:
    """The part of the platform's server configuration that lets sites connect, with its `tls` block; nothing where there is none."""
    return f'leafnodes {{\n  listen: "{address}"\n  {tls.strip()}\n}}\n' if list(told) else ""
