"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import (
    answers,
    bedkeeping,
    beds,
    closing,
    door,
    figures,
    house,
    inventory,
    keeping,
    newhouse,
    night,
    offers,
    pages,
    splitting,
    staying,
    waiting,
)

router = pages.router

__all__ = [
    "answers",
    "bedkeeping",
    "beds",
    "closing",
    "door",
    "figures",
    "house",
    "inventory",
    "keeping",
    "newhouse",
    "night",
    "offers",
    "router",
    "splitting",
    "staying",
    "waiting",
]
