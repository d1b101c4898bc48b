"""Notifications' pages: the inbox as it fills, and the link in a message that leads to what it is about."""

from chassis.web.pages import Pages, Place, add_standing, add_way_out
from contracts.places import HOME, PLACES, STANDINGS
from contracts.vocabulary import OfficerRole

from notifications.pages.words import WORDS

pages = Pages(__name__, WORDS, [Place(*entry) for entry in PLACES], HOME)
add_standing(pages, OfficerRole.OPERATOR, beside=STANDINGS)
add_way_out(pages)
