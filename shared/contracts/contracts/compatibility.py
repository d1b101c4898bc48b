"""Whether a contract may change as it did: what a change breaks, for whom, and what to do instead.

Two documents of one event are compared, as `golden.schema` makes them: one that was published, and the one that the code makes now. What is
allowed depends on who wrote and who reads (docs/decisions/0019):

- what the services tell each other stays in its stream for good and is read again, so an earlier fact must fit the newer contract; and the
  release before reads what the newer one says. Only optional fields come in; a closed list may grow, its readers are replaced first.
- what agencies and subscribers read, in any language and release of theirs, may grow by optional fields, and by codes only in an open list;
- what agencies send us is the other way round: whatever was right yesterday is right tomorrow, so everything may widen and nothing narrow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Document = Mapping[str, Any]

PROSE = frozenset({"title", "description", "examples", "$defs", "$schema", "$id", "x-read-by"})
LEAST, MOST = ("minimum", "minLength", "minItems", "exclusiveMinimum"), ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
WALKED = frozenset({"properties", "required", "items", "anyOf", "$ref", "type", "enum", "x-codes", "default", *LEAST, *MOST})
ENVELOPE = {"x-stream": "the stream", "x-producer": "the producer", "x-subjects": "the subject"}


class Side(StrEnum):
    """Who is bound by a contract that we do not release together with its other side."""

    SERVICES = "services"
    SUBSCRIBERS = "subscribers"
    SENDERS = "senders"


class Rule(StrEnum):
    """The ways in which a contract can change."""

    EVENT_REMOVED = "event_removed"
    ENVELOPE_CHANGED = "envelope_changed"
    FIELD_REMOVED = "field_removed"
    FIELD_REQUIRED = "field_required"
    BECAME_REQUIRED = "became_required"
    BECAME_OPTIONAL = "became_optional"
    TYPE_CHANGED = "type_changed"
    TYPE_NARROWED = "type_narrowed"
    TYPE_WIDENED = "type_widened"
    LIST_NARROWED = "list_narrowed"
    LIST_GREW = "list_grew"
    LIST_CLOSED = "list_closed"
    LIST_OPENED = "list_opened"
    TIGHTENED = "tightened"
    LOOSENED = "loosened"
    FORM_CHANGED = "form_changed"
    DEFAULT_CHANGED = "default_changed"
    OTHER = "other"


SIDES = {"REFERRALS": Side.SENDERS, "CASES": Side.SERVICES, "AUDIT": Side.SERVICES, "HANDOVER": Side.SERVICES}
# What is allowed beside optional fields and prose. Everything else breaks somebody.
ALLOWED = {
    Side.SERVICES: frozenset({Rule.LIST_GREW}),
    Side.SUBSCRIBERS: frozenset[Rule](),
    Side.SENDERS: frozenset({Rule.BECAME_OPTIONAL, Rule.TYPE_WIDENED, Rule.LIST_GREW, Rule.LIST_OPENED, Rule.LOOSENED}),
}
READ = {
    Rule.EVENT_REMOVED: "it is in the streams still, and whoever follows it hears nothing any more",
    Rule.ENVELOPE_CHANGED: "whoever subscribed to it as it was gets nothing any more, and is not told",
    Rule.FIELD_REMOVED: "a reader that counts on it finds nothing",
    Rule.FIELD_REQUIRED: "what was said before it existed lacks it, and could not be read again",
    Rule.BECAME_REQUIRED: "what was said before without it could not be read again",
    Rule.BECAME_OPTIONAL: "a reader that counts on it finds nothing",
    Rule.TYPE_CHANGED: "a reader cannot take the new form, and what was said before cannot be read in it",
    Rule.TYPE_NARROWED: "what was said before in the form that is gone could not be read again",
    Rule.TYPE_WIDENED: "a reader that knows the earlier form alone cannot take the new one",
    Rule.LIST_NARROWED: "what was said before with a code that is gone could not be read again",
    Rule.LIST_GREW: "a reader that knows the earlier codes alone refuses the new one",
    Rule.LIST_CLOSED: "what was said before with a code that is not listed could not be read again",
    Rule.LIST_OPENED: "a reader that knows the listed codes alone refuses the others",
    Rule.TIGHTENED: "what was said before outside of it could not be read again",
    Rule.LOOSENED: "a reader that relies on the limit meets what lies beyond it",
    Rule.FORM_CHANGED: "what was said before may not fit, and a reader may refuse what is said now",
    Rule.DEFAULT_CHANGED: "what was said before without the field would mean something else now",
    Rule.OTHER: "nobody can tell whether a reader takes it",
}
SENT = {
    Rule.EVENT_REMOVED: "a system that sends it calls for help and nobody listens",
    Rule.ENVELOPE_CHANGED: "a system that publishes as before is heard by nobody",
    Rule.FIELD_REMOVED: "what a system still says in it is dropped, and it is not told",
    Rule.FIELD_REQUIRED: "a system that does not know it is refused",
    Rule.BECAME_REQUIRED: "a system that leaves it out, as it may, is refused",
    Rule.TYPE_CHANGED: "a system that sends the earlier form is refused",
    Rule.TYPE_NARROWED: "a system that sends the form that is gone is refused",
    Rule.LIST_NARROWED: "a system that sends a code that is gone is refused",
    Rule.LIST_CLOSED: "a system that sends a code that is not listed is refused",
    Rule.TIGHTENED: "a system that sends what was within the limits is refused",
    Rule.FORM_CHANGED: "a system that sends what fitted before may be refused",
    Rule.DEFAULT_CHANGED: "a system that leaves the field out would say something else than it means",
    Rule.OTHER: "nobody can tell whether what a system sends is taken",
}
REMEDY = {
    Rule.FIELD_REMOVED: "keep it and add what is new as an optional field beside it",
    Rule.FIELD_REQUIRED: "give it a default",
    Rule.BECAME_REQUIRED: "leave it optional",
    Rule.BECAME_OPTIONAL: "leave it required",
    Rule.LIST_NARROWED: "keep the code, and only stop saying it",
    Rule.DEFAULT_CHANGED: "keep the default, and say the value outright",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two documents of an event: where, which rule, in words, and for whom it breaks what."""

    event: str
    place: str
    rule: Rule
    what: str
    side: Side
    readers: tuple[str, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether somebody on the other side cannot go on as before."""
        return self.rule not in ALLOWED[self.side]

    def __str__(self) -> str:
        place = f", `{self.place}`" if self.place else ""
        if not self.breaks:
            return f"{self.event}{place}: {self.what}"
        whom = {Side.SERVICES: ", ".join(self.readers) or "whoever replays the stream", Side.SUBSCRIBERS: "agencies and subscribers"}
        why = (SENT if self.side is Side.SENDERS else READ)[self.rule]
        own = REMEDY.get(self.rule, "leave it as it was, and add what is new as an optional field")
        return f"{self.event}{place}: {self.what}. This breaks {whom.get(self.side, 'agencies that send')}: {why}. Do: {own}; or make `{next_major(self.event)}` beside it."


def next_major(event: str) -> str:
    """The type of the major version after this one: `case.intake.closed.v1` to `case.intake.closed.v2`."""
    stem, _, number = event.rpartition(".v")
    return f"{stem}.v{int(number) + 1}"


def side_of(document: Document) -> Side:
    """Who is bound by this contract."""
    return SIDES.get(document["x-stream"], Side.SUBSCRIBERS)


def changes(event: str, old: Document, new: Document | None) -> list[Change]:
    """All differences of an event's contract that are more than prose or an optional field; `new` is None when the event is gone."""
    side, readers = side_of(old), tuple((new or old).get("x-read-by", ()))
    found = ((Rule.EVENT_REMOVED, "", "the event is gone"),) if new is None else (*_envelope(old, new), *_node(old, new, old, new, ""))
    return [Change(event, place, rule, what, side, readers) for rule, place, what in found]


Found = tuple[Rule, str, str]


def _envelope(old: Document, new: Document) -> Iterator[Found]:
    for key, name in ENVELOPE.items():
        if old[key] != new[key]:
            yield Rule.ENVELOPE_CHANGED, "", f"{name} was {_said(old[key])} and is {_said(new[key])}"


def _node(old: Document, new: Document, before: Document, after: Document, place: str) -> Iterator[Found]:
    """Differences of two schemas, in the documents `before` and `after` that their references point into."""
    olds, news = _forms(old, before), _forms(new, after)
    gone, come = [kind for kind in olds if kind not in news], [kind for kind in news if kind not in olds]
    if gone and come:
        yield Rule.TYPE_CHANGED, place, f"its type was {_said(gone)} and is {_said(come)}"
    elif gone:
        yield Rule.TYPE_NARROWED, place, f"it cannot be {_said(gone)} any more"
    elif come:
        yield Rule.TYPE_WIDENED, place, f"it can be {_said(come)} now"
    if place and old.get("default", ...) != new.get("default", ...) and "default" in old and "default" in new:
        yield Rule.DEFAULT_CHANGED, place, f"its default was {_said(old['default'])} and is {_said(new['default'])}"
    for kind in olds:
        if kind in news:
            yield from _form(olds[kind], news[kind], before, after, place)


def _forms(node: Document, document: Document) -> dict[str, Document]:
    """The forms that a value may have, by JSON type; references are followed."""
    node = _resolved(node, document)
    forms = [_resolved(form, document) for form in node["anyOf"]] if "anyOf" in node else [node]
    return {str(form.get("type", "any")): form for form in forms}


def _resolved(node: Document, document: Document) -> Document:
    while "$ref" in node:
        target = document["$defs"][node["$ref"].rsplit("/", 1)[1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _form(old: Document, new: Document, before: Document, after: Document, place: str) -> Iterator[Found]:
    yield from _codes(old, new, place)
    yield from _limits(old, new, place)
    for key in sorted((old.keys() | new.keys()) - WALKED - PROSE - ENVELOPE.keys()):
        if old.get(key) != new.get(key):
            rule = Rule.FORM_CHANGED if key in {"pattern", "format"} else Rule.OTHER
            # A form that is taken away lets everything through that had it.
            yield (rule if key in new else Rule.LOOSENED), place, f"its {key} was {_said(old.get(key))} and is {_said(new.get(key))}"
    if "items" in old and "items" in new:
        yield from _node(old["items"], new["items"], before, after, f"{place}[]")
    yield from _fields(old, new, before, after, place)


def _codes(old: Document, new: Document, place: str) -> Iterator[Found]:
    had, has = old.get("enum", old.get("x-codes")), new.get("enum", new.get("x-codes"))
    if had is None and has is None:
        return
    if had is None or ("enum" not in old and "enum" in new):
        yield Rule.LIST_CLOSED, place, "it takes the codes of a closed list alone now"
    if has is None or ("enum" in old and "enum" not in new):
        yield Rule.LIST_OPENED, place, "it takes codes that are on no list now"
    if gone := [code for code in had or () if has is not None and code not in has]:
        yield Rule.LIST_NARROWED, place, f"its list lost {_said(gone)}"
    if "enum" in old and (come := [code for code in has or () if had is not None and code not in had]):
        yield Rule.LIST_GREW, place, f"its list got {_said(come)}"


def _limits(old: Document, new: Document, place: str) -> Iterator[Found]:
    for key in (*LEAST, *MOST):
        was, now = old.get(key), new.get(key)
        if was != now:
            tighter = was is None or (now is not None and (now > was if key in LEAST else now < was))
            yield (Rule.TIGHTENED if tighter else Rule.LOOSENED), place, f"its {key} was {_said(was)} and is {_said(now)}"


def _fields(old: Document, new: Document, before: Document, after: Document, place: str) -> Iterator[Found]:
    had, has = old.get("properties", {}), new.get("properties", {})
    needed, needs = set(old.get("required", ())), set(new.get("required", ()))
    come = [name for name in has if name not in had]
    for name, field in had.items():
        where = f"{place}.{name}" if place else name
        if name not in has:
            twins = [other for other in come if not [*_node(field, has[other], before, after, "")]]
            renamed = f"; it seems to be called `{twins[0]}` now, so fill both" if twins else ""
            yield Rule.FIELD_REMOVED, where, f"the field is gone{renamed}"
            continue
        if name in needed - needs:
            yield Rule.BECAME_OPTIONAL, where, "the field was always there and is optional now"
        if name in needs - needed:
            yield Rule.BECAME_REQUIRED, where, "the field was optional and is required now"
        yield from _node(field, has[name], before, after, where)
    for name in come:
        if name in needs:
            yield Rule.FIELD_REQUIRED, f"{place}.{name}" if place else name, "the field is new and required"


def _said(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(f"`{entry}`" for entry in value) or "empty"
    return f"`{value}`"
