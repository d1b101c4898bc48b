"""Every way in which a contract can be changed, applied to a document at every place where it can be applied."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from contracts.compatibility import Rule, Side

Document = dict[str, Any]
Mutated = tuple[Document, str]


def objects(document: Document) -> Iterator[tuple[str, ...]]:
    """Where objects with fields are declared: the event itself, and what its fields refer to."""
    yield ()
    yield from (("$defs", name) for name, one in document.get("$defs", {}).items() if "properties" in one)


def at(document: Document, path: tuple[str, ...]) -> Document:
    for key in path:
        document = document[key]
    return document


def fields(document: Document) -> Iterator[tuple[Document, Document, str]]:
    """A fresh copy for each field of each object: the copy, the object in it, and the field's name."""
    for path in objects(document):
        for name in at(document, path)["properties"]:
            mutated = copy.deepcopy(document)
            yield mutated, at(mutated, path), name


def leaves(document: Document) -> Iterator[tuple[Document, Document, str]]:
    """A fresh copy for each form of each field that is declared there: the copy, the form in it, and the field's name."""
    for mutated, owner, name in fields(document):
        field = owner["properties"][name]
        forms = range(len(field["anyOf"])) if "anyOf" in field else (None,)
        for form in forms:
            again = copy.deepcopy((mutated, owner))
            node = again[1]["properties"][name]
            yield again[0], node if form is None else node["anyOf"][form], name


