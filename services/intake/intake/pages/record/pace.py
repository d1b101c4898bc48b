"""How fast what waits for people is done, for the supervisor; and which kinds of shelter have room."""

from typing import Annotated

from chassis.web.pages import Visit
from fastapi import Query, Response

from intake.api import pace, reports
from intake.pages import pages

router = pages.router
DAYS = 30


@router.get("/pace")
async def see_pace(visit: Visit, days: Annotated[int, Query(ge=1, le=365)] = DAYS) -> Response:
    """The medians of time to act, matter by matter."""
    return visit.show("record/pace.html", found=await visit.ask(pace.pace, days=days), days=days)


@router.get("/availability")
async def see_availability(visit: Visit) -> Response:
    """Which kinds of shelter have room, as placement said last."""
    return visit.show("record/availability.html", found=await visit.ask(reports.availability))
