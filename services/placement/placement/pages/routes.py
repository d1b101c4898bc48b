"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import beds, door, keeping, night, offers, pages, staying, waiting

router = pages.router

__all__ = ["beds", "door", "keeping", "night", "offers", "router", "staying", "waiting"]
