"""What a refusal says to people: each field by its name on the page, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from chassis.web.pages.words import Language, Sentence, said
from chassis.web.problems import RefusedError


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is wrong: where on the page, and in words."""

    field: str
    text: str


def told(
    refused: RefusedError, words: Mapping[str, Sentence], language: Language, names: Mapping[str, str] = MappingProxyType({})
) -> tuple[Told, ...]:
    """What is wrong, field by field; the refusal as a whole where it names none that the page knows.

    `names` are what this page calls fields, by their whole name. Words are looked for from the most particular on: `code.<field>.<code>`, `code.<code>`, then `refused.<status>.<code>` and `refused.<status>`.
    """
    found = []
    for problem in refused.problems:
        name = problem.field.rpartition(".")[2] if "." in problem.field else problem.field
        for key in (f"code.{name}.{problem.code}", f"code.{problem.code}"):
            if key in words:
                field = names.get(problem.field) or (said(words, f"field.{name}", language) if f"field.{name}" in words else name)
                found.append(Told(problem.field, said(words, key, language, field=field)))
                break
    if found:
        return tuple(found)
    codes = [problem.code for problem in refused.problems]
    keys = [*(f"refused.{refused.status}.{code}" for code in codes), f"refused.{refused.status}"]
    return (Told("", said(words, next((key for key in keys if key in words), "refused.500"), language)),)
