"""Which role may do what here. Which notices and subscriptions it may do it to is decided by the row: an absent and a foreign one look alike."""

from contracts.vocabulary import OfficerRole as Role

# Everybody with an inbox sees notices addressed to the own id, or to an own role in the own agency and units.
INBOX = (
    Role.INTAKE_OFFICER,
    Role.OUTREACH,
    Role.SUPERVISOR,
    Role.PLACEMENT_OFFICER,
    Role.SHELTER_HEAD,
    Role.PEKSOS,
    Role.OPERATOR,
)
# An agency's system manages the own agency's subscriptions, an operator everybody's.
SUBSCRIPTIONS = (Role.AGENCY_SYSTEM, Role.OPERATOR)
ALL_AGENCIES = Role.OPERATOR
# A part of an export, for the officer who ordered it.
EXPORT = Role.SUPERVISOR
# How an unanswered matter climbs is decided for all agencies at once; who is on call, by each agency for itself.
ESCALATION = (Role.OPERATOR,)
# The agency that answers for prevention announces and counts; everybody with an account may see what is announced.
PREVENTION = (Role.SUPERVISOR, Role.INTAKE_OFFICER)
PREVENTION_READ = (*INBOX, Role.AGENCY_SYSTEM)
ON_CALL = (Role.SUPERVISOR, Role.OPERATOR)
# What an agency hears of its feed whatever types and risks it chose: that it is to use something no longer.
FEED_COMPULSORY = frozenset({"agency.stopped.v1", "agency.disclosure_ended.v1"})
