"""What a demo can see of the platform's invariants from outside, and its report."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from ops import demo_paths
from ops.demo_actors import ENDED, Script
from ops.demo_scenes import Stage, timeline
from ops.demo_wire import AgencySystem, Api
from ops.population import CANARY_ADDRESS, CANARY_NAME, CANARY_NIK, CANARY_PHONE

BLOCK = 2**20


@dataclass
class Sent:
    """One submission as it was sent, and over HTTP what was answered: `accepted`, `incomplete`, `rejected` or a status."""

    agency: str
    reference: str | None
    door: str
    malformed: str | None
    answer: str = ""
    follow_id: str | None = None


@dataclass
class Findings:
    """What was checked, and what did not hold."""

    held: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def check(self, words: str, wrong: Iterable[Any]) -> None:
        """An invariant; `wrong` are the cases against it."""
        found = list(wrong)
        if found:
            self.broken.append(f"{words}: {len(found)} against it, such as {', '.join(map(str, found[:3]))}")
        else:
            self.held.append(words)


def readable(reference: Any) -> bool:
    """Whether a reference can be read."""
    return isinstance(reference, str) and bool(reference) and not reference.startswith("#")


def follow_ids(sent: Iterable[Sent], agencies: dict[str, AgencySystem]) -> dict[tuple[str, str | None], set[str]]:
    """Under which follow ids each submission (agency, reference) was answered, over both doors."""
    found: dict[tuple[str, str | None], set[str]] = {}
    for entry in sent:
        if entry.follow_id:
            found.setdefault((entry.agency, entry.reference or entry.follow_id), set()).add(entry.follow_id)
    for agency, system in agencies.items():
        for reference, receipts in system.receipts.items():
            ids = {data["follow_id"] for _, data in receipts if "follow_id" in data}
            if ids:
                found.setdefault((agency, reference), set()).update(ids)
    return found


async def check(stage: Stage, sent: list[Sent]) -> Findings:
    """Everything that can be seen from outside."""
    findings, script, agencies = Findings(), stage.script, stage.agencies
    follows = follow_ids(sent, agencies)
    findings.check("every referral over NATS got its receipt", [reference for system in agencies.values() for reference in system.without_receipt()])
    findings.check(
        "what could not be read was rejected, once per submission",
        [f"{a}: {len(s.receipts.get(None, []))} of {s.nameless}" for a, s in agencies.items() if len(s.receipts.get(None, [])) != s.nameless],
    )
    findings.check(
        "each submission has one follow id, however often and over whichever door it came", [k for k, ids in follows.items() if len(ids) > 1]
    )
    findings.check("malformed submissions are answered as incomplete or rejected", _wrong_answers(sent, agencies))
    reported = Counter(line["reporting_agency"] for line in script.lines.values() if line["channel"] != "placement")
    expected = Counter(agency for agency, _ in follows)
    findings.check("as many cases as accepted submissions, per agency", _differences(expected, reported))
    doors = sum(line["channel"] == "placement" for line in script.lines.values())
    findings.check("a case for everybody let in at a door", [] if doors == stage.doors else [f"{doors} cases, {stage.doors} admissions"])
    findings.check("the agencies' own feeds opened the same cases", _differences(expected, _opened(agencies, sent)) if agencies else [])
    findings.check("a case's end is told once", _told_twice(agencies))
    findings.check("every case has ended, or waits for something with a name", [i for i, line in _stuck(script)])
    findings.check("at no time did a shelter hold more people than beds", sorted(script.overfull))
    findings.check("nobody sleeps in two beds, and no bed holds two", await _shared_beds(stage.api))
    findings.check("no officer met an error of the platform", [f"{n} x {what}" for what, n in stage.api.surprises.items()])
    ways = await demo_paths.paths(stage)
    findings.check("every followed person's path leads to the end of her case", demo_paths.unfinished(ways))
    findings.check("every scene held", [scene.number for scene in stage.scenes[:-1] if not scene.left_out and not scene.held])
    return findings


def _wrong_answers(sent: list[Sent], agencies: dict[str, AgencySystem]) -> list[str]:
    wrong: list[str] = []
    for entry in sent:
        answers = {entry.answer} if entry.door == "http" else {kind for kind, _ in _receipts(agencies, entry)}
        allowed = {"incomplete": {"incomplete"}, "unreadable": {"rejected"}}.get(entry.malformed or "", {"accepted", "incomplete"})
        if entry.door == "http" and entry.malformed == "unreadable" and entry.reference is None:
            allowed = allowed | {"accepted", "incomplete"}  # a desk may leave the reference out
        wrong += [f"{entry.reference} {entry.malformed} over {entry.door}: {answer}" for answer in answers - allowed]
    return wrong


def _receipts(agencies: dict[str, AgencySystem], entry: Sent) -> list[tuple[str, dict[str, Any]]]:
    system = agencies.get(entry.agency)
    return system.receipts.get(entry.reference, []) if system and entry.reference else []


def _differences(left: Counter[str], right: Counter[str]) -> list[str]:
    return [f"{name}: {left[name]} and {right[name]}" for name in sorted(left | right) if left[name] != right[name]]


def _opened(agencies: dict[str, AgencySystem], sent: list[Sent]) -> Counter[str]:
    """Cases that each agency's feed opened, of those that the agency submitted itself."""
    own = {ids for found in follow_ids(sent, agencies).values() for ids in found}
    return Counter(agency for agency, system in agencies.items() for follow, kind, _ in system.feed if kind == "agency.opened.v1" and follow in own)


