"""Placement's pages: whose move it is, an offer with its answer, who comes in, and the beds."""

from chassis.web.pages import Pages, Place, add_standing
from contracts.places import HOME, PLACES, STANDINGS
from contracts.vocabulary import OfficerRole

from placement.pages.words import WORDS

pages = Pages(__name__, WORDS, [Place(*entry) for entry in PLACES], HOME)
add_standing(pages, OfficerRole.OPERATOR, beside=STANDINGS)
