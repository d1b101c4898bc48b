"""What placement's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

from placement.pages.words import day, figures, house, search

WORDS: Mapping[str, Sentence] = {**day.WORDS, **search.WORDS, **house.WORDS, **figures.WORDS}

__all__ = ["WORDS"]
