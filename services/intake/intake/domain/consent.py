"""Whether something of a person may be shared with an agency, who may say so, and which agencies hear of a case; pure.

Nothing here is stored: whoever is about to share asks again. A no counts against every earlier yes that it covers, whichever of the two was
written down first; what is older than the last no is not revived by the expiry of anything.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

BY_CONSENT = "consent"
WRITTEN = "written"
SELF, GUARDIAN, ALTERNATIVE = "self", "guardian", "alternative"
NARRATIVE = "narrative"


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said about sharing a person's data for a purpose; `recipient` None means every agency, `ended` when it was taken back."""

    person: UUID
    purpose: str
    recipient: str | None
    yes: bool
    said: datetime
    until: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """A disclosure, as far as it decides whether it holds."""

    recipient: str
    purpose: str
    persons: tuple[UUID, ...]
    basis: str
    until: datetime
    fields: tuple[str, ...] = ()
    override: str | None = None


@dataclass(frozen=True, slots=True)
class Shares:
    """With whom a case is shared now: agencies that a disclosure holds for, and those that are to learn nothing of somebody in it.

    `covers` says for which purpose and which person a disclosure holds: (recipient, purpose, person).
    """

    disclosed: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()
    covers: frozenset[tuple[str, str, UUID]] = frozenset()


def agreed(words: Iterable[Word], person: UUID, purpose: str, recipient: str, now: datetime) -> bool:
    """Whether a yes holds now, and no later no stands against it."""
    about = [word for word in words if word.person == person and word.purpose == purpose and word.recipient in (None, recipient)]
    noes = [word.ended or word.said for word in about if not word.yes or word.ended]
    return any(
        word.yes and word.ended is None and (word.until is None or now < word.until) and not any(no >= word.said for no in noes) for word in about
    )


def end_of(share: Share, words: Collection[Word], restricted: Mapping[UUID, Collection[str]], now: datetime, *, ended: bool) -> str | None:
    """Why a disclosure holds no longer; None as long as it does. It holds for all its persons or not at all: what it tells concerns them all."""
    if any(share.recipient in restricted.get(person, ()) for person in share.persons):
        return "restricted"
    if share.basis == BY_CONSENT and not all(agreed(words, person, share.purpose, share.recipient, now) for person in share.persons):
        return "consent_ended"
    if now >= share.until:
        return "expired"
    return "case_ended" if ended else None


def lacking(
    share: Share,
    *,
    members: Collection[UUID],
    words: Collection[Word],
    restricted: Mapping[UUID, Collection[str]],
    asker: str,
    unseen: Collection[UUID],
    now: datetime,
) -> list[tuple[str, str]]:
    """What stands in the way of a disclosure that somebody of the agency `asker` wants to make: field and code of each.

    `unseen` are persons of whom she is to learn nothing: she learns neither that, nor passes on what she may not read.
    """
    found: list[tuple[str, str]] = []
    if share.recipient == asker:
        found.append(("recipient", "own_agency"))
    if any(share.recipient in restricted.get(person, ()) for person in share.persons):
        found.append(("recipient", "restricted"))
    if share.until <= now:
        found.append(("until", "in_the_past"))
    if share.basis != BY_CONSENT and share.override is None:
        found.append(("reason", "missing"))
    if share.basis == BY_CONSENT and share.override is not None:
        found.append(("reason", "only_without_consent"))
    for place, person in enumerate(share.persons):
        if person not in members:
            found.append((f"persons.{place}", "unknown_person"))
        elif person in unseen or (share.basis == BY_CONSENT and not agreed(words, person, share.purpose, share.recipient, now)):
            found.append((f"persons.{place}", "consent_missing"))
    if NARRATIVE in share.fields and not set(members) <= set(share.persons):
        found.append((f"fields.{share.fields.index(NARRATIVE)}", "concerns_others_too"))
    return found


# -- who may say so ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ages:
    """From which age a child's own view is asked, is asked in writing, and counts as the consent; and from which she is of age (DOMAIN 2.2)."""

    assents: int = 6
    in_writing: int = 12
    consents: int = 15
    adult: int = 18


@dataclass(frozen=True, slots=True)
class Consenter:
    """Who speaks for a person, and what is said of it; codes as the body has them."""

    given_by: str
    medium: str
    assent: bool | None = None
    reason: str | None = None
    alternative: str | None = None
    relation: str | None = None
    person: UUID | None = None


def consenter_problems(age: int | None, consenter: Consenter, ages: Ages) -> list[tuple[str, str]]:
    """Why this consenter's yes does not count for a person of this age; nobody's age unknown is taken for a child's."""
    found: list[tuple[str, str]] = []
    years = ages.adult if age is None else age
    child = years < ages.adult
    if consenter.given_by == ALTERNATIVE:
        found += [(name, "missing") for name in ("alternative", "reason") if getattr(consenter, name) is None]
    if consenter.given_by == GUARDIAN and not child:
        found.append(("given_by", "adult_decides_herself"))
    if consenter.given_by == GUARDIAN and consenter.relation is None:
        found.append(("relation", "missing"))
    if not child:
        return found
    if consenter.given_by == SELF:
        # From fifteen on a child's own consent counts, with a guardian's where that is safe: so why none was asked is on record.
        if years < ages.consents:
            found.append(("given_by", "child_cannot_alone"))
        elif consenter.reason is None:
            found.append(("reason", "missing"))
        return found
    if years >= ages.assents and not consenter.assent:
        found.append(("assent", "missing" if consenter.assent is None else "child_says_no"))
    if ages.in_writing <= years < ages.consents and consenter.medium != WRITTEN:
        found.append(("medium", "must_be_written"))
    return found


def on_the_list(consenter: Consenter, requesters: Iterable[tuple[UUID | None, str | None]]) -> list[tuple[str, str]]:
    """Why somebody who is to learn nothing of a person cannot speak for her: the one who is on her list (id, relation) consents to nothing."""
    for person, relation in requesters:
        if person is not None and person == consenter.person:
            return [("consenter_id", "on_the_list")]
        if person is None and relation is not None and relation == consenter.relation and consenter.given_by != SELF:
            return [("relation", "on_the_list")]
    return []


# -- who hears of a case --------------------------------------------------------------------------------------------------------------------


def hearers(reporting: str, responsible: str | None, shares: Shares) -> dict[str, bool]:
    """The agencies with a current grant, and whether they hear a reduced feed only: who has but a disclosure does.

    `responsible` is None before the triage.
    """
    full = {reporting, *([responsible] if responsible else [])}
    return {agency: agency not in full for agency in sorted((full | shares.disclosed) - shares.restricted)}


def restricted_by_person(pairs: Sequence[tuple[UUID, str]]) -> dict[UUID, set[str]]:
    """Which agencies are to learn nothing of whom."""
    found: dict[UUID, set[str]] = {}
    for person, agency in pairs:
        found.setdefault(person, set()).add(agency)
    return found
