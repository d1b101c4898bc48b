"""Which agencies may come in over NATS, and by which credentials: a roster in a file, its rules, and what of it the brokers are told."""

import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nkeys

from ops.nats_users import CODE, PUBLIC_KEY, TAKEN, Login

NKEY, PASSWORD = "nkey", "password"


class RosterError(Exception):
    """What was asked for is not done, and why; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One way in of one agency: `secret` is a password or, of an NKEY, the public half. It ends at `ends_at`; one that has ended keeps no password."""

    number: int
    kind: str
    secret: str
    made_at: datetime
    ends_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it lets somebody in."""
        return self.ends_at is None or now < self.ends_at

    def login(self, agency: str) -> Login:
        """What the broker is told of it. The first password's user is the agency's code, a later one's has its number too, after a sign that no code has."""
        if self.kind == NKEY:
            return Login(public_key=self.secret)
        return Login(agency if self.number == 1 else f"{agency}.{self.number}", self.secret)


Roster = Mapping[str, Sequence[Credential]]


def add(roster: Roster, agency: str, kind: str, secret: str, now: datetime) -> Roster:
    """The roster with a credential for an agency that has none that holds. Raises RosterError for a code or key that is none, or an agency that has one."""
    if not CODE.match(agency) or agency in TAKEN:
        message = f"{agency!r} is no agency code: 2 to 31 small letters, digits and hyphens, a letter first, and no service's name"
        raise RosterError(message)
    if any(credential.holds(now) for credential in roster.get(agency, ())):
        message = f"{agency} may come in already: rotate gives it another credential"
        raise RosterError(message)
    return _with(roster, agency, kind, secret, now)


def rotate(roster: Roster, agency: str, kind: str, secret: str, now: datetime, *, overlap: timedelta) -> Roster:
    """The roster with another credential; those from before end after `overlap`, or when they would have. Raises RosterError for who has none that holds."""
    _holding(roster, agency, now)
    ending = [_ended(credential, now, now + overlap) for credential in roster[agency]]
    return _with({**roster, agency: ending}, agency, kind, secret, now)


def revoke(roster: Roster, agency: str, number: int | None, now: datetime) -> Roster:
    """The roster in which this credential of an agency (all of them without a number) has ended. Raises RosterError when there is none that holds."""
    holding = _holding(roster, agency, now)
    if number is not None and number not in {credential.number for credential in holding}:
        message = f"{agency} has no credential {number} that holds"
        raise RosterError(message)
    ended = [_ended(credential, now, now) if number in (None, credential.number) else credential for credential in roster[agency]]
    return {**roster, agency: ended}


def swept(roster: Roster, now: datetime) -> Roster:
    """The roster without the passwords of what has ended."""
    return {
        agency: [credential if credential.holds(now) or credential.kind == NKEY else replace(credential, secret="") for credential in credentials]
        for agency, credentials in roster.items()
    }


def logins(roster: Roster, now: datetime) -> dict[str, list[Login]]:
    """What lets each agency in now; an agency that nothing lets in is there too, so that its durables stay out of everybody's reach."""
    return {agency: [found.login(agency) for found in credentials if found.holds(now)] for agency, credentials in sorted(roster.items())}


def shut_out(roster: Roster, now: datetime) -> list[str]:
    """The agencies whose access has ended: each of their credentials has, so that they come in by no door, until they are added again."""
    return [agency for agency, credentials in sorted(roster.items()) if credentials and not any(found.holds(now) for found in credentials)]


def _holding(roster: Roster, agency: str, now: datetime) -> list[Credential]:
    holding = [credential for credential in roster.get(agency, ()) if credential.holds(now)]
    if not holding:
        message = f"{agency} may not come in: add lets it"
        raise RosterError(message)
    return holding


def _with(roster: Roster, agency: str, kind: str, secret: str, now: datetime) -> Roster:
    if kind == NKEY:
        if not PUBLIC_KEY.match(secret) or not _decodes(secret):
            message = f"{secret!r} is no public key of a user: it begins with U and has 56 signs"
            raise RosterError(message)
        if any(credential.secret == secret for credentials in roster.values() for credential in credentials):
            message = "this key is on the roster already, or was: every credential takes a key of its own"
            raise RosterError(message)
    known = roster.get(agency, ())
    number = 1 + max((credential.number for credential in known), default=0)
    return {**roster, agency: [*known, Credential(number, kind, secret, now)]}