def removed(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        del owner["properties"][name]
        owner["required"] = [other for other in owner.get("required", ()) if other != name]
        yield mutated, name


def renamed(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        owner["properties"][f"{name}_anew"] = owner["properties"].pop(name)
        owner["required"] = [f"{name}_anew" if other == name else other for other in owner.get("required", ())]
        yield mutated, name


def new_required(document: Document) -> Iterator[Mutated]:
    for path in objects(document):
        mutated = copy.deepcopy(document)
        owner = at(mutated, path)
        owner["properties"]["added"] = {"type": "integer"}
        owner["required"] = [*owner.get("required", ()), "added"]
        yield mutated, "added"


def made_required(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        if name not in owner.get("required", ()):
            owner["properties"][name].pop("default", None)
            owner["required"] = [*owner.get("required", ()), name]
            yield mutated, name


def made_optional(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        if name in owner.get("required", ()):
            owner["required"].remove(name)
            yield mutated, name


def other_type(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        boolean = {"type": "boolean"}
        was = owner["properties"][name]
        owner["properties"][name] = {"type": "integer"} if boolean in [{"type": was.get("type")}, *was.get("anyOf", ())] else boolean
        yield mutated, name


def other_type_of_items(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if "items" in form:
            form["items"] = {"type": "boolean"}
            yield mutated, f"{name}[]"


def null_refused(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        field = owner["properties"][name]
        if {"type": "null"} in field.get("anyOf", ()):
            field["anyOf"].remove({"type": "null"})
            yield mutated, name


def null_taken(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        field = owner["properties"][name]
        if "anyOf" not in field:
            owner["properties"][name] = {"anyOf": [field, {"type": "null"}]}
            yield mutated, name


def other_default(document: Document) -> Iterator[Mutated]:
    for mutated, owner, name in fields(document):
        if "default" in owner["properties"][name]:
            owner["properties"][name]["default"] = "another"
            yield mutated, name


def other_pattern(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if "pattern" in form:
            form["pattern"] = f"{form['pattern']}|^x$"
            yield mutated, name


def other_format(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if "format" in form:
            form["format"] = "duration"
            yield mutated, name


LIMITS = {"string": ("minLength", "maxLength"), "array": ("minItems", "maxItems"), "integer": ("minimum", "maximum")}


def shorter(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if form.get("type") in LIMITS:
            key = LIMITS[form["type"]][1]
            form[key] = form.get(key, 1000) - 1
            yield mutated, name


def more_at_least(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if form.get("type") in LIMITS:
            key = LIMITS[form["type"]][0]
            form[key] = form.get(key, 0) + 1
            yield mutated, name


def longer(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if form.get("type") in LIMITS and (key := LIMITS[form["type"]][1]) in form:
            form[key] += 1
            yield mutated, name


def no_least(document: Document) -> Iterator[Mutated]:
    for mutated, form, name in leaves(document):
        if form.get("type") in LIMITS and (key := LIMITS[form["type"]][0]) in form:
            del form[key]
            yield mutated, name


def lists(document: Document, key: str) -> Iterator[tuple[Document, Document]]:
    for name, one in document.get("$defs", {}).items():
        if key in one:
            mutated = copy.deepcopy(document)
            yield mutated, mutated["$defs"][name]


def code_removed(document: Document) -> Iterator[Mutated]:
    for key in ("enum", "x-codes"):
        for mutated, one in lists(document, key):
            one[key].pop()
            yield mutated, ""


def code_added(document: Document) -> Iterator[Mutated]:
    for mutated, one in lists(document, "enum"):
        one["enum"].append("a_new_code")
        yield mutated, ""


def code_added_to_an_open_list(document: Document) -> Iterator[Mutated]:
    for mutated, one in lists(document, "x-codes"):
        one["x-codes"].append("a_new_code")
        yield mutated, ""


def list_closed(document: Document) -> Iterator[Mutated]:
    for mutated, one in lists(document, "x-codes"):
        one["enum"] = one.pop("x-codes")
        yield mutated, ""


def list_opened(document: Document) -> Iterator[Mutated]:
    for mutated, one in lists(document, "enum"):
        one["x-codes"] = one.pop("enum")
        yield mutated, ""


def changed(key: str, value: Any) -> Callable[[Document], Iterator[Mutated]]:
    def mutate(document: Document) -> Iterator[Mutated]:
        yield {**document, key: value}, ""

    return mutate


def unknown_fields_refused(document: Document) -> Iterator[Mutated]:
    for path in objects(document):
        mutated = copy.deepcopy(document)
        at(mutated, path)["additionalProperties"] = False
        yield mutated, ""


@dataclass(frozen=True)
class Mutation:
    """One way to change a contract, what the gate calls it, a word of its message, and for whom it is allowed."""

    make: Callable[[Document], Iterator[Mutated]]
    rule: Rule
    says: str
    allowed: frozenset[Side] = frozenset()


SENDERS, SERVICES = Side.SENDERS, Side.SERVICES
MUTATIONS = {
    "a field is removed": Mutation(removed, Rule.FIELD_REMOVED, "keep it and add what is new as an optional field"),
    "a field is renamed": Mutation(renamed, Rule.FIELD_REMOVED, "_anew` now, so fill both"),
    "a required field is added": Mutation(new_required, Rule.FIELD_REQUIRED, "give it a default"),
    "an optional field becomes required": Mutation(made_required, Rule.BECAME_REQUIRED, "leave it optional"),
    "a required field becomes optional": Mutation(made_optional, Rule.BECAME_OPTIONAL, "leave it required", frozenset({SENDERS})),
    "the type is another": Mutation(other_type, Rule.TYPE_CHANGED, "its type was"),
    "the type of a list's entries is another": Mutation(other_type_of_items, Rule.TYPE_CHANGED, "its type was"),
    "null is refused": Mutation(null_refused, Rule.TYPE_NARROWED, "it cannot be `null` any more"),
    "null is said": Mutation(null_taken, Rule.TYPE_WIDENED, "it can be `null` now", frozenset({SENDERS})),
    "the default is another": Mutation(other_default, Rule.DEFAULT_CHANGED, "keep the default"),
    "the pattern is another": Mutation(other_pattern, Rule.FORM_CHANGED, "its pattern was"),
    "the format is another": Mutation(other_format, Rule.FORM_CHANGED, "its format was"),
    "the upper limit is lower": Mutation(shorter, Rule.TIGHTENED, "its max"),
    "the lower limit is higher": Mutation(more_at_least, Rule.TIGHTENED, "its min"),
    "the upper limit is higher": Mutation(longer, Rule.LOOSENED, "its max", frozenset({SENDERS})),
    "the lower limit is gone": Mutation(no_least, Rule.LOOSENED, "its min", frozenset({SENDERS})),
    "a list loses a code": Mutation(code_removed, Rule.LIST_NARROWED, "keep the code, and only stop saying it"),
    "a closed list gets a code": Mutation(code_added, Rule.LIST_GREW, "`a_new_code`", frozenset({SENDERS, SERVICES})),
    "an open list is closed": Mutation(list_closed, Rule.LIST_CLOSED, "closed list"),
    "a closed list is opened": Mutation(list_opened, Rule.LIST_OPENED, "codes that are on no list", frozenset({SENDERS})),
    "unknown fields are refused": Mutation(unknown_fields_refused, Rule.OTHER, "additionalProperties"),
    "the stream is another": Mutation(changed("x-stream", "OTHER"), Rule.ENVELOPE_CHANGED, "the stream was"),
    "the producer is another": Mutation(changed("x-producer", "somebody"), Rule.ENVELOPE_CHANGED, "the producer was"),
    "the subject is another": Mutation(changed("x-subjects", ["case.elsewhere.v1"]), Rule.ENVELOPE_CHANGED, "the subject was"),
}


def optional_added(document: Document) -> Iterator[Mutated]:
    for path in objects(document):
        mutated = copy.deepcopy(document)
        at(mutated, path)["properties"]["added"] = {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}
        yield mutated, ""


def other_words(document: Document) -> Iterator[Mutated]:
    def said(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: "other words" if key in {"title", "description"} and isinstance(value, str) else said(value) for key, value in node.items()}
        return [said(entry) for entry in node] if isinstance(node, list) else node

    yield said(document), ""


LEGAL = {
    "an optional field is added": optional_added,
    "an open list gets a code": code_added_to_an_open_list,
    "the words are others": other_words,
    "another service reads it": changed("x-read-by", ["intake", "placement", "assessment", "notifications"]),
    "it stays as it is": lambda document: iter([(document, "")]),
}