def _told_twice(agencies: dict[str, AgencySystem]) -> list[str]:
    ends = Counter(follow for system in agencies.values() for follow, kind, _ in system.feed if kind == "agency.ended.v1")
    return [follow for follow, times in ends.items() if times > 1]


def _stuck(script: Script) -> list[tuple[str, Any]]:
    return [(i, line) for i, line in script.lines.items() if line["state"] not in ENDED and not line["waiting_for"]]


async def _shared_beds(api: Api) -> list[str]:
    placements = await api.get("supervisor-dinsos", "/placement/placements", state="admitted", most=1000) or []
    members = [member for placement in placements for member in placement["members"] if member["bed_id"]]
    beds, persons = Counter(m["bed_id"] for m in members), Counter(m["person_id"] for m in members)
    return [f"{what} {times} times" for what, times in [*beds.items(), *persons.items()] if times > 1]


def canary_found(folders: Iterable[Path], journal: Path) -> list[str]:
    """Files below these folders, but for the demo's own journal, in which anything of the canary stands in the clear."""
    marks = [mark.encode() for mark in (CANARY_NAME, CANARY_PHONE, CANARY_PHONE.replace(" ", ""), CANARY_ADDRESS, CANARY_NIK[2:])]
    longest = max(map(len, marks))
    found: list[str] = []
    for path in (path for folder in folders for path in sorted(folder.rglob("*"))):
        if not path.is_file() or path.is_symlink() or path == journal:
            continue
        with path.open("rb") as file:
            tail = b""
            while block := file.read(BLOCK):
                if any(mark in tail + block for mark in marks):
                    found.append(str(path))
                    break
                tail = block[-longest:]
    return found


async def report(console: Console, stage: Stage, time_scale: float) -> None:
    """Where every case ended, time to bed, occupancy, refusals, and one case's timeline."""
    lines = list(stage.script.lines.values())
    ends = Table("where the cases are", "cases", title="Cases", title_justify="left")
    for state, count in Counter(line["state"] for line in lines).most_common():
        waits = sorted({reason for line in lines if line["state"] == state for reason in line["waiting_for"]})
        ends.add_row(f"{state}{' (waits for ' + ', '.join(waits) + ')' if waits else ''}", str(count))
    console.print(ends)
    placements = await stage.api.get("supervisor-dinsos", "/placement/placements", most=1000) or []
    placements = [placement for placement in placements if placement["case_id"] in stage.script.lines]
    _time_to_bed(console, stage, placements, time_scale)
    rows = await stage.api.get("placement-dinsos", "/placement/occupancy") or []
    title = "Occupancy, as the placement officer sees it"
    full = Table("shelter", "beds", "people and holds at most", "people now", "held now", title=title, title_justify="left")
    for row in rows:
        name = row["name"] or f"all {row['kind']} ones"
        full.add_row(name, str(row["beds"]), str(stage.script.fullest.get(name, 0)), str(row["people"]), str(row["held"]))
    console.print(full)
    reasons = Counter(
        f"{p['state']}: {p['reason'] or 'nobody answered in time'}" for p in placements if p["state"] in {"declined", "cancelled", "expired"}
    )
    reasons += Counter("did not come" for p in placements if p["state"] == "no_show")
    waiting = await stage.api.get("placement-dinsos", "/placement/waiting") or []
    reasons += Counter({f"no bed by rule {rule}": n for need in waiting for rule, n in need["refusals"].items()})
    refused = Table("refusals and offers that came to nothing", "times", title_justify="left")
    for reason, count in reasons.most_common():
        refused.add_row(reason, str(count))
    console.print(refused)
    demo_paths.show(console, await demo_paths.paths(stage))
    case_id = stage.tracked.get(3)
    if case_id and case_id in stage.script.lines:
        way = Table("at", "said by", "fact", title="The family's case, across the services", title_justify="left")
        for fact in await timeline(stage, case_id):
            way.add_row(fact["at"][11:23], fact["producer"], fact["type"])
        console.print(way)


def _time_to_bed(console: Console, stage: Stage, placements: list[dict[str, Any]], time_scale: float) -> None:
    waits = []
    for placement in placements:
        if placement["admitted_at"] and not placement["direct"]:
            opened = datetime.fromisoformat(stage.script.lines[placement["case_id"]]["opened_at"])
            waits.append((datetime.fromisoformat(placement["admitted_at"]) - opened).total_seconds() * time_scale / 60)
    if not waits:
        console.print("time to bed: nobody was admitted after a referral")
        return
    p95 = quantiles(waits, n=20)[18] if len(waits) > 1 else waits[0]
    console.print(f"time to bed: median {median(waits):.0f} min, p95 {p95:.0f} min, of {len(waits)} households (platform minutes)")
