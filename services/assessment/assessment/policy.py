"""Who may do what in assessment. A social worker (peksos) sees and does this for her own cases only; a supervisor sees all cases."""

from contracts.vocabulary import OfficerRole

OPERATOR = OfficerRole.OPERATOR.value
PEKSOS = OfficerRole.PEKSOS.value
SUPERVISOR = OfficerRole.SUPERVISOR.value

KEEP_WORKERS = (OPERATOR, SUPERVISOR)
SEE_CASES = (PEKSOS, SUPERVISOR)
SEE_ANSWERS = (PEKSOS, SUPERVISOR)
REASSIGN = (SUPERVISOR,)
ASSESS = (PEKSOS,)
PROPOSE_PLAN = (PEKSOS,)
# Whoever proposed the plan or works on the case may not decide on it, whatever her roles.
DECIDE_PLAN = (SUPERVISOR,)
RECORD_OUTCOME = (PEKSOS,)
FOLLOW_UP = (PEKSOS,)
SEE_INSTRUMENTS = (PEKSOS, SUPERVISOR, OPERATOR)
KEEP_INSTRUMENTS = (OPERATOR,)
# A part of an export, for the officer who ordered it.
EXPORT = (SUPERVISOR,)
DECLARE_CONFLICT = (PEKSOS, SUPERVISOR)
