"""The inventory as a file: taken out, and brought in after it was tried."""

from chassis import FieldProblem, RefusedError
from chassis.web.pages import Sent, Visit
from chassis.web.pages.visit import Visiting
from fastapi import Response

from placement import policy
from placement.api import inventory_csv
from placement.pages import pages

router = pages.router
# What stands where a byte was none of UTF-8.
UNREADABLE = "\N{REPLACEMENT CHARACTER}"


@router.get("/inventory.csv")
async def take_out(visit: Visit) -> Response:
    """The inventory as a file, without addresses."""
    found: Response = await visit.ask(inventory_csv.export)
    return found


@router.get("/inventory")
async def what_file(visit: Visit) -> Response:
    """The file to take out, and the form to bring one in."""
    return await _form(visit, None)


@router.post("/inventory")
async def bring_in(visit: Sent) -> Response:
    """Say what a file would add, or add it; row by row what is wrong."""
    try:
        report = await visit.tell(inventory_csv.take_file, content=_file(visit), dry_run=visit.field("what") != "add")
    except RefusedError as refused:
        return await _form(visit, refused)
    return visit.show("inventory.html", report=report, keeps=True)


def _file(visit: Visiting) -> str:
    content = (visit.field("file") or "").removeprefix("\ufeff")
    if not content:
        raise RefusedError(422, "choose a file", [FieldProblem("file", "missing")])
    if UNREADABLE in content or "\0" in content:
        raise RefusedError(422, "the file is not UTF-8", [FieldProblem("file", "not_utf8")])
    return content


async def _form(visit: Visiting, refused: RefusedError | None) -> Response:
    columns = sorted({problem.field for problem in refused.problems} & set(inventory_csv.COLUMNS)) if refused else []
    if columns or (refused is not None and any(problem.code in {"not_known", "not_csv"} for problem in refused.problems)):
        refused = RefusedError(422, "this is no inventory", [FieldProblem("file", "not_an_inventory")])
    return visit.show("inventory.html", refused=refused, report=None, columns=columns, keeps=visit.who.has(*policy.KEEP_SHELTERS))
