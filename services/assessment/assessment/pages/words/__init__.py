"""What assessment's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from chassis.web.pages.words import joined

from assessment.pages.words import asking, keeping, outcomes, plans, record, work, workers

WORDS = joined(module.WORDS for module in (work, asking, plans, outcomes, record, workers, keeping))
