"""What placement's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from chassis.web.pages.words import joined

from placement.pages.words import day, figures, house, search

WORDS = joined(module.WORDS for module in (day, search, house, figures))
