"""Who may do what on NATS, as DESIGN sections 3 and 7 say it: written down here by hand, so that it knows nothing of what makes the configuration."""

import re

AGENCIES = ("dppapp", "dinsos")
# An office at the edge of one of them: it hands over what is sealed, and hears its agency's receipts.
OF_SITE, SITE = "dinsos", "edge_dinsos_kemayoran"
SERVICES = ("intake", "placement", "assessment", "notifications")
USERS = (*SERVICES, "provisioner", "keeper", *AGENCIES, SITE)
STREAMS = ("CASES", "REFERRALS", "RECEIPTS", "AGENCIES", "AUDIT", "ACCESS", "PUBLIC", "HANDOVER")

# A service says what is its own, pulls from its own durables, and looks into the streams that it compares with its store: not where others' personal facts lie.
SAYS = {
    "intake": ("case.intake.", "receipt.", "agency.", "audit.intake.", "public.", "handover.notifications.contact_given."),
    "placement": ("case.placement.", "shelter.", "audit.placement."),
    "assessment": ("case.assessment.", "audit.assessment."),
    "notifications": ("case.notifications.", "audit.notifications."),
}
PULLS = {
    "intake": {("CASES", "intake-urgent"), ("CASES", "intake-main"), ("REFERRALS", "intake-main"), ("AUDIT", "intake-main")},
    "placement": {("CASES", "placement-urgent"), ("CASES", "placement-main"), ("AUDIT", "placement-main")},
    "assessment": {("CASES", "assessment-urgent"), ("CASES", "assessment-main"), ("AUDIT", "assessment-main")},
    "notifications": {
        ("CASES", "notifications-urgent"),
        ("CASES", "notifications-main"),
        ("AGENCIES", "notifications-main"),
        ("AUDIT", "notifications-main"),
        ("HANDOVER", "notifications-main"),
    },
}
LOOKS_INTO = {
    "intake": {"CASES", "RECEIPTS", "AGENCIES", "AUDIT", "PUBLIC"},
    "placement": {"CASES", "AUDIT"},
    "assessment": {"CASES", "AUDIT"},
    "notifications": {"CASES", "AGENCIES", "AUDIT"},
}
ERASES = {"intake": {"REFERRALS"}, "notifications": {"HANDOVER"}}
DURABLES = {durable for durables in PULLS.values() for durable in durables} | {
    (stream, f"agency-{agency}") for stream in ("RECEIPTS", "AGENCIES") for agency in AGENCIES
}
DURABLES |= {("RECEIPTS", SITE)} | {("REFERRALS", f"lane-{agency}") for agency in AGENCIES}
PULLING = ("MSG.NEXT", "INFO")
LANES = ("$JS.API.CONSUMER.NAMES.REFERRALS", "$JS.API.CONSUMER.MSG.NEXT.REFERRALS.", "$JS.API.CONSUMER.INFO.REFERRALS.", "$JS.ACK.REFERRALS.")


def may_publish(user: str, subject: str) -> bool:
    """Whether this user is meant to publish on a subject, calls of JetStream included."""
    if user == "provisioner":
        return subject.startswith("$JS.API.") or subject == "access.listed.v1"
    if user == "keeper":
        return subject == "$SYS.REQ.SERVER.PING" or (subject.startswith("$SYS.REQ.SERVER.") and subject.endswith(".RELOAD"))
    if user == SITE:
        return subject == f"referral.{OF_SITE}.sealed.v1" or subject.startswith(f"$JS.ACK.RECEIPTS.{SITE}.")
    if user in AGENCIES:
        own = {("RECEIPTS", f"agency-{user}"), ("AGENCIES", f"agency-{user}")}
        return subject.startswith(f"referral.{user}.") or subject == f"feed.{user}.replay" or _pulls(subject, own)
    # Intake alone reads what agencies send, from the durable of each, whoever comes.
    asks = ("$JS.API.STREAM.MSG.GET.ACCESS", *(LANES if user == "intake" else ()))
    return subject.startswith(asks) or subject.startswith(SAYS[user]) or _pulls(subject, PULLS[user]) or _looks(user, subject)


def _pulls(subject: str, durables: set[tuple[str, str]]) -> bool:
    calls = {f"$JS.API.CONSUMER.{call}.{stream}.{name}" for stream, name in durables for call in PULLING}
    return subject in calls or subject.startswith(tuple(f"$JS.ACK.{stream}.{name}." for stream, name in durables))


def _looks(user: str, subject: str) -> bool:
    """Reading a stream by consumers of its own that pass away: never by touching what is there for good."""
    if subject in {f"$JS.API.STREAM.MSG.DELETE.{stream}" for stream in ERASES.get(user, ())}:
        return True
    if subject in {f"$JS.API.STREAM.INFO.{stream}" for stream in LOOKS_INTO[user]}:
        return True
    for call in ("CREATE", "MSG.NEXT", "DELETE"):
        start = f"$JS.API.CONSUMER.{call}."
        if subject.startswith(start):
            stream, _, rest = subject.removeprefix(start).partition(".")
            name = rest.partition(".")[0]
            return bool(name) and stream in LOOKS_INTO[user] and (stream, name) not in DURABLES
    return False


def may_subscribe(user: str, subject: str) -> bool:
    """Whether this user is meant to subscribe to a subject."""
    if user == SITE and subject == f"edged.{OF_SITE}.kemayoran":
        return True
    if user == "intake" and re.fullmatch(r"feed\.[a-z*-]+\.replay", subject):
        return True  # it answers what agencies ask
    if user in SERVICES and subject == "access.listed.v1":
        return True
    own = (f"receipt.{user}.", f"agency.{user}.") if user in AGENCIES else ()
    return subject.startswith((f"_INBOX_{user}.", *own))
