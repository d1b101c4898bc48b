"""All of intake's pages, one module for each thing that is done there."""

from intake.pages import case, household, pages, pairs, public, queue, report, scripts, triage
from intake.pages.papers import consents, disclosures

router = pages.router

__all__ = ["case", "consents", "disclosures", "household", "pairs", "public", "queue", "report", "router", "scripts", "triage"]
