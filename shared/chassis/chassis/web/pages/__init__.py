"""Pages for officers, rendered by the service: forms and lists in one common frame, over the very routes that systems use.

A page is a route of `Pages.router` that gets a `Visit`: it asks the service's own `@reads` and `@writes` routes (`visit.ask`, `visit.send`), so
roles, audit, idempotency and refusals are theirs, and shows a template. There is no second way around the rules.
"""

from chassis.web.pages.frame import Pages, Place
from chassis.web.pages.leaving import add_way_out
from chassis.web.pages.standing import add_standing
from chassis.web.pages.visit import Sent, Visit

__all__ = ["Pages", "Place", "Sent", "Visit", "add_standing", "add_way_out"]
