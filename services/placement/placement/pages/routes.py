"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import beds, night, offers, pages, staying, waiting

router = pages.router

__all__ = ["beds", "night", "offers", "router", "staying", "waiting"]
