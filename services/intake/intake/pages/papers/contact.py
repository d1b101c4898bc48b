"""How a survivor may be reached: her own rules, asked anew each time; and her stop, which counts at once."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting, read
from chassis.web.problems import RefusedError
from contracts.handover import ContactChannel, MessageLanguage, Reminder, Weekday, Zone
from fastapi import Response

from intake import policy
from intake.api import safe_contacts
from intake.api.safe_contacts import SafeContactBody, SafeContactView
from intake.pages import pages
from intake.pages.filled import Filled
from intake.pages.lists import options
from intake.pages.papers import asked
from intake.pages.papers.people import contact_of

router = pages.router
MOST_CHANNELS, MOST_HOURS = 4, 14
OF_HOURS = ("days", "begins", "ends")
PLACE = re.compile(r"channels\.(\d)\.(?:channel|address|hours\.(\d{1,2})\.(?:days|begins|ends))", re.ASCII)
CONFLICT = 409


@router.get("/cases/{case_id}/persons/{person_id}/safe-contact")
async def ask(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """The form, with what she said last."""
    contact = await contact_of(visit, person_id)
    return await _form(case_id, person_id, visit, as_entered(contact), contact.revision if contact else 0)


@router.post("/cases/{case_id}/persons/{person_id}/safe-contact")
async def keep(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """Keep what she says today; when somebody else kept something since the form was opened, both are shown."""
    await asked.person_of(visit, case_id, person_id, *policy.SAFE_CONTACT)
    filled = compact(Filled(visit.entered))
    revision = int(entered) if (entered := filled.one("revision") or "0").isdigit() else 0
    if visit.field("more"):
        return await _form(case_id, person_id, visit, filled, revision, more=True)
    if visit.field("hours"):
        return await _form(case_id, person_id, visit, filled, revision, longer=visit.field("hours"))
    try:
        body = read(lambda: SafeContactBody.model_validate(contact_body(filled)))
        vault = visit.request.app.state.service.vault
        await visit.tell(safe_contacts.change_safe_contact, person_id=person_id, body=body, vault=vault, if_match=str(revision))
    except RefusedError as refused:
        if refused.status == CONFLICT and "yours" in refused.members:
            stored = await contact_of(visit, person_id)
            both = differing(visit, stored, filled)
            return await _form(case_id, person_id, visit, filled, stored.revision if stored else 0, refused=refused, both=both)
        return await _form(case_id, person_id, visit, filled, revision, refused=refused)
    return visit.go(f"cases/{case_id}/persons/{person_id}", said="contact_kept")


@router.get("/cases/{case_id}/persons/{person_id}/safe-contact/stop")
async def consider(case_id: UUID, person_id: UUID, visit: Visit) -> Response:
    """What her stop means."""
    return await _stop(case_id, person_id, visit, None)


@router.post("/cases/{case_id}/persons/{person_id}/safe-contact/stop")
async def stop(case_id: UUID, person_id: UUID, visit: Sent) -> Response:
    """She wants no message any more."""

    async def again(visit: Visiting, refused: RefusedError | None) -> Response:
        return await _stop(case_id, person_id, visit, refused)

    return await visit.send(safe_contacts.stop, then=f"cases/{case_id}/persons/{person_id}?said=contact_stopped", again=again, person_id=person_id)


def as_entered(contact: SafeContactView | None) -> Filled:
    """Her rules as a form begins with them."""
    rules = contact.rules if contact is not None and contact.rules is not None else {}
    fields: dict[str, tuple[str, ...]] = {
        "zone": (rules.get("zone") or Zone.WIB,),
        "language": (rules.get("language") or MessageLanguage.INDONESIAN,),
        "code_word": (rules.get("code_word") or "",),
        "voicemail": ("yes",) if rules.get("voicemail") else (),
        "reminders": tuple(rules.get("reminders") or ()),
    }
    for place, channel in enumerate(rules.get("channels") or ()):
        fields |= {f"channels.{place}.{name}": (channel[name],) for name in ("channel", "address")}
        for row, hours in enumerate(channel["hours"]):
            at = f"channels.{place}.hours.{row}"
            fields |= {f"{at}.days": tuple(map(str, hours["days"])), f"{at}.begins": (hours["begins"],), f"{at}.ends": (hours["ends"],)}
    return Filled(fields)


def compact(filled: Filled) -> Filled:
    """The same with its channels and hours counted from the first that is filled in, as the body of the route counts them."""
    found = {match[0]: (int(match[1]), match[2]) for name in filled.fields if filled.one(name) and (match := PLACE.fullmatch(name))}
    fields = {name: values for name, values in filled.fields.items() if not name.startswith("channels.")}
    for place, channel in enumerate(sorted({channel for channel, _ in found.values()})):
        fields |= {f"channels.{place}.{name}": tuple(filled.all(f"channels.{channel}.{name}")) for name in ("channel", "address")}
        rows = sorted({int(row) for other, row in found.values() if other == channel and row is not None})
        for row, before in enumerate(rows):
            for name in OF_HOURS:
                fields[f"channels.{place}.hours.{row}.{name}"] = tuple(filled.all(f"channels.{channel}.hours.{before}.{name}"))
    return Filled(fields)


def rows_of(filled: Filled) -> list[int]:
    """For how many times of the week each channel of a form has room."""
    found: dict[int, int] = {}
    for name in filled.fields:
        if match := PLACE.fullmatch(name):
            place = int(match[1])
            found[place] = max(found.get(place, 1), int(match[2] or 0) + 1)
    return [found.get(place, 1) for place in range(max(found, default=0) + 1)]


def contact_body(filled: Filled) -> dict[str, Any]:
    """The body of the route, of a form that is `compact`."""
    channels = [_channel(filled, place, rows) for place, rows in enumerate(rows_of(filled))]
    said = asked.filled_in(filled, "zone", "code_word", "language")
    return {
        **said,
        "channels": channels if any(channels[0].values()) else [],
        "voicemail": filled.one("voicemail") == "yes",
        "reminders": filled.all("reminders"),
    }


def _channel(filled: Filled, place: int, rows: int) -> dict[str, Any]:
    at = f"channels.{place}"
    hours = [_hours(filled, f"{at}.hours.{row}") for row in range(rows)]
    return asked.filled_in_as(filled, at, ("channel", "address")) | {"hours": [entry for entry in hours if entry]}


def _hours(filled: Filled, at: str) -> dict[str, Any]:
    days: dict[str, Any] = {"days": [int(day) if day.isdigit() else day for day in filled.all(f"{at}.days")]}
    return {**{name: value for name, value in days.items() if value}, **asked.filled_in_as(filled, at, ("begins", "ends"))}


def differing(visit: Visiting, stored: SafeContactView | None, filled: Filled) -> list[tuple[str, str, str]]:
    """Where her rules as they are kept and as they were entered differ, in words."""
    theirs, yours = _in_words(visit, as_entered(stored)), _in_words(visit, filled)
    return [(name, theirs[name], yours[name]) for name in theirs if theirs[name] != yours[name]]


def _in_words(visit: Visiting, filled: Filled) -> dict[str, str]:
    unknown = visit.say("frame.unknown")
    channels = [_channel_in_words(visit, filled, place, rows) for place, rows in enumerate(rows_of(filled))]
    lists = {"zone": "zone", "language": "message_language", "reminders": "reminder", "voicemail": "choose"}
    said = {name: ", ".join(visit.say(f"{prefix}.{value}") for value in filled.all(name)) or unknown for name, prefix in lists.items()}
    found = {"channels": "; ".join(entry for entry in channels if entry) or unknown, **said, "code_word": filled.one("code_word") or unknown}
    return {visit.say(f"contact.{name}"): words for name, words in found.items()}


def _channel_in_words(visit: Visiting, filled: Filled, place: int, rows: int) -> str:
    at = f"channels.{place}"
    if (channel := filled.one(f"{at}.channel")) is None or channel not in list(ContactChannel):
        return filled.one(f"{at}.address") or ""
    hours = (_hours_in_words(visit, filled, f"{at}.hours.{row}") for row in range(rows))
    return f"{visit.say(f'contact_channel.{channel}')} {filled.one(f'{at}.address') or ''} ({', '.join(hours)})"


def _hours_in_words(visit: Visiting, filled: Filled, at: str) -> str:
    days = " ".join(visit.say(f"weekday.{day}") for day in filled.all(f"{at}.days") if day in {str(known.value) for known in Weekday})
    return f"{days} {filled.one(f'{at}.begins') or ''}-{filled.one(f'{at}.ends') or ''}".strip()


async def _form(
    case_id: UUID,
    person_id: UUID,
    visit: Visiting,
    filled: Filled,
    revision: int,
    *,
    refused: RefusedError | None = None,
    both: Iterable[tuple[str, str, str]] = (),
    more: bool = False,
    longer: str | None = None,
) -> Response:
    _, person = await asked.person_of(visit, case_id, person_id, *policy.SAFE_CONTACT)
    rows = rows_of(filled)
    if more and len(rows) < MOST_CHANNELS:
        rows.append(1)
    if longer is not None and longer.isdigit() and int(longer) < len(rows) and rows[int(longer)] < MOST_HOURS:
        rows[int(longer)] += 1
    days = {str(day.value): day for day in Weekday}
    lists = {
        "channel": options("contact_channel", ContactChannel, visit.language),
        "days": options("weekday", days, visit.language),
        "zone": options("zone", Zone, visit.language),
        "language": options("message_language", MessageLanguage, visit.language),
        "reminders": options("reminder", Reminder, visit.language),
    }
    conflict = list(both)
    return visit.show(
        "papers/contact.html",
        refused=refused,
        names=_names(visit, rows),
        case_id=case_id,
        person=person,
        called=asked.called(visit, person),
        filled=filled,
        rows=rows,
        room=len(rows) < MOST_CHANNELS,
        lists=lists,
        both=conflict,
        revision=revision,
        key=visit.fresh_key if conflict else asked.key_of(visit),
    )


def _names(visit: Visiting, rows: list[int]) -> Mapping[str, str]:
    """What the fields of each channel are called in an error summary."""
    found: dict[str, str] = {"channels": visit.say("contact.channels"), "code_word": visit.say("contact.code_word")}
    for place, number in enumerate(rows):
        way = visit.say("contact.way", number=place + 1)
        found |= {f"channels.{place}.{name}": f"{way}, {visit.say(f'contact.{name}').lower()}" for name in ("channel", "address", "hours")}
        found |= {
            f"channels.{place}.hours.{row}.{name}": f"{way}, {visit.say(f'contact.{name}').lower()}" for row in range(number) for name in OF_HOURS
        }
    return found


async def _stop(case_id: UUID, person_id: UUID, visit: Visiting, refused: RefusedError | None) -> Response:
    _, person = await asked.person_of(visit, case_id, person_id, *policy.SAFE_CONTACT)
    called = asked.called(visit, person)
    return visit.show("papers/stop.html", refused=refused, case_id=case_id, person=person, called=called, key=asked.key_of(visit))
