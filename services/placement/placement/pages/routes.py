"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import beds, door, figures, keeping, night, offers, pages, staying, waiting

router = pages.router

__all__ = ["beds", "door", "figures", "keeping", "night", "offers", "router", "staying", "waiting"]
