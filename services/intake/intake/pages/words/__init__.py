"""What intake's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

from intake.pages.words import case, codes, facts, paperlists, papers, public, report, rights

WORDS: Mapping[str, Sentence] = {
    **codes.WORDS,
    **facts.WORDS,
    **report.WORDS,
    **case.WORDS,
    **public.WORDS,
    **papers.WORDS,
    **paperlists.WORDS,
    **rights.WORDS,
}
"""All of intake's words."""
