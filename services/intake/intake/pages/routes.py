"""All of intake's pages, one module for each thing that is done there."""

from intake.pages import case, household, pages, pairs, public, queue, report, scripts, triage
from intake.pages.papers import consents, contact, disclosures, erasing, glass, people, restrictions, rights

router = pages.router

__all__ = [
    "case",
    "consents",
    "contact",
    "disclosures",
    "erasing",
    "glass",
    "household",
    "pairs",
    "people",
    "public",
    "queue",
    "report",
    "restrictions",
    "rights",
    "router",
    "scripts",
    "triage",
]
