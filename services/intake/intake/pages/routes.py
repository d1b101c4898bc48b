"""All of intake's pages, one module for each thing that is done there."""

from intake.pages import case, pages, queue, report, triage

router = pages.router

__all__ = ["case", "queue", "report", "router", "triage"]
