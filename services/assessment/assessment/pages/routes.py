"""All of assessment's pages, one module for each thing that is done there."""

from assessment.pages import (
    asking,
    case,
    concluding,
    followups,
    instruments,
    offering,
    outcomes,
    pages,
    plan,
    programmes,
    queue,
    record,
    roster,
    services,
    steps,
    supervision,
)

router = pages.router

__all__ = [
    "asking",
    "case",
    "concluding",
    "followups",
    "instruments",
    "offering",
    "outcomes",
    "plan",
    "programmes",
    "queue",
    "record",
    "roster",
    "router",
    "services",
    "steps",
    "supervision",
]
