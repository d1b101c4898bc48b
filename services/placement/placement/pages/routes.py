"""All of placement's pages, one module for each thing that is done there."""

from placement.pages import beds, offers, pages

router = pages.router

__all__ = ["beds", "offers", "router"]
