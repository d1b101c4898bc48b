"""Who may do what in placement. A shelter's head sees and does this for its own shelters only, those named in the token's `units`.

Secret shelters are one row without a name for everyone but SEE_SECRET; their address is read on its own route, and audited.
"""

from contracts.vocabulary import OfficerRole

OPERATOR = OfficerRole.OPERATOR.value
OFFICER = OfficerRole.PLACEMENT_OFFICER.value
SUPERVISOR = OfficerRole.SUPERVISOR.value
HEAD = OfficerRole.SHELTER_HEAD.value
INTAKE_OFFICER = OfficerRole.INTAKE_OFFICER.value
OUTREACH = OfficerRole.OUTREACH.value

SEE_BANDS = tuple(role.value for role in OfficerRole)
SEE_SECRET = (OFFICER, SUPERVISOR)
SEE_ADDRESS = (OFFICER, SUPERVISOR)
SEE_SHELTER = (OPERATOR, OFFICER, SUPERVISOR)
KEEP_SHELTERS = (OPERATOR, OFFICER)

SEE_PLACEMENTS = (HEAD, OFFICER, SUPERVISOR)
# A part of an export, for the officer who ordered it.
EXPORT = (SUPERVISOR,)
# Those who see placements of all shelters; a head sees those of its own.
SEE_ALL_PLACEMENTS = (OFFICER, SUPERVISOR)
ANSWER_OFFER = (HEAD, OFFICER, SUPERVISOR)
# Who may answer although somebody else said to be on it, and let a household be housed apart or a rule be set aside.
OVERRULE = (SUPERVISOR,)
# Who may record what somebody else decided, told by phone.
RECORD_FOR_OTHERS = (OFFICER, SUPERVISOR)
EXTEND = (OFFICER, SUPERVISOR)
SEE_CONTACT = (INTAKE_OFFICER, OUTREACH, OFFICER, SUPERVISOR)
SEND_OFF = (HEAD, OFFICER, INTAKE_OFFICER, OUTREACH)
TAKE_BACK = (OFFICER, SUPERVISOR, INTAKE_OFFICER)
ADMIT = (HEAD, OFFICER)
END_STAY = (HEAD, OFFICER)
ADMIT_AT_THE_DOOR = (HEAD, OFFICER)
ASK_TRANSFER = (OFFICER, SUPERVISOR)
RECORD_ABSENCE = (HEAD, OFFICER)

# Whose acts are not bound to units.
FOR_ALL_SHELTERS = (OFFICER, SUPERVISOR, INTAKE_OFFICER, OUTREACH)

SEE_WAITING = (OFFICER, SUPERVISOR)
DECIDE_NEED = (OFFICER, SUPERVISOR)
OFFER_BY_HAND = (OFFICER, SUPERVISOR)
SPLIT = (SUPERVISOR,)
# What was suspected of a case, and rule by rule of secret shelters, is a supervisor's.
CLEAR_ALARM = (SUPERVISOR,)
SEE_INDICATORS = (OPERATOR, OFFICER, SUPERVISOR)
SEE_OCCUPANCY = (OPERATOR, HEAD, OFFICER, SUPERVISOR)

# Inventory: who keeps units and rooms, who answers for a bed of need, who sees beds, and who may close a house, its head its own.
APPROVE_OVERFLOW = (SUPERVISOR,)
SEE_BEDS = (OPERATOR, HEAD, OFFICER, SUPERVISOR)
CLOSE_SHELTER = (OPERATOR, HEAD, OFFICER)
END_CLEANING = (HEAD, OFFICER)
CONFIRM_NIGHT = (HEAD, OFFICER)
DECLARE_CONFLICT = (HEAD, OFFICER, SUPERVISOR)
# Those who do that for every shelter they may see; a head does it for those in its `units`.
FOR_EVERY_HOUSE = (OPERATOR, OFFICER, SUPERVISOR)
