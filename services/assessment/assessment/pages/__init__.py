"""Assessment's pages: a worker's and a supervisor's work, instruments item by item, plans, outcomes, services, programmes and follow-ups."""

from chassis.web.pages import Pages, Place, add_standing
from contracts.places import HOME, PLACES, STANDINGS
from contracts.vocabulary import OfficerRole

from assessment.pages.words import WORDS

pages = Pages(__name__, WORDS, [Place(*entry) for entry in PLACES], HOME)
add_standing(pages, OfficerRole.OPERATOR, beside=STANDINGS)
