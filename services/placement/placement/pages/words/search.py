"""Words."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

WORDS: Mapping[str, Sentence] = {}
