"""What assessment's pages say: Indonesian first, English second. Modules of their own because translators edit them, not programmers."""

from collections.abc import Mapping

from chassis.web.pages.words import Sentence

from assessment.pages.words import asking, keeping, outcomes, plans, record, work, workers

WORDS: Mapping[str, Sentence] = {**work.WORDS, **asking.WORDS, **plans.WORDS, **outcomes.WORDS, **record.WORDS, **workers.WORDS, **keeping.WORDS}
