"""Plumbing without business nouns, used verbatim by every service.

`store` keeps (transaction, clocks, vault), `bus` moves (relay, consumption, reconcile), `web` answers (identity, routes, problems);
`service` puts a service together, `inputs` is how it says what it listens to, `envelope` what a fact looks like on the wire.
"""

from chassis.envelope import Cause, Received
from chassis.inputs import Due, Inputs
from chassis.service import Service
from chassis.settings import Settings
from chassis.store.audit import witness
from chassis.store.transaction import Transaction
from chassis.web.edge import client_address, limited_to
from chassis.web.identity import Principal
from chassis.web.problems import FieldProblem, RefusedError, conflict, not_found
from chassis.web.routes import Asker, reads, reads_openly, writes, writes_openly, writes_together
from chassis.web.together import Asked

__all__ = [
    "Asked",
    "Asker",
    "Cause",
    "Due",
    "FieldProblem",
    "Inputs",
    "Principal",
    "Received",
    "RefusedError",
    "Service",
    "Settings",
    "Transaction",
    "client_address",
    "conflict",
    "limited_to",
    "not_found",
    "reads",
    "reads_openly",
    "witness",
    "writes",
    "writes_openly",
    "writes_together",
]
