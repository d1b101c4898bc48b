"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import beds, keeping, night, offers, pages, staying, waiting

router = pages.router

__all__ = ["beds", "keeping", "night", "offers", "router", "staying", "waiting"]
