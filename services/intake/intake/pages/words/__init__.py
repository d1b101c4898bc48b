"""What intake's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

from intake.pages.words import case, codes, facts, moves, paperlists, papers, public, record, report, rights

MODULES = (codes, facts, report, case, public, papers, paperlists, rights, record, moves)

WORDS: Mapping[str, Sentence] = {key: sentence for module in MODULES for key, sentence in module.WORDS.items()}
"""All of intake's words."""
