"""Who may do what in assessment. A social worker (peksos) sees and does this for her own cases only; a supervisor sees all cases."""

from contracts.vocabulary import OfficerRole

OPERATOR = OfficerRole.OPERATOR.value
PEKSOS = OfficerRole.PEKSOS.value
SUPERVISOR = OfficerRole.SUPERVISOR.value
AGENCY_SYSTEM = OfficerRole.AGENCY_SYSTEM.value

KEEP_WORKERS = (OPERATOR, SUPERVISOR)
# A social worker sees her own entry; of conflicts an operator is not told.
SEE_WORKER = (PEKSOS, SUPERVISOR, OPERATOR)
SEE_CASES = (PEKSOS, SUPERVISOR)
SEE_ANSWERS = (PEKSOS, SUPERVISOR)
REASSIGN = (SUPERVISOR,)
ASSESS = (PEKSOS,)
PROPOSE_PLAN = (PEKSOS,)
# Whoever proposed the plan or works on the case may not decide on it, whatever her roles.
DECIDE_PLAN = (SUPERVISOR,)
CONFER = (PEKSOS, SUPERVISOR)
REVIEW_PLAN = (PEKSOS,)
KEEP_SERVICES = (PEKSOS,)
# An agency's system answers what its own agency was told of, and sees nothing else.
ANSWER_SERVICES = (AGENCY_SYSTEM,)
RECORD_OUTCOME = (PEKSOS,)
# A rehabilitation that is not complete by rule, and what is given up: also by a supervisor.
COMPLETE_REHABILITATION = (PEKSOS, SUPERVISOR)
GIVE_UP_OUTCOME = (PEKSOS, SUPERVISOR)
FOLLOW_UP = (PEKSOS,)
SEE_INSTRUMENTS = (PEKSOS, SUPERVISOR, OPERATOR)
KEEP_INSTRUMENTS = (OPERATOR,)
# A part of an export, for the officer who ordered it.
EXPORT = (SUPERVISOR,)
DECLARE_CONFLICT = (PEKSOS, SUPERVISOR)
