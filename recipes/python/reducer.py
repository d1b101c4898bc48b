"""What a dashboard makes of an agency's feed: where each case stands, by follow id.

Give it every event as it comes, repeated or late; `cases` is then what `GET /intake/feed/snapshot` says. What the events mean:

- `triaged` comes again whenever the risk changes; a *correction* is always a newer event of the same kind: the newest word counts.
- `ended` is not the last word for good: `reopened` goes on under the same follow id. A *withdrawal* is an `ended` whose reason says so.
- `stopped`: you may not hear of this case any more. Forget it. If you get it again, what comes then begins anew.
- `disclosed` and `disclosure_ended` (also after an *erasure*): fetch while it holds; after it delete what you fetched.
- *Merges* never reach you: a follow id is yours, and stays the same whatever people find out about who is who.
"""

STEPS = {
    "opened": "open",
    "reopened": "open",
    "shelter_sought": "shelter_sought",
    "sheltered": "sheltered",
    "shelter_ended": "shelter_ended",
    "assessment_began": "assessment",
    "assessed": "assessed",
    "planned": "planned",
    "outcome_reached": "outcome_reached",
    "followed_up": "followed_up",
    "ended": "ended",
}


class Dashboard:
    """All cases of an agency. `events` are CloudEvents in structured mode, as HTTP gives them."""

    def __init__(self):
        self.heard = {}  # follow id: {factversion: event}
        self.until = {}  # follow id: what a snapshot says of it already

    def start_from(self, cases):
        """Begin with the cases of a snapshot: all of its pages."""
        self.heard, self.until = {}, {case["follow_id"]: case for case in cases}

    def hear(self, event):
        """Take an event; whether it said anything new."""
        follow_id, version = event["subject"], event["factversion"]
        known = self.until.get(follow_id)
        if known and version <= known["version"]:
            return False
        events = self.heard.setdefault(follow_id, {})
        if version in events:
            return False
        events[version] = event
        return True

    @property
    def cases(self):
        """Where each case stands, by follow id; those that stopped are not in it."""
        found = {}
        for follow_id in {*self.until, *self.heard}:
            case = dict(self.until[follow_id]) if follow_id in self.until else None
            for _, event in sorted(self.heard.get(follow_id, {}).items()):
                case = None if event["type"] == "agency.stopped.v1" else told(case or blank(follow_id), event)
            if case:
                found[follow_id] = case
        return found


def blank(follow_id):
    """A case of which nothing was heard."""
    nothing = dict.fromkeys(("reference", "city", "reason", "risk", "responsible", "changed_at"))
    return {"follow_id": follow_id, "state": "open", "sheltered": False, "outcomes": [], "services": [], "disclosures": [], "version": 0} | nothing


def told(case, event):
    """A case after one more event; events and fields that are not known here change nothing."""
    name, data = event["type"].split(".")[1], event["data"]
    case = case | {"version": event["factversion"], "changed_at": event["time"], "city": data["city"]}
    if name in STEPS:
        case |= {"state": STEPS[name], "reason": data.get("reason")}
    if name == "opened" and data.get("reference"):
        case["reference"] = data["reference"]
    if name == "triaged":
        case |= {"risk": data["risk"], "responsible": data["responsible"], "state": "triaged" if case["state"] == "open" else case["state"]}
    if name in ("sheltered", "shelter_ended", "ended"):
        case["sheltered"] = name == "sheltered"
    if name == "outcome_reached":
        case["outcomes"] = sorted({*case["outcomes"], data["outcome"]})
    if "service_id" in data:
        others = [entry for entry in case["services"] if entry["service_id"] != data["service_id"]]
        asked = {key: data[key] for key in ("service_id", "service", "due_at")} if name == "service_requested" else None
        case["services"] = [*others, asked] if asked else others
    if "disclosure_id" in data:
        others = [entry for entry in case["disclosures"] if entry["disclosure_id"] != data["disclosure_id"]]
        held = {key: data[key] for key in ("disclosure_id", "purpose", "until")} if name == "disclosed" else None
        case["disclosures"] = [*others, held] if held else others
    return case
