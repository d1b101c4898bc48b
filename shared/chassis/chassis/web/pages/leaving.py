"""The way out of pages that somebody may have to leave at once: a calendar, and nothing that says where she was.

Templates of such pages extend `open.html`, whose first button leads there.
"""

import calendar
from datetime import UTC, datetime

from fastapi import Request, Response

from chassis.web.pages.frame import Pages
from chassis.web.pages.visit import language_of
from chassis.web.pages.words import JAKARTA, MONTHS, Language

ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M1 1h6v6H1z"/></svg>'


def add_way_out(pages: Pages) -> None:
    """Give a service's pages the calendar that they are left for."""

    @pages.router.get("/kalender")
    async def month(request: Request) -> Response:
        today = datetime.now(UTC).astimezone(JAKARTA).date()
        english = language_of(request) is Language.ENGLISH
        weeks = calendar.Calendar().monthdayscalendar(today.year, today.month)
        return pages.plain(request, "calendar.html", 200, weeks=weeks, today=today.day, month=f"{MONTHS[int(english)][today.month - 1]} {today.year}")

    @pages.router.get("/kalender/icon.svg")
    async def icon() -> Response:
        return Response(ICON, media_type="image/svg+xml")
