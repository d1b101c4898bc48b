"""Which errors there are: every title of a refused request and every code of a field, found in the code that says them.

The code is read and not run: what is given to `FieldProblem` and its kin, what a function returns that promises (field, code) pairs, and what
a function returns whose answer is given on as a code.
"""

import ast
import contextlib
import importlib
import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from contracts.streams import SERVICES
from contracts.vocabulary import ProblemCode

CODE = re.compile(r"^[a-z][a-z0-9_]{2,60}$")
RULE = re.compile(r"^[A-Z][0-9]+$")  # a rule of placement's and the fact it saw are a pair too
PAIRED, REFUSING = {"FieldProblem", "Problem"}, {"RefusedError": None, "conflict": 409, "not_found": 404, "problem": None}
# How pydantic names what is wrong with a field, by the keyword of the schema that says so.
CHECKED = {
    "required": ("missing",),
    "enum": ("enum",),
    "const": ("literal_error",),
    "pattern": ("string_pattern_mismatch",),
    "minLength": ("string_too_short",),
    "maxLength": ("string_too_long",),
    "minItems": ("too_short",),
    "maxItems": ("too_long",),
    "minimum": ("greater_than_equal",),
    "maximum": ("less_than_equal",),
    "exclusiveMinimum": ("greater_than",),
    "exclusiveMaximum": ("less_than",),
    "uuid": ("uuid_parsing", "uuid_type"),
    "date": ("date_from_datetime_parsing", "date_from_datetime_inexact", "date_type"),
    "date-time": ("datetime_from_date_parsing", "datetime_parsing", "datetime_type"),
    "string": ("string_type",),
    "integer": ("int_parsing", "int_type", "int_from_float"),
    "number": ("float_parsing", "float_type"),
    "boolean": ("bool_parsing", "bool_type"),
    "array": ("list_type", "tuple_type"),
    "object": ("model_attributes_type", "dict_type"),
    "additionalProperties": ("extra_forbidden",),
}


@dataclass
class Errors:
    """What a service says when it refuses: titles by status, and codes with the fields they are said of."""

    titles: set[tuple[int, str]] = field(default_factory=set)
    codes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def of(package: str) -> Errors:
    """The errors of a package; what all services share is in `chassis`."""
    found, modules = Errors(), list(_modules(package))
    functions = {
        node.name: (node, module) for module, tree in modules for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    for module, tree in modules:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _called(node, module, found)
                _helped(node, functions, found)
        for function in (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))):
            _function(function, module, functions, found)
            _titled(function, module, found)
    return found


def _modules(package: str) -> Iterator[tuple[ModuleType, ast.Module]]:
    root = importlib.import_module(package)
    for one in pkgutil.walk_packages(root.__path__, f"{package}."):
        if ".migrations" not in one.name and not one.name.endswith("__main__"):
            module = importlib.import_module(one.name)
            with open(str(module.__file__)) as source:  # noqa: PTH123 - a module says its file as text
                yield module, ast.parse(source.read())


def _called(node: ast.Call, module: ModuleType, found: Errors) -> None:
    name = _name(node.func)
    if name in PAIRED and len(node.args) > 1:
        _keep(found, node.args[-2], node.args[-1], module)
    if name in REFUSING and node.args:
        status, title = (
            (REFUSING[name], node.args[0]) if REFUSING[name] else (_value(node.args[0], module), node.args[1] if len(node.args) > 1 else None)
        )
        said = _value(title, module) if title is not None else None
        if isinstance(status, int) and isinstance(said, str):
            found.titles.add((status, f"no such {said}" if name == "not_found" else said))


def _helped(node: ast.Call, functions: dict[str, Any], found: Errors) -> None:
    """A title that is given to a function of the package's own, which refuses with it."""
    name = _name(node.func)
    if name is None or name in REFUSING or name not in functions:
        return
    helper, module = functions[name]
    names = [argument.arg for argument in helper.args.args]
    if "title" in names and names.index("title") < len(node.args) and isinstance(given := node.args[names.index("title")], ast.Constant):
        found.titles |= {(status, str(given.value)) for status in _statuses(helper, module)}


def _titled(function: ast.AST, module: ModuleType, found: Errors) -> None:
    """A title that a function gives a name first."""
    statuses = _statuses(function, module)
    for node in ast.walk(function):
        if len(statuses) == 1 and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "title" and isinstance(node.value, ast.Constant):
            found.titles.add((min(statuses), str(node.value.value)))


def _statuses(function: ast.AST, module: ModuleType) -> set[int]:
    """With which status a function refuses where it says its `title`."""
    called = [node for node in ast.walk(function) if isinstance(node, ast.Call) and _name(node.func) in REFUSING and node.args]
    calls = [call for call in called if any(ast.unparse(argument) == "title" for argument in call.args)]
    said = [REFUSING[str(_name(call.func))] or _value(call.args[0], module) for call in calls]
    return {status for status in said if isinstance(status, int)}


