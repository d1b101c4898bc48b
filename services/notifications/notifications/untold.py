"""What notifications keeps and no fact tells of: after a restore people look whether it is as it was."""

from collections.abc import Sequence
from uuid import UUID

from chassis import Transaction
from chassis.bus.recovery import Unsaid
from sqlalchemy import text

from notifications.prevention import contacts
from notifications.survivors import taking

# A subscription is looked at one by one: what it was changed to, and its secret, decide whether an agency understands what it gets.
KEPT = text("""
    SELECT id AS subject, 'subscription' AS missing FROM subscription WHERE state <> 'deleted'
    UNION ALL SELECT :nowhere, 'preferences' WHERE EXISTS (SELECT FROM preference)
    UNION ALL SELECT :nowhere, 'escalation_policy' WHERE EXISTS (SELECT FROM escalation_policy)
    UNION ALL SELECT :nowhere, 'on_call_plan' WHERE EXISTS (SELECT FROM on_call WHERE taken_back_at IS NULL)
    UNION ALL SELECT :nowhere, 'answer_links' WHERE EXISTS (SELECT FROM answer_link WHERE used_at IS NULL)
    UNION ALL SELECT :nowhere, 'prevention' WHERE EXISTS (SELECT FROM prevention_session) OR EXISTS (SELECT FROM prevention_opt_in)
    UNION ALL SELECT :nowhere, 'officer_addresses' WHERE EXISTS (SELECT FROM officer_email) OR EXISTS (SELECT FROM officer_phone)""")


async def untold(tx: Transaction) -> Sequence[Unsaid]:
    """Each subscription; whether there are preferences, versions of the escalation policy, duties, links that are not used, sessions of prevention, or
    addresses of officers; each survivor to whom a message may have been sent; and whether there are contacts of prevention.
    """
    return [
        *(Unsaid(row.subject, row.missing) for row in await tx.rows(KEPT, {"nowhere": UUID(int=0)})),
        *await taking.unsure(tx),
        *await contacts.unsure(tx),
    ]
