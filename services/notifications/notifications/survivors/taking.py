"""Takes what intake hands over, keeps it under the person's own key, and stops at once: a stop, an erasure and the end of a case need no key to be obeyed.

An older revision never replaces a newer one; of a newer one that cannot be opened is kept that there is one, and until it can be nothing is sent.
"""

import functools
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import structlog
from chassis import Inputs, Received, Transaction
from chassis.bus.recovery import Lost, Unsaid
from chassis.store import erasure
from chassis.store.vault import ErasedError, Vault
from contracts import intake
from contracts.handover import ContactHandedOver, HandoverAsked, HandoverTaken, SafeContact, SealingKeyOffered
from contracts.notifications import Delivered
from contracts.rights import PersonErased
from joserfc import jwe
from joserfc.errors import JoseError
from sqlalchemy import Row

from notifications.survivors import rows, sealing

log = structlog.get_logger()

STREAM = "HANDOVER"
ALGORITHMS = ["ECDH-ES", "A256GCM"]
NOTHING = {"held": 0, "stopped": False, "content": None}
VaultOf = Callable[[], Vault]
inputs = Inputs()


async def take(messages: Sequence[Received[bytes]], tx: Transaction, vault: VaultOf) -> None:
    """Keep the newest of what was handed over of each person, and say up to which revision it need not be sent again."""
    given = sorted((ContactHandedOver.model_validate_json(message.body) for message in messages), key=lambda fact: fact.revision)
    newest, cause = {fact.person_id: fact for fact in given}, messages[0].cause
    await tx.lock({fact.case_id for fact in newest.values()})
    known = await rows.locked(tx, newest)
    gone = await erasure.ordered(tx, newest)
    for person_id, fact in sorted(newest.items()):
        if person_id in gone or await _keep(tx, fact, known.get(person_id), vault()):
            tx.emit(HandoverTaken(person_id=person_id, revision=fact.revision), fact.case_id, key=f"{person_id}:{fact.revision}", cause=cause)


async def _keep(tx: Transaction, fact: ContactHandedOver, have: Row[Any] | None, vault: Vault) -> bool:
    """Keep a revision; whether it need not be sent again."""
    if have is not None and fact.revision <= have.held:
        return True
    if have is not None and fact.revision < have.announced:
        return False
    kept = {name: getattr(have, name) for name in NOTHING} if have is not None else dict(NOTHING)
    told = {"person_id": fact.person_id, "case_id": fact.case_id, "announced": fact.revision}
    if fact.stopped:
        await tx.execute(rows.HEAR, {**told, "held": fact.revision, "stopped": True, "content": None})
        await rows.cancel(tx, "stopped", persons=[fact.person_id])
        return True
    content = await _opened(vault, fact)
    if content is None:
        await tx.execute(rows.HEAR, {**told, **kept})
        return fact.sealed is None
    try:
        keys = await vault.new([fact.person_id])
    except ErasedError:
        return True
    await tx.execute(rows.HEAR, {**told, "held": fact.revision, "stopped": False, "content": keys.seal(fact.person_id, rows.PLACE, content)})
    await tx.execute(rows.WAKE, {"person_id": fact.person_id, "now": tx.now})
    return True


async def _opened(vault: Vault, fact: ContactHandedOver) -> str | None:
    """The content of what was handed over; None when there is none, or none that this service can open and that is what the message says it is."""
    if fact.sealed is None:
        return None
    try:
        header = fact.sealed.split(".", 1)[0]
        kid = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
        key = await sealing.private(vault, kid)
        if key is None:
            log.warning("handover_for_a_key_that_is_gone")
            return None
        content = jwe.decrypt_compact(fact.sealed, key, algorithms=ALGORITHMS).plaintext or b""
        contact = SafeContact.model_validate_json(content)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("handover_unreadable", error=type(error).__name__)
        return None
    mine = (contact.person_id, contact.case_id, contact.revision) == (fact.person_id, fact.case_id, fact.revision)
    return content.decode() if mine else None


@inputs.consumes(PersonErased)
async def forget(events: Sequence[Received[PersonErased]], tx: Transaction) -> None:
    """Send an erased person nothing any more, and keep nothing that a key could open."""
    persons = {event.data.person_id for event in events}
    await rows.locked(tx, persons)
    await tx.execute(rows.FORGET, {"persons": sorted(persons)})
    await rows.cancel(tx, "erased", persons=persons)


@inputs.consumes(intake.Withdrawn, intake.ReferredOut, intake.ContactLost, intake.Closed)
async def end(events: Sequence[Received[Any]], tx: Transaction) -> None:
    """Send nothing that waits in a case that ended."""
    await rows.cancel(tx, "case_ended", cases={event.subject for event in events})


def with_vault(known: Inputs, vault: VaultOf) -> Inputs:
    """These inputs, and what intake hands over, for which `vault` gives the vault once it runs."""
    return Inputs(known.facts, {**known.raw, STREAM: functools.partial(take, vault=vault)}, known.clocks, known.beforehand, known.at_once)


# -- after a restore ------------------------------------------------------------------------------------------------------------------------


async def relearn(lost: Lost, tx: Transaction) -> None:
    """Go by no rules that are older than those that were taken in a lost hour, and ask for these again; what was delivered then is not sent again."""
    taken = sorted((event for event in lost.own if isinstance(event.data, HandoverTaken)), key=lambda event: event.data.revision)
    for event in {event.data.person_id: event for event in taken}.values():
        if await tx.row(rows.LOSE, {**event.data.model_dump(), "case_id": event.subject}) is not None:
            tx.emit(HandoverAsked(person_id=event.data.person_id), event.subject, key=str(event.data.person_id))
    for event in lost.own:
        if isinstance(event.data, SealingKeyOffered):
            await tx.execute(rows.OFFER, {"kid": event.data.kid, "now": event.time})
        elif isinstance(event.data, Delivered):
            await tx.execute(rows.SENT_AFTER_ALL, {"id": event.data.notice_id, "at": event.time})


async def unsure(tx: Transaction) -> list[Unsaid]:
    """What waited when the backup was made may have been sent since: nothing of it goes by itself any more, people look at each."""
    persons: set[UUID] = {row.person_id for row in await tx.rows(rows.UNSURE, {"now": tx.now})}
    return [Unsaid(person_id, "message_maybe_sent") for person_id in sorted(persons)]
