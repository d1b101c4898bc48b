"""All of intake's pages, one module for each thing that is done there."""

from intake.pages import case, household, pages, pairs, public, queue, report, scripts, triage
from intake.pages.papers import consents, contact, disclosures, erasing, glass, people, restrictions, rights
from intake.pages.record import agencies, documents, follows, incidents, legal, outings, pace, suspects, transfers, waiting, ways

router = pages.router

__all__ = [
    "agencies",
    "case",
    "consents",
    "contact",
    "disclosures",
    "documents",
    "erasing",
    "follows",
    "glass",
    "household",
    "incidents",
    "legal",
    "outings",
    "pace",
    "pairs",
    "people",
    "public",
    "queue",
    "report",
    "restrictions",
    "rights",
    "router",
    "scripts",
    "suspects",
    "transfers",
    "triage",
    "waiting",
    "ways",
]
