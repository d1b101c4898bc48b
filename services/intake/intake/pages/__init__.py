"""Intake's pages: whose move it is, a report, its triage, the case, persons that may be one, and the public's own form."""

from chassis.web.pages import Pages, Place, add_standing
from contracts.places import HOME, PLACES
from contracts.vocabulary import OfficerRole

from intake.pages.words import WORDS

pages = Pages(__name__, WORDS, [Place(*entry) for entry in PLACES], HOME)
add_standing(pages, OfficerRole.OPERATOR)
