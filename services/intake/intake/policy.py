"""Who may do what. A case is seen by the agency that reported it and the one responsible for it (and by an outreach team sent to it);
to everybody else it does not exist.
"""

INTAKE_OFFICER, OUTREACH, SUPERVISOR = "intake_officer", "outreach", "supervisor"
PLACEMENT_OFFICER, PEKSOS, AGENCY_SYSTEM = "placement_officer", "peksos", "agency_system"

DESK = (INTAKE_OFFICER, SUPERVISOR)

# Open to everybody, without a token: POST /public/reports, and the question what became of one (`api.public`).
# action             roles
REPORT = (INTAKE_OFFICER, OUTREACH, SUPERVISOR, AGENCY_SYSTEM)
IMPORT = DESK
SAY_LATER = (AGENCY_SYSTEM, INTAKE_OFFICER, SUPERVISOR)
FOLLOW = (AGENCY_SYSTEM, INTAKE_OFFICER, SUPERVISOR)
SEE_CASES = (INTAKE_OFFICER, SUPERVISOR, OUTREACH, PEKSOS, PLACEMENT_OFFICER)
SEE_NAMES = DESK
# What a team sees of whom it was sent to, until it says what it found: enough to find her, and no more (decision 32).
FIND_HER = (OUTREACH,)
# Who sees how the search for a bed goes; to the others it is one state until a shelter said yes (`shown`).
SEE_SEARCH = (SUPERVISOR, PLACEMENT_OFFICER)
SEE_AVAILABILITY = SEE_CASES
TRIAGE = DESK
CHANGE_HOUSEHOLD = DESK
DISPATCH = DESK
END_OUTREACH = (*DESK, OUTREACH)
RECORD_POLICE_REPORT = DESK
WITHDRAW = DESK
REFER_OUT = DESK
CLOSE = (SUPERVISOR,)
PROPOSE_CLOSURE = DESK
REOPEN = (SUPERVISOR,)
LOSE_CONTACT = (SUPERVISOR,)
# How fast what waits for people is done: numbers of an agency's own cases.
SEE_PACE = (SUPERVISOR,)
# Between agencies: who leads asks, who is asked answers; both are supervisors' words.
HAND_OVER = (SUPERVISOR,)
RECORD_INCIDENTS = DESK
SEE_SUSPECTS = DESK
RECORD_SUSPECTS = DESK
RECORD_LEGAL_STEPS = DESK
WORK_THE_DESK = DESK
# The register of agencies: everybody who works with cases sees who takes part; who reported without being in it is for those who can change that.
OPERATOR = "operator"
KEEP_REGISTER = (OPERATOR,)
SEE_REGISTER = (OPERATOR, INTAKE_OFFICER, SUPERVISOR, OUTREACH, PEKSOS, PLACEMENT_OFFICER, AGENCY_SYSTEM)
SEE_UNREGISTERED = (OPERATOR, SUPERVISOR)
# Messages that cannot be opened yet: what they are about, and that they are tried again; nobody sees what is in them.
KEEP_QUARANTINE = (OPERATOR,)
# Rights: who decides on a person's data, who takes what she asks, and who reads a case in an emergency without taking part in it.
HOLD = ERASE = EXPORT = ANSWER_RIGHTS = (SUPERVISOR,)
TAKE_RIGHTS = SEE_RIGHTS = DESK
BREAK_GLASS = DESK
# How a survivor may be reached: asked and written by desks of agencies that take part.
SAFE_CONTACT = DESK
# Of pairs that may be one person only those whose cases the agency takes part in both; a supervisor of the desk agency sees all (`persons`).
SEE_PAIRS = DESK
JUDGE_PAIRS = DESK
MERGE = (SUPERVISOR,)
# Consents, disclosures and restrictions are kept by the desks of agencies that take part (`api.consents`). Sharing without consent, and lifting
# a restriction, is a supervisor's. A disclosure is fetched by its recipient, and by nobody else.
RECORD_CONSENT = DESK
DISCLOSE = DESK
SHARE_WITHOUT_CONSENT = (SUPERVISOR,)
RESTRICT = DESK
LIFT_RESTRICTION = (SUPERVISOR,)
FETCH_DISCLOSURE = (AGENCY_SYSTEM, INTAKE_OFFICER, SUPERVISOR)
# To SIMFONI: tables in which nobody is found, and by name what a person consented to, of cases that the supervisor's agency takes part in.
REPORT_OUTWARD = (SUPERVISOR, OPERATOR)
REPORT_BY_NAME = (SUPERVISOR,)
KEEP_SIMFONI_NUMBERS = DESK