def _function(function: ast.FunctionDef | ast.AsyncFunctionDef, module: ModuleType, functions: dict[str, Any], found: Errors) -> None:
    """Pairs in a function that promises them, and codes that it gets from another and gives on."""
    promised = ast.unparse(function.returns) if function.returns else ""
    raises = any(isinstance(node, ast.Call) and _name(node.func) == "FieldError" for node in ast.walk(function))
    if "tuple[str, str]" in promised or "FieldProblem" in promised or raises:
        walked = {id(node.iter) for node in ast.walk(function) if isinstance(node, (ast.For, ast.comprehension))}  # names to walk, and no pair
        for node in ast.walk(function):
            if isinstance(node, ast.Tuple) and len(node.elts) == 2 and id(node) not in walked:  # noqa: PLR2004 - a pair
                _keep(found, node.elts[0], node.elts[1], module)
    for call in (node for node in ast.walk(function) if isinstance(node, ast.Call) and _name(node.func) in PAIRED and len(node.args) > 1):
        if isinstance(given := call.args[-1], ast.Name):
            for source in _sources(function, given.id):
                for code, where in _returned(source, functions):
                    _keep(found, call.args[-2], code, where)


def _sources(function: ast.AST, name: str) -> Iterator[str]:
    """The functions whose answer a name holds."""
    for node in ast.walk(function):
        target = (
            node.target
            if isinstance(node, (ast.NamedExpr, ast.For, ast.comprehension))
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if target is not None and any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(target)):
            value = node.iter if isinstance(node, (ast.For, ast.comprehension)) else node.value  # type: ignore[attr-defined]
            yield from (called for inner in ast.walk(value) if isinstance(inner, ast.Call) and (called := _name(inner.func)))


def _returned(name: str, functions: dict[str, Any]) -> Iterator[tuple[ast.expr, ModuleType]]:
    if name in functions:
        function, module = functions[name]
        for node in ast.walk(function):
            if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None and not isinstance(node.value, ast.Tuple):
                yield node.value, module


def _keep(found: Errors, place: ast.expr, code: ast.expr, module: ModuleType) -> None:
    for one in (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,):
        said = _value(one, module)
        where = _place(place, module)
        if isinstance(said, str) and CODE.match(str(said)) and not RULE.match(where):
            found.codes[str(said)].add(where)


def _place(node: ast.expr, module: ModuleType) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    said = _value(node, module)
    return said if isinstance(said, str) else "*"


def _value(node: ast.expr, module: ModuleType) -> Any:
    """What an expression is that names a constant; None for any other."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Name, ast.Attribute)):
        with contextlib.suppress(AttributeError):
            value: Any = module
            for part in ast.unparse(node).split("."):
                value = getattr(value, part)
            return value
    return None


def _name(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None


def checked(document: Any) -> set[str]:
    """The codes with which a field is refused that does not fit an OpenAPI document's schemas."""
    found: set[str] = set()
    if isinstance(document, dict):
        for key, value in document.items():
            found |= (
                set(CHECKED.get(key, ()))
                | (set(CHECKED.get(value, ())) if isinstance(value, str) and key in {"type", "format"} else set())
                | checked(value)
            )
    elif isinstance(document, list):
        found |= {code for entry in document for code in checked(entry)}
    return found


def page(openapi: dict[str, Any]) -> str:
    """The list for people, in Markdown; `openapi` are the services' OpenAPI documents."""
    lines = [
        "# Error codes",
        "",
        "Made from the code: `make docs`. Every refused request answers `application/problem+json` (RFC 9457) with `status`, `title` and, where fields are at",
        "fault, `errors`: a list of `field` and `code`. A receipt has the same pairs. No value is ever repeated. More codes may come: treat one that you do not",
        "know as `invalid`. In a field's path a number is the place in a list, and `*` here any name or number.",
        "",
        "## Receipts of referrals",
        "",
        ", ".join(f"`{code}`" for code in ProblemCode) + ".",
        "",
        "## Fields that do not fit the schema (status 422)",
        "",
        ", ".join(f"`{code}`" for code in sorted(checked(openapi))) + ".",
    ]
    for package in ("chassis", *SERVICES):
        errors = of(package)
        lines += ["", "## Every service" if package == "chassis" else f"## {package.capitalize()}", ""]
        if errors.codes:
            lines += ["| code | field |", "|---|---|"]
            lines += [f"| `{code}` | {', '.join(f'`{place}`' for place in sorted(places))} |" for code, places in sorted(errors.codes.items())]
            lines.append("")
        lines += ["| status | title |", "|---|---|", *(f"| {status} | {title} |" for status, title in sorted(errors.titles))]
    return "\n".join(lines) + "\n"
