"""All of intake's pages, one module for each thing that is done there."""

from intake.pages import case, household, pages, pairs, public, queue, report, scripts, triage
from intake.pages.record import agencies, documents, follows, incidents, legal, outings, pace, suspects, transfers, waiting, ways

router = pages.router

__all__ = [
    "agencies",
    "case",
    "documents",
    "follows",
    "household",
    "incidents",
    "legal",
    "outings",
    "pace",
    "pairs",
    "public",
    "queue",
    "report",
    "router",
    "scripts",
    "suspects",
    "transfers",
    "triage",
    "waiting",
    "ways",
]
