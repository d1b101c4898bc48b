"""What intake's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from chassis.web.pages.words import joined

from intake.pages.words import case, codes, facts, moves, paperlists, papers, public, record, report, rights

WORDS = joined(module.WORDS for module in (codes, facts, report, case, public, papers, paperlists, rights, record, moves))
