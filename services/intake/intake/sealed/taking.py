"""Opens what agencies sealed before anything is read of it; what cannot be opened waits for an operator, or goes back to the agency with the reason.

The desk has a task for each message that waits: it cannot read it either, but it can call the agency.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from chassis import Due, Received, Transaction
from chassis.store.vault import Vault
from contracts.agencies import Problem as Told
from contracts.agencies import ReceiptRejected
from contracts.catalogue import said_by
from contracts.messages import ReceiptHeld, SealedMessage

from intake import opening, store
from intake.opening import VaultOf
from intake.sealed import keys, rows
from intake.sealed.bodies import Opened, Shut, open_sealed

SUFFIX = ".sealed.v1"
# What may be inside: everything that an agency may say, but another sealed message.
INSIDE = {event.type: event for event in said_by("agency") if event is not SealedMessage}
Take = Callable[[Sequence[Received[bytes]], Transaction], Awaitable[None]]


async def open_all(messages: Sequence[Received[bytes]], tx: Transaction, vault: Vault) -> list[Received[bytes]]:
    """The messages in their order, the sealed ones as what is inside; those that cannot be opened are held or refused, and are not among them."""
    if not any(message.route.endswith(SUFFIX) for message in messages):
        return list(messages)
    private = {key.kid: key.private for key in await keys.known(vault)}
    opened: list[Received[bytes]] = []
    refused: list[opening.Refused] = []
    for message in messages:
        found = open_sealed(message.body, _agency(message), private, INSIDE) if message.route.endswith(SUFFIX) else None
        if found is None:
            opened.append(message)
        elif isinstance(found, Opened):
            opened.append(_inside(message, found))
        elif found.held:
            await _hold(tx, vault, message, found)
        else:
            refused.append((_agency(message), found.reference, (found.problem,), message.body, message.cause))
    await _refuse(tx, vault, refused)
    return opened


def _agency(message: Received[bytes]) -> str:
    return message.route.split(".")[1]


def _inside(message: Received[bytes], found: Opened) -> Received[bytes]:
    """The message as if it had come in the clear."""
    root, rest = found.type.split(".", 1)
    return replace(message, route=f"{root}.{_agency(message)}.{rest}", body=found.body, data=found.body)


async def _hold(tx: Transaction, vault: Vault, message: Received[bytes], shut: Shut) -> None:
    """Keep it, tell the agency that there is nothing to do, and give the desk a task; the same message again only gets its receipt again."""
    agency, (field, code) = _agency(message), shut.problem
    receipt = ReceiptHeld(agency=agency, reference=shut.reference, problems=(Told(field=field, code=code),))
    tx.emit(receipt, tx.new_id("receipt", cause=message.cause), key="held", cause=message.cause)
    if not await rows.hold(tx, vault, message, shut):
        return
    task = {"task_id": message.id, "kind": "held", "agency": agency, "reference": shut.reference, "problems": [shut.problem]}
    await store.add(tx, store.TASKS, [{**task, "fingerprint": message.id.bytes, "opened_at": tx.now}])
    tx.set_clock("desk", message.id, tx.now + tx.settings.span(hours=tx.settings.held_hours), cause=message.cause)


async def _refuse(tx: Transaction, vault: Vault, refused: Sequence[opening.Refused]) -> None:
    await opening.keep_for_the_desk(tx, vault, refused)
    for agency, reference, problems, _, cause in refused:
        told = tuple(Told(field=field, code=code) for field, code in problems)
        tx.emit(ReceiptRejected(agency=agency, reference=reference, problems=told), tx.new_id("receipt", cause=cause), cause=cause)


class Held:
    """The clock of messages that are tried again: what is opened goes through the same door as it would have, once."""

    def __init__(self, vault: VaultOf, take: Take) -> None:
        self.vault, self.take = vault, take

    async def try_again(self, due: Sequence[Due], tx: Transaction) -> None:
        """Open what can be opened now; the rest goes on waiting."""
        vault = self.vault()
        private = {key.kid: key.private for key in await keys.known(vault)}
        freed: list[Received[bytes]] = []
        for row in await tx.rows(rows.THESE, {"ids": [clock.subject for clock in due]}):
            message = rows.message(row, vault)
            found = open_sealed(message.body, row.agency, private, INSIDE) if row.route.endswith(SUFFIX) else None
            if isinstance(found, Shut) and found.held:
                await rows.again(tx, row.id, found)
            else:
                freed.append(message)
        await _free(tx, [message.id for message in freed])
        if freed:
            await self.take(freed, tx)


async def _free(tx: Transaction, ids: Sequence[UUID]) -> None:
    await tx.execute(rows.GONE, {"ids": list(ids)})
    for held_id in ids:
        await tx.execute(store.FINISH, {"task_id": held_id, "now": tx.now})
        tx.cancel_clock("desk", held_id)