def _decodes(public_key: str) -> bool:
    """Whether the checksum of a public key is right: one that was mistyped would let nobody in, and nobody would know why."""
    try:
        raw = base64.b32decode(public_key)
    except ValueError:
        return False
    return bool(nkeys.crc16(raw[:-2]) == int.from_bytes(raw[-2:], "little"))


def _ended(credential: Credential, now: datetime, at: datetime) -> Credential:
    return replace(credential, ends_at=min(at, credential.ends_at or at)) if credential.holds(now) else credential


def new_key() -> tuple[str, str]:
    """A new NKEY of a user: its seed, which is the agency's secret, and its public half."""
    seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
    return seed.decode(), nkeys.from_seed(bytearray(seed)).public_key.decode()


class Book:
    """The roster's file; `changing` is how to change it, so that two who do it at once both are heard.

    Who is on it at all stands in a file beside it, or in a folder `known` of its own, for whoever may not know by what they come in.
    """

    def __init__(self, folder: Path, known: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path, self.codes = folder / "roster.json", (known or folder) / "codes.json"
        self.limits = folder / "limits.json"

    def read(self) -> Roster:
        """The roster as it is."""
        kept: dict[str, list[dict[str, Any]]] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return {agency: [_read(entry) for entry in entries] for agency, entries in kept.items()}

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.path.with_suffix(".lock")).open("w") as claim:
            fcntl.flock(claim, fcntl.LOCK_EX)
            yield

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, Sequence[Credential]]]:
        """The roster to change in place; kept when the block ends well."""
        with self._alone():
            roster = dict(self.read())
            yield roster
            kept = {agency: [asdict(credential) for credential in credentials] for agency, credentials in swept(roster, datetime.now(UTC)).items()}
            _replace(self.path, json.dumps(kept, default=str, indent=1), 0o600)
            # Whose durables there are to be is no secret; what lets somebody in is.
            _replace(self.codes, json.dumps(sorted(kept)), 0o644)

    def rates(self) -> dict[str, int]:
        """How much in a minute these agencies may send, where that is not the usual."""
        kept: dict[str, int] = json.loads(self.limits.read_text()) if self.limits.exists() else {}
        return kept

    def limit(self, agency: str, per_minute: int | None) -> None:
        """Let an agency send so much in a minute, or what is usual. Raises RosterError for one that was never on the roster."""
        if agency not in self.read():
            message = f"{agency} was never let in: add lets it"
            raise RosterError(message)
        with self._alone():
            kept = self.rates() | ({agency: per_minute} if per_minute else {})
            if not per_minute:
                kept.pop(agency, None)
            _replace(self.limits, json.dumps(kept, indent=1), 0o600)

    def begin(self, passwords: Mapping[str, str]) -> None:
        """Let these agencies in by a password, each that was never on the roster: one that was revoked stays out."""
        if all(agency in self.read() for agency in passwords) and self.codes.exists():
            return
        with self.changing() as roster:
            for agency, password in passwords.items():
                if agency not in roster:
                    roster.update(add(roster, agency, PASSWORD, password, datetime.now(UTC)))

    def sweep(self) -> None:
        """Forget the passwords of what has ended."""
        roster = self.read()
        if swept(roster, datetime.now(UTC)) != roster:
            with self.changing():
                pass

    def first_passwords(self) -> dict[str, str]:
        """The passwords by which agencies come in under their code alone."""
        now = datetime.now(UTC)
        held = {agency: found for agency, credentials in self.read().items() for found in credentials if found.number == 1 and found.holds(now)}
        return {agency: found.secret for agency, found in held.items() if found.kind == PASSWORD}


def _read(entry: Mapping[str, Any]) -> Credential:
    ends = entry["ends_at"]
    return Credential(
        entry["number"],
        entry["kind"],
        entry["secret"],
        datetime.fromisoformat(entry["made_at"]),
        datetime.fromisoformat(ends) if ends else None,
    )


def _replace(path: Path, content: str, mode: int) -> None:
    """The old content or the new one is there whatever happens, never half of one."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
