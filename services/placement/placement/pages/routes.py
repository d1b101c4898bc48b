"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import (
    answers,
    beds,
    door,
    figures,
    keeping,
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
    "beds",
    "door",
    "figures",
    "keeping",
    "night",
    "offers",
    "router",
    "splitting",
    "staying",
    "waiting",
]
