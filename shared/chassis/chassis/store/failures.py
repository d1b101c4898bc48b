"""Whose fault a failure is: the message's, the infrastructure's, or nobody's (a conflict, to be decided again)."""

from enum import Enum

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class ClosedStoreError(Exception):
    """The store was restored from a backup, and is closed until its recovery is done."""


CONFLICTS = frozenset({"23P01", "40001", "40P01"})
# Classes of SQLSTATE that a message cannot cause: connection, resources, operator intervention, system error, configuration limit.
INFRASTRUCTURE = ("08", "53", "57", "58", "F0", "25006", "55P03")


class Fault(Enum):
    """Whose fault a failure is."""

    MESSAGE = "message"
    INFRASTRUCTURE = "infrastructure"
    CONFLICT = "conflict"


def fault_of(error: BaseException) -> Fault:
    """Classify a failure of a transaction by its SQLSTATE, or by its kind where the database never answered."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", "") or "")
        if state in CONFLICTS:
            return Fault.CONFLICT
        if error.connection_invalidated or state.startswith(INFRASTRUCTURE):
            return Fault.INFRASTRUCTURE
        if isinstance(error, (InterfaceError, OperationalError)) and not state:
            return Fault.INFRASTRUCTURE
        return Fault.MESSAGE
    if isinstance(error, (OSError, PoolTimeoutError)):
        return Fault.INFRASTRUCTURE
    state = str(getattr(error, "sqlstate", "") or "")
    return Fault.INFRASTRUCTURE if state.startswith(INFRASTRUCTURE) and state else Fault.MESSAGE
