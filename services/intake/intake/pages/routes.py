"""All of intake's pages, one module for each thing that is done there."""

from intake.pages import case, household, pages, pairs, public, queue, report, scripts, triage

router = pages.router

__all__ = ["case", "household", "pairs", "public", "queue", "report", "router", "scripts", "triage"]
